//! Checkpointing: memory for time. What a function saves is thrown away, and computed again when
//! the backward pass asks for it.

use super::saved::{Packed, SavedTensorHooks, SavedTensorHooksGuard};
use super::{GradModeGuard, node::lock};
use crate::{Error, Result, Tensor};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// The place of a saved tensor in the order in which the function saves.
struct Position(usize);

type Compute = dyn Fn(&[Tensor]) -> Result<Vec<Tensor>> + Send + Sync;

/// Runs `compute(inputs)` without keeping what it saves for the backward pass; the pass runs it
/// again. `compute` must do the same both times.
///
/// # Errors
/// Those of `compute`; and in the backward pass an error if the second run saved less than the first.
pub fn checkpoint(
    compute: impl Fn(&[Tensor]) -> Result<Vec<Tensor>> + Send + Sync + 'static,
    inputs: &[Tensor],
) -> Result<Vec<Tensor>> {
    let compute: Arc<Compute> = Arc::new(compute);
    let next = Mutex::new(0);
    let recomputed: Mutex<HashMap<usize, Tensor>> = Mutex::default();
    let (again, kept) = (compute.clone(), inputs.to_vec());
    let hooks = SavedTensorHooks {
        pack: Box::new(move |_| {
            let mut next = lock(&next);
            *next += 1;
            Ok(Arc::new(Position(*next - 1)))
        }),
        unpack: Box::new(move |packed| {
            let position = packed.downcast_ref::<Position>().map_or(usize::MAX, |p| p.0);
            let mut recomputed = lock(&recomputed);
            if !recomputed.contains_key(&position) {
                *recomputed = record_saved(&*again, &kept)?;
            }
            recomputed.remove(&position).ok_or_else(|| {
                Error::autograd(
                    "checkpoint: the function saved fewer tensors when it was run again for the backward pass",
                )
            })
        }),
    };
    let _guard = SavedTensorHooksGuard::new(hooks);
    compute(inputs)
}

/// Runs a function and gives everything that it saves, in order.
fn record_saved(compute: &Compute, inputs: &[Tensor]) -> Result<HashMap<usize, Tensor>> {
    let saved: Arc<Mutex<HashMap<usize, Tensor>>> = Arc::default();
    let sink = saved.clone();
    let hooks = SavedTensorHooks {
        pack: Box::new(move |tensor| {
            let mut sink = lock(&sink);
            let position = sink.len();
            sink.insert(position, tensor.detach());
            Ok(Arc::new(()) as Packed)
        }),
        unpack: Box::new(|_| Err(Error::autograd("checkpoint: the second run is not differentiated"))),
    };
    let mut detached = Vec::with_capacity(inputs.len());
    for input in inputs {
        detached.push(match input.requires_grad() {
            true => input.detach().requires_grad_(true)?,
            false => input.clone(),
        });
    }
    let _mode = GradModeGuard::new(true);
    let guard = SavedTensorHooksGuard::new(hooks);
    let outputs = compute(&detached)?;
    drop(guard);
    drop(outputs);
    let all = std::mem::take(&mut *lock(&saved));
    Ok(all)
}
