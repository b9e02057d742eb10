//! Linear maps of images that are a product of one map for each axis: average pooling, resizing,
//! and every padding that repeats pixels.
//!
//! Along an axis, output `o` is a weighted sum of some inputs. Written as a sparse matrix
//! ([`AxisMap`]), pooling, nearest, linear and cubic interpolation (antialiased or not),
//! reflection, replication and wrapping are the same thing; and the gradient is the same thing
//! with the matrices transposed. [`apply`] does the rows first (combining whole rows of the input,
//! which vectorises in either memory layout), then the columns (`columns`), in whichever way suits
//! the map's pattern. Maps that only move pixels copy them (`moves`).

mod columns;
mod moves;
#[cfg(test)]
mod tests;

use crate::window::{Compute, Planes, Real, Work, split, split_runs, widest};
use columns::Columns;

/// A sparse matrix from the input positions of an axis to its output positions.
#[derive(Clone, Debug, PartialEq)]
pub struct AxisMap {
    inputs: usize,
    /// Where the entries of each output start, and after the last, how many there are.
    starts: Vec<usize>,
    /// `(input position, weight)`
    entries: Vec<(usize, f64)>,
    /// What each output is divided by after the sum: exact where a weight `1 / n` is not.
    divisors: Option<Vec<f64>>,
}

impl AxisMap {
    /// A map given the entries of each output.
    ///
    /// # Panics
    /// If an entry lies outside the input.
    pub fn new(inputs: usize, outputs: impl IntoIterator<Item = Vec<(usize, f64)>>) -> Self {
        let (mut starts, mut entries) = (vec![0], Vec::new());
        for output in outputs {
            entries.extend(output);
            starts.push(entries.len());
        }
        assert!(entries.iter().all(|&(i, _)| i < inputs), "an entry outside the input");
        AxisMap { inputs, starts, entries, divisors: None }
    }

    /// The map that changes nothing.
    pub fn identity(size: usize) -> Self {
        AxisMap::new(size, (0..size).map(|i| vec![(i, 1.0)]))
    }

    /// Divides each output by a number.
    ///
    /// # Panics
    /// If there is not one for each output.
    pub fn divided(self, divisors: Vec<f64>) -> Self {
        assert_eq!(divisors.len(), self.outputs(), "a divisor for each output");
        AxisMap { divisors: Some(divisors), ..self }
    }

    /// Size of the axis before the map.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Size of the axis after the map.
    #[inline(always)]
    pub fn outputs(&self) -> usize {
        self.starts.len() - 1
    }

    #[inline(always)]
    fn entries_of(&self, output: usize) -> &[(usize, f64)] {
        &self.entries[self.starts[output]..self.starts[output + 1]]
    }

    #[inline(always)]
    fn divisor(&self, output: usize) -> f64 {
        self.divisors.as_ref().map_or(1.0, |d| d[output])
    }

    /// Whether every output is one input as it is.
    fn only_moves(&self) -> bool {
        self.divisors.is_none()
            && self.entries.len() == self.outputs()
            && (0..self.outputs()).all(|o| matches!(self.entries_of(o), [(_, 1.0)]))
    }

    /// Whether two outputs are made in the same way.
    #[inline(always)]
    fn same(&self, a: usize, b: usize) -> bool {
        self.entries_of(a) == self.entries_of(b) && self.divisor(a) == self.divisor(b)
    }

    /// The first input and how many there are, if an output is the plain sum of neighbours.
    fn run(&self, output: usize) -> Option<(usize, usize)> {
        let entries = self.entries_of(output);
        let &(first, _) = entries.first()?;
        let plain = entries.iter().zip(first..).all(|(&(i, weight), at)| i == at && weight == 1.0);
        plain.then_some((first, entries.len()))
    }

    fn is_identity(&self) -> bool {
        self.divisors.is_none()
            && self.inputs == self.outputs()
            && self.entries.len() == self.inputs
            && (0..self.inputs).all(|i| self.entries_of(i) == [(i, 1.0)])
    }

    /// The adjoint: gradients of the outputs to gradients of the inputs.
    pub fn transposed(&self) -> Self {
        let mut outputs = vec![Vec::new(); self.inputs];
        for output in 0..self.outputs() {
            for &(input, weight) in self.entries_of(output) {
                outputs[input].push((output, weight / self.divisor(output)));
            }
        }
        AxisMap::new(self.outputs(), outputs)
    }
}

/// Maps all three axes.
///
/// # Panics
/// If a slice's length is not what the planes and maps say.
pub fn apply<T: Real>(planes: Planes, maps: &[AxisMap; 3], input: &[T], output: &mut [T]) {
    let [depth, height, width] = maps;
    assert!(planes.size == [depth.inputs, height.inputs, width.inputs], "maps of another input size");
    let mapped = planes.resized([depth.outputs(), height.outputs(), width.outputs()]);
    assert!(input.len() == planes.len() && output.len() == mapped.len(), "lengths that the sizes do not give");
    if output.is_empty() {
        return;
    }
    if maps.iter().all(AxisMap::only_moves) {
        return moves::apply(planes, maps, input, output);
    }
    let inner = planes.inner;
    let in_row = width.inputs * inner;
    let out_row = width.outputs() * inner;
    let rows_per_block = mapped.size[0] * mapped.size[1];
    let columns = Columns::<T::Wide>::new(width);
    let rows: Vec<OutputRow<T::Wide>> = (0..rows_per_block).map(|row| OutputRow::new(maps, row)).collect();
    let work = (in_row * rows[0].taps.len().max(1)).max(out_row);
    split_runs(output, out_row, work, |first, output| {
        let mut room = vec![T::Wide::ZERO; in_row + inner];
        let given = Given { planes, width, columns: &columns, rows: &rows, input };
        widest((given, first, &mut room[..], output), OutputRows);
    });
}

/// How a row of each block's output is made, but for its columns.
struct OutputRow<W> {
    /// Whether it is the row before once more: images are often enlarged.
    again: bool,
    /// Rows of the block, and their weights.
    taps: Vec<(usize, W)>,
    /// What sums are divided by, before the columns' own divisors.
    divisor: f64,
}

impl<W: Compute> OutputRow<W> {
    fn new([depth, height, _]: &[AxisMap; 3], row: usize) -> Self {
        let (d, h) = (row / height.outputs(), row % height.outputs());
        let tap = |&(id, wd): &(usize, f64)| {
            height.entries_of(h).iter().map(move |&(ih, wh)| (id * height.inputs + ih, W::of(wd * wh)))
        };
        OutputRow {
            again: h > 0 && height.same(h - 1, h),
            taps: depth.entries_of(d).iter().flat_map(tap).collect(),
            divisor: depth.divisor(d) * height.divisor(h),
        }
    }
}

/// What all rows of an output are made of.
#[derive(Clone, Copy)]
struct Given<'a, T: Real> {
    planes: Planes,
    width: &'a AxisMap,
    columns: &'a Columns<T::Wide>,
    rows: &'a [OutputRow<T::Wide>],
    input: &'a [T],
}

/// Makes the rows of the output from row `first` on, with room for a row of the input and a pixel.
struct OutputRows;

impl<'a, T: Real> Work<(Given<'a, T>, usize, &'a mut [T::Wide], &'a mut [T])> for OutputRows {
    type Output = ();
    #[inline(always)]
    fn run(self, (given, first, room, output): (Given<'a, T>, usize, &'a mut [T::Wide], &'a mut [T])) {
        let Given { planes, width, columns, rows, input } = given;
        let inner = planes.inner;
        let (in_row, out_row) = (width.inputs * inner, width.outputs() * inner);
        let (sum, pixel) = room.split_at_mut(in_row);
        for i in 0..output.len() / out_row {
            let (block, row) = ((first + i) / rows.len(), &rows[(first + i) % rows.len()]);
            if row.again && i > 0 {
                output.copy_within((i - 1) * out_row..i * out_row, i * out_row);
                continue;
            }
            let output = &mut output[i * out_row..][..out_row];
            let block = &input[block * planes.block()..][..planes.block()];
            let alone = match row.taps[..] {
                [(start, weight)] if weight == T::Wide::ONE => T::as_wide(&block[start * in_row..][..in_row]),
                _ => None,
            };
            let pixels = match alone {
                Some(pixels) => pixels,
                None => {
                    combine(block, &row.taps, sum);
                    &*sum
                }
            };
            columns.apply(columns::Row { map: width, inner, row: pixels, divisor: row.divisor }, pixel, output);
        }
    }
}

/// The sum of some rows, each times a weight.
#[inline(always)]
fn combine<T: Real>(block: &[T], taps: &[(usize, T::Wide)], sum: &mut [T::Wide]) {
    match taps {
        [] => sum.fill(T::Wide::ZERO),
        &[(start, weight)] => {
            let x = &block[start * sum.len()..][..sum.len()];
            for i in 0..sum.len() {
                sum[i] = x[i].widen() * weight;
            }
        }
        // Two rows at a time, so that the sum is written half as often.
        &[a, b, ref rest @ ..] => {
            let (x, y) = (&block[a.0 * sum.len()..][..sum.len()], &block[b.0 * sum.len()..][..sum.len()]);
            for i in 0..sum.len() {
                sum[i] = x[i].widen() * a.1 + y[i].widen() * b.1;
            }
            let (pairs, last) = rest.as_chunks::<2>();
            for &[a, b] in pairs {
                let (x, y) = (&block[a.0 * sum.len()..][..sum.len()], &block[b.0 * sum.len()..][..sum.len()]);
                for i in 0..sum.len() {
                    sum[i] += x[i].widen() * a.1 + y[i].widen() * b.1;
                }
            }
            for &(start, weight) in last {
                let x = &block[start * sum.len()..][..sum.len()];
                for i in 0..sum.len() {
                    sum[i] += x[i].widen() * weight;
                }
            }
        }
    }
}

/// The mean of each window of integers, rounded towards zero. Weights must be 1.
///
/// # Panics
/// If a slice's length is not what the planes and maps say.
pub fn integer_average(planes: Planes, maps: &[AxisMap; 3], input: &[i64], output: &mut [i64]) {
    let [depth, height, width] = maps;
    assert!(planes.size == [depth.inputs, height.inputs, width.inputs], "maps of another input size");
    let mapped = planes.resized([depth.outputs(), height.outputs(), width.outputs()]);
    assert!(input.len() == planes.len() && output.len() == mapped.len(), "lengths that the sizes do not give");
    split(output, planes.inner.max(1), planes.inner, |position, output| {
        let (block, position) =
            (position / (mapped.block() / planes.inner), position % (mapped.block() / planes.inner));
        let (w, row) = (position % mapped.size[2], position / mapped.size[2]);
        let (h, d) = (row % mapped.size[1], row / mapped.size[1]);
        let divisor = (depth.divisor(d) * height.divisor(h) * width.divisor(w)) as i64;
        output.fill(0);
        for &(id, _) in depth.entries_of(d) {
            for &(ih, _) in height.entries_of(h) {
                for &(iw, _) in width.entries_of(w) {
                    let pixel = ((id * planes.size[1] + ih) * planes.size[2] + iw) * planes.inner;
                    let pixel = &input[block * planes.block() + pixel..][..planes.inner];
                    output.iter_mut().zip(pixel).for_each(|(o, &x)| *o = o.wrapping_add(x));
                }
            }
        }
        output.iter_mut().for_each(|o| *o = o.wrapping_div(divisor));
    });
}
