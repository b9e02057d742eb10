//! Functions of three operands: lerp, addcmul, addcdiv, clamp.

use super::arithmetic::reduce_to;
use super::{expanded, not_implemented, result_layout, result_type, where_};
use crate::autograd::Recorder;
use crate::backend::TernaryOp;
use crate::ops::Operand;
use crate::{Array, DType, Error, Result, Scalar, Tensor};

/// Computes a function of three operands into a new tensor, without a record.
pub(crate) fn ternary_raw(op: TernaryOp, operands: [&Operand; 3], value: Scalar, dtype: DType) -> Result<Tensor> {
    let out = Array::uninit(result_layout(&operands)?, dtype)?;
    let [a, b, c] = operands.map(|o| expanded(o, out.shape()));
    let (a, b, c) = (a?, b?, c?);
    crate::backend::of(crate::Device::Cpu).ternary(op, dtype, value, [a.source(), b.source(), c.source()], &out)?;
    Ok(Tensor::from_array(out))
}

pub(super) fn lerp(start: &Tensor, end: &Tensor, weight: &Operand) -> Result<Tensor> {
    check_lerp(start, end, weight)?;
    let dtype = start.dtype();
    let out = ternary_raw(TernaryOp::Lerp, [&start.into(), &end.into(), weight], Scalar::Int(0), dtype)?;
    match weight {
        Operand::Scalar(w) => {
            if let Some(r) = Recorder::new("LerpBackward0", &[start, end]) {
                let (shape_a, shape_b, w) = (start.shape(), end.shape(), w.to_f64());
                r.finish(&out, move |ctx, grad| {
                    let ga = ctx.needs(0).then(|| grad.mul(1.0 - w)?.sum_to_size(&shape_a)).transpose()?;
                    let gb = ctx.needs(1).then(|| grad.mul(w)?.sum_to_size(&shape_b)).transpose()?;
                    Ok(vec![ga, gb])
                });
            }
        }
        Operand::Tensor(w) => {
            if let Some(mut r) = Recorder::new("LerpBackward1", &[start, end, w]) {
                let saved = [r.save(start), r.save(end), r.save(w)];
                r.finish(&out, move |ctx, grad| {
                    let w = ctx.saved(saved[2])?;
                    let (a, b) = (ctx.saved(saved[0])?, ctx.saved(saved[1])?);
                    let ga = ctx.needs(0).then(|| grad.mul(w.rsub(1, 1)?)?.sum_to_size(a.shape())).transpose()?;
                    let gb = ctx.needs(1).then(|| grad.mul(&w)?.sum_to_size(b.shape())).transpose()?;
                    let gw = ctx.needs(2).then(|| grad.mul(b.sub(&a)?)?.sum_to_size(w.shape())).transpose()?;
                    Ok(vec![ga, gb, gw])
                });
            }
        }
    }
    Ok(out)
}

fn check_lerp(start: &Tensor, end: &Tensor, weight: &Operand) -> Result<()> {
    let dtype = start.dtype();
    for (name, other) in [("end", Some(end)), ("weight", weight.tensor())] {
        if let Some(t) = other
            && t.dtype() != dtype
            // A weight without dimensions is converted, as a number is.
            && !(name == "weight" && t.ndim() == 0 && t.dtype().is_floating_point())
        {
            return Err(Error::dtype(format!(
                "expected dtype {} for `{name}` but got dtype {}",
                c_name(dtype),
                c_name(t.dtype())
            )));
        }
    }
    if !dtype.is_floating_point() {
        let kernel = if weight.tensor().is_some() { "lerp_kernel_tensor" } else { "lerp_kernel_scalar" };
        return Err(not_implemented(kernel, dtype));
    }
    Ok(())
}

fn c_name(dtype: DType) -> &'static str {
    if dtype == DType::I64 { "long int" } else { dtype.c_name() }
}

const INTEGER_ADDCDIV: &str = "Integer division with addcdiv is no longer supported, and in a future  release addcdiv will perform a true division of tensor1 and tensor2. The historic addcdiv behavior can be implemented as (input + value * torch.trunc(tensor1 / tensor2)).to(input.dtype) for integer inputs and as (input + value * tensor1 / tensor2) for float inputs. The future addcdiv behavior is just the latter implementation: (input + value * tensor1 / tensor2), for all dtypes.";

impl Tensor {
    /// self + value·a·b.
    ///
    /// # Errors
    /// If the shapes do not broadcast, or for truth values.
    pub fn addcmul(&self, a: &Tensor, b: &Tensor, value: impl Into<Scalar>) -> Result<Tensor> {
        let value = value.into();
        let operands = [&Operand::from(self), &Operand::from(a), &Operand::from(b)];
        let dtype = result_type(operands);
        if dtype == DType::Bool {
            return Err(not_implemented("addcmul_cpu_out", dtype));
        }
        let out = ternary_raw(TernaryOp::Addcmul, operands, value, dtype)?;
        if let Some(mut r) = Recorder::new("AddcmulBackward0", &[self, a, b]) {
            let saved = [r.save(a), r.save(b)];
            let (shape, from) = (self.shape(), self.dtype());
            r.finish(&out, move |ctx, grad| {
                let (a, b) = (ctx.saved(saved[0])?, ctx.saved(saved[1])?);
                let g = ctx.needs(0).then(|| reduce_to(grad, &shape, from)).transpose()?;
                let ga =
                    ctx.needs(1).then(|| reduce_to(&grad.mul(&b.mul(value)?)?, &a.shape(), a.dtype())).transpose()?;
                let gb =
                    ctx.needs(2).then(|| reduce_to(&grad.mul(&a.mul(value)?)?, &b.shape(), b.dtype())).transpose()?;
                Ok(vec![g, ga, gb])
            });
        }
        Ok(out)
    }

    /// self + value·a/b.
    ///
    /// # Errors
    /// If the shapes do not broadcast, or both a and b are integers.
    pub fn addcdiv(&self, a: &Tensor, b: &Tensor, value: impl Into<Scalar>) -> Result<Tensor> {
        let value = value.into();
        if a.dtype().is_integral(true) && b.dtype().is_integral(true) {
            return Err(Error::runtime(INTEGER_ADDCDIV));
        }
        let operands = [&Operand::from(self), &Operand::from(a), &Operand::from(b)];
        let dtype = result_type(operands);
        let out = ternary_raw(TernaryOp::Addcdiv, operands, value, dtype)?;
        if let Some(mut r) = Recorder::new("AddcdivBackward0", &[self, a, b]) {
            let saved = [r.save(a), r.save(b)];
            let (shape, from) = (self.shape(), self.dtype());
            r.finish(&out, move |ctx, grad| {
                let (a, b) = (ctx.saved(saved[0])?, ctx.saved(saved[1])?);
                let g = ctx.needs(0).then(|| reduce_to(grad, &shape, from)).transpose()?;
                let ga = ctx
                    .needs(1)
                    .then(|| reduce_to(&grad.mul(&b.reciprocal()?.mul(value)?)?, &a.shape(), a.dtype()))
                    .transpose()?;
                let gb = ctx
                    .needs(2)
                    .then(|| {
                        let slope = a.mul(value)?.div(&b.mul(&b)?)?;
                        reduce_to(&grad.neg()?.mul(&slope)?, &b.shape(), b.dtype())
                    })
                    .transpose()?;
                Ok(vec![g, ga, gb])
            });
        }
        Ok(out)
    }

    /// self, at least `min` and at most `max` (numbers or tensors; one may be missing). Where the bounds
    /// cross, `max` wins.
    ///
    /// # Errors
    /// If both bounds are missing, or the shapes do not broadcast.
    pub fn clamp(&self, min: Option<Operand>, max: Option<Operand>) -> Result<Tensor> {
        if min.is_none() && max.is_none() {
            return Err(Error::runtime("torch.clamp: At least one of 'min' or 'max' must not be None"));
        }
        let numbers = [&min, &max].into_iter().flatten().all(|o| o.tensor().is_none());
        self.clamp_named(if numbers { "ClampBackward1" } else { "ClampBackward0" }, min, max)
    }

    /// self, at least `min`.
    ///
    /// # Errors
    /// If the shapes do not broadcast.
    pub fn clamp_min(&self, min: impl Into<Operand>) -> Result<Tensor> {
        let min = min.into();
        let name = if min.tensor().is_some() { "ClampMinBackward1" } else { "ClampMinBackward0" };
        self.clamp_named(name, Some(min), None)
    }

    /// self, at most `max`.
    ///
    /// # Errors
    /// If the shapes do not broadcast.
    pub fn clamp_max(&self, max: impl Into<Operand>) -> Result<Tensor> {
        let max = max.into();
        let name = if max.tensor().is_some() { "ClampMaxBackward1" } else { "ClampMaxBackward0" };
        self.clamp_named(name, None, Some(max))
    }

    fn clamp_named(&self, name: &str, min: Option<Operand>, max: Option<Operand>) -> Result<Tensor> {
        let me = Operand::from(self);
        let dtype = result_type([Some(&me), min.as_ref(), max.as_ref()].into_iter().flatten());
        let bounds = || [min.as_ref(), max.as_ref()];
        // A missing bound is one that nothing passes.
        let none = |low: bool| match (dtype.is_floating_point(), low) {
            (true, true) => Operand::Scalar(Scalar::Float(f64::NEG_INFINITY)),
            (true, false) => Operand::Scalar(Scalar::Float(f64::INFINITY)),
            (false, true) => Operand::Scalar(Scalar::Int(i64::MIN)),
            (false, false) => Operand::Scalar(Scalar::Int(i64::MAX)),
        };
        let low = min.clone().unwrap_or_else(|| none(true));
        let high = max.clone().unwrap_or_else(|| none(false));
        let out = ternary_raw(TernaryOp::Clamp, [&me, &low, &high], Scalar::Int(0), dtype)?;
        let tensors: Vec<&Tensor> =
            [Some(self)].into_iter().chain(bounds().map(|b| b.and_then(Operand::tensor))).flatten().collect();
        if dtype.is_floating_point()
            && let Some(mut r) = Recorder::new(name, &tensors)
        {
            let saved = r.save(self);
            let [low, high] = [&min, &max].map(|bound| {
                bound.as_ref().map(|b| match b {
                    Operand::Tensor(t) => Err(r.save(t)),
                    Operand::Scalar(s) => Ok(*s),
                })
            });
            r.finish(&out, move |ctx, grad| {
                let x = ctx.saved(saved)?;
                let unpack = |b: &Option<_>| -> Result<Option<Operand>> {
                    Ok(match b {
                        None => None,
                        Some(Ok(number)) => Some(Operand::Scalar(*number)),
                        Some(Err(saved)) => Some(Operand::Tensor(ctx.saved(*saved)?)),
                    })
                };
                clamp_backward(ctx, grad, &x, unpack(&low)?, unpack(&high)?)
            });
        }
        Ok(out)
    }

    /// self with NaN and infinities replaced: by 0, the largest and the smallest number of the dtype unless
    /// given.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn nan_to_num(&self, nan: Option<f64>, posinf: Option<f64>, neginf: Option<f64>) -> Result<Tensor> {
        let dtype = self.dtype();
        if !dtype.is_floating_point() {
            return super::unary_raw(self, crate::backend::UnaryOp::Copy, dtype, dtype, [Scalar::Int(0); 2]);
        }
        let largest = match dtype {
            DType::F64 => f64::MAX,
            DType::F32 => f64::from(f32::MAX),
            DType::BF16 => f64::from(crate::element::bf16::MAX),
            _ => f64::from(crate::element::f16::MAX),
        };
        let x = self.detach();
        let out = where_(&x.isnan()?, nan.unwrap_or(0.0), &x)?;
        let out = where_(&out.isposinf()?.logical_and(&x.isposinf()?)?, posinf.unwrap_or(largest), &out)?;
        let out = where_(&x.isneginf()?, neginf.unwrap_or(-largest), &out)?;
        if let Some(mut r) = Recorder::new("NanToNumBackward0", &[self]) {
            let saved = r.save(self);
            r.finish(&out, move |ctx, grad| Ok(vec![Some(where_(&ctx.saved(saved)?.isfinite()?, grad, 0)?)]));
        }
        Ok(out)
    }
}

fn clamp_backward(
    ctx: &crate::autograd::Context<'_>,
    grad: &Tensor,
    x: &Tensor,
    min: Option<Operand>,
    max: Option<Operand>,
) -> Result<Vec<Option<Tensor>>> {
    // A number is a hard bound: nothing passes at it. A tensor shares the gradient where it ties.
    let side = |g: Tensor, bound: &Operand, outside: Tensor| -> Result<Tensor> {
        match bound {
            Operand::Scalar(_) => where_(&outside, &g, 0),
            Operand::Tensor(t) => where_(&outside.logical_not()?, &where_(&x.eq(t)?, &g.mul(0.5)?, &g)?, 0),
        }
    };
    let mut grads = Vec::new();
    grads.push(match ctx.needs(0) {
        false => None,
        true => {
            let mut g = grad.clone();
            if let Some(low) = &min {
                let test = if low.tensor().is_some() { x.lt(low.clone())? } else { x.gt(low.clone())? };
                g = side(g, low, test)?;
            }
            if let Some(high) = &max {
                let test = if high.tensor().is_some() { x.gt(high.clone())? } else { x.lt(high.clone())? };
                g = side(g, high, test)?;
            }
            Some(reduce_to(&g, &x.shape(), x.dtype())?)
        }
    });
    let as_tensor = |o: &Operand| o.tensor().cloned();
    if let Some(low) = min.as_ref().and_then(as_tensor) {
        let i = grads.len();
        let g = ctx.needs(i).then(|| {
            let mut g = where_(&x.lt(&low)?, grad, &where_(&x.eq(&low)?, &grad.mul(0.5)?, 0)?)?;
            if let Some(high) = &max {
                g = where_(&low.le(high.clone())?, &g, 0)?;
            }
            reduce_to(&g, &low.shape(), low.dtype())
        });
        grads.push(g.transpose()?);
    }
    if let Some(high) = max.as_ref().and_then(as_tensor) {
        let i = grads.len();
        let g = ctx.needs(i).then(|| {
            let mut g = where_(&x.gt(&high)?, grad, &where_(&x.eq(&high)?, &grad.mul(0.5)?, 0)?)?;
            if let Some(low) = &min {
                g = where_(&high.lt(low.clone())?, grad, &g)?;
            }
            reduce_to(&g, &high.shape(), high.dtype())
        });
        grads.push(g.transpose()?);
    }
    Ok(grads)
}
