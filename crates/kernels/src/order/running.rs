//! Sums, products and logarithms of sums of exponentials of all numbers so far.

use super::{GRAIN, Lines};
use crate::element::{Element, bf16, f16};
use crate::parallel;
use crate::scratch::Target;

/// What is made of the numbers so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Running {
    /// Their sum.
    Sum,
    /// Their product.
    Product,
    /// The logarithm of the sum of their exponentials.
    LogSumExp,
}

/// A number whose running results are kept in a wider type: float32 in float64, half precision in
/// float32, integers in int64.
pub trait Accumulated: Element {
    /// The wider type.
    type Wide: Wide;
    /// Widens.
    fn widen(self) -> Self::Wide;
    /// Rounds, or wraps.
    fn narrow(wide: Self::Wide) -> Self;
}

/// What running results are kept in.
pub trait Wide: Copy + Send + Sync {
    /// Where each of the three begins.
    fn start(op: Running) -> Self;
    /// The sum; integers wrap.
    fn sum(self, x: Self) -> Self;
    /// The product; integers wrap.
    fn product(self, x: Self) -> Self;
    /// `ln(e^self + e^x)`, without overflow.
    fn log_sum_exp(self, x: Self) -> Self;
}

macro_rules! wide_floats {
    ($($t:ty)*) => {$(
        impl Wide for $t {
            fn start(op: Running) -> Self {
                match op {
                    Running::Sum => 0.0,
                    Running::Product => 1.0,
                    Running::LogSumExp => Self::NEG_INFINITY,
                }
            }
            #[inline(always)]
            fn sum(self, x: Self) -> Self { self + x }
            #[inline(always)]
            fn product(self, x: Self) -> Self { self * x }
            #[inline(always)]
            fn log_sum_exp(self, x: Self) -> Self {
                if self.is_nan() || x.is_nan() {
                    return Self::NAN;
                }
                let (low, high) = (self.min(x), self.max(x));
                // Of two equal infinities the difference would be no number.
                if low == high && low.is_infinite() { low } else { (low - high).exp().ln_1p() + high }
            }
        }
    )*};
}
wide_floats!(f32 f64);

impl Wide for i64 {
    fn start(op: Running) -> Self {
        i64::from(op == Running::Product)
    }
    #[inline(always)]
    fn sum(self, x: Self) -> Self {
        self.wrapping_add(x)
    }
    #[inline(always)]
    fn product(self, x: Self) -> Self {
        self.wrapping_mul(x)
    }
    fn log_sum_exp(self, _: Self) -> Self {
        panic!("logarithms of integers are not integers")
    }
}

macro_rules! accumulated {
    ($($t:ty: $wide:ty, $widen:expr, $narrow:expr;)*) => {$(
        impl Accumulated for $t {
            type Wide = $wide;
            #[inline(always)]
            fn widen(self) -> $wide { $widen(self) }
            #[inline(always)]
            fn narrow(wide: $wide) -> Self { $narrow(wide) }
        }
    )*};
}
accumulated! {
    u8: i64, i64::from, Element::from_i64;
    i8: i64, i64::from, Element::from_i64;
    i16: i64, i64::from, Element::from_i64;
    i32: i64, i64::from, Element::from_i64;
    i64: i64, std::convert::identity, std::convert::identity;
    f16: f32, f16::to_f32, f16::from_f32;
    bf16: f32, bf16::to_f32, bf16::from_f32;
    f32: f64, f64::from, |wide| wide as f32;
    f64: f64, std::convert::identity, std::convert::identity;
}

/// Columns that are run down together.
const BLOCK: usize = 64;

/// Writes the running results along every line of a dense array to another of the same size, from the
/// first number on, or from the last one back (`reverse`). Each line is added up in order, so the result does not depend on the number of threads.
///
/// # Panics
/// If the slices do not have the numbers that `lines` says; for [`Running::LogSumExp`] of integers.
pub fn running<T: Accumulated>(op: Running, reverse: bool, numbers: &[T], lines: Lines, results: &mut [T]) {
    assert_eq!(numbers.len(), lines.len(), "numbers to run over");
    assert_eq!(results.len(), lines.len(), "running results");
    if numbers.is_empty() {
        return;
    }
    match op {
        Running::Sum => run((op, reverse), <T::Wide as Wide>::sum, numbers, lines, results),
        Running::Product => run((op, reverse), <T::Wide as Wide>::product, numbers, lines, results),
        Running::LogSumExp => run((op, reverse), <T::Wide as Wide>::log_sum_exp, numbers, lines, results),
    }
}

fn run<T: Accumulated>(
    (op, reverse): (Running, bool),
    step: impl Fn(T::Wide, T::Wide) -> T::Wide + Sync,
    numbers: &[T],
    lines: Lines,
    results: &mut [T],
) {
    let blocks = lines.inner.div_ceil(BLOCK);
    let number = lines.outer * blocks;
    let per_task = (GRAIN / (lines.size * lines.inner.min(BLOCK))).max(1);
    let target = Target(results.as_mut_ptr());
    parallel::run(number.div_ceil(per_task), |task| {
        for block in task * per_task..((task + 1) * per_task).min(number) {
            let first = block % blocks * BLOCK;
            let width = (lines.inner - first).min(BLOCK);
            let mut sums = [T::Wide::start(op); BLOCK];
            let start = block / blocks * lines.size * lines.inner + first;
            for step_number in 0..lines.size {
                let row = if reverse { lines.size - 1 - step_number } else { step_number };
                let at = start + row * lines.inner;
                for (i, (sum, x)) in sums.iter_mut().zip(&numbers[at..at + width]).enumerate() {
                    *sum = step(*sum, x.widen());
                    // SAFETY: the place just read in a slice of the same length, in a block of
                    // columns that is this task's.
                    unsafe { target.at(at + i).write(T::narrow(*sum)) };
                }
            }
        }
    });
}
