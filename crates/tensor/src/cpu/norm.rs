//! [`Norm`] on the CPU.

use super::{Cpu, dense};
use crate::backend::{Norm, NormGradients, NormParameters, NormShape, Rows};
use crate::{Access, Array, Number, Result, dispatch};
use flambeau_kernels::conv::ImageLayout;
use flambeau_kernels::element::Element;
use flambeau_kernels::norm::{Units, map, sums};
use flambeau_kernels::window::{Compute, Real};
use smallvec::SmallVec;

/// The channels of each sample, in a memory layout.
fn units(shape: NormShape, layout: ImageLayout) -> Units {
    Units {
        samples: shape.samples,
        batch: shape.batch,
        channels: shape.channels,
        area: shape.area,
        channels_last: layout == ImageLayout::ChannelsLast,
    }
}

/// The mean that a channel of a sample belongs to.
fn mean_of(shape: NormShape, unit: usize) -> usize {
    let (sample, channel) = (unit / shape.channels, unit % shape.channels);
    sample * shape.groups + channel * shape.groups / shape.channels
}

/// A few numbers of any float dtype.
fn read(access: &Access<'_>, array: &Array) -> Vec<f64> {
    dispatch!(floats array.dtype(), T => {
        dense::contiguous::<T>(access, array).iter().map(|v| v.widen().to_f64()).collect()
    }, else unreachable!("operators pass floats"))
}

/// Writes a few numbers to a dense array of any float dtype.
fn write(access: &Access<'_>, array: &Array, values: impl Iterator<Item = f64>) {
    dispatch!(floats array.dtype(), T => {
        // SAFETY: outputs alias no other array.
        let to = unsafe { access.slice_mut::<T>(array) };
        to.iter_mut().zip(values).for_each(|(to, v)| *to = T::narrow(<T as Real>::Wide::of(v)));
    }, else unreachable!("operators pass floats"));
}

fn wide<T: Real>(values: impl Iterator<Item = f64>) -> Vec<T::Wide> {
    values.map(T::Wide::of).collect()
}

/// An element that an index of a kernel's units names.
///
/// # Safety
/// `i` must be below the slice's length.
#[inline(always)]
unsafe fn at<T: Real>(values: &[T], i: usize) -> T::Wide {
    // SAFETY: by this function's contract.
    unsafe { values.get_unchecked(i) }.widen()
}

fn moments<T: Number + Real>(access: &Access<'_>, shape: NormShape, input: &Array) -> [Vec<f64>; 2] {
    let layout = dense::preferred_layout(input);
    let units = units(shape, layout);
    let values = dense::image::<T>(access, input, layout);
    assert_eq!(values.len(), units.len(), "as many numbers as the units have");
    let count = shape.numbers() as f64;
    let per_mean = |totals: Vec<[f64; 1]>| {
        let mut means = vec![0.0; shape.means()];
        totals.iter().enumerate().for_each(|(unit, [total])| means[mean_of(shape, unit)] += total);
        means.iter_mut().for_each(|mean| *mean /= count);
        means
    };
    // SAFETY: `sums` passes indices below the number of its units' numbers, checked above; here
    // and below.
    let means = per_mean(sums(units, |_, i| [unsafe { at(&values, i) }]));
    let of_unit = wide::<T>((0..units.count()).map(|unit| means[mean_of(shape, unit)]));
    let variances = per_mean(sums(units, |unit, i| {
        // SAFETY: as above.
        let d = unsafe { at(&values, i) } - of_unit[unit];
        [d * d]
    }));
    [means, variances]
}

/// The coefficients of a normalisation for each channel of each sample.
struct Coefficients {
    mean: Vec<f64>,
    inverse_std: Vec<f64>,
    weight: Option<Vec<f64>>,
    bias: Option<Vec<f64>>,
}

impl Coefficients {
    fn read(access: &Access<'_>, p: NormParameters<'_>) -> Self {
        Coefficients {
            mean: read(access, p.mean),
            inverse_std: read(access, p.inverse_std),
            weight: p.weight.map(|w| read(access, w)),
            bias: p.bias.map(|b| read(access, b)),
        }
    }

    fn weight(&self, channel: usize) -> f64 {
        self.weight.as_ref().map_or(1.0, |w| w[channel])
    }

    fn bias(&self, channel: usize) -> f64 {
        self.bias.as_ref().map_or(0.0, |b| b[channel])
    }
}

fn normalize<T: Number + Real>(access: &Access<'_>, shape: NormShape, input: &Array, c: &Coefficients, output: &Array) {
    let layout = dense::layout_of(output);
    let units = units(shape, layout);
    let values = dense::image::<T>(access, input, layout);
    assert_eq!(values.len(), units.len(), "as many numbers as the units have");
    let scale = |unit: usize| c.inverse_std[mean_of(shape, unit)] * c.weight(unit % shape.channels);
    let scales = wide::<T>((0..units.count()).map(scale));
    let shifts = wide::<T>(
        (0..units.count()).map(|unit| c.bias(unit % shape.channels) - c.mean[mean_of(shape, unit)] * scale(unit)),
    );
    // SAFETY: outputs alias no input.
    let output = unsafe { access.slice_mut::<T>(output) };
    // SAFETY: `map` passes indices below the number of its units' numbers, checked above.
    map(units, output, |unit, i| T::narrow(unsafe { at(&values, i) } * scales[unit] + shifts[unit]));
}

struct Backward<'a> {
    shape: NormShape,
    through_statistics: bool,
    grad_output: &'a Array,
    input: &'a Array,
    gradients: NormGradients<'a>,
}

impl Backward<'_> {
    fn run<T: Number + Real>(&self, access: &Access<'_>, c: &Coefficients) {
        let shape = self.shape;
        let layout = self.gradients.input.map_or_else(|| dense::preferred_layout(self.input), dense::layout_of);
        let units = units(shape, layout);
        let x = dense::image::<T>(access, self.input, layout);
        let g = dense::image::<T>(access, self.grad_output, layout);
        assert!(x.len() == units.len() && g.len() == units.len(), "as many numbers as the units have");
        let mean = wide::<T>((0..units.count()).map(|unit| c.mean[mean_of(shape, unit)]));
        let totals = sums(units, |unit, i| {
            // SAFETY: `sums` passes indices below the number of its units' numbers, checked above.
            let (g, x) = unsafe { (at(&g, i), at(&x, i)) };
            [g, g * (x - mean[unit])]
        });
        let (mut weight, mut bias) = (vec![0.0; shape.channels], vec![0.0; shape.channels]);
        let (mut of_mean, mut of_std) = (vec![0.0; shape.means()], vec![0.0; shape.means()]);
        for (unit, [grads, products]) in totals.iter().enumerate() {
            let (channel, m) = (unit % shape.channels, mean_of(shape, unit));
            weight[channel] += products * c.inverse_std[m];
            bias[channel] += grads;
            of_mean[m] += c.weight(channel) * grads;
            of_std[m] += c.weight(channel) * products;
        }
        if let Some(to) = self.gradients.weight {
            write(access, to, weight.into_iter());
        }
        if let Some(to) = self.gradients.bias {
            write(access, to, bias.into_iter());
        }
        let Some(to) = self.gradients.input else { return };
        let count = shape.numbers() as f64;
        let each = |f: &dyn Fn(usize, f64) -> f64| {
            wide::<T>((0..units.count()).map(|unit| f(unit, c.inverse_std[mean_of(shape, unit)])))
        };
        let of_grad = each(&|unit, r| r * c.weight(unit % shape.channels));
        // SAFETY: outputs alias no input.
        let output = unsafe { access.slice_mut::<T>(to) };
        if !self.through_statistics {
            // SAFETY: `map` passes indices below the number of its units' numbers, checked above.
            map(units, output, |unit, i| T::narrow(unsafe { at(&g, i) } * of_grad[unit]));
            return;
        }
        let of_input = each(&|unit, r| -r * r * r * of_std[mean_of(shape, unit)] / count);
        let constant = each(&|unit, r| -r * of_mean[mean_of(shape, unit)] / count);
        map(units, output, |unit, i| {
            // SAFETY: as above.
            let (g, x) = unsafe { (at(&g, i), at(&x, i)) };
            T::narrow(g * of_grad[unit] + (x - mean[unit]) * of_input[unit] + constant[unit])
        });
    }
}

/// Rows as units: each a sample of one channel.
fn row_units(rows: &Rows<'_>) -> Units {
    let samples = rows.input.numel() / rows.width.max(1);
    Units { samples, batch: 1, channels: 1, area: rows.width, channels_last: false }
}

fn normalize_rows<T: Number + Real>(access: &Access<'_>, rows: Rows<'_>, eps: f64, outputs: [&Array; 3]) {
    let units = row_units(&rows);
    let x = dense::contiguous::<T>(access, rows.input);
    let width = rows.width as f64;
    // SAFETY: `sums` and `map` pass indices below the number of their units' numbers, which are
    // the input's; here and below.
    let means: Vec<f64> = sums(units, |_, i| [unsafe { at(&x, i) }]).iter().map(|[total]| total / width).collect();
    let mean = wide::<T>(means.iter().copied());
    let squares = sums(units, |row, i| {
        // SAFETY: as above.
        let d = unsafe { at(&x, i) } - mean[row];
        [d * d]
    });
    let inverse: Vec<f64> = squares.iter().map(|[total]| 1.0 / (total / width + eps).sqrt()).collect();
    let scale = wide::<T>(inverse.iter().copied());
    let row_of = |parameter: Option<&Array>, otherwise: f64| {
        parameter.map_or_else(
            || vec![<T as Real>::Wide::of(otherwise); rows.width],
            |array| wide::<T>(read(access, array).into_iter()),
        )
    };
    let (weight, bias) = (row_of(rows.weight, 1.0), row_of(rows.bias, 0.0));
    // SAFETY: outputs alias neither the inputs nor each other.
    let output = unsafe { access.slice_mut::<T>(outputs[0]) };
    map(units, output, |row, i| {
        let place = i - row * rows.width;
        // SAFETY: as above, and a place in the row is below its width.
        unsafe {
            let normal = (at(&x, i) - mean[row]) * scale[row];
            T::narrow(normal * *weight.get_unchecked(place) + *bias.get_unchecked(place))
        }
    });
    write(access, outputs[1], means.into_iter());
    write(access, outputs[2], inverse.into_iter());
}

fn normalize_rows_backward<T: Number + Real>(
    access: &Access<'_>,
    rows: Rows<'_>,
    given: [&Array; 3],
    gradients: NormGradients<'_>,
) {
    let units = row_units(&rows);
    let x = dense::contiguous::<T>(access, rows.input);
    let g = dense::contiguous::<T>(access, given[0]);
    let mean = wide::<T>(read(access, given[1]).into_iter());
    let scale = wide::<T>(read(access, given[2]).into_iter());
    let count = <T as Real>::Wide::of(rows.width as f64);
    if gradients.weight.is_some() || gradients.bias.is_some() {
        let places = Units { samples: 1, batch: units.samples, channels: rows.width, area: 1, channels_last: true };
        let totals = sums(places, |place, i| {
            let row = (i - place) / rows.width;
            // SAFETY: `sums` passes indices below the number of its units' numbers, the input's.
            let (g, x) = unsafe { (at(&g, i), at(&x, i)) };
            [g, g * (x - mean[row]) * scale[row]]
        });
        if let Some(to) = gradients.weight {
            write(access, to, totals.iter().map(|t| t[1]));
        }
        if let Some(to) = gradients.bias {
            write(access, to, totals.iter().map(|t| t[0]));
        }
    }
    let Some(to) = gradients.input else { return };
    let weight = rows
        .weight
        .map_or_else(|| vec![<T as Real>::Wide::ONE; rows.width], |array| wide::<T>(read(access, array).into_iter()));
    let totals = sums(units, |row, i| {
        // SAFETY: as above, and a place in the row is below its width.
        unsafe {
            let g = at(&g, i) * *weight.get_unchecked(i - row * rows.width);
            [g, g * (at(&x, i) - mean[row])]
        }
    });
    let of_mean = wide::<T>(totals.iter().map(|t| t[0]));
    let of_std = wide::<T>(totals.iter().map(|t| t[1]));
    // SAFETY: outputs alias neither the inputs nor each other.
    let output = unsafe { access.slice_mut::<T>(to) };
    map(units, output, |row, i| {
        let r = scale[row];
        // SAFETY: as above.
        let (g, centred) = unsafe { (at(&g, i) * *weight.get_unchecked(i - row * rows.width), at(&x, i) - mean[row]) };
        T::narrow(r * (g - (of_mean[row] + centred * r * r * of_std[row]) / count))
    });
}

impl Norm for Cpu {
    fn channel_sum(&self, input: &Array, output: &Array) -> Result<()> {
        let access = Access::new(&[input], &[output])?;
        let layout = dense::preferred_layout(input);
        let s = input.shape();
        let shape = NormShape { samples: 1, batch: s[0], channels: s[1], groups: s[1], area: s[2..].iter().product() };
        let units = units(shape, layout);
        dispatch!(floats input.dtype(), T => {
            let values = dense::image::<T>(&access, input, layout);
            assert_eq!(values.len(), units.len(), "as many numbers as the units have");
            // SAFETY: `sums` passes indices below the number of its units' numbers, checked above.
            let totals = sums(units, |_, i| [unsafe { at(&values, i) }]);
            write(&access, output, totals.into_iter().map(|[total]| total));
        }, else unreachable!("operators pass floats"));
        Ok(())
    }

    fn moments(&self, shape: NormShape, input: &Array, mean: &Array, variance: &Array) -> Result<()> {
        let access = Access::new(&[input], &[mean, variance])?;
        let [means, variances] = dispatch!(floats input.dtype(), T => moments::<T>(&access, shape, input),
            else unreachable!("operators pass floats"));
        write(&access, mean, means.into_iter());
        write(&access, variance, variances.into_iter());
        Ok(())
    }

    fn normalize(&self, shape: NormShape, input: &Array, parameters: NormParameters<'_>, output: &Array) -> Result<()> {
        let access = Access::new(&parameter_arrays(input, parameters), &[output])?;
        let c = Coefficients::read(&access, parameters);
        dispatch!(floats input.dtype(), T => normalize::<T>(&access, shape, input, &c, output),
            else unreachable!("operators pass floats"));
        Ok(())
    }

    fn normalize_backward(
        &self,
        shape: NormShape,
        through_statistics: bool,
        grad_output: &Array,
        input: &Array,
        parameters: NormParameters<'_>,
        gradients: NormGradients<'_>,
    ) -> Result<()> {
        let mut reads = parameter_arrays(input, parameters);
        reads.push(grad_output);
        let access = Access::new(&reads, &gradient_arrays(gradients))?;
        let c = Coefficients::read(&access, parameters);
        let work = Backward { shape, through_statistics, grad_output, input, gradients };
        dispatch!(floats input.dtype(), T => work.run::<T>(&access, &c), else unreachable!("operators pass floats"));
        Ok(())
    }

    fn normalize_rows(&self, rows: Rows<'_>, eps: f64, outputs: [&Array; 3]) -> Result<()> {
        let mut reads: SmallVec<[&Array; 5]> = SmallVec::from_slice(&[rows.input]);
        reads.extend(rows.weight);
        reads.extend(rows.bias);
        let access = Access::new(&reads, &outputs)?;
        dispatch!(floats rows.input.dtype(), T => normalize_rows::<T>(&access, rows, eps, outputs),
            else unreachable!("operators pass floats"));
        Ok(())
    }

    fn normalize_rows_backward(&self, rows: Rows<'_>, given: [&Array; 3], gradients: NormGradients<'_>) -> Result<()> {
        let mut reads: SmallVec<[&Array; 5]> = SmallVec::from_slice(&[rows.input]);
        reads.extend(given);
        reads.extend(rows.weight);
        let access = Access::new(&reads, &gradient_arrays(gradients))?;
        dispatch!(floats rows.input.dtype(), T => normalize_rows_backward::<T>(&access, rows, given, gradients),
            else unreachable!("operators pass floats"));
        Ok(())
    }
}

fn parameter_arrays<'a>(input: &'a Array, p: NormParameters<'a>) -> SmallVec<[&'a Array; 5]> {
    let mut arrays = SmallVec::from_slice(&[input, p.mean, p.inverse_std]);
    arrays.extend(p.weight);
    arrays.extend(p.bias);
    arrays
}

fn gradient_arrays(gradients: NormGradients<'_>) -> SmallVec<[&Array; 3]> {
    [gradients.input, gradients.weight, gradients.bias].into_iter().flatten().collect()
}
