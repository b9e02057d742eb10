//! Sorting.

use super::{picked, record_selection};
use crate::backend::Pick;
use crate::{Result, Tensor};

impl Tensor {
    /// The elements in order along a dimension, and where they were. NaN is greater than every number;
    /// equal elements stay in their order.
    ///
    /// # Errors
    /// If there is no such dimension.
    pub fn sort(&self, dim: isize, descending: bool) -> Result<(Tensor, Tensor)> {
        self.sort_named("SortBackward0", dim, descending)
    }

    /// [`Tensor::sort`], which is stable anyway, under the name that PyTorch records for its stable form.
    ///
    /// # Errors
    /// As [`Tensor::sort`].
    pub fn sort_stable(&self, dim: isize, descending: bool) -> Result<(Tensor, Tensor)> {
        self.sort_named("SortBackward1", dim, descending)
    }

    fn sort_named(&self, name: &str, dim: isize, descending: bool) -> Result<(Tensor, Tensor)> {
        let dim = self.dim(dim)?;
        let (values, indices) = picked(self, Pick::Sorted { descending }, dim)?;
        let (values, indices) = (self.laid_out(values)?, self.laid_out(indices)?);
        record_selection(name, self, (&values, &indices), dim, false);
        Ok((values, indices))
    }

    /// A fresh result of this tensor's shape, with strides like its.
    fn laid_out(&self, result: Tensor) -> Result<Tensor> {
        let like = self.detach().empty_like(result.dtype())?;
        if like.is_contiguous() {
            return Ok(result);
        }
        self.backend().copy(&result.array(), &like.array())?;
        Ok(like)
    }

    /// The places of the elements in order along a dimension.
    ///
    /// # Errors
    /// If there is no such dimension.
    pub fn argsort(&self, dim: isize, descending: bool) -> Result<Tensor> {
        Ok(self.detach().sort(dim, descending)?.1)
    }

    /// The elements in order along the first dimension.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn msort(&self) -> Result<Tensor> {
        Ok(self.sort(0, false)?.0)
    }
}
