//! ShuffleNet v2.
//!
//! Source: N. Ma et al., "ShuffleNet V2: practical guidelines for efficient CNN architecture design", 2018.

use flambeau_nn::functional::{Pool2dOptions, max_pool2d_with};
use flambeau_nn::modules::{BatchNorm2d, Conv2d, Linear, Relu, Sequential};
use flambeau_nn::{Forward, Module};
use flambeau_tensor::ops::cat;
use flambeau_tensor::{Result, Tensor};

/// Blocks of each stage.
const REPEATS: [usize; 3] = [4, 8, 4];

fn pointwise(layers: Sequential, from: usize, to: usize) -> Result<Sequential> {
    let conv = Conv2d::builder(from, to, 1).bias(false).build()?;
    Ok(layers.push(conv).push(BatchNorm2d::new(to)?).push(Relu))
}

fn depthwise(layers: Sequential, channels: usize, stride: usize) -> Result<Sequential> {
    let conv = Conv2d::builder(channels, channels, 3).stride(stride).padding(1).groups(channels).bias(false).build()?;
    Ok(layers.push(conv).push(BatchNorm2d::new(channels)?))
}

/// Two halves of the channels: one goes through convolutions, then the halves are interleaved.
#[derive(Module)]
struct InvertedResidual {
    branch1: Option<Sequential>,
    branch2: Sequential,
}

impl InvertedResidual {
    fn new(from: usize, to: usize, stride: usize) -> Result<Self> {
        let half = to / 2;
        let branch1 = if stride > 1 {
            Some(pointwise(depthwise(Sequential::new(), from, stride)?, from, half)?)
        } else {
            None
        };
        let seen = if stride > 1 { from } else { half };
        let branch2 = depthwise(pointwise(Sequential::new(), seen, half)?, half, stride)?;
        Ok(Self { branch1, branch2: pointwise(branch2, half, half)? })
    }
}

impl Forward for InvertedResidual {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let (kept, changed) = match &self.branch1 {
            Some(branch1) => (branch1.forward(input)?, self.branch2.forward(input)?),
            None => {
                let halves = input.chunk(2, 1)?;
                (halves[0].clone(), self.branch2.forward(&halves[1])?)
            }
        };
        cat(&[&kept, &changed], 1)?.channel_shuffle(2)
    }
}

/// Images `(N, 3, H, W)` to scores `(N, num_classes)`.
#[derive(Module)]
pub struct ShuffleNetV2 {
    conv1: Sequential,
    stage2: Vec<InvertedResidual>,
    stage3: Vec<InvertedResidual>,
    stage4: Vec<InvertedResidual>,
    conv5: Sequential,
    fc: Linear,
}

impl ShuffleNetV2 {
    /// Makes the network with these channels: of the stem, of three stages, and before the scores.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn new(channels: [usize; 5], num_classes: usize) -> Result<Self> {
        let [stem, two, three, four, last] = channels;
        let stage = |from: usize, to: usize, blocks: usize| -> Result<Vec<InvertedResidual>> {
            let block = |i| if i == 0 { InvertedResidual::new(from, to, 2) } else { InvertedResidual::new(to, to, 1) };
            (0..blocks).map(block).collect()
        };
        let conv = Conv2d::builder(3, stem, 3).stride(2).padding(1).bias(false).build()?;
        Ok(Self {
            conv1: Sequential::new().push(conv).push(BatchNorm2d::new(stem)?).push(Relu),
            stage2: stage(stem, two, REPEATS[0])?,
            stage3: stage(two, three, REPEATS[1])?,
            stage4: stage(three, four, REPEATS[2])?,
            conv5: pointwise(Sequential::new(), four, last)?,
            fc: Linear::new(last, num_classes)?,
        })
    }
}

impl Forward for ShuffleNetV2 {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let x = self.conv1.forward(input)?;
        let mut x = max_pool2d_with(&x, &Pool2dOptions::new(3).stride(2).padding(1))?;
        for block in self.stage2.iter().chain(&self.stage3).chain(&self.stage4) {
            x = block.forward(&x)?;
        }
        self.fc.forward(&self.conv5.forward(&x)?.mean_dims(&[2, 3], false, None)?)
    }
}

macro_rules! widths {
    ($($name:ident, $width:literal: $channels:expr;)*) => {$(
        #[doc = concat!("ShuffleNet v2 of width ", $width, ".")]
        ///
        /// # Errors
        /// If there is not enough memory.
        pub fn $name(num_classes: usize) -> Result<ShuffleNetV2> {
            ShuffleNetV2::new($channels, num_classes)
        }
    )*};
}

widths! {
    shufflenet_v2_x0_5, 0.5: [24, 48, 96, 192, 1024];
    shufflenet_v2_x1_0, 1.0: [24, 116, 232, 464, 1024];
    shufflenet_v2_x1_5, 1.5: [24, 176, 352, 704, 1024];
    shufflenet_v2_x2_0, 2.0: [24, 244, 488, 976, 2048];
}
