//! Transforms by chance.

use super::Transform;
use super::functional::{self, Interpolation};
use flambeau_nn::modules::Sizes;
use flambeau_tensor::{DType, Error, Result, Tensor, autograd::no_grad};

/// One number, even between two; as precise as a float32.
pub(super) fn uniform(low: f64, high: f64) -> Result<f64> {
    let number = no_grad(|| Tensor::empty([1], DType::F32)?.uniform_(low, high, None))?;
    Ok(number.item()?.to_f64())
}

/// A number below a limit.
fn below(limit: usize) -> Result<usize> {
    Ok(Tensor::randint(0, limit as i64, [1], DType::I64)?.item()?.to_i64() as usize)
}

/// The numbers below `n` in random order.
pub(super) fn permutation(n: usize) -> Result<Vec<usize>> {
    Ok(Tensor::randperm(n, DType::I64)?.to_vec::<i64>()?.into_iter().map(|i| i as usize).collect())
}

/// Whether something that happens with this probability does.
fn happens(p: f64) -> Result<bool> {
    Ok(Tensor::rand([1], DType::F32)?.item()?.to_f64() < f64::from(p as f32))
}

macro_rules! flips {
    ($($(#[$doc:meta])* $name:ident: $flip:path;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub struct $name(f64);

        impl $name {
            /// With this probability (torchvision's default is 0.5).
            pub fn new(p: f64) -> Self {
                Self(p)
            }
        }

        impl Transform for $name {
            fn apply(&self, image: &Tensor) -> Result<Tensor> {
                if happens(self.0)? { $flip(image) } else { Ok(image.clone()) }
            }
        }
    )*};
}

flips! {
    /// Left and right exchanged by chance.
    RandomHorizontalFlip: functional::hflip;
    /// Top and bottom exchanged by chance.
    RandomVerticalFlip: functional::vflip;
}

/// A part of the image, of a fixed size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RandomCrop {
    size: [usize; 2],
    padding: usize,
}

impl RandomCrop {
    /// Of this height and width.
    pub fn new(size: impl Sizes<2>) -> Self {
        Self { size: size.sizes(), padding: 0 }
    }

    /// Of an image with so many zeros around it.
    #[must_use]
    pub fn padding(mut self, padding: usize) -> Self {
        self.padding = padding;
        self
    }
}

impl Transform for RandomCrop {
    fn apply(&self, image: &Tensor) -> Result<Tensor> {
        let padding = isize::try_from(self.padding).unwrap_or(isize::MAX);
        let padded = if padding == 0 { image.clone() } else { image.constant_pad_nd(&[padding; 4], 0)? };
        let [_, h, w] = functional::get_dimensions(&padded)?;
        let [height, width] = self.size;
        if h < height || w < width {
            return Err(Error::value(format!(
                "Required crop size ({height}, {width}) is larger than input image size ({h}, {w})"
            )));
        }
        if [h, w] == self.size {
            return Ok(padded);
        }
        let (top, left) = (below(h - height + 1)?, below(w - width + 1)?);
        functional::crop(&padded, [top as isize, left as isize], self.size)
    }
}

/// Ranges of areas, as shares of the whole, and of proportions.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Ranges {
    scale: [f64; 2],
    ratio: [f64; 2],
}

impl Ranges {
    /// Two sides whose product is a random area, and whose quotient is even on a logarithmic scale.
    fn draw(&self, area: usize) -> Result<[usize; 2]> {
        let area = area as f64 * uniform(self.scale[0], self.scale[1])?;
        // In float32, as torchvision takes these logarithms.
        let [low, high] = self.ratio.map(|ratio| f64::from((ratio as f32).ln()));
        let aspect = f64::from((uniform(low, high)? as f32).exp());
        Ok([(area * aspect).sqrt(), (area / aspect).sqrt()].map(|side| side.round_ties_even() as usize))
    }
}

/// A part of the image, of random area and proportions, resized.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RandomResizedCrop {
    size: [usize; 2],
    ranges: Ranges,
    interpolation: Interpolation,
}

impl RandomResizedCrop {
    /// To this height and width, with torchvision's ranges: 8 % of the area to all of it, proportions from 3/4 to 4/3.
    pub fn new(size: impl Sizes<2>) -> Self {
        let ranges = Ranges { scale: [0.08, 1.0], ratio: [3.0 / 4.0, 4.0 / 3.0] };
        Self { size: size.sizes(), ranges, interpolation: Interpolation::default() }
    }

    /// With other areas, as shares of the whole.
    #[must_use]
    pub fn scale(mut self, least: f64, most: f64) -> Self {
        self.ranges.scale = [least, most];
        self
    }

    /// With other proportions, of width to height.
    #[must_use]
    pub fn ratio(mut self, least: f64, most: f64) -> Self {
        self.ranges.ratio = [least, most];
        self
    }

    /// With another interpolation (bilinear by default).
    #[must_use]
    pub fn interpolation(mut self, interpolation: Interpolation) -> Self {
        self.interpolation = interpolation;
        self
    }

    /// Top and left, height and width.
    fn draw(&self, h: usize, w: usize) -> Result<([usize; 2], [usize; 2])> {
        for _ in 0..10 {
            let [width, height] = self.ranges.draw(h * w)?;
            if (1..=w).contains(&width) && (1..=h).contains(&height) {
                return Ok(([below(h - height + 1)?, below(w - width + 1)?], [height, width]));
            }
        }
        // No luck: the middle, as much of it as the proportions allow.
        let ([least, most], own) = (self.ranges.ratio, w as f64 / h as f64);
        let (mut height, mut width) = (h, w);
        if own < least {
            height = (w as f64 / least).round_ties_even() as usize;
        } else if own > most {
            width = (h as f64 * most).round_ties_even() as usize;
        }
        Ok(([h.saturating_sub(height) / 2, w.saturating_sub(width) / 2], [height, width]))
    }
}

impl Transform for RandomResizedCrop {
    fn apply(&self, image: &Tensor) -> Result<Tensor> {
        let [_, h, w] = functional::get_dimensions(image)?;
        let (corner, size) = self.draw(h, w)?;
        let part = functional::crop(image, corner.map(|n| n as isize), size)?;
        functional::resize(&part, self.size, self.interpolation)
    }
}

/// A random rectangle filled, by chance.
///
/// Source: Z. Zhong et al., "Random erasing data augmentation", 2020.
#[derive(Clone, Debug, PartialEq)]
pub struct RandomErasing {
    p: f64,
    ranges: Ranges,
    value: Option<Vec<f64>>,
}

impl RandomErasing {
    /// With this probability, zeros, and torchvision's ranges: 2 to 33 % of the area, proportions from 0.3 to 3.3.
    ///
    /// # Errors
    /// If the probability is not between 0 and 1.
    pub fn new(p: f64) -> Result<Self> {
        if !(0.0..=1.0).contains(&p) {
            return Err(Error::value("Random erasing probability should be between 0 and 1"));
        }
        Ok(Self { p, ranges: Ranges { scale: [0.02, 0.33], ratio: [0.3, 3.3] }, value: Some(vec![0.0]) })
    }

    /// With one number, or one for each channel.
    #[must_use]
    pub fn value(mut self, value: impl Into<Vec<f64>>) -> Self {
        self.value = Some(value.into());
        self
    }

    /// With normally distributed noise.
    #[must_use]
    pub fn noise(mut self) -> Self {
        self.value = None;
        self
    }
}

impl Transform for RandomErasing {
    fn apply(&self, image: &Tensor) -> Result<Tensor> {
        if !happens(self.p)? {
            return Ok(image.clone());
        }
        let [channels, h, w] = functional::get_dimensions(image)?;
        if self.value.as_ref().is_some_and(|value| ![1, channels].contains(&value.len())) {
            return Err(Error::value(format!(
                "If value is a sequence, it should have either a single value or {channels} (number of input channels)"
            )));
        }
        for _ in 0..10 {
            let [height, width] = self.ranges.draw(h * w)?;
            if height >= h || width >= w {
                continue;
            }
            let value = match &self.value {
                Some(value) => Tensor::from_slice(value, [value.len(), 1, 1])?.to_dtype(DType::F32)?,
                None => no_grad(|| Tensor::empty([channels, height, width], DType::F32)?.normal_(0.0, 1.0, None))?,
            };
            let corner = [below(h - height + 1)?, below(w - width + 1)?];
            return functional::erase(image, corner, [height, width], &value);
        }
        Ok(image.clone())
    }
}
