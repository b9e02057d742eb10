use super::super::testing::{any_layout, check, numbers};
use super::super::{Geometry, ImageLayout};
use crate::parallel;
use proptest::prelude::*;

prop_compose! {
    fn any_geometry(axes: usize)(
        batch in 0usize..4,
        groups in 1usize..4,
        channels in prop_oneof![0usize..6, 14usize..20],
        filters in prop_oneof![0usize..6, 14usize..20],
        input in prop::array::uniform3(0usize..20),
        kernel in prop::array::uniform3(1usize..5),
        stride in prop::array::uniform3(1usize..4),
        padding_begin in prop::array::uniform3(0usize..7),
        padding_end in prop::array::uniform3(0usize..4),
        dilation in prop::array::uniform3(1usize..4),
    ) -> Geometry {
        let mut g = Geometry {
            batch, groups, in_channels: groups * channels, out_channels: groups * filters,
            input, kernel, stride, padding_begin, padding_end, dilation,
        };
        for axis in 0..3 - axes {
            g.input[axis] = 1;
            g.kernel[axis] = 1;
            g.stride[axis] = 1;
            g.padding_begin[axis] = 0;
            g.padding_end[axis] = 0;
        }
        if axes == 3 {
            g.input = g.input.map(|size| size.min(6));
        }
        g
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn two_dimensions_match_the_definition(g in any_geometry(2), layout in any_layout()) {
        check::<f32>("dense", &g, layout, 2e-6)?;
        check::<f64>("dense", &g, layout, 1e-14)?;
    }

    #[test]
    fn one_dimension_matches_the_definition(g in any_geometry(1), layout in any_layout()) {
        check::<f32>("dense", &g, layout, 2e-6)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn three_dimensions_match_the_definition(g in any_geometry(3), layout in any_layout()) {
        check::<f32>("dense", &g, layout, 2e-6)?;
    }
}

/// Large enough for several blocks along rows, columns and depth, and for chunks of the depth.
fn larger() -> [Geometry; 5] {
    let square = |batch, channels, filters, size, kernel, stride, padding| Geometry {
        batch,
        in_channels: channels,
        out_channels: filters,
        groups: 1,
        input: [1, size, size],
        kernel: [1, kernel, kernel],
        stride: [1, stride, stride],
        padding_begin: [0, padding, padding],
        padding_end: [0, padding, padding],
        dilation: [1; 3],
    };
    [
        square(2, 40, 70, 30, 3, 1, 1),
        square(3, 300, 33, 9, 1, 1, 0),
        square(2, 9, 270, 25, 3, 2, 1),
        // Images that are products of their own, and are read where they lie.
        square(2, 20, 30, 25, 1, 1, 0),
        square(1, 300, 260, 7, 1, 1, 0),
    ]
}

#[test]
fn several_blocks_match_the_definition() {
    for g in larger() {
        for layout in [ImageLayout::ChannelsFirst, ImageLayout::ChannelsLast] {
            check::<f32>("dense", &g, layout, 2e-6).expect("the reference's numbers");
        }
    }
}

#[test]
fn nothing_is_made_of_a_weight_for_no_images() {
    for (batch, channels) in [(0, 3), (2, 0)] {
        let geometry = Geometry {
            batch,
            in_channels: channels,
            out_channels: 4,
            groups: 1,
            input: [1, 5, 6],
            kernel: [1; 3],
            stride: [1; 3],
            padding_begin: [0; 3],
            padding_end: [0; 3],
            dilation: [1; 3],
        };
        for layout in [ImageLayout::ChannelsFirst, ImageLayout::ChannelsLast] {
            check::<f32>("dense", &geometry, layout, 0.0).expect("a bias alone, or nothing");
        }
    }
}

#[test]
fn bits_do_not_depend_on_the_number_of_threads() {
    let before = parallel::threads();
    for g in larger() {
        for layout in [ImageLayout::ChannelsFirst, ImageLayout::ChannelsLast] {
            let (input, weight) = (numbers::<f32>(g.input_len(), 1), numbers::<f32>(g.weight_len(), 2));
            let grad_output = numbers::<f32>(g.output_len(), 4);
            let results = [1, 2, 3, 7, 2].map(|threads| {
                parallel::set_threads(threads);
                let mut output = vec![0.0; g.output_len()];
                let mut grad_input = vec![0.0; g.input_len()];
                let mut grad_weight = vec![0.0; g.weight_len()];
                super::super::forward(&g, layout, &input, &weight, None, &mut output);
                super::super::data_gradient(&g, layout, &grad_output, &weight, &mut grad_input);
                super::super::weight_gradient(&g, layout, &input, &grad_output, &mut grad_weight);
                [output, grad_input, grad_weight]
                    .map(|numbers| numbers.into_iter().map(f32::to_bits).collect::<Vec<_>>())
            });
            assert!(results.iter().all(|result| *result == results[0]), "{g:?} {layout:?}");
        }
    }
    parallel::set_threads(before);
}
