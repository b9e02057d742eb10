//! Binary search.

use crate::backend::Boundaries;
use crate::ops::elementwise::not_implemented;
use crate::ops::{Operand, result_type};
use crate::{Array, DType, Error, Layout, Result, Scalar, Tensor};

/// How values are searched for.
#[derive(Clone, Debug, Default)]
pub struct SearchOptions {
    /// Whether places are int32, not int64.
    pub out_int32: bool,
    /// Whether a value goes after the boundaries that are equal to it.
    pub right: bool,
    /// `"left"` or `"right"`: the same in words.
    pub side: Option<String>,
    /// The order in which the boundaries are ascending, where they are not.
    pub sorter: Option<Tensor>,
}

impl SearchOptions {
    fn right(&self) -> Result<bool> {
        match self.side.as_deref() {
            None => Ok(self.right),
            Some("left") if self.right => Err(Error::runtime(
                "torch.searchsorted(): side and right can't be set to opposites, got side of left while right was True",
            )),
            Some("left") => Ok(false),
            Some("right") => Ok(true),
            Some(other) => {
                Err(Error::runtime(format!("torch.searchsorted(): side can only be 'left' or 'right' but got {other}")))
            }
        }
    }

    fn check_sorter(&self, boundaries: &Tensor) -> Result<()> {
        let Some(sorter) = &self.sorter else { return Ok(()) };
        if sorter.shape() != boundaries.shape() {
            return Err(Error::runtime(format!(
                "torch.searchsorted(): boundary and sorter must have the same size, but got boundary tensor {}and got sorter tensor {}",
                boundaries.shape(),
                sorter.shape()
            )));
        }
        if sorter.dtype() != DType::I64 {
            return Err(Error::runtime(format!(
                "torch.searchsorted(): sorter must be a tensor of long dtype but got dtype {}",
                sorter.dtype().scalar_type_name()
            )));
        }
        let width = boundaries.shape().last().map_or(1, |&n| n) as i64;
        if sorter.to_vec::<i64>()?.iter().any(|place| !(0..width).contains(place)) {
            return Err(Error::runtime("torch.searchsorted(): sorter index out of range"));
        }
        Ok(())
    }
}

fn check_shapes(boundaries: &Tensor, values: &Tensor) -> Result<()> {
    let (rows, given) = (boundaries.shape(), values.shape());
    if rows.is_empty() {
        return Err(Error::runtime(
            "torch.searchsorted(): boundaries tensor should have positive dimension, but got 0 dimension",
        ));
    }
    if given.is_empty() && rows.len() > 1 {
        return Err(Error::runtime(format!(
            "torch.searchsorted(): input value can be a scalar only when boundaries tensor dimension is 1, but we got boundaries tensor dim({}) and input value's dim(0) numel(1)",
            rows.len()
        )));
    }
    let lead = rows.len() - 1;
    if rows.len() > 1 && (rows.len() != given.len() || rows[..lead] != given[..lead]) {
        return Err(Error::runtime(format!(
            "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries tensor and input value tensor must match, but we got boundaries tensor {rows} and input value tensor {given}"
        )));
    }
    Ok(())
}

impl Tensor {
    /// For each value (a tensor, or a number), how many elements of this sorted tensor come before it:
    /// of its only row, or of the row with the same leading indices.
    ///
    /// # Errors
    /// PyTorch's, for shapes and options that do not fit.
    pub fn searchsorted(&self, values: impl Into<Operand>, options: &SearchOptions) -> Result<Tensor> {
        let operand = values.into();
        let given = match &operand {
            Operand::Tensor(values) => values.detach(),
            Operand::Scalar(number) => Tensor::scalar(*number, number.dtype())?,
        };
        let right = options.right()?;
        options.check_sorter(self)?;
        check_shapes(self, &given)?;
        let dtype = result_type([&Operand::from(self), &operand]);
        if dtype == DType::Bool && given.numel() > 0 {
            return Err(not_implemented("searchsorted_out_cpu", dtype));
        }
        let numbers = self.detach().to_dtype(dtype)?.contiguous()?.array();
        let given = given.to_dtype(dtype)?.contiguous()?.array();
        let sorter = options.sorter.as_ref().map(|sorter| sorter.contiguous()).transpose()?.map(|s| s.array());
        let places = Array::uninit(Layout::contiguous(given.shape()), DType::I64)?;
        if !places.shape().contains(&0) {
            let boundaries = Boundaries { numbers: &numbers, sorter: sorter.as_ref(), right };
            self.backend().search(boundaries, &given, &places)?;
        }
        Tensor::from_array(places).to_dtype(if options.out_int32 { DType::I32 } else { DType::I64 })
    }

    /// For each element, how many of the sorted boundaries come before it.
    ///
    /// # Errors
    /// If the boundaries are not one-dimensional.
    pub fn bucketize(&self, boundaries: &Tensor, out_int32: bool, right: bool) -> Result<Tensor> {
        bucketize(Operand::from(self), boundaries, out_int32, right)
    }
}

/// [`Tensor::bucketize`] of a number.
///
/// # Errors
/// If the boundaries are not one-dimensional.
pub fn bucketize_scalar(value: impl Into<Scalar>, boundaries: &Tensor, out_int32: bool, right: bool) -> Result<Tensor> {
    bucketize(Operand::Scalar(value.into()), boundaries, out_int32, right)
}

fn bucketize(values: Operand, boundaries: &Tensor, out_int32: bool, right: bool) -> Result<Tensor> {
    if boundaries.ndim() != 1 {
        return Err(Error::runtime(format!(
            "boundaries tensor must be 1 dimension, but got dim({})",
            boundaries.ndim()
        )));
    }
    boundaries.searchsorted(values, &SearchOptions { out_int32, right, ..SearchOptions::default() })
}
