//! Direct convolution: results stay in registers while sources pass by, and nothing is unrolled
//! into a matrix.
//!
//! A matrix product needs many channels on both sides to be worth packing for. These kernels are
//! for convolutions that have few: depthwise ones, small groups, and the first layer of a network.
//! Their arithmetic is that of the definition; what makes them fast is that every vector that is
//! loaded is used for all the taps and channels that it takes part in.
//!
//! Two engines share one set of inner loops ([`tile`]): [`planar`] for channels-first images, whose
//! lanes are columns, and [`pixels`] for channels-last images, whose lanes are channels. Forward
//! pass and data gradient are the same [`correlation`]; the weight gradient is a reduction of its
//! own ([`planar_weight`], [`pixels_weight`]).
//!
//! Channels-first images have two more engines, for planes that need no copy because they share none
//! ([`rolling`], [`rolling_weight`]: depthwise layers above all), and for rows too narrow to be
//! lanes ([`narrow`]).

mod blocks;
mod correlation;
mod families;
mod narrow;
mod padded;
mod pixels;
mod pixels_weight;
mod planar;
mod planar_weight;
mod rolling;
mod rolling_weight;
mod scratch;
mod tile;
mod window;

use super::{ConvElement, Geometry, ImageLayout};
use crate::simd::{Float, Isa};
use correlation::Correlation;
pub use families::{Depthwise, FewChannels, SmallGroups};

/// Whether these kernels can do a convolution at all: two dimensions, and sizes that make sense.
pub fn covers(g: &Geometry) -> bool {
    let flat = g.input[0] == 1 && g.kernel[0] == 1 && g.padding_begin[0] == 0 && g.padding_end[0] == 0;
    let positive = [g.kernel, g.stride, g.dilation].iter().flatten().all(|&size| size > 0);
    flat && positive
        && g.groups > 0
        && g.in_channels.is_multiple_of(g.groups)
        && g.out_channels.is_multiple_of(g.groups)
}

/// A number type that the kernels are compiled for.
///
/// The implementations are where the generic engines become machine code: here, once, rather than
/// in every crate that convolves.
pub trait DirectElement: Float {
    /// Whether inner loops are compiled for whole kernels, not only for single taps.
    #[doc(hidden)]
    const UNROLLED: bool;
    /// Correlates images.
    #[doc(hidden)]
    fn correlate(isa: Isa, c: &Correlation, layout: ImageLayout, operands: CorrelationOperands<'_, Self>);
    /// Sums up a weight's gradient.
    #[doc(hidden)]
    fn reduce(isa: Isa, c: &Correlation, layout: ImageLayout, input: &[Self], grad_output: &[Self], sums: &mut [Self]);
}

/// The slices of a correlation.
#[doc(hidden)]
pub struct CorrelationOperands<'a, T> {
    source: &'a [T],
    weight: &'a [T],
    bias: Option<&'a [T]>,
    result: &'a mut [T],
}

macro_rules! direct_element {
    ($($t:ty, $unrolled:literal);*) => {$(
        impl DirectElement for $t {
            const UNROLLED: bool = $unrolled;
            #[inline(never)]
            fn correlate(isa: Isa, c: &Correlation, layout: ImageLayout, operands: CorrelationOperands<'_, $t>) {
                let CorrelationOperands { source, weight, bias, result } = operands;
                match layout {
                    ImageLayout::ChannelsFirst if rolling::applies::<$t>(isa, c) => {
                        rolling::run(isa, c, source, weight, bias, result);
                    }
                    ImageLayout::ChannelsFirst if narrow::applies::<$t>(isa, c) => {
                        narrow::run(isa, c, source, weight, bias, result);
                    }
                    ImageLayout::ChannelsFirst => planar::run(isa, c, source, weight, bias, result),
                    ImageLayout::ChannelsLast => pixels::run(isa, c, source, weight, bias, result),
                }
            }
            #[inline(never)]
            fn reduce(isa: Isa, c: &Correlation, layout: ImageLayout, input: &[$t], grad_output: &[$t], sums: &mut [$t]) {
                match layout {
                    ImageLayout::ChannelsFirst if rolling_weight::applies::<$t>(isa, c) => {
                        rolling_weight::run(isa, c, input, grad_output, sums);
                    }
                    ImageLayout::ChannelsFirst => planar_weight::run(isa, c, input, grad_output, sums),
                    ImageLayout::ChannelsLast => pixels_weight::run(isa, c, input, grad_output, sums),
                }
            }
        }
    )*};
}
// Machine code is not free: float64 does with less of it.
direct_element!(f32, true; f64, false);

/// Whether there is nothing to multiply.
fn is_empty(g: &Geometry) -> bool {
    g.input_len() == 0 || g.weight_len() == 0 || g.output_len() == 0
}

/// See [`super::forward`].
///
/// # Panics
/// If a slice's length is not what the geometry says, or the geometry is not [covered](covers).
pub fn forward<T: ConvElement>(
    isa: Isa,
    geometry: &Geometry,
    layout: ImageLayout,
    input: &[T],
    weight: &[T],
    bias: Option<&[T]>,
    output: &mut [T],
) {
    let g = geometry;
    check(g, input.len(), weight.len(), output.len());
    assert!(bias.is_none_or(|bias| bias.len() == g.out_channels), "length of the bias of {g:?}");
    if is_empty(g) {
        fill_with_bias(g, layout, bias, output);
        return;
    }
    let c = Correlation::forward(g);
    T::correlate(isa, &c, layout, CorrelationOperands { source: input, weight, bias, result: output });
}

/// See [`super::data_gradient`].
///
/// # Panics
/// If a slice's length is not what the geometry says, or the geometry is not [covered](covers).
pub fn data_gradient<T: ConvElement>(
    isa: Isa,
    geometry: &Geometry,
    layout: ImageLayout,
    grad_output: &[T],
    weight: &[T],
    grad_input: &mut [T],
) {
    let g = geometry;
    check(g, grad_input.len(), weight.len(), grad_output.len());
    if is_empty(g) {
        grad_input.fill(T::ZERO);
        return;
    }
    let c = Correlation::data_gradient(g);
    let operands = CorrelationOperands { source: grad_output, weight, bias: None, result: grad_input };
    T::correlate(isa, &c, layout, operands);
}

/// See [`super::weight_gradient`].
///
/// # Panics
/// If a slice's length is not what the geometry says, or the geometry is not [covered](covers).
pub fn weight_gradient<T: ConvElement>(
    isa: Isa,
    geometry: &Geometry,
    layout: ImageLayout,
    input: &[T],
    grad_output: &[T],
    grad_weight: &mut [T],
) {
    let g = geometry;
    check(g, input.len(), grad_weight.len(), grad_output.len());
    if is_empty(g) {
        grad_weight.fill(T::ZERO);
        return;
    }
    T::reduce(isa, &Correlation::forward(g), layout, input, grad_output, grad_weight);
}

fn check(g: &Geometry, input: usize, weight: usize, output: usize) {
    assert!(covers(g), "no direct kernel for {g:?}");
    assert_eq!(input, g.input_len(), "length of the input of {g:?}");
    assert_eq!(weight, g.weight_len(), "length of the weight of {g:?}");
    assert_eq!(output, g.output_len(), "length of the output of {g:?}");
}

/// The output of a convolution without products.
fn fill_with_bias<T: ConvElement>(g: &Geometry, layout: ImageLayout, bias: Option<&[T]>, output: &mut [T]) {
    let pixels = match layout {
        ImageLayout::ChannelsFirst => g.output().iter().product::<usize>(),
        ImageLayout::ChannelsLast => 1,
    };
    for (i, number) in output.iter_mut().enumerate() {
        *number = bias.map_or(T::ZERO, |bias| bias[i / pixels % g.out_channels]);
    }
}
