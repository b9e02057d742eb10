//! What the tests of all algorithms share.

use super::planner::{Operands, Pass, Plan, Problem};
use super::{ConvElement, Geometry, ImageLayout, reference};
use crate::simd::Isa;
use proptest::prelude::*;

/// Numbers that tell places apart, between -1 and 1.
pub(super) fn numbers<T: ConvElement>(len: usize, seed: u64) -> Vec<T> {
    let mut state = seed;
    (0..len)
        .map(|_| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            T::from_f64((state >> 40) as f64 / (1u64 << 23) as f64 - 1.0)
        })
        .collect()
}

pub(super) fn close<T: ConvElement>(ours: &[T], expected: &[T], tolerance: f64) -> Result<(), TestCaseError> {
    let (mut error, mut norm) = (0.0, 0.0);
    for (&a, &b) in ours.iter().zip(expected) {
        prop_assert!(a.to_f64().is_finite());
        error += (a.to_f64() - b.to_f64()).powi(2);
        norm += b.to_f64().powi(2);
    }
    prop_assert!(error.sqrt() <= tolerance * norm.sqrt(), "relative error {}", (error / norm).sqrt());
    Ok(())
}

/// All passes of a geometry by an algorithm, for every instruction set, against the reference.
pub(super) fn check<T: ConvElement>(
    algorithm: &str,
    g: &Geometry,
    layout: ImageLayout,
    tolerance: f64,
) -> Result<(), TestCaseError> {
    let input = numbers::<T>(g.input_len(), 1);
    let weight = numbers::<T>(g.weight_len(), 2);
    let bias = numbers::<T>(g.out_channels, 3);
    let grad_output = numbers::<T>(g.output_len(), 4);
    let garbage = T::from_f64(f64::NAN);
    let (mut output, mut grad_input, mut grad_weight) =
        (vec![garbage; g.output_len()], vec![garbage; g.input_len()], vec![garbage; g.weight_len()]);
    reference::forward(g, layout, &input, &weight, Some(&bias), &mut output);
    reference::data_gradient(g, layout, &grad_output, &weight, &mut grad_input);
    reference::weight_gradient(g, layout, &input, &grad_output, &mut grad_weight);
    for isa in Isa::available() {
        let plan = |pass| {
            let problem = Problem { geometry: *g, layout, pass, isa };
            Plan::<T>::by_name(problem, algorithm).expect("an algorithm that applies")
        };
        let mut ours = vec![garbage; output.len()];
        plan(Pass::Forward).run(Operands::Forward {
            input: &input,
            weight: &weight,
            bias: Some(&bias),
            output: &mut ours,
        });
        close(&ours, &output, tolerance)?;
        let mut ours = vec![garbage; grad_input.len()];
        plan(Pass::DataGradient).run(Operands::DataGradient {
            grad_output: &grad_output,
            weight: &weight,
            grad_input: &mut ours,
        });
        close(&ours, &grad_input, tolerance)?;
        let mut ours = vec![garbage; grad_weight.len()];
        plan(Pass::WeightGradient).run(Operands::WeightGradient {
            input: &input,
            grad_output: &grad_output,
            grad_weight: &mut ours,
        });
        close(&ours, &grad_weight, tolerance)?;
    }
    Ok(())
}

pub(super) fn any_layout() -> impl Strategy<Value = ImageLayout> {
    prop_oneof![Just(ImageLayout::ChannelsFirst), Just(ImageLayout::ChannelsLast)]
}
