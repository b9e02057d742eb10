//! What the kernels over images and rows share: a floating-point element and the type it is
//! computed in, slices cut among threads, code compiled for the widest vectors, strided gathers.

mod gather;
mod real;
mod split;
mod wide;

pub use gather::{Strided, gather};
pub use real::{Compute, Real};
pub use split::{TASK, split, split_chunks2, split_runs, split_runs2, split2, split3};
pub use wide::{Work, widest};

/// How a batch of images lies in memory: `(outer, size[0], size[1], size[2], inner)`, dense.
///
/// `(N, C, D, H, W)` has `outer = N * C` and `inner = 1`; channels last, `(N, D, H, W, C)`, has
/// `outer = N` and `inner = C`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planes {
    /// Blocks of memory, one after the other.
    pub outer: usize,
    /// Depth, height and width.
    pub size: [usize; 3],
    /// Numbers at each position.
    pub inner: usize,
}

impl Planes {
    /// How many numbers there are.
    pub fn len(&self) -> usize {
        self.outer * self.block()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many numbers a block has.
    pub fn block(&self) -> usize {
        self.size.iter().product::<usize>() * self.inner
    }

    /// The same number of blocks of another size.
    pub fn resized(self, size: [usize; 3]) -> Self {
        Planes { size, ..self }
    }
}
