//! Norms, distances, counts, and sums that leave something out.

use super::{Mask, reduce_raw, restore_dims, spread, sum_dtype, wrap_dims};
use crate::autograd::{Recorder, no_grad};
use crate::backend::ReduceOp;
use crate::ops::where_;
use crate::{DType, Error, Result, Tensor, get_default_dtype};

fn reduced_dims(mask: &Mask) -> Vec<isize> {
    (0..mask.len()).filter(|&d| mask[d]).map(|d| d as isize).collect()
}

/// The sum along the dimensions of a mask, which may mark none.
fn sum_masked(x: &Tensor, mask: &Mask, keepdim: bool) -> Result<Tensor> {
    reduce_raw(x, ReduceOp::Sum, mask, keepdim, x.dtype(), None, x.dtype())
}

/// The p-norm without a record.
fn norm_raw(x: &Tensor, p: f64, mask: &Mask, keepdim: bool) -> Result<Tensor> {
    let dtype = x.dtype();
    let narrow = matches!(dtype, DType::F16 | DType::BF16);
    no_grad(|| {
        let x = if narrow { x.to_dtype(DType::F32)? } else { x.detach() };
        let wide = x.dtype();
        let out = if p == f64::INFINITY {
            reduce_raw(&x.abs()?, ReduceOp::Max, mask, keepdim, wide, None, wide)?
        } else if p == f64::NEG_INFINITY {
            reduce_raw(&x.abs()?, ReduceOp::Min, mask, keepdim, wide, None, wide)?
        } else if p == 0.0 {
            sum_masked(&x.ne(0)?.to_dtype(wide)?, mask, keepdim)?
        } else if p == 1.0 {
            sum_masked(&x.abs()?, mask, keepdim)?
        } else if p == 2.0 {
            sum_masked(&x.square()?, mask, keepdim)?.sqrt()?
        } else {
            sum_masked(&x.abs()?.pow(p)?, mask, keepdim)?.pow(1.0 / p)?
        };
        out.to_dtype(dtype)
    })
}

/// The gradient of a p-norm; `norm` and `grad` have the input's dimensions. Where the derivative
/// does not exist it is taken to be 0.
fn norm_gradient(x: &Tensor, p: f64, norm: &Tensor, grad: &Tensor, mask: &Mask) -> Result<Tensor> {
    let sign = no_grad(|| x.sign())?;
    if p == 1.0 {
        return grad.mul(&sign);
    }
    if p.is_infinite() {
        let chosen = no_grad(|| {
            let chosen = x.abs()?.eq(norm)?.to_dtype(x.dtype())?;
            let count = sum_masked(&chosen, mask, true)?;
            chosen.div(&count)?.mul(&sign)
        })?;
        return grad.mul(&chosen);
    }
    let nothing = no_grad(|| norm.eq(0))?;
    let norm = where_(&nothing, 1.0, norm)?;
    if p == 2.0 {
        return x.mul(&where_(&nothing, 0.0, &grad.div(&norm)?)?);
    }
    let scale = where_(&nothing, 0.0, &grad.div(&norm.pow(p - 1.0)?)?)?;
    let own = if p > 2.0 {
        x.mul(&x.abs()?.pow(p - 2.0)?)?
    } else {
        let zero = no_grad(|| x.eq(0))?;
        let power = where_(&zero, 1.0, &x.abs()?)?.pow(p - 1.0)?;
        sign.mul(&power)?
    };
    own.mul(&scale)
}

fn check_identity(x: &Tensor, p: f64, all: bool, mask: &Mask) -> Result<()> {
    if x.numel() > 0 || !(p < 0.0 || p == f64::INFINITY) {
        return Ok(());
    }
    let because = "empty and the operation does not have an identity";
    if all {
        return Err(Error::runtime(format!(
            "linalg.vector_norm cannot compute the {p} norm on an empty tensor because the operation does not have an identity"
        )));
    }
    match x.shape().iter().zip(mask).position(|(&n, &m)| m && n == 0) {
        Some(d) => Err(Error::runtime(format!(
            "linalg.vector_norm cannot compute the {p} norm on the dimension {d}because this dimension is {because}"
        ))),
        None => Ok(()),
    }
}

impl Tensor {
    /// The p-norm of the elements along dimensions (all of them if none is named), of the input converted to a
    /// dtype: the p-th root of the sum of p-th powers of absolute values; for p = 0 the count of
    /// elements that are not zero, for infinities the largest or smallest absolute value.
    ///
    /// # Errors
    /// If the dtype is no floating-point type, a dimension does not exist, or there is no element
    /// and no norm of nothing.
    pub fn vector_norm(&self, p: f64, dims: &[isize], keepdim: bool, dtype: Option<DType>) -> Result<Tensor> {
        if self.dtype().is_complex() {
            return self.abs()?.vector_norm(p, dims, keepdim, dtype.map(DType::to_real));
        }
        if !self.dtype().is_floating_point() {
            return Err(Error::not_implemented(format!(
                "linalg.vector_norm: Expected a floating point or complex tensor as input. Got {}",
                self.dtype().scalar_type_name()
            )));
        }
        if let Some(dtype) = dtype.filter(|d| !d.is_floating_point()) {
            return Err(Error::runtime(format!(
                "linalg.vector_norm: dtype should be floating point or complex, but got {}",
                dtype.scalar_type_name()
            )));
        }
        let input = match dtype {
            Some(dtype) => self.to_dtype(dtype)?,
            None => self.clone(),
        };
        let mask = wrap_dims(Some(dims), input.ndim())?;
        check_identity(&input, p, dims.is_empty(), &mask)?;
        let out = norm_raw(&input, p, &mask, keepdim)?;
        if let Some(mut r) = Recorder::new("LinalgVectorNormBackward0", &[&input]) {
            let (saved, result) = (r.save(&input), r.save_output(&out, 0));
            r.finish(&out, move |ctx, grad| {
                if p == 0.0 {
                    // A count does not change with what is counted.
                    return Ok(vec![None]);
                }
                let x = ctx.saved(saved)?;
                let norm = restore_dims(&ctx.saved(result)?, &mask, keepdim)?;
                let grad = restore_dims(grad, &mask, keepdim)?;
                Ok(vec![Some(norm_gradient(&x, p, &norm, &grad, &mask)?)])
            });
        }
        Ok(out)
    }

    /// The p-norm of all elements.
    ///
    /// # Errors
    /// As [`Tensor::vector_norm`].
    pub fn norm(&self, p: f64) -> Result<Tensor> {
        self.vector_norm(p, &[], false, None)
    }

    /// The p-norm of the difference from another tensor.
    ///
    /// # Errors
    /// If the shapes do not broadcast, or the dtype is no floating-point type.
    pub fn dist(&self, other: &Tensor, p: f64) -> Result<Tensor> {
        let out = no_grad(|| self.sub(other)?.norm(p))?;
        if let Some(mut r) = Recorder::new("DistBackward0", &[self, other]) {
            let (saved, result) = ([r.save(self), r.save(other)], r.save_output(&out, 0));
            r.finish(&out, move |ctx, grad| {
                let (a, b) = (ctx.saved(saved[0])?, ctx.saved(saved[1])?);
                let difference = a.sub(&b)?;
                let mask = wrap_dims(None, difference.ndim())?;
                let whole = norm_gradient(&difference, p, &ctx.saved(result)?, grad, &mask)?;
                let ga = ctx.needs(0).then(|| whole.sum_to_size(a.shape())).transpose()?;
                let gb = ctx.needs(1).then(|| whole.neg()?.sum_to_size(b.shape())).transpose()?;
                Ok(vec![ga, gb])
            });
        }
        Ok(out)
    }

    /// How many elements along dimensions (all of them if none is named) are not zero.
    ///
    /// # Errors
    /// If a dimension does not exist or is named twice.
    pub fn count_nonzero(&self, dims: &[isize]) -> Result<Tensor> {
        no_grad(|| self.ne(0)?.sum_dims(dims, false, None))
    }

    /// The sum along dimensions (all of them if none is named) of the elements that are not NaN.
    ///
    /// # Errors
    /// If a dimension does not exist or is named twice.
    pub fn nansum(&self, dims: &[isize], keepdim: bool, dtype: Option<DType>) -> Result<Tensor> {
        let dtype = sum_dtype(self.dtype(), dtype);
        if !self.dtype().is_floating_point() {
            return self.sum_dims(dims, keepdim, Some(dtype));
        }
        let mask = wrap_dims(Some(dims), self.ndim())?;
        let kept = no_grad(|| where_(&self.isnan()?, 0.0, self))?;
        let out = reduce_raw(&kept, ReduceOp::Sum, &mask, keepdim, dtype, None, dtype)?;
        if dtype.is_floating_point()
            && let Some(mut r) = Recorder::new("NansumBackward0", &[self])
        {
            let saved = r.save(self);
            r.finish(&out, move |ctx, grad| {
                let x = ctx.saved(saved)?;
                let grad = spread(grad, &mask, keepdim, &x.shape())?.to_dtype(x.dtype())?;
                Ok(vec![Some(grad.mul(&no_grad(|| x.isnan()?.logical_not())?)?)])
            });
        }
        Ok(out)
    }

    /// The mean along dimensions (all of them if none is named) of the elements that are not NaN.
    ///
    /// # Errors
    /// If the dtype is no floating-point type, or a dimension does not exist or is named twice.
    pub fn nanmean(&self, dims: &[isize], keepdim: bool, dtype: Option<DType>) -> Result<Tensor> {
        if !self.dtype().is_floating_point() {
            return Err(Error::not_implemented(format!(
                "nanmean(): expected input to have floating point or complex dtype but got {}",
                self.dtype().scalar_type_name()
            )));
        }
        let count = no_grad(|| self.isnan()?.logical_not()?.sum_dims(dims, keepdim, None))?;
        self.nansum(dims, keepdim, dtype)?.div(&count)
    }

    /// The logarithm of the sum of exponentials along dimensions (all of them if none is named), computed
    /// without overflow.
    ///
    /// # Errors
    /// If a dimension does not exist or is named twice.
    pub fn logsumexp(&self, dims: &[isize], keepdim: bool) -> Result<Tensor> {
        let input = if self.dtype().is_floating_point() { self.clone() } else { self.to_dtype(get_default_dtype())? };
        let mask = wrap_dims(Some(dims), input.ndim())?;
        let out = no_grad(|| {
            let dims = reduced_dims(&mask);
            if input.ndim() == 0 {
                return input.copy();
            }
            if input.numel() == 0 || dims.is_empty() {
                return sum_masked(&input.exp()?, &mask, keepdim)?.log();
            }
            let most = input.amax(&dims, true)?;
            // An infinite maximum would give infinity less infinity.
            let most = where_(&most.abs()?.eq(f64::INFINITY)?, 0.0, &most)?;
            let sum = sum_masked(&input.sub(&most)?.exp()?, &mask, true)?.log()?.add(&most)?;
            if keepdim { Ok(sum) } else { sum.squeeze_dims(&dims) }
        })?;
        if let Some(mut r) = Recorder::new("LogsumexpBackward0", &[&input]) {
            let (saved, result) = (r.save(&input), r.save_output(&out, 0));
            r.finish(&out, move |ctx, grad| {
                let x = ctx.saved(saved)?;
                let result = restore_dims(&ctx.saved(result)?, &mask, keepdim)?;
                let result = where_(&no_grad(|| result.eq(f64::NEG_INFINITY))?, 0.0, &result)?;
                let share = x.sub(&result)?.exp()?;
                Ok(vec![Some(restore_dims(grad, &mask, keepdim)?.mul(&share)?)])
            });
        }
        Ok(out)
    }
}
