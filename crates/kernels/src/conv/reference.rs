//! Convolution from its definition, one multiplication at a time: the oracle for every algorithm,
//! and the fallback for what no algorithm covers (three dimensions, integers).

use super::planner::{Algorithm, Cost, Operands, Problem};
use super::{ConvElement, Geometry, ImageLayout};
use crate::element::Element;

/// Where a number lies: strides of batch, channel and the three axes.
fn strides(layout: ImageLayout, channels: usize, size: [usize; 3]) -> [usize; 5] {
    let [depth, height, width] = size;
    match layout {
        ImageLayout::ChannelsFirst => {
            [channels * depth * height * width, depth * height * width, height * width, width, 1]
        }
        ImageLayout::ChannelsLast => {
            [depth * height * width * channels, 1, height * width * channels, width * channels, channels]
        }
    }
}

/// Calls `visit(input index, weight index, output index)` for each product of the convolution.
fn for_each_product(geometry: &Geometry, layout: ImageLayout, mut visit: impl FnMut(usize, usize, usize)) {
    let g = geometry;
    let out = g.output();
    let from = strides(layout, g.in_channels, g.input);
    let to = strides(layout, g.out_channels, out);
    let (channels, filters) = (g.group_in_channels(), g.group_out_channels());
    let [kd, kh, kw] = g.kernel;
    let at = |axis: usize, o: usize, k: usize| {
        let padded = o * g.stride[axis] + k * g.dilation[axis];
        padded.checked_sub(g.padding_begin[axis]).filter(|&i| i < g.input[axis])
    };
    for n in 0..g.batch {
        for k in 0..g.out_channels {
            let first_channel = k / filters * channels;
            for (od, oh, ow) in positions(out) {
                let output = n * to[0] + k * to[1] + od * to[2] + oh * to[3] + ow * to[4];
                for c in 0..channels {
                    for (fd, fh, fw) in positions([kd, kh, kw]) {
                        if let (Some(d), Some(h), Some(w)) = (at(0, od, fd), at(1, oh, fh), at(2, ow, fw)) {
                            let input =
                                n * from[0] + (first_channel + c) * from[1] + d * from[2] + h * from[3] + w * from[4];
                            visit(input, (((k * channels + c) * kd + fd) * kh + fh) * kw + fw, output);
                        }
                    }
                }
            }
        }
    }
}

fn positions([depth, height, width]: [usize; 3]) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..depth).flat_map(move |d| (0..height).flat_map(move |h| (0..width).map(move |w| (d, h, w))))
}

/// See [`super::forward`]. Sums are made in float64 (integers beyond 2^53 are not exact).
pub fn forward<T: Element>(
    geometry: &Geometry,
    layout: ImageLayout,
    input: &[T],
    weight: &[T],
    bias: Option<&[T]>,
    output: &mut [T],
) {
    let to = strides(layout, geometry.out_channels, geometry.output());
    let mut sums: Vec<f64> =
        (0..output.len()).map(|i| bias.map_or(0.0, |bias| bias[i / to[1] % geometry.out_channels].to_f64())).collect();
    for_each_product(geometry, layout, |i, w, o| sums[o] += input[i].to_f64() * weight[w].to_f64());
    output.iter_mut().zip(sums).for_each(|(o, sum)| *o = T::from_f64(sum));
}

/// See [`super::data_gradient`].
pub fn data_gradient<T: Element>(
    geometry: &Geometry,
    layout: ImageLayout,
    grad_output: &[T],
    weight: &[T],
    grad_input: &mut [T],
) {
    let mut sums = vec![0.0; grad_input.len()];
    for_each_product(geometry, layout, |i, w, o| sums[i] += grad_output[o].to_f64() * weight[w].to_f64());
    grad_input.iter_mut().zip(sums).for_each(|(g, sum)| *g = T::from_f64(sum));
}

/// See [`super::weight_gradient`].
pub fn weight_gradient<T: Element>(
    geometry: &Geometry,
    layout: ImageLayout,
    input: &[T],
    grad_output: &[T],
    grad_weight: &mut [T],
) {
    let mut sums = vec![0.0; grad_weight.len()];
    for_each_product(geometry, layout, |i, w, o| sums[w] += input[i].to_f64() * grad_output[o].to_f64());
    grad_weight.iter_mut().zip(sums).for_each(|(g, sum)| *g = T::from_f64(sum));
}

/// The definition as an algorithm: applies to everything, and is chosen where nothing else does.
pub struct Reference;

impl<T: ConvElement> Algorithm<T> for Reference {
    fn name(&self) -> &'static str {
        "reference"
    }

    fn applies(&self, _: &Problem) -> Option<Cost> {
        Some(Cost { speed: 1e-3, scratch: 0, why: "no other algorithm applies" })
    }

    fn run(&self, problem: &Problem, operands: Operands<'_, T>) {
        let (geometry, layout) = (&problem.geometry, problem.layout);
        match operands {
            Operands::Forward { input, weight, bias, output, .. } => {
                forward(geometry, layout, input, weight, bias, output);
            }
            Operands::DataGradient { grad_output, weight, grad_input, .. } => {
                data_gradient(geometry, layout, grad_output, weight, grad_input);
            }
            Operands::WeightGradient { input, grad_output, grad_weight } => {
                weight_gradient(geometry, layout, input, grad_output, grad_weight);
            }
        }
    }
}
