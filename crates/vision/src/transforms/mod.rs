//! Preparation and augmentation of images `(…, C, H, W)`, with torchvision's names and numbers.
//!
//! Random transforms draw from the default generator in torchvision's order, so that one seed gives its images.
//!
//! ```
//! use flambeau::prelude::*;
//! use flambeau::vision::transforms::{CenterCrop, Compose, Normalize, Resize, ToFloat, Transform};
//!
//! let prepare = Compose::new()
//!     .push(Resize::shorter_side(256))
//!     .push(CenterCrop::new(224))
//!     .push(ToFloat)
//!     .push(Normalize::imagenet());
//! let image = Tensor::full([3, 300, 400], 255, DType::U8)?;
//! assert_eq!(prepare.apply(&image)?.shape(), [3, 224, 224]);
//! # Ok::<(), flambeau::Error>(())
//! ```

mod color;
pub mod functional;
mod geometry;
mod presets;
mod random;

pub use color::{ColorJitter, Grayscale, Normalize, ToFloat};
pub use functional::Interpolation;
pub use geometry::{CenterCrop, Pad, Resize};
pub use presets::Preset;
pub use random::{RandomCrop, RandomErasing, RandomHorizontalFlip, RandomResizedCrop, RandomVerticalFlip};

use flambeau_tensor::{Result, Tensor};

/// Makes an image of another.
pub trait Transform: Send + Sync {
    /// The changed image.
    ///
    /// # Errors
    /// If the tensor is no image that the transform can change.
    fn apply(&self, image: &Tensor) -> Result<Tensor>;
}

impl<F: Fn(&Tensor) -> Result<Tensor> + Send + Sync> Transform for F {
    fn apply(&self, image: &Tensor) -> Result<Tensor> {
        self(image)
    }
}

/// One transform after the other.
#[derive(Default)]
pub struct Compose(Vec<Box<dyn Transform>>);

impl Compose {
    /// No transforms.
    pub fn new() -> Self {
        Self::default()
    }

    /// With another transform at the end; a function of one image will do.
    #[must_use]
    pub fn push(mut self, transform: impl Transform + 'static) -> Self {
        self.0.push(Box::new(transform));
        self
    }
}

impl Transform for Compose {
    fn apply(&self, image: &Tensor) -> Result<Tensor> {
        self.0.iter().try_fold(image.clone(), |image, transform| transform.apply(&image))
    }
}
