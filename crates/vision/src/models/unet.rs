//! U-Net, with padding, batch normalisation, and sizes that need not be multiples of 16.
//!
//! torchvision has no U-Net. The keys of state dicts are those of the implementation that most published checkpoints
//! come from (`inc.double_conv.0.weight`, `down1.maxpool_conv.1…`, `up1.up…`, `outc.conv…`).
//!
//! Source: O. Ronneberger et al., "U-Net: convolutional networks for biomedical image segmentation", 2015.

use flambeau_nn::modules::{BatchNorm2d, Conv2d, ConvTranspose2d, MaxPool2d, Relu, Sequential};
use flambeau_nn::{Forward, Module};
use flambeau_tensor::ops::{PadMode, Resize, ResizeTarget, cat};
use flambeau_tensor::{Result, Tensor};

/// What a [`UNet`] is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UNetConfig {
    /// Channels of the images.
    pub n_channels: usize,
    /// Scores of each pixel.
    pub n_classes: usize,
    /// Whether images grow by bilinear resizing instead of transposed convolutions.
    pub bilinear: bool,
}

/// Two 3x3 convolutions with batch normalisation and ReLU.
#[derive(Module)]
struct DoubleConv {
    double_conv: Sequential,
}

impl DoubleConv {
    fn new(from: usize, middle: usize, to: usize) -> Result<Self> {
        let mut layers = Sequential::new();
        for (before, after) in [(from, middle), (middle, to)] {
            let conv = Conv2d::builder(before, after, 3).padding(1).bias(false).build()?;
            layers = layers.push(conv).push(BatchNorm2d::new(after)?).push(Relu);
        }
        Ok(Self { double_conv: layers })
    }
}

impl Forward for DoubleConv {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        self.double_conv.forward(input)
    }
}

#[derive(Module)]
struct Down {
    maxpool_conv: Sequential,
}

impl Down {
    fn new(from: usize, to: usize) -> Result<Self> {
        Ok(Self { maxpool_conv: Sequential::new().push(MaxPool2d::new(2)).push(DoubleConv::new(from, to, to)?) })
    }
}

#[derive(Module)]
struct Up {
    up: Option<ConvTranspose2d>,
    conv: DoubleConv,
}

impl Up {
    fn new(from: usize, to: usize, bilinear: bool) -> Result<Self> {
        Ok(if bilinear {
            Self { up: None, conv: DoubleConv::new(from, from / 2, to)? }
        } else {
            let up = ConvTranspose2d::builder(from, from / 2, 2).stride(2).build()?;
            Self { up: Some(up), conv: DoubleConv::new(from, to, to)? }
        })
    }

    fn forward(&self, input: &Tensor, skipped: &Tensor) -> Result<Tensor> {
        let x = match &self.up {
            Some(up) => up.forward(input)?,
            None => input.resize(Resize::Linear, &ResizeTarget::Scale(vec![2.0, 2.0]), true)?,
        };
        let (from, to) = (x.shape(), skipped.shape());
        let missing = |dim: usize| to[dim] as isize - from[dim] as isize;
        let (height, width) = (missing(2), missing(3));
        let sides = [width / 2, width - width / 2, height / 2, height - height / 2];
        self.conv.forward(&cat(&[skipped, &x.pad(&sides, PadMode::Zeros)?], 1)?)
    }
}

#[derive(Module)]
struct Out {
    conv: Conv2d,
}

/// Images `(N, n_channels, H, W)` to scores of each pixel `(N, n_classes, H, W)`.
#[derive(Module)]
pub struct UNet {
    inc: DoubleConv,
    down1: Down,
    down2: Down,
    down3: Down,
    down4: Down,
    up1: Up,
    up2: Up,
    up3: Up,
    up4: Up,
    outc: Out,
}

impl UNet {
    /// Makes the network.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn new(config: &UNetConfig) -> Result<Self> {
        let bilinear = config.bilinear;
        let factor = if bilinear { 2 } else { 1 };
        Ok(Self {
            inc: DoubleConv::new(config.n_channels, 64, 64)?,
            down1: Down::new(64, 128)?,
            down2: Down::new(128, 256)?,
            down3: Down::new(256, 512)?,
            down4: Down::new(512, 1024 / factor)?,
            up1: Up::new(1024, 512 / factor, bilinear)?,
            up2: Up::new(512, 256 / factor, bilinear)?,
            up3: Up::new(256, 128 / factor, bilinear)?,
            up4: Up::new(128, 64, bilinear)?,
            outc: Out { conv: Conv2d::new(64, config.n_classes, 1)? },
        })
    }
}

impl Forward for UNet {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let mut x = self.inc.forward(input)?;
        let mut skipped = Vec::with_capacity(4);
        for down in [&self.down1, &self.down2, &self.down3, &self.down4] {
            skipped.push(x.clone());
            x = down.maxpool_conv.forward(&x)?;
        }
        for (up, skipped) in [&self.up1, &self.up2, &self.up3, &self.up4].into_iter().zip(skipped.iter().rev()) {
            x = up.forward(&x, skipped)?;
        }
        self.outc.conv.forward(&x)
    }
}

/// U-Net for colour images, with transposed convolutions.
///
/// # Errors
/// If there is not enough memory.
pub fn unet(num_classes: usize) -> Result<UNet> {
    UNet::new(&UNetConfig { n_channels: 3, n_classes: num_classes, bilinear: false })
}
