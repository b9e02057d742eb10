//! Remembers the operators that are called, for those who want to know what a model computes.
//!
//! All operators come through [`crate::function`], which tells this module about every call while
//! somebody listens on its thread. What is remembered is the operator's name, its arguments by
//! name as they were understood (defaults filled in), and its result.

use crate::args::{Args, Value};
use crate::objects::{PyDType, PyMemoryFormat};
use crate::schema::Schema;
use crate::tensor::wrap;
use flambeau_tensor::{Scalar, Tensor};
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use std::cell::RefCell;

/// The operator's name, its arguments, its result.
type Call = (&'static str, Py<PyDict>, Py<PyAny>);

thread_local! {
    static CALLS: RefCell<Option<Vec<Call>>> = const { RefCell::new(None) };
}

/// Whether calls on this thread are remembered.
pub fn is_on() -> bool {
    CALLS.with_borrow(Option::is_some)
}

fn remember(call: Call) {
    CALLS.with_borrow_mut(|calls| {
        if let Some(calls) = calls {
            calls.push(call);
        }
    });
}

/// Remembers a call of an operator of the table.
///
/// # Errors
/// If Python objects cannot be made.
pub fn note(py: Python<'_>, name: &'static str, schema: &Schema, args: &Args, result: &Py<PyAny>) -> PyResult<()> {
    let named = PyDict::new(py);
    for (param, value) in schema.params.iter().zip(&args.values) {
        named.set_item(param.key.bind(py), to_object(py, value)?)?;
    }
    remember((name, named.unbind(), result.clone_ref(py)));
    Ok(())
}

/// Remembers a call with a tensor and one other operand: `tensor[index]`, and `tensor[…] = value`.
///
/// # Errors
/// If Python objects cannot be made.
pub fn note_subscript(
    name: &'static str,
    tensor: &Bound<'_, PyAny>,
    (key, operand): (&str, &Bound<'_, PyAny>),
    result: Py<PyAny>,
) -> PyResult<()> {
    let named = PyDict::new(tensor.py());
    named.set_item("input", tensor)?;
    named.set_item(key, operand)?;
    remember((name, named.unbind(), result));
    Ok(())
}

/// An argument as a Python object.
fn to_object(py: Python<'_>, value: &Value) -> PyResult<Py<PyAny>> {
    let tensors = |list: &mut dyn Iterator<Item = Option<&Tensor>>| -> PyResult<Py<PyAny>> {
        let one = |tensor: Option<&Tensor>| tensor.map_or_else(|| Ok(py.None()), |tensor| wrap(py, tensor.clone()));
        Ok(PyList::new(py, list.map(one).collect::<PyResult<Vec<_>>>()?)?.into_any().unbind())
    };
    match value {
        // Where random numbers came from is not part of what was computed.
        Value::None | Value::Generator(_) => Ok(py.None()),
        Value::Tensor(tensor) => wrap(py, tensor.clone()),
        Value::Tensors(list) => tensors(&mut list.iter().map(Some)),
        Value::OptionalTensors(list) => tensors(&mut list.iter().map(Option::as_ref)),
        Value::Scalar(Scalar::Bool(b)) | Value::Bool(b) => b.into_py_any(py),
        Value::Scalar(Scalar::Int(i)) | Value::Int(i) => i.into_py_any(py),
        Value::Scalar(Scalar::Float(f)) | Value::Float(f) => f.into_py_any(py),
        Value::Ints(list) => list.to_vec().into_py_any(py),
        Value::Floats(list) => list.clone().into_py_any(py),
        Value::Str(text) => text.into_py_any(py),
        Value::DType(dtype) => Ok(PyDType::of(py, *dtype).clone_ref(py).into_any()),
        Value::MemoryFormat(format) => Ok(PyMemoryFormat::of(py, *format).clone_ref(py).into_any()),
    }
}

/// Begins to remember calls on this thread.
#[pyfunction]
pub fn _start_recording() -> PyResult<()> {
    CALLS.with_borrow_mut(|calls| match calls {
        Some(_) => Err(PyRuntimeError::new_err("calls are recorded already on this thread")),
        None => {
            *calls = Some(Vec::new());
            Ok(())
        }
    })
}

/// Ends it, and gives the calls in their order: names, arguments, results.
#[pyfunction]
pub fn _stop_recording() -> Vec<Call> {
    CALLS.with_borrow_mut(Option::take).unwrap_or_default()
}
