//! Images of bytes into batches that a network learns from: resized, cropped, flipped, normalised, partly erased.
//!
//! One pass over a sample does all of it, from the bytes to float32 numbers in their place in the batch: a picture of
//! 28 by 28 pixels costs about a microsecond, so that one core prepares data for many. What is random is drawn from a
//! generator of the sample's own ([`EpochSeed`]), and is the same whatever the number of workers.

mod erase;
mod pixels;

pub use erase::Erase;

use crate::dataset::named;
use crate::images::with_bytes;
use crate::{Collate, Dataset, Draws, EpochSeed, Images};
use flambeau_tensor::ops::{Resize, ResizeTarget};
use flambeau_tensor::{Array, DType, Error, Layout, Result, Storage, Tensor};
use pixels::{Placement, Table};

/// What is done to each image, in this order: resize, crop, flip, normalise, erase.
///
/// ```
/// use flambeau_data::{DataLoader, Preparation, sources};
///
/// let digits = sources::open("digits", &sources::Options::default())?;
/// let prepared = Preparation::new().crop(1).flip(0.5).normalize([0.3], [0.4]).apply(digits.train)?;
/// let loader = DataLoader::builder(prepared).batch_size(64).shuffle(true).workers(2).build()?;
/// let (images, labels) = loader.iter()?.next().expect("a batch")?;
/// assert_eq!((images.shape().to_vec(), labels.numel()), (vec![64, 1, 8, 8], 64));
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Preparation {
    size: Option<[usize; 2]>,
    random_scale: Option<[f64; 2]>,
    padding: usize,
    flip: f64,
    mean: Vec<f64>,
    std: Vec<f64>,
    erase: Option<Erase>,
}

impl Preparation {
    /// Numbers from 0 to 1, as torchvision's `ToTensor` makes them, and nothing else.
    pub fn new() -> Self {
        Self::default()
    }

    /// Images become `height` by `width`: the shorter side is resized (bilinear, all pixels counting where it
    /// shrinks), and the middle kept.
    #[must_use]
    pub fn resize(mut self, size: [usize; 2]) -> Self {
        self.size = Some(size);
        self
    }

    /// With [`Preparation::resize`]: instead of the whole image, a random part with this share of its area, of
    /// proportions from 3:4 to 4:3, as torchvision's `RandomResizedCrop` takes it.
    #[must_use]
    pub fn random_part(mut self, scale: [f64; 2]) -> Self {
        self.random_scale = Some(scale);
        self
    }

    /// A part of the image's size, at random, of the image with so many zeros on each side.
    #[must_use]
    pub fn crop(mut self, padding: usize) -> Self {
        self.padding = padding;
        self
    }

    /// Mirrored left to right with this probability.
    #[must_use]
    pub fn flip(mut self, probability: f64) -> Self {
        self.flip = probability;
        self
    }

    /// `(image - mean) / std`, with a number for each channel or one for all; images go from 0 to 1 before.
    #[must_use]
    pub fn normalize(mut self, mean: impl Into<Vec<f64>>, std: impl Into<Vec<f64>>) -> Self {
        self.mean = mean.into();
        self.std = std.into();
        self
    }

    /// A rectangle is set to zero, which after normalising is the mean.
    #[must_use]
    pub fn erase(mut self, erase: Erase) -> Self {
        self.erase = Some(erase);
        self
    }

    /// The same without anything random: for the images to test with.
    #[must_use]
    pub fn without_augmentation(&self) -> Self {
        Self { random_scale: None, padding: 0, flip: 0.0, erase: None, ..self.clone() }
    }

    /// A dataset of prepared images, float32 `(C, H, W)`, with their labels.
    ///
    /// # Errors
    /// If an option is out of its range, means and deviations are not as many as channels, or images may differ in
    /// size and [`Preparation::resize`] was not asked for.
    pub fn apply(&self, images: Images) -> Result<Prepared> {
        let channels = images.channels();
        for (what, probability) in [("flip", self.flip), ("erase", self.erase.as_ref().map_or(0.0, Erase::probability))]
        {
            if !(0.0..=1.0).contains(&probability) {
                return Err(Error::value(format!(
                    "the probability to {what} is between 0 and 1, but got {probability}"
                )));
            }
        }
        if let Some([low, high]) = self.random_scale
            && !(0.0 < low && low <= high && high <= 1.0)
        {
            return Err(Error::value(format!("shares of an area are between 0 and 1, but got {low} to {high}")));
        }
        let shape = match (self.size, images.shape()) {
            (Some([0, _] | [_, 0]), _) => return Err(Error::value("an image of size 0 was asked for")),
            (Some([height, width]), _) => [channels, height, width],
            (None, Some(shape)) => shape,
            (None, None) => {
                return Err(Error::shape("these images may differ in size: choose one with resize([height, width])"));
            }
        };
        if self.padding > 1 << 16 {
            return Err(Error::value(format!("{} pixels of padding are too many", self.padding)));
        }
        let tables = Table::of_channels(channels, &self.mean, &self.std)?;
        Ok(Prepared { images, preparation: self.clone(), shape, tables })
    }
}

/// Images, prepared as they are fetched; see [`Preparation::apply`].
#[derive(Clone, Debug)]
pub struct Prepared {
    images: Images,
    preparation: Preparation,
    /// Channels, height and width of what comes out.
    shape: [usize; 3],
    tables: Vec<Table>,
}

impl Prepared {
    /// The images as they are.
    pub fn images(&self) -> &Images {
        &self.images
    }

    /// Channels, height and width of a prepared image.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// Prepares bytes of the right shape into `to`. Without `draws`, nothing random is done.
    fn prepare(&self, bytes: &[u8], draws: Option<&mut Draws>, to: &mut [f32]) {
        let [_, height, width] = self.shape;
        let area = height * width;
        let Preparation { padding, flip, erase, .. } = &self.preparation;
        let mut place = Placement { top: 0, left: 0, mirrored: false };
        let mut erased = None;
        if let Some(draws) = draws {
            if *padding > 0 {
                place.top = draws.below(2 * padding + 1) as isize - *padding as isize;
                place.left = draws.below(2 * padding + 1) as isize - *padding as isize;
            }
            place.mirrored = *flip > 0.0 && draws.chance(*flip);
            erased = erase.as_ref().and_then(|erase| erase.draw(draws, [height, width]));
        }
        let channels = bytes.chunks_exact(area.max(1)).zip(to.chunks_exact_mut(area.max(1))).zip(&self.tables);
        for ((from, to), table) in channels {
            table.place(from, to, [height, width], &place);
            if let Some(rectangle) = &erased {
                rectangle.clear(to, width);
            }
        }
    }

    /// An image of the right size, as bytes.
    fn sized(&self, index: usize, draws: Option<&mut Draws>) -> Result<Tensor> {
        let (image, _) = self.images.get(index)?;
        let Some(size) = self.preparation.size else { return Ok(image) };
        match (self.preparation.random_scale, draws) {
            (Some(scale), Some(draws)) => {
                let [top, left, height, width] = random_part(&image.shape()[1..], scale, draws);
                resize(&part(&image, [top, left], [height, width])?, size)
            }
            _ => fill(&image, size),
        }
    }

    /// Sample `index` into its place of a batch.
    fn write(&self, index: usize, mut draws: Option<Draws>, to: &mut [f32]) -> Result<()> {
        let size_fits = self.images.shape() == Some(self.shape) && self.preparation.random_scale.is_none();
        match self.images.packed_image(index).filter(|_| size_fits) {
            Some(bytes) => self.prepare(bytes, draws.as_mut(), to),
            None => {
                let image = self.sized(index, draws.as_mut())?;
                if image.shape() != self.shape {
                    return Err(Error::shape(format!("an image of shape {} among {:?}", image.shape(), self.shape)));
                }
                with_bytes(&image, |bytes| self.prepare(bytes, draws.as_mut(), to))?;
            }
        }
        Ok(())
    }

    fn label(&self, index: usize) -> Result<i64> {
        let label = self.images.labels().get(index).copied();
        label.ok_or_else(|| Error::index(format!("index {index} is out of range for {} images", self.len())))
    }

    fn batch_of(&self, indices: &[usize], epoch: Option<EpochSeed>) -> Result<(Tensor, Tensor)> {
        let labels = indices.iter().map(|&index| self.label(index)).collect::<Result<Vec<_>>>()?;
        let [c, h, w] = self.shape;
        let size = c * h * w;
        let count = size.checked_mul(indices.len()).and_then(|n| n.checked_mul(size_of::<f32>()));
        let bytes =
            count.ok_or_else(|| Error::memory(format!("a batch of {} images {:?}", indices.len(), self.shape)))?;
        let storage = Storage::filled(bytes, |batch| {
            // Storages are aligned for numbers of every dtype.
            let batch: &mut [f32] = bytemuck::cast_slice_mut(batch);
            for (&index, to) in indices.iter().zip(batch.chunks_exact_mut(size.max(1))) {
                self.write(index, epoch.map(|epoch| epoch.sample(index)), to)
                    .map_err(|error| named(error, &self.name(index)))?;
            }
            Ok(())
        })?;
        let batch = Array::new(storage, Layout::contiguous([indices.len(), c, h, w]), DType::F32)?;
        Ok((Tensor::from_array(batch), Collate::collate(labels)?))
    }

    fn one(&self, index: usize, epoch: Option<EpochSeed>) -> Result<(Tensor, i64)> {
        Ok((self.batch_of(&[index], epoch)?.0.select(0, 0)?, self.label(index)?))
    }
}

impl Dataset for Prepared {
    type Sample = (Tensor, i64);

    fn len(&self) -> usize {
        self.images.len()
    }

    /// Without anything random, which belongs to an epoch.
    fn get(&self, index: usize) -> Result<(Tensor, i64)> {
        self.one(index, None)
    }

    fn name(&self, index: usize) -> String {
        self.images.name(index)
    }

    fn fetch(&self, index: usize, epoch: EpochSeed) -> Result<(Tensor, i64)> {
        self.one(index, Some(epoch))
    }

    fn batch(&self, indices: &[usize]) -> Result<(Tensor, Tensor)> {
        self.batch_of(indices, None)
    }

    fn batch_in(&self, indices: &[usize], epoch: EpochSeed) -> Result<(Tensor, Tensor)> {
        self.batch_of(indices, Some(epoch))
    }
}

/// An image of bytes in another size, all pixels counting where it shrinks.
fn resize(image: &Tensor, size: [usize; 2]) -> Result<Tensor> {
    if image.shape()[1..] == size {
        return Ok(image.clone());
    }
    let target = ResizeTarget::Size(size.iter().map(|&n| n as isize).collect(), vec![None, None]);
    let resized = image.unsqueeze(0)?.to_dtype(DType::F32)?.resize(Resize::LinearAntialias, &target, false)?;
    resized.round()?.to_dtype(DType::U8)?.select(0, 0)
}

/// A rectangle of an image.
fn part(image: &Tensor, [top, left]: [usize; 2], [height, width]: [usize; 2]) -> Result<Tensor> {
    image.narrow(1, top as isize, height)?.narrow(2, left as isize, width)
}

/// The middle of an image whose size just covers what is asked for.
fn fill(image: &Tensor, [height, width]: [usize; 2]) -> Result<Tensor> {
    let shape = image.shape();
    let (h, w) = (shape[1], shape[2]);
    if h == 0 || w == 0 {
        return Err(Error::shape(format!("an image without pixels: {shape}")));
    }
    let scale = (height as f64 / h as f64).max(width as f64 / w as f64);
    // At least what is asked for, whatever rounding does.
    let scaled = |side: usize, wanted: usize| ((side as f64 * scale).round() as usize).max(wanted);
    // A picture a thousand times as long as it is wide would grow by as much: its middle is cut out first.
    let keep = |side: usize, wanted: usize| side.min((wanted as f64 / scale).ceil() as usize + 2).max(1);
    let (kept_h, kept_w) = (keep(h, height), keep(w, width));
    let middle = part(image, [(h - kept_h) / 2, (w - kept_w) / 2], [kept_h, kept_w])?;
    let (h, w) = (scaled(kept_h, height), scaled(kept_w, width));
    part(&resize(&middle, [h, w])?, [(h - height) / 2, (w - width) / 2], [height, width])
}

/// Top, left, height and width of torchvision's `RandomResizedCrop`.
fn random_part(shape: &[usize], [low, high]: [f64; 2], draws: &mut Draws) -> [usize; 4] {
    let (h, w) = (shape[0], shape[1]);
    let ratio = [3.0f64 / 4.0, 4.0 / 3.0].map(f64::ln);
    for _ in 0..10 {
        let area = (h * w) as f64 * draws.between(low, high);
        let aspect = draws.between(ratio[0], ratio[1]).exp();
        let width = (area * aspect).sqrt().round() as usize;
        let height = (area / aspect).sqrt().round() as usize;
        if (1..=w).contains(&width) && (1..=h).contains(&height) {
            return [draws.below(h - height + 1), draws.below(w - width + 1), height, width];
        }
    }
    // None fits a very long picture: its middle.
    let height = h.min((w as f64 / ratio[0].exp()).round() as usize).max(1);
    let width = w.min((h as f64 * ratio[1].exp()).round() as usize).max(1);
    [(h - height) / 2, (w - width) / 2, height, width]
}
