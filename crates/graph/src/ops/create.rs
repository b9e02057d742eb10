//! Tensors out of numbers.

use crate::compute::{Compute, Inputs, axis, check_numel, numbers, signed, size};
use flambeau_tensor::{DType, Error, Result, Scalar, Tensor};

/// A tensor of one number. Input: the shape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConstantOfShape {
    /// The number.
    pub value: Scalar,
    /// The dtype.
    pub dtype: DType,
}

impl Compute for ConstantOfShape {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let shape = inputs.integers(0, "input")?;
        let shape = shape.iter().map(|&n| size(n.into(), "an axis")).collect::<Result<Vec<_>>>()?;
        check_numel(&shape, self.dtype)?;
        Ok(vec![Tensor::full(shape, self.value, self.dtype)?])
    }
}

/// Numbers at equal distances. Inputs: `start`, `limit`, which is left out, `delta`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range;

impl Compute for Range {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let dtype = inputs.get(0, "start")?.dtype();
        let one = |index, name: &str| {
            let tensor = inputs.get(index, name)?;
            if tensor.numel() != 1 {
                return Err(Error::shape(format!("{name} should be one number, but got shape {}", tensor.shape())));
            }
            tensor.item()
        };
        let (start, limit, delta) = (one(0, "start")?, one(1, "limit")?, one(2, "delta")?);
        let (from, to, by) = (start.to_f64(), limit.to_f64(), delta.to_f64());
        if (by > 0.0 && from >= to) || (by < 0.0 && from <= to) {
            return Ok(vec![Tensor::zeros([0], dtype)?]);
        }
        Ok(vec![Tensor::arange(start, limit, delta, dtype)?])
    }
}

/// Indices as rows with one element that is another number. Inputs: `indices`, `depth`, `values`
/// (the number elsewhere, and the one).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OneHot {
    /// Where the new axis goes.
    pub axis: i64,
}

impl Compute for OneHot {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let (indices, values) = (inputs.get(0, "indices")?, inputs.get(2, "values")?);
        let depth = numbers(inputs.get(1, "depth")?, "depth")?;
        let depth = match depth[..] {
            [depth] if depth >= 1.0 && depth <= u32::MAX.into() => depth as i64,
            _ => return Err(Error::value(format!("depth should be one positive number, but got {depth:?}"))),
        };
        if values.numel() != 2 {
            return Err(Error::shape(format!("values should be two numbers, but got shape {}", values.shape())));
        }
        let dim = axis(self.axis, indices.ndim() + 1)?;
        let mut shape = indices.shape().to_vec();
        shape.insert(dim, depth as usize);
        check_numel(&shape, DType::I64)?;
        let mut classes = vec![1; shape.len()];
        classes[dim] = -1;
        let classes = Tensor::arange(0i64, depth, 1i64, DType::I64)?.reshape(&classes)?;
        let indices = indices.to_dtype(DType::I64)?;
        let from_start = indices.add(&indices.lt(0)?.to_dtype(DType::I64)?.mul(depth)?)?;
        let hot = from_start.unsqueeze(dim as isize)?.eq(&classes)?;
        // A choice of one of two numbers, in their own dtype.
        let chosen = values.reshape(&[2])?.index_select(0, &hot.to_dtype(DType::I64)?.reshape(&[-1])?)?;
        Ok(vec![chosen.reshape(&signed(&shape))?])
    }
}

/// Ones on a diagonal of a matrix of the input's shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EyeLike {
    /// Which diagonal: 0 the main one, positive numbers above it.
    pub k: i64,
    /// The dtype, if not the input's.
    pub dtype: Option<DType>,
}

impl Compute for EyeLike {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let x = inputs.get(0, "input")?;
        let &[rows, columns] = &x.shape()[..] else {
            return Err(Error::shape(format!("a matrix is expected, but got {}", x.shape())));
        };
        let steps = |n: usize| Tensor::arange(0i64, n as i64, 1i64, DType::I64);
        let k = self.k.clamp(-(rows as i64) - 1, columns as i64 + 1);
        let eye = steps(rows)?.add(k)?.unsqueeze(1)?.eq(&steps(columns)?)?;
        Ok(vec![eye.to_dtype(self.dtype.unwrap_or(x.dtype()))?])
    }
}

/// One triangle of matrices; the rest is zero. Inputs: `input`, and the diagonal up to which, which
/// may be absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trilu {
    /// Whether the upper one.
    pub upper: bool,
}

impl Compute for Trilu {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let x = inputs.get(0, "input")?;
        let k = inputs.optional_number(1, "k")?.unwrap_or(0.0);
        let reach = x.shape().iter().copied().max().unwrap_or(0) as f64 + 1.0;
        let k = k.clamp(-reach, reach) as isize;
        Ok(vec![if self.upper { x.triu(k)? } else { x.tril(k)? }])
    }
}
