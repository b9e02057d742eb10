//! Whether operators record.

use std::cell::Cell;

thread_local! {
    static GRAD: Cell<bool> = const { Cell::new(true) };
    static INFERENCE: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread records operators for differentiation.
pub fn is_grad_enabled() -> bool {
    GRAD.get() && !INFERENCE.get()
}

/// Turns recording on or off for this thread, for good. Scopes use [`GradModeGuard`].
pub fn set_grad_enabled(enabled: bool) {
    GRAD.set(enabled);
}

/// Whether this thread is in inference mode.
pub fn is_inference_mode_enabled() -> bool {
    INFERENCE.get()
}

/// Sets whether this thread records, until it is dropped.
#[must_use = "the mode ends when the guard is dropped"]
#[derive(Debug)]
pub struct GradModeGuard {
    before: bool,
    _this_thread: std::marker::PhantomData<*const ()>,
}

impl GradModeGuard {
    /// Turns recording on or off.
    pub fn new(enabled: bool) -> Self {
        Self { before: GRAD.replace(enabled), _this_thread: std::marker::PhantomData }
    }
}

impl Drop for GradModeGuard {
    fn drop(&mut self) {
        GRAD.set(self.before);
    }
}

/// Turns inference mode on or off for this thread, until it is dropped.
#[must_use = "the mode ends when the guard is dropped"]
#[derive(Debug)]
pub struct InferenceModeGuard {
    before: bool,
    _this_thread: std::marker::PhantomData<*const ()>,
}

impl InferenceModeGuard {
    /// Turns inference mode on or off.
    pub fn new(enabled: bool) -> Self {
        Self { before: INFERENCE.replace(enabled), _this_thread: std::marker::PhantomData }
    }
}

impl Drop for InferenceModeGuard {
    fn drop(&mut self) {
        INFERENCE.set(self.before);
    }
}

/// Runs `f` without recording.
pub fn no_grad<R>(f: impl FnOnce() -> R) -> R {
    let _guard = GradModeGuard::new(false);
    f()
}
