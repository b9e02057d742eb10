//! Sums along dimensions.

use crate::{Result, Tensor, wrap_dim};

/// The dimensions of the parts that are those of the complex tensor: all but the last.
fn leading(x: &Tensor, dims: &[isize]) -> Result<Vec<isize>> {
    let ndim = x.ndim();
    if dims.is_empty() {
        return Ok((0..ndim as isize).collect());
    }
    dims.iter().map(|&dim| Ok(wrap_dim(dim, ndim)? as isize)).collect()
}

fn reduced(x: &Tensor, dims: &[isize], reduce: impl FnOnce(&Tensor, &[isize]) -> Result<Tensor>) -> Result<Tensor> {
    let dims = leading(x, dims)?;
    let parts = x.view_as_real()?;
    // A complex tensor without dimensions is its own sum.
    let parts = if x.ndim() == 0 { parts } else { reduce(&parts, &dims)? };
    parts.contiguous()?.view_as_complex()
}

/// The sum of complex numbers along dimensions, all if none is named.
pub(crate) fn sum(x: &Tensor, dims: &[isize], keepdim: bool) -> Result<Tensor> {
    reduced(x, dims, |parts, dims| parts.sum_dims(dims, keepdim, None))
}

/// Their mean.
pub(crate) fn mean(x: &Tensor, dims: &[isize], keepdim: bool) -> Result<Tensor> {
    reduced(x, dims, |parts, dims| parts.mean_dims(dims, keepdim, None))
}
