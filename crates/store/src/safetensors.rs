//! The safetensors format: a JSON header, then the numbers.
//!
//! The header is the `safetensors` crate's to read and to write; the numbers are taken from the
//! file here, so that they can be the mapped file itself.

use crate::describe::{Description, Placed, TensorInfo};
use crate::source::Source;
use crate::{FileDType, Format, LoadOptions, NamedTensors, in_file};
use flambeau_tensor::{Array, DType, Error, Layout, Result, Tensor};
use safetensors::tensor::{Dtype, Metadata};
use std::collections::HashMap;
use std::path::Path;

/// The longest header that the format allows.
const MAX_HEADER: u64 = 100_000_000;

/// Reads a file.
///
/// # Errors
/// If it cannot be read or is damaged, or holds a dtype that tensors here do not have.
pub fn load(path: impl AsRef<Path>) -> Result<NamedTensors> {
    load_with(path, &LoadOptions::default())
}

/// Reads a file in a way that `options` say.
///
/// # Errors
/// As [`load`].
pub fn load_with(path: impl AsRef<Path>, options: &LoadOptions) -> Result<NamedTensors> {
    let path = path.as_ref();
    read(&options.source(path)?).map_err(|error| in_file(path, &error))
}

/// Reads the content of a file.
///
/// # Errors
/// As [`load`].
pub fn from_bytes(bytes: &[u8]) -> Result<NamedTensors> {
    read(&Source::Memory(bytes.to_vec()))
}

/// The texts that a file holds beside its tensors, sorted by name.
///
/// # Errors
/// If it cannot be read or is damaged.
pub fn metadata(path: impl AsRef<Path>) -> Result<Vec<(String, String)>> {
    let path = path.as_ref();
    let header = || Ok(Header::of(&Source::open(path)?)?.texts());
    header().map_err(|error| in_file(path, &error))
}

struct Header {
    metadata: Metadata,
    /// Where the numbers begin.
    data: u64,
}

/// A tensor of the header.
struct Entry {
    name: String,
    dtype: FileDType,
    shape: Vec<usize>,
    /// Where its numbers begin in the file.
    start: u64,
    /// How many bytes they take.
    bytes: usize,
}

impl Header {
    fn of(source: &Source) -> Result<Self> {
        let damaged = |e: &dyn std::fmt::Display| Error::file(format!("not a whole safetensors file: {e}"));
        let mut length = [0; 8];
        source.read_at(0, &mut length).map_err(|e| damaged(&e))?;
        let length = u64::from_le_bytes(length);
        if length > MAX_HEADER {
            return Err(damaged(&format!("its header would have {length} bytes, and the format allows {MAX_HEADER}")));
        }
        let text = source.bytes(8, length as usize).map_err(|e| damaged(&e))?;
        // The crate sees to it that the tensors follow one another without gaps or overlaps, and
        // that each has as many bytes as its shape says.
        let metadata: Metadata = serde_json::from_slice(&text).map_err(|e| damaged(&e))?;
        let data = 8 + length;
        if data.checked_add(metadata.data_len() as u64) != Some(source.len()) {
            return Err(damaged(&format!(
                "its tensors have {} bytes in all, and the file has {} for them",
                metadata.data_len(),
                source.len() - data
            )));
        }
        Ok(Header { metadata, data })
    }

    fn texts(&self) -> Vec<(String, String)> {
        let mut texts: Vec<_> = self.metadata.metadata().clone().unwrap_or_default().into_iter().collect();
        texts.sort();
        texts
    }

    /// The tensors, in the order of the data.
    fn tensors(&self) -> Result<Vec<Entry>> {
        let mut tensors = Vec::new();
        for name in self.metadata.offset_keys() {
            let Some(info) = self.metadata.info(&name) else { continue };
            let dtype = dtype_of(info.dtype)
                .ok_or_else(|| Error::file(format!("tensor {name:?} has the unknown dtype {}", info.dtype)))?;
            check_shape(&name, &info.shape)?;
            let (start, end) = info.data_offsets;
            let start_in_file = self.data + start as u64;
            tensors.push(Entry { name, dtype, shape: info.shape.clone(), start: start_in_file, bytes: end - start });
        }
        Ok(tensors)
    }
}

/// No product of sizes, those beside a zero included, may leave what can be counted.
pub(crate) fn check_shape(name: &str, shape: &[usize]) -> Result<()> {
    let numel = shape.iter().try_fold(1usize, |n, &size| n.checked_mul(size.max(1)));
    if numel.is_none_or(|n| n > isize::MAX as usize / 16) {
        return Err(Error::file(format!("tensor {name:?} has the impossible shape {shape:?}")));
    }
    Ok(())
}

pub(crate) fn read(source: &Source) -> Result<NamedTensors> {
    let load = |tensor: Entry| {
        let dtype = tensor.dtype.supported(&format!("tensor {:?}", tensor.name))?;
        let storage = source.storage(tensor.start, tensor.bytes, dtype.size())?;
        let array = Array::new(storage, Layout::contiguous(tensor.shape), dtype)?;
        Ok((tensor.name, Tensor::from_array(array)))
    };
    Header::of(source)?.tensors()?.into_iter().map(load).collect()
}

pub(crate) fn describe(source: &Source) -> Result<Description> {
    let header = Header::of(source)?;
    let mut description = Description::new(Format::Safetensors, source.len());
    description.metadata = header.texts();
    for (storage, Entry { name, dtype, shape, bytes, .. }) in header.tensors()?.into_iter().enumerate() {
        let strides = Layout::contiguous(shape.clone()).strides().to_vec();
        let placed = Placed { storage, storage_bytes: bytes as u64, strides, offset: 0, location: "cpu".to_owned() };
        description.tensors.push(TensorInfo { name, dtype, shape, placed });
    }
    Ok(description)
}

/// Writes a file. Views are written as copies of their elements: the format has no sharing.
///
/// # Errors
/// If it cannot be written.
pub fn save<'a>(path: impl AsRef<Path>, tensors: impl IntoIterator<Item = (&'a str, &'a Tensor)>) -> Result<()> {
    save_with_metadata(path, tensors, &[])
}

/// Writes a file with texts in it, such as `("format", "pt")`.
///
/// # Errors
/// As [`save`], and if two tensors or texts have one name.
pub fn save_with_metadata<'a>(
    path: impl AsRef<Path>,
    tensors: impl IntoIterator<Item = (&'a str, &'a Tensor)>,
    metadata: &[(String, String)],
) -> Result<()> {
    let path = path.as_ref();
    let mut tensors: Vec<(&str, &Tensor)> = tensors.into_iter().collect();
    // The widest dtypes first, so that every tensor is aligned.
    let by_size = |(name, tensor): &(&'a str, &Tensor)| (std::cmp::Reverse(tensor.dtype().size()), *name);
    tensors.sort_by_key(by_size);
    let header = header(&tensors, metadata).map_err(|error| in_file(path, &error))?;
    crate::write_atomically(path, |file| {
        let failed = |e: std::io::Error| Error::file(format!("{}: {e}", path.display()));
        file.write_all(&(header.len() as u64).to_le_bytes()).map_err(failed)?;
        file.write_all(&header).map_err(failed)?;
        for (_, tensor) in &tensors {
            crate::npy::with_elements(tensor, |bytes| file.write_all(bytes).map_err(failed))?;
        }
        Ok(())
    })
}

fn header(tensors: &[(&str, &Tensor)], metadata: &[(String, String)]) -> Result<Vec<u8>> {
    let mut at = 0;
    let mut infos = Vec::new();
    for (name, tensor) in tensors {
        let bytes = crate::npy::element_bytes(tensor)?;
        let info = safetensors::tensor::TensorInfo {
            dtype: to_dtype(tensor.dtype())?,
            shape: tensor.shape().to_vec(),
            data_offsets: (at, at + bytes),
        };
        at += bytes;
        infos.push(((*name).to_owned(), info));
    }
    let mut names: Vec<&str> = tensors.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(Error::file(format!("two tensors have the name {:?}", twice[0])));
    }
    if names.contains(&"__metadata__") {
        return Err(Error::file("safetensors keeps the name \"__metadata__\" for itself"));
    }
    let texts: HashMap<String, String> = metadata.iter().cloned().collect();
    let texts = (!texts.is_empty()).then_some(texts);
    let failed = |e: &dyn std::fmt::Display| Error::file(format!("the header of a safetensors file: {e}"));
    let metadata = Metadata::new(texts, infos).map_err(|e| failed(&e))?;
    let mut header = serde_json::to_vec(&metadata).map_err(|e| failed(&e))?;
    header.resize(header.len().next_multiple_of(8), b' ');
    if header.len() as u64 > MAX_HEADER {
        return Err(failed(&"its names take more than the format allows"));
    }
    Ok(header)
}

fn dtype_of(dtype: Dtype) -> Option<FileDType> {
    FileDType::named(match dtype {
        Dtype::BOOL => "bool",
        Dtype::U8 => "uint8",
        Dtype::I8 => "int8",
        Dtype::I16 => "int16",
        Dtype::I32 => "int32",
        Dtype::I64 => "int64",
        Dtype::U16 => "uint16",
        Dtype::U32 => "uint32",
        Dtype::U64 => "uint64",
        Dtype::F16 => "float16",
        Dtype::BF16 => "bfloat16",
        Dtype::F32 => "float32",
        Dtype::F64 => "float64",
        Dtype::C64 => "complex64",
        Dtype::F8_E4M3 => "float8_e4m3fn",
        Dtype::F8_E5M2 => "float8_e5m2",
        Dtype::F8_E8M0 => "float8_e8m0fnu",
        Dtype::F8_E4M3FNUZ => "float8_e4m3fnuz",
        Dtype::F8_E5M2FNUZ => "float8_e5m2fnuz",
        _ => return None,
    })
}

fn to_dtype(dtype: DType) -> Result<Dtype> {
    Ok(match dtype {
        DType::Bool => Dtype::BOOL,
        DType::U8 => Dtype::U8,
        DType::I8 => Dtype::I8,
        DType::I16 => Dtype::I16,
        DType::I32 => Dtype::I32,
        DType::I64 => Dtype::I64,
        DType::F16 => Dtype::F16,
        DType::BF16 => Dtype::BF16,
        DType::F32 => Dtype::F32,
        DType::F64 => Dtype::F64,
        DType::C64 => Dtype::C64,
        DType::C128 => return Err(Error::file("safetensors has no complex128: convert to complex64 first")),
    })
}
