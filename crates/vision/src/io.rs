//! Pictures in files.

pub use flambeau_data::picture::{decode_image, read_image};

use flambeau_tensor::{DType, Error, Result, Tensor};
use image::{DynamicImage, ImageFormat, RgbImage};
use std::io::Cursor;
use std::path::Path;

/// Writes bytes `(3, H, W)` or `(1, H, W)` as a PNG file, whole or not at all.
///
/// # Errors
/// If the tensor is no such image, or the file cannot be written.
pub fn write_png(image: &Tensor, path: impl AsRef<Path>) -> Result<()> {
    let shape = image.shape();
    if image.dtype() != DType::U8 || shape.len() != 3 || !matches!(shape[0], 1 | 3) {
        return Err(Error::shape(format!(
            "a picture is made of bytes (3, H, W) or (1, H, W), but got {} of {}",
            shape,
            image.dtype().name()
        )));
    }
    let colors = image.expand(&[3, -1, -1])?.permute(&[1, 2, 0])?.contiguous()?.to_vec::<u8>()?;
    let size = |n: usize| u32::try_from(n).map_err(|_| Error::shape(format!("a picture of {n} pixels is too large")));
    let picture = RgbImage::from_raw(size(shape[2])?, size(shape[1])?, colors)
        .ok_or_else(|| Error::shape(format!("a picture needs pixels, but got {shape}")))?;
    let mut encoded = Cursor::new(Vec::new());
    let path = path.as_ref();
    let failed = |error: &dyn std::fmt::Display| Error::file(format!("{}: {error}", path.display()));
    DynamicImage::ImageRgb8(picture).write_to(&mut encoded, ImageFormat::Png).map_err(|error| failed(&error))?;
    flambeau_store::write_atomically(path, |file| file.write_all(encoded.get_ref()).map_err(|error| failed(&error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("picture.png");
        let bytes: Vec<u8> = (0..3 * 4 * 5).collect();
        let image = Tensor::from_slice(&bytes, [3, 4, 5]).expect("an image");
        write_png(&image, &path).expect("written");
        let read = read_image(&path).expect("read");
        assert_eq!(read.shape(), [3, 4, 5]);
        assert_eq!(read.to_vec::<u8>().expect("bytes"), bytes);
    }

    #[test]
    fn what_is_no_picture_is_an_error() {
        for bytes in [&b""[..], b"hello", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0\x00"] {
            let error = decode_image(bytes).expect_err("no picture");
            assert!(error.message().starts_with("not a picture"), "{error}");
        }
        let floats = Tensor::zeros([3, 2, 2], DType::F32).expect("a tensor");
        assert!(write_png(&floats, "nowhere.png").is_err());
    }
}
