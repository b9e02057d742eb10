//! Parts of a tensor: slices, single indices, diagonals, windows.

use crate::{Error, Layout, Result, Tensor, wrap_dim};

impl Tensor {
    /// `length` indices of a dimension from `start` on; a negative start counts from the end.
    ///
    /// # Errors
    /// If the dimension does not exist or the range lies outside it.
    pub fn narrow(&self, dim: isize, start: isize, length: usize) -> Result<Tensor> {
        if self.ndim() == 0 {
            return Err(Error::runtime("narrow() cannot be applied to a 0-dim tensor."));
        }
        let wrapped = self.dim(dim)?;
        let size = self.shape()[wrapped] as isize;
        if start < -size || start > size {
            return Err(Error::index(format!(
                "start out of range (expected to be in range of [{}, {size}], but got {start})",
                -size
            )));
        }
        let start = if start < 0 { start + size } else { start };
        if start + length as isize > size {
            return Err(Error::runtime(format!(
                "start ({start}) + length ({length}) exceeds dimension size ({size})."
            )));
        }
        self.slice(wrapped as isize, Some(start), Some(start + length as isize), 1)
    }

    /// Every `step`-th index of a dimension from `start` to before `end`; ends beyond the
    /// dimension are brought back into it, and negative ones count from its end.
    ///
    /// # Errors
    /// If the dimension does not exist or the step is not positive.
    pub fn slice(&self, dim: isize, start: Option<isize>, end: Option<isize>, step: isize) -> Result<Tensor> {
        if self.ndim() == 0 {
            return Err(Error::runtime("slice() cannot be applied to a 0-dim tensor."));
        }
        let dim = self.dim(dim)?;
        if step <= 0 {
            return Err(Error::runtime("slice step must be positive"));
        }
        let layout = self.layout();
        let size = layout.shape()[dim] as isize;
        let bring = |at: isize| if at < 0 { at.saturating_add(size).max(0) } else { at.min(size) };
        let start = bring(start.unwrap_or(0));
        let end = bring(end.unwrap_or(size)).max(start);
        let (mut shape, mut strides) = (layout.shape().clone(), layout.strides().to_vec());
        let offset = layout.offset() + start as usize * strides[dim];
        shape[dim] = ((end - start) as usize).div_ceil(step as usize);
        strides[dim] = strides[dim].saturating_mul(step as usize);
        let dim = dim as isize;
        self.recorded_part("SliceBackward0", Layout::strided(shape, &strides, offset), move |x| {
            x.slice(dim, Some(start), Some(end), step)
        })
    }

    /// One index of a dimension, which the result no longer has.
    ///
    /// # Errors
    /// If the dimension or the index does not exist.
    pub fn select(&self, dim: isize, index: isize) -> Result<Tensor> {
        let layout = self.layout();
        if layout.ndim() == 0 {
            return Err(Error::index("select() cannot be applied to a 0-dim tensor."));
        }
        let dim = self.dim(dim)?;
        let size = layout.shape()[dim] as isize;
        if index < -size || index >= size {
            return Err(Error::index(format!(
                "select(): index {index} out of range for tensor of size {} at dimension {dim}",
                layout.shape()
            )));
        }
        let at = if index < 0 { index + size } else { index };
        let (mut shape, mut strides) = (layout.shape().to_vec(), layout.strides().to_vec());
        shape.remove(dim);
        let offset = layout.offset() + at as usize * strides.remove(dim);
        let dim = dim as isize;
        self.recorded_part("SelectBackward0", Layout::strided(shape, &strides, offset), move |x| x.select(dim, at))
    }

    /// The elements of two dimensions whose indices differ by `offset`, as a new last dimension.
    ///
    /// # Errors
    /// If a dimension does not exist or both are the same.
    pub fn diagonal(&self, offset: isize, dim1: isize, dim2: isize) -> Result<Tensor> {
        let layout = self.layout();
        let ndim = layout.ndim();
        let (a, b) = (wrap_dim(dim1, ndim)?, wrap_dim(dim2, ndim)?);
        if a == b {
            return Err(Error::runtime(format!("diagonal dimensions cannot be identical {dim1}, {dim2}")));
        }
        let (mut shape, mut strides) = (layout.shape().to_vec(), layout.strides().to_vec());
        let (rows, columns) = (shape[a] as isize, shape[b] as isize);
        let length = if offset >= 0 { rows.min(columns - offset) } else { (rows + offset).min(columns) }.max(0);
        let mut start = layout.offset();
        if length > 0 {
            start += if offset >= 0 { offset as usize * strides[b] } else { -offset as usize * strides[a] };
        }
        let stride = strides[a] + strides[b];
        for dim in [a.max(b), a.min(b)] {
            shape.remove(dim);
            strides.remove(dim);
        }
        shape.push(length as usize);
        strides.push(stride);
        let (a, b) = (a as isize, b as isize);
        self.recorded_part("DiagonalBackward0", Layout::strided(shape, &strides, start), move |x| {
            x.diagonal(offset, a, b)
        })
    }
}
