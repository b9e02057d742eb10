//! The seam between arithmetic and threads: everything parallel goes through [`run`].
//!
//! Work is cut into tasks by size alone, never by the number of threads, so that a result is the
//! same bits for any number of them. Which thread does which task is left to chance.

mod placement;
mod pool;

use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

static THREADS: AtomicUsize = AtomicUsize::new(0);

/// The cores that this process may use.
fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from))
}

/// What [`threads`] is before anyone sets it: `OMP_NUM_THREADS`, or the cores.
fn default_threads() -> usize {
    static DEFAULT: OnceLock<usize> = OnceLock::new();
    *DEFAULT.get_or_init(|| {
        let wanted = std::env::var("OMP_NUM_THREADS").ok().and_then(|text| text.trim().parse().ok());
        wanted.filter(|&count| count > 0).unwrap_or_else(cores)
    })
}

/// How many threads [`run`] uses, the caller's included. Defaults to the machine's cores, or to
/// `OMP_NUM_THREADS` where that is set.
pub fn threads() -> usize {
    match THREADS.load(Ordering::Relaxed) {
        0 => default_threads(),
        n => n,
    }
}

/// Sets the number of threads that [`run`] uses, the caller's included; at least one.
pub fn set_threads(count: usize) {
    THREADS.store(count.max(1), Ordering::Relaxed);
}

thread_local! {
    static IN_TASK: Cell<bool> = const { Cell::new(false) };
}

/// Marks this thread as running tasks, until dropped.
struct InTask;

impl InTask {
    fn enter() -> Self {
        IN_TASK.set(true);
        Self
    }
}

impl Drop for InTask {
    fn drop(&mut self) {
        IN_TASK.set(false);
    }
}

/// Calls `task(0)`, `task(1)`, … `task(tasks - 1)`, each once, on up to [`threads`] threads, and
/// returns when all have ended. A call from inside a task runs its tasks one after the other, as
/// does a call made while another thread's has the pool.
/// A panic in a task is raised again in the caller, after the tasks that had begun have ended.
pub fn run(tasks: usize, task: impl Fn(usize) + Sync) {
    let helpers = threads().min(tasks).saturating_sub(1);
    if helpers == 0 || IN_TASK.get() || !pool::run(tasks, helpers, &task) {
        (0..tasks).for_each(task);
    }
}

#[cfg(test)]
mod tests;
