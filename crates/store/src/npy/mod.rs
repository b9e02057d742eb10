//! NumPy's formats: `.npy` holds an array, `.npz` is a zip archive of them.
//!
//! Format: `numpy/lib/format.py`. Arrays of the other byte order are turned round, arrays in
//! Fortran's order become tensors with such strides, and pickled objects are refused. The header is
//! read by a parser of our own: the crates that read it give typed vectors and so copy the numbers.

mod header;
mod typestr;

use crate::archive::{self, Archive, Record};
use crate::describe::{Description, Placed, TensorInfo};
use crate::source::Source;
use crate::torch::byteswapped;
use crate::{Format, LoadOptions, NamedTensors, in_file};
use flambeau_tensor::{Array, Error, Layout, Result, Storage, Tensor};
use header::{Header, MAX_HEADER};
use std::path::Path;
pub use typestr::{dtype_of_kind, typestr};

/// Reads an array.
///
/// # Errors
/// If the file cannot be read or is damaged, or holds a dtype that tensors here do not have.
pub fn load(path: impl AsRef<Path>) -> Result<Tensor> {
    load_with(path, &LoadOptions::default())
}

/// Reads an array in a way that `options` say.
///
/// # Errors
/// As [`load`].
pub fn load_with(path: impl AsRef<Path>, options: &LoadOptions) -> Result<Tensor> {
    let path = path.as_ref();
    read(&options.source(path)?).map_err(|error| in_file(path, &error))
}

/// Reads the content of a `.npy` file.
///
/// # Errors
/// As [`load`].
pub fn from_bytes(bytes: Vec<u8>) -> Result<Tensor> {
    read(&Source::Memory(bytes))
}

/// Reads the content of a `.npz` file.
///
/// # Errors
/// As [`load`].
pub fn archive_from_bytes(bytes: Vec<u8>) -> Result<NamedTensors> {
    read_archive(&Source::Memory(bytes))
}

/// Writes an array. A view is written as a copy of its elements.
///
/// # Errors
/// If NumPy lacks the tensor's dtype (bfloat16), or the file cannot be written.
pub fn save(path: impl AsRef<Path>, tensor: &Tensor) -> Result<()> {
    let path = path.as_ref();
    let header = header::write(tensor.dtype(), &tensor.shape()).map_err(|error| in_file(path, &error))?;
    crate::write_atomically(path, |file| {
        let failed = |e: std::io::Error| Error::file(format!("{}: {e}", path.display()));
        file.write_all(&header).map_err(failed)?;
        with_elements(tensor, |bytes| file.write_all(bytes).map_err(failed))
    })
}

/// Writes named arrays into a `.npz` file, uncompressed and aligned, so that it can be mapped.
///
/// # Errors
/// As [`save`].
pub fn save_archive<'a>(
    path: impl AsRef<Path>,
    tensors: impl IntoIterator<Item = (&'a str, &'a Tensor)>,
) -> Result<()> {
    let path = path.as_ref();
    crate::write_atomically(path, |file| {
        let mut archive = archive::Writer::new(file);
        for (name, tensor) in tensors {
            let named = |error: Error| Error::file(format!("tensor {name:?}: {error}"));
            let header = header::write(tensor.dtype(), &tensor.shape()).map_err(named)?;
            with_elements(tensor, |bytes| archive.add(&format!("{name}.npy"), &[&header, bytes]))?;
        }
        archive.finish().map(drop)
    })
    .map_err(|error| in_file(path, &error))
}

/// A file's name without its ending.
pub(crate) fn name_of(path: &Path) -> String {
    path.file_stem().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

pub(crate) fn read(source: &Source) -> Result<Tensor> {
    let header = Header::parse(&source.bytes(0, source.len().min(MAX_HEADER as u64) as usize)?)?;
    let bytes = header.checked_bytes(source.len())?;
    let storage = source.storage(header.data as u64, bytes, header.dtype.bits / 8)?;
    tensor(&header, storage)
}

fn tensor(header: &Header, storage: std::sync::Arc<Storage>) -> Result<Tensor> {
    let dtype = header.dtype.supported("the array")?;
    // A complex number is two numbers.
    let size = dtype.to_real().size();
    let storage = if header.big_endian == cfg!(target_endian = "big") || size == 1 {
        storage
    } else {
        byteswapped(&storage, size)?
    };
    Ok(Tensor::from_array(Array::new(storage, layout(header), dtype)?))
}

fn layout(header: &Header) -> Layout {
    if !header.fortran_order {
        return Layout::contiguous(header.shape.clone());
    }
    let mut sizes = header.shape.clone();
    sizes.reverse();
    let mut strides = Layout::contiguous(sizes).strides().to_vec();
    strides.reverse();
    Layout::strided(header.shape.clone(), &strides, 0)
}

/// The array that a record holds: its name, the record and its header.
fn arrays(archive: &mut Archive<'_>) -> Result<Vec<(String, Record, Header)>> {
    let mut arrays = Vec::new();
    for name in archive.names() {
        let Some(array) = name.strip_suffix(".npy") else { continue };
        let record = archive.record(&name)?;
        let named = |error: Error| Error::file(format!("array {array:?}: {error}"));
        let header = Header::parse(&archive.head(&record, MAX_HEADER)?).map_err(named)?;
        header.checked_bytes(record.bytes).map_err(named)?;
        arrays.push((array.to_owned(), record, header));
    }
    Ok(arrays)
}

pub(crate) fn read_archive(source: &Source) -> Result<NamedTensors> {
    let mut archive = Archive::open(source)?;
    let mut tensors = Vec::new();
    for (name, record, header) in arrays(&mut archive)? {
        let end = header.data + header.checked_bytes(record.bytes)?;
        let storage = archive.storage(&record, header.data..end, header.dtype.bits / 8)?;
        let loaded = tensor(&header, storage).map_err(|error| Error::file(format!("array {name:?}: {error}")))?;
        tensors.push((name, loaded));
    }
    Ok(tensors)
}

pub(crate) fn describe(source: &Source, name: &str) -> Result<Description> {
    let header = Header::parse(&source.bytes(0, source.len().min(MAX_HEADER as u64) as usize)?)?;
    header.checked_bytes(source.len())?;
    let mut description = Description::new(Format::Npy, source.len());
    description.tensors.push(info(name.to_owned(), &header, 0));
    Ok(description)
}

pub(crate) fn describe_archive(source: &Source) -> Result<Description> {
    let mut archive = Archive::open(source)?;
    let mut description = Description::new(Format::Npz, source.len());
    for (storage, (name, _, header)) in arrays(&mut archive)?.into_iter().enumerate() {
        description.tensors.push(info(name, &header, storage));
    }
    Ok(description)
}

fn info(name: String, header: &Header, storage: usize) -> TensorInfo {
    let placed = Placed {
        storage,
        storage_bytes: header.bytes() as u64,
        strides: layout(header).strides().to_vec(),
        offset: 0,
        location: "cpu".to_owned(),
    };
    TensorInfo { name, dtype: header.dtype, shape: header.shape.clone(), placed }
}

/// How many bytes a tensor's elements take in a file that has no views.
///
/// # Errors
/// If it is a view that repeats few numbers without end, which no disk would hold.
pub(crate) fn element_bytes(tensor: &Tensor) -> Result<usize> {
    let array = tensor.array();
    let bytes = array.numel().checked_mul(array.dtype().size()).filter(|&bytes| {
        let repeated = bytes / 64 > array.storage().len();
        bytes < 1 << 30 || !repeated
    });
    bytes.ok_or_else(|| {
        Error::file(format!(
            "a view of shape {} that repeats the numbers of a storage of {} bytes is not written out: keep it in a .pt file",
            array.shape(),
            array.storage().len()
        ))
    })
}

/// Gives a tensor's elements to `write`: row by row, the lowest byte of a number first. They are
/// copied only where they do not lie so already.
pub(crate) fn with_elements(tensor: &Tensor, write: impl FnOnce(&[u8]) -> Result<()>) -> Result<()> {
    let array = tensor.array();
    let size = array.dtype().size();
    element_bytes(tensor)?;
    if array.is_contiguous() && cfg!(target_endian = "little") {
        let start = if array.numel() == 0 { 0 } else { array.layout().offset() * size };
        return array.storage().with_bytes(|bytes| write(&bytes[start..start + array.numel() * size]));
    }
    let mut bytes = tensor.to_bytes()?;
    if cfg!(target_endian = "big") {
        bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse);
    }
    write(&bytes)
}
