//! Convolution: forward, gradient of the input ("data gradient") and gradient of the weight.
//!
//! A caller describes the work by a [`Geometry`] and hands over slices; [`forward`],
//! [`data_gradient`] and [`weight_gradient`] are the whole face of this module. Which algorithm
//! does the work is the [`planner`]'s choice.
//!
//! Weights are `(out_channels, in_channels / groups, kernel…)`, contiguous, whatever the layout of
//! the images. A transposed convolution is the data gradient of an ordinary one.

mod dense;
mod describe;
pub mod direct;
mod geometry;
mod kept;
pub mod layers;
pub mod measure;
mod memory;
pub mod planner;
pub mod plans_file;
pub mod reference;
mod settings;
#[cfg(test)]
mod testing;
mod tuning;
pub mod winograd;

use crate::simd::Float;
pub use describe::{Candidate, Description};
pub use geometry::{Geometry, ImageLayout};
pub use kept::{Form, Kept};
pub use memory::Planner;
use planner::{Operands, Pass, Plan, Problem};
pub use settings::Settings;

/// A number type that can be convolved.
pub trait ConvElement: Float + direct::DirectElement {
    /// The process's memory of plans for this type.
    fn planner() -> &'static Planner<Self>;
}

macro_rules! conv_element {
    ($($t:ty),*) => {$(
        impl ConvElement for $t {
            fn planner() -> &'static Planner<Self> {
                static PLANNER: Planner<$t> = Planner::new();
                &PLANNER
            }
        }
    )*};
}
conv_element!(f32, f64);

/// The plan by which this process solves a problem: which algorithm, and why.
pub fn plan<T: ConvElement>(problem: Problem) -> Plan<T> {
    T::planner().plan(problem)
}

/// Does a pass by the problem's plan.
///
/// # Panics
/// If a slice's length is not what the geometry says, or the operands are another pass's.
pub fn run<T: ConvElement>(problem: Problem, operands: Operands<'_, T>) {
    T::planner().run(problem, operands);
}

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
    let problem = Problem::new(geometry, layout, Pass::Forward);
    run(problem, Operands::Forward { input, weight, kept: None, bias, output });
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
    let problem = Problem::new(geometry, layout, Pass::DataGradient);
    run(problem, Operands::DataGradient { grad_output, weight, kept: None, grad_input });
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
    let problem = Problem::new(geometry, layout, Pass::WeightGradient);
    run(problem, Operands::WeightGradient { input, grad_output, grad_weight });
}
