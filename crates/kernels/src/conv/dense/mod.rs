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

use super::planner::{Algorithm, Cost, FETCH_CYCLES, Operands, Pass, Problem};
use super::{ConvElement, Geometry, ImageLayout, Kept};
use crate::gemm::kernel::Start;
use crate::gemm::operand::{Operand, Strided, StridedSink};
use crate::gemm::product::{Product, Side};
use crate::scratch::Scratch;
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
        let lanes = 64 / size_of::<T>();
        let cycles = uses as f64 / lanes as f64;
        let most = if problem.pass == Pass::WeightGradient { 0.75 } else { 0.88 };
        let mut speed = most * cycles / (cycles + 0.6);
        let positions = g.batch * g.output().iter().product::<usize>();
        if problem.pass == Pass::Forward && positions > 0 && g.weight_len() * size_of::<T>() > SECOND_LEVEL {
            // Few positions leave lanes empty, and a large weight is fetched for all of them.
            let filled = match problem.layout {
                ImageLayout::ChannelsFirst => positions as f64 / positions.next_multiple_of(lanes) as f64,
                ImageLayout::ChannelsLast => 1.0,
            };
            speed = 1.0 / (1.0 / (speed * filled) + FETCH_CYCLES / positions as f64);
        }
        let why = "a product of matrices, windows gathered while they are packed";
        Some(Cost { speed, scratch: 768 << 10, why })
    }

    fn run(&self, problem: &Problem, operands: Operands<'_, T>) {
        let Problem { geometry, layout, isa, .. } = problem;
        match operands {
            Operands::Forward { input, weight, kept, bias, output } => {
                let packed = kept.map(Kept::numbers);
                let operands = Forward { input, weight, packed, bias, output };
                // SAFETY: the slices have the lengths that the geometry says, and the output is
                // borrowed.
                forward(*isa, geometry, *layout, operands, |product| unsafe { product.run(*isa) });
            }
            Operands::DataGradient { grad_output, weight, grad_input, .. } => {
                data_gradient::run(*isa, geometry, *layout, grad_output, weight, grad_input);
            }
            Operands::WeightGradient { input, grad_output, grad_weight } => {
                weight_gradient(*isa, geometry, *layout, input, grad_output, grad_weight);
            }
        }
    }

    fn keep(&self, problem: &Problem, weight: &[T]) -> Option<Scratch<T>> {
        let Problem { geometry, layout, isa, pass, .. } = problem;
        let positions = geometry.batch * geometry.output().iter().product::<usize>();
        if *pass != Pass::Forward || positions > MOST_POSITIONS {
            return None;
        }
        let operands = Forward { input: &[], weight, packed: None, bias: None, output: &mut [] };
        // SAFETY: only the weight is read.
        forward(*isa, geometry, *layout, operands, |product| unsafe { product.packed(*isa, side(*layout)) })
    }
}

/// Bytes of a weight that a second-level cache holds beside other things.
const SECOND_LEVEL: usize = 1 << 20;

/// With more output positions than these, packing the weight takes so small a part of the time that
/// it need not be kept packed.
const MOST_POSITIONS: usize = 4096;

/// Which operand of a forward product the weight is.
fn side(layout: ImageLayout) -> Side {
    match layout {
        ImageLayout::ChannelsFirst => Side::Left,
        ImageLayout::ChannelsLast => Side::Right,
    }
}

/// The operands of a forward pass.
struct Forward<'a, T> {
    input: &'a [T],
    weight: &'a [T],
    /// The weight as [`Product::packed`] packs it.
    packed: Option<&'a [T]>,
    bias: Option<&'a [T]>,
    output: &'a mut [T],
}

/// Says which product a forward pass is.
fn forward<T: ConvElement, R>(
    isa: Isa,
    g: &Geometry,
    layout: ImageLayout,
    operands: Forward<'_, T>,
    then: impl FnOnce(&Product<'_, T>) -> R,
) -> R {
    let Forward { input, weight, packed, bias, output } = operands;
    if Pointwise::<T>::applies(g, layout) {
        let product = Pointwise { geometry: g, layout, images: input, weight, packed, bias, backward: false };
        return product.with(output, then);
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
    let packed = packed.map(|numbers| (side(layout), numbers));
    then(&Product { items: g.groups, rows, columns, depth: features, a, b, c: &sink, alpha: T::ONE, start, packed })
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
        packed: None,
    };
    // SAFETY: the slices have the lengths that the geometry says, and the gradient is borrowed.
    unsafe { product.run(isa) }
}
