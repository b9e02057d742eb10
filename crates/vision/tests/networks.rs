//! Networks beside torchvision's, by what `fingerprints.py` has written: names and shapes of all tensors, and scores from
//! the same seed, after a training pass.

use flambeau::nn::Layer;
use flambeau::prelude::*;
use flambeau::vision::models;
use serde_json::Value;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One network of each family, and few of the larger ones.
const ONE_OF_EACH: [&str; 12] = [
    "convnext_tiny",
    "deeplabv3_mobilenet_v3_large",
    "densenet121",
    "efficientnet_b0",
    "googlenet",
    "inception_v3",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "resnet18",
    "resnext50_32x4d",
    "shufflenet_v2_x0_5",
    "squeezenet1_1",
];

fn fingerprints() -> serde_json::Map<String, Value> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/networks.json");
    match serde_json::from_str(&std::fs::read_to_string(file).expect("a file")).expect("JSON") {
        Value::Object(entries) => entries,
        other => panic!("not an object: {other}"),
    }
}

/// The generator is everybody's: one test at a time draws from it.
fn alone() -> MutexGuard<'static, ()> {
    static DRAWING: Mutex<()> = Mutex::new(());
    DRAWING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The 64-bit FNV-1a hash.
fn fnv(text: &str) -> String {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    format!("{:016x}", text.bytes().fold(0xcbf2_9ce4_8422_2325, step))
}

fn check(name: &str, expected: &Value) -> Result<()> {
    flambeau::manual_seed(0);
    let network: Box<dyn Layer> = models::get_model(name, 10)?;
    let state = network.state_dict();
    assert_eq!(state.len() as u64, expected["tensors"].as_u64().expect("a count"), "{name}");
    let listing: String = state.iter().map(|(key, tensor)| format!("{key} {:?}\n", &*tensor.shape())).collect();
    assert_eq!(fnv(&listing), expected["digest"], "{name}: names and shapes differ from torchvision's:\n{listing}");

    flambeau::manual_seed(1);
    let images = Tensor::randn([2, 3, 80, 80], DType::F32)?;
    let scores = flambeau::autograd::no_grad(|| {
        if expected["trained"] == true {
            flambeau::manual_seed(2);
            network.forward(&images)?;
        }
        network.eval();
        network.forward(&images)
    })?;
    let scores = if scores.ndim() == 4 { scores.slice(2, None, None, 20)?.slice(3, None, None, 20)? } else { scores };
    let scores: Vec<f32> = scores.contiguous()?.to_vec()?;
    let expected: Vec<f32> = serde_json::from_value(expected["scores"].clone()).expect("numbers");
    assert_eq!(scores.len(), expected.len(), "{name}");
    let largest = expected.iter().fold(0f32, |largest, x| largest.max(x.abs()));
    let difference = scores.iter().zip(&expected).fold(0f32, |worst, (a, b)| worst.max((a - b).abs()));
    assert!(difference <= 1e-4 * largest, "{name}: scores differ by {difference}, of {largest}");
    Ok(())
}

#[test]
fn networks_are_torchvisions() {
    let _alone = alone();
    let fingerprints = fingerprints();
    for name in ONE_OF_EACH {
        check(name, &fingerprints[name]).expect(name);
    }
}

/// Gigabytes and minutes: `cargo test --release -p flambeau-vision -- --ignored`.
#[test]
#[ignore = "takes minutes and gigabytes"]
fn every_network_is_torchvisions() {
    let _alone = alone();
    for (name, expected) in &fingerprints() {
        check(name, expected).expect(name);
    }
}

#[test]
fn there_is_a_fingerprint_for_every_network() {
    let _alone = alone();
    let fingerprints = fingerprints();
    let others = |name: &str| matches!(name, "lenet" | "unet") || name.starts_with("efficientnet_lite");
    let missing: Vec<&str> =
        models::list_models().into_iter().filter(|name| !others(name) && !fingerprints.contains_key(*name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(fingerprints.keys().all(|name| models::list_models().contains(&name.as_str())));
}

#[test]
fn networks_of_other_origin_run() {
    let _alone = alone();
    let cases = [("lenet", [2, 1, 32, 32], vec![2, 5]), ("unet", [1, 3, 37, 50], vec![1, 5, 37, 50])];
    for (name, input, output) in cases {
        let network = models::get_model(name, 5).expect(name);
        let image = Tensor::ones(input, DType::F32).expect("an image");
        assert_eq!(network.forward(&image).expect(name).shape(), output[..], "{name}");
    }
    assert!(models::get_model("resnet7", 5).is_err());
}
