use super::super::planner::{Operands, Pass, Plan, Problem};
use super::super::testing::{any_layout, check, numbers};
use super::super::{Geometry, ImageLayout};
use crate::simd::Isa;
use proptest::prelude::*;

/// Each scheme, its kernel, and how exact it is in float32.
const SCHEMES: [(&str, [usize; 2], f64); 7] = [
    ("winograd 2x2", [3, 3], 2e-6),
    ("winograd 4x4", [3, 3], 5e-6),
    ("winograd 2x2 of 5x5", [5, 5], 5e-6),
    ("winograd 4 of 1x3", [1, 3], 3e-6),
    ("winograd 4 of 3x1", [3, 1], 3e-6),
    ("winograd 2 of 1x7", [1, 7], 5e-6),
    ("winograd 2 of 7x1", [7, 1], 5e-6),
];

/// The geometry with a kernel, the input large enough for a result.
fn with_kernel(mut g: Geometry, kernel: [usize; 2]) -> Geometry {
    g.kernel = [1, kernel[0], kernel[1]];
    for axis in 1..3 {
        let reach = (g.kernel[axis] - 1) * g.dilation[axis] + 1;
        g.input[axis] = g.input[axis].max(reach.saturating_sub(g.padding_begin[axis] + g.padding_end[axis])).max(1);
    }
    g
}

prop_compose! {
    fn any_geometry()(
        batch in 1usize..4,
        in_channels in prop_oneof![1usize..6, 14usize..20, 60usize..70],
        out_channels in prop_oneof![1usize..6, 14usize..20, 60usize..70],
        input in prop::array::uniform2(1usize..24),
        padding_begin in prop::array::uniform2(0usize..5),
        padding_end in prop::array::uniform2(0usize..4),
        dilation in prop::array::uniform2(1usize..4),
    ) -> Geometry {
        Geometry {
            batch,
            groups: 1,
            in_channels,
            out_channels,
            input: [1, input[0], input[1]],
            kernel: [1, 3, 3],
            stride: [1; 3],
            padding_begin: [0, padding_begin[0], padding_begin[1]],
            padding_end: [0, padding_end[0], padding_end[1]],
            dilation: [1, dilation[0], dilation[1]],
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_scheme_matches_the_definition(g in any_geometry(), layout in any_layout()) {
        for (scheme, kernel, tolerance) in SCHEMES {
            let g = with_kernel(g, kernel);
            check::<f32>(scheme, &g, layout, tolerance)?;
            check::<f64>(scheme, &g, layout, 1e-13)?;
        }
    }
}

fn square(batch: usize, channels: usize, filters: usize, size: usize, padding: usize) -> Geometry {
    Geometry {
        batch,
        in_channels: channels,
        out_channels: filters,
        groups: 1,
        input: [1, size, size],
        kernel: [1, 3, 3],
        stride: [1; 3],
        padding_begin: [0, padding, padding],
        padding_end: [0, padding, padding],
        dilation: [1; 3],
    }
}

#[test]
fn several_blocks_and_stretches_match_the_definition() {
    for g in [square(2, 40, 100, 22, 1), square(1, 130, 33, 24, 0), square(9, 5, 7, 40, 2)] {
        for layout in [ImageLayout::ChannelsFirst, ImageLayout::ChannelsLast] {
            for (scheme, kernel, tolerance) in [SCHEMES[1], SCHEMES[5]] {
                let g = with_kernel(g, kernel);
                check::<f32>(scheme, &g, layout, tolerance).expect("the reference's numbers");
            }
        }
    }
}

#[test]
fn what_is_not_finite_spoils_only_what_sees_it() {
    let g = square(1, 6, 9, 13, 1);
    let places = [0, 40, g.input_len() - 1];
    for layout in [ImageLayout::ChannelsFirst, ImageLayout::ChannelsLast] {
        for (name, kernel, _) in SCHEMES {
            let g = with_kernel(g, kernel);
            for (place, strange) in places.into_iter().zip([f32::INFINITY, f32::NAN, 3e38]) {
                let mut input = numbers::<f32>(g.input_len(), 1);
                input[place] = strange;
                let (weight, grad_output) = (numbers::<f32>(g.weight_len(), 2), numbers::<f32>(g.output_len(), 3));
                let results = [name, "dense"].map(|algorithm| {
                    let plan = |pass| {
                        let problem = Problem { geometry: g, layout, pass, isa: Isa::detect(), constant_weight: false };
                        Plan::<f32>::by_name(problem, algorithm).expect("an algorithm that applies")
                    };
                    let (mut output, mut grad_weight) = (vec![0.0; g.output_len()], vec![0.0; g.weight_len()]);
                    let (input, weight, grad_output) = (&input, &weight, &grad_output);
                    plan(Pass::Forward).run(Operands::Forward {
                        input,
                        weight,
                        kept: None,
                        bias: None,
                        output: &mut output,
                    });
                    let grad = &mut grad_weight;
                    plan(Pass::WeightGradient).run(Operands::WeightGradient { input, grad_output, grad_weight: grad });
                    [output, grad_weight]
                });
                for (ours, expected) in results[0].iter().flatten().zip(results[1].iter().flatten()) {
                    assert_eq!(ours.is_finite(), expected.is_finite(), "{name} {layout:?} with {strange}");
                    assert_eq!(ours.is_nan(), expected.is_nan(), "{name} {layout:?} with {strange}");
                }
            }
        }
    }
}
