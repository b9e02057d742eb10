//! Small pictures: images, filters, feature maps.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flambeau::{DType, Error, Result, Tensor};
use image::{ColorType, ImageEncoder, ImageFormat, codecs::png::PngEncoder};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::io::Cursor;

/// A picture of bytes. In JSON it is a PNG in base64.
#[derive(Clone, Default, PartialEq)]
pub struct Picture {
    width: u32,
    height: u32,
    /// Grey or red, green and blue, row by row.
    pixels: Vec<u8>,
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture({} x {})", self.width, self.height)
    }
}

impl Picture {
    /// The picture of an image `(C, H, W)` of dtype `u8`, with one or three channels.
    ///
    /// # Errors
    /// If the image has another shape or dtype, or no pixels.
    pub fn new(image: &Tensor) -> Result<Self> {
        let shape = image.shape();
        let &[channels @ (1 | 3), height, width] = &shape[..] else {
            return Err(Error::shape(format!(
                "a picture has the shape (1, height, width) or (3, height, width), not {shape:?}"
            )));
        };
        if height == 0 || width == 0 {
            return Err(Error::shape(format!("a picture of shape {shape:?} has no pixels")));
        }
        if image.dtype() != DType::U8 {
            return Err(Error::dtype(format!("a picture has the dtype uint8, not {}", image.dtype())));
        }
        let side = |size: usize| {
            u32::try_from(size).map_err(|_| Error::shape(format!("a picture of shape {shape:?} is too large")))
        };
        let planes = image.to_vec::<u8>()?;
        let area = height * width;
        let pixels = (0..area).flat_map(|i| (0..channels).map(move |c| c * area + i)).map(|i| planes[i]).collect();
        Ok(Self { width: side(width)?, height: side(height)?, pixels })
    }

    /// Width and height in pixels.
    pub fn size(&self) -> [u32; 2] {
        [self.width, self.height]
    }

    /// Red, green and blue of a pixel.
    ///
    /// # Panics
    /// If it lies outside of the picture.
    pub fn color(&self, x: usize, y: usize) -> [u8; 3] {
        let at = y * self.width as usize + x;
        if self.pixels.len() == self.width as usize * self.height as usize {
            return [self.pixels[at]; 3];
        }
        [self.pixels[3 * at], self.pixels[3 * at + 1], self.pixels[3 * at + 2]]
    }

    /// A PNG file's content.
    ///
    /// # Errors
    /// If the picture is empty.
    pub fn png(&self) -> Result<Vec<u8>> {
        let area = self.width as usize * self.height as usize;
        let color = if self.pixels.len() == area { ColorType::L8 } else { ColorType::Rgb8 };
        let mut png = Vec::new();
        PngEncoder::new(&mut png)
            .write_image(&self.pixels, self.width, self.height, color.into())
            .map_err(|error| Error::value(format!("a picture of {} x {}: {error}", self.width, self.height)))?;
        Ok(png)
    }

    /// What `src` of an HTML page's image can be, with the picture in it.
    ///
    /// # Errors
    /// If the picture is empty.
    pub fn data_url(&self) -> Result<String> {
        Ok(format!("data:image/png;base64,{}", STANDARD.encode(self.png()?)))
    }

    fn from_png(png: &[u8]) -> Result<Self, String> {
        let mut reader = image::ImageReader::with_format(Cursor::new(png), ImageFormat::Png);
        let mut limits = image::Limits::default();
        limits.max_alloc = Some(64 << 20);
        reader.limits(limits);
        let image = reader.decode().map_err(|error| format!("not a PNG picture: {error}"))?;
        let (width, height) = (image.width(), image.height());
        let is_grey = image.color() == ColorType::L8;
        let pixels = if is_grey { image.into_luma8().into_raw() } else { image.into_rgb8().into_raw() };
        Ok(Self { width, height, pixels })
    }
}

impl Serialize for Picture {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let png = if self.pixels.is_empty() { Vec::new() } else { self.png().map_err(serde::ser::Error::custom)? };
        serializer.serialize_str(&STANDARD.encode(png))
    }
}

impl<'de> Deserialize<'de> for Picture {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.is_empty() {
            return Ok(Self::default());
        }
        let png = STANDARD.decode(text).map_err(serde::de::Error::custom)?;
        Self::from_png(&png).map_err(serde::de::Error::custom)
    }
}

/// The most pictures of one layer.
const MOST: usize = 64;

/// A convolution's weight `(K, C, H, W)` as one picture for each filter, 64 at most: in colour
/// where there are three channels, else the first channel in grey. All share one scale, with zero
/// in the middle.
///
/// # Errors
/// If the weight has another number of dimensions.
pub fn filters(weight: &Tensor) -> Result<Vec<Picture>> {
    let shape = weight.shape();
    let &[count, channels, height, width] = &shape[..] else {
        return Err(Error::shape(format!("a convolution's weight has four dimensions, not the shape {shape:?}")));
    };
    let shown = if channels == 3 { 3 } else { channels.min(1) };
    let values = weight.detach().to_dtype(DType::F32)?.to_vec::<f32>()?;
    let area = height * width;
    let planes: Vec<&[f32]> = (0..count.min(MOST))
        .map(|filter| &values[filter * channels * area..][..shown * area])
        .filter(|planes| !planes.is_empty())
        .collect();
    let most = planes.iter().flat_map(|planes| planes.iter()).fold(0.0f32, |most, v| most.max(v.abs()));
    planes.into_iter().map(|planes| scaled(planes, [shown, height, width], [-most, most])).collect()
}

/// A layer's output for one image, `(C, H, W)` or `(1, C, H, W)`, as one grey picture for each
/// channel, 64 at most; each has its own scale, from its least value to its greatest.
///
/// # Errors
/// If the output has another shape.
pub fn channels(output: &Tensor) -> Result<Vec<Picture>> {
    let shape = output.shape();
    let (&[1, channels, height, width] | &[channels, height, width]) = &shape[..] else {
        return Err(Error::shape(format!("feature maps have the shape (C, H, W) or (1, C, H, W), not {shape:?}")));
    };
    let values = output.detach().to_dtype(DType::F32)?.to_vec::<f32>()?;
    let area = (height * width).max(1);
    let one = |plane: &[f32]| {
        let finite = plane.iter().copied().filter(|v| v.is_finite());
        let range = [finite.clone().fold(f32::INFINITY, f32::min), finite.fold(f32::NEG_INFINITY, f32::max)];
        scaled(plane, [1, height, width], range)
    };
    values.chunks_exact(area).take(channels.min(MOST)).map(one).collect()
}

/// Numbers as bytes: 0 for the low end, 255 for the high one.
fn scaled(values: &[f32], shape: [usize; 3], [low, high]: [f32; 2]) -> Result<Picture> {
    let width = if high > low { high - low } else { 1.0 };
    // A number that is not finite becomes 0 or 255: `as` saturates.
    let bytes: Vec<u8> = values.iter().map(|v| (255.0 * (v - low) / width).round() as u8).collect();
    Picture::new(&Tensor::from_slice(&bytes, shape)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_survive_json() {
        for channels in [1, 3] {
            let bytes: Vec<u8> = (0..channels * 6).map(|i| (i * 13) as u8).collect();
            let picture = Picture::new(&Tensor::from_slice(&bytes, [channels, 2, 3]).expect("a tensor"));
            let picture = picture.expect("a picture");
            let text = serde_json::to_string(&picture).expect("JSON");
            assert_eq!(serde_json::from_str::<Picture>(&text).expect("a picture"), picture);
            assert_eq!(picture.size(), [3, 2]);
            // The second pixel's last channel.
            assert_eq!(picture.pixels[2 * channels - 1], bytes[6 * (channels - 1) + 1]);
        }
        assert_eq!(serde_json::from_str::<Picture>("\"\"").expect("none"), Picture::default());
        for wrong in ["\"?\"", "\"aGVsbG8=\"", "3"] {
            assert!(serde_json::from_str::<Picture>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_no_picture_is_an_error() {
        for shape in [vec![2, 3, 3], vec![3, 3], vec![3, 0, 3]] {
            let error = Picture::new(&Tensor::zeros(shape.clone(), DType::U8).expect("zeros")).expect_err("no picture");
            assert!(error.message().starts_with("a picture"), "{error}");
        }
        assert!(Picture::new(&Tensor::zeros([1, 2, 2], DType::F32).expect("zeros")).is_err());
        assert!(filters(&Tensor::zeros([2, 2], DType::F32).expect("zeros")).is_err());
        assert!(channels(&Tensor::zeros([2, 2, 2, 2], DType::F32).expect("zeros")).is_err());
    }

    #[test]
    fn filters_and_channels() {
        let weight = Tensor::from_slice(&[-2.0f32, 0.0, 1.0, 2.0], [2, 1, 1, 2]).expect("a weight");
        let pictures = filters(&weight).expect("pictures");
        assert_eq!(pictures.iter().map(|p| p.pixels.clone()).collect::<Vec<_>>(), [[0, 128], [191, 255]]);
        let maps = channels(&Tensor::from_slice(&[1.0f32, 3.0, 5.0, 5.0], [1, 2, 1, 2]).expect("maps"));
        assert_eq!(maps.expect("pictures").iter().map(|p| p.pixels.clone()).collect::<Vec<_>>(), [[0, 255], [0, 0]]);
        let colours = filters(&Tensor::zeros([70, 3, 2, 2], DType::F32).expect("zeros")).expect("pictures");
        assert_eq!((colours.len(), colours[0].pixels.len()), (64, 12));
    }
}
