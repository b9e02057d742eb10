//! Weights in the form in which algorithms read them.
//!
//! Packed panels and transformed filters depend on the weight alone. Where a weight serves for many
//! passes, as in inference, they are made once: [`super::planner::Plan::keep`] makes them, and a
//! pass takes them beside the weight. Who keeps them has to know when the weight changes.

use super::planner::{Pass, Plan};
use super::{ConvElement, Geometry, ImageLayout};
use crate::scratch::Scratch;
use crate::simd::Isa;

/// What an algorithm has made of a weight.
pub struct Kept<T> {
    form: Form,
    numbers: Scratch<T>,
}

/// All that what is made of a weight depends on, besides the weight's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    algorithm: &'static str,
    pass: Pass,
    layout: ImageLayout,
    isa: Isa,
    channels: [usize; 2],
    groups: usize,
    kernel: [usize; 3],
}

impl Form {
    pub(super) fn new<T: ConvElement>(plan: &Plan<T>) -> Self {
        let problem = plan.problem();
        let Geometry { in_channels, out_channels, groups, kernel, .. } = problem.geometry;
        Self {
            algorithm: plan.algorithm(),
            pass: problem.pass,
            layout: problem.layout,
            isa: problem.isa,
            channels: [in_channels, out_channels],
            groups,
            kernel,
        }
    }
}

impl<T: ConvElement> Kept<T> {
    pub(super) fn new(plan: &Plan<T>, numbers: Scratch<T>) -> Self {
        Self { form: Form::new(plan), numbers }
    }

    /// Whether a plan can use it.
    pub fn serves(&self, plan: &Plan<T>) -> bool {
        self.form == Form::new(plan)
    }

    /// The numbers, in an order that only the algorithm knows.
    pub(super) fn numbers(&self) -> &[T] {
        self.numbers.as_slice()
    }
}
