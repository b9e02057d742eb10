//! Primitive operations on numbers in order: running results, sorting and selecting, distinct rows,
//! binary search, counting.

use crate::{Array, Result};

pub use flambeau_kernels::order::{Distinct, Pick, Running};

/// What a backend computes of numbers in order. All arrays are contiguous.
pub trait Sequence {
    /// Writes running results along a dimension, from the first number on or (`reverse`) from the last
    /// one back, to an array of the same shape and dtype.
    ///
    /// # Errors
    /// If the arrays cannot be accessed.
    fn running(&self, op: Running, reverse: bool, source: &Array, dim: usize, out: &Array) -> Result<()>;

    /// Writes the places along a dimension that are picked of each line. `places` is of int64 and has
    /// the source's shape but for that dimension's size, [`Pick::count`].
    ///
    /// # Errors
    /// If the arrays cannot be accessed.
    fn pick(&self, pick: Pick, source: &Array, dim: usize, places: &Array) -> Result<()>;

    /// Groups equal rows of a matrix with at least one column, in ascending order; or only neighbours
    /// (`consecutive`), in their own order.
    ///
    /// # Errors
    /// If the array cannot be accessed.
    fn distinct(&self, rows: &Array, consecutive: bool) -> Result<Distinct>;

    /// Writes for each value how many of the boundaries come before it (int64). Boundaries are rows in
    /// ascending order (by way of the `sorter`, where there is one): a single one, or one for each row
    /// of values.
    ///
    /// # Errors
    /// If the arrays cannot be accessed.
    fn search(&self, boundaries: Boundaries<'_>, values: &Array, places: &Array) -> Result<()>;

    /// Adds to `out` at each value (int64, inside) its weight, or 1 without weights. Weights have the
    /// dtype of `out`, float32 or float64; without weights it is int64.
    ///
    /// # Errors
    /// If the arrays cannot be accessed.
    fn bin_counts(&self, values: &Array, weights: Option<&Array>, out: &Array) -> Result<()>;

    /// Adds to `out` (int64) how many floats lie in each of its bins between `low` and `high`.
    ///
    /// # Errors
    /// If the arrays cannot be accessed.
    fn histogram(&self, source: &Array, low: f64, high: f64, out: &Array) -> Result<()>;
}

/// What is searched, and how.
#[derive(Clone, Copy, Debug)]
pub struct Boundaries<'a> {
    /// The numbers.
    pub numbers: &'a Array,
    /// Their ascending order (int64), where they are not in it.
    pub sorter: Option<&'a Array>,
    /// Whether a value goes after the boundaries that are equal to it.
    pub right: bool,
}
