//! Sums and means.

use super::dims::{Mask, reduced_output, restore_dims, wrap_dims};
use crate::autograd::Recorder;
use crate::backend::{ReduceOp, Reduction, UnaryOp};
use crate::ops::complex;
use crate::{DType, Error, Result, Scalar, Shape, Tensor};

/// Reduces without a record.
pub(crate) fn reduce_raw(
    a: &Tensor,
    op: ReduceOp,
    mask: &Mask,
    keepdim: bool,
    compute: DType,
    before: Option<(UnaryOp, Scalar)>,
    out_dtype: DType,
) -> Result<Tensor> {
    let array = a.array();
    let (out, full) = reduced_output(array.shape(), mask, keepdim, out_dtype)?;
    a.backend().reduce(&Reduction { op, compute, before, reduced: mask }, &array, [Some(&full), None])?;
    Ok(out)
}

/// The dtype that a sum has: integers add up in int64.
pub(crate) fn sum_dtype(input: DType, dtype: Option<DType>) -> DType {
    dtype.unwrap_or(if input.is_differentiable() { input } else { DType::I64 })
}

impl Tensor {
    /// The sum of all elements; integers and truth values add up in int64.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn sum(&self) -> Result<Tensor> {
        self.sum_as(None)
    }

    /// The sum of all elements, in another dtype.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn sum_as(&self, dtype: Option<DType>) -> Result<Tensor> {
        self.sum_named("SumBackward0", &[], false, dtype)
    }

    /// The sum along dimensions (all of them if none is named); each is left out of the result, or kept
    /// with size 1.
    ///
    /// # Errors
    /// If a dimension does not exist or is named twice.
    pub fn sum_dims(&self, dims: &[isize], keepdim: bool, dtype: Option<DType>) -> Result<Tensor> {
        self.sum_named("SumBackward1", dims, keepdim, dtype)
    }

    fn sum_named(&self, name: &str, dims: &[isize], keepdim: bool, dtype: Option<DType>) -> Result<Tensor> {
        let mask = wrap_dims(Some(dims), self.ndim())?;
        let dtype = sum_dtype(self.dtype(), dtype);
        if dtype.is_complex() {
            return complex::sum(&self.to_dtype(dtype)?, dims, keepdim);
        }
        let out = reduce_raw(self, ReduceOp::Sum, &mask, keepdim, dtype, None, dtype)?;
        if dtype.is_floating_point()
            && let Some(r) = Recorder::new(name, &[self])
        {
            let (shape, from) = (self.shape(), self.dtype());
            r.finish(&out, move |_, grad| Ok(vec![Some(spread(grad, &mask, keepdim, &shape)?.to_dtype(from)?)]));
        }
        Ok(out)
    }

    /// The mean of all elements.
    ///
    /// # Errors
    /// If the dtype is not a floating-point type.
    pub fn mean(&self) -> Result<Tensor> {
        self.mean_named("MeanBackward0", &[], false, None)
    }

    /// The mean along dimensions (all of them if none is named).
    ///
    /// # Errors
    /// If a dimension does not exist or is named twice, or the dtype is not a floating-point type.
    pub fn mean_dims(&self, dims: &[isize], keepdim: bool, dtype: Option<DType>) -> Result<Tensor> {
        self.mean_named("MeanBackward1", dims, keepdim, dtype)
    }

    pub(crate) fn mean_named(&self, name: &str, dims: &[isize], keepdim: bool, dtype: Option<DType>) -> Result<Tensor> {
        let target = dtype.unwrap_or(self.dtype());
        if target.is_complex() {
            return complex::mean(&self.to_dtype(target)?, dims, keepdim);
        }
        if !target.is_floating_point() {
            let what = if dtype.is_some() { "Optional" } else { "Input" };
            return Err(Error::not_implemented(format!(
                "mean(): could not infer output dtype. {what} dtype must be either a floating point or complex dtype. Got: {}",
                target.scalar_type_name()
            )));
        }
        let mask = wrap_dims(Some(dims), self.ndim())?;
        let out = reduce_raw(self, ReduceOp::Mean, &mask, keepdim, target, None, target)?;
        if let Some(r) = Recorder::new(name, &[self]) {
            let (shape, from) = (self.shape(), self.dtype());
            let count: usize = shape.iter().zip(&mask).map(|(&n, &m)| if m { n } else { 1 }).product();
            r.finish(&out, move |_, grad| {
                let grad = spread(grad, &mask, keepdim, &shape)?.div(count as i64)?;
                Ok(vec![Some(grad.to_dtype(from)?)])
            });
        }
        Ok(out)
    }

    /// The sum over the dimensions that were broadcast to get here from `shape`: a gradient for a
    /// broadcast operand.
    ///
    /// # Errors
    /// If `shape` does not broadcast to this one.
    pub fn sum_to_size(&self, shape: impl Into<Shape>) -> Result<Tensor> {
        let (shape, from) = (shape.into(), self.shape());
        if shape == from {
            return Ok(self.clone());
        }
        let lead = from.len().checked_sub(shape.len());
        let fits = lead.is_some_and(|lead| shape.iter().zip(&from[lead..]).all(|(&want, &n)| want == n || want == 1));
        let Some(lead) = lead.filter(|_| fits) else {
            return Err(Error::shape(format!("size {{{shape}}} is not expandable to size {{{from}}}.")));
        };
        let dims: Vec<isize> = (0..from.len())
            .filter(|&d| d < lead || (shape[d - lead] == 1 && from[d] != 1))
            .map(|d| d as isize)
            .collect();
        let mut out = if dims.is_empty() { self.clone() } else { self.sum_dims(&dims, true, None)? };
        // Leading dimensions have size 1 by now.
        for _ in 0..lead {
            out = out.squeeze_dim(0)?;
        }
        Ok(out)
    }
}

/// A reduction's gradient, repeated along the reduced dimensions.
pub(crate) fn spread(grad: &Tensor, mask: &[bool], keepdim: bool, shape: &Shape) -> Result<Tensor> {
    restore_dims(grad, mask, keepdim)?.expand_to(shape)
}
