//! Tensors put together and taken apart.

use crate::compute::{Compute, Inputs, axes, axis, size};
use flambeau_tensor::{Error, Result, Tensor};

/// Tensors after each other along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Concat {
    /// The axis.
    pub axis: i64,
}

impl Compute for Concat {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let all = inputs.all()?;
        let dim = axis(self.axis, all[0].ndim())? as isize;
        if let Some(other) = all.iter().find(|t| t.ndim() != all[0].ndim() || t.dtype() != all[0].dtype()) {
            return Err(Error::shape(format!(
                "{} of shape {} and {} of shape {} cannot be put together",
                all[0].dtype(),
                all[0].shape(),
                other.dtype(),
                other.shape()
            )));
        }
        Ok(vec![flambeau_tensor::ops::cat(&all, dim)?])
    }
}

/// Parts along an axis. Inputs: `input`, and the sizes of the parts, which may be absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// The axis.
    pub axis: i64,
    /// How many parts, where no sizes are given: all of one size but the last, which may be smaller.
    pub parts: usize,
}

impl Compute for Split {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let x = inputs.get(0, "input")?;
        let dim = axis(self.axis, x.ndim())?;
        let total = x.shape()[dim];
        let sizes: Vec<usize> = match inputs.optional_integers(1, "split")? {
            Some(given) => given.iter().map(|&n| size(n.into(), "a part")).collect::<Result<_>>()?,
            None => {
                let one = total.div_ceil(self.parts.max(1));
                (0..self.parts).map(|i| one.min(total.saturating_sub(i.saturating_mul(one)))).collect()
            }
        };
        x.split_with_sizes(&sizes, dim as isize)
    }
}

/// A part of a tensor. Inputs: `data`, `starts`, `ends`, `axes`, `steps`; the last two may be absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slice;

impl Compute for Slice {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let x = inputs.get(0, "data")?;
        let (starts, ends) = (inputs.integers(1, "starts")?, inputs.integers(2, "ends")?);
        let along = match inputs.optional_integers(3, "axes")? {
            Some(given) => axes(&given, x.ndim())?,
            None => (0..starts.len()).collect(),
        };
        let steps = inputs.optional_integers(4, "steps")?.unwrap_or_else(|| vec![1; starts.len()]);
        let n = starts.len();
        if n != ends.len() || n != along.len() || n != steps.len() || n > x.ndim() {
            return Err(Error::value(format!(
                "a slice of {} dimensions has {n} starts, {} ends, {} axes and {} steps",
                x.ndim(),
                ends.len(),
                along.len(),
                steps.len()
            )));
        }
        let mut result = x.clone();
        for (i, &dim) in along.iter().enumerate() {
            let (length, step) = (x.shape()[dim] as i128, steps[i] as i128);
            if step == 0 {
                return Err(Error::value("a slice has the step 0"));
            }
            let wrapped = |v: i64| if v < 0 { v as i128 + length } else { v as i128 };
            let (start, end) = (wrapped(starts[i]), wrapped(ends[i]));
            // Going back, the first index may be the last one, and the end the one before the first.
            let (low, high) = if step > 0 { (0, length) } else { (-1, length - 1) };
            let (start, end) = (start.clamp(low.max(0).min(high.max(0)), high.max(0)), end.clamp(low, high));
            let span = if step > 0 { end - start } else { start - end };
            let count = if length == 0 || span <= 0 { 0 } else { (span + step.abs() - 1) / step.abs() };
            let dim = dim as isize;
            result = if count == 0 {
                result.narrow(dim, 0, 0)?
            } else if step > 0 {
                result.slice(
                    dim,
                    Some(start as isize),
                    Some(end as isize),
                    isize::try_from(step).unwrap_or(isize::MAX),
                )?
            } else {
                // The same elements forwards, then turned round.
                let first = start + (count - 1) * step;
                let step = isize::try_from(-step).unwrap_or(isize::MAX);
                result.slice(dim, Some(first as isize), Some(start as isize + 1), step)?.flip(&[dim])?
            };
        }
        Ok(vec![result])
    }
}
