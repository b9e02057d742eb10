//! EfficientNet-lite: no squeeze and excitation, ReLU6, and the first and last stages at a fixed size.
//!
//! torchvision has no such networks. The keys of state dicts are those of the checkpoints that were converted from
//! TensorFlow, and so are the paddings; images are prepared as `(x - 127) / 128` from bytes.
//!
//! Source: R. Liu, "Higher accuracy on vision models with EfficientNet-Lite", 2020.

use super::efficientnet::B0;
use crate::ops::{Norm, StochasticDepth, make_divisible};
use flambeau_nn::functional::adaptive_avg_pool2d;
use flambeau_nn::modules::{BatchNorm2d, Conv2d, Dropout, Linear};
use flambeau_nn::{Forward, Module};
use flambeau_tensor::ops::PadMode;
use flambeau_tensor::{Result, Tensor};

const NORM: Norm = Norm { eps: 1e-3, momentum: 0.01 };

/// What an [`EfficientNetLite`] is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EfficientNetLiteConfig {
    /// Multiplies the channels of the stages, which are rounded to multiples of 8.
    pub width_mult: f64,
    /// Multiplies the blocks of the stages but the first and the last.
    pub depth_mult: f64,
    /// The share that is left out before the scores.
    pub dropout: f64,
    /// With which probability the last block is left out; it grows from 0.
    pub stochastic_depth_prob: f64,
    /// Scores.
    pub num_classes: usize,
}

/// Zeros around an image as TensorFlow puts them: the output has `ceil(size / stride)` pixels, and an odd pixel of
/// padding goes to the right and to the bottom.
fn pad_same(input: &Tensor, kernel: usize, stride: usize) -> Result<Tensor> {
    let shape = input.shape();
    let mut sides = Vec::with_capacity(4);
    for &size in shape.iter().rev().take(2) {
        let total = ((size.div_ceil(stride).max(1) - 1) * stride + kernel).saturating_sub(size) as isize;
        sides.extend([total / 2, total - total / 2]);
    }
    if sides.iter().all(|&side| side == 0) { Ok(input.clone()) } else { input.pad(&sides, PadMode::Zeros) }
}

/// To more channels, a depthwise convolution there, and back to few, beside a shortcut where the shapes agree.
#[derive(Module)]
struct Block {
    #[module(rename = "_expand_conv")]
    expand_conv: Option<Conv2d>,
    #[module(rename = "_bn0")]
    bn0: Option<BatchNorm2d>,
    #[module(rename = "_depthwise_conv")]
    depthwise_conv: Conv2d,
    #[module(rename = "_bn1")]
    bn1: BatchNorm2d,
    #[module(rename = "_project_conv")]
    project_conv: Conv2d,
    #[module(rename = "_bn2")]
    bn2: BatchNorm2d,
    depth: StochasticDepth,
    #[module(skip)]
    kernel: usize,
    #[module(skip)]
    stride: usize,
    #[module(skip)]
    shortcut: bool,
}

impl Forward for Block {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let mut x = input.clone();
        if let (Some(conv), Some(norm)) = (&self.expand_conv, &self.bn0) {
            x = norm.forward(&conv.forward(&x)?)?.relu6()?;
        }
        x = self.depthwise_conv.forward(&pad_same(&x, self.kernel, self.stride)?)?;
        x = self.project_conv.forward(&self.bn1.forward(&x)?.relu6()?)?;
        x = self.bn2.forward(&x)?;
        if self.shortcut { self.depth.forward(&x)?.add(input) } else { Ok(x) }
    }
}

/// Images `(N, 3, H, W)` to scores `(N, num_classes)`.
#[derive(Module)]
pub struct EfficientNetLite {
    #[module(rename = "_conv_stem")]
    conv_stem: Conv2d,
    #[module(rename = "_bn0")]
    bn0: BatchNorm2d,
    #[module(rename = "_blocks")]
    blocks: Vec<Block>,
    #[module(rename = "_conv_head")]
    conv_head: Conv2d,
    #[module(rename = "_bn1")]
    bn1: BatchNorm2d,
    dropout: Dropout,
    #[module(rename = "_fc")]
    fc: Linear,
}

impl EfficientNetLite {
    /// Makes the network.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn new(config: &EfficientNetLiteConfig) -> Result<Self> {
        let pointwise = |from, to| Conv2d::builder(from, to, 1).bias(false).build();
        let conv_stem = Conv2d::builder(3, 32, 3).stride(2).bias(false).build()?;
        let depth = |position: usize, blocks: usize| {
            let fixed = position == 0 || position + 1 == B0.len();
            if fixed { blocks } else { (blocks as f64 * config.depth_mult).ceil() as usize }
        };
        let total: usize = B0.iter().enumerate().map(|(position, stage)| depth(position, stage.blocks)).sum();
        let (mut blocks, mut channels) = (Vec::with_capacity(total), 32);
        for (position, stage) in B0.iter().enumerate() {
            let width = make_divisible(stage.out_channels as f64 * config.width_mult, 8);
            for number in 0..depth(position, stage.blocks) {
                let stride = if number == 0 { stage.stride } else { 1 };
                let expanded = channels * stage.expansion;
                let expands = stage.expansion != 1;
                blocks.push(Block {
                    expand_conv: expands.then(|| pointwise(channels, expanded)).transpose()?,
                    bn0: expands.then(|| NORM.layer(expanded)).transpose()?,
                    depthwise_conv: Conv2d::builder(expanded, expanded, stage.kernel)
                        .stride(stride)
                        .groups(expanded)
                        .bias(false)
                        .build()?,
                    bn1: NORM.layer(expanded)?,
                    project_conv: pointwise(expanded, width)?,
                    bn2: NORM.layer(width)?,
                    depth: StochasticDepth::new(config.stochastic_depth_prob * blocks.len() as f64 / total as f64),
                    kernel: stage.kernel,
                    stride,
                    shortcut: stride == 1 && channels == width,
                });
                channels = width;
            }
        }
        Ok(Self {
            conv_stem,
            bn0: NORM.layer(32)?,
            blocks,
            conv_head: pointwise(channels, 1280)?,
            bn1: NORM.layer(1280)?,
            dropout: Dropout::new(config.dropout),
            fc: Linear::new(1280, config.num_classes)?,
        })
    }
}

impl Forward for EfficientNetLite {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let mut x = self.bn0.forward(&self.conv_stem.forward(&pad_same(input, 3, 2)?)?)?.relu6()?;
        for block in &self.blocks {
            x = block.forward(&x)?;
        }
        x = self.bn1.forward(&self.conv_head.forward(&x)?)?.relu6()?;
        x = adaptive_avg_pool2d(&x, 1)?.flatten(1, -1)?;
        self.fc.forward(&self.dropout.forward(&x)?)
    }
}

macro_rules! scaled {
    ($($name:ident, $number:literal: $width_mult:literal, $depth_mult:literal, $dropout:literal;)*) => {$(
        #[doc = concat!("EfficientNet-lite ", $number, ".")]
        ///
        /// # Errors
        /// If there is not enough memory.
        pub fn $name(num_classes: usize) -> Result<EfficientNetLite> {
            EfficientNetLite::new(&EfficientNetLiteConfig {
                width_mult: $width_mult,
                depth_mult: $depth_mult,
                dropout: $dropout,
                stochastic_depth_prob: 0.2,
                num_classes,
            })
        }
    )*};
}

scaled! {
    efficientnet_lite0, 0: 1.0, 1.0, 0.2;
    efficientnet_lite1, 1: 1.0, 1.1, 0.2;
    efficientnet_lite2, 2: 1.1, 1.2, 0.3;
    efficientnet_lite3, 3: 1.2, 1.4, 0.3;
    efficientnet_lite4, 4: 1.4, 1.8, 0.3;
}
