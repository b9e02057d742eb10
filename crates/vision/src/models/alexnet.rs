//! AlexNet.
//!
//! Source: A. Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014.

use flambeau_nn::functional::{Pool2dOptions, adaptive_avg_pool2d};
use flambeau_nn::modules::{Conv2d, Dropout, Linear, MaxPool2d, Relu, Sequential};
use flambeau_nn::{Forward, Module};
use flambeau_tensor::{Result, Tensor};

/// Out channels, kernel, stride and padding of each convolution, and whether pooling follows.
const CONVOLUTIONS: [(usize, usize, usize, usize, bool); 5] =
    [(64, 11, 4, 2, true), (192, 5, 1, 2, true), (384, 3, 1, 1, false), (256, 3, 1, 1, false), (256, 3, 1, 1, true)];

/// Images `(N, 3, H, W)` of at least 63 pixels to scores `(N, num_classes)`.
#[derive(Module)]
pub struct AlexNet {
    features: Sequential,
    classifier: Sequential,
}

impl AlexNet {
    /// Makes the network; `dropout` is PyTorch's 0.5 by default.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn new(num_classes: usize, dropout: f64) -> Result<Self> {
        let (mut features, mut channels) = (Sequential::new(), 3);
        for (out_channels, kernel, stride, padding, pooled) in CONVOLUTIONS {
            let conv = Conv2d::builder(channels, out_channels, kernel).stride(stride).padding(padding).build()?;
            features = features.push(conv).push(Relu);
            if pooled {
                features = features.push(MaxPool2d::with_options(Pool2dOptions::new(3).stride(2)));
            }
            channels = out_channels;
        }
        let classifier = Sequential::new()
            .push(Dropout::new(dropout))
            .push(Linear::new(256 * 6 * 6, 4096)?)
            .push(Relu)
            .push(Dropout::new(dropout))
            .push(Linear::new(4096, 4096)?)
            .push(Relu)
            .push(Linear::new(4096, num_classes)?);
        Ok(Self { features, classifier })
    }
}

impl Forward for AlexNet {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let x = adaptive_avg_pool2d(&self.features.forward(input)?, 6)?;
        self.classifier.forward(&x.flatten(1, -1)?)
    }
}

/// AlexNet.
///
/// # Errors
/// If there is not enough memory.
pub fn alexnet(num_classes: usize) -> Result<AlexNet> {
    AlexNet::new(num_classes, 0.5)
}
