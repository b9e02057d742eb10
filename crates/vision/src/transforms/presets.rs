//! How images are prepared for published weights.

use super::{CenterCrop, Compose, Interpolation, Normalize, Resize, ToFloat, Transform};
use flambeau_tensor::{Result, Tensor};

/// The preparation of images for one network.
#[derive(Clone, Debug, PartialEq)]
pub struct Preset {
    /// To how many pixels the shorter side is resized, its proportions kept; without it, the whole image is squeezed into
    /// the square, as TensorFlow Lite's programs do.
    pub resize: Option<usize>,
    /// How many pixels of the middle are taken.
    pub crop: usize,
    /// How pixels between pixels are made.
    pub interpolation: Interpolation,
    /// The mean of each channel, of numbers from 0 to 1.
    pub mean: [f64; 3],
    /// The deviation of each channel.
    pub std: [f64; 3],
}

const IMAGENET: ([f64; 3], [f64; 3]) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);

/// Networks that want other sizes than 256 and 224: name, shorter side (0 squeezes), middle, whether interpolation is
/// cubic.
const SIZES: &[(&str, usize, usize, bool)] = &[
    ("convnext_base", 232, 224, false),
    ("convnext_large", 232, 224, false),
    ("convnext_small", 230, 224, false),
    ("convnext_tiny", 236, 224, false),
    ("efficientnet_b0", 256, 224, true),
    ("efficientnet_b1", 255, 240, false),
    ("efficientnet_b2", 288, 288, true),
    ("efficientnet_b3", 320, 300, true),
    ("efficientnet_b4", 384, 380, true),
    ("efficientnet_b5", 456, 456, true),
    ("efficientnet_b6", 528, 528, true),
    ("efficientnet_b7", 600, 600, true),
    ("efficientnet_lite0", 0, 224, true),
    ("efficientnet_lite1", 0, 240, true),
    ("efficientnet_lite2", 0, 260, true),
    ("efficientnet_lite3", 0, 280, true),
    ("efficientnet_lite4", 0, 300, true),
    ("efficientnet_v2_l", 480, 480, true),
    ("efficientnet_v2_m", 480, 480, false),
    ("efficientnet_v2_s", 384, 384, false),
    ("inception_v3", 342, 299, false),
];

impl Preset {
    /// What the best published weights of a network want; for one without weights, what most want.
    pub fn of(network: &str) -> Self {
        let (mean, std) = if network.starts_with("efficientnet_lite") {
            // (x - 127) / 128, of bytes.
            ([127.0 / 255.0; 3], [128.0 / 255.0; 3])
        } else if network == "efficientnet_v2_l" {
            ([0.5; 3], [0.5; 3])
        } else {
            IMAGENET
        };
        let own = SIZES.iter().find(|&&(name, ..)| name == network);
        let &(_, resize, crop, cubic) = own.unwrap_or(&("", 256, 224, false));
        let interpolation = if cubic { Interpolation::Bicubic } else { Interpolation::Bilinear };
        Self { resize: (resize != 0).then_some(resize), crop, interpolation, mean, std }
    }
}

impl Transform for Preset {
    /// Bytes or numbers from 0 to 1 `(…, 3, H, W)` to `(…, 3, crop, crop)`.
    fn apply(&self, image: &Tensor) -> Result<Tensor> {
        let resize = self.resize.map_or(Resize::new(self.crop), Resize::shorter_side);
        Compose::new()
            .push(resize.interpolation(self.interpolation))
            .push(CenterCrop::new(self.crop))
            .push(ToFloat)
            .push(Normalize::new(self.mean, self.std))
            .apply(image)
    }
}
