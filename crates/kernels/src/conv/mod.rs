//! Convolution: forward, gradient of the input ("data gradient") and gradient of the weight.
//!
//! A caller describes the work by a [`Geometry`] and hands over slices; [`forward`],
//! [`data_gradient`] and [`weight_gradient`] are the whole face of this module. Which algorithm
//! does the work is the planner's choice.
//!
//! Weights are `(out_channels, in_channels / groups, kernel…)`, contiguous, whatever the layout of
//! the images. A transposed convolution is the data gradient of an ordinary one.

mod geometry;
pub mod reference;

pub use geometry::{Geometry, ImageLayout};

/// A number type that can be convolved.
pub trait ConvElement: crate::element::Element {}
impl ConvElement for f32 {}
impl ConvElement for f64 {}

/// `output = convolution(input, weight) + bias`, for contiguous images in the given layout.
///
/// # Panics
/// If a slice's length is not what the geometry says.
pub fn forward<T: ConvElement>(
    geometry: &Geometry,
    layout: ImageLayout,
    input: &[T],
    weight: &[T],
    bias: Option<&[T]>,
    output: &mut [T],
) {
    reference::forward(geometry, layout, input, weight, bias, output);
}

/// `grad_input`: the gradient of a loss with respect to the input, given that of the output.
///
/// # Panics
/// If a slice's length is not what the geometry says.
pub fn data_gradient<T: ConvElement>(
    geometry: &Geometry,
    layout: ImageLayout,
    grad_output: &[T],
    weight: &[T],
    grad_input: &mut [T],
) {
    reference::data_gradient(geometry, layout, grad_output, weight, grad_input);
}

/// `grad_weight`: the gradient of a loss with respect to the weight, given that of the output.
///
/// # Panics
/// If a slice's length is not what the geometry says.
pub fn weight_gradient<T: ConvElement>(
    geometry: &Geometry,
    layout: ImageLayout,
    input: &[T],
    grad_output: &[T],
    grad_weight: &mut [T],
) {
    reference::weight_gradient(geometry, layout, input, grad_output, grad_weight);
}
