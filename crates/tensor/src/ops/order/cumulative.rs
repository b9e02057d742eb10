//! Running sums, products and extremes.

use super::{picked, record_selection};
use crate::autograd::{Recorder, no_grad};
use crate::backend::{Pick, Running};
use crate::ops::elementwise::not_implemented;
use crate::ops::{cat, where_};
use crate::{Array, DType, Layout, Result, Scalar, Tensor};

/// The dtype of a running sum or product: integers add up in int64.
fn running_dtype(input: DType, dtype: Option<DType>) -> DType {
    dtype.unwrap_or(if input.is_differentiable() { input } else { DType::I64 })
}

impl Tensor {
    fn running_raw(&self, op: Running, reverse: bool, dim: usize, dtype: DType) -> Result<Tensor> {
        let source = self.detach().to_dtype(dtype)?.contiguous()?;
        let out = Array::uninit(Layout::contiguous(source.shape()), dtype)?;
        self.backend().running(op, reverse, &source.array(), dim, &out)?;
        Ok(Tensor::from_array(out))
    }

    fn running_sum(&self, reverse: bool, dim: usize, dtype: DType) -> Result<Tensor> {
        if dtype == DType::Bool {
            return Err(not_implemented("cumsum_out_cpu", dtype));
        }
        let out = self.running_raw(Running::Sum, reverse, dim, dtype)?;
        if dtype.is_floating_point()
            && let Some(recorder) = Recorder::new("CumsumBackward0", &[self])
        {
            let from = self.dtype();
            recorder.finish(&out, move |_, grad| {
                let grad = grad.to_dtype(from)?;
                Ok(vec![Some(grad.running_sum(!reverse, dim, grad.dtype())?)])
            });
        }
        Ok(out)
    }

    /// The sum of all elements so far along a dimension; integers and truth values add up in int64.
    ///
    /// # Errors
    /// If there is no such dimension, or the dtype asked for is bool.
    pub fn cumsum(&self, dim: isize, dtype: Option<DType>) -> Result<Tensor> {
        self.running_sum(false, self.dim(dim)?, running_dtype(self.dtype(), dtype))
    }

    /// [`Tensor::cumsum`] in place.
    ///
    /// # Errors
    /// As [`Tensor::cumsum`] and for every write in place.
    pub fn cumsum_(&self, dim: isize, dtype: Option<DType>) -> Result<Tensor> {
        let dtype = dtype.or(Some(self.dtype()));
        self.write_in_place("cumsum_", |x| x.cumsum(dim, dtype))
    }

    /// The product of all elements so far along a dimension; integers and truth values in int64.
    ///
    /// # Errors
    /// If there is no such dimension, or the dtype asked for is bool.
    pub fn cumprod(&self, dim: isize, dtype: Option<DType>) -> Result<Tensor> {
        let dim = self.dim(dim)?;
        let dtype = running_dtype(self.dtype(), dtype);
        if dtype == DType::Bool {
            return Err(not_implemented("cumprod_out_cpu", dtype));
        }
        let out = self.running_raw(Running::Product, false, dim, dtype)?;
        if dtype.is_floating_point()
            && let Some(mut recorder) = Recorder::new("CumprodBackward0", &[self])
        {
            let (input, output) = (recorder.save(self), recorder.save_output(&out, 0));
            recorder.finish(&out, move |ctx, grad| {
                let (input, output) = (ctx.saved(input)?, ctx.saved(output)?);
                let grad = grad.to_dtype(input.dtype())?;
                Ok(vec![Some(cumprod_gradient(&grad, &input, &output, dim)?)])
            });
        }
        Ok(out)
    }

    /// [`Tensor::cumprod`] in place.
    ///
    /// # Errors
    /// As [`Tensor::cumprod`] and for every write in place.
    pub fn cumprod_(&self, dim: isize, dtype: Option<DType>) -> Result<Tensor> {
        let dtype = dtype.or(Some(self.dtype()));
        self.write_in_place("cumprod_", |x| x.cumprod(dim, dtype))
    }

    fn running_log_sum_exp(&self, reverse: bool, dim: usize) -> Result<Tensor> {
        let out = self.running_raw(Running::LogSumExp, reverse, dim, self.dtype())?;
        if let Some(mut recorder) = Recorder::new("LogcumsumexpBackward0", &[self]) {
            let (input, output) = (recorder.save(self), recorder.save_output(&out, 0));
            recorder.finish(&out, move |ctx, grad| {
                Ok(vec![Some(attenuated(grad, [&ctx.saved(input)?, &ctx.saved(output)?], dim, Reach::Later)?)])
            });
        }
        Ok(out)
    }

    /// The logarithm of the sum of the exponentials of all elements so far along a dimension.
    ///
    /// # Errors
    /// If there is no such dimension, or the elements are not floats.
    pub fn logcumsumexp(&self, dim: isize) -> Result<Tensor> {
        let dim = self.dim(dim)?;
        if !self.dtype().is_floating_point() {
            return Err(not_implemented("logcumsumexp_out_cpu", self.dtype()));
        }
        self.running_log_sum_exp(false, dim)
    }

    fn running_extreme(&self, name: &str, pick: Pick, dim: isize) -> Result<(Tensor, Tensor)> {
        let dim = self.dim(dim)?;
        let (values, indices) = picked(self, pick, dim)?;
        record_selection(name, self, (&values, &indices), dim, false);
        Ok((values, indices))
    }

    /// The greatest element so far along a dimension (NaN, once there was one), and where it last was.
    ///
    /// # Errors
    /// If there is no such dimension.
    pub fn cummax(&self, dim: isize) -> Result<(Tensor, Tensor)> {
        self.running_extreme("CummaxBackward0", Pick::RunningMaximum, dim)
    }

    /// The smallest element so far along a dimension (NaN, once there was one), and where it last was.
    ///
    /// # Errors
    /// If there is no such dimension.
    pub fn cummin(&self, dim: isize) -> Result<(Tensor, Tensor)> {
        self.running_extreme("CumminBackward0", Pick::RunningMinimum, dim)
    }
}

/// Which places along a dimension contribute to a sum in one place, its own included.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    Later,
    Earlier,
}

/// The gradient of `output = input.logcumsumexp(dim)`, and what that is the adjoint of: with
/// `exp(input_i - output_j)` for places `i <= j`, each place's sum of weights times these, over all
/// later `j` (of place `i`) or all earlier `i` (of place `j`). Each is the other's derivative.
fn attenuated(weights: &Tensor, [input, output]: [&Tensor; 2], dim: usize, reach: Reach) -> Result<Tensor> {
    let out = no_grad(|| {
        // In logarithms, so that nothing overflows, and for each sign on its own.
        let magnitude = weights.abs()?.log()?;
        let part = |wanted: &Tensor| {
            let logarithm = where_(wanted, &magnitude, Scalar::Float(f64::NEG_INFINITY))?;
            match reach {
                Reach::Later => logarithm.sub(output)?.running_log_sum_exp(true, dim)?.add(input)?.exp(),
                Reach::Earlier => logarithm.add(input)?.running_log_sum_exp(false, dim)?.sub(output)?.exp(),
            }
        };
        part(&weights.gt(0)?)?.sub(part(&weights.lt(0)?)?)
    })?;
    if let Some(mut recorder) = Recorder::new("LogcumsumexpBackwardBackward0", &[weights, input, output]) {
        let saved = [weights, input, output].map(|tensor| recorder.save(tensor));
        let result = recorder.save_output(&out, 0);
        recorder.finish(&out, move |ctx, grad| {
            let (weights, input, output) = (ctx.saved(saved[0])?, ctx.saved(saved[1])?, ctx.saved(saved[2])?);
            let back = if reach == Reach::Later { Reach::Earlier } else { Reach::Later };
            let of_weights = attenuated(grad, [&input, &output], dim, back)?;
            let (here, there) = (grad.mul(&ctx.saved(result)?)?, weights.mul(&of_weights)?);
            let (of_input, of_output) = if reach == Reach::Later { (here, there) } else { (there, here) };
            Ok(vec![Some(of_weights), Some(of_input), Some(of_output.neg()?)])
        });
    }
    Ok(out)
}

/// The gradient of `output = input.cumprod(dim)`.
fn cumprod_gradient(grad: &Tensor, input: &Tensor, output: &Tensor, dim: usize) -> Result<Tensor> {
    let size = input.shape().get(dim).map_or(1, |&n| n);
    if input.numel() == 0 || size <= 1 {
        return Ok(grad.clone());
    }
    let zeros = input.detach().eq(0)?.any()?.item()?;
    if !zeros.to_bool() {
        return grad.mul(output)?.running_sum(true, dim, grad.dtype())?.div(input);
    }
    // Without dividing: the product of what comes before, times the later products without it.
    let along = dim as isize;
    let one = Tensor::ones(input.narrow(along, 0, 1)?.shape(), input.dtype())?;
    let mut parts = Vec::with_capacity(size);
    for place in 0..size {
        let later = input.narrow(along, place as isize + 1, size - place - 1)?;
        let products = cat(&[&one, &later], along)?.cumprod(along, None)?;
        let weighted = grad.narrow(along, place as isize, size - place)?.mul(&products)?;
        let mut part = weighted.sum_dims(&[along], true, None)?;
        if place > 0 {
            part = part.mul(output.narrow(along, place as isize - 1, 1)?)?;
        }
        parts.push(part);
    }
    cat(&parts.iter().collect::<Vec<_>>(), along)
}

#[cfg(test)]
mod tests {
    use crate::Tensor;
    use crate::autograd::{gradcheck, gradgradcheck};

    #[test]
    fn log_sums_have_gradients_of_both_orders() {
        let x = Tensor::from_slice(&[0.5, -1.0, 2.0, 0.25, 1.5, -0.5], [2, 3]).unwrap();
        let inputs = [x.requires_grad_(true).unwrap()];
        gradcheck(|x| x[0].logcumsumexp(1), &inputs).unwrap();
        gradgradcheck(|x| x[0].logcumsumexp(1), &inputs).unwrap();
    }

    #[test]
    fn large_numbers_do_not_overflow() {
        let x = Tensor::from_slice(&[10000.0, 1.0, 9999.0], [3]).unwrap().requires_grad_(true).unwrap();
        x.logcumsumexp(0).unwrap().sum().unwrap().backward().unwrap();
        let gradient = x.grad().unwrap().to_vec::<f64>().unwrap();
        let last = 1.0 / (1.0 + 1f64.exp());
        assert!((gradient[0] - (3.0 - last)).abs() < 1e-9 && (gradient[2] - last).abs() < 1e-9, "{gradient:?}");
    }
}
