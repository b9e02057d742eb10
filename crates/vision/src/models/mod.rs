//! Ready networks, one file for each family.
//!
//! A network is made by a function of torchvision's name, with the number of classes; options beyond that are fields of
//! the family's configuration. Names of parts, and so the keys of state dicts, are torchvision's.

mod guess;
mod init;

pub use guess::{Guess, Loaded, guess, load};

macro_rules! networks {
    ($($(#[$doc:meta])* $family:ident { $($name:ident),* $(,)? } $($more:ident),*;)*) => {
        $($(#[$doc])* pub mod $family;)*
        $(pub use $family::{$($name,)* $($more),*};)*

        /// The names of all networks, in order of families.
        pub fn list_models() -> Vec<&'static str> {
            vec![$($(stringify!($name),)*)*]
        }

        /// Makes the network of this name, with so many classes.
        ///
        /// # Errors
        /// If there is no such network, or not enough memory.
        pub fn get_model(name: &str, num_classes: usize) -> Result<Box<dyn Layer>> {
            match name.to_lowercase().as_str() {
                $($(stringify!($name) => Ok(Box::new($name(num_classes)?)),)*)*
                other => Err(Error::value(format!("Unknown model {other}"))),
            }
        }
    };
}

use flambeau_nn::Layer;
use flambeau_tensor::{Error, Result};

networks! {
    /// AlexNet.
    alexnet { alexnet } AlexNet;
    /// ConvNeXt.
    convnext { convnext_tiny, convnext_small, convnext_base, convnext_large } ConvNeXt, ConvNeXtConfig;
    /// DenseNet.
    densenet { densenet121, densenet161, densenet169, densenet201 } DenseNet, DenseNetConfig;
    /// EfficientNet.
    efficientnet {
        efficientnet_b0, efficientnet_b1, efficientnet_b2, efficientnet_b3, efficientnet_b4, efficientnet_b5,
        efficientnet_b6, efficientnet_b7, efficientnet_v2_s, efficientnet_v2_m, efficientnet_v2_l,
    } EfficientNet, EfficientNetConfig;
    /// EfficientNet-lite.
    efficientnet_lite {
        efficientnet_lite0, efficientnet_lite1, efficientnet_lite2, efficientnet_lite3, efficientnet_lite4,
    } EfficientNetLite, EfficientNetLiteConfig;
    /// GoogLeNet.
    googlenet { googlenet } GoogLeNet, GoogLeNetConfig, GoogLeNetOutputs;
    /// Inception v3.
    inception { inception_v3 } Inception3, Inception3Config;
    /// LeNet-5.
    lenet { lenet } LeNet;
    /// MobileNet v2.
    mobilenet_v2 { mobilenet_v2 } MobileNetV2, MobileNetV2Config;
    /// MobileNet v3.
    mobilenet_v3 { mobilenet_v3_large, mobilenet_v3_small } MobileNetV3, MobileNetV3Config;
    /// ResNet, ResNeXt, WideResNet.
    resnet {
        resnet18, resnet34, resnet50, resnet101, resnet152, resnext50_32x4d, resnext101_32x8d, resnext101_64x4d,
        wide_resnet50_2, wide_resnet101_2,
    } ResNet, ResNetConfig;
    /// DeepLabV3 and FCN: a score for each pixel.
    segmentation {
        deeplabv3_mobilenet_v3_large, deeplabv3_resnet50, deeplabv3_resnet101, fcn_resnet50, fcn_resnet101,
    } Segmentation, SegmentationOutputs;
    /// ShuffleNet v2.
    shufflenet_v2 {
        shufflenet_v2_x0_5, shufflenet_v2_x1_0, shufflenet_v2_x1_5, shufflenet_v2_x2_0,
    } ShuffleNetV2;
    /// SqueezeNet.
    squeezenet { squeezenet1_0, squeezenet1_1 } SqueezeNet;
    /// U-Net.
    unet { unet } UNet, UNetConfig;
    /// VGG.
    vgg { vgg11, vgg11_bn, vgg13, vgg13_bn, vgg16, vgg16_bn, vgg19, vgg19_bn } Vgg;
}
