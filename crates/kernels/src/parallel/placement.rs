//! On which processors helpers may run: all that the caller may, but the one it is on.
//!
//! Left to itself the system may wake a helper on the caller's processor while another idles, and
//! move it only when its balancing comes round, milliseconds later. The caller therefore says where
//! it is whenever that has changed. Where the system has no such notion, nothing is done.

#[cfg(not(target_os = "linux"))]
pub(super) use anywhere::Placement;
#[cfg(target_os = "linux")]
pub(super) use linux::Placement;

#[cfg(target_os = "linux")]
mod linux {
    use std::mem::{size_of, zeroed};
    use std::sync::atomic::{AtomicI32, Ordering};
    use std::sync::{Mutex, PoisonError};

    /// Where the caller was last, and who is to keep off.
    pub struct Placement {
        caller: AtomicI32,
        helpers: Mutex<Vec<libc::pid_t>>,
    }

    /// Not a processor.
    const UNKNOWN: i32 = -1;

    impl Placement {
        /// Nobody is known yet.
        pub fn new() -> Self {
            Self { caller: AtomicI32::new(UNKNOWN), helpers: Mutex::new(Vec::new()) }
        }

        /// To be called by the thread that is about to share out work.
        pub fn caller_is_here(&self) {
            // SAFETY: a question without arguments.
            let here = unsafe { libc::sched_getcpu() };
            if self.caller.swap(here, Ordering::Relaxed) != here {
                self.keep_off(here);
            }
        }

        /// To be called by a helper when it begins.
        pub fn helper_is_here(&self) {
            // SAFETY: a question without arguments.
            let id = unsafe { libc::gettid() };
            self.helpers.lock().unwrap_or_else(PoisonError::into_inner).push(id);
            // The next caller says again where it is.
            self.caller.store(UNKNOWN, Ordering::Relaxed);
        }

        fn keep_off(&self, processor: i32) {
            let Ok(processor) = usize::try_from(processor) else { return };
            let size = size_of::<libc::cpu_set_t>();
            // SAFETY: a set is plain bits, of which zero is the empty one; the calls read and write
            // a set of the size they are told, and only numbers that a set has room for are used.
            // A helper lives as long as the process, so that its number is no other thread's.
            unsafe {
                let mut allowed: libc::cpu_set_t = zeroed();
                if libc::sched_getaffinity(0, size, &raw mut allowed) != 0 || processor >= 8 * size {
                    return;
                }
                libc::CPU_CLR(processor, &mut allowed);
                if libc::CPU_COUNT(&allowed) == 0 {
                    return;
                }
                for &helper in self.helpers.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                    // Where it is not allowed, the helper stays where it is.
                    libc::sched_setaffinity(helper, size, &raw const allowed);
                }
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod anywhere {
    /// Wherever the system likes.
    pub struct Placement;

    impl Placement {
        /// Nothing to know.
        pub fn new() -> Self {
            Self
        }
        /// Nothing to do.
        pub fn caller_is_here(&self) {}
        /// Nothing to do.
        pub fn helper_is_here(&self) {}
    }
}
