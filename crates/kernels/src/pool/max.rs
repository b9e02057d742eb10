//! The maximum of each window.
//!
//! A maximum is not a sum, but it separates over the axes too: the rows of a window are combined
//! first (whole rows at a time, which vectorises), then the columns. With indices, each column
//! remembers the place of its maximum. As in PyTorch, the first of equal numbers wins, and a NaN
//! wins over everything (of several, the last).

use crate::element::Element;
use crate::window::{Planes, split, split2, widest};

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

fn check<T>(planes: Planes, windows: &[Windows; 3], input: &[T], outputs: usize) -> Planes {
    let [depth, height, width] = windows;
    assert!(planes.size == [depth.inputs, height.inputs, width.inputs], "windows of another input size");
    let pooled = planes.resized([depth.outputs(), height.outputs(), width.outputs()]);
    assert!(input.len() == planes.len() && outputs == pooled.len(), "lengths that the sizes do not give");
    pooled
}

/// The maximum of each window.
///
/// # Panics
/// If a slice's length is not what the planes and windows say.
pub fn max<T: Element>(planes: Planes, windows: &[Windows; 3], input: &[T], output: &mut [T]) {
    let pooled = check(planes, windows, input, output.len());
    if output.is_empty() {
        return;
    }
    let [depth, height, width] = windows;
    let inner = planes.inner;
    let in_row = planes.size[2] * inner;
    let rows = pooled.size[0] * pooled.size[1];
    split(output, pooled.size[2] * inner, 2 * in_row, |row, output| {
        let (block, row) = (row / rows, row % rows);
        let (d, h) = (row / pooled.size[1], row % pooled.size[1]);
        let block = &input[block * planes.block()..][..planes.block()];
        widest(|| {
            let mut starts = depth.of(d).flat_map(|d| height.of(h).map(move |h| (d * planes.size[1] + h) * in_row));
            let first = starts.next().unwrap_or(0);
            let mut best = block[first..first + in_row].to_vec();
            for start in starts {
                for (best, &new) in best.iter_mut().zip(&block[start..start + in_row]) {
                    *best = if wins(new, *best) { new } else { *best };
                }
            }
            for (w, out) in output.chunks_exact_mut(inner).enumerate() {
                let mut columns = width.of(w);
                let first = columns.next().unwrap_or(0);
                out.copy_from_slice(&best[first * inner..][..inner]);
                for column in columns {
                    for (out, &new) in out.iter_mut().zip(&best[column * inner..][..inner]) {
                        *out = if wins(new, *out) { new } else { *out };
                    }
                }
            }
        });
    });
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
    let pooled = check(planes, windows, input, output.len());
    assert_eq!(output.len(), indices.len(), "an index for each maximum");
    assert!(u32::try_from(planes.size.iter().product::<usize>()).is_ok(), "an image of 2^32 positions");
    if output.is_empty() {
        return;
    }
    let [depth, height, width] = windows;
    let inner = planes.inner;
    let (in_width, in_row) = (planes.size[2], planes.size[2] * inner);
    let out_row = pooled.size[2] * inner;
    let rows = pooled.size[0] * pooled.size[1];
    split2((output, out_row), (indices, out_row), 3 * in_row, |row, output, indices| {
        let (block, row) = (row / rows, row % rows);
        let (d, h) = (row / pooled.size[1], row % pooled.size[1]);
        let block = &input[block * planes.block()..][..planes.block()];
        widest(|| {
            // For each column of the rows of this window: the maximum and its row.
            let mut in_rows = depth.of(d).flat_map(|d| height.of(h).map(move |h| d * planes.size[1] + h));
            let first = in_rows.next().unwrap_or(0);
            let mut best = block[first * in_row..][..in_row].to_vec();
            let mut best_row = vec![first as u32; in_row];
            for row in in_rows {
                let values = &block[row * in_row..][..in_row];
                for ((best, best_row), &new) in best.iter_mut().zip(&mut best_row).zip(values) {
                    let won = wins(new, *best);
                    *best = if won { new } else { *best };
                    *best_row = if won { row as u32 } else { *best_row };
                }
            }
            let place = |column: usize, row: u32| row * in_width as u32 + column as u32;
            let mut best_place = vec![0u32; inner];
            for (w, (out, index)) in output.chunks_exact_mut(inner).zip(indices.chunks_exact_mut(inner)).enumerate() {
                let mut columns = width.of(w);
                let first = columns.next().unwrap_or(0);
                out.copy_from_slice(&best[first * inner..][..inner]);
                for (best_place, &row) in best_place.iter_mut().zip(&best_row[first * inner..][..inner]) {
                    *best_place = place(first, row);
                }
                for column in columns {
                    let candidates = best[column * inner..][..inner].iter().zip(&best_row[column * inner..][..inner]);
                    for ((out, best_place), (&new, &row)) in out.iter_mut().zip(best_place.iter_mut()).zip(candidates) {
                        let new_place = place(column, row);
                        let won = wins_at((new, new_place), (*out, *best_place));
                        *out = if won { new } else { *out };
                        *best_place = if won { new_place } else { *best_place };
                    }
                }
                index.iter_mut().zip(&best_place).for_each(|(index, &place)| *index = i64::from(place));
            }
        });
    });
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
        for inner in [1, 5] {
            for nan_every in [usize::MAX, 7] {
                let planes = Planes { outer: 3, size: [3, 6, 7], inner };
                let input: Vec<f32> = (0..planes.len())
                    .map(|i| if (i * 5) % nan_every == 1 { f32::NAN } else { ((i * 29) % 13) as f32 })
                    .collect();
                let (values, places) = naive(planes, &windows, &input);
                let mut output = vec![0.0; values.len()];
                let mut indices = vec![0; values.len()];
                max_with_indices(planes, &windows, &input, &mut output, &mut indices);
                assert_eq!(indices, places);
                assert_eq!(
                    output.iter().map(|v| v.to_bits()).collect::<Vec<_>>(),
                    values.iter().map(|v| v.to_bits()).collect::<Vec<_>>()
                );
                max(planes, &windows, &input, &mut output);
                assert_eq!(
                    output.iter().map(|v| v.is_nan()).collect::<Vec<_>>(),
                    values.iter().map(|v| v.is_nan()).collect::<Vec<_>>()
                );
                assert!(output.iter().zip(&values).all(|(a, b)| a == b || (a.is_nan() && b.is_nan())));
            }
        }
    }
}
