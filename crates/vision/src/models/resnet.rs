//! Residual networks and their relatives.
//!
//! Sources: K. He et al., "Deep residual learning for image recognition", 2016 (the stride is in the 3x3 convolution);
//! S. Xie et al., "Aggregated residual transformations for deep neural networks", 2017 (ResNeXt); S. Zagoruyko,
//! N. Komodakis, "Wide residual networks", 2016.

use super::init::{Draw, Plan, initialize};
use flambeau_nn::functional::{Pool2dOptions, adaptive_avg_pool2d, max_pool2d_with};
use flambeau_nn::init::{Fan, constant_};
use flambeau_nn::modules::{BatchNorm2d, Conv2d, Linear, Sequential};
use flambeau_nn::{Forward, Module};
use flambeau_tensor::{Error, Result, Tensor};

/// What a [`ResNet`] is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResNetConfig {
    /// Whether blocks are a 3x3 convolution between two 1x1 ones, or two 3x3 ones.
    pub bottleneck: bool,
    /// Blocks in each stage.
    pub layers: [usize; 4],
    /// Scores.
    pub num_classes: usize,
    /// Shares of the channels of 3x3 convolutions that do not see each other.
    pub groups: usize,
    /// Channels of a share, for 64 channels of the block.
    pub width_per_group: usize,
    /// Which of the last three stages dilate their convolutions instead of halving the image.
    pub replace_stride_with_dilation: [bool; 3],
    /// Whether blocks begin as identities.
    pub zero_init_residual: bool,
}

impl ResNetConfig {
    /// The plain network of these stages.
    pub fn new(bottleneck: bool, layers: [usize; 4], num_classes: usize) -> Self {
        Self {
            bottleneck,
            layers,
            num_classes,
            groups: 1,
            width_per_group: 64,
            replace_stride_with_dilation: [false; 3],
            zero_init_residual: false,
        }
    }

    fn expansion(&self) -> usize {
        if self.bottleneck { 4 } else { 1 }
    }
}

/// Where a block stands.
#[derive(Clone, Copy)]
struct Place {
    in_planes: usize,
    planes: usize,
    stride: usize,
    dilation: usize,
}

/// Convolutions beside a shortcut.
#[derive(Module)]
struct Block {
    conv1: Conv2d,
    bn1: BatchNorm2d,
    conv2: Conv2d,
    bn2: BatchNorm2d,
    conv3: Option<Conv2d>,
    bn3: Option<BatchNorm2d>,
    downsample: Option<Sequential>,
}

fn conv(in_channels: usize, out_channels: usize, kernel: usize, stride: usize) -> Result<Conv2d> {
    Conv2d::builder(in_channels, out_channels, kernel).stride(stride).padding(kernel / 2).bias(false).build()
}

impl Block {
    /// The shortcut's projection is made before the block, as in torchvision: it draws its numbers first.
    fn new(config: &ResNetConfig, place: Place, projected: bool) -> Result<Self> {
        let Place { in_planes, planes, stride, dilation } = place;
        let out_planes = planes * config.expansion();
        let downsample = projected
            .then(|| {
                let projection = conv(in_planes, out_planes, 1, stride)?;
                Ok::<_, Error>(Sequential::new().push(projection).push(BatchNorm2d::new(out_planes)?))
            })
            .transpose()?;
        if !config.bottleneck {
            if config.groups != 1 || config.width_per_group != 64 {
                return Err(Error::value("BasicBlock only supports groups=1 and base_width=64"));
            }
            if dilation > 1 {
                return Err(Error::not_implemented("Dilation > 1 not supported in BasicBlock"));
            }
            return Ok(Self {
                conv1: conv(in_planes, planes, 3, stride)?,
                bn1: BatchNorm2d::new(planes)?,
                conv2: conv(planes, planes, 3, 1)?,
                bn2: BatchNorm2d::new(planes)?,
                conv3: None,
                bn3: None,
                downsample,
            });
        }
        let width = (planes as f64 * (config.width_per_group as f64 / 64.0)) as usize * config.groups;
        Ok(Self {
            conv1: conv(in_planes, width, 1, 1)?,
            bn1: BatchNorm2d::new(width)?,
            conv2: Conv2d::builder(width, width, 3)
                .stride(stride)
                .padding(dilation)
                .dilation(dilation)
                .groups(config.groups)
                .bias(false)
                .build()?,
            bn2: BatchNorm2d::new(width)?,
            conv3: Some(conv(width, out_planes, 1, 1)?),
            bn3: Some(BatchNorm2d::new(out_planes)?),
            downsample,
        })
    }
}

impl Forward for Block {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let mut x = self.bn1.forward(&self.conv1.forward(input)?)?.relu()?;
        x = self.bn2.forward(&self.conv2.forward(&x)?)?;
        if let (Some(conv3), Some(bn3)) = (&self.conv3, &self.bn3) {
            x = bn3.forward(&conv3.forward(&x.relu()?)?)?;
        }
        let shortcut = self.downsample.as_ref().map_or_else(|| Ok(input.clone()), |projection| projection.forward(input));
        x.add(&shortcut?)?.relu()
    }
}

/// A stem, four stages of blocks, and one linear layer: images `(N, 3, H, W)` to scores `(N, num_classes)`.
#[derive(Module)]
pub struct ResNet {
    conv1: Conv2d,
    bn1: BatchNorm2d,
    layer1: Vec<Block>,
    layer2: Vec<Block>,
    layer3: Vec<Block>,
    layer4: Vec<Block>,
    /// Absent in the backbone of a segmentation network.
    fc: Option<Linear>,
}

impl ResNet {
    /// Makes the network.
    ///
    /// # Errors
    /// If basic blocks are to have groups, another width or dilation, or if there is not enough memory.
    pub fn new(config: &ResNetConfig) -> Result<Self> {
        let conv1 = conv(3, 64, 7, 2)?;
        let bn1 = BatchNorm2d::new(64)?;
        let (mut in_planes, mut dilation) = (64, 1);
        let mut stage = |number: usize| -> Result<Vec<Block>> {
            let planes = 64 << number;
            let mut stride = if number == 0 { 1 } else { 2 };
            let mut place = Place { in_planes, planes, stride, dilation };
            if number > 0 && config.replace_stride_with_dilation[number - 1] {
                dilation *= stride;
                stride = 1;
                place.stride = 1;
            }
            let out_planes = planes * config.expansion();
            let mut blocks = vec![Block::new(config, place, stride != 1 || in_planes != out_planes)?];
            in_planes = out_planes;
            for _ in 1..config.layers[number] {
                blocks.push(Block::new(config, Place { in_planes, planes, stride: 1, dilation }, false)?);
            }
            Ok(blocks)
        };
        let network = Self {
            conv1,
            bn1,
            layer1: stage(0)?,
            layer2: stage(1)?,
            layer3: stage(2)?,
            layer4: stage(3)?,
            fc: Some(Linear::new(512 * config.expansion(), config.num_classes)?),
        };
        let plan = Plan { convolutions: Draw::Kaiming(Fan::Out), linear: Draw::Keep, zero_biases: false };
        initialize(&network, plan)?;
        if config.zero_init_residual {
            let last = if config.bottleneck { "bn3.weight" } else { "bn2.weight" };
            for (name, weight) in network.named_parameters() {
                if name.starts_with("layer") && name.ends_with(last) {
                    constant_(&weight, 0.0)?;
                }
            }
        }
        Ok(network)
    }

    /// Without the linear layer.
    pub(crate) fn into_backbone(self) -> Self {
        Self { fc: None, ..self }
    }

    /// The outputs of the four stages.
    ///
    /// # Errors
    /// If the input is no image of three channels.
    pub fn features(&self, input: &Tensor) -> Result<[Tensor; 4]> {
        let x = self.bn1.forward(&self.conv1.forward(input)?)?.relu()?;
        let mut x = max_pool2d_with(&x, &Pool2dOptions::new(3).stride(2).padding(1))?;
        let mut run = |blocks: &[Block]| -> Result<Tensor> {
            for block in blocks {
                x = block.forward(&x)?;
            }
            Ok(x.clone())
        };
        Ok([run(&self.layer1)?, run(&self.layer2)?, run(&self.layer3)?, run(&self.layer4)?])
    }
}

impl Forward for ResNet {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let [.., last] = self.features(input)?;
        match &self.fc {
            Some(fc) => fc.forward(&adaptive_avg_pool2d(&last, 1)?.flatten(1, -1)?),
            None => Ok(last),
        }
    }
}

macro_rules! residual_networks {
    ($($name:ident: $bottleneck:literal, $layers:expr, $groups:literal, $width:literal;)*) => {$(
        #[doc = concat!("The network that torchvision calls `", stringify!($name), "`.")]
        ///
        /// # Errors
        /// If there is not enough memory.
        pub fn $name(num_classes: usize) -> Result<ResNet> {
            ResNet::new(&ResNetConfig {
                groups: $groups,
                width_per_group: $width,
                ..ResNetConfig::new($bottleneck, $layers, num_classes)
            })
        }
    )*};
}

residual_networks! {
    resnet18: false, [2, 2, 2, 2], 1, 64;
    resnet34: false, [3, 4, 6, 3], 1, 64;
    resnet50: true, [3, 4, 6, 3], 1, 64;
    resnet101: true, [3, 4, 23, 3], 1, 64;
    resnet152: true, [3, 8, 36, 3], 1, 64;
    resnext50_32x4d: true, [3, 4, 6, 3], 32, 4;
    resnext101_32x8d: true, [3, 4, 23, 3], 32, 8;
    resnext101_64x4d: true, [3, 4, 23, 3], 64, 4;
    wide_resnet50_2: true, [3, 4, 6, 3], 1, 128;
    wide_resnet101_2: true, [3, 4, 23, 3], 1, 128;
}
