//! Primitive operations element by element: unary, binary and ternary functions, comparison, conversion, filling.

use crate::{Array, DType, Result, Scalar};
use flambeau_kernels::elementwise as kernel;

pub use kernel::{BinaryOp, CompareOp, PredicateOp, TernaryOp, UnaryOp};

/// What a function reads: an array already broadcast to the output's shape, or one number.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// An array of the output's shape (strides are 0 where it is broadcast).
    Array(&'a Array),
    /// The same number everywhere.
    Number(Scalar),
}

impl<'a> From<&'a Array> for Source<'a> {
    fn from(array: &'a Array) -> Self {
        Source::Array(array)
    }
}

/// What a backend computes element by element.
///
/// Sources may be of any dtype: they are converted to `compute`, the dtype that the operands
/// promote to (float16 and bfloat16 compute in float32), and the result is converted to the
/// output's dtype. The output may be the very same elements as a source; it must not overlap one in
/// any other way.
pub trait Elementwise {
    /// A function of one operand.
    ///
    /// # Errors
    /// If there is no such function for `compute`.
    fn unary(&self, op: UnaryOp, compute: DType, parameters: [Scalar; 2], a: Source<'_>, out: &Array) -> Result<()>;

    /// A question about one operand; the output is of truth values.
    ///
    /// # Errors
    /// If the arrays cannot be accessed.
    fn predicate(&self, op: PredicateOp, compute: DType, a: Source<'_>, out: &Array) -> Result<()>;

    /// A function of two operands. `alpha` is the first parameter of those that have one.
    ///
    /// # Errors
    /// If there is no such function for `compute`.
    fn binary(&self, op: BinaryOp, compute: DType, alpha: Scalar, inputs: [Source<'_>; 2], out: &Array) -> Result<()>;

    /// A comparison; the output is of truth values.
    ///
    /// # Errors
    /// If the arrays cannot be accessed.
    fn compare(&self, op: CompareOp, compute: DType, inputs: [Source<'_>; 2], out: &Array) -> Result<()>;

    /// A function of three operands.
    ///
    /// # Errors
    /// If there is no such function for `compute`.
    fn ternary(&self, op: TernaryOp, compute: DType, alpha: Scalar, inputs: [Source<'_>; 3], out: &Array)
    -> Result<()>;

    /// The second source where the condition (truth values) holds, else the third.
    ///
    /// # Errors
    /// If the arrays cannot be accessed.
    fn select(&self, compute: DType, condition: Source<'_>, inputs: [Source<'_>; 2], out: &Array) -> Result<()>;

    /// Copies an array of the same shape, converting as C casts do.
    ///
    /// # Errors
    /// If the arrays cannot be accessed.
    fn copy(&self, source: &Array, out: &Array) -> Result<()>;

    /// Writes a number to every element.
    ///
    /// # Errors
    /// If the array cannot be accessed.
    fn fill(&self, out: &Array, value: Scalar) -> Result<()>;
}
