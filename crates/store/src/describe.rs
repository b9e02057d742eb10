//! What is in a file, without its numbers.

use crate::source::Source;
use crate::{FileDType, Format, in_file, index, npy, safetensors, torch};
use flambeau_tensor::{Error, Result};
use std::path::Path;

/// What a file holds.
#[derive(Clone, Debug)]
pub struct Description {
    /// Its format.
    pub format: Format,
    /// Its size; of a sharded checkpoint, that of all files.
    pub file_bytes: u64,
    /// Its tensors, in the order of the file. Those inside nested containers have the containers'
    /// keys before their names, with dots between them.
    pub tensors: Vec<TensorInfo>,
    /// What else it says: safetensors' metadata, or the numbers and strings of a `.pt` file.
    pub metadata: Vec<(String, String)>,
}

/// A tensor in a file.
#[derive(Clone, Debug)]
pub struct TensorInfo {
    /// Its name.
    pub name: String,
    /// Its dtype.
    pub dtype: FileDType,
    /// Its sizes.
    pub shape: Vec<usize>,
    /// Where its numbers are.
    pub placed: Placed,
}

/// Where a tensor's numbers are.
#[derive(Clone, Debug)]
pub struct Placed {
    /// A number for the storage: tensors with the same number share one.
    pub storage: usize,
    /// The size of the whole storage.
    pub storage_bytes: u64,
    /// Elements to step over in the storage, for each dimension.
    pub strides: Vec<usize>,
    /// The first element in the storage.
    pub offset: usize,
    /// The device that it was saved on.
    pub location: String,
}

impl TensorInfo {
    /// How many elements it has.
    pub fn numel(&self) -> u64 {
        self.shape.iter().fold(1, |n: u64, &size| n.saturating_mul(size as u64))
    }

    /// How many bytes its elements take.
    pub fn bytes(&self) -> u64 {
        let bytes = (u128::from(self.numel()) * self.dtype.bits as u128).div_ceil(8);
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }
}

impl Description {
    pub(crate) fn new(format: Format, file_bytes: u64) -> Self {
        Description { format, file_bytes, tensors: Vec::new(), metadata: Vec::new() }
    }

    /// How many elements all tensors have, each storage's counted once however many tensors share
    /// it.
    pub fn parameters(&self) -> u64 {
        let mut largest: std::collections::HashMap<usize, u64> = std::collections::HashMap::new();
        for tensor in &self.tensors {
            let held = tensor.placed.storage_bytes.saturating_mul(8) / tensor.dtype.bits.max(1) as u64;
            let counted = largest.entry(tensor.placed.storage).or_default();
            *counted = counted.saturating_add(tensor.numel()).min(held);
        }
        largest.values().fold(0, |sum, n| sum.saturating_add(*n))
    }
}

/// Tells what is in a file: names, shapes, dtypes, shared storages. The file is mapped, and of its
/// numbers nothing is read.
///
/// # Errors
/// If it cannot be opened, is of no known format, or is damaged.
pub fn describe(path: impl AsRef<Path>) -> Result<Description> {
    let path = path.as_ref();
    let source = Source::map(path)?;
    let bytes = source.len();
    let read = || match Format::of_source(&source)? {
        Format::Torch | Format::TorchLegacy => torch::open(&source)?.describe(bytes),
        Format::Safetensors => safetensors::describe(&source),
        Format::Index => index::describe(&source, path),
        Format::Npy => npy::describe(&source, &npy::name_of(path)),
        Format::Npz => npy::describe_archive(&source),
        Format::Onnx => Err(is_a_model()),
    };
    read().map_err(|error| in_file(path, &error))
}

/// What is said of an ONNX model, which another crate reads.
pub(crate) fn is_a_model() -> Error {
    Error::file("an ONNX model, and no checkpoint: `flambeau convert` writes its weights to one")
}
