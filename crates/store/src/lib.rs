//! Checkpoints: tensors in files.
//!
//! [`load`] tells a file's format from its content and gives back named tensors; [`save`] picks
//! the format by the name's ending. PyTorch's `.pt` files ([`torch`]) hold arbitrary nested values
//! as a pickle, which is read here by an interpreter that builds data and never runs code.
//!
//! A file is written under a temporary name beside its destination and renamed when it is whole:
//! an interruption leaves the old file as it was.

mod atomic;
mod pickle;
pub mod safetensors;
pub mod torch;
mod value;

pub use atomic::write_atomically;
pub use value::Value;

use flambeau_tensor::{Error, Result, Tensor};
use std::path::Path;

/// Tensors with their names, in the order of the file.
pub type NamedTensors = Vec<(String, Tensor)>;

/// Reads the tensors of a checkpoint, whichever format its content has. A `.pt` file that holds a
/// nested structure gives its state dict: the value itself if it is a dict of tensors, else its
/// entry `state_dict`, `model_state_dict` or `model`.
///
/// # Errors
/// If the file cannot be read, is of no known format, is damaged, or holds no state dict.
pub fn load(path: impl AsRef<Path>) -> Result<NamedTensors> {
    let path = path.as_ref();
    let bytes = read_file(path)?;
    match Format::of(&bytes) {
        Some(Format::Safetensors) => safetensors::from_bytes(&bytes),
        Some(Format::Torch) => torch::from_bytes(bytes)?.into_state_dict(),
        None => Err(Error::file(format!(
            "{}: neither a PyTorch zip archive nor a safetensors file (it begins with {:02x?})",
            path.display(),
            &bytes[..bytes.len().min(8)]
        ))),
    }
}

/// Writes named tensors: as safetensors if the name ends in `.safetensors`, as PyTorch's zip
/// format if it ends in `.pt`, `.pth` or `.bin`.
///
/// # Errors
/// If the ending is another, or the file cannot be written.
pub fn save<'a>(path: impl AsRef<Path>, tensors: impl IntoIterator<Item = (&'a str, &'a Tensor)>) -> Result<()> {
    let path = path.as_ref();
    match path.extension().and_then(|e| e.to_str()) {
        Some("safetensors") => safetensors::save(path, tensors),
        Some("pt" | "pth" | "bin") => torch::save(path, &Value::state_dict(tensors)),
        _ => Err(Error::file(format!(
            "{}: the name of a checkpoint ends in .safetensors, .pt, .pth or .bin",
            path.display()
        ))),
    }
}

/// A file format, told by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// An eight-byte length, then a JSON header.
    Safetensors,
    /// A zip archive with a pickle in it.
    Torch,
}

impl Format {
    /// The format that these bytes begin like.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(b"PK\x03\x04") {
            Some(Format::Torch)
        } else if bytes.get(8) == Some(&b'{') {
            Some(Format::Safetensors)
        } else {
            None
        }
    }
}

pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| Error::file(format!("{}: {error}", path.display())))
}
