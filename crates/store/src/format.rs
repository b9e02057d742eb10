//! Telling formats apart.

use crate::archive::Archive;
use crate::source::Source;
use crate::torch::MAGIC;
use flambeau_tensor::{Error, Result};

/// A file format, told by a file's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// PyTorch's zip archive with a pickle in it.
    Torch,
    /// PyTorch's format before version 1.6.
    TorchLegacy,
    /// An eight-byte length, then a JSON header.
    Safetensors,
    /// JSON that says which file of several a tensor is in.
    Index,
    /// A NumPy array.
    Npy,
    /// A zip archive of NumPy arrays.
    Npz,
    /// An ONNX model, which the crate `flambeau-onnx` reads.
    Onnx,
}

impl Format {
    /// The format that these first bytes of a file look like; a zip archive counts as PyTorch's.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let start = &bytes[..bytes.len().min(64)];
        if start.starts_with(b"PK\x03\x04") {
            Some(Format::Torch)
        } else if start.starts_with(b"\x93NUMPY") {
            Some(Format::Npy)
        } else if start.first() == Some(&0x80) && start.windows(MAGIC.len()).any(|part| part == MAGIC) {
            Some(Format::TorchLegacy)
        } else if is_onnx(start) {
            Some(Format::Onnx)
        } else if start.get(8) == Some(&b'{') && !is_text(&start[..8]) {
            Some(Format::Safetensors)
        } else if start.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{') {
            Some(Format::Index)
        } else {
            None
        }
    }

    /// The format of a file.
    ///
    /// # Errors
    /// If it is of none that is known here.
    pub(crate) fn of_source(source: &Source) -> Result<Self> {
        let start = source.bytes(0, source.len().min(512) as usize)?;
        match Format::of(&start) {
            Some(Format::Torch) => {
                // An archive of arrays and nothing else is NumPy's.
                let names = Archive::open(source)?.names();
                let arrays = !names.is_empty() && names.iter().all(|name| name.ends_with(".npy"));
                Ok(if arrays { Format::Npz } else { Format::Torch })
            }
            Some(format) => Ok(format),
            None if start.is_empty() => Err(Error::file("the file is empty")),
            None if start.get(257..262) == Some(b"ustar") => Err(Error::file(
                "a tar archive: PyTorch's format before version 0.1.10 is not read; load it with PyTorch and save it again",
            )),
            None if start[0] == 0x80 => {
                Err(Error::file("a Python pickle, but none that torch.save wrote: nothing in it is executed here"))
            }
            None => Err(Error::file(format!(
                "no checkpoint: neither PyTorch's, safetensors nor NumPy's format (it begins with {:02x?})",
                &start[..start.len().min(8)]
            ))),
        }
    }

    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Format::Torch => "PyTorch",
            Format::TorchLegacy => "PyTorch (legacy, before 1.6)",
            Format::Safetensors => "safetensors",
            Format::Index => "sharded checkpoint",
            Format::Npy => "NumPy array",
            Format::Npz => "NumPy archive",
            Format::Onnx => "ONNX",
        }
    }
}

/// Whether a file begins as an ONNX model: a protocol buffer with the version of the format first, then another field of
/// a model. The length before safetensors' header could begin like this, but its upper half is zero.
fn is_onnx(start: &[u8]) -> bool {
    const IR_VERSION: u8 = 1 << 3;
    // Producer's name and version, domain, model's version, words about it, graph, operators, metadata.
    const NEXT: [u8; 8] = [0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42, 0x72];
    matches!(start, [IR_VERSION, 1..=0x7f, next, ..] if NEXT.contains(next)) && start.get(4..8) != Some(&[0; 4])
}

/// Whether bytes are text rather than a number: a length has zeros in it, or is one that no file has.
fn is_text(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace())
}
