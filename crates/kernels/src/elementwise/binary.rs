//! Functions of two operands.

use super::{Compute, Kernel, Kind, Parameters};
use crate::element::Bool;

/// A function of two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are PyTorch's")]
pub enum BinaryOp {
    /// a + p·b for the first parameter p.
    Add,
    Mul,
    Div,
    DivTrunc,
    DivFloor,
    /// The remainder with the divisor's sign.
    Remainder,
    /// The remainder with the dividend's sign.
    Fmod,
    Pow,
    Maximum,
    Minimum,
    Fmax,
    Fmin,
    Atan2,
    Hypot,
    Logaddexp,
    Logaddexp2,
    Xlogy,
    Copysign,
    Nextafter,
    Heaviside,
    BitwiseAnd,
    BitwiseOr,
    BitwiseXor,
    ShiftLeft,
    ShiftRight,
    Gcd,
    Lcm,
    /// grad·(1 - y²) for (grad, y).
    TanhBackward,
    /// grad·y·(1 - y) for (grad, y).
    SigmoidBackward,
    /// grad where the other is above the first parameter, else 0.
    ThresholdBackward,
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are PyTorch's")]
pub enum CompareOp {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    LogicalAnd,
    LogicalOr,
    LogicalXor,
}

macro_rules! block2 {
    ($t:ty => $o:ty, |$x:ident, $y:ident, $p:ident| $e:expr) => {{
        crate::multiversion! {
            fn apply(out: &mut [$o], a: &[$t], b: &[$t], $p: &Parameters) {
                for ((o, &$x), &$y) in out.iter_mut().zip(a).zip(b) {
                    *o = $e;
                }
            }
        }
        unsafe fn erased(out: *mut u8, inputs: [*const u8; 3], n: usize, p: &Parameters) {
            // SAFETY: the engine hands out blocks of `n` elements that do not overlap the output.
            let (out, a, b) = unsafe {
                (
                    std::slice::from_raw_parts_mut(out.cast::<$o>(), n),
                    std::slice::from_raw_parts(inputs[0].cast::<$t>(), n),
                    std::slice::from_raw_parts(inputs[1].cast::<$t>(), n),
                )
            };
            apply(out, a, b, p);
        }
        erased as super::BlockFn
    }};
}

/// x to the power n, wrapping; for negative n what an integer division gives.
#[inline]
pub(super) fn pow_i64(x: i64, n: i64) -> i64 {
    if n < 0 {
        return match x {
            1 => 1,
            -1 => {
                if n % 2 == 0 {
                    1
                } else {
                    -1
                }
            }
            _ => 0,
        };
    }
    let (mut base, mut n, mut result) = (x, n, 1i64);
    while n != 0 {
        if n & 1 == 1 {
            result = result.wrapping_mul(base);
        }
        base = base.wrapping_mul(base);
        n >>= 1;
    }
    result
}

fn gcd(a: i64, b: i64) -> i64 {
    let (mut a, mut b) = (a.unsigned_abs(), b.unsigned_abs());
    while a != 0 {
        (a, b) = (b % a, a);
    }
    b as i64
}

fn lcm(a: i64, b: i64) -> i64 {
    match gcd(a, b) {
        0 => 0,
        g => (a / g).wrapping_mul(b).wrapping_abs(),
    }
}

macro_rules! floats {
    ($t:ident, $op:expr; $exp:expr, $log1p:expr, $next:path) => {
        match $op {
            BinaryOp::Add => block2!($t => $t, |x, y, p| x + p.float[0] as $t * y),
            BinaryOp::Mul => block2!($t => $t, |x, y, _p| x * y),
            BinaryOp::Div => block2!($t => $t, |x, y, _p| x / y),
            BinaryOp::DivTrunc => block2!($t => $t, |x, y, _p| (x / y).trunc()),
            BinaryOp::DivFloor => block2!($t => $t, |x, y, _p| {
                // As Python's divmod: exact where x/y would round up to an integer.
                let remainder = x % y;
                let quotient = (x - remainder) / y;
                let quotient = if remainder != 0.0 && ((y < 0.0) != (remainder < 0.0)) { quotient - 1.0 } else { quotient };
                let floor = quotient.floor();
                let floor = if quotient - floor > 0.5 { floor + 1.0 } else { floor };
                let result = if quotient != 0.0 { floor } else { (0.0 as $t).copysign(x / y) };
                if y == 0.0 { x / y } else { result }
            }),
            BinaryOp::Remainder => block2!($t => $t, |x, y, _p| {
                let r = x % y;
                if r != 0.0 && ((y < 0.0) != (r < 0.0)) { r + y } else { r }
            }),
            BinaryOp::Fmod => block2!($t => $t, |x, y, _p| x % y),
            BinaryOp::Pow => block2!($t => $t, |x, y, _p| x.powf(y)),
            BinaryOp::Maximum => block2!($t => $t, |x, y, _p| if x > y || x.is_nan() { x } else { y }),
            BinaryOp::Minimum => block2!($t => $t, |x, y, _p| if x < y || x.is_nan() { x } else { y }),
            BinaryOp::Fmax => block2!($t => $t, |x, y, _p| if x >= y || y.is_nan() { x } else { y }),
            BinaryOp::Fmin => block2!($t => $t, |x, y, _p| if x <= y || y.is_nan() { x } else { y }),
            BinaryOp::Atan2 => block2!($t => $t, |x, y, _p| x.atan2(y)),
            BinaryOp::Hypot => block2!($t => $t, |x, y, _p| x.hypot(y)),
            BinaryOp::Logaddexp => block2!($t => $t, |x, y, _p| {
                let m = if x > y { x } else { y };
                let sum = m + (-(x - y).abs()).exp().ln_1p();
                if x.is_infinite() && x == y { x } else { sum }
            }),
            BinaryOp::Logaddexp2 => block2!($t => $t, |x, y, _p| {
                let m = if x > y { x } else { y };
                let sum = m + (-(x - y).abs()).exp2().ln_1p() * std::f64::consts::LOG2_E as $t;
                if x.is_infinite() && x == y { x } else { sum }
            }),
            BinaryOp::Xlogy => block2!($t => $t, |x, y, _p| {
                if y.is_nan() { y } else if x == 0.0 { 0.0 } else { x * y.ln() }
            }),
            BinaryOp::Copysign => block2!($t => $t, |x, y, _p| x.copysign(y)),
            BinaryOp::Nextafter => block2!($t => $t, |x, y, _p| $next(x, y)),
            BinaryOp::Heaviside => block2!($t => $t, |x, y, _p| if x == 0.0 { y } else { (x > 0.0) as u8 as $t }),
            BinaryOp::TanhBackward => block2!($t => $t, |g, y, _p| g * (1.0 - y * y)),
            BinaryOp::SigmoidBackward => block2!($t => $t, |g, y, _p| g * (1.0 - y) * y),
            BinaryOp::ThresholdBackward => block2!($t => $t, |g, y, p| if y <= p.float[0] as $t { 0.0 } else { g }),
            BinaryOp::BitwiseAnd
            | BinaryOp::BitwiseOr
            | BinaryOp::BitwiseXor
            | BinaryOp::ShiftLeft
            | BinaryOp::ShiftRight
            | BinaryOp::Gcd
            | BinaryOp::Lcm => return None,
        }
    };
}

/// The kernel of a function in a compute type; `None` where it has none. Divisions of integers by
/// zero give 0: whoever minds must look before.
pub fn binary(op: BinaryOp, compute: Compute) -> Option<Kernel> {
    let function = match compute {
        Compute::F32 => floats!(f32, op; f32::exp, f32::ln_1p, libm::nextafterf),
        Compute::F64 => floats!(f64, op; f64::exp, f64::ln_1p, libm::nextafter),
        Compute::I64 => match op {
            BinaryOp::Add => block2!(i64 => i64, |x, y, p| x.wrapping_add(p.int[0].wrapping_mul(y))),
            BinaryOp::Mul => block2!(i64 => i64, |x, y, _p| x.wrapping_mul(y)),
            BinaryOp::DivTrunc => block2!(i64 => i64, |x, y, _p| if y == 0 { 0 } else { x.wrapping_div(y) }),
            BinaryOp::DivFloor => block2!(i64 => i64, |x, y, _p| {
                if y == 0 {
                    0
                } else {
                    let (q, r) = (x.wrapping_div(y), x.wrapping_rem(y));
                    if r != 0 && ((r < 0) != (y < 0)) { q - 1 } else { q }
                }
            }),
            BinaryOp::Remainder => block2!(i64 => i64, |x, y, _p| {
                let r = if y == 0 { 0 } else { x.wrapping_rem(y) };
                if r != 0 && ((r < 0) != (y < 0)) { r + y } else { r }
            }),
            BinaryOp::Fmod => block2!(i64 => i64, |x, y, _p| if y == 0 { 0 } else { x.wrapping_rem(y) }),
            BinaryOp::Pow => block2!(i64 => i64, |x, y, _p| pow_i64(x, y)),
            BinaryOp::Maximum | BinaryOp::Fmax => block2!(i64 => i64, |x, y, _p| x.max(y)),
            BinaryOp::Minimum | BinaryOp::Fmin => block2!(i64 => i64, |x, y, _p| x.min(y)),
            BinaryOp::Heaviside => block2!(i64 => i64, |x, y, _p| if x == 0 { y } else { (x > 0) as i64 }),
            BinaryOp::BitwiseAnd => block2!(i64 => i64, |x, y, _p| x & y),
            BinaryOp::BitwiseOr => block2!(i64 => i64, |x, y, _p| x | y),
            BinaryOp::BitwiseXor => block2!(i64 => i64, |x, y, _p| x ^ y),
            BinaryOp::ShiftLeft => block2!(i64 => i64, |x, y, _p| if (0..64).contains(&y) { x << y } else { 0 }),
            BinaryOp::ShiftRight => block2!(i64 => i64, |x, y, _p| x >> if (0..64).contains(&y) { y } else { 63 }),
            BinaryOp::Gcd => block2!(i64 => i64, |x, y, _p| gcd(x, y)),
            BinaryOp::Lcm => block2!(i64 => i64, |x, y, _p| lcm(x, y)),
            BinaryOp::ThresholdBackward => block2!(i64 => i64, |g, y, p| if y <= p.int[0] { 0 } else { g }),
            _ => return None,
        },
    };
    let kind = compute.kind();
    Some(Kernel { inputs: [kind; 3], output: kind, function })
}

macro_rules! comparisons {
    ($t:ty, $zero:expr, $op:expr) => {
        match $op {
            CompareOp::Eq => block2!($t => Bool, |x, y, _p| Bool((x == y) as u8)),
            CompareOp::Ne => block2!($t => Bool, |x, y, _p| Bool((x != y) as u8)),
            CompareOp::Lt => block2!($t => Bool, |x, y, _p| Bool((x < y) as u8)),
            CompareOp::Le => block2!($t => Bool, |x, y, _p| Bool((x <= y) as u8)),
            CompareOp::Gt => block2!($t => Bool, |x, y, _p| Bool((x > y) as u8)),
            CompareOp::Ge => block2!($t => Bool, |x, y, _p| Bool((x >= y) as u8)),
            CompareOp::LogicalAnd => block2!($t => Bool, |x, y, _p| Bool(((x != $zero) & (y != $zero)) as u8)),
            CompareOp::LogicalOr => block2!($t => Bool, |x, y, _p| Bool(((x != $zero) | (y != $zero)) as u8)),
            CompareOp::LogicalXor => block2!($t => Bool, |x, y, _p| Bool(((x != $zero) ^ (y != $zero)) as u8)),
        }
    };
}

/// The kernel of a comparison in a compute type.
pub fn compare(op: CompareOp, compute: Compute) -> Kernel {
    let function = match compute {
        Compute::F32 => comparisons!(f32, 0.0, op),
        Compute::F64 => comparisons!(f64, 0.0, op),
        Compute::I64 => comparisons!(i64, 0, op),
    };
    Kernel { inputs: [compute.kind(); 3], output: Kind::Bool, function }
}
