//! Variance and standard deviation.

use super::{Mask, reduced_output, restore_dims, spread, wrap_dims};
use crate::autograd::{Recorder, no_grad};
use crate::backend::{ReduceOp, Reduction};
use crate::ops::where_;
use crate::{DType, Error, Result, Tensor};

/// Options of variances.
#[derive(Clone, Copy, Debug)]
pub struct VarianceOptions<'a> {
    /// The dimensions, all if none is named.
    pub dims: &'a [isize],
    /// What is subtracted from the count of elements before the sum of squares is divided by it.
    pub correction: f64,
    /// Whether the reduced dimensions stay, with size 1.
    pub keepdim: bool,
}

impl Default for VarianceOptions<'_> {
    fn default() -> Self {
        Self { dims: &[], correction: 1.0, keepdim: false }
    }
}

/// The part of a variance's record that its gradient needs.
#[derive(Clone)]
struct Frame {
    mask: Mask,
    keepdim: bool,
    /// Elements that become one, and that number less the correction.
    count: f64,
    freedom: f64,
}

impl Frame {
    /// The variance or standard deviation, and the mean; without a record.
    fn compute(&self, x: &Tensor, root: bool) -> Result<(Tensor, Tensor)> {
        let narrow = matches!(x.dtype(), DType::F16 | DType::BF16);
        let wide = if narrow { DType::F32 } else { x.dtype() };
        let array = x.array();
        let (squares, full_squares) = reduced_output(array.shape(), &self.mask, self.keepdim, wide)?;
        let (mean, full_mean) = reduced_output(array.shape(), &self.mask, self.keepdim, wide)?;
        let reduction = Reduction { op: ReduceOp::Moments, compute: wide, before: None, reduced: &self.mask };
        x.backend().reduce(&reduction, &array, [Some(&full_squares), Some(&full_mean)])?;
        no_grad(|| {
            let mut spread = squares.div(self.freedom.max(0.0))?;
            if root {
                spread = spread.sqrt()?;
            }
            let mean = if self.count == 0.0 { mean.full_like(f64::NAN, wide)? } else { mean };
            Ok((spread.to_dtype(x.dtype())?, mean.to_dtype(x.dtype())?))
        })
    }

    /// The input's gradient, from that of the variance.
    fn variance_gradient(&self, x: &Tensor, grad: &Tensor) -> Result<Tensor> {
        let dims: Vec<isize> = (0..self.mask.len()).filter(|&d| self.mask[d]).map(|d| d as isize).collect();
        let mean = if dims.is_empty() { x.clone() } else { x.mean_dims(&dims, true, None)? };
        let grad = restore_dims(grad, &self.mask, self.keepdim)?;
        let distance = x.sub(&mean)?;
        if self.freedom <= 0.0 {
            let factor = no_grad(|| where_(&distance.eq(0)?, &distance.mul(f64::NAN)?, f64::INFINITY))?;
            return grad.mul(&factor);
        }
        grad.mul(2.0 / self.freedom)?.mul(&distance)
    }

    /// The input's gradient, from that of the standard deviation.
    fn deviation_gradient(&self, x: &Tensor, deviation: &Tensor, grad: &Tensor) -> Result<Tensor> {
        let zero = no_grad(|| deviation.eq(0))?;
        let half = grad.div(&where_(&zero, 1.0, deviation)?.mul(2)?)?;
        self.variance_gradient(x, &where_(&zero, 0.0, &half)?)
    }
}

fn frame(x: &Tensor, options: VarianceOptions<'_>, name: &str) -> Result<Frame> {
    if !x.dtype().is_floating_point() {
        return Err(Error::not_implemented(format!("{name} only support floating point and complex dtypes")));
    }
    let mask = wrap_dims(Some(options.dims), x.ndim())?;
    let count: usize = x.shape().iter().zip(&mask).map(|(&n, &m)| if m { n } else { 1 }).product();
    let count = count as f64;
    Ok(Frame { mask, keepdim: options.keepdim, count, freedom: count - options.correction })
}

fn one(x: &Tensor, options: VarianceOptions<'_>, root: bool) -> Result<Tensor> {
    let frame = frame(x, options, "std and var")?;
    let (out, _) = frame.compute(x, root)?;
    if let Some(mut r) = Recorder::new(if root { "StdBackward0" } else { "VarBackward0" }, &[x]) {
        let saved = r.save(x);
        let result = root.then(|| r.save_output(&out, 0));
        r.finish(&out, move |ctx, grad| {
            let x = ctx.saved(saved)?;
            Ok(vec![Some(match result {
                Some(result) => frame.deviation_gradient(&x, &ctx.saved(result)?, grad)?,
                None => frame.variance_gradient(&x, grad)?,
            })])
        });
    }
    Ok(out)
}

fn two(x: &Tensor, options: VarianceOptions<'_>, root: bool) -> Result<(Tensor, Tensor)> {
    let frame = frame(x, options, if root { "std_mean" } else { "var_mean" })?;
    let (out, mean) = frame.compute(x, root)?;
    if let Some(mut r) = Recorder::new(if root { "StdMeanBackward0" } else { "VarMeanBackward0" }, &[x]) {
        let saved = r.save(x);
        let result = root.then(|| r.save_output(&out, 0));
        r.finish_many(&[&out, &mean], move |ctx, grads| {
            let x = ctx.saved(saved)?;
            let from_spread = match (&grads[0], result) {
                (None, _) => None,
                (Some(grad), Some(result)) => Some(frame.deviation_gradient(&x, &ctx.saved(result)?, grad)?),
                (Some(grad), None) => Some(frame.variance_gradient(&x, grad)?),
            };
            let from_mean = match &grads[1] {
                None => None,
                Some(grad) => Some(spread(grad, &frame.mask, frame.keepdim, &x.shape())?.div(frame.count)?),
            };
            Ok(vec![match (from_spread, from_mean) {
                (Some(a), Some(b)) => Some(a.add(&b)?),
                (a, b) => a.or(b),
            }])
        });
    }
    Ok((out, mean))
}

impl Tensor {
    /// The variance along dimensions.
    ///
    /// # Errors
    /// If the dtype is no floating-point type, or a dimension does not exist or is named twice.
    pub fn var(&self, options: VarianceOptions<'_>) -> Result<Tensor> {
        one(self, options, false)
    }

    /// The standard deviation along dimensions.
    ///
    /// # Errors
    /// If the dtype is no floating-point type, or a dimension does not exist or is named twice.
    pub fn std(&self, options: VarianceOptions<'_>) -> Result<Tensor> {
        one(self, options, true)
    }

    /// The variance and the mean along dimensions, in one pass.
    ///
    /// # Errors
    /// If the dtype is no floating-point type, or a dimension does not exist or is named twice.
    pub fn var_mean(&self, options: VarianceOptions<'_>) -> Result<(Tensor, Tensor)> {
        two(self, options, false)
    }

    /// The standard deviation and the mean along dimensions, in one pass.
    ///
    /// # Errors
    /// If the dtype is no floating-point type, or a dimension does not exist or is named twice.
    pub fn std_mean(&self, options: VarianceOptions<'_>) -> Result<(Tensor, Tensor)> {
        two(self, options, true)
    }
}
