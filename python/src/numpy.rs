//! NumPy arrays and tensors over the same memory, by NumPy's array interface.
//!
//! NumPy is imported when a tensor is first asked for an array, never by this module alone.

use crate::error::{to_python, warn};
use crate::message::type_name;
use crate::tensor::{PyTensor, wrap};
use flambeau_store::npy::{dtype_of_kind, typestr};
use flambeau_tensor::{Array, DType, Layout, Shape, Storage, Tensor};
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple};
use std::ptr::NonNull;

/// Whether an object is a `numpy.ndarray`. Does not import NumPy: where it was never imported,
/// nothing is an array.
pub fn is_array(object: &Bound<'_, PyAny>) -> bool {
    array_class(object.py()).is_some_and(|class| object.is_instance(class).unwrap_or(false))
}

fn array_class(py: Python<'_>) -> Option<&Bound<'_, PyAny>> {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    if let Some(class) = CLASS.get(py) {
        return Some(class.bind(py));
    }
    let modules = py.import("sys").ok()?.getattr("modules").ok()?;
    let class = modules.get_item("numpy").ok()?.getattr("ndarray").ok()?;
    Some(CLASS.get_or_init(py, || class.unbind()).bind(py))
}

/// A tensor over an array's memory.
///
/// # Errors
/// PyTorch's, for what is no array, and arrays of a dtype, byte order or strides that tensors do
/// not have.
pub fn from_array(array: &Bound<'_, PyAny>) -> PyResult<Tensor> {
    if !is_array(array) {
        return Err(PyTypeError::new_err(format!("expected np.ndarray (got {})", type_name(array))));
    }
    let interface = array.getattr("__array_interface__")?;
    let interface = interface.cast::<PyDict>()?;
    let get = |key: &str| interface.get_item(key)?.ok_or_else(|| PyTypeError::new_err("incomplete array interface"));
    let name: String = get("typestr")?.extract()?;
    let unsupported = || -> PyResult<PyErr> {
        let name: String = array.getattr("dtype")?.getattr("type")?.getattr("__name__")?.extract()?;
        Ok(PyTypeError::new_err(format!(
            "can't convert np.ndarray of type numpy.{name}. The only supported types are: float64, float32, float16, complex64, complex128, int64, int32, int16, int8, uint64, uint32, uint16, uint8, and bool."
        )))
    };
    if name.starts_with('>') {
        return Err(PyValueError::new_err(
            "given numpy array has byte order different from the native byte order. Conversion between byte orders is currently not supported.",
        ));
    }
    let known = name.get(1..).and_then(dtype_of_kind);
    let Some(dtype) = known.and_then(|known| known.dtype) else { return Err(unsupported()?) };
    let (address, read_only): (usize, bool) = get("data")?.extract()?;
    let shape: Vec<usize> = get("shape")?.extract()?;
    let strides = match interface.get_item("strides")? {
        Some(strides) if !strides.is_none() => {
            let strides: Vec<isize> = strides.extract()?;
            Some(element_strides(&strides, &shape, dtype.size())?)
        }
        _ => None,
    };
    if read_only {
        static ONCE: std::sync::Once = std::sync::Once::new();
        let mut result = Ok(());
        ONCE.call_once(|| {
            result = warn(array.py(), "The given NumPy array is not writable, and PyTorch does not support non-writable tensors. This means writing to this tensor will result in undefined behavior. You may want to copy the array to protect its data or make it writable before converting it to a tensor. This type of warning will be suppressed for the rest of this program.");
        });
        result?;
    }
    let shape = Shape::from(shape);
    let layout = match strides {
        Some(strides) => Layout::strided(shape, &strides, 0),
        None => Layout::contiguous(shape),
    };
    // SAFETY: the array's memory, which it keeps for as long as it lives, and the tensor owns a
    // reference to it; NumPy's users share the care for concurrent writes with ours.
    unsafe { over(address, layout, dtype, !read_only, array.clone().unbind()) }
}

fn element_strides(strides: &[isize], shape: &[usize], itemsize: usize) -> PyResult<Vec<usize>> {
    if strides.iter().zip(shape).any(|(&s, _)| s < 0) {
        return Err(PyValueError::new_err(
            "At least one stride in the given numpy array is negative, and tensors with negative strides are not currently supported. (You can probably work around this by making a copy of your array  with array.copy().) ",
        ));
    }
    strides
        .iter()
        .map(|&stride| {
            let stride = stride.unsigned_abs();
            if stride % itemsize != 0 {
                return Err(PyValueError::new_err(
                    "given numpy array strides not a multiple of the element byte size. Copy the numpy array to reallocate the memory.",
                ));
            }
            Ok(stride / itemsize)
        })
        .collect()
}

/// A tensor over memory that `owner` keeps.
///
/// # Errors
/// If the layout overflows.
///
/// # Safety
/// The memory at `address` must hold the layout's elements for as long as `owner` lives.
pub unsafe fn over(address: usize, layout: Layout, dtype: DType, writable: bool, owner: Py<PyAny>) -> PyResult<Tensor> {
    let bytes = layout.end().and_then(|end| end.checked_mul(dtype.size()));
    let bytes = bytes.ok_or_else(|| PyRuntimeError::new_err("size of the buffer overflows"))?;
    let pointer = NonNull::new(address as *mut u8).unwrap_or(NonNull::dangling());
    // SAFETY: the caller's promise; a null pointer comes with no bytes.
    let storage = unsafe { Storage::foreign(pointer, if address == 0 { 0 } else { bytes }, writable, Box::new(owner)) };
    Array::new(storage, layout, dtype).map(Tensor::from_array).map_err(to_python)
}

/// What NumPy makes an array of: it keeps the tensor, and the array keeps it.
#[pyclass(frozen, module = "flambeau._native")]
struct ArraySource {
    tensor: Tensor,
}

#[pymethods]
impl ArraySource {
    #[getter]
    fn __array_interface__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let array = self.tensor.array();
        let size = array.dtype().size();
        let interface = PyDict::new(py);
        let address = array.storage().as_ptr() as usize + array.layout().offset() * size;
        interface.set_item("version", 3)?;
        interface.set_item("typestr", typestr(array.dtype()))?;
        interface.set_item("shape", PyTuple::new(py, array.shape().iter())?)?;
        interface.set_item("strides", PyTuple::new(py, array.strides().iter().map(|s| s * size))?)?;
        interface.set_item("data", (address, !array.storage().is_writable()))?;
        Ok(interface)
    }
}

/// An array over a tensor's memory.
///
/// # Errors
/// If NumPy has no such dtype, or cannot be imported.
fn to_array<'py>(py: Python<'py>, tensor: Tensor) -> PyResult<Bound<'py, PyAny>> {
    static ASARRAY: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    if typestr(tensor.dtype()).is_none() {
        return Err(PyTypeError::new_err(format!("Got unsupported ScalarType {}", tensor.dtype().scalar_type_name())));
    }
    let asarray = ASARRAY.get_or_try_init(py, || {
        py.import("numpy")
            .map_err(|_| PyRuntimeError::new_err("Numpy is not available"))?
            .getattr("asarray")
            .map(Bound::unbind)
    })?;
    asarray.bind(py).call1((Py::new(py, ArraySource { tensor })?,))
}

#[pymethods]
impl PyTensor {
    /// The tensor as a NumPy array over the same memory.
    #[pyo3(signature = (*, force=false))]
    fn numpy<'py>(&self, py: Python<'py>, force: bool) -> PyResult<Bound<'py, PyAny>> {
        let tensor = self.tensor();
        if tensor.requires_grad() && !force {
            return Err(PyRuntimeError::new_err(
                "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.",
            ));
        }
        to_array(py, tensor.detach())
    }
}

/// A tensor over the memory of a NumPy array.
#[pyfunction]
pub fn from_numpy(array: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
    wrap(array.py(), from_array(array)?)
}

/// A tensor over the memory of an object that has a buffer.
#[pyfunction]
#[pyo3(signature = (buffer, *, dtype, count=-1, offset=0, requires_grad=false))]
pub fn frombuffer(
    buffer: &Bound<'_, PyAny>,
    dtype: &Bound<'_, PyAny>,
    count: i64,
    offset: i64,
    requires_grad: bool,
) -> PyResult<Py<PyAny>> {
    let py = buffer.py();
    let Some(dtype) = crate::matching::dtype(dtype)? else {
        return Err(PyTypeError::new_err(format!(
            "frombuffer(): argument 'dtype' must be torch.dtype, not {}",
            type_name(dtype)
        )));
    };
    // A view of plain bytes, whose address NumPy knows.
    let bytes = py
        .import("builtins")?
        .getattr("memoryview")?
        .call1((buffer,))
        .map_err(|_| PyValueError::new_err("object does not implement Python buffer protocol."))?;
    let length: i64 = bytes.getattr("nbytes")?.extract()?;
    let size = dtype.size() as i64;
    if length == 0 || count == 0 {
        return Err(PyValueError::new_err(format!("both buffer length ({length}) and count ({count}) must not be 0")));
    }
    if offset < 0 || offset >= length {
        return Err(PyValueError::new_err(format!(
            "offset ({offset} bytes) must be non-negative and no greater than buffer length ({length} bytes) minus 1"
        )));
    }
    if count < 0 && (length - offset) % size != 0 {
        return Err(PyValueError::new_err(format!(
            "buffer length ({} bytes) after offset ({offset} bytes) must be a multiple of element size ({size})",
            length - offset
        )));
    }
    let count = if count < 0 { (length - offset) / size } else { count };
    if offset.saturating_add(count.saturating_mul(size)) > length {
        return Err(PyValueError::new_err(format!(
            "requested buffer length ({count} * {size} bytes) after offset ({offset} bytes) must not be greater than actual buffer length ({length} bytes)"
        )));
    }
    let array = py.import("numpy")?.call_method1("frombuffer", (buffer, "uint8"))?;
    let (address, read_only): (usize, bool) = array.getattr("__array_interface__")?.get_item("data")?.extract()?;
    if read_only {
        static ONCE: std::sync::Once = std::sync::Once::new();
        let mut result = Ok(());
        ONCE.call_once(|| {
            result = warn(py, "The given buffer is not writable, and PyTorch does not support non-writable tensors. This means you can write to the underlying (supposedly non-writable) buffer using the tensor. You may want to copy the buffer to protect its data or make it writable before converting it to a tensor. This type of warning will be suppressed for the rest of this program.");
        });
        result?;
    }
    let layout = Layout::contiguous([count as usize]);
    // SAFETY: the range was checked against the buffer's length, and the array keeps the buffer.
    let tensor = unsafe { over(address + offset as usize, layout, dtype, !read_only, array.unbind())? };
    if requires_grad {
        tensor.requires_grad_(true).map_err(to_python)?;
    }
    wrap(py, tensor)
}
