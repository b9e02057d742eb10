//! Running sums, and everything that depends on which number is greater: sorting, selecting,
//! distinct values, binary search and histograms.
//!
//! Numbers are compared through keys: unsigned integers in the same order (see [`Ordered`]). Only
//! the making of keys depends on the element type; what is done with them exists once.

mod count;
mod distinct;
mod key;
mod pick;
mod running;
mod search;
#[cfg(test)]
mod tests;

pub use count::{bin_counts, histogram, weighted_counts};
pub use distinct::{Distinct, distinct};
pub use key::{Ordered, keys};
pub use pick::{Pick, pick};
pub use running::{Accumulated, Running, running};
pub use search::{Search, search};

/// A dense array seen as lines: `outer` blocks of `size` rows of `inner` numbers each. A line takes
/// one number of every row of a block, `inner` apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lines {
    /// The product of the sizes before the dimension.
    pub outer: usize,
    /// The size of the dimension.
    pub size: usize,
    /// The product of the sizes after it.
    pub inner: usize,
}

impl Lines {
    /// The lines along a dimension of a dense row-major array; one without dimensions is a line of
    /// one number.
    pub fn new(shape: &[usize], dim: usize) -> Self {
        let Some(&size) = shape.get(dim) else { return Self { outer: 1, size: 1, inner: 1 } };
        Self { outer: shape[..dim].iter().product(), size, inner: shape[dim + 1..].iter().product() }
    }

    /// How many numbers there are.
    pub fn len(&self) -> usize {
        self.outer * self.size * self.inner
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The place of the first number of a line, if lines had `size` numbers.
    fn start(&self, line: usize, size: usize) -> usize {
        line / self.inner * size * self.inner + line % self.inner
    }
}

/// Numbers that a task works on at least, where there are as many.
const GRAIN: usize = 1 << 15;
