//! Products of matrices, and what is made of them.

mod add;
mod decompose;
mod einsum;
mod matmul;
mod matrix;
mod norm;
mod product;
mod vector;

pub use decompose::QrMode;
pub use einsum::{einsum, tensordot};
pub use matmul::{bilinear, linear};
pub use matrix::chain_matmul;
pub use norm::MatrixNorm;

use crate::{Result, Scalar, Tensor};

/// `tensor * factor`, or the tensor itself for a factor of 1.
fn scaled(tensor: &Tensor, factor: Scalar) -> Result<Tensor> {
    if factor.to_f64() == 1.0 {
        return Ok(tensor.clone());
    }
    // An integer tensor takes an integer factor, as a C cast makes it.
    if tensor.dtype().is_differentiable() { tensor.mul(factor) } else { tensor.mul(factor.to_i64()) }
}

#[cfg(test)]
mod tests;
