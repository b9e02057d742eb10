//! Normalisation of rows: numbers that lie together share a mean, and those at the same place of
//! different rows share a factor.

use super::map::row;
use super::planar::row_moments;
use super::{FEW, LANES};
use crate::element::Element;
use crate::window::{Compute, Real, TASK, Work, split, split_chunks2, split_runs, split3, widest};
use std::ops::Range;

/// Rows longer than this are cut when the factors' gradients are made; shorter ones are not, and are
/// read only once.
const LONG: usize = 4096;
/// Rows whose terms are added before the sums move to float64.
const ROWS: usize = 64;

/// What rows are normalised with.
#[derive(Clone, Copy, Debug)]
pub struct Affine<'a, W> {
    /// A factor for each place in a row.
    pub weight: &'a [W],
    /// A number added to each place in a row.
    pub bias: &'a [W],
}

/// Normalises rows and gives their means and `1 / sqrt(variance + eps)`.
///
/// # Panics
/// If lengths do not fit, or rows are empty.
pub fn normalize<T: Real>(input: &[T], affine: Affine<'_, T::Wide>, eps: f64, output: &mut [T]) -> [Vec<f64>; 2] {
    let width = affine.weight.len();
    assert!(width > 0 && input.len().is_multiple_of(width), "whole rows");
    assert!(output.len() == input.len() && affine.bias.len() == width, "lengths of rows");
    let count = input.len() / width;
    let (mut means, mut scales) = (vec![0.0; count], vec![0.0; count]);
    split3(output, width, &mut means, 1, &mut scales, 1, width, |i, output, mean, scale| {
        let input = &input[i * width..][..width];
        [mean[0], scale[0]] = widest((input, affine, eps, output), NormalizeRow);
    });
    [means, scales]
}

struct NormalizeRow;

impl<T: Real> Work<(&[T], Affine<'_, T::Wide>, f64, &mut [T])> for NormalizeRow {
    type Output = [f64; 2];
    #[inline(always)]
    fn run(self, (input, affine, eps, output): (&[T], Affine<'_, T::Wide>, f64, &mut [T])) -> [f64; 2] {
        let moments = row_moments(input);
        let scale = 1.0 / (moments.squares / moments.count + eps).sqrt();
        let (m, s) = (T::Wide::of(moments.mean), T::Wide::of(scale));
        let (weight, bias) = (&affine.weight[..output.len()], &affine.bias[..output.len()]);
        row([input], output, |[x], i| (x - m) * s * weight[i] + bias[i]);
        [moments.mean, scale]
    }
}

/// What the gradients of [`normalize`] are made of.
#[derive(Clone, Copy, Debug)]
pub struct Backward<'a, T: Real> {
    /// The gradient of the output.
    pub grad_output: &'a [T],
    /// The input.
    pub input: &'a [T],
    /// Each row's mean.
    pub mean: &'a [T::Wide],
    /// Each row's `1 / sqrt(variance + eps)`.
    pub scale: &'a [T::Wide],
    /// A factor for each place in a row.
    pub weight: &'a [T::Wide],
}

impl<T: Real> Backward<'_, T> {
    /// The gradient of the input, and where `parameters` asks for them those of the weight and bias.
    ///
    /// # Panics
    /// If lengths do not fit, or rows are empty.
    pub fn run(&self, parameters: bool, grad_input: Option<&mut [T]>) -> Option<[Vec<f64>; 2]> {
        let (width, count) = (self.weight.len(), self.mean.len());
        assert!(width > 0 && self.input.len() == count * width, "whole rows");
        assert!(self.grad_output.len() == self.input.len() && self.scale.len() == count, "lengths of rows");
        assert!(grad_input.as_ref().is_none_or(|g| g.len() == self.input.len()), "a gradient for each number");
        if parameters && width <= LONG {
            return Some(self.together(grad_input));
        }
        if let Some(grad_input) = grad_input {
            split_runs(grad_input, width, width, |first, rows| self.inputs(first, rows));
        }
        parameters.then(|| self.by_columns())
    }

    /// Everything in one pass, a share of the rows to a task.
    fn together(&self, grad_input: Option<&mut [T]>) -> [Vec<f64>; 2] {
        let (width, count) = (self.weight.len(), self.mean.len());
        let share = (4 * TASK).div_ceil(width).next_multiple_of(ROWS);
        let work = share.min(count) * width;
        let mut partial = vec![[0.0; 2]; count.div_ceil(share) * width];
        let rows = |task: usize| task * share..((task + 1) * share).min(count);
        match grad_input {
            Some(grad_input) => {
                split_chunks2((grad_input, share * width), (&mut partial, width), work, |task, grad_input, totals| {
                    self.share(rows(task), 0..width, Some(grad_input), totals);
                });
            }
            None => split(&mut partial, width, work, |task, totals| self.share(rows(task), 0..width, None, totals)),
        }
        let mut totals = [vec![0.0; width], vec![0.0; width]];
        for partial in partial.chunks(width) {
            for (column, sum) in partial.iter().enumerate() {
                (0..2).for_each(|k| totals[k][column] += sum[k]);
            }
        }
        totals
    }

    /// The parameters' gradients alone, a strip of columns to a task.
    fn by_columns(&self) -> [Vec<f64>; 2] {
        let (width, count) = (self.weight.len(), self.mean.len());
        let mut totals = vec![[0.0; 2]; width];
        split_chunks2((&mut totals, LONG), (&mut [] as &mut [u8], 0), LONG * count, |strip, totals, _| {
            let first = strip * LONG;
            self.share(0..count, first..first + totals.len(), None, totals);
        });
        [0, 1].map(|k| totals.iter().map(|total| total[k]).collect())
    }

    /// The gradients of some rows, from row `first` on.
    fn inputs(&self, first: usize, grad_input: &mut [T]) {
        widest((self, first, grad_input), InputGradients);
    }

    /// The gradients of a share of the rows where they are wanted, and the sums over it of the
    /// parameters' gradients, for some columns.
    fn share(
        &self,
        rows: Range<usize>,
        columns: Range<usize>,
        mut grad_input: Option<&mut [T]>,
        totals: &mut [[f64; 2]],
    ) {
        let width = self.weight.len();
        let mut sums = [vec![T::Wide::ZERO; columns.len()], vec![T::Wide::ZERO; columns.len()]];
        for start in rows.clone().step_by(ROWS) {
            let end = (start + ROWS).min(rows.end);
            if let Some(grad_input) = &mut grad_input {
                let from = start - rows.start;
                self.inputs(start, &mut grad_input[from * width..(from + end - start) * width]);
            }
            let sums_here = sums.each_mut().map(|sums| &mut sums[..]);
            widest((self, start..end, columns.start, sums_here), ParameterGradients);
            for (column, total) in totals.iter_mut().enumerate() {
                for (total, sums) in total.iter_mut().zip(&mut sums) {
                    *total += std::mem::replace(&mut sums[column], T::Wide::ZERO).to_f64();
                }
            }
        }
    }
}

struct InputGradients;

impl<T: Real> Work<(&Backward<'_, T>, usize, &mut [T])> for InputGradients {
    type Output = ();
    #[inline(always)]
    fn run(self, (given, first, grad_input): (&Backward<'_, T>, usize, &mut [T])) {
        let width = given.weight.len();
        for (i, output) in (first..).zip(grad_input.chunks_exact_mut(width)) {
            let (x, g) = (&given.input[i * width..][..width], &given.grad_output[i * width..][..width]);
            let (mean, r) = (given.mean[i], given.scale[i]);
            let weight = &given.weight[..width];
            let [of_mean, of_std] = weighted_sums(x, g, weight, mean).map(|sum| T::Wide::of(sum / width as f64));
            let of_std = of_std * r * r;
            row([g, x], output, |[g, x], i| r * (g * weight[i] - (of_mean + (x - mean) * of_std)));
        }
    }
}

/// Some rows, the first of some columns, and the columns' sums of products and of gradients.
type Share<'a, T> = (&'a Backward<'a, T>, Range<usize>, usize, [&'a mut [<T as Real>::Wide]; 2]);

/// Adds `g · (x - mean) · scale` and `g` of some rows, place by place.
struct ParameterGradients;

impl<'a, T: Real> Work<Share<'a, T>> for ParameterGradients {
    type Output = ();
    #[inline(always)]
    fn run(self, (given, rows, first_column, [products, grads]): Share<'a, T>) {
        let (width, length) = (given.weight.len(), products.len());
        let grads = &mut grads[..length];
        for row in rows {
            let start = row * width + first_column;
            let (x, g) = (&given.input[start..][..length], &given.grad_output[start..][..length]);
            let (mean, scale) = (given.mean[row], given.scale[row]);
            for i in 0..length {
                let grad = g[i].widen();
                products[i] += grad * ((x[i].widen() - mean) * scale);
                grads[i] += grad;
            }
        }
    }
}

/// The sums of `g · w` and of `g · w · (x - mean)`.
#[inline(always)]
fn weighted_sums<T: Real>(x: &[T], g: &[T], weight: &[T::Wide], mean: T::Wide) -> [f64; 2] {
    const BLOCK: usize = 2048;
    let mut total = [0.0; 2];
    for start in (0..x.len()).step_by(BLOCK) {
        let end = (start + BLOCK).min(x.len());
        let (x, g, weight) = (&x[start..end], &g[start..end], &weight[start..end]);
        let mut lanes = [[T::Wide::ZERO; LANES]; 2];
        let whole = x.len() / LANES * LANES;
        let most = x.len() / FEW * FEW;
        for at in (0..whole).step_by(LANES) {
            add_weighted::<T, LANES>([&x[at..], &g[at..]], &weight[at..], mean, &mut lanes);
        }
        for at in (whole..most).step_by(FEW) {
            add_weighted::<T, FEW>([&x[at..], &g[at..]], &weight[at..], mean, &mut lanes);
        }
        for at in most..x.len() {
            add_weighted::<T, 1>([&x[at..], &g[at..]], &weight[at..], mean, &mut lanes);
        }
        (0..2).for_each(|k| total[k] += super::fold(lanes[k]).to_f64());
    }
    total
}

#[inline(always)]
fn add_weighted<T: Real, const N: usize>(
    [x, g]: [&[T]; 2],
    weight: &[T::Wide],
    mean: T::Wide,
    lanes: &mut [[T::Wide; LANES]; 2],
) {
    let (x, g, weight) = (&x[..N], &g[..N], &weight[..N]);
    for lane in 0..N {
        let weighted = g[lane].widen() * weight[lane];
        lanes[0][lane] += weighted;
        lanes[1][lane] += weighted * (x[lane].widen() - mean);
    }
}
