//! Softmax and its logarithm along one dimension of a dense array, and their gradients.
//!
//! An array is `(outer, length, inner)`; the softmax runs along `length`. With `inner` 1 a row is
//! reduced in sixteen interleaved sums, else neighbouring columns are reduced side by side:
//! either way the order of additions is the same for every instruction set and number of threads.

use crate::element::Element;
use crate::elementwise::math;
use crate::parallel;

/// Sums that are made side by side along a row.
const LANES: usize = 16;
/// Columns that are reduced side by side: some cache lines of each row.
const STRIP: usize = 64;
/// Elements that make a task worth another thread.
const TASK: usize = 16 * 1024;

/// A float with the functions that a softmax needs.
pub trait SoftmaxFloat:
    Element
    + std::ops::Add<Output = Self>
    + std::ops::Sub<Output = Self>
    + std::ops::Mul<Output = Self>
    + std::ops::Div<Output = Self>
{
    /// Below every number.
    const LOWEST: Self;
    /// e to the power of this.
    fn exponential(self) -> Self;
    /// Natural logarithm.
    fn logarithm(self) -> Self;
    /// The larger of two; whichever is a number if one is not.
    fn larger(self, other: Self) -> Self;
}

impl SoftmaxFloat for f32 {
    const LOWEST: Self = f32::NEG_INFINITY;
    #[inline(always)]
    fn exponential(self) -> Self {
        math::exp(self)
    }
    #[inline(always)]
    fn logarithm(self) -> Self {
        math::log(self)
    }
    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        if other > self { other } else { self }
    }
}

impl SoftmaxFloat for f64 {
    const LOWEST: Self = f64::NEG_INFINITY;
    #[inline(always)]
    fn exponential(self) -> Self {
        self.exp()
    }
    #[inline(always)]
    fn logarithm(self) -> Self {
        self.ln()
    }
    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        if other > self { other } else { self }
    }
}

/// The extents of an array around the dimension that is reduced.
#[derive(Clone, Copy, Debug)]
pub struct Extents {
    /// Product of the sizes before the dimension.
    pub outer: usize,
    /// Size of the dimension.
    pub length: usize,
    /// Product of the sizes after it.
    pub inner: usize,
}

impl Extents {
    fn len(self) -> usize {
        self.outer * self.length * self.inner
    }
}

/// `out = softmax(x)`, or its logarithm.
///
/// # Panics
/// If the slices do not have the extents' length.
pub fn forward<T: SoftmaxFloat>(extents: Extents, log: bool, x: &[T], out: &mut [T]) {
    assert!(x.len() == extents.len() && out.len() == extents.len(), "extents of a softmax");
    for_each_strip(extents, out, |strip, out| strip_forward(strip, log, &x[strip.start..], out));
}

/// The gradient of the input, given the output and its gradient.
///
/// # Panics
/// If the slices do not have the extents' length.
pub fn backward<T: SoftmaxFloat>(extents: Extents, log: bool, y: &[T], grad: &[T], out: &mut [T]) {
    assert!(
        y.len() == extents.len() && grad.len() == extents.len() && out.len() == extents.len(),
        "extents of a softmax"
    );
    for_each_strip(extents, out, |strip, out| strip_backward(strip, log, &y[strip.start..], &grad[strip.start..], out));
}

/// Up to [`STRIP`] neighbouring columns: element `i` of column `c` is at `i * step + c`.
#[derive(Clone, Copy)]
struct Strip {
    start: usize,
    length: usize,
    step: usize,
    columns: usize,
}

/// Calls `visit` for every strip with the output from the strip's first element on.
fn for_each_strip<T: SoftmaxFloat>(extents: Extents, out: &mut [T], visit: impl Fn(Strip, &mut [T]) + Sync) {
    let Extents { outer, length, inner } = extents;
    if extents.len() == 0 {
        return;
    }
    let strips_inner = inner.div_ceil(STRIP);
    let strips = outer * strips_inner;
    let per_task = (TASK / (length * inner.min(STRIP)).max(1)).max(1);
    let base = out.as_mut_ptr() as usize;
    let total = out.len();
    parallel::run(strips.div_ceil(per_task), |task| {
        for s in task * per_task..((task + 1) * per_task).min(strips) {
            let (row, column) = (s / strips_inner, s % strips_inner * STRIP);
            let start = row * length * inner + column;
            let strip = Strip { start, length, step: inner, columns: (inner - column).min(STRIP) };
            // SAFETY: strips write disjoint elements of `out` (`visit` writes only `i * step + c`), which
            // lives until `run` returns; the slice ends with the array.
            let out = unsafe { std::slice::from_raw_parts_mut((base as *mut T).add(start), total - start) };
            visit(strip, out);
        }
    });
}

crate::multiversion! {
    fn strip_forward<T: SoftmaxFloat>(strip: Strip, log: bool, x: &[T], out: &mut [T]) {
        if strip.step == 1 {
            row_forward(log, &x[..strip.length], &mut out[..strip.length]);
        } else if strip.columns == STRIP {
            columns_forward(Strip { columns: STRIP, ..strip }, log, x, out);
        } else {
            columns_forward(strip, log, x, out);
        }
    }
}

crate::multiversion! {
    fn strip_backward<T: SoftmaxFloat>(strip: Strip, log: bool, y: &[T], grad: &[T], out: &mut [T]) {
        if strip.step == 1 {
            let n = strip.length;
            row_backward(log, &y[..n], &grad[..n], &mut out[..n]);
        } else if strip.columns == STRIP {
            columns_backward(Strip { columns: STRIP, ..strip }, log, y, grad, out);
        } else {
            columns_backward(strip, log, y, grad, out);
        }
    }
}

/// A reduction of a row in sixteen interleaved parts.
#[inline(always)]
fn fold<T: SoftmaxFloat>(n: usize, start: T, at: impl Fn(usize) -> T, join: impl Fn(T, T) -> T) -> T {
    let mut parts = [start; LANES];
    let whole = n / LANES * LANES;
    let mut i = 0;
    while i < whole {
        for (lane, part) in parts.iter_mut().enumerate() {
            *part = join(*part, at(i + lane));
        }
        i += LANES;
    }
    for (lane, i) in (whole..n).enumerate() {
        parts[lane] = join(parts[lane], at(i));
    }
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            parts[lane] = join(parts[lane], parts[lane + width]);
        }
        width /= 2;
    }
    parts[0]
}

#[inline(always)]
fn row_forward<T: SoftmaxFloat>(log: bool, x: &[T], out: &mut [T]) {
    let zero = T::default();
    let max = fold(x.len(), T::LOWEST, |i| x[i], T::larger);
    if log {
        let sum = fold(x.len(), zero, |i| (x[i] - max).exponential(), |a, b| a + b);
        let shift = sum.logarithm();
        out.iter_mut().zip(x).for_each(|(o, &x)| *o = x - max - shift);
    } else {
        out.iter_mut().zip(x).for_each(|(o, &x)| *o = (x - max).exponential());
        let sum = fold(out.len(), zero, |i| out[i], |a, b| a + b);
        out.iter_mut().for_each(|o| *o = *o / sum);
    }
}

#[inline(always)]
fn row_backward<T: SoftmaxFloat>(log: bool, y: &[T], grad: &[T], out: &mut [T]) {
    let zero = T::default();
    if log {
        let sum = fold(y.len(), zero, |i| grad[i], |a, b| a + b);
        out.iter_mut().zip(y).zip(grad).for_each(|((o, &y), &g)| *o = g - y.exponential() * sum);
    } else {
        let sum = fold(y.len(), zero, |i| grad[i] * y[i], |a, b| a + b);
        out.iter_mut().zip(y).zip(grad).for_each(|((o, &y), &g)| *o = (g - sum) * y);
    }
}

impl Strip {
    /// The strip's part of row `i`.
    #[inline(always)]
    fn row<T>(self, numbers: &[T], i: usize) -> &[T] {
        &numbers[i * self.step..][..self.columns]
    }

    #[inline(always)]
    fn row_mut<T>(self, numbers: &mut [T], i: usize) -> &mut [T] {
        &mut numbers[i * self.step..][..self.columns]
    }
}

#[inline(always)]
fn columns_forward<T: SoftmaxFloat>(strip: Strip, log: bool, x: &[T], out: &mut [T]) {
    let (mut max, mut sum) = ([T::LOWEST; STRIP], [T::default(); STRIP]);
    let (max, sum) = (&mut max[..strip.columns], &mut sum[..strip.columns]);
    for i in 0..strip.length {
        max.iter_mut().zip(strip.row(x, i)).for_each(|(max, &x)| *max = max.larger(x));
    }
    for i in 0..strip.length {
        let (x, out) = (strip.row(x, i), strip.row_mut(out, i));
        for c in 0..strip.columns {
            out[c] = (x[c] - max[c]).exponential();
            sum[c] = sum[c] + out[c];
        }
    }
    if log {
        sum.iter_mut().for_each(|sum| *sum = sum.logarithm());
    }
    for i in 0..strip.length {
        let (x, out) = (strip.row(x, i), strip.row_mut(out, i));
        for c in 0..strip.columns {
            out[c] = if log { x[c] - max[c] - sum[c] } else { out[c] / sum[c] };
        }
    }
}

#[inline(always)]
fn columns_backward<T: SoftmaxFloat>(strip: Strip, log: bool, y: &[T], grad: &[T], out: &mut [T]) {
    let mut sum = [T::default(); STRIP];
    let sum = &mut sum[..strip.columns];
    for i in 0..strip.length {
        let (y, grad) = (strip.row(y, i), strip.row(grad, i));
        for c in 0..strip.columns {
            sum[c] = sum[c] + if log { grad[c] } else { grad[c] * y[c] };
        }
    }
    for i in 0..strip.length {
        let (y, grad, out) = (strip.row(y, i), strip.row(grad, i), strip.row_mut(out, i));
        for c in 0..strip.columns {
            out[c] = if log { grad[c] - y[c].exponential() * sum[c] } else { (grad[c] - sum[c]) * y[c] };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(n: usize) -> Vec<f32> {
        let mut state = 1u32;
        (0..n)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / (1 << 22) as f32 - 2.0
            })
            .collect()
    }

    /// The definition in float64.
    fn expected(e: Extents, log: bool, x: &[f32]) -> Vec<f64> {
        let mut out = vec![0.0; x.len()];
        for o in 0..e.outer {
            for i in 0..e.inner {
                let at = |k: usize| (o * e.length + k) * e.inner + i;
                let sum: f64 = (0..e.length).map(|k| f64::from(x[at(k)]).exp()).sum();
                for k in 0..e.length {
                    let p = f64::from(x[at(k)]).exp() / sum;
                    out[at(k)] = if log { p.ln() } else { p };
                }
            }
        }
        out
    }

    #[test]
    fn both_directions_match_the_definition() {
        for (outer, length, inner) in
            [(3, 1, 1), (2, 37, 1), (1, 1000, 1), (3, 5, 7), (2, 10, 200), (0, 4, 2), (2, 0, 3)]
        {
            let e = Extents { outer, length, inner };
            let x = numbers(e.len());
            let g = numbers(e.len() + 1)[1..].to_vec();
            for log in [false, true] {
                let mut y = vec![0.0; x.len()];
                forward(e, log, &x, &mut y);
                for (got, want) in y.iter().zip(expected(e, log, &x)) {
                    assert!((f64::from(*got) - want).abs() < 2e-6 * want.abs().max(1.0), "{e:?} {log}: {got} {want}");
                }
                let mut dx = vec![0.0; x.len()];
                backward(e, log, &y, &g, &mut dx);
                for o in 0..outer {
                    for i in 0..inner {
                        let at = |k: usize| (o * length + k) * inner + i;
                        let sum: f64 = (0..length)
                            .map(|k| f64::from(g[at(k)]) * if log { 1.0 } else { f64::from(y[at(k)]) })
                            .sum();
                        for k in 0..length {
                            let (y, g) = (f64::from(y[at(k)]), f64::from(g[at(k)]));
                            let want = if log { g - y.exp() * sum } else { (g - sum) * y };
                            assert!((f64::from(dx[at(k)]) - want).abs() < 1e-4, "{e:?} {log}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn large_numbers_do_not_overflow() {
        let mut y = [0.0f32; 3];
        forward(Extents { outer: 1, length: 3, inner: 1 }, false, &[1000.0, 1000.0, -1000.0], &mut y);
        assert_eq!(y, [0.5, 0.5, 0.0]);
    }
}
