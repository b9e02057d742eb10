//! Tensors as text.

use crate::error::to_python;
use crate::tensor::PyTensor;
use flambeau_tensor::{PrintOptions, print_options, set_print_options};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

/// A tensor as PyTorch's `repr` shows it; a subclass shows its own name.
#[pyfunction]
#[pyo3(signature = (tensor, *, tensor_contents=None))]
pub fn _tensor_str(tensor: &Bound<'_, PyAny>, tensor_contents: Option<&str>) -> PyResult<String> {
    let inner = PyTensor::extract(tensor.as_borrowed()).ok_or_else(|| PyTypeError::new_err("expected a tensor"))?;
    let class = tensor.get_type().name()?.to_string();
    let name = if matches!(class.as_str(), "Tensor" | "Parameter") { "tensor" } else { &class };
    // A function written in Python bears the name of its own class.
    let node = tensor.getattr("grad_fn").ok().filter(|node| !node.is_none());
    let grad_fn = node.map(|node| node.get_type().name().map(|name| name.to_string())).transpose()?;
    let grad_fn = grad_fn.filter(|name| name.ends_with("Backward"));
    inner.to_text(name, tensor_contents, grad_fn.as_deref(), &print_options()).map_err(to_python)
}

/// `torch.set_printoptions`.
#[pyfunction]
#[pyo3(signature = (*, precision=None, threshold=None, edgeitems=None, linewidth=None, profile=None, sci_mode=None))]
pub fn _set_printoptions(
    precision: Option<usize>,
    threshold: Option<f64>,
    edgeitems: Option<usize>,
    linewidth: Option<usize>,
    profile: Option<&str>,
    sci_mode: Option<bool>,
) {
    let base = match profile {
        Some("default") => PrintOptions::default(),
        Some("short") => PrintOptions::short(),
        Some("full") => PrintOptions::full(),
        _ => print_options(),
    };
    set_print_options(PrintOptions {
        precision: precision.unwrap_or(base.precision),
        threshold: threshold.unwrap_or(base.threshold),
        edgeitems: edgeitems.unwrap_or(base.edgeitems),
        linewidth: linewidth.unwrap_or(base.linewidth),
        sci_mode,
    });
}
