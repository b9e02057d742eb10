//! Primitive operations: convolution and its two gradients.

use crate::{Array, Result};
use flambeau_kernels::conv::Geometry;

/// What a backend computes of convolutions. Each pass is linear in both operands, and the
/// gradient of each is another of them.
///
/// Images are `(N, C, spatial…)` with one to three spatial dimensions, weights
/// `(out_channels, in_channels / groups, kernel…)`, biases `(channels)`. All share a dtype;
/// 16-bit floats are summed in float32 and rounded once. Output images are dense in some memory
/// format; operands may have any strides. Outputs alias no input.
pub trait Convolution {
    /// `output = convolution(input, weight) + bias`. A weight that is `constant` is expected to serve
    /// again, so that what is made of it may be kept.
    ///
    /// # Errors
    /// If there is not enough memory.
    fn convolution(
        &self,
        geometry: &Geometry,
        input: &Array,
        weight: &Array,
        bias: Option<&Array>,
        constant: bool,
        output: &Array,
    ) -> Result<()>;

    /// The gradient of the input: a transposed convolution, to which `bias` (of the input's
    /// channels) may be added; `constant` as above.
    ///
    /// # Errors
    /// If there is not enough memory.
    fn convolution_data_gradient(
        &self,
        geometry: &Geometry,
        grad_output: &Array,
        weight: &Array,
        bias: Option<&Array>,
        constant: bool,
        grad_input: &Array,
    ) -> Result<()>;

    /// The gradient of the weight, a contiguous array.
    ///
    /// # Errors
    /// If there is not enough memory.
    fn convolution_weight_gradient(
        &self,
        geometry: &Geometry,
        input: &Array,
        grad_output: &Array,
        grad_weight: &Array,
    ) -> Result<()>;
}
