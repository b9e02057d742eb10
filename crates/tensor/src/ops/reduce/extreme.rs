//! The largest and the smallest elements, and where they are.

use super::{Mask, reduce_raw, reduced_output, restore_dims, wrap_dims};
use crate::autograd::{Recorder, no_grad};
use crate::backend::{ReduceOp, Reduction};
use crate::{DType, Error, Result, Tensor};

/// Values and places of extremes, without a record.
fn places(x: &Tensor, largest: bool, mask: &Mask, keepdim: bool) -> Result<(Tensor, Tensor)> {
    let array = x.array();
    let (values, full_values) = reduced_output(array.shape(), mask, keepdim, x.dtype())?;
    let (indices, full_indices) = reduced_output(array.shape(), mask, keepdim, DType::I64)?;
    let op = if largest { ReduceOp::ArgMax } else { ReduceOp::ArgMin };
    let reduction = Reduction { op, compute: x.dtype(), before: None, reduced: mask };
    x.backend().reduce(&reduction, &array, [Some(&full_values), Some(&full_indices)])?;
    Ok((values, indices))
}

/// The reduced dimensions of size 0 have no extreme.
fn check_sizes(x: &Tensor, mask: &Mask, name: &str) -> Result<()> {
    match x.shape().iter().zip(mask).position(|(&n, &m)| m && n == 0) {
        Some(d) => Err(Error::index(format!("{name}: Expected reduction dim {d} to have non-zero size."))),
        None => Ok(()),
    }
}

/// A gradient shared evenly among the elements that `chosen` marks.
fn share(grad: &Tensor, chosen: &Tensor, mask: &Mask, keepdim: bool) -> Result<Tensor> {
    let dims: Vec<isize> = (0..mask.len()).filter(|&d| mask[d]).map(|d| d as isize).collect();
    let parts = no_grad(|| {
        let chosen = chosen.to_dtype(grad.dtype())?;
        let count = if dims.is_empty() { chosen.clone() } else { chosen.sum_dims(&dims, true, None)? };
        chosen.div(&count)
    })?;
    restore_dims(grad, mask, keepdim)?.mul(&parts)
}

/// Marks the elements of `x` that are its extreme.
fn equal_to(x: &Tensor, extreme: &Tensor, mask: &Mask, keepdim: bool) -> Result<Tensor> {
    no_grad(|| x.eq(&restore_dims(extreme, mask, keepdim)?))
}

fn arg_extreme(x: &Tensor, largest: bool, dim: Option<isize>, keepdim: bool) -> Result<Tensor> {
    let name = if largest { "argmax()" } else { "argmin()" };
    if x.dtype() == DType::Bool {
        return Err(Error::not_implemented(format!("{name}: does not support bool input")));
    }
    let mask = match dim {
        Some(dim) => {
            let mask = wrap_dims(Some(&[dim]), x.ndim())?;
            check_sizes(x, &mask, name)?;
            mask
        }
        None if x.numel() == 0 => {
            return Err(Error::index(format!(
                "{name}: Expected reduction dim to be specified for input.numel() == 0."
            )));
        }
        None => wrap_dims(None, x.ndim())?,
    };
    Ok(places(x, largest, &mask, keepdim)?.1)
}

fn extreme_along(x: &Tensor, largest: bool, dim: isize, keepdim: bool) -> Result<(Tensor, Tensor)> {
    let axis = x.dim(dim)?;
    let mask = wrap_dims(Some(&[dim]), x.ndim())?;
    check_sizes(x, &mask, if largest { "max()" } else { "min()" })?;
    let (values, indices) = places(x, largest, &mask, keepdim)?;
    if let Some(mut r) = Recorder::new(if largest { "MaxBackward0" } else { "MinBackward0" }, &[x]) {
        let (shape, saved) = (x.shape(), r.save(&indices));
        r.finish_many(&[&values, &indices], move |ctx, grads| {
            let Some(grad) = &grads[0] else { return Ok(vec![None]) };
            let at = restore_dims(&ctx.saved(saved)?, &mask, keepdim)?;
            let grad = restore_dims(grad, &mask, keepdim)?;
            let zeros = Tensor::zeros(shape.clone(), grad.dtype())?;
            Ok(vec![Some(zeros.scatter_add(axis as isize, &at, &grad)?)])
        });
    }
    Ok((values, indices))
}

fn extreme_of_all(x: &Tensor, largest: bool) -> Result<Tensor> {
    if x.numel() == 0 {
        return Err(empty(if largest { "max()" } else { "min()" }));
    }
    let mask = wrap_dims(None, x.ndim())?;
    let op = if largest { ReduceOp::Max } else { ReduceOp::Min };
    let out = reduce_raw(x, op, &mask, false, x.dtype(), None, x.dtype())?;
    if let Some(mut r) = Recorder::new(if largest { "MaxBackward1" } else { "MinBackward1" }, &[x]) {
        let (saved, result) = (r.save(x), r.save_output(&out, 0));
        r.finish(&out, move |ctx, grad| {
            let (x, result) = (ctx.saved(saved)?, ctx.saved(result)?);
            let chosen = if result.item()?.to_f64().is_nan() {
                no_grad(|| x.isnan())?
            } else {
                equal_to(&x, &result, &mask, false)?
            };
            Ok(vec![Some(share(grad, &chosen, &mask, false)?)])
        });
    }
    Ok(out)
}

fn empty(name: &str) -> Error {
    Error::runtime(format!(
        "{name}: Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' argument."
    ))
}

fn extremes(x: &Tensor, largest: bool, dims: &[isize], keepdim: bool) -> Result<Tensor> {
    let (name, node) = if largest { ("amax()", "AmaxBackward0") } else { ("amin()", "AminBackward0") };
    if dims.is_empty() && x.numel() == 0 {
        return Err(empty(name));
    }
    let mask = wrap_dims(Some(dims), x.ndim())?;
    check_sizes(x, &mask, name)?;
    let op = if largest { ReduceOp::Max } else { ReduceOp::Min };
    let out = reduce_raw(x, op, &mask, keepdim, x.dtype(), None, x.dtype())?;
    if let Some(mut r) = Recorder::new(node, &[x]) {
        let (saved, result) = (r.save(x), r.save_output(&out, 0));
        r.finish(&out, move |ctx, grad| {
            let chosen = equal_to(&ctx.saved(saved)?, &ctx.saved(result)?, &mask, keepdim)?;
            Ok(vec![Some(share(grad, &chosen, &mask, keepdim)?)])
        });
    }
    Ok(out)
}

impl Tensor {
    /// Where the largest element is: its first index along a dimension, or in the flattened tensor.
    /// NaN counts as largest.
    ///
    /// # Errors
    /// If there is no such dimension, no element, or the dtype is bool.
    pub fn argmax(&self, dim: Option<isize>, keepdim: bool) -> Result<Tensor> {
        arg_extreme(self, true, dim, keepdim)
    }

    /// Where the smallest element is: its first index along a dimension, or in the flattened tensor.
    /// NaN counts as smallest.
    ///
    /// # Errors
    /// If there is no such dimension, no element, or the dtype is bool.
    pub fn argmin(&self, dim: Option<isize>, keepdim: bool) -> Result<Tensor> {
        arg_extreme(self, false, dim, keepdim)
    }

    /// The largest element; NaN if there is one. Equal ones share the gradient.
    ///
    /// # Errors
    /// If there is no element.
    pub fn max(&self) -> Result<Tensor> {
        extreme_of_all(self, true)
    }

    /// The smallest element; NaN if there is one. Equal ones share the gradient.
    ///
    /// # Errors
    /// If there is no element.
    pub fn min(&self) -> Result<Tensor> {
        extreme_of_all(self, false)
    }

    /// The largest elements along a dimension and their first indices, which get the gradient.
    ///
    /// # Errors
    /// If there is no such dimension, or its size is 0.
    pub fn max_dim(&self, dim: isize, keepdim: bool) -> Result<(Tensor, Tensor)> {
        extreme_along(self, true, dim, keepdim)
    }

    /// The smallest elements along a dimension and their first indices, which get the gradient.
    ///
    /// # Errors
    /// If there is no such dimension, or its size is 0.
    pub fn min_dim(&self, dim: isize, keepdim: bool) -> Result<(Tensor, Tensor)> {
        extreme_along(self, false, dim, keepdim)
    }

    /// The largest elements along dimensions (all if none is named). Equal ones share the gradient.
    ///
    /// # Errors
    /// If a dimension does not exist, is named twice or has size 0.
    pub fn amax(&self, dims: &[isize], keepdim: bool) -> Result<Tensor> {
        extremes(self, true, dims, keepdim)
    }

    /// The smallest elements along dimensions (all if none is named). Equal ones share the gradient.
    ///
    /// # Errors
    /// If a dimension does not exist, is named twice or has size 0.
    pub fn amin(&self, dims: &[isize], keepdim: bool) -> Result<Tensor> {
        extremes(self, false, dims, keepdim)
    }

    /// The smallest and the largest elements along a dimension, or of all.
    ///
    /// # Errors
    /// If there is no such dimension, or no element.
    pub fn aminmax(&self, dim: Option<isize>, keepdim: bool) -> Result<(Tensor, Tensor)> {
        let mask = match dim {
            None if self.numel() == 0 => {
                return Err(Error::runtime(
                    "aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity.",
                ));
            }
            None => wrap_dims(None, self.ndim())?,
            Some(dim) => wrap_dims(Some(&[dim]), self.ndim())?,
        };
        check_sizes(self, &mask, "aminmax")?;
        let dtype = self.dtype();
        let least = reduce_raw(self, ReduceOp::Min, &mask, keepdim, dtype, None, dtype)?;
        let most = reduce_raw(self, ReduceOp::Max, &mask, keepdim, dtype, None, dtype)?;
        if let Some(mut r) = Recorder::new("AminmaxBackward0", &[self]) {
            let saved = r.save(self);
            let results = [r.save_output(&least, 0), r.save_output(&most, 1)];
            r.finish_many(&[&least, &most], move |ctx, grads| {
                let x = ctx.saved(saved)?;
                let mut total: Option<Tensor> = None;
                for (grad, result) in grads.iter().zip(results) {
                    let Some(grad) = grad else { continue };
                    let part = share(grad, &equal_to(&x, &ctx.saved(result)?, &mask, keepdim)?, &mask, keepdim)?;
                    total = Some(match total {
                        Some(other) => other.add(&part)?,
                        None => part,
                    });
                }
                Ok(vec![total])
            });
        }
        Ok((least, most))
    }
}
