//! Sums, means and the like.

use crate::compute::{Compute, Inputs, axes};
use flambeau_tensor::{DType, Result, Tensor};

/// What becomes of the elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// Their sum.
    Sum,
    /// Their mean.
    Mean,
    /// The largest.
    Max,
    /// The smallest.
    Min,
    /// Their product.
    Prod,
    /// The sum of absolute values.
    L1,
    /// The root of the sum of squares.
    L2,
    /// The logarithm of the sum.
    LogSum,
    /// The logarithm of the sum of exponentials.
    LogSumExp,
    /// The sum of squares.
    SumSquare,
}

/// A reduction over axes. Inputs: `data`, `axes` (may be absent).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reduce {
    /// What becomes of the elements.
    pub reduction: Reduction,
    /// Whether the axes stay, with size 1.
    pub keepdims: bool,
    /// Whether no axes mean none, not all.
    pub noop_with_empty_axes: bool,
}

impl Compute for Reduce {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let x = inputs.get(0, "data")?;
        let given = inputs.optional_integers(1, "axes")?.unwrap_or_default();
        let none = given.is_empty() && self.noop_with_empty_axes;
        let mut dims: Vec<isize> = axes(&given, x.ndim())?.into_iter().map(|a| a as isize).collect();
        if given.is_empty() {
            dims = (0..x.ndim() as isize).collect();
        }
        if none || x.ndim() == 0 {
            // A reduction of single elements is still one: the absolute value, say.
            let single = self.apply(&x.unsqueeze(-1)?, &[-1], false)?;
            return Ok(vec![single]);
        }
        Ok(vec![self.apply(x, &dims, self.keepdims)?])
    }
}

impl Reduce {
    fn apply(&self, x: &Tensor, dims: &[isize], keep: bool) -> Result<Tensor> {
        let dtype = x.dtype();
        let integral = dtype.is_integral(false);
        // Means, roots and logarithms of integers are made from floats, and rounded towards zero.
        let wide = || if integral { x.to_dtype(DType::F64) } else { Ok(x.clone()) };
        match self.reduction {
            Reduction::Sum => x.sum_dims(dims, keep, Some(dtype)),
            Reduction::Mean => wide()?.mean_dims(dims, keep, None)?.to_dtype(dtype),
            Reduction::Max if x.numel() == 0 => {
                x.to_dtype(DType::F64)?.sum_dims(dims, keep, None)?.add(f64::NEG_INFINITY)?.to_dtype(dtype)
            }
            Reduction::Min if x.numel() == 0 => {
                x.to_dtype(DType::F64)?.sum_dims(dims, keep, None)?.add(f64::INFINITY)?.to_dtype(dtype)
            }
            Reduction::Max if dtype == DType::Bool => x.any_dims(dims, keep),
            Reduction::Min if dtype == DType::Bool => x.all_dims(dims, keep),
            Reduction::Max => x.amax(dims, keep),
            Reduction::Min => x.amin(dims, keep),
            Reduction::Prod => {
                let mut last_first: Vec<isize> = axes(&dims.iter().map(|&d| d as i64).collect::<Vec<_>>(), x.ndim())?
                    .into_iter()
                    .map(|d| d as isize)
                    .collect();
                last_first.sort_unstable_by_key(|&d| std::cmp::Reverse(d));
                last_first.into_iter().try_fold(x.clone(), |x, dim| x.prod_dim(dim, keep, Some(dtype)))
            }
            Reduction::L1 => x.abs()?.sum_dims(dims, keep, Some(dtype)),
            Reduction::L2 => wide()?.square()?.sum_dims(dims, keep, None)?.sqrt()?.to_dtype(dtype),
            Reduction::LogSum => wide()?.sum_dims(dims, keep, None)?.log()?.to_dtype(dtype),
            Reduction::LogSumExp => wide()?.logsumexp(dims, keep)?.to_dtype(dtype),
            Reduction::SumSquare => x.mul(x)?.sum_dims(dims, keep, Some(dtype)),
        }
    }
}
