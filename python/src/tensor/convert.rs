//! Tensors as Python numbers and lists.

use super::PyTensor;
use crate::error::{run, to_python, warn};
use flambeau_tensor::element::{Complex, Element};
use flambeau_tensor::{DType, Scalar, Tensor, dispatch};
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyComplex, PyList};

fn only_element(py: Python<'_>, tensor: &Tensor) -> PyResult<Scalar> {
    if tensor.numel() != 1 {
        return Err(PyValueError::new_err("only one element tensors can be converted to Python scalars"));
    }
    if tensor.requires_grad() {
        static ONCE: std::sync::Once = std::sync::Once::new();
        let mut result = Ok(());
        ONCE.call_once(|| {
            result = warn(py, "Converting a tensor with requires_grad=True to a scalar may lead to unexpected behavior.\nConsider using tensor.detach() first.");
        });
        result?;
    }
    run(py, || tensor.item())
}

#[pymethods]
impl PyTensor {
    fn __bool__(&self, py: Python<'_>) -> PyResult<bool> {
        match self.tensor.numel() {
            1 => run(py, || self.tensor.item()).map(Scalar::to_bool),
            0 => Err(PyRuntimeError::new_err("Boolean value of Tensor with no values is ambiguous")),
            _ => Err(PyRuntimeError::new_err("Boolean value of Tensor with more than one value is ambiguous")),
        }
    }

    fn __int__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        match only_element(py, &self.tensor)? {
            // Python's own conversion has the right errors for what is not finite.
            Scalar::Float(f) => f.into_pyobject(py)?.call_method0("__int__").map(Bound::unbind),
            other => other.to_i64().into_py_any(py),
        }
    }

    fn __float__(&self, py: Python<'_>) -> PyResult<f64> {
        only_element(py, &self.tensor).map(Scalar::to_f64)
    }

    fn __complex__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyComplex>> {
        let part =
            |part: flambeau_tensor::Result<Tensor>| only_element(py, &part.map_err(to_python)?).map(Scalar::to_f64);
        let tensor = self.tensor.detach();
        let im = if tensor.dtype().is_complex() { part(tensor.imag())? } else { 0.0 };
        Ok(PyComplex::from_doubles(py, part(tensor.real())?, im))
    }

    fn __index__(&self, py: Python<'_>) -> PyResult<i64> {
        if self.tensor.numel() != 1 || !self.tensor.dtype().is_integral(true) {
            return Err(PyTypeError::new_err("only integer tensors of a single element can be converted to an index"));
        }
        run(py, || self.tensor.item()).map(Scalar::to_i64)
    }

    fn __len__(&self) -> PyResult<usize> {
        if self.tensor.ndim() == 0 {
            return Err(PyTypeError::new_err("len() of a 0-d tensor"));
        }
        self.tensor.size(0).map_err(to_python)
    }

    /// The elements as nested lists of Python numbers; of a 0-d tensor, the number.
    fn tolist(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let dtype = self.tensor.dtype();
        let shape = self.tensor.shape();
        match dtype {
            DType::Bool => {
                let values = run(py, || self.tensor.to_vec::<flambeau_tensor::element::Bool>())?;
                nested(py, &shape, &mut values.into_iter().map(|v| v.to_i64() != 0))
            }
            d if d.is_floating_point() => dispatch!(floats d, T => {
                let values = run(py, || self.tensor.to_vec::<T>())?;
                nested(py, &shape, &mut values.into_iter().map(Element::to_f64))
            }, else unreachable!("a floating-point dtype")),
            d if d.is_complex() => {
                let values = run(py, || self.tensor.to_dtype(DType::C128)?.to_vec::<Complex<f64>>())?;
                nested(py, &shape, &mut values.into_iter().map(|z| PyComplex::from_doubles(py, z.re, z.im)))
            }
            d => dispatch!(integers d, T => {
                let values = run(py, || self.tensor.to_vec::<T>())?;
                nested(py, &shape, &mut values.into_iter().map(Element::to_i64))
            }, else unreachable!("an integer dtype")),
        }
    }
}

fn nested<'py, V: IntoPyObjectExt<'py>>(
    py: Python<'py>,
    shape: &[usize],
    values: &mut impl Iterator<Item = V>,
) -> PyResult<Py<PyAny>> {
    match shape {
        [] => match values.next() {
            Some(value) => value.into_py_any(py),
            None => Ok(py.None()),
        },
        [size] => {
            let items = values.take(*size).map(|v| v.into_py_any(py)).collect::<PyResult<Vec<_>>>()?;
            Ok(PyList::new(py, items)?.into_any().unbind())
        }
        [size, rest @ ..] => {
            let items = (0..*size).map(|_| nested(py, rest, values)).collect::<PyResult<Vec<_>>>()?;
            Ok(PyList::new(py, items)?.into_any().unbind())
        }
    }
}
