//! GoogLeNet.
//!
//! Source: C. Szegedy et al., "Going deeper with convolutions", 2015.

use super::inception::{BasicConv2d, convolution, transform_input};
use super::init::{Draw, Plan, initialize};
use flambeau_nn::functional::{Pool2dOptions, adaptive_avg_pool2d, max_pool2d_with};
use flambeau_nn::modules::{Dropout, Linear, MaxPool2d, Sequential};
use flambeau_nn::{Forward, Module, Training};
use flambeau_tensor::ops::cat;
use flambeau_tensor::{Result, Tensor};

/// What a [`GoogLeNet`] is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GoogLeNetConfig {
    /// Scores.
    pub num_classes: usize,
    /// Whether there are two more heads in the middle, for training.
    pub aux_logits: bool,
    /// Whether images come with ImageNet's means and deviations, and the weights want 0.5 for all of them.
    pub transform_input: bool,
    /// The share that is left out before the scores.
    pub dropout: f64,
    /// The same in the heads in the middle.
    pub dropout_aux: f64,
}

/// What [`GoogLeNet::forward_with_auxiliary`] gives.
#[derive(Clone, Debug)]
pub struct GoogLeNetOutputs {
    /// Scores `(N, num_classes)`.
    pub logits: Tensor,
    /// Scores of the second head in the middle, in training.
    pub aux_logits2: Option<Tensor>,
    /// Scores of the first head in the middle, in training.
    pub aux_logits1: Option<Tensor>,
}

/// Four branches side by side.
#[derive(Module)]
struct Inception {
    branch1: BasicConv2d,
    branch2: Sequential,
    branch3: Sequential,
    branch4: Sequential,
}

impl Inception {
    /// Channels: in; 1x1; 1x1 then 3x3; 1x1 then 3x3 again (a 5x5 in the paper); pooling then 1x1.
    fn new([input, one, reduced3, three, reduced5, five, pooled]: [usize; 7]) -> Result<Self> {
        let pair = |reduced, channels| -> Result<Sequential> {
            Ok(Sequential::new().push(convolution(input, reduced, 1)?).push(BasicConv2d::same(reduced, channels, 3)?))
        };
        let pool = MaxPool2d::with_options(Pool2dOptions::new(3).stride(1).padding(1).ceil_mode(true));
        Ok(Self {
            branch1: convolution(input, one, 1)?,
            branch2: pair(reduced3, three)?,
            branch3: pair(reduced5, five)?,
            branch4: Sequential::new().push(pool).push(convolution(input, pooled, 1)?),
        })
    }
}

impl Forward for Inception {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let branches = [
            self.branch1.forward(x)?,
            self.branch2.forward(x)?,
            self.branch3.forward(x)?,
            self.branch4.forward(x)?,
        ];
        cat(&branches.iter().collect::<Vec<_>>(), 1)
    }
}

/// A head in the middle of the network, which only training uses.
#[derive(Module)]
struct Auxiliary {
    conv: BasicConv2d,
    fc1: Linear,
    fc2: Linear,
    dropout: Dropout,
}

impl Auxiliary {
    fn new(channels: usize, num_classes: usize, dropout: f64) -> Result<Self> {
        Ok(Self {
            conv: convolution(channels, 128, 1)?,
            fc1: Linear::new(2048, 1024)?,
            fc2: Linear::new(1024, num_classes)?,
            dropout: Dropout::new(dropout),
        })
    }
}

impl Forward for Auxiliary {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let x = self.conv.forward(&adaptive_avg_pool2d(input, 4)?)?.flatten(1, -1)?;
        let x = self.fc1.forward(&x)?.relu()?;
        self.fc2.forward(&self.dropout.forward(&x)?)
    }
}

/// Images `(N, 3, H, W)` to scores `(N, num_classes)`.
#[derive(Module)]
pub struct GoogLeNet {
    conv1: BasicConv2d,
    conv2: BasicConv2d,
    conv3: BasicConv2d,
    inception3a: Inception,
    inception3b: Inception,
    inception4a: Inception,
    inception4b: Inception,
    inception4c: Inception,
    inception4d: Inception,
    inception4e: Inception,
    inception5a: Inception,
    inception5b: Inception,
    aux1: Option<Auxiliary>,
    aux2: Option<Auxiliary>,
    dropout: Dropout,
    fc: Linear,
    training: Training,
    #[module(skip)]
    transform_input: bool,
}

impl GoogLeNet {
    /// Makes the network.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn new(config: &GoogLeNetConfig) -> Result<Self> {
        let head = |channels| {
            config.aux_logits.then(|| Auxiliary::new(channels, config.num_classes, config.dropout_aux)).transpose()
        };
        let network = Self {
            conv1: BasicConv2d::strided(3, 64, 7, 2, 3)?,
            conv2: convolution(64, 64, 1)?,
            conv3: BasicConv2d::same(64, 192, 3)?,
            inception3a: Inception::new([192, 64, 96, 128, 16, 32, 32])?,
            inception3b: Inception::new([256, 128, 128, 192, 32, 96, 64])?,
            inception4a: Inception::new([480, 192, 96, 208, 16, 48, 64])?,
            inception4b: Inception::new([512, 160, 112, 224, 24, 64, 64])?,
            inception4c: Inception::new([512, 128, 128, 256, 24, 64, 64])?,
            inception4d: Inception::new([512, 112, 144, 288, 32, 64, 64])?,
            inception4e: Inception::new([528, 256, 160, 320, 32, 128, 128])?,
            inception5a: Inception::new([832, 256, 160, 320, 32, 128, 128])?,
            inception5b: Inception::new([832, 384, 192, 384, 48, 128, 128])?,
            aux1: head(512)?,
            aux2: head(528)?,
            dropout: Dropout::new(config.dropout),
            fc: Linear::new(1024, config.num_classes)?,
            training: Training::default(),
            transform_input: config.transform_input,
        };
        let plan = Plan { convolutions: Draw::Truncated(0.01), linear: Draw::Truncated(0.01), zero_biases: false };
        initialize(&network, plan)?;
        Ok(network)
    }

    /// The scores, and in training those of the heads in the middle.
    ///
    /// # Errors
    /// If the input is no image of three channels.
    pub fn forward_with_auxiliary(&self, input: &Tensor) -> Result<GoogLeNetOutputs> {
        let pool = |x: &Tensor, size: usize| max_pool2d_with(x, &Pool2dOptions::new(size).stride(2).ceil_mode(true));
        let middle = |head: &Option<Auxiliary>, x: &Tensor| {
            head.as_ref().filter(|_| self.training.get()).map(|head| head.forward(x)).transpose()
        };
        let x = if self.transform_input { transform_input(input)? } else { input.clone() };
        let x = pool(&self.conv1.forward(&x)?, 3)?;
        let x = pool(&self.conv3.forward(&self.conv2.forward(&x)?)?, 3)?;
        let x = pool(&self.inception3b.forward(&self.inception3a.forward(&x)?)?, 3)?;
        let x = self.inception4a.forward(&x)?;
        let aux_logits1 = middle(&self.aux1, &x)?;
        let x = self.inception4c.forward(&self.inception4b.forward(&x)?)?;
        let x = self.inception4d.forward(&x)?;
        let aux_logits2 = middle(&self.aux2, &x)?;
        let x = pool(&self.inception4e.forward(&x)?, 2)?;
        let x = self.inception5b.forward(&self.inception5a.forward(&x)?)?;
        let x = self.dropout.forward(&adaptive_avg_pool2d(&x, 1)?.flatten(1, -1)?)?;
        Ok(GoogLeNetOutputs { logits: self.fc.forward(&x)?, aux_logits2, aux_logits1 })
    }
}

impl Forward for GoogLeNet {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        Ok(self.forward_with_auxiliary(input)?.logits)
    }
}

/// GoogLeNet, with its heads for training.
///
/// # Errors
/// If there is not enough memory.
pub fn googlenet(num_classes: usize) -> Result<GoogLeNet> {
    GoogLeNet::new(&GoogLeNetConfig {
        num_classes,
        aux_logits: true,
        transform_input: false,
        dropout: 0.2,
        dropout_aux: 0.7,
    })
}
