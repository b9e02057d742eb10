//! `Size` and the named tuples of results: tuple subclasses, which a limited API can only make in
//! Python.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyModule, PyTuple};

static PARTS: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
/// `tuple.__new__` and the class, for making instances without going through its own `__new__`.
static SIZE: PyOnceLock<(Py<PyAny>, Py<PyAny>)> = PyOnceLock::new();

/// The module of the parts written in Python.
///
/// # Errors
/// If it cannot be made.
pub fn python_parts(py: Python<'_>) -> PyResult<&Bound<'_, PyModule>> {
    PARTS
        .get_or_try_init(py, || {
            PyModule::from_code(py, c_source(), c"flambeau/_native_parts.py", c"flambeau._native_parts")
                .map(Bound::unbind)
        })
        .map(|m| m.bind(py))
}

fn c_source() -> &'static std::ffi::CStr {
    match std::ffi::CStr::from_bytes_with_nul(concat!(include_str!("parts.py"), "\0").as_bytes()) {
        Ok(source) => source,
        Err(_) => unreachable!("the source has no zero byte"),
    }
}

/// A `Size` of these sizes.
///
/// # Errors
/// If Python objects cannot be made.
pub fn size(py: Python<'_>, sizes: &[usize]) -> PyResult<Py<PyAny>> {
    let (new, class) = SIZE.get_or_try_init(py, || -> PyResult<_> {
        let class = python_parts(py)?.getattr("Size")?.unbind();
        Ok((py.get_type::<PyTuple>().getattr("__new__")?.unbind(), class))
    })?;
    new.call1(py, (class, PyTuple::new(py, sizes)?))
}

/// Puts the classes into the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("Size", python_parts(module.py())?.getattr("Size")?)
}

/// Whether an object is a `Size`.
pub fn is_size(object: &Bound<'_, PyAny>) -> bool {
    let class = python_parts(object.py()).and_then(|parts| parts.getattr("Size"));
    class.is_ok_and(|class| object.is_instance(&class).unwrap_or(false))
}
