//! The Python extension `flambeau._native`: tensors, operators and autograd for the package
//! `flambeau`.
//!
//! Operators come from the tables in [`table`]: a signature as text, and a closure. The framework
//! around them ([`schema`], [`matching`], [`function`], [`output`]) takes PyTorch's calls apart and
//! gives PyTorch's errors.

mod args;
mod autograd;
mod construct;
mod custom;
mod dlpack;
mod error;
mod function;
mod generator;
mod limits;
mod matching;
mod message;
mod node;
mod numpy;
mod objects;
mod onnx;
mod out;
mod output;
mod plans;
mod print;
mod profile;
mod record;
mod runtime;
mod schema;
mod size;
mod storage;
mod table;
mod tensor;
mod vision;

use pyo3::prelude::*;

macro_rules! functions {
    ($module:expr; $($function:path),* $(,)?) => {
        $($module.add_function(wrap_pyfunction!($function, $module)?)?;)*
    };
}

/// Fills the module.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    objects::register(module)?;
    size::register(module)?;
    module.add_class::<tensor::PyTensor>()?;
    module.add_class::<storage::PyStorage>()?;
    module.add_class::<node::PyNode>()?;
    module.add_class::<autograd::_InferenceMode>()?;
    module.add_class::<custom::FunctionBase>()?;
    module.add_class::<custom::FunctionNode>()?;
    module.add_class::<limits::FInfo>()?;
    module.add_class::<limits::IInfo>()?;
    module.add_class::<onnx::OnnxModel>()?;
    generator::register(module)?;
    functions!(module;
        generator::_generator_from_state,
        runtime::_parse_to,
        runtime::_get_cpu_capability,
        runtime::_set_warn_always,
        onnx::_save_onnx,
        profile::_profiling_time,
        profile::_start_profiling,
        profile::_stop_profiling,
        record::_start_recording,
        record::_stop_recording,
        plans::_get_conv_settings,
        plans::_set_conv_settings,
        plans::_explain_convolution,
        tensor::_set_tensor_class,
        error::_set_linalg_error,
        construct::tensor,
        construct::as_tensor,
        construct::asarray,
        construct::scalar_tensor,
        numpy::from_numpy,
        numpy::frombuffer,
        storage::_storage_to_bytes,
        storage::_storage_from_buffer,
        storage::_storage_byteswapped,
        storage::_load_safetensors,
        autograd::_run_backward,
        autograd::_set_grad_enabled,
        autograd::is_anomaly_enabled,
        autograd::is_anomaly_check_nan_enabled,
        autograd::set_anomaly_enabled,
        autograd::set_num_threads,
        autograd::_push_saved_tensors_default_hooks,
        autograd::_pop_saved_tensors_default_hooks,
        dlpack::_to_dlpack,
        dlpack::_to_dlpack_versioned,
        dlpack::from_dlpack,
        table::_operator_signatures,
        print::_tensor_str,
        print::_set_printoptions,
        vision::_imagenet_classes,
    );
    table::register(module, &module.py().get_type::<tensor::PyTensor>())?;
    // `import *` is to take every public name, not those alone that were added one way.
    module.delattr("__all__")
}
