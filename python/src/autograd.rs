//! The engine and its modes.

use crate::error::{carry, run, to_python};
use crate::message::type_name;
use crate::profile;
use crate::tensor::PyTensor;
use flambeau_tensor::Tensor;
use flambeau_tensor::autograd::{self, BackwardOptions, InferenceModeGuard, Packed, SavedTensorHooks};
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyTuple};
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

fn tensors(sequence: &Bound<'_, PyAny>, what: &str) -> PyResult<Vec<Tensor>> {
    let mut list = Vec::new();
    for (i, item) in sequence.try_iter()?.enumerate() {
        let item = item?;
        match PyTensor::extract(item.as_borrowed()) {
            Some(tensor) => list.push(tensor.clone()),
            None => {
                return Err(PyTypeError::new_err(format!(
                    "element {i} of {what} is not a Tensor: {}",
                    type_name(&item)
                )));
            }
        }
    }
    Ok(list)
}

/// Runs a backward pass. With `inputs` and without `accumulate_grad`, returns their gradients.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "the signature of PyTorch's own entry point")]
#[pyo3(signature = (tensors, grad_tensors, keep_graph, create_graph, inputs=None, allow_unreachable=false, accumulate_grad=false))]
pub fn _run_backward<'py>(
    py: Python<'py>,
    tensors: &Bound<'py, PyAny>,
    grad_tensors: &Bound<'py, PyAny>,
    keep_graph: bool,
    create_graph: bool,
    inputs: Option<&Bound<'py, PyAny>>,
    allow_unreachable: bool,
    accumulate_grad: bool,
) -> PyResult<Bound<'py, PyTuple>> {
    let outputs = self::tensors(tensors, "tensors")?;
    let mut gradients = Vec::with_capacity(outputs.len());
    for (i, item) in grad_tensors.try_iter()?.enumerate() {
        let item = item?;
        if item.is_none() {
            let missing = outputs.get(i).is_some_and(|t| t.requires_grad() && t.numel() != 1);
            if missing {
                return Err(PyRuntimeError::new_err(format!(
                    "element {i} of gradients tuple is None, but the corresponding Tensor requires grad"
                )));
            }
            gradients.push(None);
            continue;
        }
        match PyTensor::extract(item.as_borrowed()) {
            Some(tensor) => gradients.push(Some(tensor.clone())),
            None => {
                return Err(PyTypeError::new_err(format!(
                    "element {i} of gradients tuple is not a Tensor or None, but {}",
                    type_name(&item)
                )));
            }
        }
    }
    let inputs = match inputs {
        Some(list) if !list.is_none() && list.len()? > 0 => Some(self::tensors(list, "inputs")?),
        _ => None,
    };
    let options = BackwardOptions {
        retain_graph: keep_graph,
        create_graph,
        allow_unused: allow_unreachable,
        ..Default::default()
    };
    let pass = || autograd::run_backward(&outputs, &gradients, options, inputs.as_deref(), accumulate_grad);
    let results = run(py, || profile::backward(pass))?;
    crate::node::gradients(py, &results)
}

/// Turns recording on or off for this thread.
#[pyfunction]
pub fn _set_grad_enabled(enabled: &Bound<'_, PyAny>) -> PyResult<()> {
    let Ok(flag) = enabled.cast::<PyBool>() else {
        return Err(PyTypeError::new_err(format!(
            "set_grad_enabled(): argument 'enabled' (position 1) must be bool, not {}",
            type_name(enabled)
        )));
    };
    autograd::set_grad_enabled(flag.is_true());
    Ok(())
}

/// Inference mode, on or off, between `__enter__` and `__exit__`.
#[pyclass(unsendable, module = "flambeau._native")]
pub struct _InferenceMode {
    mode: bool,
    guard: RefCell<Option<InferenceModeGuard>>,
}

#[pymethods]
impl _InferenceMode {
    #[new]
    fn new(mode: bool) -> Self {
        Self { mode, guard: RefCell::new(None) }
    }

    fn __enter__(&self) {
        *self.guard.borrow_mut() = Some(InferenceModeGuard::new(self.mode));
    }

    #[pyo3(signature = (*_args))]
    fn __exit__(&self, _args: &Bound<'_, PyTuple>) {
        *self.guard.borrow_mut() = None;
    }
}

/// Lets operators of this thread keep tensors through a pair of functions, until they are popped.
#[pyfunction]
pub fn _push_saved_tensors_default_hooks(pack: Py<PyAny>, unpack: Py<PyAny>) {
    let pack = move |tensor: &Tensor| {
        let packed = Python::attach(|py| {
            let shown = crate::tensor::wrap(py, tensor.clone())?;
            pack.call1(py, (shown,))
        });
        packed.map(|object| Arc::new(object) as Packed).map_err(carry)
    };
    let unpack = move |packed: &Packed| {
        Python::attach(|py| {
            let Some(object) = packed.downcast_ref::<Py<PyAny>>() else {
                return Err(PyTypeError::new_err("what was packed is no Python object"));
            };
            let tensor = unpack.call1(py, (object,))?;
            let tensor = tensor.bind(py);
            match PyTensor::extract(tensor.as_borrowed()) {
                Some(tensor) => Ok(tensor.clone()),
                None => Err(PyTypeError::new_err(format!(
                    "Output of saved tensor unpack_hook expected to be a Tensor but got result of type {}",
                    type_name(tensor)
                ))),
            }
        })
        .map_err(carry)
    };
    autograd::push_saved_tensor_hooks(SavedTensorHooks { pack: Box::new(pack), unpack: Box::new(unpack) });
}

/// Ends what [`_push_saved_tensors_default_hooks`] began.
#[pyfunction]
pub fn _pop_saved_tensors_default_hooks() {
    autograd::pop_saved_tensor_hooks();
}

static ANOMALY: AtomicBool = AtomicBool::new(false);
static CHECK_NAN: AtomicBool = AtomicBool::new(true);

/// Whether anomalies are looked for.
#[pyfunction]
pub fn is_anomaly_enabled() -> bool {
    ANOMALY.load(Ordering::Relaxed)
}

/// Whether a gradient that is not a number counts as an anomaly.
#[pyfunction]
pub fn is_anomaly_check_nan_enabled() -> bool {
    CHECK_NAN.load(Ordering::Relaxed)
}

/// Turns the search for anomalies on or off.
#[pyfunction]
#[pyo3(signature = (enabled, check_nan=true))]
pub fn set_anomaly_enabled(enabled: bool, check_nan: bool) {
    ANOMALY.store(enabled, Ordering::Relaxed);
    CHECK_NAN.store(check_nan, Ordering::Relaxed);
}

/// Sets how many threads compute.
#[pyfunction]
pub fn set_num_threads(count: &Bound<'_, PyAny>) -> PyResult<()> {
    if !crate::matching::is_int(count) {
        return Err(PyRuntimeError::new_err(format!("set_num_threads expects an int, but got {}", type_name(count))));
    }
    match count.extract::<i64>() {
        Ok(count) if count > 0 => {
            flambeau_kernels::parallel::set_threads(count as usize);
            Ok(())
        }
        _ => Err(PyRuntimeError::new_err("set_num_threads expects a positive integer")),
    }
}

#[pymethods]
impl PyTensor {
    /// Lets a tensor refer to other memory: a storage, another tensor, or none.
    #[pyo3(signature = (source=None, storage_offset=0, size=None, stride=None))]
    fn set_<'py>(
        slf: &Bound<'py, Self>,
        source: Option<&Bound<'py, PyAny>>,
        storage_offset: usize,
        size: Option<Vec<usize>>,
        stride: Option<Vec<usize>>,
    ) -> PyResult<Bound<'py, Self>> {
        let tensor = slf.get().tensor();
        let data = crate::storage::data_for_set(tensor, source, storage_offset, size, stride)?;
        tensor.set_data(&data).map_err(to_python)?;
        Ok(slf.clone())
    }
}
