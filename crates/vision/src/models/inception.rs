//! Inception v3, and what it shares with GoogLeNet.
//!
//! Source: C. Szegedy et al., "Rethinking the Inception architecture for computer vision", 2016.

use flambeau_nn::functional::{Pool2dOptions, adaptive_avg_pool2d, avg_pool2d_with, max_pool2d_with};
use flambeau_nn::init::trunc_normal_;
use flambeau_nn::modules::{BatchNorm2d, Conv2d, Dropout, Linear};
use flambeau_nn::{Forward, Module, Path, Training, Visitor};
use flambeau_tensor::ops::{cat, stack};
use flambeau_tensor::{Result, Tensor};

/// Convolution, batch normalisation, ReLU.
#[derive(Debug, Module)]
pub(super) struct BasicConv2d {
    conv: Conv2d,
    bn: BatchNorm2d,
}

impl BasicConv2d {
    fn new(from: usize, to: usize, kernel: [usize; 2], stride: usize, padding: [usize; 2]) -> Result<Self> {
        Ok(Self {
            conv: Conv2d::builder(from, to, kernel).stride(stride).padding(padding).bias(false).build()?,
            bn: BatchNorm2d::builder(to).eps(0.001).build()?,
        })
    }

    /// A square kernel with these options.
    pub fn strided(from: usize, to: usize, kernel: usize, stride: usize, padding: usize) -> Result<Self> {
        Self::new(from, to, [kernel; 2], stride, [padding; 2])
    }

    /// A square kernel that keeps the image's size.
    pub fn same(from: usize, to: usize, kernel: usize) -> Result<Self> {
        Self::strided(from, to, kernel, 1, kernel / 2)
    }
}

/// Without padding, at stride 1.
pub(super) fn convolution(from: usize, to: usize, kernel: usize) -> Result<BasicConv2d> {
    BasicConv2d::strided(from, to, kernel, 1, 0)
}

impl Forward for BasicConv2d {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        self.bn.forward(&self.conv.forward(input)?)?.relu()
    }
}

/// From ImageNet's means and deviations to those of the original networks, 0.5 each.
pub(super) fn transform_input(input: &Tensor) -> Result<Tensor> {
    let channels = input.unbind(1)?;
    let moments = [(0.485, 0.229), (0.456, 0.224), (0.406, 0.225)];
    let transformed: Vec<Tensor> = channels
        .iter()
        .zip(moments)
        .map(|(channel, (mean, std))| channel.mul(std / 0.5)?.add((mean - 0.5) / 0.5))
        .collect::<Result<_>>()?;
    stack(&transformed.iter().collect::<Vec<_>>(), 1)
}

/// What a branch begins with, beside its convolutions.
#[derive(Clone, Copy, PartialEq)]
enum Before {
    Nothing,
    Average,
}

/// A convolution of a branch.
#[derive(Clone, Copy)]
struct Step {
    channels: usize,
    kernel: [usize; 2],
    stride: usize,
}

/// Keeps the image's size.
const fn same(channels: usize, height: usize, width: usize) -> Step {
    Step { channels, kernel: [height, width], stride: 1 }
}

/// Halves the image, without padding.
const fn half(channels: usize) -> Step {
    Step { channels, kernel: [3, 3], stride: 2 }
}

impl Step {
    fn build(self, from: usize) -> Result<BasicConv2d> {
        let padding = if self.stride == 1 { self.kernel.map(|k| k / 2) } else { [0, 0] };
        BasicConv2d::new(from, self.channels, self.kernel, self.stride, padding)
    }
}

/// A branch: convolutions one after the other; the last two side by side where it is split.
struct Branch {
    before: Before,
    split: bool,
    layers: Vec<(String, BasicConv2d)>,
}

impl Branch {
    /// Convolutions are named `name_1`, `name_2`, … or just `name` if there is one; a split's are `name_2a` and `name_2b`.
    fn new(name: &'static str, input: usize, before: Before, steps: &[Step], split: bool) -> Result<Self> {
        let mut from = input;
        let last = steps.len() - usize::from(split);
        let mut layers = Vec::new();
        for (position, step) in steps.iter().enumerate() {
            let number = (position + 1).min(last);
            let half = match (split, position + 1 == last, position == last) {
                (true, true, _) => "a",
                (true, _, true) => "b",
                _ => "",
            };
            let part = if steps.len() == 1 { name.to_owned() } else { format!("{name}_{number}{half}") };
            layers.push((part, step.build(from)?));
            if half.is_empty() {
                from = step.channels;
            }
        }
        Ok(Self { before, split, layers })
    }

    fn forward(&self, input: &Tensor, outputs: &mut Vec<Tensor>) -> Result<()> {
        let mut x = match self.before {
            Before::Nothing => input.clone(),
            Before::Average => avg_pool2d_with(input, &Pool2dOptions::new(3).stride(1).padding(1))?,
        };
        let chain = self.layers.len() - if self.split { 2 } else { 0 };
        for (_, layer) in &self.layers[..chain] {
            x = layer.forward(&x)?;
        }
        if !self.split {
            outputs.push(x);
            return Ok(());
        }
        for (_, layer) in &self.layers[chain..] {
            outputs.push(layer.forward(&x)?);
        }
        Ok(())
    }
}

/// Branches side by side, and maximum pooling beside them where the image is halved.
struct Block {
    branches: Vec<Branch>,
    pooled: bool,
}

/// The branches of a block: name, convolutions, whether the last two are side by side. `branch_pool` begins with a mean.
type Table<'a> = &'a [(&'static str, &'a [Step], bool)];

impl Block {
    fn new(input: usize, table: Table<'_>, pooled: bool) -> Result<Self> {
        let branch = |&(name, steps, split): &(&'static str, &[Step], bool)| {
            let before = if name == "branch_pool" { Before::Average } else { Before::Nothing };
            Branch::new(name, input, before, steps, split)
        };
        Ok(Self { branches: table.iter().map(branch).collect::<Result<_>>()?, pooled })
    }

    /// At 35 pixels.
    fn a(input: usize, pool_features: usize) -> Result<Self> {
        let table: Table<'_> = &[
            ("branch1x1", &[same(64, 1, 1)], false),
            ("branch5x5", &[same(48, 1, 1), same(64, 5, 5)], false),
            ("branch3x3dbl", &[same(64, 1, 1), same(96, 3, 3), same(96, 3, 3)], false),
            ("branch_pool", &[same(pool_features, 1, 1)], false),
        ];
        Self::new(input, table, false)
    }

    /// From 35 pixels to 17.
    fn b(input: usize) -> Result<Self> {
        let table: Table<'_> = &[
            ("branch3x3", &[half(384)], false),
            ("branch3x3dbl", &[same(64, 1, 1), same(96, 3, 3), half(96)], false),
        ];
        Self::new(input, table, true)
    }

    /// At 17 pixels.
    fn c(input: usize, c: usize) -> Result<Self> {
        let long = [same(c, 1, 1), same(c, 7, 1), same(c, 1, 7), same(c, 7, 1), same(192, 1, 7)];
        let table: Table<'_> = &[
            ("branch1x1", &[same(192, 1, 1)], false),
            ("branch7x7", &[same(c, 1, 1), same(c, 1, 7), same(192, 7, 1)], false),
            ("branch7x7dbl", &long, false),
            ("branch_pool", &[same(192, 1, 1)], false),
        ];
        Self::new(input, table, false)
    }

    /// From 17 pixels to 8.
    fn d(input: usize) -> Result<Self> {
        let table: Table<'_> = &[
            ("branch3x3", &[same(192, 1, 1), half(320)], false),
            ("branch7x7x3", &[same(192, 1, 1), same(192, 1, 7), same(192, 7, 1), half(192)], false),
        ];
        Self::new(input, table, true)
    }

    /// At 8 pixels.
    fn e(input: usize) -> Result<Self> {
        let (across, down) = (same(384, 1, 3), same(384, 3, 1));
        let table: Table<'_> = &[
            ("branch1x1", &[same(320, 1, 1)], false),
            ("branch3x3", &[same(384, 1, 1), across, down], true),
            ("branch3x3dbl", &[same(448, 1, 1), same(384, 3, 3), across, down], true),
            ("branch_pool", &[same(192, 1, 1)], false),
        ];
        Self::new(input, table, false)
    }
}

impl Module for Block {
    fn visit(&self, path: &Path<'_>, visitor: &mut dyn Visitor) {
        for (name, layer) in self.branches.iter().flat_map(|branch| &branch.layers) {
            layer.visit(&path.child(name), visitor);
        }
    }
}

impl Forward for Block {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let mut outputs = Vec::new();
        for branch in &self.branches {
            branch.forward(input, &mut outputs)?;
        }
        if self.pooled {
            outputs.push(max_pool2d_with(input, &Pool2dOptions::new(3).stride(2))?);
        }
        cat(&outputs.iter().collect::<Vec<_>>(), 1)
    }
}

/// A head in the middle of the network, which only training uses.
#[derive(Debug, Module)]
struct Auxiliary {
    conv0: BasicConv2d,
    conv1: BasicConv2d,
    fc: Linear,
}

impl Forward for Auxiliary {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let x = self.conv0.forward(&avg_pool2d_with(input, &Pool2dOptions::new(5).stride(3))?)?;
        let x = adaptive_avg_pool2d(&self.conv1.forward(&x)?, 1)?;
        self.fc.forward(&x.flatten(1, -1)?)
    }
}

/// What an [`Inception3`] is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Inception3Config {
    /// Scores.
    pub num_classes: usize,
    /// Whether there is another head in the middle, for training.
    pub aux_logits: bool,
    /// Whether images come with ImageNet's means and deviations, and the weights want 0.5 for all of them.
    pub transform_input: bool,
    /// The share that is left out before the scores.
    pub dropout: f64,
}

/// Images `(N, 3, H, W)` of at least 75 pixels to scores `(N, num_classes)`.
#[derive(Module)]
pub struct Inception3 {
    #[module(rename = "Conv2d_1a_3x3")]
    conv_1a: BasicConv2d,
    #[module(rename = "Conv2d_2a_3x3")]
    conv_2a: BasicConv2d,
    #[module(rename = "Conv2d_2b_3x3")]
    conv_2b: BasicConv2d,
    #[module(rename = "Conv2d_3b_1x1")]
    conv_3b: BasicConv2d,
    #[module(rename = "Conv2d_4a_3x3")]
    conv_4a: BasicConv2d,
    #[module(rename = "Mixed_5b")]
    mixed_5b: Block,
    #[module(rename = "Mixed_5c")]
    mixed_5c: Block,
    #[module(rename = "Mixed_5d")]
    mixed_5d: Block,
    #[module(rename = "Mixed_6a")]
    mixed_6a: Block,
    #[module(rename = "Mixed_6b")]
    mixed_6b: Block,
    #[module(rename = "Mixed_6c")]
    mixed_6c: Block,
    #[module(rename = "Mixed_6d")]
    mixed_6d: Block,
    #[module(rename = "Mixed_6e")]
    mixed_6e: Block,
    #[module(rename = "AuxLogits")]
    aux_logits: Option<Auxiliary>,
    #[module(rename = "Mixed_7a")]
    mixed_7a: Block,
    #[module(rename = "Mixed_7b")]
    mixed_7b: Block,
    #[module(rename = "Mixed_7c")]
    mixed_7c: Block,
    dropout: Dropout,
    fc: Linear,
    training: Training,
    #[module(skip)]
    transform_input: bool,
}

impl Inception3 {
    /// Makes the network.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn new(config: &Inception3Config) -> Result<Self> {
        let head = || {
            Ok::<_, flambeau_tensor::Error>(Auxiliary {
                conv0: convolution(768, 128, 1)?,
                conv1: convolution(128, 768, 5)?,
                fc: Linear::new(768, config.num_classes)?,
            })
        };
        let network = Self {
            conv_1a: BasicConv2d::strided(3, 32, 3, 2, 0)?,
            conv_2a: convolution(32, 32, 3)?,
            conv_2b: BasicConv2d::same(32, 64, 3)?,
            conv_3b: convolution(64, 80, 1)?,
            conv_4a: convolution(80, 192, 3)?,
            mixed_5b: Block::a(192, 32)?,
            mixed_5c: Block::a(256, 64)?,
            mixed_5d: Block::a(288, 64)?,
            mixed_6a: Block::b(288)?,
            mixed_6b: Block::c(768, 128)?,
            mixed_6c: Block::c(768, 160)?,
            mixed_6d: Block::c(768, 160)?,
            mixed_6e: Block::c(768, 192)?,
            aux_logits: config.aux_logits.then(head).transpose()?,
            mixed_7a: Block::d(768)?,
            mixed_7b: Block::e(1280)?,
            mixed_7c: Block::e(2048)?,
            dropout: Dropout::new(config.dropout),
            fc: Linear::new(2048, config.num_classes)?,
            training: Training::default(),
            transform_input: config.transform_input,
        };
        for (name, weight) in network.named_parameters() {
            if weight.ndim() > 1 {
                let std = if name == "AuxLogits.fc.weight" { 0.001 } else { 0.1 };
                trunc_normal_(&weight, 0.0, std, -2.0, 2.0)?;
            }
        }
        Ok(network)
    }

    /// The scores, and in training those of the head in the middle, which needs images of at least 299 pixels.
    ///
    /// # Errors
    /// If the input is no image of three channels, or too small.
    pub fn forward_with_auxiliary(&self, input: &Tensor) -> Result<(Tensor, Option<Tensor>)> {
        let pool = |x: &Tensor| max_pool2d_with(x, &Pool2dOptions::new(3).stride(2));
        let run = |layers: &[&dyn Forward], x: Tensor| layers.iter().try_fold(x, |x, layer| layer.forward(&x));
        let x = if self.transform_input { transform_input(input)? } else { input.clone() };
        let x = pool(&run(&[&self.conv_1a, &self.conv_2a, &self.conv_2b], x)?)?;
        let x = pool(&run(&[&self.conv_3b, &self.conv_4a], x)?)?;
        let x = run(&[&self.mixed_5b, &self.mixed_5c, &self.mixed_5d, &self.mixed_6a], x)?;
        let x = run(&[&self.mixed_6b, &self.mixed_6c, &self.mixed_6d, &self.mixed_6e], x)?;
        let head = self.aux_logits.as_ref().filter(|_| self.training.get());
        let auxiliary = head.map(|head| head.forward(&x)).transpose()?;
        let x = run(&[&self.mixed_7a, &self.mixed_7b, &self.mixed_7c], x)?;
        let x = self.dropout.forward(&adaptive_avg_pool2d(&x, 1)?)?;
        Ok((self.fc.forward(&x.flatten(1, -1)?)?, auxiliary))
    }
}

impl Forward for Inception3 {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        Ok(self.forward_with_auxiliary(input)?.0)
    }
}

/// Inception v3, with its head for training.
///
/// # Errors
/// If there is not enough memory.
pub fn inception_v3(num_classes: usize) -> Result<Inception3> {
    Inception3::new(&Inception3Config { num_classes, aux_logits: true, transform_input: false, dropout: 0.5 })
}
