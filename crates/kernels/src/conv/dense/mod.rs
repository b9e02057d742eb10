//! Convolution as a product of matrices that are never built.
//!
//! The forward pass multiplies the weight, `out_channels` by `channels * taps`, with the windows of
//! the images, `channels * taps` by positions. Materialised, the windows would be `taps` copies of
//! the images (im2col); here they are gathered block by block while the product packs its operands,
//! and padding is a mask. The other passes are products of the same parts:
//!
//! | pass | rows | columns | summed over |
//! | --- | --- | --- | --- |
//! | forward | out channels | positions | in channels, taps |
//! | data gradient | in channels | input pixels | out channels, taps |
//! | weight gradient | out channels | in channels, taps | positions |
//!
//! (for channels-first images; for channels-last ones, images are the left operand of the first
//! two). The data gradient of a strided convolution is one such product for each phase of the
//! stride: input pixels of one phase see the same taps. Where the kernel's patches do not overlap,
//! it is one product for all.

mod channels;
mod data_gradient;
mod images;
mod pixels;
mod pointwise;
mod sinks;
#[cfg(test)]
mod tests;
mod weights;
mod window;

use super::planner::{Algorithm, Cost, Operands, Pass, Problem};
use super::{ConvElement, Geometry, ImageLayout};
use crate::gemm::kernel::Start;
use crate::gemm::operand::{Operand, Strided, StridedSink};
use crate::gemm::product::Product;
use crate::simd::Isa;
use images::{Images, Lanes};
use pointwise::Pointwise;
use sinks::{ImageSink, TapMajorWeight};
use weights::Weights;
use window::Window;

/// The algorithm for everything that has no better one.
pub struct Dense;

impl<T: ConvElement> Algorithm<T> for Dense {
    fn name(&self) -> &'static str {
        "dense"
    }

    fn applies(&self, problem: &Problem) -> Option<Cost> {
        let g = &problem.geometry;
        // A packed number is used once for each number of the other operand's small side; packing
        // takes about half a cycle, and reading pixels as lanes of a sum (for the weight) more.
        let uses = match problem.pass {
            Pass::Forward | Pass::WeightGradient => g.group_out_channels(),
            Pass::DataGradient if data_gradient::by_patches(g) => {
                g.group_in_channels() * g.kernel.iter().product::<usize>()
            }
            Pass::DataGradient => g.group_in_channels(),
        };
        let cycles = uses as f64 / (64 / size_of::<T>()) as f64;
        let most = if problem.pass == Pass::WeightGradient { 0.75 } else { 0.88 };
        let speed = most * cycles / (cycles + 0.6);
        let why = "a product of matrices, windows gathered while they are packed";
        Some(Cost { speed, scratch: 768 << 10, why })
    }

    fn run(&self, problem: &Problem, operands: Operands<'_, T>) {
        let Problem { geometry, layout, isa, .. } = problem;
        match operands {
            Operands::Forward { input, weight, bias, output } => {
                forward(*isa, geometry, *layout, Forward { input, weight, bias, output });
            }
            Operands::DataGradient { grad_output, weight, grad_input } => {
                data_gradient::run(*isa, geometry, *layout, grad_output, weight, grad_input);
            }
            Operands::WeightGradient { input, grad_output, grad_weight } => {
                weight_gradient(*isa, geometry, *layout, input, grad_output, grad_weight);
            }
        }
    }
}

/// The operands of a forward pass.
struct Forward<'a, T> {
    input: &'a [T],
    weight: &'a [T],
    bias: Option<&'a [T]>,
    output: &'a mut [T],
}

fn forward<T: ConvElement>(isa: Isa, g: &Geometry, layout: ImageLayout, operands: Forward<'_, T>) {
    let Forward { input, weight, bias, output } = operands;
    if Pointwise::<T>::applies(g, layout) {
        let product = Pointwise { geometry: g, layout, images: input, weight, bias, backward: false };
        return product.run(isa, output);
    }
    let window = Window::forward(g, layout);
    let images = Images { window: &window, data: input, lanes: Lanes::Positions };
    let sink = ImageSink::whole(isa, output, &Window::output(g, layout));
    let taps: Vec<usize> = (0..window.taps.len()).collect();
    let (features, filters) = (g.group_in_channels() * taps.len(), g.group_out_channels());
    let by_rows =
        Strided { start: weight.as_ptr(), item_stride: filters * features, lane_stride: features, depth_stride: 1 };
    let by_taps = Weights {
        data: weight,
        group_stride: filters * features,
        lane_stride: features,
        channel_stride: taps.len(),
        channels: g.group_in_channels(),
        kernel: taps.len(),
        taps: &taps,
        tap_major: true,
    };
    let weights: &dyn Operand<T> =
        if layout == ImageLayout::ChannelsFirst || taps.len() == 1 { &by_rows } else { &by_taps };
    let positions = window.positions();
    let (rows, columns, a, b, start): (_, _, &dyn Operand<T>, &dyn Operand<T>, _) = match layout {
        ImageLayout::ChannelsFirst => (filters, positions, weights, &images, bias.map(Start::Rows)),
        ImageLayout::ChannelsLast => (positions, filters, &images, weights, bias.map(Start::Columns)),
    };
    let start = start.unwrap_or(Start::Zero);
    let product = Product { items: g.groups, rows, columns, depth: features, a, b, c: &sink, alpha: T::ONE, start };
    // SAFETY: the slices have the lengths that the geometry says, and the output is borrowed.
    unsafe { product.run(isa) }
}

fn weight_gradient<T: ConvElement>(
    isa: Isa,
    g: &Geometry,
    layout: ImageLayout,
    input: &[T],
    grad_output: &[T],
    grad_weight: &mut [T],
) {
    let (window, output) = (Window::forward(g, layout), Window::output(g, layout));
    let taps = window.taps.len();
    let (features, filters) = (g.group_in_channels() * taps, g.group_out_channels());
    let images = Images { window: &window, data: input, lanes: Lanes::Features };
    let gradients = Images { window: &output, data: grad_output, lanes: Lanes::Features };
    // For channels-first images the rows are copied and the columns transposed while they are
    // packed: the fewer had better be columns. The result is then transposed when it is stored,
    // which few positions do not make up for.
    let swapped = layout == ImageLayout::ChannelsFirst && features > filters && window.positions() > 4 * filters;
    let natural = StridedSink {
        start: grad_weight.as_mut_ptr(),
        item_stride: filters * features,
        row_stride: if swapped { 1 } else { features },
        column_stride: if swapped { features } else { 1 },
        accumulate: false,
    };
    let tap_major = TapMajorWeight {
        data: grad_weight.as_mut_ptr(),
        group_len: filters * features,
        taps,
        channels: g.group_in_channels(),
    };
    let (rows, columns, a, b): (_, _, &dyn Operand<T>, &dyn Operand<T>) =
        if swapped { (features, filters, &images, &gradients) } else { (filters, features, &gradients, &images) };
    let product = Product {
        items: g.groups,
        rows,
        columns,
        depth: window.positions(),
        a,
        b,
        c: match layout {
            ImageLayout::ChannelsFirst => &natural,
            ImageLayout::ChannelsLast => &tap_major,
        },
        alpha: T::ONE,
        start: Start::Zero,
    };
    // SAFETY: the slices have the lengths that the geometry says, and the gradient is borrowed.
    unsafe { product.run(isa) }
}
