//! A limit on memory, for work whose sizes come from somebody who is not trusted.
//!
//! A file of a few bytes may ask for a tensor of any size, and an operating system that promises
//! more memory than it has ends the whole process once it is touched. Within [`limited`], what is
//! too large is an error before it is allocated.

use crate::{Error, Result};
use std::cell::Cell;

thread_local! {
    static LIMIT: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// Gives the limit of before back, also if what it was lowered for panics.
struct Restored(usize);

impl Drop for Restored {
    fn drop(&mut self) {
        LIMIT.set(self.0);
    }
}

/// Runs `f`, in which no single storage of more than `bytes` bytes can be allocated by this
/// thread. Within another limit, the smaller one holds.
pub fn limited<R>(bytes: usize, f: impl FnOnce() -> R) -> R {
    let before = LIMIT.get();
    let _restored = Restored(before);
    LIMIT.set(bytes.min(before));
    f()
}

/// Checks that a storage of so many bytes may be allocated here.
///
/// # Errors
/// If it is larger than the limit that holds.
pub fn check(bytes: usize) -> Result<()> {
    let limit = LIMIT.get();
    if bytes > limit {
        return Err(Error::memory(format!(
            "a tensor of {bytes} bytes is larger than what may be allocated here, {limit} bytes"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DType, Tensor};

    #[test]
    fn a_limit_holds_inside_and_ends_outside() {
        let make = || Tensor::zeros([100], DType::F32);
        assert!(limited(400, make).is_ok());
        assert!(limited(399, make).unwrap_err().message().contains("400 bytes"));
        // A larger limit inside does not lift the outer one.
        assert!(limited(399, || limited(1000, make)).is_err());
        assert!(make().is_ok());
    }
}
