//! Primitive operations: activation functions and their derivatives.

use crate::{Array, Result, Scalar};

pub use flambeau_kernels::elementwise::{Activation, Order};

/// What a backend computes of activation functions. Arrays share a floating-point dtype and a
/// shape; 16-bit floats are computed in float32. The output may be the very same elements as an
/// input.
pub trait Activations {
    /// `output = f(input)`.
    ///
    /// # Errors
    /// If there is no such function for the dtype.
    fn activation(&self, f: Activation, parameters: [Scalar; 2], input: &Array, output: &Array) -> Result<()>;

    /// `output = factor · f'(input)`, or with the second derivative.
    ///
    /// # Errors
    /// If there is no such function for the dtype.
    fn activation_derivative(
        &self,
        f: Activation,
        order: Order,
        parameters: [Scalar; 2],
        inputs: [&Array; 2],
        output: &Array,
    ) -> Result<()>;
}
