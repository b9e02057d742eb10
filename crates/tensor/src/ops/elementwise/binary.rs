//! Functions of two tensors (or a tensor and a number) that are no arithmetic.

use super::arithmetic::{RoundingMode, binary_raw, check_integer_divisor, inputs, reduce_to};
use super::{float_dtype, not_implemented, result_type, where_, zeros_like};
use crate::autograd::Recorder;
use crate::backend::BinaryOp;
use crate::ops::Operand;
use crate::{DType, Error, Result, Scalar, Tensor};

/// The gradient of one operand, from (grad, self, other), before it is reduced to the operand's shape.
pub(crate) type Slope = fn(&Tensor, &Tensor, &Operand) -> Result<Tensor>;

/// Records a function of two operands whose gradients are made of the operands.
pub(crate) fn record(name: &str, a: &Tensor, b: &Operand, out: &Tensor, slopes: [Slope; 2]) {
    if !out.dtype().is_floating_point() {
        return;
    }
    let Some(mut r) = Recorder::new(name, &inputs(a, b)) else { return };
    let sa = r.save(a);
    let sb = match b {
        Operand::Tensor(t) => Err(r.save(t)),
        Operand::Scalar(s) => Ok(*s),
    };
    r.finish(out, move |ctx, grad| {
        let a = ctx.saved(sa)?;
        let b = match sb {
            Ok(number) => Operand::Scalar(number),
            Err(saved) => Operand::Tensor(ctx.saved(saved)?),
        };
        let ga = ctx.needs(0).then(|| reduce_to(&slopes[0](grad, &a, &b)?, &a.shape(), a.dtype())).transpose()?;
        let mut grads = vec![ga];
        if let Operand::Tensor(t) = &b {
            grads.push(ctx.needs(1).then(|| reduce_to(&slopes[1](grad, &a, &b)?, &t.shape(), t.dtype())).transpose()?);
        }
        Ok(grads)
    });
}

/// The other operand as a tensor (a number becomes one without dimensions).
fn tensor(b: &Operand) -> Result<Tensor> {
    match b {
        Operand::Tensor(t) => Ok(t.clone()),
        Operand::Scalar(s) => {
            let t = Tensor::empty([], s.dtype())?;
            t.fill_raw(*s)?;
            Ok(t)
        }
    }
}

fn zero(grad: &Tensor, _: &Tensor, _: &Operand) -> Result<Tensor> {
    zeros_like(grad)
}

/// Whether the dtypes of an operator's operands are taken by its kernel.
#[derive(Clone, Copy)]
enum Takes {
    /// Any dtype but truth values.
    Numbers,
    /// Any dtype.
    All,
    /// Floating-point types.
    Floats,
    /// Integers.
    Integers,
    /// Integers and truth values.
    Bits,
    /// Any dtype; integers are computed in the default floating-point type.
    AsFloats,
}

struct Function {
    op: BinaryOp,
    /// The kernel's name in messages.
    kernel: &'static str,
    takes: Takes,
    /// The node's names with a tensor and with a number on the other side.
    nodes: [&'static str; 2],
    slopes: [Slope; 2],
}

fn apply(f: &Function, a: &Tensor, b: &Operand) -> Result<Tensor> {
    let left = Operand::from(a);
    let dtype = result_type([&left, b]);
    let fits = match f.takes {
        Takes::All | Takes::AsFloats => true,
        Takes::Numbers => dtype != DType::Bool,
        Takes::Floats => dtype.is_floating_point(),
        Takes::Integers => dtype.is_integral(false),
        Takes::Bits => dtype.is_integral(true),
    };
    if !fits {
        return Err(not_implemented(f.kernel, dtype));
    }
    let dtype = if matches!(f.takes, Takes::AsFloats) { float_dtype(dtype) } else { dtype };
    if matches!(f.op, BinaryOp::Remainder | BinaryOp::Fmod) {
        check_integer_divisor(b, dtype)?;
    }
    let out = binary_raw(f.op, &left, b, Scalar::Int(0), dtype, dtype)?;
    let node = f.nodes[usize::from(b.tensor().is_none())];
    if !node.is_empty() {
        record(node, a, b, &out, f.slopes);
    }
    Ok(out)
}

macro_rules! functions {
    ($($(#[$doc:meta])* $name:ident, $op:ident, $kernel:literal, $takes:ident, [$n0:literal, $n1:literal], $ga:expr, $gb:expr;)*) => {
        impl Tensor {$(
            $(#[$doc])*
            ///
            /// # Errors
            /// If the shapes do not broadcast, or the dtype has no such function.
            pub fn $name(&self, other: impl Into<Operand>) -> Result<Tensor> {
                let f = Function { op: BinaryOp::$op, kernel: $kernel, takes: Takes::$takes, nodes: [$n0, $n1], slopes: [$ga, $gb] };
                apply(&f, self, &other.into())
            }
        )*}
    };
}
functions! {
    /// The remainder of the floored quotient: it has the divisor's sign, as Python's `%`.
    remainder, Remainder, "remainder_cpu", Numbers, ["RemainderBackward1", "RemainderBackward0"],
        |g, _, _| Ok(g.clone()), |g, a, b| g.neg()?.mul(a.div_rounded(b.clone(), Some(RoundingMode::Floor))?);
    /// The remainder of the truncated quotient: it has the dividend's sign, as C's `fmod`.
    fmod, Fmod, "fmod_cpu", Numbers, ["FmodBackward1", "FmodBackward0"],
        |g, _, _| Ok(g.clone()), |g, a, b| g.neg()?.mul(a.div_rounded(b.clone(), Some(RoundingMode::Trunc))?);
    /// The larger of two; NaN if one is.
    maximum, Maximum, "maximum_cpu", All, ["MaximumBackward0", "MaximumBackward0"],
        |g, a, b| split_ties(g, a, b, &a.lt(b.clone())?), |g, a, b| split_ties(g, a, b, &a.gt(b.clone())?);
    /// The smaller of two; NaN if one is.
    minimum, Minimum, "minimum_cpu", All, ["MinimumBackward0", "MinimumBackward0"],
        |g, a, b| split_ties(g, a, b, &a.gt(b.clone())?), |g, a, b| split_ties(g, a, b, &a.lt(b.clone())?);
    /// The larger of two; the other where one is NaN.
    fmax, Fmax, "fmax_cpu", All, ["FmaxBackward0", "FmaxBackward0"],
        |g, a, b| where_(&first_or_nan(&a.ge(b.clone())?, b)?, g, 0), |g, a, b| where_(&first_or_nan(&a.ge(b.clone())?, b)?, 0, g);
    /// The smaller of two; the other where one is NaN.
    fmin, Fmin, "fmin_cpu", All, ["FminBackward0", "FminBackward0"],
        |g, a, b| where_(&first_or_nan(&a.le(b.clone())?, b)?, g, 0), |g, a, b| where_(&first_or_nan(&a.le(b.clone())?, b)?, 0, g);
    /// The angle of the point (other, self).
    atan2, Atan2, "atan2_cpu", AsFloats, ["Atan2Backward0", "Atan2Backward0"],
        |g, a, b| g.mul(tensor(b)?.mul(&inverse_square_sum(a, b)?)?), |g, a, b| g.mul(a.neg()?.mul(&inverse_square_sum(a, b)?)?);
    /// The length of the hypotenuse.
    hypot, Hypot, "hypot_cpu", Floats, ["HypotBackward0", "HypotBackward0"],
        |g, a, b| g.mul(a.div(a.hypot(b.clone())?)?), |g, a, b| g.mul(tensor(b)?.div(a.hypot(b.clone())?)?);
    /// ln(e^self + e^other).
    logaddexp, Logaddexp, "logaddexp_cpu", Floats, ["LogaddexpBackward0", "LogaddexpBackward0"],
        |g, a, b| g.div(tensor(b)?.sub(a)?.exp()?.add(1)?), |g, a, b| g.div(a.sub(b.clone())?.exp()?.add(1)?);
    /// log2(2^self + 2^other).
    logaddexp2, Logaddexp2, "logaddexp2_cpu", Floats, ["Logaddexp2Backward0", "Logaddexp2Backward0"],
        |g, a, b| g.div(tensor(b)?.sub(a)?.exp2()?.add(1)?), |g, a, b| g.div(a.sub(b.clone())?.exp2()?.add(1)?);
    /// self·ln(other), 0 where self is 0.
    xlogy, Xlogy, "xlogy_cpu", AsFloats, ["XlogyBackward0", "XlogyBackward2"],
        |g, a, b| {
            let empty = a.eq(0.0)?.logical_and(&tensor(b)?.le(0.0)?)?;
            where_(&empty, 0.0, &g.xlogy(b.clone())?)
        },
        |g, a, b| g.mul(a)?.div(b.clone());
    /// The absolute value of self with the sign of other.
    copysign, Copysign, "copysign_cpu", AsFloats, ["CopysignBackward0", "CopysignBackward1"],
        |g, a, b| where_(&a.eq(0)?, 0.0, &g.mul(&a.copysign(b.clone())?.div(a)?)?), zero;
    /// The next number after self in the direction of other.
    nextafter, Nextafter, "nextafter_cpu", Floats, ["", ""], zero, zero;
    /// Bitwise and.
    bitwise_and, BitwiseAnd, "bitwise_and_cpu", Bits, ["", ""], zero, zero;
    /// Bitwise or.
    bitwise_or, BitwiseOr, "bitwise_or_cpu", Bits, ["", ""], zero, zero;
    /// Bitwise exclusive or.
    bitwise_xor, BitwiseXor, "bitwise_xor_cpu", Bits, ["", ""], zero, zero;
    /// self · 2^other, bit by bit.
    bitwise_left_shift, ShiftLeft, "lshift_cpu", Integers, ["", ""], zero, zero;
    /// self / 2^other, bit by bit, keeping the sign.
    bitwise_right_shift, ShiftRight, "rshift_cpu", Integers, ["", ""], zero, zero;
    /// The greatest common divisor.
    gcd, Gcd, "gcd_cpu", Integers, ["", ""], zero, zero;
    /// The least common multiple.
    lcm, Lcm, "lcm_cpu", Integers, ["", ""], zero, zero;
}

/// Half the gradient where the operands tie, none where `other_wins`.
fn split_ties(grad: &Tensor, a: &Tensor, b: &Operand, other_wins: &Tensor) -> Result<Tensor> {
    let shared = where_(&a.eq(b.clone())?, &grad.div(2)?, grad)?;
    where_(other_wins, 0, &shared)
}

fn first_or_nan(first: &Tensor, b: &Operand) -> Result<Tensor> {
    first.logical_or(&tensor(b)?.isnan()?)
}

fn inverse_square_sum(a: &Tensor, b: &Operand) -> Result<Tensor> {
    let b = tensor(b)?;
    a.mul(a)?.add(&b.mul(&b)?)?.reciprocal()
}

impl Tensor {
    /// The floor of the quotient.
    ///
    /// # Errors
    /// As [`Tensor::div_rounded`].
    pub fn floor_divide(&self, other: impl Into<Operand>) -> Result<Tensor> {
        self.div_rounded(other, Some(RoundingMode::Floor))
    }

    /// 0 below zero, 1 above, and `values` at zero.
    ///
    /// # Errors
    /// If the dtypes differ or the shapes do not broadcast.
    pub fn heaviside(&self, values: &Tensor) -> Result<Tensor> {
        if self.dtype() != values.dtype() {
            return Err(Error::runtime("heaviside is not yet implemented for tensors with different dtypes."));
        }
        let dtype = self.dtype();
        binary_raw(BinaryOp::Heaviside, &self.into(), &values.into(), Scalar::Int(0), dtype, dtype)
    }

    /// self · 2^other.
    ///
    /// # Errors
    /// If the shapes do not broadcast.
    pub fn ldexp(&self, other: &Tensor) -> Result<Tensor> {
        self.mul(&super::pow_base(2.0, other)?)
    }

    /// self to the power of other, in float64.
    ///
    /// # Errors
    /// If the shapes do not broadcast.
    pub fn float_power(&self, exponent: impl Into<Operand>) -> Result<Tensor> {
        let exponent = match exponent.into() {
            Operand::Tensor(t) => Operand::Tensor(t.to_dtype(DType::F64)?),
            Operand::Scalar(s) => Operand::Scalar(Scalar::Float(s.to_f64())),
        };
        self.to_dtype(DType::F64)?.pow(exponent)
    }

    /// Where two tensors are equal up to |self - other| <= atol + rtol·|other|.
    ///
    /// # Errors
    /// If the dtypes differ, the shapes do not broadcast, or a tolerance is negative.
    pub fn isclose(&self, other: &Tensor, rtol: f64, atol: f64, equal_nan: bool) -> Result<Tensor> {
        if self.dtype() != other.dtype() {
            return Err(Error::runtime(format!(
                "{} did not match {}",
                self.dtype().scalar_type_name(),
                other.dtype().scalar_type_name()
            )));
        }
        for (name, value) in [("rtol", rtol), ("atol", atol)] {
            if value < 0.0 {
                return Err(Error::runtime(format!("{name} must be greater than or equal to zero, but got {value}")));
            }
        }
        crate::autograd::no_grad(|| {
            let mut close = self.eq(other)?;
            if equal_nan && self.dtype().is_floating_point() {
                close = close.logical_or(&self.isnan()?.logical_and(&other.isnan()?)?)?;
            }
            if rtol == 0.0 && atol == 0.0 {
                return Ok(close);
            }
            let float = |t: &Tensor| t.to_dtype(float_dtype(t.dtype()));
            let (a, b) = (float(self)?, float(other)?);
            let allowed = b.mul(rtol)?.abs()?.add(atol)?;
            let distance = a.sub(&b)?.abs()?;
            close.logical_or(&distance.isfinite()?.logical_and(&distance.le(&allowed)?)?)
        })
    }

    /// Whether all elements are close; see [`Tensor::isclose`].
    ///
    /// # Errors
    /// As [`Tensor::isclose`].
    pub fn allclose(&self, other: &Tensor, rtol: f64, atol: f64, equal_nan: bool) -> Result<bool> {
        self.isclose(other, rtol, atol, equal_nan)?.all_true()
    }

    /// Whether two tensors have the same shape and the same elements.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn equal(&self, other: &Tensor) -> Result<bool> {
        if self.shape() != other.shape() {
            return Ok(false);
        }
        self.eq(other)?.all_true()
    }

    /// self + weight·(end - self), where the weight is a number or a tensor.
    ///
    /// # Errors
    /// If dtypes differ or the shapes do not broadcast.
    pub fn lerp(&self, end: &Tensor, weight: impl Into<Operand>) -> Result<Tensor> {
        super::blend::lerp(self, end, &weight.into())
    }
}
