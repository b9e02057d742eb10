//! An index of its own for every element: `gather` and `take_along_dim`.

use crate::autograd::{Recorder, no_grad};
use crate::ops::elementwise::broadcast_pair;
use crate::{Array, DType, Error, Layout, Result, Shape, Tensor};

impl Tensor {
    /// `out[i, j, …] = self[…, index[i, j, …], …]`, the index standing in dimension `dim`.
    ///
    /// # Errors
    /// If the index is not of integers, has another number of dimensions, is larger than this
    /// tensor in another dimension, or out of range.
    pub fn gather(&self, dim: isize, index: &Tensor) -> Result<Tensor> {
        let dim = self.dim(dim)?;
        let shape = index.shape();
        if shape.contains(&0) {
            // PyTorch does not look at the dtype of an index without elements.
            return self.gathered(dim, &index.to_dtype(DType::I64)?, Tensor::empty(shape, self.dtype())?);
        }
        if !matches!(index.dtype(), DType::I64 | DType::I32) {
            return Err(Error::runtime("gather(): Expected dtype int32/int64 for index"));
        }
        let own = self.shape();
        if own.len().max(1) != shape.len().max(1) {
            return Err(Error::runtime("Index tensor must have the same number of dimensions as input tensor"));
        }
        if let Some(d) = (0..own.len().min(shape.len())).find(|&d| d != dim && shape[d] > own[d]) {
            return Err(Error::runtime(format!(
                "Size does not match at dimension {d} expected index {shape} to be no larger than self {own} apart from dimension {dim}"
            )));
        }
        let out = Array::uninit(Layout::contiguous(shape), self.dtype())?;
        let (from, index_array, flat) = (one_dim(&self.array())?, one_dim(&index.array())?, one_dim(&out)?);
        self.backend().gather(&from, dim, &index_array, &flat)?;
        self.gathered(dim, index, Tensor::from_array(out))
    }

    fn gathered(&self, dim: usize, index: &Tensor, out: Tensor) -> Result<Tensor> {
        if let Some(mut r) = Recorder::new("GatherBackward0", &[self]) {
            let (shape, index) = (self.shape(), r.save(index));
            r.finish(&out, move |ctx, grad| {
                let zeros = Tensor::zeros(shape.clone(), grad.dtype())?;
                Ok(vec![Some(zeros.scatter_add(dim as isize, &ctx.saved(index)?, grad)?)])
            });
        }
        Ok(out)
    }

    /// [`Tensor::gather`] with an index that is broadcast in all dimensions but `dim`. Without a
    /// dimension, both are taken as flat.
    ///
    /// # Errors
    /// If the numbers of dimensions differ, the index is not int64, or shapes do not broadcast; and
    /// without a dimension, if an index is out of range.
    pub fn take_along_dim(&self, indices: &Tensor, dim: Option<isize>) -> Result<Tensor> {
        if indices.dtype() != DType::I64 {
            return Err(Error::runtime(
                "torch.take_along_dim(): dtype of indices should be Long but got ".to_owned()
                    + indices.dtype().scalar_type_name(),
            ));
        }
        let Some(dim) = dim else {
            return self.reshape(&[-1])?.gather(0, &indices.reshape(&[-1])?);
        };
        if self.ndim() != indices.ndim() {
            return Err(Error::runtime(format!(
                "torch.take_along_dim(): input and indices should have the same number of dimensions, but got {} dimensions for input, and {} dimensions for indices",
                self.ndim(),
                indices.ndim()
            )));
        }
        let dim = self.dim(dim)?;
        let without = |shape: Shape| -> Shape {
            let mut shape = shape;
            if let Some(size) = shape.get_mut(dim) {
                *size = 1;
            }
            shape
        };
        let common = broadcast_pair(&without(self.shape()), &without(indices.shape()))?;
        let sized = |tensor: &Tensor| -> Result<Tensor> {
            let mut shape = common.clone();
            if let Some(size) = shape.get_mut(dim) {
                *size = tensor.shape()[dim];
            }
            tensor.expand_to(&shape)
        };
        // Indices go around: any integer names an element.
        let size = self.size(dim as isize)?;
        let indices = if size > 0 { no_grad(|| indices.remainder(size as i64))? } else { indices.clone() };
        sized(self)?.gather(dim as isize, &sized(&indices)?)
    }
}

/// An array without dimensions as one of a single dimension; others as they are.
pub(super) fn one_dim(array: &Array) -> Result<Array> {
    if !array.shape().is_empty() {
        return Ok(array.clone());
    }
    array.with_layout(Layout::strided([1], &[1], array.layout().offset()))
}
