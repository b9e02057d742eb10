//! The maximum of each window.
//!
//! Several windows are gone through side by side, in the order of their elements: those of a pixel's
//! channels where they lie together, else those of neighbouring outputs. As in PyTorch, the first of
//! equal numbers wins, and a NaN wins over everything (of several, the last).

use crate::element::Element;
use crate::window::{Planes, Work, split_runs2, widest};

/// The inputs of each output along one axis: `start`, `start + step`, … `count` of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Windows {
    inputs: usize,
    step: usize,
    /// `(start, count)`
    spans: Vec<(usize, usize)>,
}

impl Windows {
    /// Windows of an axis of `inputs` positions.
    ///
    /// # Panics
    /// If a window is empty or reaches outside.
    pub fn new(inputs: usize, step: usize, spans: Vec<(usize, usize)>) -> Self {
        assert!(
            spans.iter().all(|&(start, count)| count > 0 && start + (count - 1) * step < inputs),
            "a window that is empty or reaches outside"
        );
        Windows { inputs, step, spans }
    }

    /// Every position is a window of its own.
    pub fn identity(size: usize) -> Self {
        Windows::new(size, 1, (0..size).map(|i| (i, 1)).collect())
    }

    /// How many windows there are.
    pub fn outputs(&self) -> usize {
        self.spans.len()
    }

    #[inline(always)]
    fn of(&self, output: usize) -> impl Iterator<Item = usize> + Clone + use<> {
        let ((start, count), step) = (self.spans[output], self.step);
        (0..count).map(move |i| start + i * step)
    }
}

/// Whether `new` takes the place of `best` that came before it.
#[inline(always)]
fn wins<T: Element>(new: T, best: T) -> bool {
    #[expect(clippy::eq_op, reason = "only a NaN differs from itself")]
    let is_nan = new != new;
    new > best || is_nan
}

fn check<T>(planes: Planes, windows: &[Windows; 3], input: &[T], outputs: usize) {
    let [depth, height, width] = windows;
    assert!(planes.size == [depth.inputs, height.inputs, width.inputs], "windows of another input size");
    let pooled = planes.resized([depth.outputs(), height.outputs(), width.outputs()]);
    assert!(input.len() == planes.len() && outputs == pooled.len(), "lengths that the sizes do not give");
}

/// The maximum of each window.
///
/// # Panics
/// If a slice's length is not what the planes and windows say.
pub fn max<T: Element>(planes: Planes, windows: &[Windows; 3], input: &[T], output: &mut [T]) {
    check(planes, windows, input, output.len());
    all_rows::<T, false>(planes, windows, input, output, &mut []);
}

/// The maximum of each window and its place: the flat index in the block's `size`.
///
/// # Panics
/// If a slice's length is not what the planes and windows say, or a block has 2^32 positions.
pub fn max_with_indices<T: Element>(
    planes: Planes,
    windows: &[Windows; 3],
    input: &[T],
    output: &mut [T],
    indices: &mut [i64],
) {
    check(planes, windows, input, output.len());
    assert_eq!(output.len(), indices.len(), "an index for each maximum");
    assert!(u32::try_from(planes.size.iter().product::<usize>()).is_ok(), "an image of 2^32 positions");
    all_rows::<T, true>(planes, windows, input, output, indices);
}

/// Both: `indices` is empty where they are not wanted.
fn all_rows<T: Element, const INDEXED: bool>(
    planes: Planes,
    windows: &[Windows; 3],
    input: &[T],
    output: &mut [T],
    indices: &mut [i64],
) {
    if output.is_empty() {
        return;
    }
    let [depth, height, width] = windows;
    let out_row = width.outputs() * planes.inner;
    let taps = depth.spans[0].1 * height.spans[0].1 * width.spans[0].1;
    let regular = Regular::of(width);
    let indexed = if INDEXED { out_row } else { 0 };
    split_runs2((output, out_row), (indices, indexed), out_row * taps, |first, output, indices| {
        for i in 0..output.len() / out_row {
            let (block, row) = ((first + i) / (depth.outputs() * height.outputs()), first + i);
            let (d, h) = (row / height.outputs() % depth.outputs(), row % height.outputs());
            let rows = Rows { planes, windows, d, h, block: &input[block * planes.block()..][..planes.block()] };
            let output = &mut output[i * out_row..][..out_row];
            let indices = &mut indices[i * indexed..][..indexed];
            match planes.inner {
                1 => widest((rows, regular, output, indices), Planar::<INDEXED>),
                2..8 => widest((rows, output, indices), Pixels::<1, INDEXED>),
                8..32 => widest((rows, output, indices), Pixels::<8, INDEXED>),
                _ => widest((rows, output, indices), Pixels::<32, INDEXED>),
            }
        }
    });
}

/// The rows of a block that a row of outputs is the maximum of.
#[derive(Clone, Copy)]
struct Rows<'a, T> {
    planes: Planes,
    windows: &'a [Windows; 3],
    d: usize,
    h: usize,
    block: &'a [T],
}

impl<T> Rows<'_, T> {
    /// The row's number in the block, for each of them.
    #[inline(always)]
    fn numbers(&self) -> impl Iterator<Item = usize> + Clone + use<T> {
        let (height, h) = (self.planes.size[1], self.windows[1].of(self.h));
        self.windows[0].of(self.d).flat_map(move |d| h.clone().map(move |h| d * height + h))
    }
}

/// Maxima so far, side by side, and their places.
#[derive(Clone, Copy)]
struct Best<T, const N: usize, const INDEXED: bool> {
    values: [T; N],
    places: [u32; N],
    fresh: bool,
}

impl<T: Element, const N: usize, const INDEXED: bool> Best<T, N, INDEXED> {
    #[inline(always)]
    fn new() -> Self {
        Best { values: [T::default(); N], places: [0; N], fresh: true }
    }

    /// Takes in the numbers after those so far, `step` apart, with places that are `place_step` apart.
    #[inline(always)]
    fn compare(&mut self, from: &[T], step: usize, place: usize, place_step: usize) {
        let from = &from[..(N - 1) * step + 1];
        if std::mem::take(&mut self.fresh) {
            for lane in 0..N {
                self.values[lane] = from[lane * step];
                self.places[lane] = (place + lane * place_step) as u32;
            }
            return;
        }
        for lane in 0..N {
            let new = from[lane * step];
            let won = wins(new, self.values[lane]);
            self.values[lane] = if won { new } else { self.values[lane] };
            if INDEXED {
                self.places[lane] = if won { (place + lane * place_step) as u32 } else { self.places[lane] };
            }
        }
    }

    #[inline(always)]
    fn write(&self, at: usize, output: &mut [T], indices: &mut [i64]) {
        output[at..at + N].copy_from_slice(&self.values);
        if INDEXED {
            indices[at..at + N].iter_mut().zip(self.places).for_each(|(index, place)| *index = i64::from(place));
        }
    }

    /// The first of the equally large in the order of places; of NaNs the last.
    #[inline(always)]
    fn of_all(&self) -> Best<T, 1, INDEXED> {
        let mut best = (self.values[0], self.places[0]);
        for lane in 1..N {
            let new = (self.values[lane], self.places[lane]);
            best = if wins_at(new, best) { new } else { best };
        }
        Best { values: [best.0], places: [best.1], fresh: self.fresh }
    }
}

/// Neighbouring pixels' numbers: `N` of a pixel at a time.
struct Pixels<const N: usize, const INDEXED: bool>;

impl<T: Element, const N: usize, const INDEXED: bool> Work<(Rows<'_, T>, &mut [T], &mut [i64])> for Pixels<N, INDEXED> {
    type Output = ();
    #[inline(always)]
    fn run(self, (rows, output, indices): (Rows<'_, T>, &mut [T], &mut [i64])) {
        let (inner, in_width, width) = (rows.planes.inner, rows.planes.size[2], &rows.windows[2]);
        for w in 0..width.outputs() {
            for strip in (0..inner).step_by(N) {
                // The last strip ends with the pixel, though it repeats some numbers.
                let strip = strip.min(inner - N);
                let mut best = Best::<T, N, INDEXED>::new();
                for row in rows.numbers() {
                    for column in width.of(w) {
                        let place = row * in_width + column;
                        best.compare(&rows.block[place * inner + strip..], 1, place, 0);
                    }
                }
                best.write(w * inner + strip, output, indices);
            }
        }
    }
}

/// Windows of neighbouring outputs that lie evenly: outputs `first..end`, from `start` on.
#[derive(Clone, Copy, Default)]
struct Regular {
    first: usize,
    end: usize,
    start: usize,
    stride: usize,
    count: usize,
}

/// Outputs, or elements of a window, that are compared side by side.
const LANES: usize = 8;

impl Regular {
    /// The longest sequence around the middle, if it has enough outputs.
    fn of(windows: &Windows) -> Self {
        let spans = &windows.spans;
        let middle = spans.len() / 2;
        let Some(stride) = spans.get(middle + 1).map(|next| next.0.wrapping_sub(spans[middle].0)) else {
            return Self::default();
        };
        let (start, count) = spans[middle];
        let fits = |&o: &usize| spans[o].1 == count && spans[o].0 + middle * stride == start + o * stride;
        if !(1..=LANES).contains(&stride) {
            return Self::default();
        }
        let first = (0..middle).rev().take_while(fits).last().unwrap_or(middle);
        let end = (middle..spans.len()).take_while(fits).last().unwrap_or(middle) + 1;
        if end - first < LANES {
            return Self::default();
        }
        Regular { first, end, start: start - (middle - first) * stride, stride, count }
    }
}

/// Outputs of one row of one plane.
struct Planar<const INDEXED: bool>;

impl<T: Element, const INDEXED: bool> Work<(Rows<'_, T>, Regular, &mut [T], &mut [i64])> for Planar<INDEXED> {
    type Output = ();
    #[inline(always)]
    fn run(self, (rows, regular, output, indices): (Rows<'_, T>, Regular, &mut [T], &mut [i64])) {
        match regular.stride {
            0 => {}
            1 => side_by_side::<T, 1, INDEXED>(rows, regular, output, indices),
            2 => side_by_side::<T, 2, INDEXED>(rows, regular, output, indices),
            _ => side_by_side::<T, 0, INDEXED>(rows, regular, output, indices),
        }
        for w in (0..regular.first).chain(regular.end..output.len()) {
            alone::<T, INDEXED>(rows, w, output, indices);
        }
    }
}

/// The outputs whose windows lie evenly; `STRIDE` is their distance, or 0 where it is none that is
/// compiled for.
#[inline(always)]
fn side_by_side<T: Element, const STRIDE: usize, const INDEXED: bool>(
    rows: Rows<'_, T>,
    regular: Regular,
    output: &mut [T],
    indices: &mut [i64],
) {
    let stride = if STRIDE == 0 { regular.stride } else { STRIDE };
    let (in_width, step) = (rows.planes.size[2], rows.windows[2].step);
    // The last group of outputs ends with the windows, though it repeats some.
    let mut first = regular.first;
    loop {
        let start = regular.start + (first - regular.first) * stride;
        let mut best = Best::<T, LANES, INDEXED>::new();
        for row in rows.numbers() {
            let values = &rows.block[row * in_width..][..in_width];
            for tap in 0..regular.count {
                let column = start + tap * step;
                best.compare(&values[column..], stride, row * in_width + column, stride);
            }
        }
        best.write(first, output, indices);
        if first + LANES == regular.end {
            return;
        }
        first = (first + LANES).min(regular.end - LANES);
    }
}

/// One output; a long window's elements side by side.
#[inline(always)]
fn alone<T: Element, const INDEXED: bool>(rows: Rows<'_, T>, w: usize, output: &mut [T], indices: &mut [i64]) {
    let (in_width, width) = (rows.planes.size[2], &rows.windows[2]);
    let (start, count) = width.spans[w];
    if width.step != 1 || count < LANES {
        let mut best = Best::<T, 1, INDEXED>::new();
        for row in rows.numbers() {
            for column in width.of(w) {
                let place = row * in_width + column;
                best.compare(&rows.block[place..], 1, place, 0);
            }
        }
        return best.write(w, output, indices);
    }
    let mut best = Best::<T, LANES, INDEXED>::new();
    for row in rows.numbers() {
        for tap in (0..count).step_by(LANES) {
            // The last group ends with the window: what is seen again wins over nothing.
            let place = row * in_width + start + tap.min(count - LANES);
            best.compare(&rows.block[place..], 1, place, 1);
        }
    }
    best.of_all().write(w, output, indices);
}

/// [`wins`] for candidates that do not come in order: of equal numbers the first place wins, of
/// NaNs the last.
#[inline(always)]
fn wins_at<T: Element>((new, at): (T, u32), (best, best_at): (T, u32)) -> bool {
    #[expect(clippy::eq_op, reason = "only a NaN differs from itself")]
    let (new_is_nan, best_is_nan) = (new != new, best != best);
    if new_is_nan { !best_is_nan | (at > best_at) } else { (new > best) | ((new == best) & (at < best_at)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the definition, in row-major order.
    fn naive(planes: Planes, windows: &[Windows; 3], input: &[f32]) -> (Vec<f32>, Vec<i64>) {
        let (mut values, mut indices) = (Vec::new(), Vec::new());
        let [depth, height, width] = windows;
        for n in 0..planes.outer {
            for d in 0..depth.outputs() {
                for h in 0..height.outputs() {
                    for w in 0..width.outputs() {
                        for c in 0..planes.inner {
                            let mut best: Option<(f32, usize)> = None;
                            for id in depth.of(d) {
                                for ih in height.of(h) {
                                    for iw in width.of(w) {
                                        let place = (id * planes.size[1] + ih) * planes.size[2] + iw;
                                        let new = input[n * planes.block() + place * planes.inner + c];
                                        if best.is_none_or(|(b, _)| new > b || new.is_nan()) {
                                            best = Some((new, place));
                                        }
                                    }
                                }
                            }
                            let (value, place) = best.unwrap();
                            values.push(value);
                            indices.push(place as i64);
                        }
                    }
                }
            }
        }
        (values, indices)
    }

    #[test]
    fn ties_nans_and_dilation_in_both_layouts() {
        let windows = [
            Windows::new(3, 1, vec![(0, 2), (1, 2)]),
            Windows::new(6, 2, vec![(0, 2), (1, 3), (3, 2)]),
            Windows::new(7, 3, vec![(0, 2), (2, 2), (3, 2), (6, 1)]),
        ];
        compare(&windows, [3, 6, 7]);
    }

    #[test]
    fn windows_side_by_side_and_long_ones() {
        let evenly = |inputs: usize, stride: usize, count: usize, step: usize| {
            let outputs = (inputs - (count - 1) * step - 1) / stride + 1;
            let mut spans: Vec<_> = (0..outputs).map(|o| (o * stride, count)).collect();
            // As padding has it: the first window lacks an element.
            spans[0].1 -= usize::from(count > 1);
            Windows::new(inputs, step, spans)
        };
        for (stride, count, step) in [(1, 2, 1), (1, 3, 2), (2, 2, 1), (2, 3, 1), (3, 3, 1), (4, 2, 3)] {
            let windows = [Windows::identity(1), evenly(9, stride, count, step), evenly(43, stride, count, step)];
            compare(&windows, [1, 9, 43]);
        }
        let all = |n: usize| Windows::new(n, 1, vec![(0, n)]);
        compare(&[all(2), all(5), all(19)], [2, 5, 19]);
        compare(&[all(1), all(1), Windows::new(30, 1, vec![(0, 8), (7, 17), (29, 1)])], [1, 1, 30]);
    }

    fn compare(windows: &[Windows; 3], size: [usize; 3]) {
        for inner in [1, 5, 11, 40] {
            for nan_every in [usize::MAX, 7] {
                let planes = Planes { outer: 3, size, inner };
                let input: Vec<f32> = (0..planes.len())
                    .map(|i| if (i * 5) % nan_every == 1 { f32::NAN } else { ((i * 29) % 13) as f32 })
                    .collect();
                let (values, places) = naive(planes, windows, &input);
                let mut output = vec![0.0; values.len()];
                let mut indices = vec![0; values.len()];
                max_with_indices(planes, windows, &input, &mut output, &mut indices);
                assert_eq!(indices, places);
                assert_eq!(
                    output.iter().map(|v| v.to_bits()).collect::<Vec<_>>(),
                    values.iter().map(|v| v.to_bits()).collect::<Vec<_>>()
                );
                max(planes, windows, &input, &mut output);
                assert_eq!(
                    output.iter().map(|v| v.is_nan()).collect::<Vec<_>>(),
                    values.iter().map(|v| v.is_nan()).collect::<Vec<_>>()
                );
                assert!(output.iter().zip(&values).all(|(a, b)| a == b || (a.is_nan() && b.is_nan())));
            }
        }
    }
}
