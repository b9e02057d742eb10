//! The callables behind operators: functions of modules, methods of tensors.

use crate::args::{Args, Value};
use crate::error::to_python;
use crate::matching::{Call, bind};
use crate::output::to_object;
use crate::schema::Schema;
use crate::table::Op;
use crate::tensor::PyTensor;
use crate::{error, message, out, output, profile, record};
use flambeau_tensor::autocast::{self, Policy};
use flambeau_tensor::autograd::is_grad_enabled;
use flambeau_tensor::{Error, Result, Tensor};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple, PyType};
use std::sync::Arc;

/// One signature and what it computes.
#[derive(Clone)]
pub struct Overload {
    /// The signature.
    pub schema: Arc<Schema>,
    /// The operator.
    pub op: Op,
    /// The type of what it returns, as annotations write it.
    pub annotation: fn() -> String,
}

/// An operator with all its signatures.
pub struct Callable {
    name: &'static str,
    overloads: Vec<Overload>,
    /// The class of a named tuple of results.
    fields: Option<Py<PyAny>>,
    /// What mixed precision does with the arguments.
    policy: Option<Policy>,
    /// Whether this is a method behind one of Python's operators with two operands.
    is_operator: bool,
}

impl Callable {
    /// An operator.
    pub fn new(name: &'static str, overloads: Vec<Overload>, fields: Option<Py<PyAny>>) -> Self {
        let is_operator = name.starts_with("__") && name != "__invert__";
        Self { name, overloads, fields, policy: Policy::of(name), is_operator }
    }

    fn call(&self, call: &Call<'_, '_>) -> PyResult<Py<PyAny>> {
        let py = call.args.py();
        let (overload, mut args) = match self.choose(call) {
            Ok(chosen) => chosen,
            // Python tries the other operand's method then.
            Err(error) if self.is_operator && error.is_instance_of::<PyTypeError>(py) => {
                return Ok(py.NotImplemented());
            }
            Err(error) => return Err(self.named(py, error)),
        };
        let run = || {
            // PyTorch casts for no operator that writes to a tensor of the caller's.
            if let Some(policy) = self.policy
                && autocast::state().enabled
                && !overload.schema.out.is_some_and(|at| args.given(at))
            {
                args.convert(policy, overload.schema.out)?;
            }
            self.compute(overload, &args)
        };
        let began = profile::begin();
        let result = py.detach(|| error::guard(run));
        if let Some(began) = began {
            profile::end(self.name, began, Some(&args));
        }
        let result = result.map_err(to_python)?;
        let result = to_object(py, result, self.fields.as_ref())?;
        if record::is_on() {
            record::note(py, self.name, &overload.schema, &args, &result)?;
        }
        Ok(result)
    }

    fn choose(&self, call: &Call<'_, '_>) -> PyResult<(&Overload, Args)> {
        if let [only] = self.overloads.as_slice() {
            return match bind(call, &only.schema, self.name, true)? {
                Some(args) => Ok((only, args)),
                None => Err(self.no_match(call)),
            };
        }
        for overload in &self.overloads {
            if let Some(args) = bind(call, &overload.schema, self.name, false)? {
                return Ok((overload, args));
            }
        }
        // Where only one signature takes so many arguments, its own complaint says more.
        let skip = usize::from(call.receiver.is_some());
        let given = call.len() + call.kwargs.map_or(0, |k| k.len());
        let mut plausible = self.overloads.iter().filter(|o| {
            let outputs = usize::from(skip > 0 && o.schema.out.is_some());
            given >= o.schema.min_args(skip) && given <= o.schema.params.len() - skip - outputs
        });
        if let (Some(only), None) = (plausible.next(), plausible.next())
            && let Some(args) = bind(call, &only.schema, self.name, true)?
        {
            return Ok((only, args));
        }
        Err(self.no_match(call))
    }

    fn no_match(&self, call: &Call<'_, '_>) -> PyErr {
        let schemas: Vec<&Schema> = self.overloads.iter().map(|o| &*o.schema).collect();
        PyTypeError::new_err(message::no_match(call, &schemas, self.name))
    }

    /// Errors of unpacking begin with the operator's name, which the unpacking does not know.
    fn named(&self, py: Python<'_>, error: PyErr) -> PyErr {
        if !error.is_instance_of::<PyTypeError>(py) {
            return error;
        }
        let text = error.value(py).to_string();
        if text.starts_with("argument '") {
            return PyTypeError::new_err(format!("{}(): {text}", self.name));
        }
        error
    }

    fn compute(&self, overload: &Overload, args: &Args) -> Result<output::Output> {
        let schema = &overload.schema;
        if let Some(at) = schema.out
            && args.given(at)
        {
            if is_grad_enabled() && args.tensor_arguments(None).any(|t| t.requires_grad()) {
                return Err(Error::runtime(format!(
                    "{}(): functions with out=... arguments don't support automatic differentiation, but one of the arguments requires grad.",
                    self.name
                )));
            }
            let inputs: Vec<&Tensor> = args.tensor_arguments(Some(at)).collect();
            return out::write_out(self.name, &inputs, (overload.op)(args)?, &args.values[at]);
        }
        let result = (overload.op)(args)?;
        if let Some(at) = schema.requires_grad
            && matches!(args.values[at], Value::Bool(true))
            && let output::Output::Tensor(tensor) = &result
        {
            crate::tensor::require_grad(tensor)?;
        }
        Ok(result)
    }
}

/// An operator as a function: `torch.add`.
#[pyclass(frozen, name = "builtin_function_or_method", module = "flambeau")]
pub struct Function {
    callable: Callable,
    owner: &'static str,
}

impl Function {
    /// A function that belongs to `owner`.
    pub fn new(callable: Callable, owner: &'static str) -> Self {
        Self { callable, owner }
    }
}

#[pymethods]
impl Function {
    #[pyo3(signature = (*args, **kwargs))]
    fn __call__(&self, args: &Bound<'_, PyTuple>, kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<Py<PyAny>> {
        self.callable.call(&Call { receiver: None, args, skip: 0, kwargs })
    }

    #[getter]
    fn __name__(&self) -> &str {
        self.callable.name
    }

    #[getter]
    fn __qualname__(&self) -> String {
        if self.owner == "module" {
            self.callable.name.to_owned()
        } else {
            format!("{}.{}", self.owner, self.callable.name)
        }
    }

    #[getter]
    fn __module__(&self) -> &str {
        "flambeau"
    }

    fn __repr__(slf: &Bound<'_, Self>) -> String {
        let function = slf.get();
        if function.owner == "module" {
            return format!("<built-in function {}>", function.callable.name);
        }
        format!("<built-in method {} of type object at {:p}>", function.callable.name, slf.as_ptr())
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }

    fn __reduce__(&self) -> &str {
        self.callable.name
    }
}

/// An operator as a method of the tensor class.
#[pyclass(frozen, name = "method_descriptor", module = "flambeau")]
pub struct Method {
    callable: Callable,
}

impl Method {
    /// A method.
    pub fn new(callable: Callable) -> Self {
        Self { callable }
    }
}

#[pymethods]
impl Method {
    #[pyo3(signature = (*args, **kwargs))]
    fn __call__(&self, args: &Bound<'_, PyTuple>, kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<Py<PyAny>> {
        let name = self.callable.name;
        if args.is_empty() {
            return Err(PyTypeError::new_err(format!("unbound method TensorBase.{name}() needs an argument")));
        }
        let receiver = args.get_item(0)?;
        if PyTensor::extract(receiver.as_borrowed()).is_none() {
            return Err(PyTypeError::new_err(format!(
                "descriptor '{name}' for 'torch._C.TensorBase' objects doesn't apply to a '{}' object",
                message::type_name(&receiver)
            )));
        }
        self.callable.call(&Call { receiver: Some(&receiver), args, skip: 1, kwargs })
    }

    fn __get__<'py>(
        slf: &Bound<'py, Self>,
        object: Option<Bound<'py, PyAny>>,
        _class: Option<&Bound<'py, PyType>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        match object {
            None => Ok(slf.clone().into_any()),
            Some(object) => {
                let bound = BoundMethod { method: slf.clone().unbind(), receiver: object.unbind() };
                Ok(Bound::new(slf.py(), bound)?.into_any())
            }
        }
    }

    #[getter]
    fn __name__(&self) -> &str {
        self.callable.name
    }

    #[getter]
    fn __qualname__(&self) -> String {
        format!("TensorBase.{}", self.callable.name)
    }

    #[getter]
    fn __objclass__<'py>(&self, py: Python<'py>) -> Bound<'py, PyType> {
        py.get_type::<PyTensor>()
    }

    fn __repr__(&self) -> String {
        format!("<method '{}' of 'torch._C.TensorBase' objects>", self.callable.name)
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> Reduced<'py, Bound<'py, PyType>, &'static str> {
        Ok((py.import("builtins")?.getattr("getattr")?, (py.get_type::<PyTensor>(), self.callable.name)))
    }
}

/// What pickling calls, and with which two arguments.
type Reduced<'py, A, B> = PyResult<(Bound<'py, PyAny>, (A, B))>;

/// A method of one tensor.
#[pyclass(frozen, name = "builtin_function_or_method", module = "flambeau")]
pub struct BoundMethod {
    method: Py<Method>,
    receiver: Py<PyAny>,
}

#[pymethods]
impl BoundMethod {
    #[pyo3(signature = (*args, **kwargs))]
    fn __call__(&self, args: &Bound<'_, PyTuple>, kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<Py<PyAny>> {
        let receiver = self.receiver.bind(args.py());
        let name = self.method.get().callable.name;
        if PyTensor::extract(receiver.as_borrowed()).is_none() {
            return Err(PyTypeError::new_err(format!(
                "descriptor '{name}' for 'torch._C.TensorBase' objects doesn't apply to a '{}' object",
                message::type_name(receiver)
            )));
        }
        self.method.get().callable.call(&Call { receiver: Some(receiver), args, skip: 0, kwargs })
    }

    #[getter]
    fn __self__(&self, py: Python<'_>) -> Py<PyAny> {
        self.receiver.clone_ref(py)
    }

    #[getter]
    fn __func__(&self, py: Python<'_>) -> Py<Method> {
        self.method.clone_ref(py)
    }

    #[getter]
    fn __name__(&self) -> &'static str {
        self.method.get().callable.name
    }

    #[getter]
    fn __qualname__(&self) -> String {
        format!("TensorBase.{}", self.method.get().callable.name)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let receiver = self.receiver.bind(py);
        Ok(format!(
            "<built-in method {} of {} object at {:p}>",
            self.method.get().callable.name,
            receiver.get_type().name()?,
            receiver.as_ptr()
        ))
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other
            .cast::<BoundMethod>()
            .is_ok_and(|other| other.get().receiver.is(&self.receiver) && other.get().method.is(&self.method))
    }

    fn __hash__(&self) -> isize {
        (self.receiver.as_ptr() as isize).rotate_right(4) ^ self.method.as_ptr() as isize
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> Reduced<'py, Py<PyAny>, Bound<'py, PyString>> {
        let name = PyString::new(py, self.method.get().callable.name);
        Ok((py.import("builtins")?.getattr("getattr")?, (self.receiver.clone_ref(py), name)))
    }
}
