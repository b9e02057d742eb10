//! Layers as functions: what [`crate::modules`] compute, on tensors given by the caller.
//!
//! Names, defaults and errors are those of `torch.nn.functional`; options that PyTorch takes by
//! keyword are structs with builder methods.

mod conv;
mod loss;
mod pool;

pub use conv::{
    Conv1dOptions, Conv2dOptions, Conv3dOptions, ConvOptions, conv_transpose1d, conv_transpose2d, conv_transpose3d,
    conv1d, conv2d, conv3d,
};
pub use loss::{binary_cross_entropy_with_logits, cross_entropy, l1_loss, mse_loss, nll_loss};
pub use pool::{
    Pool2dOptions, adaptive_avg_pool2d, adaptive_max_pool2d, avg_pool2d, avg_pool2d_with, max_pool2d, max_pool2d_with,
};

use flambeau_tensor::{Result, Tensor};

/// `input · weightᵀ + bias`, from `(…, in_features)` to `(…, out_features)`.
///
/// # Errors
/// If the sizes do not fit.
pub fn linear(input: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    crate::precision::product(input, weight, bias, flambeau_tensor::ops::linear)
}

/// `max(x, 0)`.
///
/// # Errors
/// If there is not enough memory.
pub fn relu(input: &Tensor) -> Result<Tensor> {
    input.relu()
}

/// Sets each element to 0 with probability `p` and divides the rest by `1 - p`, if `training`.
///
/// # Errors
/// If `p` is not between 0 and 1.
pub fn dropout(input: &Tensor, p: f64, training: bool) -> Result<Tensor> {
    input.dropout(p, training)
}
