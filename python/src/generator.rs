//! Random generators as Python objects.

use crate::error::to_python;
use crate::message::type_name;
use crate::objects::PyDevice;
use crate::tensor::{PyTensor, wrap};
use flambeau_tensor::{Generator, default_generator};
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;

/// A source of random numbers.
#[pyclass(frozen, weakref, name = "Generator", module = "flambeau")]
pub struct PyGenerator {
    generator: Generator,
}

impl PyGenerator {
    /// The generator.
    pub fn generator(&self) -> &Generator {
        &self.generator
    }
}

/// Any Python integer as a seed: a negative one counts from the end of 64 bits.
fn seed_of(seed: &Bound<'_, PyAny>) -> PyResult<u64> {
    if !crate::matching::is_int(seed) {
        return Err(PyRuntimeError::new_err(format!("manual_seed expected a long, but got {}", type_name(seed))));
    }
    seed.extract::<u64>()
        .or_else(|_| seed.extract::<i64>().map(|seed| seed as u64))
        .map_err(|_| PyValueError::new_err("Overflow when unpacking long long"))
}

#[pymethods]
impl PyGenerator {
    #[new]
    #[pyo3(signature = (device=None))]
    fn new(device: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        if let Some(device) = device.map(PyDevice::from_object).transpose()?.flatten() {
            device.require()?;
        }
        Ok(PyGenerator { generator: Generator::new() })
    }

    /// Starts over from a seed.
    fn manual_seed<'py>(slf: &Bound<'py, Self>, seed: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Self>> {
        slf.get().generator.manual_seed(seed_of(seed)?);
        Ok(slf.clone())
    }

    /// Starts over from a seed that nobody can foresee, and returns it.
    fn seed(&self) -> u64 {
        self.generator.seed()
    }

    /// The seed that was last set.
    fn initial_seed(&self) -> u64 {
        self.generator.initial_seed()
    }

    /// The state as a tensor of bytes.
    fn get_state(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        wrap(py, self.generator.get_state().map_err(to_python)?)
    }

    /// Takes over a state.
    fn set_state<'py>(slf: &Bound<'py, Self>, state: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Self>> {
        let Some(tensor) = PyTensor::extract(state.as_borrowed()) else {
            return Err(PyTypeError::new_err(format!("expected a torch.ByteTensor, but got {}", type_name(state))));
        };
        slf.get().generator.set_state(tensor).map_err(to_python)?;
        Ok(slf.clone())
    }

    /// Another generator in the same state.
    fn clone_state(&self) -> Self {
        PyGenerator { generator: self.generator.clone_state() }
    }

    #[getter]
    fn device(&self, py: Python<'_>) -> PyResult<Py<PyDevice>> {
        PyDevice::cpu(py)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> String {
        format!("<torch._C.Generator object at {:p}>", slf.as_ptr())
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyAny>,))> {
        let make = slf.py().import("flambeau._native")?.getattr("_generator_from_state")?;
        Ok((make, (slf.call_method0("get_state")?,)))
    }
}

/// A generator in a state.
#[pyfunction]
pub fn _generator_from_state(state: &Bound<'_, PyAny>) -> PyResult<PyGenerator> {
    let generator = PyGenerator { generator: Generator::new() };
    let Some(tensor) = PyTensor::extract(state.as_borrowed()) else {
        return Err(PyTypeError::new_err(format!("expected a torch.ByteTensor, but got {}", type_name(state))));
    };
    generator.generator.set_state(tensor).map_err(to_python)?;
    Ok(generator)
}

/// Puts the class and the default generator into the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyGenerator>()?;
    module.add("default_generator", Py::new(module.py(), PyGenerator { generator: default_generator() })?)
}
