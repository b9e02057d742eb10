//! Primitive operations by index: gathering, scattering, selecting, masks.

use crate::{Array, Error, Result, Scalar};

/// Consecutive dimensions of an array that tensors of integers index.
#[derive(Clone, Copy)]
pub struct IndexedDims<'a> {
    /// The first of them.
    pub first: usize,
    /// An array of integers for each, all of one shape.
    pub indices: &'a [Array],
    /// Whether negative integers count from the end of the dimension.
    pub negative: bool,
    /// The error for an index that does not exist: given it, the number of its array, and the size.
    pub error: &'a dyn Fn(i64, usize, usize) -> Error,
}

/// What becomes of an element that a value is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scatter {
    /// The value takes its place; the last one where several meet.
    Replace,
    /// The value is added.
    Add,
    /// The value is multiplied with it.
    Multiply,
    /// The smaller remains; a NaN above all.
    Minimum,
    /// The larger remains; a NaN above all.
    Maximum,
}

/// What a backend computes by index: gathering, scattering, selecting, masks.
///
/// Outputs overlap no input. An index out of its range is an error that leaves outputs as they were.
pub trait Indexing {
    /// Gathers along indexed dimensions. `to` is dense, of `from`'s dtype, and has the indices'
    /// shape in place of the indexed dimensions.
    ///
    /// # Errors
    /// If an index is out of range.
    fn index(&self, from: &Array, index: &IndexedDims<'_>, to: &Array) -> Result<()>;

    /// Scatters along indexed dimensions. `values` has the shape that [`Indexing::index`] would
    /// give, and `to`'s dtype.
    ///
    /// # Errors
    /// If an index is out of range.
    fn index_put(&self, to: &Array, index: &IndexedDims<'_>, values: &Array, how: Scatter) -> Result<()>;

    /// `to[i, j, …] = from[…, index[i, j, …], …]`, the index standing in dimension `dim`. `to` is
    /// dense and of the index's shape.
    ///
    /// # Errors
    /// If an index is negative or out of range.
    fn gather(&self, from: &Array, dim: usize, index: &Array, to: &Array) -> Result<()>;

    /// Writes `values` where [`Indexing::gather`] would read. `values` is at least as large as the
    /// index in every dimension; the rest of it is not used.
    ///
    /// # Errors
    /// If an index is negative or out of range.
    fn scatter(&self, to: &Array, dim: usize, index: &Array, values: &Array, how: Scatter) -> Result<()>;

    /// Copies with the order along some dimensions reversed. `to` is dense, of the same shape and dtype.
    ///
    /// # Errors
    /// If memory is read-only.
    fn flip(&self, from: &Array, dims: &[usize], to: &Array) -> Result<()>;

    /// Writes a number where a mask of the same shape is true.
    ///
    /// # Errors
    /// If memory is read-only.
    fn masked_fill(&self, to: &Array, mask: &Array, value: Scalar) -> Result<()>;

    /// The indices of all elements that are not zero, in row-major order: int64, a row for each.
    ///
    /// # Errors
    /// If there is not enough memory.
    fn nonzero(&self, from: &Array) -> Result<Array>;

    /// Zeroes, in dense matrices, what lies above (`upper` false) or below (`upper` true) diagonal `k`.
    ///
    /// # Errors
    /// If memory is read-only.
    fn zero_triangle(&self, matrices: &Array, k: isize, upper: bool) -> Result<()>;

    /// Whether each element is (or, with `invert`, is not) among `set`. All arrays are contiguous,
    /// the first two of one dtype, `to` of truth values.
    ///
    /// # Errors
    /// If memory is read-only.
    fn is_in(&self, elements: &Array, set: &Array, to: &Array, invert: bool) -> Result<()>;
}
