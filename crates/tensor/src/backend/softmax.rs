//! Primitive operations: softmax and its logarithm.

use crate::{Array, Result};

/// How a backend computes softmax. Arrays are contiguous, float32 or float64, and all of one shape.
pub trait Softmax {
    /// `out = softmax(input)` along a dimension, or its logarithm.
    ///
    /// # Errors
    /// If the dtype is another.
    fn softmax(&self, log: bool, dim: usize, input: &Array, out: &Array) -> Result<()>;

    /// The gradient of the input, from the output and its gradient.
    ///
    /// # Errors
    /// If the dtype is another.
    fn softmax_gradient(&self, log: bool, dim: usize, inputs: [&Array; 2], out: &Array) -> Result<()>;
}
