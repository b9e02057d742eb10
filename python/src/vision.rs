//! What the Python package's `vision` takes from the crate of that name.

use pyo3::prelude::*;

/// The names of ImageNet's classes, in the order of networks' outputs.
#[pyfunction]
pub fn _imagenet_classes() -> Vec<&'static str> {
    flambeau_vision::imagenet::classes().collect()
}
