//! Softmax and its logarithm.

use crate::autograd::Recorder;
use crate::{Array, DType, Error, Result, Tensor, wrap_dim};

/// `softmax` or `log_softmax` of a float tensor, without a record.
fn forward_raw(x: &Tensor, dim: usize, log: bool) -> Result<Tensor> {
    if x.ndim() == 0 {
        // One element alone has all of the probability.
        return if log { x.sub(x) } else { x.sub(x)?.add(1.0) };
    }
    let input = x.contiguous()?;
    let out = Array::uninit(crate::Layout::contiguous(input.shape()), input.dtype())?;
    x.backend().softmax(log, dim, &input.array(), &out)?;
    Ok(Tensor::from_array(out))
}

fn backward_raw(y: &Tensor, grad: &Tensor, dim: usize, log: bool) -> Result<Tensor> {
    let (y, grad) = (y.contiguous()?, grad.contiguous()?);
    let out = Array::uninit(crate::Layout::contiguous(y.shape()), y.dtype())?;
    y.backend().softmax_gradient(log, dim, [&y.array(), &grad.array()], &out)?;
    Ok(Tensor::from_array(out))
}

/// The gradient as an operator of its own: one pass, which can be differentiated again through the
/// formula in operators.
fn gradient(grad: &Tensor, y: &Tensor, dim: usize, log: bool) -> Result<Tensor> {
    let d = dim as isize;
    if y.ndim() == 0 || crate::autograd::is_grad_enabled() && (grad.requires_grad() || y.requires_grad()) {
        return if log {
            grad.sub(&y.exp()?.mul(&grad.sum_dims(&[d], true, None)?)?)
        } else {
            let weighted = grad.mul(y)?;
            weighted.sub(&y.mul(&weighted.sum_dims(&[d], true, None)?)?)
        };
    }
    backward_raw(y, grad, dim, log)
}

fn apply(x: &Tensor, dim: isize, dtype: Option<DType>, log: bool) -> Result<Tensor> {
    let axis = wrap_dim(dim, x.ndim())?;
    let input = match dtype {
        Some(dtype) => x.to_dtype(dtype)?,
        None => x.clone(),
    };
    if !input.dtype().is_floating_point() {
        let kernel = if log { "log_softmax_lastdim_kernel_impl" } else { "softmax_lastdim_kernel_impl" };
        return Err(Error::not_implemented(format!(
            "\"{kernel}\" not implemented for '{}'",
            input.dtype().scalar_type_name()
        )));
    }
    let narrow = matches!(input.dtype(), DType::F16 | DType::BF16);
    let out = crate::autograd::no_grad(|| {
        let wide = if narrow { input.to_dtype(DType::F32)? } else { input.clone() };
        let out = forward_raw(&wide.detach(), axis, log)?;
        if narrow { out.to_dtype(input.dtype()) } else { Ok(out) }
    })?;
    let name = if log { "LogSoftmaxBackward0" } else { "SoftmaxBackward0" };
    if let Some(mut r) = Recorder::new(name, &[&input]) {
        let saved = r.save_output(&out, 0);
        r.finish(&out, move |ctx, grad| {
            let y = ctx.saved(saved)?;
            if narrow {
                let wide = gradient(&grad.to_dtype(DType::F32)?, &y.to_dtype(DType::F32)?, axis, log)?;
                return Ok(vec![Some(wide.to_dtype(y.dtype())?)]);
            }
            Ok(vec![Some(gradient(grad, &y, axis, log)?)])
        });
    }
    Ok(out)
}

impl Tensor {
    /// Exponentials that add up to 1 along a dimension.
    ///
    /// # Errors
    /// If there is no such dimension, or the dtype is no floating-point type.
    pub fn softmax(&self, dim: isize) -> Result<Tensor> {
        apply(self, dim, None, false)
    }

    /// The logarithm of [`Tensor::softmax`], computed without overflow.
    ///
    /// # Errors
    /// If there is no such dimension, or the dtype is no floating-point type.
    pub fn log_softmax(&self, dim: isize) -> Result<Tensor> {
        apply(self, dim, None, true)
    }

    /// As [`Tensor::softmax`] of the input converted to a dtype first.
    ///
    /// # Errors
    /// If there is no such dimension, or the dtype is no floating-point type.
    pub fn softmax_in(&self, dim: isize, dtype: DType) -> Result<Tensor> {
        apply(self, dim, Some(dtype), false)
    }

    /// As [`Tensor::log_softmax`] of the input converted to a dtype first.
    ///
    /// # Errors
    /// If there is no such dimension, or the dtype is no floating-point type.
    pub fn log_softmax_in(&self, dim: isize, dtype: DType) -> Result<Tensor> {
        apply(self, dim, Some(dtype), true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autograd::{gradcheck, gradgradcheck};

    #[test]
    fn gradients_agree_with_differences() -> Result<()> {
        let values: Vec<f64> = (0..24).map(|i| f64::from(i * 7 % 11) / 5.0 - 1.0).collect();
        for dim in [0, 1, -1] {
            let x = Tensor::from_slice(&values, [2, 3, 4])?.requires_grad_(true)?;
            gradcheck(|i| i[0].softmax(dim), std::slice::from_ref(&x))?;
            gradcheck(|i| i[0].log_softmax(dim), std::slice::from_ref(&x))?;
            gradgradcheck(|i| i[0].softmax(dim), std::slice::from_ref(&x))?;
            gradgradcheck(|i| i[0].log_softmax(dim), &[x])?;
        }
        Ok(())
    }
}
