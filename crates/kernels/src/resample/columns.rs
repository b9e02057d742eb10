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
    /// Each output is the weighted sum of two inputs; but some, listed apart, of only one.
    Two(Vec<([u32; 2], [W; 2])>, Vec<(usize, u32, W)>),
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
            // A single input is not added a second time with a weight of zero: that would make a NaN of
            // an infinite one.
            let pair = |entries: &[(usize, f64)]| {
                let [(a, x), (b, y)] = [entry(&entries[0]), entry(&entries[entries.len() - 1])];
                ([a, b], [x, y])
            };
            let single = |(o, entries): (usize, &[(usize, f64)])| match entries {
                [only] => Some((o, entry(only).0, entry(only).1)),
                _ => None,
            };
            return Columns::Two(outputs().map(pair).collect(), outputs().enumerate().filter_map(single).collect());
        }
        Columns::Sparse { entries: map.entries.iter().map(entry).collect(), windows: Windows::of(map) }
    }

    /// Maps a row. `pixel` is room for one.
    #[inline(always)]
    pub(super) fn apply<T: Real<Wide = W>>(&self, here: Row<'_, W>, pixel: &mut [W], output: &mut [T]) {
        let Row { map, inner, row, divisor } = here;
        if let Columns::Same = self {
            return finish(row, divisor, output);
        }
        if inner > 1 {
            return pixels(here, pixel, output);
        }
        match self {
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
            Columns::Two(pairs, singles) => {
                let plain = map.divisors.is_none() && divisor == 1.0;
                for (w, (out, &([a, b], [x, y]))) in output.iter_mut().zip(pairs).enumerate() {
                    let total = row[a as usize] * x + row[b as usize] * y;
                    *out = T::narrow(if plain { total } else { total / W::of(divisor * map.divisor(w)) });
                }
                for &(w, i, weight) in singles {
                    output[w] = T::narrow(quotient(row[i as usize] * weight, divisor * map.divisor(w)));
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
    let plain = map.divisors.is_none() && divisor == 1.0;
    // The last group of outputs ends with the windows, though it repeats some.
    let mut first = windows.first;
    loop {
        let start = windows.start + (first - windows.first) * STRIDE;
        let mut sums = [T::Wide::ZERO; LANES];
        for tap in 0..windows.count {
            add_strided::<T::Wide, STRIDE>(&mut sums, &row[start + tap..]);
        }
        let output = &mut output[first..first + LANES];
        for lane in 0..LANES {
            let divisor = if plain { 1.0 } else { divisor * map.divisor(first + lane) };
            output[lane] = T::narrow(quotient(sums[lane], divisor));
        }
        if first + LANES == windows.end {
            return;
        }
        first = (first + LANES).min(windows.end - LANES);
    }
}

/// Adds every `STRIDE`-th number.
#[inline(always)]
fn add_strided<W: Compute, const STRIDE: usize>(sums: &mut [W; LANES], from: &[W]) {
    let from = &from[..(LANES - 1) * STRIDE + 1];
    for lane in 0..LANES {
        sums[lane] += from[lane * STRIDE];
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
