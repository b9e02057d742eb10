//! DeepLabV3 and FCN: features of a dilated network, scored at their own size, then resized.
//!
//! Sources: L.-C. Chen et al., "Rethinking atrous convolution for semantic image segmentation", 2017; J. Long et al.,
//! "Fully convolutional networks for semantic segmentation", 2015.

use super::mobilenet_v3::{MobileNetV3, MobileNetV3Config};
use super::resnet::{ResNet, ResNetConfig};
use flambeau_nn::modules::{BatchNorm2d, Conv2d, Dropout, Relu, Sequential};
use flambeau_nn::{Forward, Module, Path, Visitor};
use flambeau_tensor::ops::{Resize, ResizeTarget, cat};
use flambeau_tensor::{Result, Tensor};

/// Distances between the elements of the kernels of DeepLabV3's head.
const ATROUS_RATES: [usize; 3] = [12, 24, 36];

/// To the size of another image, bilinearly.
fn resize_like(input: &Tensor, other: &Tensor) -> Result<Tensor> {
    let shape = other.shape();
    let size = vec![shape[2] as isize, shape[3] as isize];
    input.resize(Resize::Linear, &ResizeTarget::Size(size, vec![None, None]), false)
}

fn conv_norm_relu(from: usize, to: usize, kernel: usize, dilation: usize) -> Result<Sequential> {
    let conv = Conv2d::builder(from, to, kernel).padding(kernel / 2 * dilation).dilation(dilation).bias(false).build()?;
    Ok(Sequential::new().push(conv).push(BatchNorm2d::new(to)?).push(Relu))
}

/// A network without its scores, and which of its outputs are used.
enum Backbone {
    /// The last two stages.
    ResNet(Box<ResNet>),
    /// The layer whose output is an eighth of the image, and the last one.
    MobileNet { layers: Sequential, eighth: usize },
}

impl Module for Backbone {
    fn visit(&self, path: &Path<'_>, visitor: &mut dyn Visitor) {
        match self {
            Self::ResNet(network) => network.visit(path, visitor),
            Self::MobileNet { layers, .. } => layers.visit(path, visitor),
        }
    }
}

impl Backbone {
    /// The features for the auxiliary head, and those for the head.
    fn forward(&self, input: &Tensor) -> Result<(Tensor, Tensor)> {
        match self {
            Self::ResNet(network) => {
                let [_, _, third, fourth] = network.features(input)?;
                Ok((third, fourth))
            }
            Self::MobileNet { layers, eighth } => {
                let (mut x, mut auxiliary) = (input.clone(), input.clone());
                for (position, layer) in layers.layers().iter().enumerate() {
                    x = layer.forward(&x)?;
                    if position == *eighth {
                        auxiliary = x.clone();
                    }
                }
                Ok((auxiliary, x))
            }
        }
    }
}

/// Dilated convolutions, a 1x1 one and the mean of the whole image, side by side.
#[derive(Module)]
struct Aspp {
    convs: AsppBranches,
    project: Sequential,
}

struct AsppBranches {
    convs: Vec<Sequential>,
    /// Pooling comes first in it, so that its layers are called 1, 2, ….
    pooled: Sequential,
}

impl Module for AsppBranches {
    fn visit(&self, path: &Path<'_>, visitor: &mut dyn Visitor) {
        self.convs.visit(path, visitor);
        self.pooled.visit(&path.child(&self.convs.len().to_string()), visitor);
    }
}

impl Aspp {
    fn new(from: usize, to: usize) -> Result<Self> {
        let mut convs = vec![conv_norm_relu(from, to, 1, 1)?];
        for rate in ATROUS_RATES {
            convs.push(conv_norm_relu(from, to, 3, rate)?);
        }
        let pooled = Sequential::new()
            .push(flambeau_nn::modules::AdaptiveAvgPool2d::new(1))
            .push(Conv2d::builder(from, to, 1).bias(false).build()?)
            .push(BatchNorm2d::new(to)?)
            .push(Relu);
        let project = conv_norm_relu((convs.len() + 1) * to, to, 1, 1)?.push(Dropout::new(0.5));
        Ok(Self { convs: AsppBranches { convs, pooled }, project })
    }
}

impl Forward for Aspp {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let mut outputs: Vec<Tensor> =
            self.convs.convs.iter().map(|conv| conv.forward(input)).collect::<Result<_>>()?;
        outputs.push(resize_like(&self.convs.pooled.forward(input)?, input)?);
        self.project.forward(&cat(&outputs.iter().collect::<Vec<_>>(), 1)?)
    }
}

fn deeplab_head(channels: usize, num_classes: usize) -> Result<Sequential> {
    Ok(Sequential::new()
        .push(Aspp::new(channels, 256)?)
        .push(Conv2d::builder(256, 256, 3).padding(1).bias(false).build()?)
        .push(BatchNorm2d::new(256)?)
        .push(Relu)
        .push(Conv2d::new(256, num_classes, 1)?))
}

fn fcn_head(channels: usize, num_classes: usize) -> Result<Sequential> {
    let inner = channels / 4;
    Ok(conv_norm_relu(channels, inner, 3, 1)?.push(Dropout::new(0.1)).push(Conv2d::new(inner, num_classes, 1)?))
}

/// What [`Segmentation::forward_with_auxiliary`] gives, both `(N, num_classes, H, W)`.
#[derive(Clone, Debug)]
pub struct SegmentationOutputs {
    /// The scores of each pixel.
    pub out: Tensor,
    /// Those of the auxiliary head, if there is one.
    pub aux: Option<Tensor>,
}

/// Images `(N, 3, H, W)` to scores of each pixel `(N, num_classes, H, W)`.
#[derive(Module)]
pub struct Segmentation {
    backbone: Backbone,
    classifier: Sequential,
    aux_classifier: Option<Sequential>,
}

impl Segmentation {
    /// The scores, and those of the auxiliary head if there is one.
    ///
    /// # Errors
    /// If the input is no image of three channels.
    pub fn forward_with_auxiliary(&self, input: &Tensor) -> Result<SegmentationOutputs> {
        let (auxiliary, features) = self.backbone.forward(input)?;
        let scores = |head: &Sequential, x: &Tensor| resize_like(&head.forward(x)?, input);
        Ok(SegmentationOutputs {
            out: scores(&self.classifier, &features)?,
            aux: self.aux_classifier.as_ref().map(|head| scores(head, &auxiliary)).transpose()?,
        })
    }

    /// DeepLabV3 over a MobileNet v3.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn deeplabv3_mobilenet(num_classes: usize, aux_loss: bool) -> Result<Self> {
        let (layers, strided, widths) = MobileNetV3::new(&MobileNetV3Config {
            large: true,
            num_classes: 1000,
            width_mult: 1.0,
            reduced_tail: false,
            dilated: true,
            dropout: 0.2,
        })?
        .into_backbone();
        let eighth = strided[strided.len() - 4];
        let last = widths[strided[strided.len() - 1]];
        let aux_classifier = aux_loss.then(|| fcn_head(widths[eighth], num_classes)).transpose()?;
        let classifier = deeplab_head(last, num_classes)?;
        Ok(Self { backbone: Backbone::MobileNet { layers, eighth }, classifier, aux_classifier })
    }

    /// DeepLabV3 or FCN over a ResNet with so many bottlenecks in each stage.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn over_resnet(deeplab: bool, layers: [usize; 4], num_classes: usize, aux_loss: bool) -> Result<Self> {
        let config = ResNetConfig {
            replace_stride_with_dilation: [false, true, true],
            ..ResNetConfig::new(true, layers, 1000)
        };
        let backbone = Backbone::ResNet(Box::new(ResNet::new(&config)?.into_backbone()));
        let aux_classifier = aux_loss.then(|| fcn_head(1024, num_classes)).transpose()?;
        let head = if deeplab { deeplab_head } else { fcn_head };
        Ok(Self { backbone, classifier: head(2048, num_classes)?, aux_classifier })
    }
}

impl Forward for Segmentation {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        Ok(self.forward_with_auxiliary(input)?.out)
    }
}

/// DeepLabV3 over a MobileNet v3.
///
/// # Errors
/// If there is not enough memory.
pub fn deeplabv3_mobilenet_v3_large(num_classes: usize) -> Result<Segmentation> {
    Segmentation::deeplabv3_mobilenet(num_classes, false)
}

macro_rules! over_resnets {
    ($($name:ident, $title:literal: $deeplab:literal, $layers:expr;)*) => {$(
        #[doc = $title]
        ///
        /// # Errors
        /// If there is not enough memory.
        pub fn $name(num_classes: usize) -> Result<Segmentation> {
            Segmentation::over_resnet($deeplab, $layers, num_classes, false)
        }
    )*};
}

over_resnets! {
    deeplabv3_resnet50, "DeepLabV3 over a ResNet-50.": true, [3, 4, 6, 3];
    deeplabv3_resnet101, "DeepLabV3 over a ResNet-101.": true, [3, 4, 23, 3];
    fcn_resnet50, "FCN over a ResNet-50.": false, [3, 4, 6, 3];
    fcn_resnet101, "FCN over a ResNet-101.": false, [3, 4, 23, 3];
}
