//! MobileNet v2.
//!
//! Source: M. Sandler et al., "MobileNetV2: inverted residuals and linear bottlenecks", 2018.

use super::init::{Draw, Plan, initialize};
use crate::ops::{Activation, ConvNormActivation, make_divisible};
use flambeau_nn::functional::adaptive_avg_pool2d;
use flambeau_nn::init::Fan;
use flambeau_nn::modules::{BatchNorm2d, Conv2d, Dropout, Linear, Sequential};
use flambeau_nn::{Forward, Module};
use flambeau_tensor::{Result, Tensor};

/// Expansion, channels, blocks, and stride of the first block, of each stage.
const STAGES: [(usize, usize, usize, usize); 7] =
    [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)];

/// To more channels, a depthwise convolution there, and back to few, beside a shortcut where the shapes agree.
#[derive(Module)]
struct InvertedResidual {
    conv: Sequential,
    #[module(skip)]
    shortcut: bool,
}

impl InvertedResidual {
    fn new(in_channels: usize, out_channels: usize, stride: usize, expansion: usize) -> Result<Self> {
        let hidden = in_channels * expansion;
        let block = |from, kernel| ConvNormActivation::builder(from, hidden, kernel).activation(Some(Activation::Relu6));
        let mut conv = Sequential::new();
        if expansion != 1 {
            conv = conv.push(block(in_channels, 1).build()?);
        }
        conv = conv
            .push(block(hidden, 3).stride(stride).groups(hidden).build()?)
            .push(Conv2d::builder(hidden, out_channels, 1).bias(false).build()?)
            .push(BatchNorm2d::new(out_channels)?);
        Ok(Self { conv, shortcut: stride == 1 && in_channels == out_channels })
    }
}

impl Forward for InvertedResidual {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let output = self.conv.forward(input)?;
        if self.shortcut { input.add(&output) } else { Ok(output) }
    }
}

/// What a [`MobileNetV2`] is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MobileNetV2Config {
    /// Scores.
    pub num_classes: usize,
    /// Multiplies the channels, which are rounded to multiples of 8.
    pub width_mult: f64,
    /// The share that is left out before the scores.
    pub dropout: f64,
}

/// Images `(N, 3, H, W)` to scores `(N, num_classes)`.
#[derive(Module)]
pub struct MobileNetV2 {
    features: Sequential,
    classifier: Sequential,
}

impl MobileNetV2 {
    /// Makes the network.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn new(config: &MobileNetV2Config) -> Result<Self> {
        let block = |from, to, kernel| ConvNormActivation::builder(from, to, kernel).activation(Some(Activation::Relu6));
        let mut channels = make_divisible(32.0 * config.width_mult, 8);
        let last = make_divisible(1280.0 * config.width_mult.max(1.0), 8);
        let mut features = Sequential::new().push(block(3, channels, 3).stride(2).build()?);
        for (expansion, width, blocks, stride) in STAGES {
            let out_channels = make_divisible(width as f64 * config.width_mult, 8);
            for position in 0..blocks {
                let stride = if position == 0 { stride } else { 1 };
                features = features.push(InvertedResidual::new(channels, out_channels, stride, expansion)?);
                channels = out_channels;
            }
        }
        features = features.push(block(channels, last, 1).build()?);
        let classifier =
            Sequential::new().push(Dropout::new(config.dropout)).push(Linear::new(last, config.num_classes)?);
        let network = Self { features, classifier };
        let plan = Plan { convolutions: Draw::Kaiming(Fan::Out), linear: Draw::Normal(0.01), zero_biases: true };
        initialize(&network, plan)?;
        Ok(network)
    }
}

impl Forward for MobileNetV2 {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let x = adaptive_avg_pool2d(&self.features.forward(input)?, 1)?;
        self.classifier.forward(&x.flatten(1, -1)?)
    }
}

/// MobileNet v2.
///
/// # Errors
/// If there is not enough memory.
pub fn mobilenet_v2(num_classes: usize) -> Result<MobileNetV2> {
    MobileNetV2::new(&MobileNetV2Config { num_classes, width_mult: 1.0, dropout: 0.2 })
}
