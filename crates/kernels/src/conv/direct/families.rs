//! The convolutions for which the direct kernels are chosen.

use super::{covers, data_gradient, forward, weight_gradient};
use crate::conv::planner::{Algorithm, Cost, Operands, Pass, Problem};
use crate::conv::{ConvElement, Geometry, ImageLayout};

/// One input channel and any number of output channels in each group.
pub struct Depthwise;

/// Groups of few channels, as in ResNeXt.
pub struct SmallGroups;

/// One group that few channels enter: the first layer of a network.
pub struct FewChannels;

impl Depthwise {
    /// Whether a convolution belongs to this family.
    pub fn applies(g: &Geometry, _: ImageLayout) -> bool {
        covers(g) && g.groups > 1 && g.group_in_channels() == 1
    }
}

impl SmallGroups {
    /// Whether a convolution belongs to this family.
    pub fn applies(g: &Geometry, _: ImageLayout) -> bool {
        let (inputs, outputs) = (g.group_in_channels(), g.group_out_channels());
        covers(g)
            && g.groups > 1
            && (1..=32).contains(&inputs)
            && (1..=32).contains(&outputs)
            && inputs.max(outputs) > 1
    }
}

impl FewChannels {
    /// Whether a convolution belongs to this family.
    pub fn applies(g: &Geometry, _: ImageLayout) -> bool {
        covers(g) && g.groups == 1 && g.in_channels <= 8
    }
}

fn run<T: ConvElement>(problem: &Problem, operands: Operands<'_, T>) {
    let (isa, g, layout) = (problem.isa, &problem.geometry, problem.layout);
    match operands {
        Operands::Forward { input, weight, bias, output, .. } => forward(isa, g, layout, input, weight, bias, output),
        Operands::DataGradient { grad_output, weight, grad_input, .. } => {
            data_gradient(isa, g, layout, grad_output, weight, grad_input);
        }
        Operands::WeightGradient { input, grad_output, grad_weight } => {
            weight_gradient(isa, g, layout, input, grad_output, grad_weight);
        }
    }
}

macro_rules! algorithm {
    ($family:ty, $name:literal, $why:literal, $speed:expr) => {
        impl<T: ConvElement> Algorithm<T> for $family {
            fn name(&self) -> &'static str {
                $name
            }

            fn applies(&self, problem: &Problem) -> Option<Cost> {
                let speed: fn(&Problem) -> f64 = $speed;
                <$family>::applies(&problem.geometry, problem.layout).then(|| Cost {
                    speed: speed(problem),
                    scratch: 256 << 10,
                    why: $why,
                })
            }

            fn run(&self, problem: &Problem, operands: Operands<'_, T>) {
                run(problem, operands);
            }
        }
    };
}

algorithm!(Depthwise, "direct depthwise", "each channel is convolved alone: there is no matrix to multiply", |_| 0.6);
algorithm!(SmallGroups, "direct grouped", "groups are too small to fill the panels of a matrix product", |p| {
    let [_, height, width] = p.geometry.kernel;
    let rolls = height == width && matches!(height, 3 | 5 | 7);
    match (p.pass, p.layout) {
        (Pass::WeightGradient, ImageLayout::ChannelsLast) => 0.6,
        // Single taps share nothing, whereas a matrix product does.
        (Pass::WeightGradient, ImageLayout::ChannelsFirst) if !rolls => 0.1,
        _ if p.geometry.stride != [1; 3] => 0.66,
        // Narrow images leave lanes empty, and sums are visited often.
        (Pass::WeightGradient, ImageLayout::ChannelsFirst) => {
            let columns = p.geometry.output()[2] as f64;
            0.86 * columns / (columns + 4.0)
        }
        (_, ImageLayout::ChannelsFirst) => 0.78,
        (_, ImageLayout::ChannelsLast) => 0.86,
    }
});
algorithm!(FewChannels, "direct few channels", "few channels enter: packing them costs more than it saves", |p| {
    let few = 1.0 - 0.02 * p.geometry.in_channels as f64;
    let Geometry { kernel: [_, height, _], stride: [_, stride, _], .. } = p.geometry;
    // Kernels whose rows of taps share what they load; see `tile::UNROLLED`.
    let shares = height == 1 || matches!((height, stride), (3 | 5 | 7, 1) | (3 | 7, 2));
    match (p.pass, p.layout) {
        // Every pixel has one tap: a product whose rows are channels and taps.
        (Pass::DataGradient, ImageLayout::ChannelsFirst) if height > 1 && stride >= height => 0.3 * few,
        (Pass::DataGradient, ImageLayout::ChannelsFirst) => 0.6 * few,
        (Pass::WeightGradient, ImageLayout::ChannelsFirst) if !shares => 0.4 * few,
        (Pass::DataGradient, ImageLayout::ChannelsLast) => 0.1,
        _ => 0.9 * few,
    }
});
