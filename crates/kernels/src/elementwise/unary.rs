//! Functions of one operand.

use super::{Compute, Kernel, Kind, Parameters, math};
use crate::element::Bool;

/// A function of one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are those of the mathematical functions")]
pub enum UnaryOp {
    Neg,
    Abs,
    Sign,
    Exp,
    Exp2,
    Expm1,
    Log,
    Log2,
    Log10,
    Log1p,
    Sqrt,
    Rsqrt,
    Square,
    Reciprocal,
    Sin,
    Cos,
    Tan,
    Asin,
    Acos,
    Atan,
    Sinh,
    Cosh,
    Tanh,
    Asinh,
    Acosh,
    Atanh,
    Sigmoid,
    Erf,
    Erfc,
    Erfinv,
    Floor,
    Ceil,
    Round,
    /// Rounds to as many decimal places as the first integer parameter says.
    RoundDecimals,
    Trunc,
    Frac,
    Relu,
    Lgamma,
    Digamma,
    Sinc,
    BitwiseNot,
    /// 1 where the number is 0, else 0.
    LogicalNot,
    /// Parameters: what stands for NaN.
    NanToNum,
    /// x·p + q for the parameters p and q, each rounded.
    Affine,
    /// The number to the power of the first parameter.
    PowScalar,
    /// The first parameter to the power of the number.
    PowBase,
    /// 1 where the number is not 0, else 0.
    NotZero,
    /// The number itself.
    Copy,
}

/// A question about one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum PredicateOp {
    IsNan,
    IsInf,
    IsFinite,
    IsPosInf,
    IsNegInf,
    Signbit,
    LogicalNot,
    NotZero,
}

macro_rules! block1 {
    ($t:ty => $o:ty, |$x:ident, $p:ident| $e:expr) => {{
        crate::multiversion! {
            fn apply(out: &mut [$o], a: &[$t], $p: &Parameters) {
                for (o, &$x) in out.iter_mut().zip(a) {
                    *o = $e;
                }
            }
        }
        unsafe fn erased(out: *mut u8, inputs: [*const u8; 3], n: usize, p: &Parameters) {
            // SAFETY: the engine hands out blocks of `n` elements that do not overlap.
            let (out, a) = unsafe {
                (
                    std::slice::from_raw_parts_mut(out.cast::<$o>(), n),
                    std::slice::from_raw_parts(inputs[0].cast::<$t>(), n),
                )
            };
            apply(out, a, p);
        }
        erased as super::BlockFn
    }};
}

macro_rules! floats {
    ($t:ident, $op:expr; $exp:expr, $log:expr, $sigmoid:expr, $tanh:expr; $erf:path, $erfc:path, $lgamma:path) => {
        match $op {
            UnaryOp::Neg => block1!($t => $t, |x, _p| -x),
            UnaryOp::Abs => block1!($t => $t, |x, _p| x.abs()),
            UnaryOp::Sign => block1!($t => $t, |x, _p| ((x > 0.0) as i8 - (x < 0.0) as i8) as $t),
            UnaryOp::Exp => block1!($t => $t, |x, _p| $exp(x)),
            UnaryOp::Exp2 => block1!($t => $t, |x, _p| x.exp2()),
            UnaryOp::Expm1 => block1!($t => $t, |x, _p| x.exp_m1()),
            UnaryOp::Log => block1!($t => $t, |x, _p| $log(x)),
            UnaryOp::Log2 => block1!($t => $t, |x, _p| x.log2()),
            UnaryOp::Log10 => block1!($t => $t, |x, _p| x.log10()),
            UnaryOp::Log1p => block1!($t => $t, |x, _p| x.ln_1p()),
            UnaryOp::Sqrt => block1!($t => $t, |x, _p| x.sqrt()),
            UnaryOp::Rsqrt => block1!($t => $t, |x, _p| 1.0 / x.sqrt()),
            UnaryOp::Square => block1!($t => $t, |x, _p| x * x),
            UnaryOp::Reciprocal => block1!($t => $t, |x, _p| 1.0 / x),
            UnaryOp::Sin => block1!($t => $t, |x, _p| x.sin()),
            UnaryOp::Cos => block1!($t => $t, |x, _p| x.cos()),
            UnaryOp::Tan => block1!($t => $t, |x, _p| x.tan()),
            UnaryOp::Asin => block1!($t => $t, |x, _p| x.asin()),
            UnaryOp::Acos => block1!($t => $t, |x, _p| x.acos()),
            UnaryOp::Atan => block1!($t => $t, |x, _p| x.atan()),
            UnaryOp::Sinh => block1!($t => $t, |x, _p| x.sinh()),
            UnaryOp::Cosh => block1!($t => $t, |x, _p| x.cosh()),
            UnaryOp::Tanh => block1!($t => $t, |x, _p| $tanh(x)),
            UnaryOp::Asinh => block1!($t => $t, |x, _p| (f64::from(x)).asinh() as $t),
            UnaryOp::Acosh => block1!($t => $t, |x, _p| (f64::from(x)).acosh() as $t),
            UnaryOp::Atanh => block1!($t => $t, |x, _p| (f64::from(x)).atanh() as $t),
            UnaryOp::Sigmoid => block1!($t => $t, |x, _p| $sigmoid(x)),
            UnaryOp::Erf => block1!($t => $t, |x, _p| $erf(x)),
            UnaryOp::Erfc => block1!($t => $t, |x, _p| $erfc(x)),
            UnaryOp::Erfinv => block1!($t => $t, |x, _p| super::special::erfinv(f64::from(x)) as $t),
            UnaryOp::Floor => block1!($t => $t, |x, _p| x.floor()),
            UnaryOp::Ceil => block1!($t => $t, |x, _p| x.ceil()),
            UnaryOp::Round => block1!($t => $t, |x, _p| x.round_ties_even()),
            UnaryOp::RoundDecimals => block1!($t => $t, |x, p| {
                let ten = (10.0 as $t).powi(p.int[0].unsigned_abs().min(400) as i32);
                if p.int[0] < 0 { (x / ten).round_ties_even() * ten } else { (x * ten).round_ties_even() / ten }
            }),
            UnaryOp::Trunc => block1!($t => $t, |x, _p| x.trunc()),
            UnaryOp::Frac => block1!($t => $t, |x, _p| x - x.trunc()),
            UnaryOp::Relu => block1!($t => $t, |x, _p| if x < 0.0 { 0.0 } else { x }),
            UnaryOp::Lgamma => block1!($t => $t, |x, _p| $lgamma(x)),
            UnaryOp::Digamma => block1!($t => $t, |x, _p| super::special::digamma(f64::from(x)) as $t),
            UnaryOp::Sinc => block1!($t => $t, |x, _p| {
                let y = std::f64::consts::PI as $t * x;
                if x == 0.0 { 1.0 } else { y.sin() / y }
            }),
            UnaryOp::LogicalNot => block1!($t => $t, |x, _p| (x == 0.0) as u8 as $t),
            UnaryOp::NotZero => block1!($t => $t, |x, _p| (x != 0.0) as u8 as $t),
            UnaryOp::NanToNum => block1!($t => $t, |x, p| if x.is_nan() { p.float[0] as $t } else { x }),
            UnaryOp::Affine => block1!($t => $t, |x, p| x * p.float[0] as $t + p.float[1] as $t),
            UnaryOp::PowScalar => block1!($t => $t, |x, p| x.powf(p.float[0] as $t)),
            UnaryOp::PowBase => block1!($t => $t, |x, p| (p.float[0] as $t).powf(x)),
            UnaryOp::Copy => block1!($t => $t, |x, _p| x),
            UnaryOp::BitwiseNot => return None,
        }
    };
}

#[inline(always)]
fn sigmoid64(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// The kernel of a function in a compute type; `None` where it has none (rounding functions and
/// transcendental ones of integers).
pub fn unary(op: UnaryOp, compute: Compute) -> Option<Kernel> {
    let function = match compute {
        Compute::F32 => {
            floats!(f32, op; math::exp, math::log, math::sigmoid, math::tanh; libm::erff, libm::erfcf, libm::lgammaf)
        }
        Compute::F64 => {
            floats!(f64, op; f64::exp, f64::ln, sigmoid64, f64::tanh; libm::erf, libm::erfc, libm::lgamma)
        }
        Compute::I64 => match op {
            UnaryOp::Neg => block1!(i64 => i64, |x, _p| x.wrapping_neg()),
            UnaryOp::Abs => block1!(i64 => i64, |x, _p| x.wrapping_abs()),
            UnaryOp::Sign => block1!(i64 => i64, |x, _p| x.signum()),
            UnaryOp::Square => block1!(i64 => i64, |x, _p| x.wrapping_mul(x)),
            UnaryOp::Relu => block1!(i64 => i64, |x, _p| x.max(0)),
            UnaryOp::BitwiseNot => block1!(i64 => i64, |x, _p| !x),
            UnaryOp::LogicalNot => block1!(i64 => i64, |x, _p| (x == 0) as i64),
            UnaryOp::NotZero => block1!(i64 => i64, |x, _p| (x != 0) as i64),
            UnaryOp::PowScalar => block1!(i64 => i64, |x, p| super::binary::pow_i64(x, p.int[0])),
            UnaryOp::PowBase => block1!(i64 => i64, |x, p| super::binary::pow_i64(p.int[0], x)),
            UnaryOp::Affine => block1!(i64 => i64, |x, p| x.wrapping_mul(p.int[0]).wrapping_add(p.int[1])),
            UnaryOp::RoundDecimals => block1!(i64 => i64, |x, p| {
                let ten = super::binary::pow_i64(10, p.int[0].unsigned_abs().min(18) as i64);
                if p.int[0] >= 0 { x } else { ((x as f64 / ten as f64).round_ties_even() as i64).wrapping_mul(ten) }
            }),
            UnaryOp::Floor | UnaryOp::Ceil | UnaryOp::Round | UnaryOp::Trunc | UnaryOp::Copy | UnaryOp::NanToNum => {
                block1!(i64 => i64, |x, _p| x)
            }
            _ => return None,
        },
    };
    let kind = compute.kind();
    Some(Kernel { inputs: [kind; 3], output: kind, function })
}

macro_rules! float_predicates {
    ($t:ty, $op:expr) => {
        match $op {
            PredicateOp::IsNan => block1!($t => Bool, |x, _p| Bool(x.is_nan() as u8)),
            PredicateOp::IsInf => block1!($t => Bool, |x, _p| Bool(x.is_infinite() as u8)),
            PredicateOp::IsFinite => block1!($t => Bool, |x, _p| Bool(x.is_finite() as u8)),
            PredicateOp::IsPosInf => block1!($t => Bool, |x, _p| Bool((x == <$t>::INFINITY) as u8)),
            PredicateOp::IsNegInf => block1!($t => Bool, |x, _p| Bool((x == <$t>::NEG_INFINITY) as u8)),
            PredicateOp::Signbit => block1!($t => Bool, |x, _p| Bool(x.is_sign_negative() as u8)),
            PredicateOp::LogicalNot => block1!($t => Bool, |x, _p| Bool((x == 0.0) as u8)),
            PredicateOp::NotZero => block1!($t => Bool, |x, _p| Bool((x != 0.0) as u8)),
        }
    };
}

/// The kernel of a question in a compute type.
pub fn predicate(op: PredicateOp, compute: Compute) -> Kernel {
    let function = match compute {
        Compute::F32 => float_predicates!(f32, op),
        Compute::F64 => float_predicates!(f64, op),
        Compute::I64 => match op {
            PredicateOp::IsNan | PredicateOp::IsInf | PredicateOp::IsPosInf | PredicateOp::IsNegInf => {
                block1!(i64 => Bool, |_x, _p| Bool(0))
            }
            PredicateOp::IsFinite => block1!(i64 => Bool, |_x, _p| Bool(1)),
            PredicateOp::Signbit => block1!(i64 => Bool, |x, _p| Bool((x < 0) as u8)),
            PredicateOp::LogicalNot => block1!(i64 => Bool, |x, _p| Bool((x == 0) as u8)),
            PredicateOp::NotZero => block1!(i64 => Bool, |x, _p| Bool((x != 0) as u8)),
        },
    };
    Kernel { inputs: [compute.kind(); 3], output: Kind::Bool, function }
}
