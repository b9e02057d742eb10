//! Functions of three operands.

use super::{Compute, Kernel, Kind, Parameters};
use crate::element::Bool;

/// A function of three numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TernaryOp {
    /// a + p·b·c.
    Addcmul,
    /// a + p·b/c.
    Addcdiv,
    /// From a to b by the weight c.
    Lerp,
    /// a, at least b, at most c.
    Clamp,
}

macro_rules! block3 {
    ($s:ty, $t:ty => $o:ty, |$x:ident, $y:ident, $z:ident, $p:ident| $e:expr) => {{
        crate::multiversion! {
            fn apply(out: &mut [$o], a: &[$s], b: &[$t], c: &[$t], $p: &Parameters) {
                for (((o, &$x), &$y), &$z) in out.iter_mut().zip(a).zip(b).zip(c) {
                    *o = $e;
                }
            }
        }
        unsafe fn erased(out: *mut u8, inputs: [*const u8; 3], n: usize, p: &Parameters) {
            // SAFETY: the engine hands out blocks of `n` elements that do not overlap the output.
            let (out, a, b, c) = unsafe {
                (
                    std::slice::from_raw_parts_mut(out.cast::<$o>(), n),
                    std::slice::from_raw_parts(inputs[0].cast::<$s>(), n),
                    std::slice::from_raw_parts(inputs[1].cast::<$t>(), n),
                    std::slice::from_raw_parts(inputs[2].cast::<$t>(), n),
                )
            };
            apply(out, a, b, c, p);
        }
        erased as super::BlockFn
    }};
}

macro_rules! floats {
    ($t:ident, $op:expr) => {
        match $op {
            TernaryOp::Addcmul => block3!($t, $t => $t, |x, y, z, p| x + p.float[0] as $t * y * z),
            TernaryOp::Addcdiv => block3!($t, $t => $t, |x, y, z, p| x + p.float[0] as $t * y / z),
            TernaryOp::Lerp => block3!($t, $t => $t, |x, y, w, _p| {
                // From the nearer end, so that weight 1 gives the end itself.
                if w.abs() < 0.5 { x + w * (y - x) } else { y - (y - x) * (1.0 - w) }
            }),
            TernaryOp::Clamp => block3!($t, $t => $t, |x, low, high, _p| {
                let y = if x < low || low.is_nan() { low } else { x };
                let y = if y > high || high.is_nan() { high } else { y };
                if x.is_nan() { x } else { y }
            }),
        }
    };
}

/// The kernel of a function in a compute type; `None` where it has none.
pub fn ternary(op: TernaryOp, compute: Compute) -> Option<Kernel> {
    let function = match compute {
        Compute::F32 => floats!(f32, op),
        Compute::F64 => floats!(f64, op),
        Compute::I64 => match op {
            TernaryOp::Addcmul => block3!(i64, i64 => i64, |x, y, z, p| {
                x.wrapping_add(p.int[0].wrapping_mul(y).wrapping_mul(z))
            }),
            TernaryOp::Clamp => block3!(i64, i64 => i64, |x, low, high, _p| x.max(low).min(high)),
            _ => return None,
        },
    };
    let kind = compute.kind();
    Some(Kernel { inputs: [kind; 3], output: kind, function })
}

/// The kernel that takes the second operand where the first is true, else the third.
pub fn select(compute: Compute) -> Kernel {
    let function = match compute {
        Compute::F32 => block3!(Bool, f32 => f32, |c, x, y, _p| if c.get() { x } else { y }),
        Compute::F64 => block3!(Bool, f64 => f64, |c, x, y, _p| if c.get() { x } else { y }),
        Compute::I64 => block3!(Bool, i64 => i64, |c, x, y, _p| if c.get() { x } else { y }),
    };
    let kind = compute.kind();
    Kernel { inputs: [Kind::Bool, kind, kind], output: kind, function }
}
