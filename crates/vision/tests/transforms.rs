//! Transforms beside torchvision's, by numbers that `tests/fingerprints.py` has written.

use flambeau_tensor::{DType, Tensor, manual_seed};
use flambeau_vision::transforms::*;
use serde_json::Value;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The generator is everybody's: one test at a time draws from it.
static DRAWING: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    DRAWING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The image that the script makes too: bytes that look like noise.
fn image() -> Tensor {
    let (height, width) = (37, 52);
    let byte = |i: usize| ((i as u64).wrapping_mul(2_654_435_761) >> 7) as u8;
    let bytes: Vec<u8> = (0..3 * height * width).map(byte).collect();
    Tensor::from_slice(&bytes, [3, height, width]).expect("an image")
}

/// Transforms by the names that the script gives them.
fn transforms() -> Vec<(&'static str, Box<dyn Transform>)> {
    let float = || Compose::new().push(ToFloat);
    vec![
        ("resize", Box::new(Resize::shorter_side(20))),
        ("resize bicubic", Box::new(Resize::new((23, 30)).interpolation(Interpolation::Bicubic))),
        ("resize nearest", Box::new(Resize::new(23).interpolation(Interpolation::Nearest))),
        ("center crop", Box::new(CenterCrop::new((41, 30)))),
        ("pad", Box::new(Pad::sides(1, 2, 3, 4).fill(9.0))),
        ("normalize", Box::new(float().push(Normalize::imagenet()))),
        ("grayscale", Box::new(Grayscale)),
        ("horizontal flip", Box::new(RandomHorizontalFlip::new(0.5))),
        ("vertical flip", Box::new(RandomVerticalFlip::new(0.4))),
        ("random crop", Box::new(RandomCrop::new((20, 21)).padding(4))),
        ("random resized crop", Box::new(RandomResizedCrop::new(16))),
        ("hopeless", Box::new(RandomResizedCrop::new(16).ratio(9.0, 10.0).scale(0.9, 1.0))),
        ("jitter", Box::new(ColorJitter::new(0.4, 0.3, 0.5, 0.2).expect("ranges"))),
        ("jitter floats", Box::new(float().push(ColorJitter::new(0.4, 0.3, 0.5, 0.2).expect("ranges")))),
        ("erase", Box::new(RandomErasing::new(0.8).expect("a probability"))),
        ("erase with a colour", Box::new(RandomErasing::new(1.0).expect("a probability").value([1.0, 2.0, 3.0]))),
        ("erase with noise", Box::new(float().push(RandomErasing::new(1.0).expect("a probability").noise()))),
    ]
}

#[test]
fn one_seed_gives_torchvisions_images() {
    let _alone = alone();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/transforms.json");
    let expected: Value = serde_json::from_str(&std::fs::read_to_string(file).expect("a file")).expect("JSON");
    let transforms = transforms();
    assert_eq!(expected.as_object().map(serde_json::Map::len), Some(transforms.len()));
    for (name, transform) in transforms {
        manual_seed(7);
        for (turn, expected) in expected[name].as_array().expect("a list").iter().enumerate() {
            let result = transform.apply(&image()).expect(name);
            let shape: Vec<usize> = serde_json::from_value(expected["shape"].clone()).expect("a shape");
            assert_eq!(result.shape(), shape[..], "{name}, turn {turn}");
            let tolerance = if result.dtype() == DType::U8 { 1.0 } else { 2e-5 };
            let numbers = result.to_dtype(DType::F64).and_then(|t| t.to_vec::<f64>()).expect("numbers");
            let samples = expected["samples"].as_array().expect("a list").iter().map(|n| n.as_f64().expect("a number"));
            // Every 97th number is written down, and the sum of all.
            for (at, sample) in samples.enumerate() {
                let number = numbers[at * 97];
                assert!((number - sample).abs() <= tolerance, "{name}, turn {turn}, {at}: {number}, not {sample}");
            }
            let (sum, size) = (numbers.iter().sum::<f64>(), numbers.len() as f64);
            let expected = expected["sum"].as_f64().expect("a number");
            assert!((sum - expected).abs() <= 0.02 * tolerance * size, "{name}, turn {turn}: {sum}, not {expected}");
        }
    }
}

#[test]
fn crops_reach_beyond_images() {
    let image = Tensor::ones([1, 2, 2], DType::F32).expect("an image");
    for (corner, total) in [([-1, -1], 4.0), ([-5, 0], 0.0), ([1, 1], 1.0), ([7, 7], 0.0)] {
        let part = functional::crop(&image, corner, [4, 4]).expect("a part");
        assert_eq!(part.shape(), [1, 4, 4]);
        assert_eq!(part.sum().and_then(|sum| sum.item()).expect("a number").to_f64(), total, "{corner:?}");
    }
}

#[test]
fn what_is_no_image_is_an_error() {
    let _alone = alone();
    let line = Tensor::ones([4], DType::F32).expect("a tensor");
    for (name, transform) in transforms() {
        // Some do something by chance only.
        assert!((0..64).any(|_| transform.apply(&line).is_err()), "{name}");
    }
    let bytes = image();
    assert!(functional::normalize(&bytes, &[0.0; 3], &[1.0; 3]).is_err());
    assert!(functional::normalize(&functional::to_float(&bytes).expect("floats"), &[0.0; 3], &[0.0; 3]).is_err());
    assert!(ColorJitter::new(0.0, 0.0, 0.0, 0.6).is_err() && ColorJitter::new(-1.0, 0.0, 0.0, 0.0).is_err());
    assert!(RandomErasing::new(1.5).is_err());
    assert!(RandomCrop::new(99).apply(&bytes).is_err());
}
