//! Primitive operations: products of matrices and their batches.

use crate::{Array, Result};

/// What a backend computes of products.
pub trait Contraction {
    /// `out = alpha * a @ b + beta * out` over the last two dimensions, for every index of the
    /// others, which the three have in common. All are of one dtype; `a` and `b` may have any
    /// strides, `out` is dense and row-major. With `beta` 0, `out` is not read. Integers take
    /// `alpha` 1 and `beta` 0.
    ///
    /// # Errors
    /// If the arrays cannot be accessed, or there is not enough memory.
    fn matmul(&self, factors: [f64; 2], a: &Array, b: &Array, out: &Array) -> Result<()>;
}
