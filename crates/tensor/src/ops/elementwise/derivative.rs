//! Derivatives fused into one pass, themselves differentiable.

use super::arithmetic::binary_raw;
use crate::autograd::Recorder;
use crate::backend::BinaryOp;
use crate::{Result, Scalar, Tensor};

/// grad where x is above a threshold, else 0.
///
/// # Errors
/// If the shapes do not broadcast.
pub(crate) fn threshold_backward(grad: &Tensor, x: &Tensor, threshold: impl Into<Scalar>) -> Result<Tensor> {
    let (threshold, dtype) = (threshold.into(), grad.dtype());
    let out = binary_raw(BinaryOp::ThresholdBackward, &grad.into(), &x.into(), threshold, dtype, dtype)?;
    // The derivative by x is zero almost everywhere.
    if let Some(mut r) = Recorder::new("ThresholdBackwardBackward0", &[grad]) {
        let saved = r.save(x);
        r.finish(&out, move |ctx, g| Ok(vec![Some(threshold_backward(g, &ctx.saved(saved)?, threshold)?)]));
    }
    Ok(out)
}

/// grad·y·(1 - y): the derivative of a sigmoid whose value is y.
///
/// # Errors
/// If the shapes do not broadcast.
pub(crate) fn sigmoid_backward(grad: &Tensor, y: &Tensor) -> Result<Tensor> {
    let dtype = grad.dtype();
    let out = binary_raw(BinaryOp::SigmoidBackward, &grad.into(), &y.into(), Scalar::Int(0), dtype, dtype)?;
    if let Some(mut r) = Recorder::new("SigmoidBackwardBackward0", &[grad, y]) {
        let saved = [r.save(grad), r.save(y)];
        r.finish(&out, move |ctx, g| {
            let (grad, y) = (ctx.saved(saved[0])?, ctx.saved(saved[1])?);
            let gg = ctx.needs(0).then(|| sigmoid_backward(g, &y)).transpose()?;
            let gy = ctx.needs(1).then(|| g.mul(&grad)?.mul(&y.mul(-2)?.add(1)?)).transpose()?;
            Ok(vec![gg, gy])
        });
    }
    Ok(out)
}

/// grad·(1 - y²): the derivative of a hyperbolic tangent whose value is y.
///
/// # Errors
/// If the shapes do not broadcast.
pub(crate) fn tanh_backward(grad: &Tensor, y: &Tensor) -> Result<Tensor> {
    let dtype = grad.dtype();
    let out = binary_raw(BinaryOp::TanhBackward, &grad.into(), &y.into(), Scalar::Int(0), dtype, dtype)?;
    if let Some(mut r) = Recorder::new("TanhBackwardBackward0", &[grad, y]) {
        let saved = [r.save(grad), r.save(y)];
        r.finish(&out, move |ctx, g| {
            let (grad, y) = (ctx.saved(saved[0])?, ctx.saved(saved[1])?);
            let gg = ctx.needs(0).then(|| tanh_backward(g, &y)).transpose()?;
            let gy = ctx.needs(1).then(|| g.mul(&grad)?.mul(&y)?.mul(-2)).transpose()?;
            Ok(vec![gg, gy])
        });
    }
    Ok(out)
}
