//! Extremes, their places, and running sums.

use crate::compute::{Compute, Inputs, axis, number};
use flambeau_tensor::{DType, Error, Result, Tensor};

/// The place of the largest or smallest element along an axis, as int64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArgExtreme {
    /// Whether the largest.
    pub largest: bool,
    /// The axis.
    pub axis: i64,
    /// Whether the axis stays, with size 1.
    pub keepdims: bool,
    /// Whether the last of several places counts, not the first.
    pub last: bool,
}

impl Compute for ArgExtreme {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let x = inputs.get(0, "data")?;
        let dim = axis(self.axis, x.ndim())?;
        let source = if self.last { x.flip(&[dim as isize])? } else { x.clone() };
        let dim_size = x.shape()[dim] as i64;
        let dim = Some(dim as isize);
        let places =
            if self.largest { source.argmax(dim, self.keepdims)? } else { source.argmin(dim, self.keepdims)? };
        Ok(vec![if self.last { places.rsub(dim_size - 1, 1)? } else { places }])
    }
}

/// The `K` largest or smallest elements along an axis, and their places. Inputs: `X`, `K`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopK {
    /// The axis.
    pub axis: i64,
    /// Whether the largest.
    pub largest: bool,
}

impl Compute for TopK {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let x = inputs.get(0, "X")?;
        let k = match inputs.integers(1, "K")?[..] {
            [k] => k,
            ref list => return Err(Error::value(format!("K should be one number, but got {list:?}"))),
        };
        let dim = axis(self.axis, x.ndim())?;
        let (values, places) = x.topk(k, dim as isize, self.largest)?;
        Ok(vec![values, places])
    }
}

/// Running sums along an axis. Inputs: `x`, `axis`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CumSum {
    /// Whether an element is left out of its own sum.
    pub exclusive: bool,
    /// Whether sums run from the end.
    pub reverse: bool,
}

impl Compute for CumSum {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let x = inputs.get(0, "x")?;
        let along = number(&inputs.get(1, "axis")?.to_dtype(DType::I64)?, "axis")? as i64;
        let dim = axis(along, x.ndim())? as isize;
        let turned = |x: Tensor| if self.reverse { x.flip(&[dim]) } else { Ok(x) };
        let source = turned(x.clone())?;
        let mut sums = source.cumsum(dim, Some(x.dtype()))?;
        if self.exclusive {
            sums = sums.sub(&source)?;
        }
        Ok(vec![turned(sums)?])
    }
}
