//! 1,797 handwritten digits, 8 by 8 pixels: the test set of the UCI collection "Optical
//! Recognition of Handwritten Digits" (E. Alpaydin, C. Kaynak, 1998), as scikit-learn ships it
//! (BSD-3-Clause, see COPYING beside the data). Embedded in the program, so that there is always
//! something to learn from.

use crate::TensorDataset;
use flambeau_tensor::{Error, Result, Tensor};
use std::io::Read;

const COMPRESSED: &[u8] = include_bytes!("digits.csv.gz");

/// Height and width of an image.
pub const SIZE: usize = 8;
/// Different digits.
pub const CLASSES: usize = 10;
/// Every fifth sample is held out for testing.
const TEST_EVERY: usize = 5;

/// The samples to learn from: images `(1438, 1, 8, 8)`, float32 from 0 (paper) to 1 (ink), and
/// labels `(1438,)`, int64.
///
/// # Errors
/// If there is not enough memory.
pub fn train() -> Result<TensorDataset> {
    select(|number| number % TEST_EVERY != TEST_EVERY - 1)
}

/// The samples to test with: images `(359, 1, 8, 8)` and labels `(359,)`.
///
/// # Errors
/// If there is not enough memory.
pub fn test() -> Result<TensorDataset> {
    select(|number| number % TEST_EVERY == TEST_EVERY - 1)
}

fn select(wanted: impl Fn(usize) -> bool) -> Result<TensorDataset> {
    let mut text = String::new();
    flate2::read::GzDecoder::new(COMPRESSED)
        .read_to_string(&mut text)
        .map_err(|e| Error::file(format!("the embedded digits: {e}")))?;
    let (mut pixels, mut labels) = (Vec::<f32>::new(), Vec::<i64>::new());
    for line in text.lines().enumerate().filter(|(number, _)| wanted(*number)).map(|(_, line)| line) {
        let mut values = line.split(',').filter_map(|v| v.trim().parse::<f32>().ok());
        // A pixel counts the ink of a 4 by 4 block: 0 to 16.
        pixels.extend(values.by_ref().take(SIZE * SIZE).map(|v| v / 16.0));
        labels.extend(values.next().map(|label| label as i64));
    }
    let count = labels.len();
    TensorDataset::new(Tensor::from_slice(&pixels, [count, 1, SIZE, SIZE])?, Tensor::from_slice(&labels, [count])?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dataset;

    #[test]
    fn all_digits_are_there() -> Result<()> {
        let (train, test) = (train()?, test()?);
        assert_eq!((train.len(), test.len()), (1438, 359));
        let mut counts = [0; CLASSES];
        for set in [&train, &test] {
            set.targets().to_vec::<i64>()?.into_iter().for_each(|label| counts[label as usize] += 1);
            assert!(set.inputs().to_vec::<f32>()?.iter().all(|p| (0.0..=1.0).contains(p)));
        }
        // Known of the collection.
        assert_eq!(counts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
        Ok(())
    }
}
