//! Labelled images.

use crate::picture::{self, Color};
use crate::{Collate, Dataset};
use flambeau_tensor::{Array, DType, Error, Layout, Result, Storage, Tensor};
use std::path::PathBuf;
use std::sync::Arc;

/// Images of bytes `(C, H, W)`, each with the number of its class.
///
/// They lie packed in memory where all have one size, or are decoded from their files as they are fetched. A
/// clone shares them.
///
/// ```
/// use flambeau_data::{Dataset, Images};
///
/// let classes = vec!["dark".to_owned(), "bright".to_owned()];
/// let images = Images::packed(vec![0, 1, 2, 3, 255, 254, 253, 252], [1, 2, 2], vec![0, 1], classes)?;
/// let (batch, labels) = images.batch(&[1, 0])?;
/// assert_eq!(batch.shape(), [2, 1, 2, 2]);
/// assert_eq!(labels.to_vec::<i64>()?, [1, 0]);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Images {
    pixels: Pixels,
    labels: Arc<[i64]>,
    classes: Arc<[String]>,
}

#[derive(Clone, Debug)]
enum Pixels {
    /// One after the other.
    Packed { bytes: Arc<Vec<u8>>, shape: [usize; 3] },
    /// In memory, of any sizes.
    Tensors(Arc<[Tensor]>),
    /// Decoded when fetched.
    Files { paths: Arc<[PathBuf]>, color: Color },
}

impl Images {
    /// Images of one shape `(C, H, W)`, whose bytes follow one another.
    ///
    /// # Errors
    /// If the bytes are not those of as many images as there are labels, or a label is not the number of a class.
    pub fn packed(bytes: Vec<u8>, shape: [usize; 3], labels: Vec<i64>, classes: Vec<String>) -> Result<Self> {
        let wanted = shape.iter().try_fold(labels.len(), |n, &size| n.checked_mul(size));
        if wanted != Some(bytes.len()) {
            return Err(Error::shape(format!(
                "{} bytes are not {} images of shape {shape:?}",
                bytes.len(),
                labels.len()
            )));
        }
        Self::new(Pixels::Packed { bytes: Arc::new(bytes), shape }, labels.len(), labels, classes)
    }

    /// Images that are tensors of bytes `(C, H, W)` and may differ in size. Those of one size are packed.
    ///
    /// # Errors
    /// If one is something else, the labels are not as many, or a label is not the number of a class.
    pub fn from_tensors(images: Vec<Tensor>, labels: Vec<i64>, classes: Vec<String>) -> Result<Self> {
        if let Some(image) = images.iter().find(|image| image.ndim() != 3 || image.dtype() != DType::U8) {
            return Err(Error::shape(format!(
                "an image is made of bytes (C, H, W), but got {} of {}",
                image.shape(),
                image.dtype().name()
            )));
        }
        let count = images.len();
        let one_shape = images.windows(2).all(|pair| pair[0].shape() == pair[1].shape());
        let pixels = match images.first().map(Tensor::shape) {
            Some(shape) if one_shape => {
                let mut bytes = Vec::with_capacity(count * shape.iter().product::<usize>());
                for image in &images {
                    with_bytes(image, |image| bytes.extend_from_slice(image))?;
                }
                Pixels::Packed { bytes: Arc::new(bytes), shape: [shape[0], shape[1], shape[2]] }
            }
            _ => Pixels::Tensors(images.into()),
        };
        Self::new(pixels, count, labels, classes)
    }

    /// Images of any source that can be iterated over, taken into memory.
    ///
    /// # Errors
    /// Those of the source, and as [`Images::from_tensors`].
    pub fn from_samples(
        samples: impl IntoIterator<Item = Result<(Tensor, i64)>>,
        classes: Vec<String>,
    ) -> Result<Self> {
        let (images, labels) = samples.into_iter().collect::<Result<Vec<_>>>()?.into_iter().unzip();
        Self::from_tensors(images, labels, classes)
    }

    /// Pictures in files, read and decoded when they are fetched.
    ///
    /// # Errors
    /// If the labels are not as many, or a label is not the number of a class.
    pub fn from_files(paths: Vec<PathBuf>, color: Color, labels: Vec<i64>, classes: Vec<String>) -> Result<Self> {
        let count = paths.len();
        Self::new(Pixels::Files { paths: paths.into(), color }, count, labels, classes)
    }

    fn new(pixels: Pixels, count: usize, labels: Vec<i64>, classes: Vec<String>) -> Result<Self> {
        if labels.len() != count {
            return Err(Error::shape(format!("{count} images and {} labels", labels.len())));
        }
        let known = 0..classes.len() as i64;
        if let Some(at) = labels.iter().position(|label| !known.contains(label)) {
            return Err(Error::value(format!(
                "image {at} has label {}, and there are {} classes",
                labels[at],
                classes.len()
            )));
        }
        Ok(Self { pixels, labels: labels.into(), classes: classes.into() })
    }

    /// Channels, height and width, where all images are known to have the same.
    pub fn shape(&self) -> Option<[usize; 3]> {
        match &self.pixels {
            Pixels::Packed { shape, .. } => Some(*shape),
            _ => None,
        }
    }

    /// How many channels an image has; 0 of no images.
    pub fn channels(&self) -> usize {
        match &self.pixels {
            Pixels::Packed { shape, .. } => shape[0],
            Pixels::Tensors(images) => images.first().map_or(0, |image| image.shape()[0]),
            Pixels::Files { color, .. } => color.channels(),
        }
    }

    /// The number of each image's class.
    pub fn labels(&self) -> &[i64] {
        &self.labels
    }

    /// The names of the classes.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// How many images each class has.
    pub fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes.len()];
        self.labels.iter().for_each(|&label| counts[label as usize] += 1);
        counts
    }

    /// The bytes of one image, where all are packed.
    pub(crate) fn packed_image(&self, index: usize) -> Option<&[u8]> {
        match &self.pixels {
            Pixels::Packed { bytes, shape } => {
                let size = shape.iter().product::<usize>();
                bytes.get(index * size..(index + 1) * size)
            }
            _ => None,
        }
    }

    /// Some of the images, in this order.
    ///
    /// # Errors
    /// If a number is not less than how many there are.
    pub fn select(&self, indices: &[usize]) -> Result<Self> {
        if let Some(index) = indices.iter().find(|&&index| index >= self.len()) {
            return Err(Error::index(format!("index {index} is out of range for {} images", self.len())));
        }
        let pixels = match &self.pixels {
            Pixels::Packed { shape, .. } => {
                let chosen = indices.iter().filter_map(|&index| self.packed_image(index));
                let mut bytes = Vec::with_capacity(indices.len() * shape.iter().product::<usize>());
                chosen.for_each(|image| bytes.extend_from_slice(image));
                Pixels::Packed { bytes: Arc::new(bytes), shape: *shape }
            }
            Pixels::Tensors(images) => Pixels::Tensors(indices.iter().map(|&i| images[i].clone()).collect()),
            Pixels::Files { paths, color } => {
                Pixels::Files { paths: indices.iter().map(|&i| paths[i].clone()).collect(), color: *color }
            }
        };
        let labels = indices.iter().map(|&index| self.labels[index]).collect();
        Ok(Self { pixels, labels, classes: self.classes.clone() })
    }

    /// Two parts: of every class, this share of the images (rounded, spread over their order) goes to the second.
    ///
    /// # Errors
    /// If the share is not between 0 and 1.
    pub fn hold_out(&self, share: f64) -> Result<(Self, Self)> {
        if !(0.0..=1.0).contains(&share) {
            return Err(Error::value(format!("a share is between 0 and 1, but got {share}")));
        }
        let mut seen = vec![0u64; self.classes.len()];
        // The number of images held out among the first `n` of a class grows by one or not at all.
        let held = |n: u64| (n as f64 * share).round() as u64;
        let (mut rest, mut out) = (Vec::new(), Vec::new());
        for (index, &label) in self.labels.iter().enumerate() {
            let n = &mut seen[label as usize];
            if held(*n + 1) > held(*n) {
                out.push(index)
            } else {
                rest.push(index)
            }
            *n += 1;
        }
        Ok((self.select(&rest)?, self.select(&out)?))
    }
}

/// Gives the bytes of an image of bytes, in row-major order, to `read`.
pub(crate) fn with_bytes<R>(image: &Tensor, read: impl FnOnce(&[u8]) -> R) -> Result<R> {
    let array = image.contiguous()?.array();
    let start = array.layout().offset();
    Ok(array.storage().with_bytes(|bytes| read(&bytes[start..start + array.numel()])))
}

impl Dataset for Images {
    type Sample = (Tensor, i64);

    fn len(&self) -> usize {
        self.labels.len()
    }

    fn get(&self, index: usize) -> Result<(Tensor, i64)> {
        let label = *self
            .labels
            .get(index)
            .ok_or_else(|| Error::index(format!("index {index} is out of range for {} images", self.len())))?;
        let image = match &self.pixels {
            Pixels::Packed { shape, .. } => Tensor::from_slice(self.packed_image(index).unwrap_or_default(), *shape)?,
            Pixels::Tensors(images) => images[index].clone(),
            Pixels::Files { paths, color } => picture::read(&paths[index], *color)?,
        };
        Ok((image, label))
    }

    fn name(&self, index: usize) -> String {
        match &self.pixels {
            Pixels::Files { paths, .. } if index < paths.len() => paths[index].display().to_string(),
            _ => format!("image {index}"),
        }
    }

    fn batch(&self, indices: &[usize]) -> Result<(Tensor, Tensor)> {
        let Pixels::Packed { shape: [c, h, w], .. } = self.pixels else {
            return Collate::collate(indices.iter().map(|&i| self.get(i)).collect::<Result<_>>()?);
        };
        let size = c * h * w;
        let images = indices
            .iter()
            .map(|&index| {
                self.packed_image(index)
                    .ok_or_else(|| Error::index(format!("index {index} is out of range for {} images", self.len())))
            })
            .collect::<Result<Vec<_>>>()?;
        let storage = Storage::filled(indices.len() * size, |batch| {
            batch.chunks_exact_mut(size.max(1)).zip(&images).for_each(|(to, image)| to.copy_from_slice(image));
            Ok(())
        })?;
        let batch = Array::new(storage, Layout::contiguous([indices.len(), c, h, w]), DType::U8)?;
        let labels: Vec<i64> = indices.iter().map(|&index| self.labels[index]).collect();
        Ok((Tensor::from_array(batch), Tensor::from_slice(&labels, [labels.len()])?))
    }
}
