//! Arguments of `to`, and switches of the process.

use crate::message::type_name;
use crate::objects::{PyDType, PyDevice, PyMemoryFormat};
use crate::tensor::PyTensor;
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyTuple};

type Parsed = (Option<Py<PyDevice>>, Option<Py<PyDType>>, bool, Option<Py<PyMemoryFormat>>);

/// Takes the arguments of `to` apart: device, dtype, whether to wait, memory format.
#[pyfunction]
#[pyo3(signature = (*args, **kwargs))]
pub fn _parse_to(args: &Bound<'_, PyTuple>, kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<Parsed> {
    let py = args.py();
    let invalid = || {
        let given: Vec<String> = args.iter().map(|a| type_name(&a)).collect();
        PyTypeError::new_err(format!(
            "to() received an invalid combination of arguments - got ({}), but expected one of:\n * (torch.device device = None, torch.dtype dtype = None, bool non_blocking = False, bool copy = False, *, torch.memory_format memory_format = None)\n * (torch.dtype dtype, bool non_blocking = False, bool copy = False, *, torch.memory_format memory_format = None)\n * (Tensor tensor, bool non_blocking = False, bool copy = False, *, torch.memory_format memory_format = None)\n",
            given.join(", ")
        ))
    };
    let (mut device, mut dtype, mut non_blocking, mut format) = (None, None, false, None);
    let mut flags = 0;
    let mut take = |key: Option<&str>, value: &Bound<'_, PyAny>| -> PyResult<()> {
        if value.is_none() {
            return Ok(());
        }
        if let Ok(flag) = value.cast::<PyBool>() {
            let copy = key == Some("copy") || (key.is_none() && flags == 1);
            flags += usize::from(key.is_none());
            if copy && key == Some("copy") {
                return Err(PyRuntimeError::new_err(".to() does not accept copy argument"));
            }
            if !copy {
                non_blocking = flag.is_true();
            }
            return Ok(());
        }
        match key {
            Some("memory_format") => {
                format = Some(value.cast::<PyMemoryFormat>().map_err(|_| invalid())?.clone().unbind());
                return Ok(());
            }
            None | Some("device" | "dtype" | "tensor" | "other") => {}
            Some(_) => return Err(invalid()),
        }
        if let Some(tensor) = PyTensor::extract(value.as_borrowed()) {
            device = Some(PyDevice::cpu(py)?);
            dtype = Some(PyDType::of(py, tensor.dtype()).clone_ref(py));
        } else if let Some(found) = crate::matching::dtype(value)? {
            dtype = Some(PyDType::of(py, found).clone_ref(py));
        } else if let Some(found) = PyDevice::from_object(value)? {
            found.require()?;
            device = Some(Py::new(py, found)?);
        } else {
            return Err(invalid());
        }
        Ok(())
    };
    for value in args.iter() {
        take(None, &value)?;
    }
    for (key, value) in kwargs.into_iter().flat_map(|k| k.iter()) {
        take(Some(&key.extract::<String>()?), &value)?;
    }
    Ok((device, dtype, non_blocking, format))
}

/// Which instructions the kernels use: `AVX512`, `AVX2` or `DEFAULT`.
#[pyfunction]
pub fn _get_cpu_capability() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx512f") {
            return "AVX512";
        }
        if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
            return "AVX2";
        }
    }
    "DEFAULT"
}

/// Whether warnings that are given once are given every time. (They are given once.)
#[pyfunction]
pub fn _set_warn_always(enabled: bool) {
    let _ = enabled;
}
