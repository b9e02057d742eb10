//! MobileNet v3.
//!
//! Source: A. Howard et al., "Searching for MobileNetV3", 2019.

use super::init::{Draw, Plan, initialize};
use crate::ops::{Activation, ConvNormActivation, Norm, SqueezeExcitation, make_divisible};
use flambeau_nn::functional::adaptive_avg_pool2d;
use flambeau_nn::init::Fan;
use flambeau_nn::modules::{Dropout, Hardswish, Linear, Sequential};
use flambeau_nn::{Forward, Module};
use flambeau_tensor::{Result, Tensor};

/// Kernel, expanded channels, out channels, squeeze and excitation, hard swish, stride.
type Row = (usize, usize, usize, bool, bool, usize);

const LARGE: [Row; 15] = [
    (3, 16, 16, false, false, 1),
    (3, 64, 24, false, false, 2),
    (3, 72, 24, false, false, 1),
    (5, 72, 40, true, false, 2),
    (5, 120, 40, true, false, 1),
    (5, 120, 40, true, false, 1),
    (3, 240, 80, false, true, 2),
    (3, 200, 80, false, true, 1),
    (3, 184, 80, false, true, 1),
    (3, 184, 80, false, true, 1),
    (3, 480, 112, true, true, 1),
    (3, 672, 112, true, true, 1),
    (5, 672, 160, true, true, 2),
    (5, 960, 160, true, true, 1),
    (5, 960, 160, true, true, 1),
];

const SMALL: [Row; 11] = [
    (3, 16, 16, true, false, 2),
    (3, 72, 24, false, false, 2),
    (3, 88, 24, false, false, 1),
    (5, 96, 40, true, true, 2),
    (5, 240, 40, true, true, 1),
    (5, 240, 40, true, true, 1),
    (5, 120, 48, true, true, 1),
    (5, 144, 48, true, true, 1),
    (5, 288, 96, true, true, 2),
    (5, 576, 96, true, true, 1),
    (5, 576, 96, true, true, 1),
];

/// The constants of all its normalisations.
const NORM: Norm = Norm { eps: 0.001, momentum: 0.01 };

/// What a [`MobileNetV3`] is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MobileNetV3Config {
    /// The larger or the smaller of the two networks.
    pub large: bool,
    /// Scores.
    pub num_classes: usize,
    /// Multiplies the channels, which are rounded to multiples of 8.
    pub width_mult: f64,
    /// Whether the last blocks have half the channels.
    pub reduced_tail: bool,
    /// Whether the last blocks dilate their convolutions instead of halving the image.
    pub dilated: bool,
    /// The share that is left out before the scores.
    pub dropout: f64,
}

/// To more channels, a depthwise convolution and squeeze and excitation there, and back to few.
#[derive(Module)]
struct InvertedResidual {
    block: Sequential,
    #[module(skip)]
    shortcut: bool,
}

impl InvertedResidual {
    fn new(in_channels: usize, row: Row, dilation: usize) -> Result<Self> {
        let (kernel, expanded, out_channels, squeezes, hard, stride) = row;
        let activation = Some(if hard { Activation::Hardswish } else { Activation::Relu });
        let make = |from, to, kernel| ConvNormActivation::builder(from, to, kernel).norm(NORM).activation(activation);
        let mut block = Sequential::new();
        if expanded != in_channels {
            block = block.push(make(in_channels, expanded, 1).build()?);
        }
        let depthwise = make(expanded, expanded, kernel).groups(expanded).dilation(dilation);
        block = block.push(depthwise.stride(if dilation > 1 { 1 } else { stride }).build()?);
        if squeezes {
            let squeezed = make_divisible((expanded / 4) as f64, 8);
            block = block.push(SqueezeExcitation::new(expanded, squeezed, Activation::Relu, Activation::Hardsigmoid)?);
        }
        block = block.push(make(expanded, out_channels, 1).activation(None).build()?);
        Ok(Self { block, shortcut: stride == 1 && in_channels == out_channels })
    }
}

impl Forward for InvertedResidual {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let output = self.block.forward(input)?;
        if self.shortcut { output.add(input) } else { Ok(output) }
    }
}

/// Images `(N, 3, H, W)` to scores `(N, num_classes)`.
#[derive(Module)]
pub struct MobileNetV3 {
    features: Sequential,
    classifier: Sequential,
    #[module(skip)]
    strided: Vec<usize>,
    #[module(skip)]
    widths: Vec<usize>,
}

impl MobileNetV3 {
    /// Makes the network.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn new(config: &MobileNetV3Config) -> Result<Self> {
        let (rows, last): (&[Row], usize) = if config.large { (&LARGE, 1280) } else { (&SMALL, 1024) };
        let scaled = |channels: usize| make_divisible(channels as f64 * config.width_mult, 8);
        let make = |from, to, kernel| {
            ConvNormActivation::builder(from, to, kernel).norm(NORM).activation(Some(Activation::Hardswish))
        };
        let mut channels = scaled(16);
        let mut features = Sequential::new().push(make(3, channels, 3).stride(2).build()?);
        let (mut strided, mut widths) = (vec![0], vec![channels]);
        for (position, &(kernel, expanded, out_channels, squeezes, hard, stride)) in rows.iter().enumerate() {
            let tail = position + 3 >= rows.len();
            let divisor = if config.reduced_tail && tail { 2 } else { 1 };
            // The first block of the tail still expands to what it did.
            let expanded = if position + 3 == rows.len() { expanded } else { expanded / divisor };
            let row = (kernel, scaled(expanded), scaled(out_channels / divisor), squeezes, hard, stride);
            features = features.push(InvertedResidual::new(channels, row, if config.dilated && tail { 2 } else { 1 })?);
            channels = row.2;
            widths.push(channels);
            if stride > 1 {
                strided.push(position + 1);
            }
        }
        features = features.push(make(channels, 6 * channels, 1).build()?);
        widths.push(6 * channels);
        strided.push(rows.len() + 1);
        let last = scaled(last / if config.reduced_tail { 2 } else { 1 });
        let classifier = Sequential::new()
            .push(Linear::new(6 * channels, last)?)
            .push(Hardswish)
            .push(Dropout::new(config.dropout))
            .push(Linear::new(last, config.num_classes)?);
        let network = Self { features, classifier, strided, widths };
        let plan = Plan { convolutions: Draw::Kaiming(Fan::Out), linear: Draw::Normal(0.01), zero_biases: true };
        initialize(&network, plan)?;
        Ok(network)
    }

    /// Takes the network apart: its layers, the positions of those that halve the image (the first and the last
    /// included), and how many channels each gives.
    pub(crate) fn into_backbone(self) -> (Sequential, Vec<usize>, Vec<usize>) {
        (self.features, self.strided, self.widths)
    }
}

impl Forward for MobileNetV3 {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let x = adaptive_avg_pool2d(&self.features.forward(input)?, 1)?;
        self.classifier.forward(&x.flatten(1, -1)?)
    }
}

fn plain(large: bool, num_classes: usize) -> MobileNetV3Config {
    MobileNetV3Config { large, num_classes, width_mult: 1.0, reduced_tail: false, dilated: false, dropout: 0.2 }
}

/// The larger MobileNet v3.
///
/// # Errors
/// If there is not enough memory.
pub fn mobilenet_v3_large(num_classes: usize) -> Result<MobileNetV3> {
    MobileNetV3::new(&plain(true, num_classes))
}

/// The smaller MobileNet v3.
///
/// # Errors
/// If there is not enough memory.
pub fn mobilenet_v3_small(num_classes: usize) -> Result<MobileNetV3> {
    MobileNetV3::new(&plain(false, num_classes))
}
