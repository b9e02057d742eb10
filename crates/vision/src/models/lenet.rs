//! LeNet-5 in the form of PyTorch's tutorial: ReLU and max pooling.
//!
//! Source: Y. LeCun et al., "Gradient-based learning applied to document recognition", 1998.

use flambeau_nn::modules::{Conv2d, Linear};
use flambeau_nn::{Forward, Module, functional};
use flambeau_tensor::{Result, Tensor};

/// Images `(N, in_channels, 32, 32)` to scores `(N, num_classes)`.
#[derive(Debug, Module)]
pub struct LeNet {
    conv1: Conv2d,
    conv2: Conv2d,
    fc1: Linear,
    fc2: Linear,
    fc3: Linear,
}

impl LeNet {
    /// Makes the network.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn new(num_classes: usize, in_channels: usize) -> Result<Self> {
        Ok(Self {
            conv1: Conv2d::new(in_channels, 6, 5)?,
            conv2: Conv2d::new(6, 16, 5)?,
            fc1: Linear::new(16 * 5 * 5, 120)?,
            fc2: Linear::new(120, 84)?,
            fc3: Linear::new(84, num_classes)?,
        })
    }
}

impl Forward for LeNet {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let x = functional::max_pool2d(&self.conv1.forward(input)?.relu()?, 2)?;
        let x = functional::max_pool2d(&self.conv2.forward(&x)?.relu()?, 2)?;
        let x = self.fc1.forward(&x.flatten(1, -1)?)?.relu()?;
        self.fc3.forward(&self.fc2.forward(&x)?.relu()?)
    }
}

/// LeNet-5 for grey images.
///
/// # Errors
/// If there is not enough memory.
pub fn lenet(num_classes: usize) -> Result<LeNet> {
    LeNet::new(num_classes, 1)
}
