//! [`Norm`] on the CPU.

use super::{Cpu, dense};
use crate::backend::{Norm, NormGradients, NormParameters, NormShape, Rows};
use crate::{Access, Array, Number, Result, dispatch};
use flambeau_kernels::conv::ImageLayout;
use flambeau_kernels::element::Element;
use flambeau_kernels::norm::{self, Moments, Units, map, rows, sums};
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

fn moments<T: Number + Real>(access: &Access<'_>, shape: NormShape, input: &Array) -> [Vec<f64>; 2] {
    let layout = dense::preferred_layout(input);
    let values = dense::image::<T>(access, input, layout);
    let mut means = vec![Moments::default(); shape.means()];
    for (unit, moments) in norm::moments(units(shape, layout), &values).into_iter().enumerate() {
        let mean = &mut means[mean_of(shape, unit)];
        *mean = mean.join(moments);
    }
    let count = shape.numbers() as f64;
    [means.iter().map(|m| m.mean).collect(), means.iter().map(|m| m.squares / count).collect()]
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
    let scale = |unit: usize| c.inverse_std[mean_of(shape, unit)] * c.weight(unit % shape.channels);
    let scales = wide::<T>((0..units.count()).map(scale));
    let shifts = wide::<T>(
        (0..units.count()).map(|unit| c.bias(unit % shape.channels) - c.mean[mean_of(shape, unit)] * scale(unit)),
    );
    // SAFETY: outputs alias no input.
    let output = unsafe { access.slice_mut::<T>(output) };
    map(units, [&values], [&scales, &shifts], output, |[x], [scale, shift]| x * scale + shift);
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
        let mean = wide::<T>((0..units.count()).map(|unit| c.mean[mean_of(shape, unit)]));
        let totals = sums(units, [&g, &x], [&mean], |[g, x], [mean]| [g, g * (x - mean)]);
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
            map(units, [&g], [&of_grad], output, |[g], [of_grad]| g * of_grad);
            return;
        }
        let of_input = each(&|unit, r| -r * r * r * of_std[mean_of(shape, unit)] / count);
        let constant = each(&|unit, r| -r * of_mean[mean_of(shape, unit)] / count);
        let coefficients: [&[_]; 4] = [&of_grad, &mean, &of_input, &constant];
        map(units, [&g, &x], coefficients, output, |[g, x], [of_grad, mean, of_input, constant]| {
            g * of_grad + (x - mean) * of_input + constant
        });
    }
}

/// The numbers of a parameter, or as many that change nothing.
fn row_of<T: Real>(access: &Access<'_>, width: usize, parameter: Option<&Array>, otherwise: f64) -> Vec<T::Wide> {
    match parameter {
        Some(array) => wide::<T>(read(access, array).into_iter()),
        None => vec![T::Wide::of(otherwise); width],
    }
}

fn normalize_rows<T: Number + Real>(access: &Access<'_>, rows: Rows<'_>, eps: f64, outputs: [&Array; 3]) {
    let x = dense::contiguous::<T>(access, rows.input);
    let weight = row_of::<T>(access, rows.width, rows.weight, 1.0);
    let bias = row_of::<T>(access, rows.width, rows.bias, 0.0);
    // SAFETY: outputs alias neither the inputs nor each other.
    let output = unsafe { access.slice_mut::<T>(outputs[0]) };
    let statistics = rows::normalize(&x, rows::Affine { weight: &weight, bias: &bias }, eps, output);
    for (array, values) in outputs[1..].iter().zip(statistics) {
        write(access, array, values.into_iter());
    }
}

fn normalize_rows_backward<T: Number + Real>(
    access: &Access<'_>,
    rows: Rows<'_>,
    given: [&Array; 3],
    gradients: NormGradients<'_>,
) {
    let x = dense::contiguous::<T>(access, rows.input);
    let g = dense::contiguous::<T>(access, given[0]);
    let mean = wide::<T>(read(access, given[1]).into_iter());
    let scale = wide::<T>(read(access, given[2]).into_iter());
    let weight = row_of::<T>(access, rows.width, rows.weight, 1.0);
    let backward = rows::Backward { grad_output: &g, input: &x, mean: &mean, scale: &scale, weight: &weight };
    // SAFETY: outputs alias neither the inputs nor each other.
    let grad_input = gradients.input.map(|array| unsafe { access.slice_mut::<T>(array) });
    let parameters = gradients.weight.is_some() || gradients.bias.is_some();
    let Some(sums) = backward.run(parameters, grad_input) else { return };
    for (array, values) in [gradients.weight, gradients.bias].into_iter().zip(sums) {
        if let Some(array) = array {
            write(access, array, values.into_iter());
        }
    }
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
            let totals = sums(units, [&values], [], |[x], []| [x]);
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
