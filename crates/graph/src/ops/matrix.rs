//! Matrix products.

use super::conv::centred;
use super::quantize::{per_axis, quantized};
use crate::compute::{Compute, Inputs};
use flambeau_tensor::{DType, Error, Result, Tensor};

/// `alpha · A' · B' + beta · C`, where `A'` and `B'` are `A` and `B` or their transposes, and `C`
/// may be absent.
#[derive(Clone, Debug, PartialEq)]
pub struct Gemm {
    /// The factor of the product.
    pub alpha: f64,
    /// The factor of `C`.
    pub beta: f64,
    /// Whether `A` is transposed.
    pub transpose_a: bool,
    /// Whether `B` is transposed.
    pub transpose_b: bool,
}

impl Compute for Gemm {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let matrix = |index, name, transpose: bool| {
            let matrix = inputs.get(index, name)?;
            if matrix.ndim() != 2 {
                return Err(Error::shape(format!("{name} should be a matrix, but has the shape {}", matrix.shape())));
            }
            if transpose { matrix.t() } else { Ok(matrix.clone()) }
        };
        let (a, b) = (matrix(0, "A", self.transpose_a)?, matrix(1, "B", self.transpose_b)?);
        // Factors of integers are integers.
        let scaled = |tensor: Tensor, factor: f64| match factor {
            1.0 => Ok(tensor),
            _ if tensor.dtype().is_floating_point() => tensor.mul(factor),
            _ => tensor.to_dtype(DType::F64)?.mul(factor)?.to_dtype(tensor.dtype()),
        };
        let product = scaled(a.mm(&b)?, self.alpha)?;
        let Some(c) = inputs.optional(2) else { return Ok(vec![product]) };
        let result = product.add(&scaled(c.clone(), self.beta)?)?;
        if result.shape() != product.shape() {
            return Err(Error::shape(format!("C of shape {} does not broadcast to {}", c.shape(), product.shape())));
        }
        Ok(vec![result])
    }
}

/// Matrix product over the last two axes, as NumPy's `matmul`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MatMul;

impl Compute for MatMul {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        Ok(vec![inputs.get(0, "A")?.matmul(inputs.get(1, "B")?)?])
    }
}

/// The axis of rows of a left matrix, or of columns of a right one.
fn side(tensor: &Tensor, from_end: usize) -> usize {
    tensor.ndim().saturating_sub(from_end)
}

/// Matrix product of bytes into int32: `A`, `B`, and their zero points, which may be absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MatMulInteger;

impl Compute for MatMulInteger {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let (a, b) = (inputs.get(0, "A")?, inputs.get(1, "B")?);
        let a = centred(a, inputs.optional(2), side(a, 2))?;
        let b = centred(b, inputs.optional(3), side(b, 1))?;
        Ok(vec![a.matmul(&b)?.to_dtype(DType::I32)?])
    }
}

/// Matrix product of quantised numbers: `a`, its scale and zero point, the same of `b` and of the
/// result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QLinearMatMul;

impl Compute for QLinearMatMul {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let (a, b) = (inputs.get(0, "a")?, inputs.get(3, "b")?);
        let product =
            centred(a, inputs.optional(2), side(a, 2))?.matmul(&centred(b, inputs.optional(5), side(b, 1))?)?;
        let wide = |index, name| inputs.get(index, name)?.to_dtype(DType::F64);
        let a_scale = per_axis(&wide(1, "a_scale")?, side(a, 2), a.ndim())?;
        let b_scale = per_axis(&wide(4, "b_scale")?, side(b, 1), b.ndim())?;
        let real = product.mul(&a_scale)?.mul(&b_scale)?;
        Ok(vec![quantized(&real, &wide(6, "y_scale")?, inputs.get(7, "y_zero_point")?)?])
    }
}

/// The sum of products that an equation in Einstein's notation says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Einsum {
    /// The equation: `ij,jk->ik`.
    pub equation: String,
}

impl Compute for Einsum {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        Ok(vec![flambeau_tensor::ops::einsum(&self.equation, &inputs.all()?)?])
    }
}
