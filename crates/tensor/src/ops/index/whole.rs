//! Copies of a tensor with one of its views replaced.

use crate::autograd::Recorder;
use crate::ops::ViewFn;
use crate::{Error, Layout, Result, Tensor};
use std::sync::Arc;

impl Tensor {
    /// The view is a boxed function: this calls itself in its own gradient, and a generic one would
    /// be instantiated without end.
    fn with_part(&self, name: &str, source: &Tensor, part: ViewFn) -> Result<Tensor> {
        let out = self.detach().copy()?;
        let place = part(&out)?;
        if place.shape() != source.shape() {
            return Err(Error::runtime(format!(
                "expected src to have a size equal to the slice of self. src size = {}, slice size = {}",
                source.shape(),
                place.shape()
            )));
        }
        place.detach().copy_raw(source)?;
        if let Some(r) = Recorder::new(name, &[self, source]) {
            let (own, given) = (self.dtype(), source.dtype());
            r.finish(&out, move |ctx, grad| {
                let rest = ctx.needs(0).then(|| {
                    let zeros = Tensor::zeros(part(&grad.detach())?.shape(), grad.dtype())?;
                    grad.with_part("SliceScatterBackward0", &zeros, part.clone())?.to_dtype(own)
                });
                let source = ctx.needs(1).then(|| part(grad)?.to_dtype(given));
                Ok(vec![rest.transpose()?, source.transpose()?])
            });
        }
        Ok(out)
    }

    /// A copy with [`Tensor::slice`] of it replaced.
    ///
    /// # Errors
    /// As the slice, and if the source is of another shape.
    pub fn slice_scatter(
        &self,
        source: &Tensor,
        dim: isize,
        (start, end, step): (Option<isize>, Option<isize>, isize),
    ) -> Result<Tensor> {
        self.with_part("SliceScatterBackward0", source, Arc::new(move |x: &Tensor| x.slice(dim, start, end, step)))
    }

    /// A copy with [`Tensor::select`] of it replaced.
    ///
    /// # Errors
    /// As the selection, and if the source is of another shape.
    pub fn select_scatter(&self, source: &Tensor, dim: isize, index: isize) -> Result<Tensor> {
        self.with_part("SelectScatterBackward0", source, Arc::new(move |x: &Tensor| x.select(dim, index)))
    }

    /// A copy with [`Tensor::diagonal`] of it replaced.
    ///
    /// # Errors
    /// As the diagonal, and if the source is of another shape.
    pub fn diagonal_scatter(&self, source: &Tensor, offset: isize, dim1: isize, dim2: isize) -> Result<Tensor> {
        self.with_part("DiagonalScatterBackward0", source, Arc::new(move |x: &Tensor| x.diagonal(offset, dim1, dim2)))
    }

    /// A copy with [`Tensor::as_strided`] of it replaced.
    ///
    /// # Errors
    /// If the layout reaches beyond the storage, and if the source is of another shape.
    pub fn as_strided_scatter(&self, source: &Tensor, layout: Layout) -> Result<Tensor> {
        self.with_part("AsStridedScatterBackward0", source, Arc::new(move |x: &Tensor| x.as_strided(layout.clone())))
    }
}
