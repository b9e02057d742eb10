//! The tensor class.
//!
//! A Python tensor is a thin wrapper. A tensor that Python has seen is always shown as the same
//! object: the library's tensor remembers its wrapper for as long as that lives.

use flambeau_tensor::Tensor;
use pyo3::Borrowed;
use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple, PyType};
use std::cell::Cell;
use std::sync::Mutex;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

mod attributes;
mod convert;
mod indexing;

/// The base of the tensor class.
#[pyclass(frozen, subclass, name = "TensorBase", module = "flambeau._native")]
pub struct PyTensor {
    tensor: Tensor,
    /// This object's own address, once it is known as its tensor's wrapper.
    address: AtomicUsize,
    /// The object that was last seen as this tensor's gradient.
    grad: Mutex<Option<Py<PyAny>>>,
}

impl Drop for PyTensor {
    fn drop(&mut self) {
        let address = *self.address.get_mut();
        if address != 0 {
            let _ = self.tensor.wrapper().compare_exchange(address, 0, Ordering::AcqRel, Ordering::Relaxed);
        }
    }
}

thread_local! {
    /// The tensor that the object being made on this thread wraps.
    static NEXT: Cell<Option<Tensor>> = const { Cell::new(None) };
}

/// The class of new tensors: the package's, or the base class until it has said so.
static CLASS: AtomicPtr<ffi::PyTypeObject> = AtomicPtr::new(std::ptr::null_mut());

impl PyTensor {
    fn new(tensor: Tensor) -> Self {
        Self { tensor, address: AtomicUsize::new(0), grad: Mutex::new(None) }
    }

    /// The tensor.
    pub fn tensor(&self) -> &Tensor {
        &self.tensor
    }

    /// The tensor in a Python object, if it is one.
    pub fn extract<'a>(object: Borrowed<'a, '_, PyAny>) -> Option<&'a Tensor> {
        let py = object.py();
        let wrapper = object.cast::<PyTensor>().ok()?;
        // SAFETY: the borrowed reference keeps the object alive for 'a, and a frozen class's
        // content never moves nor changes.
        let wrapper: &'a PyTensor =
            unsafe { &*std::ptr::from_ref(wrapper.as_any().cast_unchecked::<PyTensor>().get()) };
        let _ = py;
        wrapper.remember(object.as_ptr());
        Some(&wrapper.tensor)
    }

    /// Notes that `object` is what shows this tensor, unless another already does.
    fn remember(&self, object: *mut ffi::PyObject) {
        if self.address.load(Ordering::Relaxed) == 0
            && self.tensor.wrapper().compare_exchange(0, object as usize, Ordering::AcqRel, Ordering::Relaxed).is_ok()
        {
            self.address.store(object as usize, Ordering::Relaxed);
        }
    }
}

/// The Python object of a tensor: the one that already shows it, or a new one.
///
/// # Errors
/// If there is no memory.
pub fn wrap(py: Python<'_>, tensor: Tensor) -> PyResult<Py<PyAny>> {
    let known = tensor.wrapper().load(Ordering::Acquire) as *mut ffi::PyObject;
    // SAFETY: the address is cleared, with the interpreter held, when the object is taken apart;
    // a count of zero says that this has begun.
    if !known.is_null() && unsafe { ffi::Py_REFCNT(known) } > 0 {
        // SAFETY: as above, it is alive.
        return Ok(unsafe { Bound::from_borrowed_ptr(py, known) }.unbind());
    }
    let class = CLASS.load(Ordering::Acquire);
    let class = if class.is_null() { py.get_type::<PyTensor>().as_type_ptr() } else { class };
    // SAFETY: both are live classes derived from `PyTensor`.
    unsafe { instance(py, tensor, class) }
}

/// A new object of a class that shows this tensor.
///
/// # Safety
/// `class` must be `PyTensor`'s class or derived from it.
unsafe fn instance(py: Python<'_>, tensor: Tensor, class: *mut ffi::PyTypeObject) -> PyResult<Py<PyAny>> {
    static EMPTY: PyOnceLock<Py<PyTuple>> = PyOnceLock::new();
    static NEW: PyOnceLock<ffi::newfunc> = PyOnceLock::new();
    let new = NEW.get_or_init(py, || {
        // SAFETY: `PyTensor` has a `#[new]`, so the slot holds a function of this type.
        unsafe {
            let slot = ffi::PyType_GetSlot(py.get_type::<PyTensor>().as_type_ptr(), ffi::Py_tp_new);
            std::mem::transmute::<*mut std::ffi::c_void, ffi::newfunc>(slot)
        }
    });
    let empty = EMPTY.get_or_init(py, || PyTuple::empty(py).unbind());
    NEXT.set(Some(tensor));
    // SAFETY: the class is derived from the slot's own; the arguments are a tuple and nothing.
    let object = unsafe { Bound::from_owned_ptr_or_err(py, new(class, empty.as_ptr(), std::ptr::null_mut())) };
    NEXT.set(None);
    let object = object?;
    if let Ok(wrapper) = object.cast::<PyTensor>() {
        wrapper.get().remember(object.as_ptr());
    }
    Ok(object.unbind())
}

/// Makes a leaf require a gradient.
///
/// # Errors
/// PyTorch's, if its dtype has none.
pub fn require_grad(tensor: &Tensor) -> flambeau_tensor::Result<()> {
    tensor.requires_grad_(true).map(drop)
}

/// Says which class new tensors have.
#[pyfunction]
pub fn _set_tensor_class(class: &Bound<'_, PyType>) -> PyResult<()> {
    if !class.is_subclass_of::<PyTensor>()? {
        return Err(PyTypeError::new_err("the tensor class must be derived from TensorBase"));
    }
    // The class lives as long as the process: tensors of it can be made at any time.
    CLASS.store(class.clone().unbind().into_ptr().cast(), Ordering::Release);
    Ok(())
}

#[pymethods]
impl PyTensor {
    #[new]
    #[pyo3(signature = (*args, **kwargs))]
    fn __new__(args: &Bound<'_, PyTuple>, kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        if let Some(tensor) = NEXT.take() {
            return Ok(PyTensor::new(tensor));
        }
        crate::construct::legacy(args, kwargs).map(PyTensor::new)
    }
}
