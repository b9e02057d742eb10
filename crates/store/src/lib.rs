//! Checkpoints: tensors in files.
//!
//! [`load`] tells a file's format from its content, whatever its name is, and gives back named
//! tensors; [`save`] picks the format by the name's ending; [`describe`] tells what is in a file
//! without reading the numbers. The formats:
//!
//! | format | module | what it holds |
//! | --- | --- | --- |
//! | PyTorch's zip archives | [`torch`] | any nested [`Value`] |
//! | PyTorch's format before 1.6 | [`torch`] | the same |
//! | safetensors, one file or several with an index | [`safetensors`] | named tensors, texts about them |
//! | NumPy's `.npy` and `.npz` | [`npy`] | one array, named arrays |
//! | pickles of containers and NumPy arrays, as datasets are published | [`plain`] | any nested [`Value`] |
//!
//! Beside them, [`events`] writes what TensorBoard shows of a run.
//!
//! **A file is data.** A `.pt` file is a pickle, which is read here by an interpreter that builds
//! plain values from a fixed list of names and never runs code. Whatever a file claims is compared
//! with what is there before memory is taken for it: a damaged or hostile file gives an error.
//!
//! **Memory.** [`load_with`] and [`LoadOptions::mmap`] make tensors of the mapped file itself:
//! nothing is read until it is used, and what is written into such a tensor stays in this process.
//!
//! **Files appear whole.** A file is written under a temporary name beside its destination and
//! renamed when it is whole: an interruption leaves the old file as it was.
//!
#![doc = include_str!("../FUZZING.md")]

mod archive;
mod atomic;
mod describe;
mod dtypes;
pub mod events;
mod format;
mod index;
pub mod npy;
mod pickle;
pub mod plain;
pub mod safetensors;
mod source;
pub mod torch;
mod value;

pub use atomic::{WriteSeek, write_atomically};
pub use describe::{Description, Placed, TensorInfo, describe};
pub use dtypes::FileDType;
pub use format::Format;
pub use source::{View, map, view};
pub use value::{OrderedDict, Value};

use flambeau_tensor::{Error, Result, Tensor};
use source::Source;
use std::path::Path;

/// Tensors with their names, in the order of the file.
pub type NamedTensors = Vec<(String, Tensor)>;

/// How a file is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoadOptions {
    /// Makes tensors of the mapped file instead of copies of it: a page is read when it is first
    /// used, and writing changes this process's copy alone. See [`map`] for what others must not
    /// do to the file meanwhile. Checksums are not looked at.
    pub mmap: bool,
}

impl LoadOptions {
    fn source(&self, path: &Path) -> Result<Source> {
        if self.mmap { Source::map(path) } else { Source::open(path) }
    }
}

/// Reads the tensors of a checkpoint, whichever format its content has. A `.pt` file that holds a
/// nested structure gives its state dict: the value itself if it is a dict of tensors, else its
/// entry `state_dict`, `model_state_dict` or `model`. The one array of a `.npy` file has the file's
/// name without its ending.
///
/// # Errors
/// If the file cannot be read, is of no known format, is damaged, or holds no state dict.
pub fn load(path: impl AsRef<Path>) -> Result<NamedTensors> {
    load_with(path, &LoadOptions::default())
}

/// As [`load`], in a way that `options` say.
///
/// # Errors
/// As [`load`].
pub fn load_with(path: impl AsRef<Path>, options: &LoadOptions) -> Result<NamedTensors> {
    let path = path.as_ref();
    let source = options.source(path)?;
    let read = || match Format::of_source(&source)? {
        Format::Torch | Format::TorchLegacy => torch::open(&source)?.value()?.into_state_dict(),
        Format::Safetensors => safetensors::read(&source),
        Format::Index => index::load(&source, path, options),
        Format::Npy => Ok(vec![(npy::name_of(path), npy::read(&source)?)]),
        Format::Npz => npy::read_archive(&source),
        Format::Onnx => Err(describe::is_a_model()),
    };
    read().map_err(|error| in_file(path, &error))
}

/// Writes named tensors in the format that the name's ending says: `.safetensors`; `.pt`, `.pth`
/// or `.bin` for PyTorch's archives; `.npz` for NumPy's.
///
/// # Errors
/// If the ending is another, a tensor has a dtype that the format lacks, or the file cannot be
/// written.
pub fn save<'a>(path: impl AsRef<Path>, tensors: impl IntoIterator<Item = (&'a str, &'a Tensor)>) -> Result<()> {
    let path = path.as_ref();
    match path.extension().and_then(|e| e.to_str()) {
        Some("safetensors") => safetensors::save(path, tensors),
        Some("pt" | "pth" | "bin") => torch::save(path, &Value::state_dict(tensors)),
        Some("npz") => npy::save_archive(path, tensors),
        _ => Err(Error::file(format!(
            "{}: the name of a checkpoint ends in .safetensors, .pt, .pth, .bin or .npz",
            path.display()
        ))),
    }
}

/// The same error, with the file's name before it.
fn in_file(path: &Path, error: &Error) -> Error {
    let name = path.display().to_string();
    if error.message().starts_with(&name) { error.clone() } else { Error::file(format!("{name}: {error}")) }
}
