//! A tensor cut into several views along a dimension.

use super::shape::no_dimensions;
use crate::autograd::Recorder;
use crate::ops::{cat, stack};
use crate::{Error, Layout, Result, Shape, Tensor};

impl Tensor {
    /// Pieces of `size` indices of a dimension; the last one may be smaller.
    ///
    /// # Errors
    /// If the dimension does not exist, or the size is 0 and the dimension is not.
    pub fn split(&self, size: usize, dim: isize) -> Result<Vec<Tensor>> {
        if self.ndim() == 0 {
            return Err(Error::runtime("split expects at least a 1-dimensional tensor"));
        }
        let dim = self.dim(dim)?;
        let total = self.shape()[dim];
        if size == 0 && total != 0 {
            return Err(Error::runtime(format!(
                "split_size can only be 0 if dimension size is 0, but got dimension size of {total}"
            )));
        }
        let pieces = if size == 0 { 1 } else { total.div_ceil(size).max(1) };
        let sizes: Vec<usize> = (0..pieces).map(|i| size.min(total - i * size)).collect();
        self.pieces("SplitBackward0", dim, &sizes)
    }

    /// Pieces of these sizes along a dimension.
    ///
    /// # Errors
    /// If the dimension does not exist or is not the sum of the sizes.
    pub fn split_with_sizes(&self, sizes: &[usize], dim: isize) -> Result<Vec<Tensor>> {
        if self.ndim() == 0 {
            return Err(Error::runtime("split expects at least a 1-dimensional tensor"));
        }
        let dim = self.dim(dim)?;
        let total = self.shape()[dim];
        if sizes.iter().try_fold(0usize, |sum, &size| sum.checked_add(size)) != Some(total) {
            return Err(Error::runtime(format!(
                "split_with_sizes expects split_sizes to sum exactly to {total} (input tensor's size at dimension {dim}), but got split_sizes={sizes:?}"
            )));
        }
        self.pieces("SplitWithSizesBackward0", dim, sizes)
    }

    fn pieces(&self, name: &'static str, dim: usize, sizes: &[usize]) -> Result<Vec<Tensor>> {
        let layout = self.layout();
        let (mut shape, stride) = (layout.shape().clone(), layout.strides()[dim]);
        let mut offset = layout.offset();
        let mut pieces = Vec::with_capacity(sizes.len());
        for &size in sizes {
            shape[dim] = size;
            pieces.push(self.view_through(Layout::strided(shape.clone(), layout.strides(), offset))?);
            offset += size * stride;
        }
        self.record_pieces(name, &pieces, move |grads| cat(grads, dim as isize));
        Ok(pieces)
    }

    fn record_pieces(
        &self,
        name: &str,
        pieces: &[Tensor],
        join: impl Fn(&[&Tensor]) -> Result<Tensor> + Send + Sync + 'static,
    ) {
        Tensor::mark_one_of_many(pieces);
        if pieces.is_empty() {
            return;
        }
        if let Some(recorder) = Recorder::new(name, &[self]) {
            let shapes: Vec<Shape> = pieces.iter().map(Tensor::shape).collect();
            let dtype = self.dtype();
            recorder.finish_many(&pieces.iter().collect::<Vec<_>>(), move |_, grads| {
                let grads = grads.iter().zip(&shapes).map(|(grad, shape)| match grad {
                    Some(grad) => Ok(grad.clone()),
                    None => Tensor::zeros(shape, dtype),
                });
                let grads = grads.collect::<Result<Vec<_>>>()?;
                Ok(vec![Some(join(&grads.iter().collect::<Vec<_>>())?)])
            });
        }
    }

    /// At most `chunks` pieces of one size along a dimension; the last one may be smaller.
    ///
    /// # Errors
    /// If the dimension does not exist or `chunks` is 0.
    pub fn chunk(&self, chunks: usize, dim: isize) -> Result<Vec<Tensor>> {
        if self.ndim() == 0 {
            return Err(Error::runtime("chunk expects at least a 1-dimensional tensor"));
        }
        if chunks == 0 {
            return Err(Error::runtime("chunk expects `chunks` to be greater than 0, got: 0"));
        }
        let wrapped = self.dim(dim)?;
        let total = self.shape()[wrapped];
        let size = total.div_ceil(chunks);
        if size == 0 {
            // No pieces of size 0 would make up `chunks`: say their sizes one by one.
            return self.split_with_sizes(&vec![0; chunks], dim);
        }
        self.split(size, dim)
    }

    /// The tensors that a dimension consists of, without that dimension.
    ///
    /// # Errors
    /// If the dimension does not exist.
    pub fn unbind(&self, dim: isize) -> Result<Vec<Tensor>> {
        let layout = self.layout();
        let wrapped = self.dim(dim)?;
        if layout.ndim() == 0 {
            return Err(no_dimensions(wrapped as isize));
        }
        let (mut shape, mut strides) = (layout.shape().to_vec(), layout.strides().to_vec());
        let (size, stride) = (shape.remove(wrapped), strides.remove(wrapped));
        let pieces = (0..size)
            .map(|i| self.view_through(Layout::strided(shape.clone(), &strides, layout.offset() + i * stride)))
            .collect::<Result<Vec<_>>>()?;
        self.record_pieces("UnbindBackward0", &pieces, move |grads| stack(grads, wrapped as isize));
        Ok(pieces)
    }

    /// As many pieces as asked for along a dimension, whose sizes differ by one at most.
    ///
    /// # Errors
    /// If the dimension does not exist or `sections` is not positive.
    pub fn tensor_split(&self, sections: isize, dim: isize) -> Result<Vec<Tensor>> {
        let dim = self.dim_to_split(dim)?;
        if sections <= 0 {
            return Err(Error::runtime(format!("number of sections must be larger than 0, got {sections}")));
        }
        let (total, sections) = (self.shape()[dim], sections as usize);
        let (least, larger) = (total / sections, total % sections);
        let mut start = 0;
        (0..sections)
            .map(|i| {
                let size = least + usize::from(i < larger);
                let piece = self.slice(dim as isize, Some(start as isize), Some((start + size) as isize), 1);
                start += size;
                piece
            })
            .collect()
    }

    /// The pieces before, between and after these indices of a dimension, as Python's slices cut.
    ///
    /// # Errors
    /// If the dimension does not exist.
    pub fn tensor_split_at(&self, indices: &[isize], dim: isize) -> Result<Vec<Tensor>> {
        let dim = self.dim_to_split(dim)? as isize;
        let starts = std::iter::once(0).chain(indices.iter().copied());
        let ends = indices.iter().copied().map(Some).chain([None]);
        starts.zip(ends).map(|(start, end)| self.slice(dim, Some(start), end, 1)).collect()
    }

    fn dim_to_split(&self, dim: isize) -> Result<usize> {
        if self.ndim() == 0 {
            return Err(Error::runtime(
                "tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims",
            ));
        }
        self.dim(dim)
    }

    /// Equal pieces along the second dimension (the first of a 1-d tensor).
    ///
    /// # Errors
    /// If the dimension does not exist or does not divide.
    pub fn hsplit(&self, sections: isize) -> Result<Vec<Tensor>> {
        self.equal_pieces("hsplit", 1, self.horizontal(), sections)
    }

    /// The pieces that indices of the second dimension (the first of a 1-d tensor) cut.
    ///
    /// # Errors
    /// If there are no dimensions.
    pub fn hsplit_at(&self, indices: &[isize]) -> Result<Vec<Tensor>> {
        self.check_ndim("hsplit", 1)?;
        self.tensor_split_at(indices, self.horizontal() as isize)
    }

    fn horizontal(&self) -> usize {
        usize::from(self.ndim() > 1)
    }

    /// Equal pieces along the first dimension.
    ///
    /// # Errors
    /// If there are fewer than two dimensions or the first does not divide.
    pub fn vsplit(&self, sections: isize) -> Result<Vec<Tensor>> {
        self.equal_pieces("vsplit", 2, 0, sections)
    }

    /// The pieces that indices of the first dimension cut.
    ///
    /// # Errors
    /// If there are fewer than two dimensions.
    pub fn vsplit_at(&self, indices: &[isize]) -> Result<Vec<Tensor>> {
        self.check_ndim("vsplit", 2)?;
        self.tensor_split_at(indices, 0)
    }

    /// Equal pieces along the third dimension.
    ///
    /// # Errors
    /// If there are fewer than three dimensions or the third does not divide.
    pub fn dsplit(&self, sections: isize) -> Result<Vec<Tensor>> {
        self.equal_pieces("dsplit", 3, 2, sections)
    }

    /// The pieces that indices of the third dimension cut.
    ///
    /// # Errors
    /// If there are fewer than three dimensions.
    pub fn dsplit_at(&self, indices: &[isize]) -> Result<Vec<Tensor>> {
        self.check_ndim("dsplit", 3)?;
        self.tensor_split_at(indices, 2)
    }

    fn check_ndim(&self, name: &str, least: usize) -> Result<()> {
        let ndim = self.ndim();
        if ndim >= least {
            return Ok(());
        }
        Err(Error::runtime(format!(
            "torch.{name} requires a tensor with at least {least} dimension, but got a tensor with {ndim} dimensions!"
        )))
    }

    fn equal_pieces(&self, name: &str, least: usize, dim: usize, sections: isize) -> Result<Vec<Tensor>> {
        self.check_ndim(name, least)?;
        let size = self.shape()[dim];
        if sections <= 0 || !size.is_multiple_of(sections as usize) {
            return Err(Error::runtime(format!(
                "torch.{name} attempted to split along dimension {dim}, but the size of the dimension {size} is not divisible by the split_size {sections}!"
            )));
        }
        self.tensor_split(sections, dim as isize)
    }
}
