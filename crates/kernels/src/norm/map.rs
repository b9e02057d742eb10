//! Numbers computed from the numbers at their place and their unit's coefficients.

use super::{Units, check, check_coefficients};
use crate::window::{Real, split_runs, widest};

/// Rows of channels are joined until they have so many numbers.
const WIDTH: usize = 128;

/// `output[i] = value(inputs[..][i], coefficients of i's unit)` for every number.
///
/// # Panics
/// If the output or an input has another length than the units, or there is not a coefficient for
/// each unit.
pub fn map<T: Real, const I: usize, const P: usize>(
    units: Units,
    inputs: [&[T]; I],
    coefficients: [&[T::Wide]; P],
    output: &mut [T],
    value: impl Fn([T::Wide; I], [T::Wide; P]) -> T::Wide + Copy + Sync,
) {
    check(units, inputs);
    check(units, [output]);
    check_coefficients(units, coefficients);
    if units.is_empty() {
        return;
    }
    if !units.interleaved() {
        let area = units.area;
        split_runs(output, area, area, |first, output| {
            widest(|| {
                for (plane, output) in (first..).zip(output.chunks_exact_mut(area)) {
                    let unit = units.of_plane(plane);
                    let c = coefficients.map(|c| c[unit]);
                    row(inputs.map(|input| &input[plane * area..][..area]), output, |x, _| value(x, c));
                }
            });
        });
        return;
    }
    let channels = units.channels;
    let pixels = WIDTH.div_ceil(channels);
    let width = channels * pixels;
    let spread =
        coefficients.map(|c| c.chunks(channels).flat_map(|sample| sample.repeat(pixels)).collect::<Vec<T::Wide>>());
    let sample_rows = units.unit_len();
    split_runs(output, channels, channels, |first, output| {
        widest(|| {
            let mut pixel = first;
            let mut rest = output;
            while !rest.is_empty() {
                // Rows end with a sample, whose coefficients differ from the next one's.
                let sample = pixel / sample_rows;
                let count = pixels.min((sample + 1) * sample_rows - pixel).min(rest.len() / channels);
                let (here, after) = std::mem::take(&mut rest).split_at_mut(count * channels);
                let c = spread.each_ref().map(|c| &c[sample * width..][..count * channels]);
                let inputs = inputs.map(|input| &input[pixel * channels..][..count * channels]);
                row(inputs, here, |x, i| value(x, c.map(|c| c[i])));
                pixel += count;
                rest = after;
            }
        });
    });
}

/// `output[i] = value(inputs[..][i], i)`
#[inline(always)]
pub(super) fn row<T: Real, const I: usize>(
    inputs: [&[T]; I],
    output: &mut [T],
    value: impl Fn([T::Wide; I], usize) -> T::Wide,
) {
    let inputs = inputs.map(|input| &input[..output.len()]);
    for (i, output) in output.iter_mut().enumerate() {
        *output = T::narrow(value(inputs.map(|input| input[i].widen()), i));
    }
}
