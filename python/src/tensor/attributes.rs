//! What a tensor tells about itself, and what may be set.

use super::{PyTensor, wrap};
use crate::error::{run, to_python, warn};
use crate::objects::{PyDType, PyDevice, PyLayout};
use flambeau_tensor::Tensor;
use pyo3::exceptions::{PyAttributeError, PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyType};

/// Attributes that some devices or layouts have and none here does.
macro_rules! never {
    ($($name:ident),*) => {
        #[pymethods]
        impl PyTensor {
            $(#[getter]
            fn $name(&self) -> bool {
                false
            })*
        }
    };
}
never!(
    is_cuda,
    is_sparse,
    is_sparse_csr,
    is_quantized,
    is_meta,
    is_mkldnn,
    is_mps,
    is_xpu,
    is_xla,
    is_ipu,
    is_hpu,
    is_mtia,
    is_maia,
    is_vulkan,
    is_nested
);

#[pymethods]
impl PyTensor {
    #[getter]
    fn shape(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        crate::size::size(py, &self.tensor.shape())
    }

    #[setter]
    fn set_shape(&self, _value: &Bound<'_, PyAny>) -> PyResult<()> {
        Err(PyAttributeError::new_err("attribute 'shape' of 'torch._C.TensorBase' objects is not writable"))
    }

    #[getter]
    fn dtype(&self, py: Python<'_>) -> Py<PyDType> {
        PyDType::of(py, self.tensor.dtype()).clone_ref(py)
    }

    #[getter]
    fn device(&self, py: Python<'_>) -> PyResult<Py<PyDevice>> {
        PyDevice::cpu(py)
    }

    #[getter]
    fn layout(&self, py: Python<'_>) -> PyResult<Py<PyLayout>> {
        PyLayout::strided(py)
    }

    #[getter]
    fn is_cpu(&self) -> bool {
        true
    }

    #[getter]
    fn ndim(&self) -> usize {
        self.tensor.ndim()
    }

    #[getter]
    fn itemsize(&self) -> usize {
        self.tensor.dtype().size()
    }

    #[getter]
    fn nbytes(&self) -> usize {
        self.tensor.numel() * self.tensor.dtype().size()
    }

    #[getter]
    fn names(&self) -> Vec<Option<String>> {
        vec![None; self.tensor.ndim()]
    }

    #[getter(T)]
    fn transposed(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        if self.tensor.ndim() != 2 && self.tensor.ndim() != 0 {
            static ONCE: std::sync::Once = std::sync::Once::new();
            let mut result = Ok(());
            ONCE.call_once(|| result = warn(py, "The use of `x.T` on tensors of dimension other than 2 to reverse their shape is deprecated and it will throw an error in a future release. Consider `x.mT` to transpose batches of matrices or `x.permute(*torch.arange(x.ndim - 1, -1, -1))` to reverse the dimensions of a tensor."));
            result?;
        }
        let tensor = run(py, || self.tensor.reversed_dims())?;
        wrap(py, tensor)
    }

    #[getter(H)]
    fn hermitian(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let ndim = self.tensor.ndim();
        if ndim != 2 && ndim != 0 {
            return Err(PyRuntimeError::new_err(format!(
                "tensor.H is only supported on matrices (2-D tensors). Got {ndim}-D tensor.{}",
                if ndim > 2 { " For batches of matrices, consider using tensor.mH" } else { "" }
            )));
        }
        let tensor = run(py, || self.tensor.reversed_dims())?;
        wrap(py, tensor)
    }

    #[getter(mT)]
    fn matrix_transposed(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let tensor = run(py, || self.tensor.mt())?;
        wrap(py, tensor)
    }

    #[getter(mH)]
    fn matrix_hermitian(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let tensor = run(py, || self.tensor.adjoint())?;
        wrap(py, tensor)
    }

    /// The real parts; real numbers are their own.
    #[getter]
    fn real(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let tensor = run(py, || self.tensor.real())?;
        wrap(py, tensor)
    }

    /// The imaginary parts of complex numbers.
    #[getter]
    fn imag(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let tensor = run(py, || self.tensor.imag())?;
        wrap(py, tensor)
    }

    #[getter]
    fn data(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        wrap(slf.py(), slf.get().tensor.data())
    }

    #[setter]
    fn set_data(&self, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let Some(data) = PyTensor::extract(value.as_borrowed()) else {
            return Err(PyTypeError::new_err(format!(
                "Variable data has to be a tensor, but got {}",
                crate::message::type_name(value)
            )));
        };
        self.tensor.set_data(data).map_err(to_python)
    }

    #[getter]
    fn grad(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        let grad = self.tensor.grad();
        if grad.is_none() && !self.tensor.is_leaf() && !self.tensor.retains_grad() && self.tensor.requires_grad() {
            static ONCE: std::sync::Once = std::sync::Once::new();
            let mut result = Ok(());
            ONCE.call_once(|| result = warn(py, "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't be populated during autograd.backward(). If you indeed want the .grad field to be populated for a non-leaf Tensor, use .retain_grad() on the non-leaf Tensor. If you access the non-leaf Tensor by mistake, make sure you access the leaf Tensor instead. See github.com/pytorch/pytorch/pull/30531 for more information."));
            result?;
        }
        let mut shown = self.grad.lock().unwrap_or_else(|e| e.into_inner());
        let Some(grad) = grad else {
            *shown = None;
            return Ok(None);
        };
        // The object is kept, so that what Python code hangs on a gradient stays there.
        let object = wrap(py, grad)?;
        *shown = Some(object.clone_ref(py));
        Ok(Some(object))
    }

    #[setter]
    fn set_grad(&self, value: &Bound<'_, PyAny>) -> PyResult<()> {
        if value.is_none() {
            *self.grad.lock().unwrap_or_else(|e| e.into_inner()) = None;
            return self.tensor.set_grad(None).map_err(to_python);
        }
        let Some(grad) = PyTensor::extract(value.as_borrowed()) else {
            return Err(PyTypeError::new_err(format!(
                "assigned grad expected to be a Tensor or None but got grad of type {}",
                crate::message::type_name(value)
            )));
        };
        self.tensor.set_grad(Some(grad.clone())).map_err(to_python)?;
        *self.grad.lock().unwrap_or_else(|e| e.into_inner()) = Some(value.clone().unbind());
        Ok(())
    }

    #[deleter]
    fn delete_grad(&self) -> PyResult<()> {
        *self.grad.lock().unwrap_or_else(|e| e.into_inner()) = None;
        self.tensor.set_grad(None).map_err(to_python)
    }

    #[getter]
    fn grad_fn(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.tensor.grad_fn().map(|node| crate::node::wrap_node(py, node)).transpose()
    }

    #[getter]
    fn grad_dtype(&self, py: Python<'_>) -> Py<PyDType> {
        PyDType::of(py, self.tensor.dtype()).clone_ref(py)
    }

    #[getter]
    fn requires_grad(&self) -> bool {
        self.tensor.requires_grad()
    }

    #[setter]
    fn set_requires_grad(&self, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let Ok(flag) = value.cast::<PyBool>() else {
            return Err(PyRuntimeError::new_err("requires_grad must be a bool"));
        };
        self.tensor.requires_grad_(flag.is_true()).map(drop).map_err(to_python)
    }

    #[getter]
    fn is_leaf(&self) -> bool {
        self.tensor.is_leaf()
    }

    #[getter]
    fn output_nr(&self) -> usize {
        self.tensor.output_nr()
    }

    #[getter]
    fn retains_grad(&self) -> bool {
        self.tensor.retains_grad()
    }

    #[getter]
    fn _version(&self) -> PyResult<u64> {
        self.tensor.version().map_err(to_python)
    }

    #[getter]
    fn _base(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.tensor.base().map(|base| wrap(py, base)).transpose()
    }

    #[getter]
    fn _grad(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.tensor.grad().map(|grad| wrap(py, grad)).transpose()
    }

    #[getter]
    fn _backward_hooks(&self) -> Option<bool> {
        None
    }

    #[getter]
    fn _cdata(&self) -> usize {
        self.tensor.id()
    }

    fn _is_view(&self) -> bool {
        self.tensor.is_view()
    }

    /// Another object, of class `cls`, that shares this tensor's numbers and is a leaf.
    #[staticmethod]
    #[pyo3(signature = (cls, data, require_grad=false))]
    fn _make_subclass(cls: &Bound<'_, PyType>, data: &Bound<'_, PyAny>, require_grad: bool) -> PyResult<Py<PyAny>> {
        let Some(data) = PyTensor::extract(data.as_borrowed()) else {
            return Err(PyTypeError::new_err(format!(
                "_make_subclass(): argument 'data' (position 2) must be Tensor, not {}",
                crate::message::type_name(data)
            )));
        };
        let tensor = data.detach();
        if require_grad {
            if !tensor.dtype().is_differentiable() {
                return Err(PyRuntimeError::new_err(
                    "Only Tensors of floating point and complex dtype can require gradients",
                ));
            }
            tensor.requires_grad_(true).map_err(to_python)?;
        }
        new_of_class(cls, tensor)
    }

    /// The same tensor as an object of another class.
    fn as_subclass(&self, cls: &Bound<'_, PyType>) -> PyResult<Py<PyAny>> {
        let alias = run(cls.py(), || self.tensor.alias())?;
        new_of_class(cls, alias)
    }

    fn _register_hook(&self, hook: Py<PyAny>) -> PyResult<u64> {
        let call = move |gradient: &Tensor| crate::node::call_tensor_hook(&hook, gradient);
        self.tensor.register_hook(call).map_err(to_python)
    }

    fn _register_post_accumulate_grad_hook(&self, hook: Py<PyAny>) -> PyResult<u64> {
        let call = move |leaf: &Tensor| {
            Python::attach(|py| {
                let leaf = wrap(py, leaf.clone())?;
                hook.call1(py, (leaf,)).map(drop)
            })
            .map_err(crate::error::carry)
        };
        self.tensor.register_post_accumulate_grad_hook(call).map_err(to_python)
    }

    fn _remove_hook(&self, id: u64) {
        self.tensor.remove_hook(id);
    }
}

fn new_of_class(cls: &Bound<'_, PyType>, tensor: Tensor) -> PyResult<Py<PyAny>> {
    if !cls.is_subclass_of::<PyTensor>()? {
        return Err(PyTypeError::new_err("cls must be a type (got type)"));
    }
    // SAFETY: the class was just found to be derived from the tensor's.
    unsafe { super::instance(cls.py(), tensor, cls.as_type_ptr()) }
}
