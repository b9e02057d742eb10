//! Elements picked by index.

use crate::compute::{Compute, Inputs, axis, check_numel, signed, size};
use flambeau_tensor::{DType, Error, Result, Tensor};

/// Indices of which negative ones count from the end of an axis, as indices from its start.
///
/// # Errors
/// If one is out of range.
pub(super) fn wrapped(indices: &Tensor, length: usize) -> Result<Tensor> {
    if !indices.dtype().is_integral(false) {
        return Err(Error::dtype(format!("indices should be integers, but got {}", indices.dtype())));
    }
    let indices = indices.to_dtype(DType::I64)?;
    if indices.numel() == 0 {
        return Ok(indices);
    }
    let (least, most) = (indices.min()?.item()?.to_i64(), indices.max()?.item()?.to_i64());
    let n = length as i64;
    if least < -n || most >= n {
        let wrong = if least < -n { least } else { most };
        return Err(Error::index(format!("index {wrong} is out of range for an axis of size {length}")));
    }
    if least >= 0 {
        return Ok(indices);
    }
    indices.add(&indices.lt(0)?.to_dtype(DType::I64)?.mul(n)?)
}

/// Slices along an axis. Inputs: `data`, `indices` of any shape, which takes the axis' place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gather {
    /// The axis.
    pub axis: i64,
}

impl Compute for Gather {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let (x, indices) = (inputs.get(0, "data")?, inputs.get(1, "indices")?);
        let dim = axis(self.axis, x.ndim())?;
        let shape = x.shape();
        let flat = wrapped(indices, shape[dim])?.reshape(&[-1])?;
        let mut sizes = shape[..dim].to_vec();
        sizes.extend(indices.shape().iter());
        sizes.extend(&shape[dim + 1..]);
        check_numel(&sizes, x.dtype())?;
        Ok(vec![x.index_select(dim as isize, &flat)?.reshape(&signed(&sizes))?])
    }
}

/// Elements along an axis. Inputs: `data`, `indices` of as many dimensions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GatherElements {
    /// The axis.
    pub axis: i64,
}

impl Compute for GatherElements {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let (x, indices) = (inputs.get(0, "data")?, inputs.get(1, "indices")?);
        let dim = axis(self.axis, x.ndim())?;
        Ok(vec![x.gather(dim as isize, &wrapped(indices, x.shape()[dim])?)?])
    }
}

/// Index tuples into the first axes of a tensor.
pub(super) struct Tuples {
    /// The flat index of each tuple's slice.
    pub(super) flat: Tensor,
    /// The shape of the tuples' array, without their own axis.
    pub(super) lead: Vec<usize>,
    /// How many slices the tensor has.
    pub(super) slices: usize,
    /// The shape of a slice.
    pub(super) slice: Vec<usize>,
}

impl Tuples {
    /// Reads the last axis of `indices` as tuples of indices into the axes of `shape` after the
    /// first `batch` ones, which both have in common.
    pub(super) fn new(shape: &[usize], indices: &Tensor, batch: usize) -> Result<Self> {
        let sizes = indices.shape();
        let Some((&depth, lead)) = sizes.split_last() else {
            return Err(Error::shape("indices should have at least one dimension"));
        };
        if batch > lead.len() || batch + depth > shape.len() || shape[..batch] != lead[..batch] {
            return Err(Error::shape(format!(
                "indices of shape {sizes} do not fit data of shape {shape:?} with {batch} batch dimensions"
            )));
        }
        let mut flat = Tensor::zeros(lead.to_vec(), DType::I64)?;
        for (i, &n) in shape[batch..batch + depth].iter().enumerate() {
            flat = flat.mul(n as i64)?.add(&wrapped(&indices.select(-1, i as isize)?, n)?)?;
        }
        let within: usize = shape[batch..batch + depth].iter().product();
        let batches: usize = shape[..batch].iter().product();
        if batch > 0 {
            let mut starts = vec![1; lead.len()];
            starts[..batch].copy_from_slice(&signed(&lead[..batch]));
            let offsets = Tensor::arange(0i64, batches as i64, 1i64, DType::I64)?.mul(within as i64)?;
            flat = flat.add(&offsets.reshape(&starts)?)?;
        }
        Ok(Tuples {
            flat: flat.reshape(&[-1])?,
            lead: lead.to_vec(),
            slices: batches * within,
            slice: shape[batch + depth..].to_vec(),
        })
    }

    /// A tensor as a row for each slice.
    pub(super) fn rows(&self, tensor: &Tensor, rows: usize) -> Result<Tensor> {
        let columns: usize = self.slice.iter().product();
        tensor.reshape(&[rows as isize, columns as isize])
    }
}

/// Slices at index tuples. Inputs: `data`, `indices`, whose last axis holds the tuples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GatherNd {
    /// How many first axes both inputs have in common.
    pub batch_dims: i64,
}

impl Compute for GatherNd {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let (x, indices) = (inputs.get(0, "data")?, inputs.get(1, "indices")?);
        let tuples = Tuples::new(&x.shape(), indices, size(self.batch_dims.into(), "batch_dims")?)?;
        let mut shape = tuples.lead.clone();
        shape.extend(&tuples.slice);
        let rows = tuples.rows(x, tuples.slices)?.index_select(0, &tuples.flat)?;
        Ok(vec![rows.reshape(&signed(&shape))?])
    }
}

/// The coordinates of what is not zero: a row for each dimension, as int64.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NonZero;

impl Compute for NonZero {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        Ok(vec![inputs.get(0, "X")?.nonzero()?.t()?])
    }
}
