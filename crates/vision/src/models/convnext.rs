//! ConvNeXt.
//!
//! Source: Z. Liu et al., "A ConvNet for the 2020s", 2022.

use super::init::{Draw, Plan, initialize};
use crate::ops::{LayerNorm, Permute, StochasticDepth};
use flambeau_nn::functional::adaptive_avg_pool2d;
use flambeau_nn::modules::{Conv2d, Flatten, Gelu, Linear, Sequential};
use flambeau_nn::{Forward, Module, Parameter};
use flambeau_tensor::{Result, Tensor, get_default_dtype};

/// Added to the variance in all normalisations.
const EPS: f64 = 1e-6;

/// What a [`ConvNeXt`] is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConvNeXtConfig {
    /// Channels of each stage.
    pub widths: [usize; 4],
    /// Blocks of each stage.
    pub depths: [usize; 4],
    /// With which probability the last block is left out; it grows from 0.
    pub stochastic_depth_prob: f64,
    /// What each branch is multiplied by at first.
    pub layer_scale: f64,
    /// Scores.
    pub num_classes: usize,
}

/// A depthwise 7x7 convolution, then two linear layers for each pixel, beside a shortcut.
#[derive(Module)]
struct Block {
    layer_scale: Parameter,
    block: Sequential,
    stochastic_depth: StochasticDepth,
}

impl Block {
    fn new(channels: usize, layer_scale: f64, drop: f64) -> Result<Self> {
        let block = Sequential::new()
            .push(Conv2d::builder(channels, channels, 7).padding(3).groups(channels).build()?)
            .push(Permute(vec![0, 2, 3, 1]))
            .push(LayerNorm::new(channels, EPS)?)
            .push(Linear::new(channels, 4 * channels)?)
            .push(Gelu)
            .push(Linear::new(4 * channels, channels)?)
            .push(Permute(vec![0, 3, 1, 2]));
        let scale = Tensor::full([channels, 1, 1], layer_scale, get_default_dtype())?;
        Ok(Self { layer_scale: Parameter::new(&scale)?, block, stochastic_depth: StochasticDepth::new(drop) })
    }
}

impl Forward for Block {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let output = self.layer_scale.mul(&self.block.forward(input)?)?;
        self.stochastic_depth.forward(&output)?.add(input)
    }
}

/// Images `(N, 3, H, W)` of at least 32 pixels to scores `(N, num_classes)`.
#[derive(Module)]
pub struct ConvNeXt {
    features: Sequential,
    classifier: Sequential,
}

impl ConvNeXt {
    /// Makes the network.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn new(config: &ConvNeXtConfig) -> Result<Self> {
        let [first, .., last] = config.widths;
        let stem = Sequential::new()
            .push(Conv2d::builder(3, first, 4).stride(4).build()?)
            .push(LayerNorm::of_channels(first, EPS)?);
        let mut features = Sequential::new().push(stem);
        let (blocks, mut number) = (config.depths.iter().sum::<usize>(), 0);
        for (stage, (&width, &depth)) in config.widths.iter().zip(&config.depths).enumerate() {
            let mut layers = Sequential::new();
            for _ in 0..depth {
                let drop = config.stochastic_depth_prob * number as f64 / (blocks as f64 - 1.0);
                layers = layers.push(Block::new(width, config.layer_scale, drop)?);
                number += 1;
            }
            features = features.push(layers);
            if let Some(&next) = config.widths.get(stage + 1) {
                let halving = Sequential::new()
                    .push(LayerNorm::of_channels(width, EPS)?)
                    .push(Conv2d::builder(width, next, 2).stride(2).build()?);
                features = features.push(halving);
            }
        }
        let classifier = Sequential::new()
            .push(LayerNorm::of_channels(last, EPS)?)
            .push(Flatten::new())
            .push(Linear::new(last, config.num_classes)?);
        let network = Self { features, classifier };
        let plan = Plan { convolutions: Draw::Truncated(0.02), linear: Draw::Truncated(0.02), zero_biases: true };
        initialize(&network, plan)?;
        Ok(network)
    }
}

impl Forward for ConvNeXt {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        self.classifier.forward(&adaptive_avg_pool2d(&self.features.forward(input)?, 1)?)
    }
}

macro_rules! sizes {
    ($($name:ident, $size:literal: $width:literal, $depth:literal, $drop:literal;)*) => {$(
        #[doc = concat!("The ", $size, " ConvNeXt.")]
        ///
        /// # Errors
        /// If there is not enough memory.
        pub fn $name(num_classes: usize) -> Result<ConvNeXt> {
            ConvNeXt::new(&ConvNeXtConfig {
                widths: [$width, 2 * $width, 4 * $width, 8 * $width],
                depths: [3, 3, $depth, 3],
                stochastic_depth_prob: $drop,
                layer_scale: 1e-6,
                num_classes,
            })
        }
    )*};
}

sizes! {
    convnext_tiny, "tiny": 96, 9, 0.1;
    convnext_small, "small": 96, 27, 0.4;
    convnext_base, "base": 128, 27, 0.5;
    convnext_large, "large": 192, 27, 0.5;
}
