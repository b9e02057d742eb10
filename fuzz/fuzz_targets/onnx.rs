//! ONNX models: read, and run within a megabyte. How long a model runs is its own affair.
#![no_main]

use flambeau_fuzz::soon;
use flambeau_graph::Dimension;
use flambeau_onnx::{Model, tensor_from_bytes};
use flambeau_tensor::{DType, Result, Tensor};

/// Sizes where the model leaves them open.
const SIZE: usize = 2;
/// What the values of a run may take.
const MEMORY: usize = 1 << 20;

fn inputs(model: &Model) -> Result<Vec<Tensor>> {
    let inputs = model.inputs();
    let shapes = inputs.iter().map(|value| {
        let shape = value.shape.as_deref().unwrap_or_default();
        // The input is this program's: sizes beyond a few would be its own fault.
        let sizes = shape.iter().take(6).map(|size| match size {
            Dimension::Known(size) => *size.min(&8),
            _ => SIZE,
        });
        (sizes.collect::<Vec<_>>(), value.dtype.unwrap_or(DType::F32))
    });
    shapes.map(|(shape, dtype)| Tensor::ones(shape, dtype)).collect()
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    soon(|| tensor_from_bytes(input.to_vec()).map(drop));
    let mut read = None;
    soon(|| Model::from_bytes(input.to_vec()).map(|model| read = Some(model)));
    if let Some(model) = read.map(|model| model.with_memory_limit(MEMORY))
        && let Ok(inputs) = inputs(&model)
    {
        // An error is an answer.
        let _ = model.run(&inputs);
    }
});
