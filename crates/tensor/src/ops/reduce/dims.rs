//! Which dimensions are reduced.

use crate::{Array, DType, Error, Layout, Result, Shape, Tensor, wrap_dim};
use smallvec::SmallVec;

/// For each dimension, whether it is reduced.
pub(crate) type Mask = SmallVec<[bool; 6]>;

/// Dimensions as a mask; an empty list (or `None`) means all of them.
///
/// # Errors
/// If a dimension does not exist or is named twice.
pub(crate) fn wrap_dims(dims: Option<&[isize]>, ndim: usize) -> Result<Mask> {
    let Some(dims) = dims.filter(|d| !d.is_empty()) else {
        return Ok(SmallVec::from_elem(true, ndim));
    };
    let mut mask: Mask = SmallVec::from_elem(false, ndim.max(1));
    for &dim in dims {
        let dim = wrap_dim(dim, ndim)?;
        if std::mem::replace(&mut mask[dim], true) {
            return Err(Error::runtime(format!("dim {dim} appears multiple times in the list of dims")));
        }
    }
    mask.truncate(ndim);
    Ok(mask)
}

/// A new tensor for a reduction's result, and the array that shows it with all of the input's dimensions.
pub(crate) fn reduced_output(input: &Shape, mask: &[bool], keepdim: bool, dtype: DType) -> Result<(Tensor, Array)> {
    let kept: Shape = input.iter().zip(mask).map(|(&n, &m)| if m { 1 } else { n }).collect();
    let full = Array::uninit(Layout::contiguous(kept), dtype)?;
    if keepdim {
        return Ok((Tensor::from_array(full.clone()), full));
    }
    let shape: Shape = input.iter().zip(mask).filter(|(_, m)| !**m).map(|(&n, _)| n).collect();
    Ok((Tensor::from_array(full.with_layout(Layout::contiguous(shape))?), full))
}

/// Shows a result (or its gradient) with the reduced dimensions of size 1 again; recorded.
pub(crate) fn restore_dims(reduced: &Tensor, mask: &[bool], keepdim: bool) -> Result<Tensor> {
    if keepdim || reduced.ndim() == mask.len() {
        return Ok(reduced.clone());
    }
    let mut out = reduced.clone();
    for (d, _) in mask.iter().enumerate().filter(|(_, m)| **m) {
        out = out.unsqueeze(d as isize)?;
    }
    Ok(out)
}
