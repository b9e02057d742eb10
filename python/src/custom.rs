//! Differentiable functions written in Python.
//!
//! The package's `Function` derives from [`FunctionBase`] and gives each function a class for its
//! nodes, `_backward_cls`, derived from [`FunctionNode`]. An instance of that is the `ctx` of
//! `forward` and `backward`, and what `grad_fn` shows of the outputs.

use crate::error::{carry, guard, to_python};
use crate::message::type_name;
use crate::node::{self, HookHandle, gradients};
use crate::tensor::{PyTensor, wrap};
use flambeau_tensor::Tensor;
use flambeau_tensor::autograd::{FunctionContext, GradModeGuard, Node, is_grad_enabled, record};
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple, PyType};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

/// The base of Python's differentiable functions.
#[pyclass(frozen, subclass, name = "_FunctionBase", module = "flambeau._native")]
pub struct FunctionBase;

/// The base of the nodes of Python's differentiable functions.
#[pyclass(frozen, subclass, name = "_BackwardFunctionBase", module = "flambeau._native")]
pub struct FunctionNode {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The node that this object shows. It owns this object, not the other way round.
    node: Weak<Node>,
    /// The node's and this object's addresses, for the registry of shown nodes.
    key: Option<(usize, usize)>,
    metadata: Option<Py<PyDict>>,
}

impl FunctionNode {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }

    fn node(&self) -> Option<Arc<Node>> {
        self.state().node.upgrade()
    }

    /// Connects this object with the node that it shows.
    fn attach(slf: &Bound<'_, Self>, node: &Arc<Node>) {
        let key = (Arc::as_ptr(node) as usize, slf.as_ptr() as usize);
        {
            let mut state = slf.get().state();
            if state.key == Some(key) {
                return;
            }
            state.node = Arc::downgrade(node);
            state.key = Some(key);
        }
        node::remember(node, slf.as_any());
    }
}

impl Drop for FunctionNode {
    fn drop(&mut self) {
        if let Some((node, object)) = self.state().key {
            node::forget(node, object);
        }
    }
}

#[pymethods]
impl FunctionNode {
    #[new]
    #[pyo3(signature = (*_args, **_kwargs))]
    fn new(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> Self {
        Self { state: Mutex::default() }
    }

    /// The node's name.
    fn name(slf: &Bound<'_, Self>) -> PyResult<String> {
        Ok(slf.get_type().name()?.to_string())
    }

    #[getter]
    fn next_functions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        match self.node() {
            Some(node) => node::next_functions(py, &node),
            None => Ok(PyTuple::empty(py)),
        }
    }

    /// The tensors that `forward` gave to `save_for_backward`.
    #[getter]
    fn saved_tensors<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        match self.node() {
            Some(node) => gradients(py, &node.saved_tensors().map_err(to_python)?),
            None => Ok(PyTuple::empty(py)),
        }
    }

    #[getter]
    fn saved_variables<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        self.saved_tensors(py)
    }

    #[getter]
    fn metadata(&self, py: Python<'_>) -> Py<PyDict> {
        self.state().metadata.get_or_insert_with(|| PyDict::new(py).unbind()).clone_ref(py)
    }

    fn _sequence_nr(&self) -> u64 {
        self.node().map_or(0, |node| node.sequence_nr())
    }

    fn register_hook(&self, hook: Py<PyAny>) -> PyResult<HookHandle> {
        let node = self.node().ok_or_else(|| PyRuntimeError::new_err("the node is not part of a graph"))?;
        Ok(node::register_hook(&node, hook))
    }

    fn register_prehook(&self, hook: Py<PyAny>) -> PyResult<HookHandle> {
        let node = self.node().ok_or_else(|| PyRuntimeError::new_err("the node is not part of a graph"))?;
        Ok(node::register_prehook(&node, hook))
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        Ok(format!("<torch.autograd.function.{} object at {:p}>", slf.get_type().name()?, slf.as_ptr()))
    }
}

/// Whether `forward` and `setup_context` are separate: the class, or one between it and the
/// package's `Function`, has a `setup_context` of its own.
fn has_own_setup(class: &Bound<'_, PyType>) -> PyResult<bool> {
    let base = class.py().get_type::<FunctionBase>();
    for ancestor in class.mro().iter() {
        let ancestor = ancestor.cast_into::<PyType>()?;
        if ancestor.getattr("__dict__")?.contains("setup_context")? {
            let bases = ancestor.getattr("__bases__")?;
            return Ok(!bases.cast::<PyTuple>()?.contains(base)?);
        }
    }
    Ok(false)
}

fn tensors_in(object: Option<Bound<'_, PyAny>>) -> PyResult<Vec<Option<Tensor>>> {
    let Some(object) = object.filter(|o| !o.is_none()) else { return Ok(Vec::new()) };
    let mut list = Vec::new();
    for item in object.try_iter()? {
        let item = item?;
        match PyTensor::extract(item.as_borrowed()) {
            Some(tensor) => list.push(Some(tensor.clone())),
            None if item.is_none() => list.push(None),
            None => {
                return Err(PyTypeError::new_err(format!(
                    "save_for_backward can only save variables, but argument {} is of type {}",
                    list.len(),
                    type_name(&item)
                )));
            }
        }
    }
    Ok(list)
}

/// An attribute that `forward` may have set.
fn noted<'py>(ctx: &Bound<'py, PyAny>, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
    ctx.getattr_opt(name)
}

#[pymethods]
impl FunctionBase {
    #[new]
    #[pyo3(signature = (*_args, **_kwargs))]
    fn new(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> Self {
        FunctionBase
    }

    /// Runs the function and writes it into the graph.
    #[classmethod]
    #[pyo3(signature = (*args, **kwargs))]
    fn apply<'py>(
        class: &Bound<'py, PyType>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = class.py();
        let ctx = class.getattr("_backward_cls")?.call0()?;
        let node_object = ctx.cast::<FunctionNode>().map_err(|_| {
            PyTypeError::new_err("the class of a function's nodes must derive from _BackwardFunctionBase")
        })?;
        let inputs: Vec<Option<Tensor>> =
            args.iter().map(|arg| PyTensor::extract(arg.as_borrowed()).cloned()).collect();
        let needs: Vec<bool> = inputs.iter().map(|i| i.as_ref().is_some_and(Tensor::requires_grad)).collect();
        ctx.setattr("needs_input_grad", PyTuple::new(py, &needs)?)?;
        let output = {
            let _mode = GradModeGuard::new(false);
            if has_own_setup(class)? {
                let output = class.getattr("forward")?.call(args, kwargs)?;
                class.getattr("setup_context")?.call1((&ctx, args, &output))?;
                output
            } else {
                let mut all = vec![ctx.clone()];
                all.extend(args.iter());
                class.getattr("forward")?.call(PyTuple::new(py, all)?, kwargs)?
            }
        };
        let (items, single) = match output.cast::<PyTuple>() {
            Ok(tuple) => (tuple.iter().collect::<Vec<_>>(), false),
            Err(_) => (vec![output.clone()], true),
        };
        let places: Vec<usize> =
            (0..items.len()).filter(|&i| PyTensor::extract(items[i].as_borrowed()).is_some()).collect();
        let outputs: Vec<Tensor> =
            items.iter().filter_map(|item| PyTensor::extract(item.as_borrowed()).cloned()).collect();
        if single && outputs.is_empty() && !output.is_none() {
            return Err(PyTypeError::new_err(format!(
                "{}.forward: expected Tensor or tuple of Tensor (got {}) for return value 0",
                class.name()?,
                type_name(&output)
            )));
        }

        let mut context = FunctionContext::new(needs);
        let recording = is_grad_enabled() && inputs.iter().flatten().any(Tensor::requires_grad);
        if recording {
            context.save_optional(tensors_in(noted(&ctx, "to_save")?)?);
        }
        let dirty: Vec<Tensor> = tensors_in(noted(&ctx, "dirty_tensors")?)?.into_iter().flatten().collect();
        context.mark_dirty(&dirty.iter().collect::<Vec<_>>());
        let constant: Vec<Tensor> = tensors_in(noted(&ctx, "non_differentiable")?)?.into_iter().flatten().collect();
        context.mark_non_differentiable(&constant.iter().collect::<Vec<_>>());
        if let Some(flag) = noted(&ctx, "materialize_grads")? {
            context.set_materialize_grads(flag.is_truthy()?);
        }
        let name = ctx.get_type().name()?.to_string();
        let runner = Runner {
            object: node_object.clone().unbind(),
            name: name.clone(),
            // Which outputs are tensors, among all that `backward` gets a gradient for.
            places: places.clone(),
            total: items.len(),
            is_tensor: inputs.iter().map(Option::is_some).collect(),
        };
        let results = guard(|| {
            record(&name, &inputs, outputs, context, move |context, gradients| runner.run(context.node(), gradients))
        })
        .map_err(to_python)?;
        if recording && let Some(node) = results.iter().filter_map(Tensor::grad_fn).find(|node| node.name() == name) {
            FunctionNode::attach(node_object, &node);
        }
        let mut items = items;
        for (place, result) in places.into_iter().zip(results) {
            items[place] = wrap(py, result)?.into_bound(py);
        }
        if single {
            return Ok(items.remove(0));
        }
        Ok(PyTuple::new(py, items)?.into_any())
    }
}

/// Calls a function's Python `backward`.
struct Runner {
    object: Py<FunctionNode>,
    name: String,
    places: Vec<usize>,
    total: usize,
    is_tensor: Vec<bool>,
}

impl Runner {
    fn run(&self, node: &Arc<Node>, grads: &[Option<Tensor>]) -> flambeau_tensor::Result<Vec<Option<Tensor>>> {
        Python::attach(|py| self.call(py, node, grads)).map_err(carry)
    }

    fn call(&self, py: Python<'_>, node: &Arc<Node>, grads: &[Option<Tensor>]) -> PyResult<Vec<Option<Tensor>>> {
        let object = self.object.bind(py);
        FunctionNode::attach(object, node);
        let mut all = vec![None; self.total];
        for (&place, gradient) in self.places.iter().zip(grads) {
            all[place].clone_from(gradient);
        }
        let result = object.call_method1("apply", gradients(py, &all)?)?;
        let items: Vec<Bound<'_, PyAny>> = match result.cast::<PyTuple>() {
            Ok(tuple) => tuple.iter().collect(),
            Err(_) => vec![result],
        };
        let expected = self.is_tensor.len();
        if items.len() < expected || items[expected..].iter().any(|item| !item.is_none()) {
            return Err(PyRuntimeError::new_err(format!(
                "function {} returned an incorrect number of gradients (expected {expected}, got {})",
                self.name,
                items.len()
            )));
        }
        items[..expected]
            .iter()
            .enumerate()
            .map(|(i, item)| {
                if item.is_none() {
                    return Ok(None);
                }
                if !self.is_tensor[i] {
                    return Err(PyRuntimeError::new_err(format!(
                        "function {} returned a gradient different from None at position {}, but the corresponding forward input was not a Variable",
                        self.name,
                        i + 1
                    )));
                }
                match PyTensor::extract(item.as_borrowed()) {
                    Some(tensor) => Ok(Some(tensor.clone())),
                    None => Err(PyTypeError::new_err(format!("expected Variable or None (got {})", type_name(item)))),
                }
            })
            .collect()
    }
}
