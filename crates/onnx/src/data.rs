//! Tensors of a file.

use crate::proto;
use bytes::Bytes;
use flambeau_tensor::{Array, DType, Error, Layout, Result, Storage, Tensor};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

/// ONNX's numbers of the dtypes that tensors here have.
const DTYPES: [(i32, DType); 10] = [
    (1, DType::F32),
    (2, DType::U8),
    (3, DType::I8),
    (5, DType::I16),
    (6, DType::I32),
    (7, DType::I64),
    (9, DType::Bool),
    (10, DType::F16),
    (11, DType::F64),
    (16, DType::BF16),
];

/// The dtype of ONNX's number.
///
/// # Errors
/// If no tensor here can have it.
pub fn dtype(number: i64) -> Result<DType> {
    let found = DTYPES.iter().find(|(n, _)| i64::from(*n) == number).map(|&(_, dtype)| dtype);
    found.ok_or_else(|| {
        Error::not_implemented(format!(
            "ONNX's dtype {number} ({}) is one that tensors here do not have",
            dtype_name(number)
        ))
    })
}

/// PyTorch's name of ONNX's number, whether tensors here can have it or not.
pub fn dtype_name(number: i64) -> &'static str {
    if let Some((_, dtype)) = DTYPES.iter().find(|(n, _)| i64::from(*n) == number) {
        return dtype.name();
    }
    match number {
        4 => "uint16",
        8 => "string",
        12 => "uint32",
        13 => "uint64",
        14 => "complex64",
        15 => "complex128",
        17 => "float8_e4m3fn",
        18 => "float8_e4m3fnuz",
        19 => "float8_e5m2",
        20 => "float8_e5m2fnuz",
        21 => "uint4",
        22 => "int4",
        23 => "float4_e2m1fn_x2",
        24 => "float8_e8m0fnu",
        _ => "of an unknown number",
    }
}

/// ONNX's number of a dtype.
pub fn dtype_number(dtype: DType) -> i32 {
    // Every dtype is in the table.
    DTYPES.iter().find(|(_, d)| *d == dtype).map_or(0, |&(n, _)| n)
}

/// Where a model's other files may be.
#[derive(Clone, Debug, Default)]
pub struct Folder {
    path: Option<PathBuf>,
}

impl Folder {
    /// The folder of a model's own file.
    pub fn of(model: &Path) -> Self {
        let folder = model.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Folder { path: Some(folder.to_path_buf()) }
    }

    /// Opens a file in the folder or below it.
    ///
    /// # Errors
    /// If the path leads elsewhere, or the file cannot be opened.
    fn open(&self, location: &str) -> Result<File> {
        let Some(folder) = &self.path else {
            return Err(Error::file(format!(
                "its data is in the file {location:?}, but the model was not read from a file"
            )));
        };
        let relative = Path::new(location);
        let inside = !location.is_empty()
            && relative.components().all(|c| matches!(c, Component::Normal(_) | Component::CurDir));
        let failed = |error: std::io::Error| Error::file(format!("its data is in the file {location:?}: {error}"));
        let escapes = || Error::file(format!("its data is said to be in {location:?}, outside the model's folder"));
        if !inside {
            return Err(escapes());
        }
        // A link may lead out of the folder, too.
        let folder = folder.canonicalize().map_err(failed)?;
        let path = folder.join(relative).canonicalize().map_err(failed)?;
        if !path.starts_with(&folder) {
            return Err(escapes());
        }
        let file = File::open(&path).map_err(failed)?;
        if !file.metadata().map_err(failed)?.is_file() {
            return Err(Error::file(format!("its data is said to be in {location:?}, which is no file")));
        }
        Ok(file)
    }

    /// The bytes of a tensor that are in another file.
    fn read(&self, entries: &[proto::Entry], expected: usize) -> Result<Bytes> {
        let get = |key: &str| entries.iter().find(|e| e.key.as_deref() == Some(key)).and_then(|e| e.value.as_deref());
        let number = |key: &str| {
            get(key)
                .map(|text| text.parse::<u64>().map_err(|_| Error::file(format!("its {key} is {text:?}"))))
                .transpose()
        };
        let location = get("location").ok_or_else(|| Error::file("its data is in a file without a name"))?;
        let offset = number("offset")?.unwrap_or(0);
        let length = number("length")?.unwrap_or(expected as u64);
        if length != expected as u64 {
            return Err(Error::file(format!("it has {length} bytes in {location:?}, but its shape needs {expected}")));
        }
        let mut file = self.open(location)?;
        let failed = |error: std::io::Error| Error::file(format!("its data is in the file {location:?}: {error}"));
        let available = file.metadata().map_err(failed)?.len();
        if offset.checked_add(length).is_none_or(|end| end > available) {
            return Err(Error::file(format!(
                "its data is {length} bytes from {offset} on in {location:?}, which has only {available}"
            )));
        }
        file.seek(SeekFrom::Start(offset)).map_err(failed)?;
        let mut bytes = vec![0; expected];
        file.read_exact(&mut bytes).map_err(failed)?;
        Ok(bytes.into())
    }
}

/// What is known of a tensor without its elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// The dtype.
    pub dtype: DType,
    /// The sizes.
    pub shape: Vec<usize>,
    /// The bytes of all elements.
    pub bytes: usize,
}

impl Header {
    /// Reads dtype and sizes, and checks them.
    ///
    /// # Errors
    /// If no tensor can have them.
    pub fn of(tensor: &proto::Tensor) -> Result<Self> {
        let dtype = dtype(tensor.data_type.unwrap_or(0).into())?;
        let sizes: Option<Vec<usize>> = tensor.dims.iter().map(|&n| usize::try_from(n).ok()).collect();
        let bytes = sizes.as_ref().and_then(|sizes| {
            // Sizes of a tensor without elements may be anything; their product must be a number, all the same.
            let count = sizes.iter().filter(|&&n| n > 0).try_fold(dtype.size(), |bytes, &n| bytes.checked_mul(n))?;
            isize::try_from(count).ok()?;
            Some(if sizes.contains(&0) { 0 } else { count })
        });
        let (Some(shape), Some(bytes)) = (sizes, bytes) else {
            return Err(Error::file(format!("no tensor can have the shape {:?}", tensor.dims)));
        };
        Ok(Header { name: tensor.name.clone().unwrap_or_default(), dtype, shape, bytes })
    }
}

/// Reads a tensor.
///
/// # Errors
/// If it is damaged, has a dtype that tensors here do not have, or its elements are in a file that
/// cannot be read.
pub fn read(tensor: &proto::Tensor, folder: &Folder) -> Result<Tensor> {
    let attempt = || {
        let header = Header::of(tensor)?;
        if tensor.segment.is_some() {
            return Err(Error::not_implemented("it is stored in segments"));
        }
        let bytes = if tensor.data_location == Some(proto::EXTERNAL) {
            folder.read(&tensor.external_data, header.bytes)?
        } else if let Some(raw) = &tensor.raw_data {
            raw.clone()
        } else {
            typed(tensor, header.dtype)
        };
        if bytes.len() != header.bytes {
            return Err(Error::file(format!(
                "it has {} bytes, but its shape {:?} needs {}",
                bytes.len(),
                header.shape,
                header.bytes
            )));
        }
        let array = Array::new(Storage::from_bytes(&bytes)?, Layout::contiguous(header.shape), header.dtype)?;
        let result = Tensor::from_array(array);
        // Any byte but zero is true in a file; here it is 1.
        if header.dtype == DType::Bool { result.view_dtype(DType::U8)?.ne(0) } else { Ok(result) }
    };
    attempt().map_err(|error| error.context(format_args!("tensor {:?}", tensor.name.as_deref().unwrap_or(""))))
}

/// The elements that are in the field of their type, as little-endian bytes.
fn typed(tensor: &proto::Tensor, dtype: DType) -> Bytes {
    let words = &tensor.int32_data;
    let bytes: Vec<u8> = match dtype {
        DType::F32 | DType::C64 => tensor.float_data.iter().flat_map(|v| v.to_le_bytes()).collect(),
        DType::F64 | DType::C128 => tensor.double_data.iter().flat_map(|v| v.to_le_bytes()).collect(),
        DType::I64 => tensor.int64_data.iter().flat_map(|v| v.to_le_bytes()).collect(),
        DType::I32 => words.iter().flat_map(|v| v.to_le_bytes()).collect(),
        // Narrow types are in the low bytes of an int32.
        DType::I16 | DType::F16 | DType::BF16 => words.iter().flat_map(|v| (*v as u16).to_le_bytes()).collect(),
        DType::U8 | DType::I8 => words.iter().map(|v| *v as u8).collect(),
        DType::Bool => words.iter().map(|v| u8::from(*v != 0)).collect(),
    };
    bytes.into()
}

/// A tensor as it is written.
///
/// # Errors
/// If its elements cannot be read.
pub fn write(name: &str, tensor: &Tensor) -> Result<proto::Tensor> {
    Ok(proto::Tensor {
        dims: tensor.shape().iter().map(|&n| n as i64).collect(),
        data_type: Some(dtype_number(tensor.dtype())),
        name: Some(name.to_owned()),
        raw_data: Some(tensor.to_bytes()?.into()),
        ..proto::Tensor::default()
    })
}
