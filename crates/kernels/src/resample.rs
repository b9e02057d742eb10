//! Linear maps of images that are a product of one map for each axis: average pooling, resizing,
//! and every padding that repeats pixels.
//!
//! Along an axis, output `o` is a weighted sum of some inputs. Written as a sparse matrix
//! ([`AxisMap`]), pooling, nearest, linear and cubic interpolation (antialiased or not),
//! reflection, replication and wrapping are the same thing; and the gradient is the same thing
//! with the matrices transposed. [`apply`] does the rows first (combining whole rows of the input,
//! which vectorises in either memory layout), then the columns.

use crate::window::{Compute, Planes, Real, split, widest};

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
    pub fn outputs(&self) -> usize {
        self.starts.len() - 1
    }

    fn entries_of(&self, output: usize) -> &[(usize, f64)] {
        &self.entries[self.starts[output]..self.starts[output + 1]]
    }

    fn divisor(&self, output: usize) -> f64 {
        self.divisors.as_ref().map_or(1.0, |d| d[output])
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
    let inner = planes.inner;
    let in_row = width.inputs * inner;
    let out_row = width.outputs() * inner;
    let in_plane = height.inputs * in_row;
    let rows_per_block = mapped.size[0] * mapped.size[1];
    let same_width = width.is_identity();
    let columns = columns::<T::Wide>(width);
    let taps = |d: usize, h: usize| depth.entries_of(d).len() * height.entries_of(h).len();
    let work = (in_row * taps(0, 0).max(1)).max(out_row);
    if output.is_empty() {
        return;
    }
    split(output, out_row, work, |row, output| {
        let (block, row) = (row / rows_per_block, row % rows_per_block);
        let (d, h) = (row / height.outputs(), row % height.outputs());
        let divisor = depth.divisor(d) * height.divisor(h);
        let block = &input[block * planes.block()..][..planes.block()];
        let rows = depth.entries_of(d).iter().flat_map(|&(id, wd)| {
            height.entries_of(h).iter().map(move |&(ih, wh)| (id * in_plane + ih * in_row, wd * wh))
        });
        widest(|| {
            // The sum of input rows.
            let mut sum = vec![T::Wide::ZERO; in_row];
            for (start, weight) in rows {
                let row = &block[start..start + in_row];
                if weight == 1.0 {
                    sum.iter_mut().zip(row).for_each(|(s, &x)| *s += x.widen());
                } else {
                    let weight = T::Wide::of(weight);
                    sum.iter_mut().zip(row).for_each(|(s, &x)| *s += x.widen() * weight);
                }
            }
            if same_width {
                finish(output, sum.iter().copied(), divisor);
            } else if inner == 1 {
                for (w, out) in output.iter_mut().enumerate() {
                    let mut total = T::Wide::ZERO;
                    for &(i, weight) in &columns[width.starts[w]..width.starts[w + 1]] {
                        total += sum[i] * weight;
                    }
                    let divisor = divisor * width.divisor(w);
                    *out = T::narrow(if divisor == 1.0 { total } else { total / T::Wide::of(divisor) });
                }
            } else {
                let mut total = vec![T::Wide::ZERO; inner];
                for (w, out) in output.chunks_exact_mut(inner).enumerate() {
                    total.fill(T::Wide::ZERO);
                    for &(i, weight) in &columns[width.starts[w]..width.starts[w + 1]] {
                        let pixel = &sum[i * inner..][..inner];
                        total.iter_mut().zip(pixel).for_each(|(t, &x)| *t += x * weight);
                    }
                    finish(out, total.iter().copied(), divisor * width.divisor(w));
                }
            }
        });
    });
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

/// The entries of the columns in the type of arithmetic.
fn columns<W: Compute>(width: &AxisMap) -> Vec<(usize, W)> {
    width.entries.iter().map(|&(i, weight)| (i, W::of(weight))).collect()
}

#[inline(always)]
fn finish<T: Real>(output: &mut [T], sums: impl Iterator<Item = T::Wide>, divisor: f64) {
    if divisor == 1.0 {
        output.iter_mut().zip(sums).for_each(|(o, s)| *o = T::narrow(s));
    } else {
        let divisor = T::Wide::of(divisor);
        output.iter_mut().zip(sums).for_each(|(o, s)| *o = T::narrow(s / divisor));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(i: usize) -> f64 {
        ((i * 37 + 11) % 101) as f64 / 7.0
    }

    /// Overlapping windows with some weights and divisors, and an output without entries.
    fn sample(inputs: usize, outputs: usize) -> AxisMap {
        let map = AxisMap::new(
            inputs,
            (0..outputs).map(|o| {
                if o == 1 { vec![] } else { (0..3).map(|t| ((o * 2 + t) % inputs, 0.5 + t as f64)).collect() }
            }),
        );
        map.divided((0..outputs).map(|o| 1.0 + o as f64).collect())
    }

    #[test]
    fn the_product_of_the_axis_maps_is_applied_in_both_layouts() {
        let maps = [sample(3, 2), sample(5, 4), sample(6, 7)];
        for inner in [1, 4] {
            let planes = Planes { outer: 2, size: [3, 5, 6], inner };
            let mapped = planes.resized([2, 4, 7]);
            let input: Vec<f64> = (0..planes.len()).map(value).collect();
            let mut expected = vec![0.0; mapped.len()];
            let at = |p: Planes, n: usize, i: [usize; 3], c: usize| {
                (((n * p.size[0] + i[0]) * p.size[1] + i[1]) * p.size[2] + i[2]) * p.inner + c
            };
            for n in 0..2 {
                for c in 0..inner {
                    for (d, h, w) in (0..2).flat_map(|d| (0..4).flat_map(move |h| (0..7).map(move |w| (d, h, w)))) {
                        for &(id, wd) in maps[0].entries_of(d) {
                            for &(ih, wh) in maps[1].entries_of(h) {
                                for &(iw, ww) in maps[2].entries_of(w) {
                                    let divisor = maps[0].divisor(d) * maps[1].divisor(h) * maps[2].divisor(w);
                                    expected[at(mapped, n, [d, h, w], c)] +=
                                        input[at(planes, n, [id, ih, iw], c)] * wd * wh * ww / divisor;
                                }
                            }
                        }
                    }
                }
            }
            let mut output = vec![f64::NAN; mapped.len()];
            apply(planes, &maps, &input, &mut output);
            assert!(output.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-9));
        }
    }

    #[test]
    fn the_transposed_maps_are_the_adjoint() {
        let maps = [AxisMap::identity(2), sample(5, 4), sample(6, 7)];
        let adjoint = maps.each_ref().map(AxisMap::transposed);
        let planes = Planes { outer: 3, size: [2, 5, 6], inner: 2 };
        let mapped = planes.resized([2, 4, 7]);
        let (x, y): (Vec<f64>, Vec<f64>) =
            ((0..planes.len()).map(value).collect(), (0..mapped.len()).map(|i| value(i + 5)).collect());
        let (mut ax, mut aty) = (vec![0.0; y.len()], vec![0.0; x.len()]);
        apply(planes, &maps, &x, &mut ax);
        apply(mapped, &adjoint, &y, &mut aty);
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        assert!((dot(&ax, &y) / dot(&x, &aty) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn averages_of_equal_numbers_are_exact() {
        let mean = |n: usize| AxisMap::new(n, [(0..n).map(|i| (i, 1.0)).collect()]).divided(vec![n as f64]);
        let mut output = [0f32];
        apply(
            Planes { outer: 1, size: [1, 3, 3], inner: 1 },
            &[AxisMap::identity(1), mean(3), mean(3)],
            &[0.1f32; 9],
            &mut output,
        );
        assert!((output[0] - 0.1).abs() < 1e-8);
    }
}
