//! All, any, and counting.

use super::{reduce_raw, wrap_dims};
use crate::backend::ReduceOp;
use crate::{DType, Result, Tensor};

impl Tensor {
    /// Whether all elements are true (not zero), as a tensor without dimensions.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn all(&self) -> Result<Tensor> {
        self.all_dims(&[], false)
    }

    /// Whether all elements along dimensions (all of them if none is named) are true. Of uint8 the
    /// answer is uint8.
    ///
    /// # Errors
    /// If a dimension does not exist or is named twice.
    pub fn all_dims(&self, dims: &[isize], keepdim: bool) -> Result<Tensor> {
        self.logic(ReduceOp::All, dims, keepdim)
    }

    /// Whether an element is true (not zero), as a tensor without dimensions.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn any(&self) -> Result<Tensor> {
        self.any_dims(&[], false)
    }

    /// Whether an element along dimensions (all of them if none is named) is true. Of uint8 the answer is
    /// uint8.
    ///
    /// # Errors
    /// If a dimension does not exist or is named twice.
    pub fn any_dims(&self, dims: &[isize], keepdim: bool) -> Result<Tensor> {
        self.logic(ReduceOp::Any, dims, keepdim)
    }

    fn logic(&self, op: ReduceOp, dims: &[isize], keepdim: bool) -> Result<Tensor> {
        let mask = wrap_dims(Some(dims), self.ndim())?;
        let dtype = if self.dtype() == DType::U8 { DType::U8 } else { DType::Bool };
        reduce_raw(self, op, &mask, keepdim, self.dtype(), None, dtype)
    }
}
