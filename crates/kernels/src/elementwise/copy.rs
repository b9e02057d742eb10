//! Copying with conversion, and filling.

use super::engine::{Input, Output, run};
use super::{Kernel, Kind, Number, Parameters};

/// Copies `n` elements of `size` bytes.
macro_rules! moving {
    ($t:ty) => {{
        unsafe fn erased(out: *mut u8, inputs: [*const u8; 3], n: usize, _: &Parameters) {
            // SAFETY: the engine hands out blocks of `n` elements that do not overlap.
            unsafe { std::ptr::copy_nonoverlapping(inputs[0].cast::<$t>(), out.cast::<$t>(), n) }
        }
        erased as super::BlockFn
    }};
}

/// The kernel that moves elements of a kind.
fn moving(kind: Kind) -> Kernel {
    let function = match kind.size() {
        1 => moving!(u8),
        2 => moving!(u16),
        4 => moving!(u32),
        _ => moving!(u64),
    };
    Kernel { inputs: [kind; 3], output: kind, function }
}

/// Copies `input` into `output`, converting as C's casts do on x86-64 (a float beyond an integer's
/// range gives the smallest one; anything but zero is true).
///
/// # Safety
/// As [`run`].
pub unsafe fn copy(shape: &[usize], output: Output<'_>, input: Input<'_>) {
    let kernel = match input {
        Input::Memory { kind, .. } if kind != output.kind => moving(kind.compute().kind()),
        _ => moving(output.kind),
    };
    // SAFETY: the caller's promise.
    unsafe { run(shape, output, &[input], &kernel, &Parameters::NONE) }
}

/// Writes `number` to every element.
///
/// # Safety
/// As [`run`].
pub unsafe fn fill(shape: &[usize], output: Output<'_>, number: Number) {
    // SAFETY: the caller's promise.
    unsafe { run(shape, output, &[Input::Number(number)], &moving(output.kind), &Parameters::NONE) }
}
