//! Transforms of what pixels are.

use super::random::{permutation, uniform};
use super::{Transform, functional};
use flambeau_tensor::{Error, Result, Tensor};

/// Numbers from 0 to 1 in float32: torchvision's `ConvertImageDtype(torch.float)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ToFloat;

impl Transform for ToFloat {
    fn apply(&self, image: &Tensor) -> Result<Tensor> {
        functional::to_float(image)
    }
}

/// `(image - mean) / std`, with a mean and a deviation for each channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Normalize {
    mean: Vec<f64>,
    std: Vec<f64>,
}

impl Normalize {
    /// With these means and deviations.
    pub fn new(mean: impl Into<Vec<f64>>, std: impl Into<Vec<f64>>) -> Self {
        Self { mean: mean.into(), std: std.into() }
    }

    /// With those of ImageNet, which published weights want.
    pub fn imagenet() -> Self {
        Self::new([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    }
}

impl Transform for Normalize {
    fn apply(&self, image: &Tensor) -> Result<Tensor> {
        functional::normalize(image, &self.mean, &self.std)
    }
}

/// The luminance, in one channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Grayscale;

impl Transform for Grayscale {
    fn apply(&self, image: &Tensor) -> Result<Tensor> {
        functional::rgb_to_grayscale(image)
    }
}

/// Brightness, contrast, saturation and hue changed by random factors, in random order.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ColorJitter {
    brightness: Option<[f64; 2]>,
    contrast: Option<[f64; 2]>,
    saturation: Option<[f64; 2]>,
    hue: Option<[f64; 2]>,
}

impl ColorJitter {
    /// Factors within these distances of 1, and of 0 for the hue.
    ///
    /// # Errors
    /// If a distance is negative, or that of the hue above 0.5.
    pub fn new(brightness: f64, contrast: f64, saturation: f64, hue: f64) -> Result<Self> {
        for (name, value) in
            [("brightness", brightness), ("contrast", contrast), ("saturation", saturation), ("hue", hue)]
        {
            if value < 0.0 || value.is_nan() {
                return Err(Error::value(format!("If {name} is a single number, it must be non negative.")));
            }
        }
        if hue > 0.5 {
            return Err(Error::value(format!("hue values should be between (-0.5, 0.5), but got [-{hue}, {hue}].")));
        }
        let around = |value: f64| (value != 0.0).then(|| [(1.0 - value).max(0.0), 1.0 + value]);
        Ok(Self {
            brightness: around(brightness),
            contrast: around(contrast),
            saturation: around(saturation),
            hue: (hue != 0.0).then_some([-hue, hue]),
        })
    }
}

impl Transform for ColorJitter {
    fn apply(&self, image: &Tensor) -> Result<Tensor> {
        type Change = fn(&Tensor, f64) -> Result<Tensor>;
        let order = permutation(4)?;
        let draw = |range: Option<[f64; 2]>| range.map(|[low, high]| uniform(low, high)).transpose();
        let changes: [(Change, Option<f64>); 4] = [
            (functional::adjust_brightness, draw(self.brightness)?),
            (functional::adjust_contrast, draw(self.contrast)?),
            (functional::adjust_saturation, draw(self.saturation)?),
            (functional::adjust_hue, draw(self.hue)?),
        ];
        let mut image = image.clone();
        for position in order {
            if let (change, Some(factor)) = changes[position] {
                image = change(&image, factor)?;
            }
        }
        Ok(image)
    }
}
