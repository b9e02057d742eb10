//! The map of a row's columns, in whichever way its pattern allows.

use super::AxisMap;
use crate::window::{Compute, Real};

/// Outputs that are computed side by side.
const LANES: usize = 16;

/// How the columns of a row become outputs.
pub(super) enum Columns<W> {
    /// They stay.
    Same,
    /// Each output is one input times a weight.
    One(Vec<(u32, W)>),
    /// Each output is the weighted sum of two inputs.
    Two(Vec<([u32; 2], [W; 2])>),
    /// Whatever the entries say; but some outputs in the middle are plain sums of evenly spaced windows.
    Sparse {
        /// The entries, as the map has them.
        entries: Vec<(u32, W)>,
        /// Those windows.
        windows: Windows,
    },
}

/// Outputs `first`, `first + 1`, … `end - 1`, the sums of `count` inputs from `start`, `start + stride`, … on.
#[derive(Clone, Copy, Default)]
pub(super) struct Windows {
    first: usize,
    end: usize,
    start: usize,
    stride: usize,
    count: usize,
}

impl Windows {
    /// The longest sequence around the middle, if there is one worth a loop of its own.
    fn of(map: &AxisMap) -> Self {
        let middle = map.outputs() / 2;
        if middle + 1 >= map.outputs() {
            return Windows::default();
        }
        let (Some((start, count)), Some((next, _))) = (map.run(middle), map.run(middle + 1)) else {
            return Windows::default();
        };
        let Some(stride) = next.checked_sub(start).filter(|&stride| (1..=2).contains(&stride)) else {
            return Windows::default();
        };
        let fits =
            |o: usize| map.run(o).is_some_and(|run| run.1 == count && run.0 + middle * stride == start + o * stride);
        let first = (0..middle).rev().take_while(|&o| fits(o)).last().unwrap_or(middle);
        let end = (middle..map.outputs()).take_while(|&o| fits(o)).last().unwrap_or(middle) + 1;
        if end - first < LANES {
            return Windows::default();
        }
        Windows { first, end, start: start - (middle - first) * stride, stride, count }
    }
}

/// A row of pixels to be mapped.
#[derive(Clone, Copy)]
pub(super) struct Row<'a, W> {
    /// The map.
    pub(super) map: &'a AxisMap,
    /// Numbers of a pixel.
    pub(super) inner: usize,
    /// The pixels.
    pub(super) row: &'a [W],
    /// What the outputs are divided by, beside the map's own divisors.
    pub(super) divisor: f64,
}

impl<W: Compute> Columns<W> {
    /// The pattern of a map.
    ///
    /// # Panics
    /// If the axis has 2^32 positions.
    pub(super) fn new(map: &AxisMap) -> Self {
        assert!(u32::try_from(map.inputs).is_ok(), "an axis of 2^32 positions");
        if map.is_identity() {
            return Columns::Same;
        }
        let outputs = || (0..map.outputs()).map(|o| map.entries_of(o));
        let entry = |&(i, weight): &(usize, f64)| (i as u32, W::of(weight));
        if outputs().all(|entries| entries.len() == 1) {
            return Columns::One(map.entries.iter().map(entry).collect());
        }
        if outputs().all(|entries| matches!(entries.len(), 1 | 2)) && map.entries.iter().any(|e| e.1 != 1.0) {
            // An output of one input adds nothing of it a second time: a weight of zero would make a
            // NaN of an infinite one.
            if outputs().all(|entries| entries.len() == 2) {
                let pair = |pair: &[(usize, f64)]| {
                    let [(a, x), (b, y)] = [entry(&pair[0]), entry(&pair[1])];
                    ([a, b], [x, y])
                };
                return Columns::Two(outputs().map(pair).collect());
            }
        }
        Columns::Sparse { entries: map.entries.iter().map(entry).collect(), windows: Windows::of(map) }
    }

    /// Maps a row. `pixel` is room for one.
    #[inline(always)]
    pub(super) fn apply<T: Real<Wide = W>>((columns, here, pixel, output): (&Self, Row<'_, W>, &mut [W], &mut [T])) {
        let Row { map, inner, row, divisor } = here;
        if let Columns::Same = columns {
            return finish(row, divisor, output);
        }
        if inner > 1 {
            return pixels(here, pixel, output);
        }
        match columns {
            Columns::Same => {}
            Columns::One(entries) => {
                let scale = W::of(divisor);
                if map.divisors.is_none() && divisor == 1.0 {
                    for (out, &(i, weight)) in output.iter_mut().zip(entries) {
                        *out = T::narrow(row[i as usize] * weight);
                    }
                } else {
                    for (w, (out, &(i, weight))) in output.iter_mut().zip(entries).enumerate() {
                        *out = T::narrow(row[i as usize] * weight / (scale * W::of(map.divisor(w))));
                    }
                }
            }
            Columns::Two(entries) => {
                for (w, (out, &([a, b], [x, y]))) in output.iter_mut().zip(entries).enumerate() {
                    let total = row[a as usize] * x + row[b as usize] * y;
                    *out = T::narrow(quotient(total, divisor * map.divisor(w)));
                }
            }
            Columns::Sparse { entries, windows } => {
                match windows.stride {
                    1 => window_sums::<T, 1>(map, windows, row, divisor, output),
                    2 => window_sums::<T, 2>(map, windows, row, divisor, output),
                    _ => {}
                }
                for w in (0..windows.first).chain(windows.end..output.len()) {
                    let mut total = W::ZERO;
                    for &(i, weight) in &entries[map.starts[w]..map.starts[w + 1]] {
                        total += row[i as usize] * weight;
                    }
                    output[w] = T::narrow(quotient(total, divisor * map.divisor(w)));
                }
            }
        }
    }
}

/// Maps a row whose pixels have several numbers.
#[inline(always)]
fn pixels<T: Real>(here: Row<'_, T::Wide>, pixel: &mut [T::Wide], output: &mut [T]) {
    let Row { map, inner, row, divisor } = here;
    for (w, out) in output.chunks_exact_mut(inner).enumerate() {
        let mut fresh = true;
        for &(i, weight) in map.entries_of(w) {
            let from = &row[i * inner..][..inner];
            let weight = T::Wide::of(weight);
            if fresh {
                pixel.iter_mut().zip(from).for_each(|(p, &x)| *p = x * weight);
            } else {
                pixel.iter_mut().zip(from).for_each(|(p, &x)| *p += x * weight);
            }
            fresh = false;
        }
        if fresh {
            pixel.fill(T::Wide::ZERO);
        }
        finish(pixel, divisor * map.divisor(w), out);
    }
}

#[inline(always)]
fn quotient<W: Compute>(total: W, divisor: f64) -> W {
    if divisor == 1.0 { total } else { total / W::of(divisor) }
}

#[inline(always)]
fn window_sums<T: Real, const STRIDE: usize>(
    map: &AxisMap,
    windows: &Windows,
    row: &[T::Wide],
    divisor: f64,
    output: &mut [T],
) {
    // The last group of outputs ends with the windows, though it repeats some.
    let mut first = windows.first;
    loop {
        let mut sums = [T::Wide::ZERO; LANES];
        let start = windows.start + (first - windows.first) * STRIDE;
        for tap in 0..windows.count {
            let from = &row[start + tap..][..(LANES - 1) * STRIDE + 1];
            for lane in 0..LANES {
                sums[lane] += from[lane * STRIDE];
            }
        }
        let output = &mut output[first..first + LANES];
        for lane in 0..LANES {
            output[lane] = T::narrow(quotient(sums[lane], divisor * map.divisor(first + lane)));
        }
        if first + LANES == windows.end {
            return;
        }
        first = (first + LANES).min(windows.end - LANES);
    }
}

#[inline(always)]
fn finish<T: Real>(sums: &[T::Wide], divisor: f64, output: &mut [T]) {
    if divisor == 1.0 {
        output.iter_mut().zip(sums).for_each(|(o, &s)| *o = T::narrow(s));
    } else {
        let divisor = T::Wide::of(divisor);
        output.iter_mut().zip(sums).for_each(|(o, &s)| *o = T::narrow(s / divisor));
    }
}
