//! Storages as Python objects.

use crate::error::{run, to_python};
use crate::objects::PyDevice;
use crate::tensor::PyTensor;
use flambeau_store::LoadOptions;
use flambeau_tensor::{Array, Layout, Storage, Tensor};
use pyo3::exceptions::{PyIndexError, PyNotImplementedError, PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PySlice};
use std::path::PathBuf;
use std::sync::Arc;

/// The bytes behind one or more tensors.
#[pyclass(frozen, subclass, weakref, name = "UntypedStorage", module = "flambeau")]
pub struct PyStorage {
    storage: Arc<Storage>,
}

#[pymethods]
impl PyStorage {
    #[new]
    #[pyo3(signature = (data=None, *, device=None))]
    fn new(data: Option<&Bound<'_, PyAny>>, device: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        if let Some(device) = device.map(PyDevice::from_object).transpose()?.flatten() {
            device.require()?;
        }
        let storage = match data {
            None => Storage::uninit(0),
            Some(data) => match data.extract::<usize>() {
                Ok(bytes) => Storage::uninit(bytes),
                Err(_) => Storage::from_bytes(&data.extract::<Vec<u8>>()?),
            },
        };
        Ok(PyStorage { storage: storage.map_err(to_python)? })
    }

    /// A file as a storage. What is written to it stays in this process.
    #[staticmethod]
    #[pyo3(signature = (filename, shared=false, nbytes=0))]
    fn from_file(py: Python<'_>, filename: PathBuf, shared: bool, nbytes: usize) -> PyResult<Self> {
        if shared {
            return Err(PyNotImplementedError::new_err(
                "from_file() maps files privately: use shared=False, and save what is to be kept",
            ));
        }
        let map = || {
            let whole = flambeau_store::map(&filename)?;
            if nbytes == 0 { Ok(whole) } else { whole.slice(0, nbytes) }
        };
        Ok(PyStorage { storage: run(py, map)? })
    }

    /// The address of the first byte.
    fn data_ptr(&self) -> usize {
        if self.storage.is_empty() { 0 } else { self.storage.as_ptr() as usize }
    }

    /// The number of bytes.
    fn nbytes(&self) -> usize {
        self.storage.len()
    }

    /// What `sys.getsizeof` says: the object and its bytes.
    fn __sizeof__(&self) -> usize {
        std::mem::size_of::<Self>() + self.storage.len()
    }

    /// The number of bytes.
    fn size(&self) -> usize {
        self.storage.len()
    }

    fn element_size(&self) -> usize {
        1
    }

    fn __len__(&self) -> usize {
        self.storage.len()
    }

    #[getter]
    fn device(&self, py: Python<'_>) -> PyResult<Py<PyDevice>> {
        PyDevice::cpu(py)
    }

    #[getter]
    fn is_cuda(&self) -> bool {
        false
    }

    #[getter]
    fn _cdata(&self) -> usize {
        Arc::as_ptr(&self.storage) as usize
    }

    fn is_shared(&self) -> bool {
        false
    }

    fn is_pinned(&self) -> bool {
        false
    }

    fn resizable(&self) -> bool {
        self.storage.is_writable()
    }

    fn cpu(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn untyped(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __copy__(&self) -> PyResult<Self> {
        self.clone()
    }

    fn __deepcopy__(&self, _memo: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.clone()
    }

    /// Another storage with a copy of the bytes.
    fn clone(&self) -> PyResult<Self> {
        let storage = Storage::from_bytes(&self.storage.to_bytes()).map_err(to_python)?;
        Ok(PyStorage { storage })
    }

    /// The bytes as a list of numbers.
    fn tolist<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.storage.to_bytes())
    }

    /// A byte; or, for a slice without steps, a storage of the same memory.
    fn __getitem__<'py>(&self, py: Python<'py>, index: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let length = self.storage.len() as isize;
        if let Ok(slice) = index.cast::<PySlice>() {
            let range = slice.indices(length)?;
            if range.step != 1 {
                return Err(PyRuntimeError::new_err(format!(
                    "Trying to slice with a step of {}, but only a step of 1 is supported",
                    range.step
                )));
            }
            let part = self.storage.slice(range.start as usize, range.slicelength).map_err(to_python)?;
            return Ok(Bound::new(py, PyStorage { storage: part })?.into_any());
        }
        let index: isize = index.extract()?;
        if index < -length || index >= length {
            return Err(PyIndexError::new_err(format!("index {index} out of range for storage of size {length}")));
        }
        let byte = self.storage.with_bytes(|bytes| bytes[index.rem_euclid(length) as usize]);
        Ok(byte.into_pyobject(py)?.into_any())
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<PyStorage>().is_ok_and(|other| Arc::ptr_eq(&other.get().storage, &self.storage))
    }

    fn __hash__(&self) -> usize {
        Arc::as_ptr(&self.storage) as usize
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        let make = py.import("flambeau._native")?.getattr("_storage_from_buffer")?;
        Ok((make, (PyBytes::new(py, &self.storage.to_bytes()),)))
    }

    fn __repr__(&self) -> String {
        let bytes: String = self.storage.to_bytes().iter().map(|b| format!(" {b}\n")).collect();
        format!("{bytes}[torch.storage.UntypedStorage(device=cpu) of size {}]", self.storage.len())
    }
}

#[pymethods]
impl PyTensor {
    /// The memory behind this tensor.
    fn untyped_storage(&self) -> PyStorage {
        PyStorage { storage: self.tensor().array().storage().clone() }
    }
}

/// A copy of a storage's bytes.
#[pyfunction]
pub fn _storage_to_bytes<'py>(py: Python<'py>, storage: &Bound<'py, PyStorage>) -> Bound<'py, PyBytes> {
    PyBytes::new(py, &storage.get().storage.to_bytes())
}

/// A storage that holds a copy of an object's bytes.
#[pyfunction]
pub fn _storage_from_buffer(buffer: &Bound<'_, PyAny>) -> PyResult<PyStorage> {
    let bytes = match buffer.cast::<PyBytes>() {
        Ok(bytes) => bytes.clone(),
        Err(_) => {
            let bytes = buffer.py().import("builtins")?.getattr("bytes")?.call1((buffer,))?;
            bytes.cast_into::<PyBytes>()?
        }
    };
    let storage = Storage::from_bytes(bytes.as_bytes()).map_err(to_python)?;
    Ok(PyStorage { storage })
}

/// A storage with the bytes of each element of `size` bytes in the other order.
#[pyfunction]
pub fn _storage_byteswapped(py: Python<'_>, storage: &Bound<'_, PyStorage>, size: usize) -> PyResult<PyStorage> {
    let from = storage.get().storage.clone();
    let swap = || {
        Storage::filled(from.len(), |to| {
            from.with_bytes(|bytes| to.copy_from_slice(bytes));
            to.chunks_exact_mut(size.max(1)).for_each(<[u8]>::reverse);
            Ok(())
        })
    };
    Ok(PyStorage { storage: run(py, swap)? })
}

/// The tensors of a safetensors file, by name.
#[pyfunction]
pub fn _load_safetensors<'py>(py: Python<'py>, path: PathBuf, mmap: bool) -> PyResult<Bound<'py, PyDict>> {
    let tensors = run(py, || flambeau_store::safetensors::load_with(&path, &LoadOptions { mmap }))?;
    let dict = PyDict::new(py);
    for (name, tensor) in tensors {
        dict.set_item(name, crate::tensor::wrap(py, tensor)?)?;
    }
    Ok(dict)
}

/// What `tensor.set_(…)` puts in the tensor's place.
///
/// # Errors
/// If the source is nothing that has memory, of another dtype, or too small.
pub fn data_for_set(
    tensor: &Tensor,
    source: Option<&Bound<'_, PyAny>>,
    offset: usize,
    size: Option<Vec<usize>>,
    stride: Option<Vec<usize>>,
) -> PyResult<Tensor> {
    let dtype = tensor.dtype();
    let Some(source) = source else {
        return Tensor::empty([0], dtype).map_err(to_python);
    };
    let (storage, given) = if let Some(other) = PyTensor::extract(source.as_borrowed()) {
        if other.dtype() != dtype {
            return Err(PyRuntimeError::new_err(format!(
                "Could not set tensor of type {} to a tensor of type {}",
                other.dtype().c_name(),
                dtype.c_name()
            )));
        }
        (other.array().storage().clone(), Some(other.layout()))
    } else if let Ok(storage) = source.cast::<PyStorage>() {
        (storage.get().storage.clone(), None)
    } else if let Ok(inner) = source.getattr("_untyped_storage") {
        (inner.cast::<PyStorage>()?.get().storage.clone(), None)
    } else {
        return Err(PyTypeError::new_err(format!(
            "set_(): argument 'source' must be a storage or a Tensor, not {}",
            crate::message::type_name(source)
        )));
    };
    let layout = match (size, given) {
        (None, Some(layout)) => layout,
        (None, None) => Layout::contiguous([storage.len() / dtype.size()]),
        (Some(size), _) => {
            let strides = match stride {
                Some(stride) if stride.len() == size.len() => stride,
                Some(stride) => {
                    return Err(PyValueError::new_err(format!(
                        "mismatch in length of strides and shape: {} and {}",
                        stride.len(),
                        size.len()
                    )));
                }
                None => Layout::contiguous(size.clone()).strides().to_vec(),
            };
            Layout::strided(size, &strides, offset)
        }
    };
    if !storage.is_empty() && !(storage.as_ptr() as usize).is_multiple_of(dtype.size()) {
        return Err(PyRuntimeError::new_err(format!(
            "set_(): a storage at address {:p} is not aligned for {}: use its clone()",
            storage.as_ptr(),
            dtype.c_name()
        )));
    }
    Array::new(storage, layout, dtype).map(Tensor::from_array).map_err(to_python)
}
