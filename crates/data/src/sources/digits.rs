//! The embedded digits as images of bytes.

use super::Splits;
use crate::{Images, TensorDataset, digits};
use flambeau_tensor::Result;

pub(super) fn open() -> Result<Splits> {
    Ok(Splits { train: images(&digits::train()?)?, test: images(&digits::test()?)? })
}

fn images(digits: &TensorDataset) -> Result<Images> {
    let bytes = digits.inputs().to_vec::<f32>()?.into_iter().map(|ink| (ink * 255.0).round() as u8).collect();
    let classes = (0..digits::CLASSES).map(|digit| digit.to_string()).collect();
    Images::packed(bytes, [1, digits::SIZE, digits::SIZE], digits.targets().to_vec::<i64>()?, classes)
}
