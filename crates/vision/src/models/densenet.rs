//! DenseNet-BC.
//!
//! Source: G. Huang et al., "Densely connected convolutional networks", 2017.

use super::init::{Draw, Plan, initialize};
use crate::ops::NamedSequential;
use flambeau_nn::functional::{Pool2dOptions, adaptive_avg_pool2d};
use flambeau_nn::init::Fan;
use flambeau_nn::modules::{AvgPool2d, BatchNorm2d, Conv2d, Linear, MaxPool2d, Relu};
use flambeau_nn::{Forward, Module, Path, Training, Visitor};
use flambeau_tensor::ops::cat;
use flambeau_tensor::{Result, Tensor};

/// What a [`DenseNet`] is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DenseNetConfig {
    /// Channels that each layer adds.
    pub growth_rate: usize,
    /// Layers of each block.
    pub block_config: [usize; 4],
    /// Channels of the first convolution.
    pub num_init_features: usize,
    /// Channels of a layer's bottleneck, as a multiple of the growth rate.
    pub bn_size: usize,
    /// The share of a layer's output that is left out in training.
    pub drop_rate: f64,
    /// Scores.
    pub num_classes: usize,
}

#[derive(Module)]
struct DenseLayer {
    norm1: BatchNorm2d,
    conv1: Conv2d,
    norm2: BatchNorm2d,
    conv2: Conv2d,
    training: Training,
    #[module(skip)]
    drop_rate: f64,
}

impl Forward for DenseLayer {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let x = self.conv1.forward(&self.norm1.forward(input)?.relu()?)?;
        let x = self.conv2.forward(&self.norm2.forward(&x)?.relu()?)?;
        if self.drop_rate > 0.0 { x.dropout(self.drop_rate, self.training.get()) } else { Ok(x) }
    }
}

/// Layers that each see the outputs of all before them.
struct DenseBlock(Vec<DenseLayer>);

impl Module for DenseBlock {
    fn visit(&self, path: &Path<'_>, visitor: &mut dyn Visitor) {
        for (position, layer) in self.0.iter().enumerate() {
            layer.visit(&path.child(&format!("denselayer{}", position + 1)), visitor);
        }
    }
}

impl Forward for DenseBlock {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let mut features = vec![input.clone()];
        for layer in &self.0 {
            let output = layer.forward(&cat(&features.iter().collect::<Vec<_>>(), 1)?)?;
            features.push(output);
        }
        cat(&features.iter().collect::<Vec<_>>(), 1)
    }
}

/// Images `(N, 3, H, W)` to scores `(N, num_classes)`.
#[derive(Module)]
pub struct DenseNet {
    features: NamedSequential,
    classifier: Linear,
}

impl DenseNet {
    /// Makes the network.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn new(config: &DenseNetConfig) -> Result<Self> {
        let &DenseNetConfig { growth_rate, bn_size, drop_rate, .. } = config;
        let bottleneck = bn_size * growth_rate;
        let pointwise = |from, to| Conv2d::builder(from, to, 1).bias(false).build();
        let mut channels = config.num_init_features;
        let mut features = NamedSequential::new()
            .push("conv0", Conv2d::builder(3, channels, 7).stride(2).padding(3).bias(false).build()?)
            .push("norm0", BatchNorm2d::new(channels)?)
            .push("relu0", Relu)
            .push("pool0", MaxPool2d::with_options(Pool2dOptions::new(3).stride(2).padding(1)));
        for (number, &layers) in config.block_config.iter().enumerate() {
            let layer = |position: usize| {
                let seen = channels + position * growth_rate;
                Ok(DenseLayer {
                    norm1: BatchNorm2d::new(seen)?,
                    conv1: pointwise(seen, bottleneck)?,
                    norm2: BatchNorm2d::new(bottleneck)?,
                    conv2: Conv2d::builder(bottleneck, growth_rate, 3).padding(1).bias(false).build()?,
                    training: Training::default(),
                    drop_rate,
                })
            };
            let block = DenseBlock((0..layers).map(layer).collect::<Result<_>>()?);
            features = features.push(format!("denseblock{}", number + 1), block);
            channels += layers * growth_rate;
            if number + 1 != config.block_config.len() {
                let transition = NamedSequential::new()
                    .push("norm", BatchNorm2d::new(channels)?)
                    .push("relu", Relu)
                    .push("conv", pointwise(channels, channels / 2)?)
                    .push("pool", AvgPool2d::new(2));
                features = features.push(format!("transition{}", number + 1), transition);
                channels /= 2;
            }
        }
        features = features.push("norm5", BatchNorm2d::new(channels)?);
        let network = Self { features, classifier: Linear::new(channels, config.num_classes)? };
        let plan = Plan { convolutions: Draw::Kaiming(Fan::In), linear: Draw::Keep, zero_biases: true };
        initialize(&network, plan)?;
        Ok(network)
    }
}

impl Forward for DenseNet {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let x = adaptive_avg_pool2d(&self.features.forward(input)?.relu()?, 1)?;
        self.classifier.forward(&x.flatten(1, -1)?)
    }
}

macro_rules! depths {
    ($($name:ident, $depth:literal: $growth_rate:literal, $block_config:expr, $num_init_features:literal;)*) => {$(
        #[doc = concat!("DenseNet-", $depth, ".")]
        ///
        /// # Errors
        /// If there is not enough memory.
        pub fn $name(num_classes: usize) -> Result<DenseNet> {
            DenseNet::new(&DenseNetConfig {
                growth_rate: $growth_rate,
                block_config: $block_config,
                num_init_features: $num_init_features,
                bn_size: 4,
                drop_rate: 0.0,
                num_classes,
            })
        }
    )*};
}

depths! {
    densenet121, 121: 32, [6, 12, 24, 16], 64;
    densenet161, 161: 48, [6, 12, 36, 24], 96;
    densenet169, 169: 32, [6, 12, 32, 32], 64;
    densenet201, 201: 32, [6, 12, 48, 32], 64;
}
