//! Sums, differences, products and quotients.

use super::{expanded, result_layout, result_type};
use crate::autograd::Recorder;
use crate::backend::BinaryOp;
use crate::ops::{Operand, complex};
use crate::{Array, DType, Error, Result, Scalar, Tensor};

/// How a quotient is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoundingMode {
    /// Towards zero.
    Trunc,
    /// Towards negative infinity.
    Floor,
}

/// Computes a binary function into a new tensor, without a record: broadcasts, converts to
/// `compute`, and gives `out_dtype`.
pub(crate) fn binary_raw(
    op: BinaryOp,
    a: &Operand,
    b: &Operand,
    alpha: Scalar,
    compute: DType,
    out_dtype: DType,
) -> Result<Tensor> {
    let out = Array::uninit(result_layout(&[a, b])?, out_dtype)?;
    let (a, b) = (expanded(a, out.shape())?, expanded(b, out.shape())?);
    crate::backend::of(crate::Device::Cpu).binary(op, compute, alpha, [a.source(), b.source()], &out)?;
    Ok(Tensor::from_array(out))
}

/// The gradient of an operand that was broadcast, in its own shape and dtype.
pub(crate) fn reduce_to(grad: &Tensor, operand_shape: &crate::Shape, dtype: DType) -> Result<Tensor> {
    grad.sum_to_size(operand_shape)?.to_dtype(dtype)
}

/// Begins the record of a sum, difference, product or quotient. A number counts as an input there.
fn recorder(name: &str, a: &Tensor, b: &Operand) -> Option<Recorder> {
    let mut recorder = Recorder::new(name, &inputs(a, b))?;
    if b.tensor().is_none() {
        recorder.number();
    }
    Some(recorder)
}

/// A tensor of an operand, made of a number if need be (for gradients' edges: a number has none).
pub(crate) fn inputs<'a>(a: &'a Tensor, b: &'a Operand) -> smallvec::SmallVec<[&'a Tensor; 2]> {
    let mut inputs = smallvec::SmallVec::from_slice(&[a]);
    inputs.extend(b.tensor());
    inputs
}

fn check_alpha(alpha: Scalar, dtype: DType) -> Result<()> {
    if matches!(alpha, Scalar::Bool(_)) && dtype != DType::Bool {
        return Err(Error::runtime("Boolean alpha only supported for Boolean results."));
    }
    if matches!(alpha, Scalar::Float(_)) && !dtype.is_differentiable() {
        return Err(Error::runtime("For integral input tensors, argument alpha must not be a floating point number."));
    }
    Ok(())
}

fn is_bool(operand: &Operand) -> bool {
    match operand {
        Operand::Tensor(t) => t.dtype() == DType::Bool,
        Operand::Scalar(s) => matches!(s, Scalar::Bool(_)),
    }
}

/// a + alpha·b (or, with `negative`, a - alpha·b), recorded under `name`.
fn add_scaled(name: &str, a: &Tensor, b: &Operand, alpha: Scalar, negative: bool) -> Result<Tensor> {
    let left = Operand::from(a);
    let dtype = result_type([&left, b]);
    check_alpha(alpha, dtype)?;
    let signed = if negative { negate(alpha) } else { alpha };
    if dtype.is_complex() {
        return complex::add_scaled(&left, b, signed);
    }
    let out = binary_raw(BinaryOp::Add, &left, b, signed, dtype, dtype)?;
    if let Some(r) = recorder(name, a, b) {
        let (sa, da) = (a.shape(), a.dtype());
        let other = b.tensor().map(|t| (t.shape(), t.dtype()));
        r.finish(&out, move |ctx, grad| {
            let ga = ctx.needs(0).then(|| reduce_to(grad, &sa, da)).transpose()?;
            let gb = match &other {
                Some((sb, db)) if ctx.needs(1) => {
                    let grad = if is_one(signed) { grad.clone() } else { grad.mul(signed)? };
                    Some(reduce_to(&grad, sb, *db)?)
                }
                _ => None,
            };
            Ok(vec![ga, gb])
        });
    }
    Ok(out)
}

pub(super) fn negate(alpha: Scalar) -> Scalar {
    match alpha {
        Scalar::Bool(b) => Scalar::Int(-i64::from(b)),
        Scalar::Int(i) => Scalar::Int(i.wrapping_neg()),
        Scalar::Float(f) => Scalar::Float(-f),
    }
}

fn is_one(alpha: Scalar) -> bool {
    alpha.to_f64() == 1.0
}

impl Tensor {
    /// self + other, broadcast and promoted.
    ///
    /// # Errors
    /// If the shapes do not broadcast.
    pub fn add(&self, other: impl Into<Operand>) -> Result<Tensor> {
        self.add_alpha(other, 1)
    }

    /// self + alpha·other.
    ///
    /// # Errors
    /// If the shapes do not broadcast, or `alpha` is not a number of the result's kind.
    pub fn add_alpha(&self, other: impl Into<Operand>, alpha: impl Into<Scalar>) -> Result<Tensor> {
        add_scaled("AddBackward0", self, &other.into(), alpha.into(), false)
    }

    /// self - other, broadcast and promoted.
    ///
    /// # Errors
    /// If the shapes do not broadcast, or an operand is of truth values.
    pub fn sub(&self, other: impl Into<Operand>) -> Result<Tensor> {
        self.sub_alpha(other, 1)
    }

    /// self - alpha·other.
    ///
    /// # Errors
    /// If the shapes do not broadcast, an operand is of truth values, or `alpha` is not a number of the result's kind.
    pub fn sub_alpha(&self, other: impl Into<Operand>, alpha: impl Into<Scalar>) -> Result<Tensor> {
        let (other, alpha) = (other.into(), alpha.into());
        check_sub(self, &other)?;
        add_scaled("SubBackward0", self, &other, alpha, true)
    }

    /// alpha is applied to self: other - alpha·self.
    ///
    /// # Errors
    /// As [`Tensor::sub_alpha`].
    pub fn rsub(&self, other: impl Into<Operand>, alpha: impl Into<Scalar>) -> Result<Tensor> {
        let (other, alpha) = (other.into(), alpha.into());
        check_sub(self, &other)?;
        if let Operand::Tensor(t) = &other {
            return add_scaled("SubBackward0", t, &Operand::from(self), alpha, true);
        }
        let me = Operand::from(self);
        let dtype = result_type([&me, &other]);
        check_alpha(alpha, dtype)?;
        if dtype.is_complex() {
            return complex::add_scaled(&other, &me, negate(alpha));
        }
        let out = binary_raw(BinaryOp::Add, &other, &me, negate(alpha), dtype, dtype)?;
        if let Some(r) = Recorder::new("RsubBackward1", &[self]) {
            let (shape, from) = (self.shape(), self.dtype());
            r.finish(&out, move |_, grad| Ok(vec![Some(reduce_to(&grad.mul(negate(alpha))?, &shape, from)?)]));
        }
        Ok(out)
    }

    /// self · other, broadcast and promoted.
    ///
    /// # Errors
    /// If the shapes do not broadcast.
    pub fn mul(&self, other: impl Into<Operand>) -> Result<Tensor> {
        let other = other.into();
        let left = Operand::from(self);
        let dtype = result_type([&left, &other]);
        if dtype.is_complex() {
            return complex::multiply(&left, &other);
        }
        let out = binary_raw(BinaryOp::Mul, &left, &other, Scalar::Int(1), dtype, dtype)?;
        if let Some(mut r) = recorder("MulBackward0", self, &other) {
            let sa = (other.tensor().is_some_and(Tensor::requires_grad)).then(|| r.save(self));
            let (shape_a, dtype_a) = (self.shape(), self.dtype());
            let sb = match &other {
                Operand::Tensor(t) => Err((r.needs(0).then(|| r.save(t)), t.shape(), t.dtype())),
                Operand::Scalar(s) => Ok(*s),
            };
            r.finish(&out, move |ctx, grad| match &sb {
                Ok(number) => Ok(vec![Some(reduce_to(&grad.mul(*number)?, &shape_a, dtype_a)?), None]),
                Err((saved, shape_b, dtype_b)) => {
                    let ga = match saved {
                        Some(s) if ctx.needs(0) => Some(reduce_to(&grad.mul(ctx.saved(*s)?)?, &shape_a, dtype_a)?),
                        _ => None,
                    };
                    let gb = match sa {
                        Some(s) if ctx.needs(1) => Some(reduce_to(&grad.mul(ctx.saved(s)?)?, shape_b, *dtype_b)?),
                        _ => None,
                    };
                    Ok(vec![ga, gb])
                }
            });
        }
        Ok(out)
    }

    /// self / other as real numbers: integers give the default floating-point type.
    ///
    /// # Errors
    /// If the shapes do not broadcast.
    pub fn div(&self, other: impl Into<Operand>) -> Result<Tensor> {
        let other = other.into();
        let left = Operand::from(self);
        let dtype = super::float_dtype(result_type([&left, &other]));
        if dtype.is_complex() {
            return complex::divide(&left, &other);
        }
        let out = binary_raw(BinaryOp::Div, &left, &other, Scalar::Int(1), dtype, dtype)?;
        if let Some(mut r) = recorder("DivBackward0", self, &other) {
            let (shape_a, dtype_a) = (self.shape(), self.dtype());
            let right = match &other {
                Operand::Tensor(t) => {
                    let numerator = r.needs(1).then(|| r.save(self));
                    Err((r.save(t), numerator, t.shape(), t.dtype()))
                }
                Operand::Scalar(s) => Ok(*s),
            };
            r.finish(&out, move |ctx, grad| match &right {
                Ok(number) => Ok(vec![Some(reduce_to(&grad.div(*number)?, &shape_a, dtype_a)?), None]),
                Err((sb, sa, shape_b, dtype_b)) => {
                    let b = ctx.saved(*sb)?;
                    let ga = ctx.needs(0).then(|| reduce_to(&grad.div(&b)?, &shape_a, dtype_a)).transpose()?;
                    let gb = match sa {
                        Some(s) if ctx.needs(1) => {
                            let g = grad.neg()?.mul(ctx.saved(*s)?.div(&b)?.div(&b)?)?;
                            Some(reduce_to(&g, shape_b, *dtype_b)?)
                        }
                        _ => None,
                    };
                    Ok(vec![ga, gb])
                }
            });
        }
        Ok(out)
    }

    /// self / other, rounded; with `None` as [`Tensor::div`].
    ///
    /// # Errors
    /// If the shapes do not broadcast, or integers are divided by zero.
    pub fn div_rounded(&self, other: impl Into<Operand>, rounding: Option<RoundingMode>) -> Result<Tensor> {
        let other = other.into();
        let Some(rounding) = rounding else { return self.div(other) };
        let left = Operand::from(self);
        let dtype = result_type([&left, &other]);
        check_integer_divisor(&other, dtype)?;
        let (op, kernel) = match rounding {
            RoundingMode::Trunc => (BinaryOp::DivTrunc, "div_trunc_cpu"),
            RoundingMode::Floor => (BinaryOp::DivFloor, "div_floor_cpu"),
        };
        if dtype == DType::Bool {
            return Err(super::not_implemented(kernel, dtype));
        }
        let out = binary_raw(op, &left, &other, Scalar::Int(1), dtype, dtype)?;
        if dtype.is_floating_point()
            && let Some(r) = Recorder::new("DivBackward2", &inputs(self, &other))
        {
            // The rounded quotient is a step function.
            let zeros = inputs(self, &other).iter().map(|t| (t.shape(), t.dtype())).collect::<Vec<_>>();
            r.finish(&out, move |ctx, _| {
                zeros
                    .iter()
                    .enumerate()
                    .map(|(i, (shape, dtype))| ctx.needs(i).then(|| super::zeros(shape, *dtype)).transpose())
                    .collect()
            });
        }
        Ok(out)
    }

    /// -self.
    ///
    /// # Errors
    /// For truth values.
    pub fn neg(&self) -> Result<Tensor> {
        let dtype = self.dtype();
        if dtype == DType::Bool {
            return Err(Error::not_implemented(
                "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, use the `~` or `logical_not()` operator instead.",
            ));
        }
        if dtype.is_complex() {
            return complex::negate(self);
        }
        let out = super::unary_raw(self, crate::backend::UnaryOp::Neg, dtype, dtype, [Scalar::Int(0); 2])?;
        if let Some(r) = Recorder::new("NegBackward0", &[self]) {
            r.finish(&out, |_, grad| Ok(vec![Some(grad.neg()?)]));
        }
        Ok(out)
    }
}

pub(super) fn check_sub(a: &Tensor, b: &Operand) -> Result<()> {
    if a.dtype() == DType::Bool && is_bool(b) {
        return Err(Error::not_implemented(
            "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` operator instead.",
        ));
    }
    if a.dtype() == DType::Bool || is_bool(b) {
        return Err(Error::not_implemented(
            "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a mask, use the `~` or `logical_not()` operator instead.",
        ));
    }
    Ok(())
}

/// PyTorch's error for an integer divided by zero.
pub(crate) fn check_integer_divisor(divisor: &Operand, dtype: DType) -> Result<()> {
    if dtype.is_floating_point() {
        return Ok(());
    }
    let zero = match divisor {
        Operand::Scalar(s) => s.to_i64() == 0,
        Operand::Tensor(t) => t.numel() != 0 && !t.ne(0)?.all_true()?,
    };
    if zero { Err(Error::runtime("ZeroDivisionError")) } else { Ok(()) }
}
