//! The three networks of MTCNN.

use flambeau_nn::functional::{Pool2dOptions, max_pool2d_with};
use flambeau_nn::modules::{Conv2d, Linear};
use flambeau_nn::{Forward, Module, Parameter};
use flambeau_tensor::{Result, Tensor, get_default_dtype};

/// What a network says, for each window or image.
#[derive(Clone, Debug)]
pub struct Found {
    /// How likely there is no face, and a face: the second dimension.
    pub probability: Tensor,
    /// How far left, top, right and bottom should move, in widths and heights.
    pub offsets: Tensor,
    /// Five abscissas, then five ordinates, within the image: only the last network finds them.
    pub landmarks: Option<Tensor>,
}

/// `x` where it is positive, else a learned multiple of it, one for each channel.
///
/// Source: K. He et al., "Delving Deep into Rectifiers", 2015.
#[derive(Debug, Module)]
struct PRelu {
    weight: Parameter,
}

impl PRelu {
    fn new(channels: usize) -> Result<Self> {
        Ok(Self { weight: Parameter::new(&Tensor::full([channels], 0.25, get_default_dtype())?)? })
    }
}

impl Forward for PRelu {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        input.prelu(&self.weight)
    }
}

/// Maximum pooling whose last window may reach beyond the image.
fn pool(input: &Tensor, size: usize) -> Result<Tensor> {
    max_pool2d_with(input, &Pool2dOptions::new(size).stride(2).ceil_mode(true))
}

/// Width before height, as the weights expect it.
fn flatten(input: &Tensor) -> Result<Tensor> {
    input.permute(&[0, 3, 2, 1])?.contiguous()?.flatten(1, -1)
}

/// Looks at windows of 12 pixels, two pixels apart: `(N, 3, H, W)` to probabilities `(N, 2, h, w)` and offsets
/// `(N, 4, h, w)`.
#[derive(Debug, Module)]
pub struct PNet {
    conv1: Conv2d,
    prelu1: PRelu,
    conv2: Conv2d,
    prelu2: PRelu,
    conv3: Conv2d,
    prelu3: PRelu,
    conv4_1: Conv2d,
    conv4_2: Conv2d,
}

impl PNet {
    /// A network that has not learned.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn new() -> Result<Self> {
        Ok(Self {
            conv1: Conv2d::new(3, 10, 3)?,
            prelu1: PRelu::new(10)?,
            conv2: Conv2d::new(10, 16, 3)?,
            prelu2: PRelu::new(16)?,
            conv3: Conv2d::new(16, 32, 3)?,
            prelu3: PRelu::new(32)?,
            conv4_1: Conv2d::new(32, 2, 1)?,
            conv4_2: Conv2d::new(32, 4, 1)?,
        })
    }

    /// Looks at images `(rgb - 127.5) / 128`.
    ///
    /// # Errors
    /// If the input is no image of three channels and 12 pixels.
    pub fn forward(&self, images: &Tensor) -> Result<Found> {
        let x = pool(&self.prelu1.forward(&self.conv1.forward(images)?)?, 2)?;
        let x = self.prelu2.forward(&self.conv2.forward(&x)?)?;
        let x = self.prelu3.forward(&self.conv3.forward(&x)?)?;
        let probability = self.conv4_1.forward(&x)?.softmax(1)?;
        Ok(Found { probability, offsets: self.conv4_2.forward(&x)?, landmarks: None })
    }
}

/// Looks at images of 24 pixels: `(N, 3, 24, 24)` to probabilities `(N, 2)` and offsets `(N, 4)`.
#[derive(Debug, Module)]
pub struct RNet {
    conv1: Conv2d,
    prelu1: PRelu,
    conv2: Conv2d,
    prelu2: PRelu,
    conv3: Conv2d,
    prelu3: PRelu,
    dense4: Linear,
    prelu4: PRelu,
    dense5_1: Linear,
    dense5_2: Linear,
}

impl RNet {
    /// A network that has not learned.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn new() -> Result<Self> {
        Ok(Self {
            conv1: Conv2d::new(3, 28, 3)?,
            prelu1: PRelu::new(28)?,
            conv2: Conv2d::new(28, 48, 3)?,
            prelu2: PRelu::new(48)?,
            conv3: Conv2d::new(48, 64, 2)?,
            prelu3: PRelu::new(64)?,
            dense4: Linear::new(576, 128)?,
            prelu4: PRelu::new(128)?,
            dense5_1: Linear::new(128, 2)?,
            dense5_2: Linear::new(128, 4)?,
        })
    }

    /// Looks at images `(rgb - 127.5) / 128`.
    ///
    /// # Errors
    /// If the input is no image of three channels and 24 pixels.
    pub fn forward(&self, images: &Tensor) -> Result<Found> {
        let x = pool(&self.prelu1.forward(&self.conv1.forward(images)?)?, 3)?;
        let x = pool(&self.prelu2.forward(&self.conv2.forward(&x)?)?, 3)?;
        let x = self.prelu3.forward(&self.conv3.forward(&x)?)?;
        let x = self.prelu4.forward(&self.dense4.forward(&flatten(&x)?)?)?;
        let probability = self.dense5_1.forward(&x)?.softmax(1)?;
        Ok(Found { probability, offsets: self.dense5_2.forward(&x)?, landmarks: None })
    }
}

/// Looks at images of 48 pixels: `(N, 3, 48, 48)` to probabilities `(N, 2)`, offsets `(N, 4)` and landmarks `(N, 10)`.
#[derive(Debug, Module)]
pub struct ONet {
    conv1: Conv2d,
    prelu1: PRelu,
    conv2: Conv2d,
    prelu2: PRelu,
    conv3: Conv2d,
    prelu3: PRelu,
    conv4: Conv2d,
    prelu4: PRelu,
    dense5: Linear,
    prelu5: PRelu,
    dense6_1: Linear,
    dense6_2: Linear,
    dense6_3: Linear,
}

impl ONet {
    /// A network that has not learned.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn new() -> Result<Self> {
        Ok(Self {
            conv1: Conv2d::new(3, 32, 3)?,
            prelu1: PRelu::new(32)?,
            conv2: Conv2d::new(32, 64, 3)?,
            prelu2: PRelu::new(64)?,
            conv3: Conv2d::new(64, 64, 3)?,
            prelu3: PRelu::new(64)?,
            conv4: Conv2d::new(64, 128, 2)?,
            prelu4: PRelu::new(128)?,
            dense5: Linear::new(1152, 256)?,
            prelu5: PRelu::new(256)?,
            dense6_1: Linear::new(256, 2)?,
            dense6_2: Linear::new(256, 4)?,
            dense6_3: Linear::new(256, 10)?,
        })
    }

    /// Looks at images `(rgb - 127.5) / 128`.
    ///
    /// # Errors
    /// If the input is no image of three channels and 48 pixels.
    pub fn forward(&self, images: &Tensor) -> Result<Found> {
        let x = pool(&self.prelu1.forward(&self.conv1.forward(images)?)?, 3)?;
        let x = pool(&self.prelu2.forward(&self.conv2.forward(&x)?)?, 3)?;
        let x = pool(&self.prelu3.forward(&self.conv3.forward(&x)?)?, 2)?;
        let x = self.prelu4.forward(&self.conv4.forward(&x)?)?;
        let x = self.prelu5.forward(&self.dense5.forward(&flatten(&x)?)?)?;
        Ok(Found {
            probability: self.dense6_1.forward(&x)?.softmax(1)?,
            offsets: self.dense6_2.forward(&x)?,
            landmarks: Some(self.dense6_3.forward(&x)?),
        })
    }
}
