//! Copies with the elements in another order, or several times.

use crate::ops::cat;
use crate::{Error, MemoryFormat, Result, Tensor};

impl Tensor {
    /// The elements in reverse order along these dimensions.
    ///
    /// # Errors
    /// If a dimension is out of range or named twice.
    pub fn flip(&self, dims: &[isize]) -> Result<Tensor> {
        let mut seen = vec![false; self.ndim()];
        let mut result = self.clone_in(MemoryFormat::Preserve)?;
        for &dim in dims {
            let at = crate::wrap_dim(dim, self.ndim())?;
            let Some(seen) = seen.get_mut(at) else { continue };
            if std::mem::replace(seen, true) {
                return Err(Error::runtime(format!("dim {at} appears multiple times in the list of dims")));
            }
            let last = self.shape()[at] as i64 - 1;
            result = result.index_select(dim, &Tensor::arange(last, -1i64, -1i64, crate::DType::I64)?)?;
        }
        Ok(result)
    }

    /// The elements moved on by `shifts` along `dims`; what goes over the end comes back at the
    /// beginning. Without dimensions the tensor is taken as flat.
    ///
    /// # Errors
    /// If there is not one shift for each dimension, or a dimension is out of range.
    pub fn roll(&self, shifts: &[isize], dims: &[isize]) -> Result<Tensor> {
        if shifts.is_empty() {
            return Err(Error::runtime("`shifts` required"));
        }
        if dims.is_empty() && shifts.len() == 1 {
            return self.flatten(0, -1)?.roll(shifts, &[0])?.view_as(self);
        }
        if shifts.len() != dims.len() {
            return Err(Error::runtime(format!(
                "shifts and dimensions must align. shifts: {}, dims:{}",
                shifts.len(),
                dims.len()
            )));
        }
        if self.ndim() == 0 {
            return Err(Error::index(format!("Dimension specified as {} but tensor has no dimensions", dims[0])));
        }
        let mut result = self.clone_in(MemoryFormat::Contiguous)?;
        for (&shift, &dim) in shifts.iter().zip(dims) {
            let size = self
                .dim(dim)
                .and_then(|at| self.shape().get(at).copied().ok_or_else(|| Error::dimension(dim, self.ndim())))?;
            if size == 0 {
                continue;
            }
            let start = (-shift).rem_euclid(size as isize);
            let head = result.narrow(dim, start, size - start as usize)?;
            let tail = result.narrow(dim, 0, start as usize)?;
            result = cat(&[&head, &tail], dim)?;
        }
        Ok(result)
    }

    /// The tensor `repeats[d]` times along each dimension `d`; new dimensions come first.
    ///
    /// # Errors
    /// If there are fewer numbers than dimensions, or one is negative.
    pub fn repeat(&self, repeats: &[isize]) -> Result<Tensor> {
        let Some(new) = repeats.len().checked_sub(self.ndim()) else {
            return Err(Error::runtime(
                "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor",
            ));
        };
        let sizes: Vec<isize> =
            std::iter::repeat_n(1, new).chain(self.shape().iter().map(|&size| size as isize)).collect();
        let target: Vec<isize> = sizes.iter().zip(repeats).map(|(&size, &times)| size * times).collect();
        if let Some(size) = target.iter().find(|&&size| size < 0) {
            let list: Vec<String> = target.iter().map(isize::to_string).collect();
            return Err(Error::runtime(format!(
                "Trying to create tensor with negative dimension {size}: [{}]",
                list.join(", ")
            )));
        }
        // A dimension of size 1 before each one takes the repetitions without a copy.
        let with_ones: Vec<isize> = sizes.iter().flat_map(|&size| [1, size]).collect();
        let expanded: Vec<isize> = sizes.iter().zip(repeats).flat_map(|(&size, &times)| [times, size]).collect();
        self.reshape(&with_ones)?.expand(&expanded)?.clone_in(MemoryFormat::Contiguous)?.reshape(&target)
    }

    /// As [`Tensor::repeat`]; missing numbers count as 1 and come first.
    ///
    /// # Errors
    /// If a number is negative.
    pub fn tile(&self, repeats: &[isize]) -> Result<Tensor> {
        let missing = self.ndim().saturating_sub(repeats.len());
        let repeats: Vec<isize> = std::iter::repeat_n(1, missing).chain(repeats.iter().copied()).collect();
        self.repeat(&repeats)
    }
}
