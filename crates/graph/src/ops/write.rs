//! Elements written by index.

use super::pick::{Tuples, wrapped};
use crate::compute::{Compute, Inputs, axis, signed};
use flambeau_tensor::ops::ScatterReduce;
use flambeau_tensor::{Error, Result, Tensor};

/// What becomes of an element that is written to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScatterReduction {
    /// It is replaced.
    #[default]
    None,
    /// The new one is added.
    Add,
    /// It is multiplied by the new one.
    Mul,
    /// The smaller of both.
    Min,
    /// The larger of both.
    Max,
}

impl ScatterReduction {
    fn scatter(self, x: &Tensor, dim: isize, index: &Tensor, updates: &Tensor) -> Result<Tensor> {
        let reduce = match self {
            ScatterReduction::None => return x.scatter(dim, index, updates),
            ScatterReduction::Add => return x.scatter_add(dim, index, updates),
            ScatterReduction::Mul => ScatterReduce::Prod,
            ScatterReduction::Min => ScatterReduce::Amin,
            ScatterReduction::Max => ScatterReduce::Amax,
        };
        x.scatter_reduce(dim, index, updates, reduce, true)
    }
}

/// Elements written along an axis. Inputs: `data`, `indices`, `updates`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScatterElements {
    /// The axis.
    pub axis: i64,
    /// What becomes of the old elements.
    pub reduction: ScatterReduction,
}

impl Compute for ScatterElements {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let x = inputs.get(0, "data")?;
        let dim = axis(self.axis, x.ndim())?;
        let indices = wrapped(inputs.get(1, "indices")?, x.shape()[dim])?;
        Ok(vec![self.reduction.scatter(x, dim as isize, &indices, inputs.get(2, "updates")?)?])
    }
}

/// Slices written at index tuples. Inputs: `data`, `indices`, whose last axis holds the tuples,
/// `updates`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScatterNd {
    /// What becomes of the old elements.
    pub reduction: ScatterReduction,
}

impl Compute for ScatterNd {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let (x, updates) = (inputs.get(0, "data")?, inputs.get(2, "updates")?);
        let shape = x.shape();
        let tuples = Tuples::new(&shape, inputs.get(1, "indices")?, 0)?;
        let mut expected = tuples.lead.clone();
        expected.extend(&tuples.slice);
        if updates.shape()[..] != expected[..] {
            return Err(Error::shape(format!(
                "updates should have the shape {expected:?}, but got {}",
                updates.shape()
            )));
        }
        let rows = tuples.rows(x, tuples.slices)?;
        let news = tuples.rows(updates, tuples.flat.numel())?;
        let index = tuples.flat.unsqueeze(1)?.expand_to(&news.shape())?;
        Ok(vec![self.reduction.scatter(&rows, 0, &index, &news)?.reshape(&signed(&shape))?])
    }
}
