//! The network that reads digits.

use flambeau::data::digits::{CLASSES, SIZE};
use flambeau::prelude::*;

/// Two convolutions, each with ReLU and pooling, and a linear layer: images `(N, 1, 8, 8)` to one
/// score for each digit, `(N, 10)`.
#[derive(flambeau::nn::Module)]
pub struct DigitNet {
    conv1: Conv2d,
    conv2: Conv2d,
    linear: Linear,
}

impl DigitNet {
    /// A network with PyTorch's initial weights for the seed that is set.
    pub fn new() -> Result<Self> {
        Ok(Self {
            conv1: Conv2d::builder(1, 16, 3).padding(1).build()?,
            conv2: Conv2d::builder(16, 32, 3).padding(1).build()?,
            linear: Linear::new(32 * (SIZE / 4) * (SIZE / 4), CLASSES)?,
        })
    }
}

impl Forward for DigitNet {
    fn forward(&self, images: &Tensor) -> Result<Tensor> {
        let x = functional::max_pool2d(&self.conv1.forward(images)?.relu()?, 2)?;
        let x = functional::max_pool2d(&self.conv2.forward(&x)?.relu()?, 2)?;
        self.linear.forward(&x.flatten(1, -1)?)
    }
}
