//! Dropout.

use crate::compute::{Compute, Inputs};
use flambeau_tensor::{DType, Error, Generator, Result, Tensor, default_generator};

/// Random zeros, in training; else nothing. Inputs: `data`, the share of zeros, and whether this is
/// training; the last two may be absent. Results: the data, and where they were kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    /// The share of zeros where none is given.
    pub ratio: f64,
    /// Where random numbers come from; the library's own generator if absent.
    pub seed: Option<u64>,
}

impl Compute for Dropout {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let x = inputs.get(0, "data")?;
        let ratio = inputs.optional_number(1, "ratio")?.unwrap_or(self.ratio);
        let training = inputs.optional_number(2, "training_mode")?.is_some_and(|t| t != 0.0);
        if !(0.0..=1.0).contains(&ratio) {
            return Err(Error::value(format!("the ratio should be from 0 to 1, but is {ratio}")));
        }
        if !training || ratio == 0.0 {
            return Ok(vec![x.clone(), Tensor::ones(x.shape(), DType::Bool)?]);
        }
        let generator = self.seed.map_or_else(default_generator, Generator::seeded);
        let keep =
            Tensor::full(x.shape(), 1.0 - ratio, DType::F32)?.bernoulli(Some(&generator))?.to_dtype(DType::Bool)?;
        let scale = if ratio == 1.0 { 0.0 } else { 1.0 / (1.0 - ratio) };
        Ok(vec![x.mul(&keep.to_dtype(x.dtype())?)?.mul(scale)?, keep])
    }
}
