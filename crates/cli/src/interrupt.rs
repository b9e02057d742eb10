//! Ctrl-C: work stops at the next safe point instead of in the middle of a file. Pressed again, it stops at once.

use flambeau::{Error, Result};
use std::sync::atomic::{AtomicBool, Ordering};

static ASKED: AtomicBool = AtomicBool::new(false);

/// Makes Ctrl-C set a flag from now on.
///
/// # Errors
/// If the system gives no signal handler.
pub fn listen() -> Result<()> {
    let asked = || {
        if ASKED.swap(true, Ordering::Relaxed) {
            // What a shell gives of a program that Ctrl-C ended.
            std::process::exit(130);
        }
    };
    ctrlc::set_handler(asked).map_err(|e| Error::runtime(format!("Ctrl-C: {e}")))
}

/// Whether Ctrl-C was pressed.
pub fn asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}
