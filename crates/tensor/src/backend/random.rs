//! Primitive operations: random numbers, drawn as PyTorch draws them.

use crate::{Array, Generator, Result};

pub use flambeau_kernels::random::Distribution;

/// How a backend draws random numbers.
pub trait Random {
    /// Fills an array of any layout without repetitions: in the order in which its elements lie in
    /// memory, as PyTorch does.
    ///
    /// # Errors
    /// If the array cannot be accessed.
    fn sample(&self, distribution: Distribution, generator: &Generator, out: &Array) -> Result<()>;

    /// For each element of a dense row-major array of probabilities, 1 with that probability and
    /// else 0. Float64 probabilities are compared with 53 random bits, others with 24.
    ///
    /// # Errors
    /// If the arrays cannot be accessed.
    fn sample_bernoulli(&self, probabilities: &Array, generator: &Generator, out: &Array) -> Result<()>;

    /// For each rate of a dense row-major array, a sample of the Poisson distribution.
    ///
    /// # Errors
    /// If the arrays cannot be accessed.
    fn sample_poisson(&self, rates: &Array, generator: &Generator, out: &Array) -> Result<()>;

    /// The numbers from 0 in random order, into a dense int64 array of one dimension.
    ///
    /// # Errors
    /// If the array cannot be accessed.
    fn permutation(&self, generator: &Generator, out: &Array) -> Result<()>;
}
