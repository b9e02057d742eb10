//! What the tests of all algorithms share.

use super::planner::{Operands, Pass, Plan, Problem};
use super::{ConvElement, Geometry, ImageLayout, Kept, reference};
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
            let problem = Problem { geometry: *g, layout, pass, isa, constant_weight: true };
            Plan::<T>::by_name(problem, algorithm).expect("an algorithm that applies")
        };
        let forward = |kept: Option<&Kept<T>>| {
            let mut output = vec![garbage; output.len()];
            let (input, weight, bias) = (&input, &weight, Some(&bias[..]));
            plan(Pass::Forward).run(Operands::Forward { input, weight, kept, bias, output: &mut output });
            output
        };
        let ours = forward(None);
        close(&ours, &output, tolerance)?;
        if let Some(kept) = plan(Pass::Forward).keep(&weight) {
            prop_assert!(forward(Some(&kept)) == ours, "other numbers with a kept weight");
        }
        let data_gradient = |kept: Option<&Kept<T>>| {
            let mut grad_input = vec![garbage; grad_input.len()];
            let (grad_output, weight) = (&grad_output, &weight);
            plan(Pass::DataGradient).run(Operands::DataGradient {
                grad_output,
                weight,
                kept,
                grad_input: &mut grad_input,
            });
            grad_input
        };
        let ours = data_gradient(None);
        close(&ours, &grad_input, tolerance)?;
        if let Some(kept) = plan(Pass::DataGradient).keep(&weight) {
            prop_assert!(data_gradient(Some(&kept)) == ours, "other numbers with a kept weight");
        }
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
