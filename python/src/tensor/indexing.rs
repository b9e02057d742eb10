//! Subscripts: `x[…]` and `x[…] = …`.

use super::{PyTensor, wrap};
use crate::error::{run, warn};
use crate::matching::{is_int, number};
use crate::message::type_name;
use crate::record;
use flambeau_tensor::ops::{Index, Operand};
use flambeau_tensor::{DType, Tensor};
use pyo3::Borrowed;
use pyo3::exceptions::{PyIndexError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyList, PySequence, PySlice, PyString, PyTuple};

/// Sequences longer than this are indices, never several subscripts.
const MAX_SUBSCRIPTS: usize = 32;

fn is_ellipsis(object: &Bound<'_, PyAny>) -> bool {
    // SAFETY: the singleton lives as long as the interpreter.
    object.as_ptr() == unsafe { ffi::Py_Ellipsis() }
}

fn bound_of(object: &Bound<'_, PyAny>) -> PyResult<Option<isize>> {
    if object.is_none() {
        return Ok(None);
    }
    let value = object
        .call_method0("__index__")
        .map_err(|_| PyTypeError::new_err("slice indices must be integers or None or have an __index__ method"))?;
    // A bound beyond all sizes is as good as the largest.
    Ok(Some(match value.extract::<i64>() {
        Ok(value) => value as isize,
        Err(_) if value.lt(0)? => isize::MIN,
        Err(_) => isize::MAX,
    }))
}

fn slice(slice: &Bound<'_, PySlice>) -> PyResult<Index> {
    let start = bound_of(&slice.getattr("start")?)?;
    let stop = bound_of(&slice.getattr("stop")?)?;
    let step = bound_of(&slice.getattr("step")?)?.unwrap_or(1);
    Ok(Index::Slice { start, stop, step })
}

/// A sequence as a tensor of indices. An empty one is a tensor of no integers.
fn sequence(object: &Bound<'_, PyAny>) -> PyResult<Index> {
    let tensor = crate::construct::from_data(object)?;
    Ok(Index::Tensor(if tensor.numel() == 0 && tensor.dtype().is_floating_point() {
        run(object.py(), || tensor.to_dtype(DType::I64))?
    } else {
        tensor
    }))
}

fn subscript(object: &Bound<'_, PyAny>) -> PyResult<Index> {
    if let Some(tensor) = PyTensor::extract(object.as_borrowed()) {
        return Ok(Index::Tensor(tensor.clone()));
    }
    if object.is_none() {
        return Ok(Index::None);
    }
    if is_ellipsis(object) {
        return Ok(Index::Ellipsis);
    }
    if let Ok(flag) = object.cast::<PyBool>() {
        return Ok(Index::Bool(flag.is_true()));
    }
    if let Ok(object) = object.cast::<PySlice>() {
        return slice(object);
    }
    if is_int(object) {
        return Ok(Index::Int(object.extract()?));
    }
    if crate::numpy::is_array(object) || object.is_instance_of::<PyString>() || is_sequence(object) {
        return sequence(object);
    }
    Err(PyIndexError::new_err(format!(
        "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices (got {})",
        type_name(object)
    )))
}

fn is_sequence(object: &Bound<'_, PyAny>) -> bool {
    object.is_instance_of::<PyList>() || object.is_instance_of::<PyTuple>() || object.cast::<PySequence>().is_ok()
}

/// Whether a sequence that is no tuple stands for several subscripts, as it did in early NumPy.
fn is_several(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    if PyTensor::extract(object.as_borrowed()).is_some() || crate::numpy::is_array(object) || !is_sequence(object) {
        return Ok(false);
    }
    if object.len()? >= MAX_SUBSCRIPTS {
        return Ok(false);
    }
    for item in object.try_iter()? {
        let item = item?;
        if item.is_none()
            || is_ellipsis(&item)
            || item.is_instance_of::<PySlice>()
            || PyTensor::extract(item.as_borrowed()).is_some()
            || is_sequence(&item)
        {
            warn(
                object.py(),
                "Using a non-tuple sequence for multidimensional indexing is deprecated and will be changed in pytorch 2.9; use x[tuple(seq)] instead of x[seq]. In pytorch 2.9 this will be interpreted as tensor index, x[torch.tensor(seq)], which will result either in an error or a different result",
            )?;
            return Ok(true);
        }
    }
    Ok(false)
}

fn subscripts(object: &Bound<'_, PyAny>) -> PyResult<Vec<Index>> {
    if let Ok(tuple) = object.cast::<PyTuple>() {
        return tuple.iter().map(|item| subscript(&item)).collect();
    }
    if is_several(object)? {
        return object.try_iter()?.map(|item| subscript(&item?)).collect();
    }
    Ok(vec![subscript(object)?])
}

/// What is assigned: a tensor or a number.
fn value(object: Borrowed<'_, '_, PyAny>, target: &Tensor) -> PyResult<Operand> {
    if let Some(tensor) = PyTensor::extract(object) {
        return Ok(Operand::Tensor(tensor.clone()));
    }
    match number(object)? {
        Some(number) => Ok(Operand::Scalar(number)),
        None => Err(PyTypeError::new_err(format!(
            "can't assign a {} to a torch.{}Tensor",
            type_name(&object),
            target.dtype().scalar_type_name()
        ))),
    }
}

#[pymethods]
impl PyTensor {
    fn __getitem__(slf: &Bound<'_, Self>, index: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let py = slf.py();
        let tensor = slf.get().tensor();
        let indices = subscripts(index)?;
        let result = wrap(py, run(py, move || tensor.index(indices))?)?;
        if record::is_on() {
            record::note_subscript("__getitem__", slf.as_any(), ("index", index), result.clone_ref(py))?;
        }
        Ok(result)
    }

    fn __setitem__(slf: &Bound<'_, Self>, index: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        if record::is_on() {
            record::note_subscript("__setitem__", slf.as_any(), ("value", value), slf.py().None())?;
        }
        let tensor = slf.get().tensor();
        let indices = subscripts(index)?;
        let value = self::value(value.as_borrowed(), tensor)?;
        run(slf.py(), move || tensor.set(indices, value))
    }

    fn __delitem__(&self, _index: &Bound<'_, PyAny>) -> PyResult<()> {
        Err(PyTypeError::new_err("Tensor does not support deleting items"))
    }
}
