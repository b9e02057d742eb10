//! The safetensors format: a JSON header, then the numbers.

use crate::NamedTensors;
use flambeau_tensor::{Array, DType, Error, Layout, Result, Storage, Tensor};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::path::Path;

/// Reads a file.
///
/// # Errors
/// If it cannot be read or is damaged, or holds a dtype that tensors here do not have.
pub fn load(path: impl AsRef<Path>) -> Result<NamedTensors> {
    from_bytes(&crate::read_file(path.as_ref())?)
}

/// Reads the content of a file.
///
/// # Errors
/// As [`load`].
pub fn from_bytes(bytes: &[u8]) -> Result<NamedTensors> {
    let file =
        SafeTensors::deserialize(bytes).map_err(|e| Error::file(format!("not a whole safetensors file: {e}")))?;
    let mut tensors: Vec<(usize, String, Tensor)> = Vec::new();
    for (name, view) in file.tensors() {
        let dtype = dtype_of(view.dtype()).ok_or_else(|| {
            Error::file(format!("tensor {name:?} has dtype {:?}, which is not supported", view.dtype()))
        })?;
        let array = Array::new(Storage::from_bytes(view.data())?, Layout::contiguous(view.shape()), dtype)?;
        let position = view.data().as_ptr() as usize;
        tensors.push((position, name, Tensor::from_array(array)));
    }
    // The order of the data is the order they were written in; the header's keys are in none.
    tensors.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    Ok(tensors.into_iter().map(|(_, name, tensor)| (name, tensor)).collect())
}

/// Writes a file. Views are written as copies of their elements.
///
/// # Errors
/// If it cannot be written.
pub fn save<'a>(path: impl AsRef<Path>, tensors: impl IntoIterator<Item = (&'a str, &'a Tensor)>) -> Result<()> {
    let path = path.as_ref();
    let packed: Vec<(&str, Dtype, Vec<usize>, Vec<u8>)> = tensors
        .into_iter()
        .map(|(name, t)| Ok((name, to_dtype(t.dtype())?, t.shape().to_vec(), t.to_bytes()?)))
        .collect::<Result<_>>()?;
    let views = packed
        .iter()
        .map(|(name, dtype, shape, data)| {
            let view = TensorView::new(*dtype, shape.clone(), data);
            view.map(|v| (*name, v)).map_err(|e| Error::file(format!("tensor {name:?}: {e}")))
        })
        .collect::<Result<Vec<_>>>()?;
    let bytes = safetensors::serialize(views, None).map_err(|e| Error::file(format!("{}: {e}", path.display())))?;
    crate::write_atomically(path, |file| {
        file.write_all(&bytes).map_err(|e| Error::file(format!("{}: {e}", path.display())))
    })
}

fn dtype_of(dtype: Dtype) -> Option<DType> {
    Some(match dtype {
        Dtype::BOOL => DType::Bool,
        Dtype::U8 => DType::U8,
        Dtype::I8 => DType::I8,
        Dtype::I16 => DType::I16,
        Dtype::I32 => DType::I32,
        Dtype::I64 => DType::I64,
        Dtype::F16 => DType::F16,
        Dtype::BF16 => DType::BF16,
        Dtype::F32 => DType::F32,
        Dtype::F64 => DType::F64,
        Dtype::C64 => DType::C64,
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
        DType::C128 => return Err(Error::file("safetensors has no complex128; convert to complex64")),
    })
}
