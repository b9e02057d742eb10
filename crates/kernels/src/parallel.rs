//! The seam between arithmetic and threads: everything parallel goes through [`run`].
//!
//! Work is cut into tasks by size alone, never by the number of threads, so that a result is the
//! same bits for any number of them.

use std::sync::atomic::{AtomicUsize, Ordering};

static THREADS: AtomicUsize = AtomicUsize::new(0);

/// How many threads [`run`] uses, the caller's included. Defaults to the machine's cores.
pub fn threads() -> usize {
    match THREADS.load(Ordering::Relaxed) {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        n => n,
    }
}

/// Sets the number of threads that [`run`] uses, the caller's included; at least one.
pub fn set_threads(count: usize) {
    THREADS.store(count.max(1), Ordering::Relaxed);
}

/// Calls `task(0)`, `task(1)`, … `task(tasks - 1)`, each once, on up to [`threads`] threads, and
/// returns when all have ended. A call from inside a task runs its tasks one after the other.
/// A panic in a task is raised again in the caller, after the others have ended.
pub fn run(tasks: usize, task: impl Fn(usize) + Sync) {
    let workers = threads().min(tasks);
    if workers <= 1 {
        (0..tasks).for_each(task);
        return;
    }
    let task = &task;
    std::thread::scope(|scope| {
        for worker in 0..workers {
            scope.spawn(move || (worker..tasks).step_by(workers).for_each(task));
        }
    });
}
