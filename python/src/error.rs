//! The library's errors as Python exceptions.

use flambeau_tensor::{Error, ErrorKind};
use pyo3::exceptions::{PyIndexError, PyNotImplementedError, PyRuntimeError, PyTypeError, PyUserWarning, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;
use std::cell::RefCell;
use std::ffi::CString;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The class for errors of linear algebra, once the package has said which.
static LINALG_ERROR: PyOnceLock<Py<PyType>> = PyOnceLock::new();

thread_local! {
    /// A Python exception on its way through library code, which knows sentences only.
    static PENDING: RefCell<Option<PyErr>> = const { RefCell::new(None) };
}

/// The sentence that stands for a Python exception while library code passes it on.
const CARRIER: &str = "a Python exception was raised";

/// Wraps a Python exception so that it can travel through library code (a backward pass, say) and
/// come out of [`to_python`] on the same thread as itself.
pub fn carry(error: PyErr) -> Error {
    PENDING.with_borrow_mut(|pending| *pending = Some(error));
    Error::runtime(CARRIER)
}

/// The exception for an error.
pub fn to_python(error: Error) -> PyErr {
    if error.message() == CARRIER
        && let Some(pending) = PENDING.with_borrow_mut(Option::take)
    {
        return pending;
    }
    let message = error.message().to_owned();
    match error.kind() {
        ErrorKind::Index => PyIndexError::new_err(message),
        ErrorKind::Value => PyValueError::new_err(message),
        ErrorKind::Type => PyTypeError::new_err(message),
        ErrorKind::NotImplemented => PyNotImplementedError::new_err(message),
        ErrorKind::Linalg => Python::attach(|py| match LINALG_ERROR.get(py) {
            Some(class) => PyErr::from_type(class.bind(py).clone(), message),
            None => PyRuntimeError::new_err(message),
        }),
        _ => PyRuntimeError::new_err(message),
    }
}

/// Tells which class errors of linear algebra have.
#[pyfunction]
pub fn _set_linalg_error(class: Bound<'_, PyType>) {
    let _ = LINALG_ERROR.set(class.py(), class.unbind());
}

/// Runs library code with the interpreter released. A panic in it becomes an error.
pub fn run<T: Send>(py: Python<'_>, f: impl FnOnce() -> flambeau_tensor::Result<T> + Send) -> PyResult<T> {
    py.detach(|| guard(f)).map_err(to_python)
}

/// Runs library code; a panic in it becomes an error.
pub fn guard<T>(f: impl FnOnce() -> flambeau_tensor::Result<T>) -> flambeau_tensor::Result<T> {
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("unknown reason");
        Err(Error::runtime(format!("internal error: {text}")))
    })
}

/// As [`warn`], from within library code.
///
/// # Errors
/// The exception that the warning was turned into.
pub fn warn_from_library(text: &str) -> flambeau_tensor::Result<()> {
    Python::attach(|py| warn(py, text)).map_err(carry)
}

/// Gives a `UserWarning`, which may be turned into an exception.
pub fn warn(py: Python<'_>, text: &str) -> PyResult<()> {
    let text = CString::new(text).map_err(|_| PyValueError::new_err("a warning with a zero byte"))?;
    PyErr::warn(py, &py.get_type::<PyUserWarning>(), &text, 1)
}
