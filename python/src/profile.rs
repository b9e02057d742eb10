//! Times the operators that are called, for those who want to know where a program's time goes.
//!
//! As in [`crate::record`], [`crate::function`] tells about every call while somebody listens on its
//! thread; here it is when the operator began and ended, and the shapes of its tensors.

use crate::args::{Args, Value};
use flambeau_tensor::autograd;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use std::cell::RefCell;
use std::time::Instant;

/// The operator's name, when it began and how long it took in microseconds, and the shapes of its
/// tensors, empty for arguments that are none.
type Event = (String, f64, f64, Vec<Vec<usize>>);

struct Listener {
    since: Instant,
    shapes: bool,
    events: Vec<Event>,
}

thread_local! {
    static LISTENER: RefCell<Option<Listener>> = const { RefCell::new(None) };
}

/// The time now, if anybody listens on this thread.
pub fn begin() -> Option<Instant> {
    LISTENER.with_borrow(|listener| listener.as_ref().map(|_| Instant::now()))
}

/// Notes an operator that began then and has ended.
pub fn end(name: &str, began: Instant, args: Option<&Args>) {
    let took = began.elapsed();
    LISTENER.with_borrow_mut(|listener| {
        let Some(Listener { since, shapes, events }) = listener else { return };
        let shapes = match args {
            Some(args) if *shapes => args.values.iter().map(shape).collect(),
            _ => Vec::new(),
        };
        let start = began.saturating_duration_since(*since);
        events.push((name.to_owned(), start.as_secs_f64() * 1e6, took.as_secs_f64() * 1e6, shapes));
    });
}

/// Runs a backward pass, whose nodes are operators too.
pub fn backward<R>(pass: impl FnOnce() -> R) -> R {
    if begin().is_none() {
        return pass();
    }
    autograd::watched(|node, began| end(node, began, None), pass)
}

fn shape(value: &Value) -> Vec<usize> {
    if let Value::Tensor(tensor) = value { tensor.shape().to_vec() } else { Vec::new() }
}

/// Begins to time operators on this thread.
#[pyfunction]
pub fn _start_profiling(shapes: bool) -> PyResult<()> {
    LISTENER.with_borrow_mut(|listener| match listener {
        Some(_) => Err(PyRuntimeError::new_err("Profiler is already enabled on this thread")),
        None => {
            *listener = Some(Listener { since: Instant::now(), shapes, events: Vec::new() });
            Ok(())
        }
    })
}

/// Microseconds since timing began on this thread.
#[pyfunction]
pub fn _profiling_time() -> Option<f64> {
    LISTENER.with_borrow(|listener| listener.as_ref().map(|l| l.since.elapsed().as_secs_f64() * 1e6))
}

/// Ends it, and gives the events in the order in which they ended.
#[pyfunction]
pub fn _stop_profiling() -> Vec<Event> {
    LISTENER.with_borrow_mut(Option::take).map(|listener| listener.events).unwrap_or_default()
}
