//! DLPack: tensors of other libraries over the same memory, both ways.
//!
//! The structures are those of `dlpack.h`, version 1.0 and the unversioned ones before it. A
//! capsule owns its structure until a consumer renames it; then the consumer calls the deleter.

use crate::error::to_python;
use crate::tensor::{PyTensor, wrap};
use flambeau_tensor::{Array, DType, Layout, Storage, Tensor};
use pyo3::exceptions::{PyBufferError, PyRuntimeError, PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use std::ffi::{CStr, c_void};
use std::ptr::NonNull;

const CPU: i32 = 1;
const LEGACY: &CStr = c"dltensor";
const LEGACY_USED: &CStr = c"used_dltensor";
const VERSIONED: &CStr = c"dltensor_versioned";
const VERSIONED_USED: &CStr = c"used_dltensor_versioned";
const READ_ONLY: u64 = 1;

#[repr(C)]
struct DlTensor {
    data: *mut c_void,
    device_type: i32,
    device_id: i32,
    ndim: i32,
    code: u8,
    bits: u8,
    lanes: u16,
    shape: *mut i64,
    strides: *mut i64,
    byte_offset: u64,
}

#[repr(C)]
struct Legacy {
    tensor: DlTensor,
    context: *mut c_void,
    deleter: Option<unsafe extern "C" fn(*mut Legacy)>,
}

#[repr(C)]
struct Versioned {
    major: u32,
    minor: u32,
    context: *mut c_void,
    deleter: Option<unsafe extern "C" fn(*mut Versioned)>,
    flags: u64,
    tensor: DlTensor,
}

/// What an exported structure points into.
struct Exported {
    _tensor: Tensor,
    shape: Vec<i64>,
    strides: Vec<i64>,
}

fn type_of(dtype: DType) -> (u8, u8) {
    let code = match dtype {
        DType::Bool => 6,
        DType::U8 => 1,
        DType::BF16 => 4,
        d if d.is_floating_point() => 2,
        d if d.is_complex() => 5,
        _ => 0,
    };
    (code, (dtype.size() * 8) as u8)
}

fn dtype_of(code: u8, bits: u8, lanes: u16) -> PyResult<DType> {
    if lanes != 1 {
        return Err(PyBufferError::new_err("ATen does not support lanes != 1"));
    }
    DType::ALL
        .into_iter()
        .find(|&d| type_of(d) == (code, bits))
        .ok_or_else(|| PyBufferError::new_err(format!("Unsupported dtype: code {code}, {bits} bits")))
}

fn export(tensor: Tensor) -> (DlTensor, Box<Exported>) {
    let array = tensor.array();
    let mut exported = Box::new(Exported {
        shape: array.shape().iter().map(|&n| n as i64).collect(),
        // A dimension of size 1 may have any stride; consumers like the dense one best.
        strides: array
            .shape()
            .iter()
            .zip(array.strides())
            .map(|(&size, &stride)| if size < 2 { 1 } else { stride as i64 })
            .collect(),
        _tensor: tensor,
    });
    let (code, bits) = type_of(array.dtype());
    let address = array.storage().as_ptr().wrapping_add(array.layout().offset() * array.dtype().size());
    let shown = DlTensor {
        data: if array.numel() == 0 { std::ptr::null_mut() } else { address.cast() },
        device_type: CPU,
        device_id: 0,
        ndim: exported.shape.len() as i32,
        code,
        bits,
        lanes: 1,
        shape: exported.shape.as_mut_ptr(),
        strides: exported.strides.as_mut_ptr(),
        byte_offset: 0,
    };
    (shown, exported)
}

/// Frees what [`_to_dlpack`] made.
unsafe extern "C" fn delete_legacy(managed: *mut Legacy) {
    // SAFETY: DLPack calls this once, with the pointer that `_to_dlpack` got from two boxes.
    unsafe {
        let managed = Box::from_raw(managed);
        drop(Box::from_raw(managed.context.cast::<Exported>()));
    }
}

/// Frees what [`_to_dlpack_versioned`] made.
unsafe extern "C" fn delete_versioned(managed: *mut Versioned) {
    // SAFETY: as in `delete_legacy`.
    unsafe {
        let managed = Box::from_raw(managed);
        drop(Box::from_raw(managed.context.cast::<Exported>()));
    }
}

/// Frees a capsule's structure, if nobody took it.
unsafe extern "C" fn drop_legacy(capsule: *mut ffi::PyObject) {
    // SAFETY: the interpreter calls this with the capsule that is going; its name says whether
    // the structure is still its own.
    unsafe {
        if ffi::PyCapsule_IsValid(capsule, LEGACY.as_ptr()) == 1 {
            delete_legacy(ffi::PyCapsule_GetPointer(capsule, LEGACY.as_ptr()).cast());
        }
    }
}

/// As [`drop_legacy`].
unsafe extern "C" fn drop_versioned(capsule: *mut ffi::PyObject) {
    // SAFETY: as in `drop_legacy`.
    unsafe {
        if ffi::PyCapsule_IsValid(capsule, VERSIONED.as_ptr()) == 1 {
            delete_versioned(ffi::PyCapsule_GetPointer(capsule, VERSIONED.as_ptr()).cast());
        }
    }
}

fn exported_tensor(object: &Bound<'_, PyAny>) -> PyResult<Tensor> {
    match PyTensor::extract(object.as_borrowed()) {
        Some(tensor) => Ok(tensor.detach()),
        None => Err(PyTypeError::new_err("data must be a Tensor")),
    }
}

/// A capsule with the structure that was used before DLPack had versions.
#[pyfunction]
pub fn _to_dlpack<'py>(data: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let (tensor, exported) = export(exported_tensor(data)?);
    let context = Box::into_raw(exported).cast();
    let managed = Box::into_raw(Box::new(Legacy { tensor, context, deleter: Some(delete_legacy) }));
    // SAFETY: a fresh pointer, a static name and the destructor that belongs to it.
    unsafe {
        let capsule = ffi::PyCapsule_New(managed.cast(), LEGACY.as_ptr(), Some(drop_legacy));
        Bound::from_owned_ptr_or_err(data.py(), capsule)
    }
}

/// A capsule with a structure of DLPack 1.0.
#[pyfunction]
pub fn _to_dlpack_versioned<'py>(data: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let source = exported_tensor(data)?;
    let flags = if source.array().storage().is_writable() { 0 } else { READ_ONLY };
    let (tensor, exported) = export(source);
    let context = Box::into_raw(exported).cast();
    let managed = Versioned { major: 1, minor: 0, context, deleter: Some(delete_versioned), flags, tensor };
    let managed = Box::into_raw(Box::new(managed));
    // SAFETY: as in `_to_dlpack`.
    unsafe {
        let capsule = ffi::PyCapsule_New(managed.cast(), VERSIONED.as_ptr(), Some(drop_versioned));
        Bound::from_owned_ptr_or_err(data.py(), capsule)
    }
}

/// A structure taken over from another library, freed when the last tensor of it goes.
enum Taken {
    Legacy(*mut Legacy),
    Versioned(*mut Versioned),
}

// SAFETY: the structure is only read while it is being taken over, and its deleter may be called
// from any thread, as DLPack demands.
unsafe impl Send for Taken {}
// SAFETY: as above.
unsafe impl Sync for Taken {}

impl Drop for Taken {
    fn drop(&mut self) {
        // A deleter may well belong to a Python library that expects to hold the interpreter.
        Python::attach(|_| {
            // SAFETY: the structure is ours since the capsule was renamed, and this is called once.
            unsafe {
                match *self {
                    Taken::Legacy(managed) => {
                        if let Some(deleter) = (*managed).deleter {
                            deleter(managed);
                        }
                    }
                    Taken::Versioned(managed) => {
                        if let Some(deleter) = (*managed).deleter {
                            deleter(managed);
                        }
                    }
                }
            }
        });
    }
}

/// A tensor over the memory of another library's, or of a capsule.
#[pyfunction]
#[pyo3(signature = (ext_tensor, *, device=None, copy=None))]
pub fn from_dlpack(
    ext_tensor: &Bound<'_, PyAny>,
    device: Option<&Bound<'_, PyAny>>,
    copy: Option<bool>,
) -> PyResult<Py<PyAny>> {
    let py = ext_tensor.py();
    if let Some(device) = device.map(crate::objects::PyDevice::from_object).transpose()?.flatten() {
        device.require()?;
    }
    let capsule = match ext_tensor.getattr_opt("__dlpack__")? {
        None => ext_tensor.clone(),
        Some(method) => {
            let options = PyDict::new(py);
            options.set_item("max_version", PyTuple::new(py, [1, 0])?)?;
            if let Some(copy) = copy {
                options.set_item("copy", copy)?;
            }
            match method.call((), Some(&options)) {
                // Exporters older than DLPack 1.0 do not know these arguments.
                Err(error) if error.is_instance_of::<PyTypeError>(py) => method.call0()?,
                result => result?,
            }
        }
    };
    let tensor = take(&capsule)?;
    wrap(py, tensor)
}

fn take(capsule: &Bound<'_, PyAny>) -> PyResult<Tensor> {
    let pointer = capsule.as_ptr();
    // SAFETY: names are checked before pointers are taken, and the producer keeps the structure
    // valid while the capsule is not renamed.
    unsafe {
        if ffi::PyCapsule_IsValid(pointer, VERSIONED.as_ptr()) == 1 {
            let managed = ffi::PyCapsule_GetPointer(pointer, VERSIONED.as_ptr()).cast::<Versioned>();
            if (*managed).major > 1 {
                return Err(PyBufferError::new_err(format!("unsupported DLPack version {}", (*managed).major)));
            }
            let view = check(&(*managed).tensor)?;
            ffi::PyCapsule_SetName(pointer, VERSIONED_USED.as_ptr());
            return view.tensor((*managed).flags & READ_ONLY == 0, Taken::Versioned(managed));
        }
        if ffi::PyCapsule_IsValid(pointer, LEGACY.as_ptr()) == 1 {
            let managed = ffi::PyCapsule_GetPointer(pointer, LEGACY.as_ptr()).cast::<Legacy>();
            let view = check(&(*managed).tensor)?;
            ffi::PyCapsule_SetName(pointer, LEGACY_USED.as_ptr());
            return view.tensor(true, Taken::Legacy(managed));
        }
    }
    Err(PyRuntimeError::new_err(
        "from_dlpack received an invalid capsule. Note that DLTensor capsules can be consumed only once, so you might have already constructed a tensor from it once.",
    ))
}

/// A foreign tensor, checked.
struct View {
    address: usize,
    layout: Layout,
    dtype: DType,
}

/// Reads a foreign tensor.
///
/// # Safety
/// Its pointers must be valid, as DLPack demands.
unsafe fn check(tensor: &DlTensor) -> PyResult<View> {
    if tensor.device_type != CPU {
        return Err(PyBufferError::new_err(format!("Unsupported device_type: {}", tensor.device_type)));
    }
    let dtype = dtype_of(tensor.code, tensor.bits, tensor.lanes)?;
    let ndim = usize::try_from(tensor.ndim).map_err(|_| PyValueError::new_err("a negative number of dimensions"))?;
    let read = |pointer: *const i64, what: &str| -> PyResult<Vec<usize>> {
        let negative = |_| PyValueError::new_err(format!("negative {what} are not supported"));
        // SAFETY: the arrays have `ndim` entries.
        (0..ndim).map(|i| usize::try_from(unsafe { *pointer.add(i) }).map_err(negative)).collect()
    };
    let shape = read(tensor.shape, "sizes")?;
    let layout = if tensor.strides.is_null() || ndim == 0 {
        Layout::contiguous(shape)
    } else {
        let strides = read(tensor.strides, "strides")?;
        Layout::strided(shape, &strides, 0)
    };
    let address = (tensor.data as usize).wrapping_add(tensor.byte_offset as usize);
    if !address.is_multiple_of(dtype.size()) {
        return Err(PyBufferError::new_err("the memory is not aligned to the dtype's size"));
    }
    Ok(View { address, layout, dtype })
}

impl View {
    fn tensor(self, writable: bool, owner: Taken) -> PyResult<Tensor> {
        let bytes = self.layout.end().and_then(|end| end.checked_mul(self.dtype.size()));
        let bytes = bytes.ok_or_else(|| PyValueError::new_err("size of the tensor overflows"))?;
        let pointer = NonNull::new(self.address as *mut u8);
        let bytes = if pointer.is_some() { bytes } else { 0 };
        let pointer = pointer.unwrap_or(NonNull::dangling());
        // SAFETY: the producer keeps the memory until the deleter is called, which `owner` does.
        let storage = unsafe { Storage::foreign(pointer, bytes, writable, Box::new(owner)) };
        Array::new(storage, self.layout, self.dtype).map(Tensor::from_array).map_err(to_python)
    }
}
