//! EfficientNet and its second version.
//!
//! Sources: M. Tan, Q. Le, "EfficientNet: rethinking model scaling for convolutional neural networks", 2019, and
//! "EfficientNetV2: smaller models and faster training", 2021.

use super::init::{Draw, Plan, initialize};
use crate::ops::{Activation, ConvNormActivation, Norm, SqueezeExcitation, StochasticDepth, make_divisible};
use flambeau_nn::functional::adaptive_avg_pool2d;
use flambeau_nn::init::Fan;
use flambeau_nn::modules::{Dropout, Linear, Sequential};
use flambeau_nn::{Forward, Module};
use flambeau_tensor::{Result, Tensor};

/// Blocks of one kind, the first of which changes the channels and may halve the image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stage {
    /// Whether the expansion is a full convolution instead of a 1x1 and a depthwise one.
    pub fused: bool,
    /// How many times the channels inside a block are those before it.
    pub expansion: usize,
    /// The kernel's size.
    pub kernel: usize,
    /// The stride of the first block.
    pub stride: usize,
    /// Channels before the stage.
    pub in_channels: usize,
    /// Channels after it.
    pub out_channels: usize,
    /// Blocks.
    pub blocks: usize,
}

const fn stage(fused: bool, row: [usize; 6]) -> Stage {
    let [expansion, kernel, stride, in_channels, out_channels, blocks] = row;
    Stage { fused, expansion, kernel, stride, in_channels, out_channels, blocks }
}

/// The stages of B0, from which the others are scaled.
pub(super) const B0: [Stage; 7] = [
    stage(false, [1, 3, 1, 32, 16, 1]),
    stage(false, [6, 3, 2, 16, 24, 2]),
    stage(false, [6, 5, 2, 24, 40, 2]),
    stage(false, [6, 3, 2, 40, 80, 3]),
    stage(false, [6, 5, 1, 80, 112, 3]),
    stage(false, [6, 5, 2, 112, 192, 4]),
    stage(false, [6, 3, 1, 192, 320, 1]),
];

const V2_S: [Stage; 6] = [
    stage(true, [1, 3, 1, 24, 24, 2]),
    stage(true, [4, 3, 2, 24, 48, 4]),
    stage(true, [4, 3, 2, 48, 64, 4]),
    stage(false, [4, 3, 2, 64, 128, 6]),
    stage(false, [6, 3, 1, 128, 160, 9]),
    stage(false, [6, 3, 2, 160, 256, 15]),
];

const V2_M: [Stage; 7] = [
    stage(true, [1, 3, 1, 24, 24, 3]),
    stage(true, [4, 3, 2, 24, 48, 5]),
    stage(true, [4, 3, 2, 48, 80, 5]),
    stage(false, [4, 3, 2, 80, 160, 7]),
    stage(false, [6, 3, 1, 160, 176, 14]),
    stage(false, [6, 3, 2, 176, 304, 18]),
    stage(false, [6, 3, 1, 304, 512, 5]),
];

const V2_L: [Stage; 7] = [
    stage(true, [1, 3, 1, 32, 32, 4]),
    stage(true, [4, 3, 2, 32, 64, 7]),
    stage(true, [4, 3, 2, 64, 96, 7]),
    stage(false, [4, 3, 2, 96, 192, 10]),
    stage(false, [6, 3, 1, 192, 224, 19]),
    stage(false, [6, 3, 2, 224, 384, 25]),
    stage(false, [6, 3, 1, 384, 640, 7]),
];

/// What an [`EfficientNet`] is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct EfficientNetConfig {
    /// The stages.
    pub stages: Vec<Stage>,
    /// Channels before the scores.
    pub last_channel: usize,
    /// The share that is left out before the scores.
    pub dropout: f64,
    /// With which probability the last block is left out; it grows from 0.
    pub stochastic_depth_prob: f64,
    /// The constants of all normalisations.
    pub norm: Norm,
    /// Scores.
    pub num_classes: usize,
}

impl EfficientNetConfig {
    /// B0 with its channels and depth scaled.
    pub fn scaled(width_mult: f64, depth_mult: f64, dropout: f64, num_classes: usize) -> Self {
        let scaled = |channels: usize| make_divisible(channels as f64 * width_mult, 8);
        let stages: Vec<Stage> = B0
            .iter()
            .map(|stage| Stage {
                in_channels: scaled(stage.in_channels),
                out_channels: scaled(stage.out_channels),
                blocks: (stage.blocks as f64 * depth_mult).ceil() as usize,
                ..*stage
            })
            .collect();
        let last_channel = 4 * scaled(320);
        Self { stages, last_channel, dropout, stochastic_depth_prob: 0.2, norm: Norm::default(), num_classes }
    }

    fn second(stages: &[Stage], dropout: f64, num_classes: usize) -> Self {
        Self {
            stages: stages.to_vec(),
            last_channel: 1280,
            dropout,
            stochastic_depth_prob: 0.2,
            norm: Norm { eps: 1e-3, momentum: 0.1 },
            num_classes,
        }
    }
}

/// To more channels, convolutions there, and back to few, beside a shortcut where the shapes agree.
#[derive(Module)]
struct MbConv {
    block: Sequential,
    stochastic_depth: StochasticDepth,
    #[module(skip)]
    shortcut: bool,
}

impl MbConv {
    fn new(stage: &Stage, drop: f64, norm: Norm) -> Result<Self> {
        let &Stage { fused, expansion, kernel, stride, in_channels, out_channels, .. } = stage;
        let make = |from, to, kernel| {
            ConvNormActivation::builder(from, to, kernel).norm(norm).activation(Some(Activation::Silu))
        };
        let expanded = make_divisible((in_channels * expansion) as f64, 8);
        let mut block = Sequential::new();
        if fused && expanded == in_channels {
            block = block.push(make(in_channels, out_channels, kernel).stride(stride).build()?);
        } else {
            if fused {
                block = block.push(make(in_channels, expanded, kernel).stride(stride).build()?);
            } else {
                if expanded != in_channels {
                    block = block.push(make(in_channels, expanded, 1).build()?);
                }
                let squeezed = (in_channels / 4).max(1);
                block = block
                    .push(make(expanded, expanded, kernel).stride(stride).groups(expanded).build()?)
                    .push(SqueezeExcitation::new(expanded, squeezed, Activation::Silu, Activation::Sigmoid)?);
            }
            block = block.push(make(expanded, out_channels, 1).activation(None).build()?);
        }
        let shortcut = stride == 1 && in_channels == out_channels;
        Ok(Self { block, stochastic_depth: StochasticDepth::new(drop), shortcut })
    }
}

impl Forward for MbConv {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let output = self.block.forward(input)?;
        if self.shortcut { self.stochastic_depth.forward(&output)?.add(input) } else { Ok(output) }
    }
}

/// Images `(N, 3, H, W)` to scores `(N, num_classes)`.
#[derive(Module)]
pub struct EfficientNet {
    features: Sequential,
    classifier: Sequential,
}

impl EfficientNet {
    /// Makes the network.
    ///
    /// # Errors
    /// If there is no stage, or not enough memory.
    pub fn new(config: &EfficientNetConfig) -> Result<Self> {
        let (Some(first), Some(last)) = (config.stages.first(), config.stages.last()) else {
            return Err(flambeau_tensor::Error::value("The inverted_residual_setting should not be empty"));
        };
        let make = |from, to, kernel| {
            ConvNormActivation::builder(from, to, kernel).norm(config.norm).activation(Some(Activation::Silu))
        };
        let mut features = Sequential::new().push(make(3, first.in_channels, 3).stride(2).build()?);
        let blocks: usize = config.stages.iter().map(|stage| stage.blocks).sum();
        let mut number = 0;
        for stage in &config.stages {
            let mut layers = Sequential::new();
            for position in 0..stage.blocks {
                let later = Stage { in_channels: stage.out_channels, stride: 1, ..*stage };
                let drop = config.stochastic_depth_prob * number as f64 / blocks as f64;
                layers = layers.push(MbConv::new(if position == 0 { stage } else { &later }, drop, config.norm)?);
                number += 1;
            }
            features = features.push(layers);
        }
        features = features.push(make(last.out_channels, config.last_channel, 1).build()?);
        let classifier = Sequential::new()
            .push(Dropout::new(config.dropout))
            .push(Linear::new(config.last_channel, config.num_classes)?);
        let network = Self { features, classifier };
        let plan = Plan { convolutions: Draw::Kaiming(Fan::Out), linear: Draw::WithinOutputs, zero_biases: true };
        initialize(&network, plan)?;
        Ok(network)
    }
}

impl Forward for EfficientNet {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let x = adaptive_avg_pool2d(&self.features.forward(input)?, 1)?;
        self.classifier.forward(&x.flatten(1, -1)?)
    }
}

/// TensorFlow's constants, with which the weights of B5 and above were trained.
const TENSORFLOW: Norm = Norm { eps: 0.001, momentum: 0.01 };
/// PyTorch's own.
const PYTORCH: Norm = Norm { eps: 1e-5, momentum: 0.1 };

macro_rules! scaled {
    ($($name:ident, $number:literal: $width:literal, $depth:literal, $dropout:literal, $norm:ident;)*) => {$(
        #[doc = concat!("EfficientNet B", $number, ".")]
        ///
        /// # Errors
        /// If there is not enough memory.
        pub fn $name(num_classes: usize) -> Result<EfficientNet> {
            let config = EfficientNetConfig::scaled($width, $depth, $dropout, num_classes);
            EfficientNet::new(&EfficientNetConfig { norm: $norm, ..config })
        }
    )*};
}

scaled! {
    efficientnet_b0, 0: 1.0, 1.0, 0.2, PYTORCH;
    efficientnet_b1, 1: 1.0, 1.1, 0.2, PYTORCH;
    efficientnet_b2, 2: 1.1, 1.2, 0.3, PYTORCH;
    efficientnet_b3, 3: 1.2, 1.4, 0.3, PYTORCH;
    efficientnet_b4, 4: 1.4, 1.8, 0.4, PYTORCH;
    efficientnet_b5, 5: 1.6, 2.2, 0.4, TENSORFLOW;
    efficientnet_b6, 6: 1.8, 2.6, 0.5, TENSORFLOW;
    efficientnet_b7, 7: 2.0, 3.1, 0.5, TENSORFLOW;
}

macro_rules! second {
    ($($name:ident, $size:literal: $stages:ident, $dropout:literal;)*) => {$(
        #[doc = concat!("EfficientNet of version 2, size ", $size, ".")]
        ///
        /// # Errors
        /// If there is not enough memory.
        pub fn $name(num_classes: usize) -> Result<EfficientNet> {
            EfficientNet::new(&EfficientNetConfig::second(&$stages, $dropout, num_classes))
        }
    )*};
}

second! {
    efficientnet_v2_s, "S": V2_S, 0.2;
    efficientnet_v2_m, "M": V2_M, 0.3;
    efficientnet_v2_l, "L": V2_L, 0.4;
}
