//! Maps that only move pixels: the nearest pixel, and borders of an image's own pixels.

use super::AxisMap;
use crate::element::Element;
use crate::window::{Planes, split_runs};

/// Runs of columns that stay together are copied as such when they are so long on average.
const LONG: usize = 8;

/// `(output, input, length)` of columns that stay together.
fn runs(width: &AxisMap) -> Vec<(usize, usize, usize)> {
    let mut runs: Vec<(usize, usize, usize)> = Vec::new();
    for (o, &(i, _)) in width.entries.iter().enumerate() {
        match runs.last_mut() {
            Some((output, input, length)) if *output + *length == o && *input + *length == i => *length += 1,
            _ => runs.push((o, i, 1)),
        }
    }
    runs
}

/// Moves pixels along all three axes; every output of the maps has one entry.
pub(super) fn apply<T: Element>(planes: Planes, maps: &[AxisMap; 3], input: &[T], output: &mut [T]) {
    let [depth, height, width] = maps;
    let inner = planes.inner;
    let (in_row, out_row) = (width.inputs * inner, width.outputs() * inner);
    let rows_per_block = depth.outputs() * height.outputs();
    let runs = runs(width);
    let in_runs = inner > 1 || runs.len() * LONG <= width.outputs();
    let doubled = inner == 1
        && width.outputs() == 2 * width.inputs
        && width.entries.iter().enumerate().all(|(o, &(i, _))| i == o / 2);
    split_runs(output, out_row, out_row, |first, output| {
        for i in 0..output.len() / out_row {
            let (block, row) = ((first + i) / rows_per_block, (first + i) % rows_per_block);
            let (d, h) = (row / height.outputs(), row % height.outputs());
            if i > 0 && h > 0 && height.same(h - 1, h) {
                output.copy_within((i - 1) * out_row..i * out_row, i * out_row);
                continue;
            }
            let output = &mut output[i * out_row..][..out_row];
            let (id, ih) = (depth.entries_of(d)[0].0, height.entries_of(h)[0].0);
            let input = &input[block * planes.block() + (id * height.inputs + ih) * in_row..][..in_row];
            if doubled {
                output.as_chunks_mut::<2>().0.iter_mut().zip(input).for_each(|(pair, &x)| *pair = [x, x]);
            } else if in_runs {
                for &(o, i, length) in &runs {
                    if length * inner == 1 {
                        output[o] = input[i];
                        continue;
                    }
                    output[o * inner..][..length * inner].copy_from_slice(&input[i * inner..][..length * inner]);
                }
            } else {
                output.iter_mut().zip(&width.entries).for_each(|(out, &(i, _))| *out = input[i]);
            }
        }
    });
}
