//! Sums where the channels of a position lie together: a strip of channels at a time, down the rows
//! of a block, so that sums stay in registers.

use super::{Moments, Units, spread};
use crate::element::Element;
use crate::window::{Compute, Real, TASK, Work, split, widest};
use std::ops::Range;

/// Neighbouring numbers of a row that are summed side by side.
const STRIP: usize = 64;
/// Rows that are added before the sums move to float64.
const ROWS: usize = 128;

/// The rows of a batch, each made of as many pixels as fill a strip.
struct Rows {
    units: Units,
    /// Pixels in a row.
    pixels: usize,
    /// Numbers in a row.
    width: usize,
    /// Numbers of each sample.
    sample: usize,
    /// Numbers of a task: whole blocks of rows.
    share: usize,
    /// Tasks in a sample.
    shares: usize,
}

impl Rows {
    fn new(units: Units) -> Self {
        let pixels = STRIP.div_ceil(units.channels);
        let width = pixels * units.channels;
        let sample = units.unit_len() * units.channels;
        let share = (4 * TASK).next_multiple_of(ROWS * width);
        Rows { units, pixels, width, sample, share, shares: sample.div_ceil(share) }
    }

    /// Calls `block(numbers, sample, totals)` for every block of memory, with its task's totals for
    /// each number of a row; then joins the totals of tasks and pixels.
    fn reduce<A: Copy + Send + Sync>(
        &self,
        zero: A,
        block: impl Fn(Range<usize>, usize, &mut [A]) + Sync,
        join: impl Fn(A, A) -> A,
    ) -> Vec<A> {
        let mut partial = vec![zero; self.units.samples * self.shares * self.width];
        split(&mut partial, self.width, self.share.min(self.sample), |task, totals| {
            let (sample, share) = (task / self.shares, task % self.shares);
            let first = share * self.share;
            let last = (first + self.share).min(self.sample);
            let start = sample * self.sample;
            for at in (first..last).step_by(ROWS * self.width) {
                let end = (at + ROWS * self.width).min(last);
                block(start + at..start + end, sample, totals);
            }
        });
        let channels = self.units.channels;
        let mut results = vec![zero; self.units.count()];
        for (task, totals) in partial.chunks(self.width).enumerate() {
            let results = &mut results[task / self.shares * channels..][..channels];
            for pixel in totals.chunks(channels) {
                results.iter_mut().zip(pixel).for_each(|(result, &total)| *result = join(*result, total));
            }
        }
        results
    }
}

/// See [`super::sums`].
pub(super) fn sums<T: Real, const I: usize, const P: usize, const K: usize>(
    units: Units,
    inputs: [&[T]; I],
    coefficients: [&[T::Wide]; P],
    term: impl Fn([T::Wide; I], [T::Wide; P]) -> [T::Wide; K] + Copy + Sync,
) -> Vec<[f64; K]> {
    let rows = Rows::new(units);
    let spread = coefficients.map(|c| spread(c, units.channels, rows.pixels));
    let block = |range: Range<usize>, sample: usize, totals: &mut [[f64; K]]| {
        let inputs = inputs.map(|input| &input[range.clone()]);
        let c = spread.each_ref().map(|c| &c[sample * rows.width..][..rows.width]);
        widest((inputs, c, term, totals), BlockSums);
    };
    rows.reduce([0.0; K], block, |a, b| std::array::from_fn(|k| a[k] + b[k]))
}

/// See [`super::moments`].
pub(super) fn moments<T: Real>(units: Units, input: &[T]) -> Vec<Moments> {
    let rows = Rows::new(units);
    let block = |range: Range<usize>, _: usize, totals: &mut [Moments]| {
        let input = &input[range];
        widest((rows.width, input, totals), BlockMoments);
    };
    rows.reduce(Moments::default(), block, |a, b| if b.count == 0.0 { a } else { a.join(b) })
}

/// What the sums of a block of rows are made of: inputs, coefficients for each number of a row, the
/// term, and the totals to add to.
type Block<'a, T, F, const I: usize, const P: usize, const K: usize> =
    ([&'a [T]; I], [&'a [<T as Real>::Wide]; P], F, &'a mut [[f64; K]]);

struct BlockSums;

impl<'a, T: Real, F, const I: usize, const P: usize, const K: usize> Work<Block<'a, T, F, I, P, K>> for BlockSums
where
    F: Fn([T::Wide; I], [T::Wide; P]) -> [T::Wide; K] + Copy,
{
    type Output = ();
    #[inline(always)]
    fn run(self, (inputs, c, term, totals): Block<'a, T, F, I, P, K>) {
        let width = totals.len();
        let whole = inputs[0].len() / width;
        for column in strips(width) {
            let sums = strip_sum(
                inputs.map(|input| &input[column.min(input.len())..]),
                (width, whole),
                c.map(|c| &c[column..column + STRIP]),
                term,
            );
            // Strips overlap at the end of a row: each number counts once.
            for lane in fresh(column)..STRIP {
                (0..K).for_each(|k| totals[column + lane][k] += sums[k][lane].to_f64());
            }
        }
        for at in whole * width..inputs[0].len() {
            let column = at - whole * width;
            let terms = term(inputs.map(|input| input[at].widen()), c.map(|c| c[column]));
            (0..K).for_each(|k| totals[column][k] += terms[k].to_f64());
        }
    }
}

/// Joins the moments of a block of rows.
struct BlockMoments;

impl<T: Real> Work<(usize, &[T], &mut [Moments])> for BlockMoments {
    type Output = ();
    #[inline(always)]
    fn run(self, (width, input, totals): (usize, &[T], &mut [Moments])) {
        let whole = input.len() / width;
        if whole > 0 {
            let count = whole as f64;
            for column in strips(width) {
                let shape = (width, whole);
                let [sums] = strip_sum([&input[column..]], shape, [], |[x], []| [x]);
                let mean = sums.map(|sum| T::Wide::of(sum.to_f64() / count));
                let [squares, rest] = strip_sum([&input[column..]], shape, [&mean], |[x], [mean]| {
                    let distance = x - mean;
                    [distance * distance, distance]
                });
                for lane in fresh(column)..STRIP {
                    // The mean was rounded; what is left of the distances says by how much.
                    let rest = rest[lane].to_f64() / count;
                    let total = &mut totals[column + lane];
                    *total = total.join(Moments {
                        count,
                        mean: mean[lane].to_f64() + rest,
                        squares: squares[lane].to_f64() - rest * rest * count,
                    });
                }
            }
        }
        for (total, x) in totals.iter_mut().zip(&input[whole * width..]) {
            *total = total.join(Moments { count: 1.0, mean: x.widen().to_f64(), squares: 0.0 });
        }
    }
}

/// Where the strips of a row begin; the last one ends with the row.
#[inline(always)]
fn strips(width: usize) -> impl Iterator<Item = usize> {
    (0..width).step_by(STRIP).map(move |column| column.min(width - STRIP))
}

/// The first lane of a strip that no strip before it has.
#[inline(always)]
fn fresh(column: usize) -> usize {
    (STRIP - column % STRIP) % STRIP
}

/// The sums of a term down a strip: `rows` rows, `step` numbers apart.
#[inline(always)]
fn strip_sum<T: Real, const I: usize, const P: usize, const K: usize>(
    inputs: [&[T]; I],
    (step, rows): (usize, usize),
    coefficients: [&[T::Wide]; P],
    term: impl Fn([T::Wide; I], [T::Wide; P]) -> [T::Wide; K] + Copy,
) -> [[T::Wide; STRIP]; K] {
    let coefficients = coefficients.map(|c| &c[..STRIP]);
    let mut sums = [[T::Wide::ZERO; STRIP]; K];
    for row in 0..rows {
        let inputs = inputs.map(|input| &input[row * step..][..STRIP]);
        for lane in 0..STRIP {
            let terms = term(inputs.map(|input| input[lane].widen()), coefficients.map(|c| c[lane]));
            (0..K).for_each(|k| sums[k][lane] += terms[k]);
        }
    }
    sums
}
