//! PyTorch's `.pt` files: a pickle, and the raw bytes of the storages it names.
//!
//! Since version 1.6 they are the records of a zip archive (`data.pkl`, `data/0`, …); before, one
//! followed the other ([`save_legacy`] writes such a file still). Both are read.
//!
//! Tensors saved on another device come to the processor's memory, as with
//! `torch.load(…, map_location="cpu")`.

mod read;
mod storages;
mod write;

pub(crate) use read::open;
pub(crate) use storages::{MAGIC, byteswapped};

use crate::source::Source;
use crate::{LoadOptions, Value};
use flambeau_tensor::{Error, Result};
use std::path::Path;

/// Reads a file.
///
/// # Errors
/// If it cannot be read, is damaged, or names code.
pub fn load(path: impl AsRef<Path>) -> Result<Value> {
    load_with(path, &LoadOptions::default())
}

/// Reads a file in a way that `options` say.
///
/// # Errors
/// As [`load`].
pub fn load_with(path: impl AsRef<Path>, options: &LoadOptions) -> Result<Value> {
    let path = path.as_ref();
    let read = || open(&options.source(path)?)?.value();
    read().map_err(|error| crate::in_file(path, &error))
}

/// Reads the content of a file.
///
/// # Errors
/// As [`load`].
pub fn from_bytes(bytes: Vec<u8>) -> Result<Value> {
    open(&Source::Memory(bytes))?.value()
}

/// Writes a file that `torch.load(path)` reads. Tensors that share a storage share it in the file.
///
/// # Errors
/// If it cannot be written, or a value has no place in such a file.
pub fn save(path: impl AsRef<Path>, value: &Value) -> Result<()> {
    let path = path.as_ref();
    let name = path.file_stem().and_then(|name| name.to_str()).filter(|name| !name.is_empty()).unwrap_or("archive");
    crate::write_atomically(path, |file| write::archive(file, name, value).map(drop))
}

/// Writes a file in the format before PyTorch 1.6, as `torch.save(…,
/// _use_new_zipfile_serialization=False)` does.
///
/// # Errors
/// As [`save`].
pub fn save_legacy(path: impl AsRef<Path>, value: &Value) -> Result<()> {
    crate::write_atomically(path.as_ref(), |file| write::legacy(file, value))
}

/// The content of a file that [`save`] writes.
///
/// # Errors
/// As [`save`].
pub fn to_bytes(value: &Value) -> Result<Vec<u8>> {
    Ok(write::archive(std::io::Cursor::new(Vec::new()), "archive", value)?.into_inner())
}

/// The content of a file that [`save_legacy`] writes.
///
/// # Errors
/// As [`save`].
pub fn to_legacy_bytes(value: &Value) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    write::legacy(&mut bytes, value)?;
    Ok(bytes)
}

/// How deep containers may nest.
const MAX_DEPTH: usize = 200;

fn failed(error: std::io::Error) -> Error {
    Error::file(format!("writing a checkpoint: {error}"))
}
