//! VGG.
//!
//! Source: K. Simonyan, A. Zisserman, "Very deep convolutional networks for large-scale image recognition", 2015.

use super::init::{Draw, Plan, initialize};
use flambeau_nn::functional::adaptive_avg_pool2d;
use flambeau_nn::init::Fan;
use flambeau_nn::modules::{BatchNorm2d, Conv2d, Dropout, Linear, MaxPool2d, Relu, Sequential};
use flambeau_nn::{Forward, Module};
use flambeau_tensor::{Result, Tensor};

/// Channels of the five stages; pooling follows each.
const CHANNELS: [usize; 5] = [64, 128, 256, 512, 512];

/// Images `(N, 3, H, W)` of at least 32 pixels to scores `(N, num_classes)`.
#[derive(Module)]
pub struct Vgg {
    features: Sequential,
    classifier: Sequential,
}

impl Vgg {
    /// Makes the network with so many convolutions in each stage; `dropout` is PyTorch's 0.5 by default.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn new(convolutions: [usize; 5], batch_norm: bool, num_classes: usize, dropout: f64) -> Result<Self> {
        let (mut features, mut channels) = (Sequential::new(), 3);
        for (out_channels, count) in CHANNELS.into_iter().zip(convolutions) {
            for _ in 0..count {
                features = features.push(Conv2d::builder(channels, out_channels, 3).padding(1).build()?);
                if batch_norm {
                    features = features.push(BatchNorm2d::new(out_channels)?);
                }
                features = features.push(Relu);
                channels = out_channels;
            }
            features = features.push(MaxPool2d::new(2));
        }
        let classifier = Sequential::new()
            .push(Linear::new(512 * 7 * 7, 4096)?)
            .push(Relu)
            .push(Dropout::new(dropout))
            .push(Linear::new(4096, 4096)?)
            .push(Relu)
            .push(Dropout::new(dropout))
            .push(Linear::new(4096, num_classes)?);
        let network = Self { features, classifier };
        let plan = Plan { convolutions: Draw::Kaiming(Fan::Out), linear: Draw::Normal(0.01), zero_biases: true };
        initialize(&network, plan)?;
        Ok(network)
    }
}

impl Forward for Vgg {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let x = adaptive_avg_pool2d(&self.features.forward(input)?, 7)?;
        self.classifier.forward(&x.flatten(1, -1)?)
    }
}

macro_rules! depths {
    ($($plain:ident, $normalized:ident, $depth:literal: $convolutions:expr;)*) => {$(
        #[doc = concat!("VGG-", $depth, ".")]
        ///
        /// # Errors
        /// If there is not enough memory.
        pub fn $plain(num_classes: usize) -> Result<Vgg> {
            Vgg::new($convolutions, false, num_classes, 0.5)
        }

        #[doc = concat!("VGG-", $depth, " with batch normalisation.")]
        ///
        /// # Errors
        /// If there is not enough memory.
        pub fn $normalized(num_classes: usize) -> Result<Vgg> {
            Vgg::new($convolutions, true, num_classes, 0.5)
        }
    )*};
}

depths! {
    vgg11, vgg11_bn, 11: [1, 1, 2, 2, 2];
    vgg13, vgg13_bn, 13: [2, 2, 2, 2, 2];
    vgg16, vgg16_bn, 16: [2, 2, 3, 3, 3];
    vgg19, vgg19_bn, 19: [2, 2, 4, 4, 4];
}
