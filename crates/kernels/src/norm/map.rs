//! Numbers computed from the numbers at their place and their unit's coefficients.

use super::{Units, check, check_coefficients, spread};
use crate::window::{Real, Work, split_runs, widest};

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
            widest((units, inputs, coefficients, value, first, output), Planes);
        });
        return;
    }
    let channels = units.channels;
    let joined = WIDTH.div_ceil(channels);
    let spread = coefficients.map(|c| spread(c, channels, joined));
    let spread = spread.each_ref().map(|c| &c[..]);
    split_runs(output, channels, channels, |first, output| {
        widest((units, inputs, spread, value, first, output), Pixels);
    });
}

/// What the loops over memory take: units, inputs, coefficients, the function, which plane or pixel
/// is the first, and the output from there on.
type Piece<'a, T, F, const I: usize, const P: usize> =
    (Units, [&'a [T]; I], [&'a [<T as Real>::Wide]; P], F, usize, &'a mut [T]);

struct Planes;

impl<'a, T: Real, F, const I: usize, const P: usize> Work<Piece<'a, T, F, I, P>> for Planes
where
    F: Fn([T::Wide; I], [T::Wide; P]) -> T::Wide + Copy,
{
    type Output = ();
    #[inline(always)]
    fn run(self, (units, inputs, coefficients, value, first, output): Piece<'a, T, F, I, P>) {
        let area = units.area;
        for (plane, output) in (first..).zip(output.chunks_exact_mut(area)) {
            let unit = units.of_plane(plane);
            let c = coefficients.map(|c| c[unit]);
            row(inputs.map(|input| &input[plane * area..][..area]), output, |x, _| value(x, c));
        }
    }
}

/// With coefficients for each number of several pixels, for each sample.
struct Pixels;

impl<'a, T: Real, F, const I: usize, const P: usize> Work<Piece<'a, T, F, I, P>> for Pixels
where
    F: Fn([T::Wide; I], [T::Wide; P]) -> T::Wide + Copy,
{
    type Output = ();
    #[inline(always)]
    fn run(self, (units, inputs, coefficients, value, first, output): Piece<'a, T, F, I, P>) {
        let channels = units.channels;
        let joined = WIDTH.div_ceil(channels);
        let (mut pixel, mut rest) = (first, output);
        while !rest.is_empty() {
            // Rows end with a sample, whose coefficients differ from the next one's.
            let sample = pixel / units.unit_len();
            let count = joined.min((sample + 1) * units.unit_len() - pixel).min(rest.len() / channels);
            let (here, after) = rest.split_at_mut(count * channels);
            let c = coefficients.map(|c| &c[sample * joined * channels..][..here.len()]);
            let inputs = inputs.map(|input| &input[pixel * channels..][..here.len()]);
            row(inputs, here, |x, i| value(x, c.map(|c| c[i])));
            pixel += count;
            rest = after;
        }
    }
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
