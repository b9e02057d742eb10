//! SqueezeNet.
//!
//! Source: F. Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters", 2016.

use flambeau_nn::functional::{Pool2dOptions, adaptive_avg_pool2d};
use flambeau_nn::init::{Fan, Nonlinearity, constant_, kaiming_uniform_, normal_};
use flambeau_nn::modules::{Conv2d, Dropout, MaxPool2d, Relu, Sequential};
use flambeau_nn::{Forward, Module};
use flambeau_tensor::ops::cat;
use flambeau_tensor::{Result, Tensor};

/// Channels after the squeeze, and of each half of the expansion, of the eight fire modules.
const FIRES: [(usize, usize); 8] =
    [(16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256)];

/// A 1x1 convolution to few channels, then 1x1 and 3x3 convolutions side by side.
#[derive(Debug, Module)]
struct Fire {
    squeeze: Conv2d,
    expand1x1: Conv2d,
    expand3x3: Conv2d,
}

impl Forward for Fire {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let x = self.squeeze.forward(input)?.relu()?;
        cat(&[&self.expand1x1.forward(&x)?.relu()?, &self.expand3x3.forward(&x)?.relu()?], 1)
    }
}

/// Images `(N, 3, H, W)` of at least 21 pixels to scores `(N, num_classes)`.
#[derive(Module)]
pub struct SqueezeNet {
    features: Sequential,
    classifier: Sequential,
}

/// The first convolution, and before which fire modules pooling goes.
struct Version {
    channels: usize,
    kernel: usize,
    pooled: [usize; 3],
}

impl SqueezeNet {
    fn new(version: &Version, num_classes: usize) -> Result<Self> {
        let mut channels = version.channels;
        let mut features =
            Sequential::new().push(Conv2d::builder(3, channels, version.kernel).stride(2).build()?).push(Relu);
        for (position, (squeezed, expanded)) in FIRES.into_iter().enumerate() {
            if version.pooled.contains(&position) {
                features = features.push(MaxPool2d::with_options(Pool2dOptions::new(3).stride(2).ceil_mode(true)));
            }
            features = features.push(Fire {
                squeeze: Conv2d::new(channels, squeezed, 1)?,
                expand1x1: Conv2d::new(squeezed, expanded, 1)?,
                expand3x3: Conv2d::builder(squeezed, expanded, 3).padding(1).build()?,
            });
            channels = 2 * expanded;
        }
        let classifier =
            Sequential::new().push(Dropout::new(0.5)).push(Conv2d::new(channels, num_classes, 1)?).push(Relu);
        let network = Self { features, classifier };
        for (name, parameter) in network.named_parameters() {
            if name.ends_with("bias") {
                constant_(&parameter, 0.0)?;
            } else if name.starts_with("classifier") {
                normal_(&parameter, 0.0, 0.01)?;
            } else {
                kaiming_uniform_(&parameter, Fan::In, Nonlinearity::LeakyRelu(0.0))?;
            }
        }
        Ok(network)
    }
}

impl Forward for SqueezeNet {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        adaptive_avg_pool2d(&self.classifier.forward(&self.features.forward(input)?)?, 1)?.flatten(1, -1)
    }
}

/// SqueezeNet 1.0.
///
/// # Errors
/// If there is not enough memory.
pub fn squeezenet1_0(num_classes: usize) -> Result<SqueezeNet> {
    SqueezeNet::new(&Version { channels: 96, kernel: 7, pooled: [0, 3, 7] }, num_classes)
}

/// SqueezeNet 1.1: smaller images earlier, so less work.
///
/// # Errors
/// If there is not enough memory.
pub fn squeezenet1_1(num_classes: usize) -> Result<SqueezeNet> {
    SqueezeNet::new(&Version { channels: 64, kernel: 3, pooled: [0, 2, 4] }, num_classes)
}
