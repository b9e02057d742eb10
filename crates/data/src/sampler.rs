//! In which order samples are visited.

use flambeau_tensor::{DType, Generator, Result};

/// Gives the numbers of the samples of one epoch.
pub trait Sampler: Send + Sync {
    /// The order for another pass over `len` samples. `generator` is the loader's.
    ///
    /// # Errors
    /// If there is not enough memory, or whatever makes the order fails.
    fn order(&self, len: usize, generator: &Generator) -> Result<Vec<usize>>;
}

/// First to last.
#[derive(Clone, Copy, Debug, Default)]
pub struct SequentialSampler;

impl Sampler for SequentialSampler {
    fn order(&self, len: usize, _: &Generator) -> Result<Vec<usize>> {
        Ok((0..len).collect())
    }
}

/// A permutation, another one every epoch; the same as PyTorch's from the same seed.
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomSampler;

impl Sampler for RandomSampler {
    fn order(&self, len: usize, generator: &Generator) -> Result<Vec<usize>> {
        permutation(len, generator)
    }
}

/// The numbers below `len` in PyTorch's random order.
pub(crate) fn permutation(len: usize, generator: &Generator) -> Result<Vec<usize>> {
    let order = generator.randperm(len, DType::I64)?.to_vec::<i64>()?;
    Ok(order.into_iter().map(|i| i as usize).collect())
}
