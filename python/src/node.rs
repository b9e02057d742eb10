//! Nodes of the graph as Python objects: `tensor.grad_fn`.
//!
//! Every kind of node has a class of its own, named after its operator, made when first asked for.
//! A node is shown as the same object for as long as that lives.

use crate::error::carry;
use crate::message::type_name;
use crate::tensor::{PyTensor, wrap};
use flambeau_tensor::Tensor;
use flambeau_tensor::autograd::Node;
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple, PyType};
use std::cell::Cell;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};

/// Objects that show nodes, by the node's address. An object removes itself when it goes.
static SHOWN: LazyLock<Mutex<HashMap<usize, usize>>> = LazyLock::new(Mutex::default);
/// The classes of nodes, by name.
static CLASSES: LazyLock<Mutex<HashMap<String, Py<PyType>>>> = LazyLock::new(Mutex::default);

thread_local! {
    /// The node that the object being made on this thread shows.
    static NEXT: Cell<Option<Arc<Node>>> = const { Cell::new(None) };
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|e| e.into_inner())
}

fn key(node: &Arc<Node>) -> usize {
    Arc::as_ptr(node) as usize
}

/// Notes which object shows a node.
pub fn remember(node: &Arc<Node>, object: &Bound<'_, PyAny>) {
    locked(&SHOWN).insert(key(node), object.as_ptr() as usize);
}

/// Forgets the object of the node at this address, if it is this one.
pub fn forget(node: usize, object: usize) {
    let mut shown = locked(&SHOWN);
    if shown.get(&node) == Some(&object) {
        shown.remove(&node);
    }
}

/// The Python object of a node.
///
/// # Errors
/// If there is no memory.
pub fn wrap_node(py: Python<'_>, node: Arc<Node>) -> PyResult<Py<PyAny>> {
    let known = locked(&SHOWN).get(&key(&node)).copied();
    if let Some(known) = known {
        let known = known as *mut ffi::PyObject;
        // SAFETY: an object forgets its node, with the interpreter held, when it is taken apart;
        // a count of zero says that this has begun.
        if unsafe { ffi::Py_REFCNT(known) } > 0 {
            // SAFETY: as above, it is alive.
            return Ok(unsafe { Bound::from_borrowed_ptr(py, known) }.unbind());
        }
    }
    let class = class_of(py, node.name())?;
    NEXT.set(Some(node.clone()));
    let object = class.bind(py).call0();
    NEXT.set(None);
    let object = object?;
    if let Ok(shown) = object.cast::<PyNode>() {
        *locked(&shown.get().address) = object.as_ptr() as usize;
    }
    remember(&node, &object);
    Ok(object.unbind())
}

fn class_of(py: Python<'_>, name: &str) -> PyResult<Py<PyType>> {
    if let Some(class) = locked(&CLASSES).get(name) {
        return Ok(class.clone_ref(py));
    }
    let short = name.rsplit("::").next().unwrap_or(name);
    let body = PyDict::new(py);
    body.set_item("__module__", "torch.autograd")?;
    let bases = PyTuple::new(py, [py.get_type::<PyNode>()])?;
    let class = py.get_type::<PyType>().call1((short, bases, body))?.cast_into::<PyType>()?.unbind();
    locked(&CLASSES).insert(name.to_owned(), class.clone_ref(py));
    Ok(class)
}

/// A node of the graph.
#[pyclass(frozen, subclass, weakref, name = "Node", module = "flambeau._native")]
pub struct PyNode {
    node: Arc<Node>,
    address: Mutex<usize>,
}

impl Drop for PyNode {
    fn drop(&mut self) {
        forget(key(&self.node), *locked(&self.address));
    }
}

#[pymethods]
impl PyNode {
    #[new]
    fn new() -> PyResult<Self> {
        let node = NEXT.take().ok_or_else(|| PyTypeError::new_err("cannot create 'torch.autograd.Node' instances"))?;
        Ok(Self { node, address: Mutex::new(0) })
    }

    /// The operator's name.
    fn name(&self) -> &str {
        self.node.name()
    }

    /// The nodes that made the inputs, each with the number of the output that the input was.
    #[getter]
    fn next_functions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        next_functions(py, &self.node)
    }

    /// The leaf that this node accumulates into.
    #[getter]
    fn variable(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        match self.node.variable() {
            Some(leaf) => wrap(py, leaf.clone()),
            None => Err(pyo3::exceptions::PyAttributeError::new_err(format!(
                "'{}' object has no attribute 'variable'",
                self.node.name()
            ))),
        }
    }

    /// A dict for whatever anyone wants to note about this node.
    #[getter]
    fn metadata<'py>(&self, py: Python<'py>) -> Bound<'py, PyDict> {
        PyDict::new(py)
    }

    fn _sequence_nr(&self) -> u64 {
        self.node.sequence_nr()
    }

    /// Calls `hook(grad_inputs, grad_outputs)` after this node has run; a result replaces the former.
    fn register_hook(&self, hook: Py<PyAny>) -> HookHandle {
        register_hook(&self.node, hook)
    }

    /// Calls `hook(grad_outputs)` before this node runs; a result replaces them.
    fn register_prehook(&self, hook: Py<PyAny>) -> HookHandle {
        register_prehook(&self.node, hook)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        Ok(format!("<{} object at {:p}>", slf.get_type().name()?, slf.as_ptr()))
    }
}

/// The edges of a node as Python shows them.
///
/// # Errors
/// If there is no memory.
pub fn next_functions<'py>(py: Python<'py>, node: &Arc<Node>) -> PyResult<Bound<'py, PyTuple>> {
    let edges = node
        .next_functions()
        .iter()
        .map(|edge| match edge {
            Some(edge) => Ok((Some(wrap_node(py, edge.node.clone())?), edge.input_nr)),
            None => Ok((None, 0)),
        })
        .collect::<PyResult<Vec<_>>>()?;
    PyTuple::new(py, edges)
}

/// Registers a hook that runs after a node.
pub fn register_hook(node: &Arc<Node>, hook: Py<PyAny>) -> HookHandle {
    let call = move |inputs: &[Option<Tensor>], outputs: &[Option<Tensor>]| {
        Python::attach(|py| {
            let result = hook.call1(py, (gradients(py, inputs)?, gradients(py, outputs)?))?;
            replaced(result.bind(py))
        })
        .map_err(carry)
    };
    HookHandle { node: Arc::downgrade(node), id: node.register_hook(Arc::new(call)) }
}

/// Registers a hook that runs before a node.
pub fn register_prehook(node: &Arc<Node>, hook: Py<PyAny>) -> HookHandle {
    let call = move |outputs: &[Option<Tensor>]| {
        Python::attach(|py| {
            let result = hook.call1(py, (gradients(py, outputs)?,))?;
            replaced(result.bind(py))
        })
        .map_err(carry)
    };
    HookHandle { node: Arc::downgrade(node), id: node.register_prehook(Arc::new(call)) }
}

/// A tuple of gradients, `None` where there is none.
///
/// # Errors
/// If there is no memory.
pub fn gradients<'py>(py: Python<'py>, list: &[Option<Tensor>]) -> PyResult<Bound<'py, PyTuple>> {
    let items = list.iter().map(|g| g.clone().map(|g| wrap(py, g)).transpose()).collect::<PyResult<Vec<_>>>()?;
    PyTuple::new(py, items)
}

/// What a hook gave back: nothing, a tensor, or a tuple.
fn replaced(result: &Bound<'_, PyAny>) -> PyResult<Option<Vec<Option<Tensor>>>> {
    if result.is_none() {
        return Ok(None);
    }
    if let Some(tensor) = PyTensor::extract(result.as_borrowed()) {
        return Ok(Some(vec![Some(tensor.clone())]));
    }
    let items = result.cast::<PyTuple>().map_err(|_| {
        PyTypeError::new_err(format!("hooks must return None, a Tensor or a tuple, but got {}", type_name(result)))
    })?;
    items.iter().map(|item| optional_tensor(&item)).collect::<PyResult<Vec<_>>>().map(Some)
}

fn optional_tensor(item: &Bound<'_, PyAny>) -> PyResult<Option<Tensor>> {
    if item.is_none() {
        return Ok(None);
    }
    match PyTensor::extract(item.as_borrowed()) {
        Some(tensor) => Ok(Some(tensor.clone())),
        None => Err(PyTypeError::new_err(format!("expected Variable or None (got {})", type_name(item)))),
    }
}

/// Calls a tensor's hook with a gradient.
///
/// # Errors
/// What the hook raised.
pub fn call_tensor_hook(hook: &Py<PyAny>, gradient: &Tensor) -> flambeau_tensor::Result<Option<Tensor>> {
    Python::attach(|py| {
        let shown = wrap(py, gradient.clone())?;
        let result = hook.call1(py, (shown,))?;
        let result = result.bind(py);
        if result.is_none() {
            return Ok(None);
        }
        match PyTensor::extract(result.as_borrowed()) {
            Some(tensor) if tensor.same(gradient) => Ok(None),
            Some(tensor) if tensor.shape() != gradient.shape() => {
                Err(PyRuntimeError::new_err("hook '<unknown>' has changed the size of value"))
            }
            Some(tensor) => Ok(Some(tensor.clone())),
            None => Err(PyTypeError::new_err(format!("expected Variable, but hook returned '{}'", type_name(result)))),
        }
    })
    .map_err(carry)
}

/// Takes a hook away again.
#[pyclass(frozen, module = "flambeau._native")]
pub struct HookHandle {
    node: std::sync::Weak<Node>,
    id: u64,
}

#[pymethods]
impl HookHandle {
    /// Removes the hook.
    fn remove(&self) {
        if let Some(node) = self.node.upgrade() {
            node.remove_hook(self.id);
        }
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*_args))]
    fn __exit__(&self, _args: &Bound<'_, PyTuple>) {
        self.remove();
    }
}
