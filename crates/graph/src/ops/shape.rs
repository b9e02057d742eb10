//! Shapes: reading and changing them.

use crate::compute::{Compute, Inputs, axes, axis, check_numel, signed, size};
use flambeau_tensor::ops::broadcast_shapes;
use flambeau_tensor::{Error, Result, Tensor};

/// Another shape. Inputs: `data`, `shape`, in which one number may be −1 (the rest) and, unless
/// zeros are allowed, 0 (the same as before).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reshape {
    /// Whether 0 means an empty axis.
    pub allow_zero: bool,
}

impl Compute for Reshape {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let x = inputs.get(0, "data")?;
        let given = inputs.integers(1, "shape")?;
        let shape = x.shape();
        let one = |(i, &n): (usize, &i64)| match n {
            0 if !self.allow_zero => match shape.get(i) {
                Some(&same) => Ok(same as isize),
                None => Err(Error::shape(format!("shape {given:?} keeps axis {i}, which {shape} does not have"))),
            },
            n => isize::try_from(n).map_err(|_| Error::shape(format!("a size of {n}"))),
        };
        let sizes = given.iter().enumerate().map(one).collect::<Result<Vec<_>>>()?;
        let result = x.reshape(&sizes)?;
        check_numel(&result.shape(), x.dtype())?;
        Ok(vec![result])
    }
}

/// A matrix: the axes before `axis` are rows, the others columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flatten {
    /// The first axis of the columns.
    pub axis: i64,
}

impl Compute for Flatten {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let x = inputs.get(0, "input")?;
        let shape = x.shape();
        let first = if self.axis == shape.len() as i64 { shape.len() } else { axis(self.axis, shape.len())? };
        let (rows, columns) = (shape[..first].iter().product::<usize>(), shape[first..].iter().product::<usize>());
        Ok(vec![x.reshape(&[rows as isize, columns as isize])?])
    }
}

/// Without axes of size 1. Inputs: `data`, `axes`; without the latter all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Squeeze;

impl Compute for Squeeze {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let x = inputs.get(0, "data")?;
        let Some(given) = inputs.optional_integers(1, "axes")? else { return Ok(vec![x.squeeze()?]) };
        let dims = axes(&given, x.ndim())?;
        if let Some(&wide) = dims.iter().find(|&&d| x.shape()[d] != 1) {
            return Err(Error::shape(format!("axis {wide} of shape {} is not of size 1", x.shape())));
        }
        if dims.is_empty() {
            return Ok(vec![x.clone()]);
        }
        Ok(vec![x.squeeze_dims(&signed(&dims))?])
    }
}

/// With new axes of size 1. Inputs: `data`, `axes`, which count in the result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unsqueeze;

impl Compute for Unsqueeze {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let x = inputs.get(0, "data")?;
        let given = inputs.integers(1, "axes")?;
        let mut dims = axes(&given, x.ndim() + given.len())?;
        dims.sort_unstable();
        let result = dims.into_iter().try_fold(x.clone(), |x, dim| x.unsqueeze(dim as isize))?;
        Ok(vec![result])
    }
}

/// Axes in another order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transpose {
    /// Which axis comes where; reversed if empty.
    pub permutation: Vec<i64>,
}

impl Compute for Transpose {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let x = inputs.get(0, "data")?;
        let dims: Vec<isize> = if self.permutation.is_empty() {
            (0..x.ndim() as isize).rev().collect()
        } else {
            signed(&axes(&self.permutation, x.ndim())?)
        };
        Ok(vec![x.permute(&dims)?])
    }
}

/// Repeated along axes of size 1. Inputs: `input`, `shape`, which broadcasts with the input's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expand;

impl Compute for Expand {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let x = inputs.get(0, "input")?;
        let shape = inputs.integers(1, "shape")?;
        let shape = shape.iter().map(|&n| size(n.into(), "an axis")).collect::<Result<Vec<_>>>()?;
        let result = broadcast_shapes(&[&x.shape(), &shape])?;
        check_numel(&result, x.dtype())?;
        Ok(vec![x.expand_to(&result)?])
    }
}

/// Repeated along each axis. Inputs: `input`, `repeats`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tile;

impl Compute for Tile {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let x = inputs.get(0, "input")?;
        let repeats = inputs.integers(1, "repeats")?;
        let repeats = repeats.iter().map(|&n| size(n.into(), "a repetition")).collect::<Result<Vec<_>>>()?;
        if repeats.len() != x.ndim() {
            return Err(Error::value(format!("{} repeats for a tensor of {} dimensions", repeats.len(), x.ndim())));
        }
        let shape = x.shape();
        let sizes = shape.iter().zip(&repeats).map(|(&n, &r)| size(n as i128 * r as i128, "an axis"));
        let sizes = sizes.collect::<Result<Vec<_>>>()?;
        check_numel(&sizes, x.dtype())?;
        if sizes.contains(&0) {
            // Repetitions of nothing may be too many for the view that is copied.
            return Ok(vec![Tensor::zeros(sizes, x.dtype())?]);
        }
        Ok(vec![x.repeat(&signed(&repeats))?])
    }
}

/// The sizes of the axes from `start` to before `end`, as int64.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShapeOf {
    /// The first axis.
    pub start: i64,
    /// The one after the last; all if absent.
    pub end: Option<i64>,
}

impl Compute for ShapeOf {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let shape = inputs.get(0, "data")?.shape();
        let n = shape.len() as i64;
        let place = |v: i64| (if v < 0 { v.saturating_add(n) } else { v }).clamp(0, n) as usize;
        let (start, end) = (place(self.start), place(self.end.unwrap_or(n)));
        let sizes: Vec<i64> = shape.iter().take(end).skip(start).map(|&n| n as i64).collect();
        Ok(vec![Tensor::from_slice(&sizes, [sizes.len()])?])
    }
}

/// The number of elements, as int64.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size;

impl Compute for Size {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        Ok(vec![Tensor::from_slice(&[inputs.get(0, "data")?.numel() as i64], [])?])
    }
}
