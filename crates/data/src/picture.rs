//! Pictures in files: JPEG, PNG, WebP, BMP and GIF (its first frame), told by their content.

use crate::files;
use flambeau_tensor::{Error, Result, Tensor};
use image::ImageReader;
use std::io::Cursor;
use std::path::Path;

/// How many bytes a picture may take when it is decoded: a file of a few bytes can claim any size.
const LIMIT: u64 = 1 << 30;
/// How large a picture's file may be.
const FILE_LIMIT: u64 = 1 << 30;

/// Endings of the names of pictures.
pub const EXTENSIONS: [&str; 6] = ["jpg", "jpeg", "png", "webp", "bmp", "gif"];

/// Whether a file's name ends as a picture's.
pub(crate) fn is_named_so(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(extension))
}

/// Which channels are made of a picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Color {
    /// Red, green and blue; a grey picture has three equal ones.
    #[default]
    Rgb,
    /// One channel, of colours their luminance.
    Gray,
}

impl Color {
    /// How many channels those are.
    pub fn channels(self) -> usize {
        match self {
            Color::Rgb => 3,
            Color::Gray => 1,
        }
    }
}

/// Reads a file as bytes `(3, H, W)`: red, green, blue.
///
/// # Errors
/// If the file cannot be read, is no picture, is damaged, or larger than a gibibyte when decoded.
pub fn read_image(path: impl AsRef<Path>) -> Result<Tensor> {
    read(path, Color::Rgb)
}

/// Decodes a picture to bytes `(3, H, W)`, as [`read_image`].
///
/// # Errors
/// As [`read_image`].
pub fn decode_image(bytes: &[u8]) -> Result<Tensor> {
    decode(bytes, Color::Rgb)
}

/// Reads a file as bytes `(C, H, W)`.
///
/// # Errors
/// As [`read_image`].
pub fn read(path: impl AsRef<Path>, color: Color) -> Result<Tensor> {
    let path = path.as_ref();
    decode(&files::read(path, FILE_LIMIT)?, color)
        .map_err(|error| Error::file(format!("{}: {}", path.display(), error.message())))
}

/// Decodes a picture to bytes `(C, H, W)`.
///
/// # Errors
/// As [`read_image`].
pub fn decode(bytes: &[u8], color: Color) -> Result<Tensor> {
    let failed = |error: &dyn std::fmt::Display| {
        Error::file(format!("not a picture in JPEG, PNG, WebP, BMP or GIF, or a damaged one: {error}"))
    };
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|error| failed(&error))?;
    let mut limits = image::Limits::default();
    limits.max_alloc = Some(LIMIT);
    reader.limits(limits);
    let picture = reader.decode().map_err(|error| failed(&error))?;
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    match color {
        Color::Rgb => {
            Tensor::from_slice(picture.into_rgb8().as_raw(), [height, width, 3])?.permute(&[2, 0, 1])?.contiguous()
        }
        Color::Gray => Tensor::from_slice(picture.into_luma8().as_raw(), [1, height, width]),
    }
}
