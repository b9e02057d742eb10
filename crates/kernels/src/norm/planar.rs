//! Sums where the positions of a channel lie together: a plane at a time.

use super::{FEW, LANES, Moments, Units, fold};
use crate::element::Element;
use crate::window::{Compute, Real, Work, split_runs, widest};

/// Terms that are added in the type of arithmetic before the sum moves to float64: a block of numbers
/// that stays in the first-level cache between two looks at it.
const BLOCK: usize = 2048;

/// See [`super::sums`].
pub(super) fn sums<T: Real, const I: usize, const P: usize, const K: usize>(
    units: Units,
    inputs: [&[T]; I],
    coefficients: [&[T::Wide]; P],
    term: impl Fn([T::Wide; I], [T::Wide; P]) -> [T::Wide; K] + Copy + Sync,
) -> Vec<[f64; K]> {
    let area = units.area;
    let mut planes = vec![[0.0; K]; units.len() / area];
    split_runs(&mut planes, 1, area, |first, planes| {
        widest((units, inputs, coefficients, term, first, planes), PlaneSums);
    });
    let mut totals = vec![[0.0; K]; units.count()];
    for (plane, sum) in planes.iter().enumerate() {
        let total = &mut totals[units.of_plane(plane)];
        (0..K).for_each(|k| total[k] += sum[k]);
    }
    totals
}

/// See [`super::moments`].
pub(super) fn moments<T: Real>(units: Units, input: &[T]) -> Vec<Moments> {
    let area = units.area;
    let mut planes = vec![Moments::default(); units.len() / area];
    split_runs(&mut planes, 1, area, |first, planes| {
        widest((area, input, first, planes), PlaneMoments);
    });
    let mut totals = vec![Moments::default(); units.count()];
    for (plane, moments) in planes.iter().enumerate() {
        let total = &mut totals[units.of_plane(plane)];
        *total = total.join(*moments);
    }
    totals
}

/// What the sums of planes are made of: units, inputs, coefficients, the term, which plane is the
/// first, and the sums from there on.
type Piece<'a, T, F, const I: usize, const P: usize, const K: usize> =
    (Units, [&'a [T]; I], [&'a [<T as Real>::Wide]; P], F, usize, &'a mut [[f64; K]]);

struct PlaneSums;

impl<'a, T: Real, F, const I: usize, const P: usize, const K: usize> Work<Piece<'a, T, F, I, P, K>> for PlaneSums
where
    F: Fn([T::Wide; I], [T::Wide; P]) -> [T::Wide; K] + Copy,
{
    type Output = ();
    #[inline(always)]
    fn run(self, (units, inputs, coefficients, term, first, planes): Piece<'a, T, F, I, P, K>) {
        for (plane, total) in (first..).zip(planes) {
            let unit = units.of_plane(plane);
            let rows = inputs.map(|input| &input[plane * units.area..][..units.area]);
            *total = row_sum(rows, coefficients.map(|c| c[unit]), term);
        }
    }
}

/// The moments of each plane, from plane `first` on.
struct PlaneMoments;

impl<T: Real> Work<(usize, &[T], usize, &mut [Moments])> for PlaneMoments {
    type Output = ();
    #[inline(always)]
    fn run(self, (area, input, first, planes): (usize, &[T], usize, &mut [Moments])) {
        for (plane, moments) in (first..).zip(planes) {
            *moments = row_moments(&input[plane * area..][..area]);
        }
    }
}

/// The sums of a term along rows.
#[inline(always)]
pub(super) fn row_sum<T: Real, const I: usize, const P: usize, const K: usize>(
    rows: [&[T]; I],
    coefficients: [T::Wide; P],
    term: impl Fn([T::Wide; I], [T::Wide; P]) -> [T::Wide; K] + Copy,
) -> [f64; K] {
    let length = rows[0].len();
    let mut total = [0.0; K];
    for start in (0..length).step_by(BLOCK) {
        let size = BLOCK.min(length - start);
        let sum = block_sum(rows.map(|row| &row[start..start + size]), coefficients, term);
        (0..K).for_each(|k| total[k] += sum[k].to_f64());
    }
    total
}

/// The moments of a row.
#[inline(always)]
pub(super) fn row_moments<T: Real>(row: &[T]) -> Moments {
    let mut total = Moments::default();
    for block in row.chunks(BLOCK) {
        let count = block.len() as f64;
        let [sum] = block_sum([block], [], |[x], []| [x]);
        let mean = T::Wide::of(sum.to_f64() / count);
        let [squares, rest] = block_sum([block], [mean], |[x], [mean]| {
            let distance = x - mean;
            [distance * distance, distance]
        });
        // The mean was rounded; what is left of the distances says by how much.
        let rest = rest.to_f64() / count;
        total =
            total.join(Moments { count, mean: mean.to_f64() + rest, squares: squares.to_f64() - rest * rest * count });
    }
    total
}

#[inline(always)]
fn block_sum<T: Real, const I: usize, const P: usize, const K: usize>(
    rows: [&[T]; I],
    coefficients: [T::Wide; P],
    term: impl Fn([T::Wide; I], [T::Wide; P]) -> [T::Wide; K] + Copy,
) -> [T::Wide; K] {
    let length = rows[0].len();
    let rows = rows.map(|row| &row[..length]);
    let mut lanes = [[T::Wide::ZERO; LANES]; K];
    let whole = length / LANES * LANES;
    for at in (0..whole).step_by(LANES) {
        let chunks = rows.map(|row| &row[at..at + LANES]);
        for lane in 0..LANES {
            let terms = term(chunks.map(|chunk| chunk[lane].widen()), coefficients);
            (0..K).for_each(|k| lanes[k][lane] += terms[k]);
        }
    }
    let most = length / FEW * FEW;
    for at in (whole..most).step_by(FEW) {
        let chunks = rows.map(|row| &row[at..at + FEW]);
        for lane in 0..FEW {
            let terms = term(chunks.map(|chunk| chunk[lane].widen()), coefficients);
            (0..K).for_each(|k| lanes[k][lane] += terms[k]);
        }
    }
    for at in most..length {
        let terms = term(rows.map(|row| row[at].widen()), coefficients);
        (0..K).for_each(|k| lanes[k][at - most] += terms[k]);
    }
    lanes.map(fold)
}
