//! Transforms of where pixels are, without chance.

use super::Transform;
use super::functional::{self, Interpolation};
use flambeau_nn::modules::Sizes;
use flambeau_tensor::{Result, Tensor};

/// Changes the size; all pixels count where the image shrinks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resize {
    target: Target,
    interpolation: Interpolation,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Target {
    Size([usize; 2]),
    ShorterSide(usize),
}

impl Resize {
    /// To this height and width.
    pub fn new(size: impl Sizes<2>) -> Self {
        Self { target: Target::Size(size.sizes()), interpolation: Interpolation::default() }
    }

    /// To a size whose shorter side is this; the proportions are kept.
    pub fn shorter_side(size: usize) -> Self {
        Self { target: Target::ShorterSide(size), interpolation: Interpolation::default() }
    }

    /// With another interpolation (bilinear by default).
    #[must_use]
    pub fn interpolation(mut self, interpolation: Interpolation) -> Self {
        self.interpolation = interpolation;
        self
    }
}

impl Transform for Resize {
    fn apply(&self, image: &Tensor) -> Result<Tensor> {
        let [_, height, width] = functional::get_dimensions(image)?;
        let size = match self.target {
            Target::Size(size) => size,
            Target::ShorterSide(shorter) => functional::resized_to_shorter_side([height, width], shorter),
        };
        functional::resize(image, size, self.interpolation)
    }
}

/// Cuts out the middle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CenterCrop([usize; 2]);

impl CenterCrop {
    /// Of this height and width.
    pub fn new(size: impl Sizes<2>) -> Self {
        Self(size.sizes())
    }
}

impl Transform for CenterCrop {
    fn apply(&self, image: &Tensor) -> Result<Tensor> {
        functional::center_crop(image, self.0)
    }
}

/// Puts a border around the image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pad {
    sides: [usize; 4],
    fill: f64,
}

impl Pad {
    /// As wide on all sides, of zeros.
    pub fn new(padding: usize) -> Self {
        Self::sides(padding, padding, padding, padding)
    }

    /// With a width for each side, of zeros.
    pub fn sides(left: usize, top: usize, right: usize, bottom: usize) -> Self {
        Self { sides: [left, right, top, bottom], fill: 0.0 }
    }

    /// Of another number.
    #[must_use]
    pub fn fill(mut self, fill: f64) -> Self {
        self.fill = fill;
        self
    }
}

impl Transform for Pad {
    fn apply(&self, image: &Tensor) -> Result<Tensor> {
        functional::get_dimensions(image)?;
        image.constant_pad_nd(&self.sides.map(|side| isize::try_from(side).unwrap_or(isize::MAX)), self.fill)
    }
}
