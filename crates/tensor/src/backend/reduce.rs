//! Primitive operations along dimensions: sums and other reductions, cumulative functions, softmax, sorting.

use crate::backend::UnaryOp;
use crate::{Array, DType, Result, Scalar};

pub use flambeau_kernels::reduce::ReduceOp;

/// What is done to the elements of an array along some dimensions.
#[derive(Clone, Copy, Debug)]
pub struct Reduction<'a> {
    /// How elements are put together.
    pub op: ReduceOp,
    /// The dtype that elements are converted to first.
    pub compute: DType,
    /// A function of every element, applied before, with its parameter.
    pub before: Option<(UnaryOp, Scalar)>,
    /// For each dimension of the input, whether it is reduced.
    pub reduced: &'a [bool],
}

/// What a backend computes along dimensions: sums and other reductions, cumulative functions, softmax, sorting.
pub trait Reduce {
    /// Reduces `input`. Outputs have the input's dimensions, those reduced with size 1 and any stride; the
    /// second is the index of the extreme (`ArgMax`, `ArgMin`) or the mean beside the sum of squared
    /// distances from it (`Moments`).
    ///
    /// # Errors
    /// If the arrays cannot be accessed.
    fn reduce(&self, reduction: &Reduction<'_>, input: &Array, outputs: [Option<&Array>; 2]) -> Result<()>;
}
