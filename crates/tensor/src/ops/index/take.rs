//! A tensor indexed as if it were flat.

use crate::autograd::Recorder;
use crate::backend::{IndexedDims, Scatter};
use crate::{Array, DType, Error, Layout, Result, Tensor};

fn out_of_range(at: i64, _number: usize, size: usize) -> Error {
    Error::index(format!("out of range: tried to access index {at} on a tensor of {size} elements."))
}

fn flat(indices: &[Array]) -> IndexedDims<'_> {
    IndexedDims { first: 0, indices, negative: true, error: &out_of_range }
}

impl Tensor {
    /// The elements that the index names in the flattened tensor, in the index's shape.
    ///
    /// # Errors
    /// If the index is not int64 or out of range.
    pub fn take(&self, index: &Tensor) -> Result<Tensor> {
        if index.dtype() != DType::I64 {
            return Err(Error::runtime(format!(
                "take(): Expected a long tensor for index, but got {}",
                index.dtype().scalar_type_name()
            )));
        }
        if self.numel() == 0 && index.numel() != 0 {
            return Err(Error::index("take(): tried to take from an empty tensor"));
        }
        let out = Array::uninit(Layout::contiguous(index.shape()), self.dtype())?;
        let from = self.detach().reshape(&[-1])?.array();
        self.backend().index(&from, &flat(&[index.array()]), &out)?;
        let out = Tensor::from_array(out);
        if let Some(mut r) = Recorder::new("TakeBackward0", &[self]) {
            let (shape, index) = (self.shape(), r.save(index));
            r.finish(&out, move |ctx, grad| {
                let zeros = Tensor::zeros(shape.clone(), grad.dtype())?;
                Ok(vec![Some(zeros.put(&ctx.saved(index)?, grad, true)?)])
            });
        }
        Ok(out)
    }

    /// A copy in which the elements that the index names in the flattened tensor are those of
    /// `source` or, with `accumulate`, have these added.
    ///
    /// # Errors
    /// If the index is not int64 or out of range, or the source of another dtype or length.
    pub fn put(&self, index: &Tensor, source: &Tensor, accumulate: bool) -> Result<Tensor> {
        if index.dtype() != DType::I64 {
            return Err(Error::runtime(format!(
                "put_(): Expected a long tensor for index, but got {}",
                index.dtype().scalar_type_name()
            )));
        }
        if self.dtype() != source.dtype() {
            return Err(Error::runtime(format!(
                "put_(): self and source expected to have the same dtype, but got self.dtype = {} and source.dtype = {}",
                self.dtype().scalar_type_name(),
                source.dtype().scalar_type_name()
            )));
        }
        if index.numel() != source.numel() {
            return Err(Error::index(format!(
                "put_(): Expected source and index to have the same number of elements, but got source.numel() = {}, index.numel() = {}",
                source.numel(),
                index.numel()
            )));
        }
        if self.numel() == 0 && index.numel() != 0 {
            return Err(Error::index("put_(): Tried to put elements into an empty tensor"));
        }
        let whole = self.detach().clone_in(crate::MemoryFormat::Contiguous)?;
        let to = whole.reshape(&[-1])?.array();
        let how = if accumulate { Scatter::Add } else { Scatter::Replace };
        let values = source.detach().reshape(&[-1])?.array();
        let places = index.detach().reshape(&[-1])?.array();
        self.backend().index_put(&to, &flat(&[places]), &values, how)?;
        // The elements were counted in row-major order; the result keeps this tensor's strides.
        let out = if self.is_contiguous() {
            whole
        } else {
            let kept = self.detach().empty_like(None)?;
            kept.copy_raw(&whole)?;
            kept
        };
        if let Some(mut r) = Recorder::new("PutBackward0", &[self, source]) {
            let (shape, index) = (source.shape(), r.save(index));
            r.finish(&out, move |ctx, grad| {
                let index = ctx.saved(index)?;
                let own = ctx.needs(0).then(|| match accumulate {
                    true => Ok(grad.clone()),
                    false => grad.put(&index, &Tensor::zeros(index.shape(), grad.dtype())?, false),
                });
                let source = ctx.needs(1).then(|| grad.take(&index)?.reshape_to(&shape));
                Ok(vec![own.transpose()?, source.transpose()?])
            });
        }
        Ok(out)
    }

    /// [`Tensor::put`] into this tensor's own memory.
    ///
    /// # Errors
    /// As [`Tensor::put`] and for every write in place.
    pub fn put_(&self, index: &Tensor, source: &Tensor, accumulate: bool) -> Result<Tensor> {
        self.write_in_place("put_", |x| x.put(index, source, accumulate))
    }
}
