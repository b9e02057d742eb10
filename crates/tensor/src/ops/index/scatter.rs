//! Writing where `gather` would read.

use super::along::one_dim;
use crate::autograd::Recorder;
use crate::backend::Scatter;
use crate::ops::Operand;
use crate::{DType, Error, MemoryFormat, Result, Scalar, Tensor};

/// Checks index and source of a scatter as PyTorch does, and wraps the dimension.
pub(super) fn check_scatter(tensor: &Tensor, dim: isize, index: &Tensor, source: Option<&Tensor>) -> Result<usize> {
    let dim = tensor.dim(dim)?;
    if !matches!(index.dtype(), DType::I64 | DType::I32) {
        return Err(Error::runtime("scatter(): Expected dtype int32/int64 for index"));
    }
    if let Some(source) = source.filter(|s| s.dtype() != tensor.dtype()) {
        let _ = source;
        return Err(Error::runtime("scatter(): Expected self.dtype to be equal to src.dtype"));
    }
    let (shape, own) = (index.shape(), tensor.shape());
    if shape.contains(&0) {
        return Ok(dim);
    }
    if own.len().max(1) != shape.len().max(1) {
        return Err(Error::runtime("Index tensor must have the same number of dimensions as self tensor"));
    }
    let beyond_self = (0..shape.len().min(own.len())).any(|d| d != dim && shape[d] > own[d]);
    let Some(source) = source else {
        if beyond_self {
            return Err(Error::runtime(format!(
                "Expected index {shape} to be no larger than self {own} apart from dimension {dim}"
            )));
        }
        return Ok(dim);
    };
    let given = source.shape();
    if given.len().max(1) != shape.len().max(1) {
        return Err(Error::runtime("Index tensor must have the same number of dimensions as src tensor"));
    }
    if beyond_self || (0..shape.len().min(given.len())).any(|d| shape[d] > given[d]) {
        return Err(Error::runtime(format!(
            "Expected index {shape} to be no larger than self {own} apart from dimension {dim} and to be no larger size than src {given}"
        )));
    }
    Ok(dim)
}

/// The part of a scatter's source that its index covers.
pub(super) fn covered(source: &Tensor, index: &Tensor) -> Result<Tensor> {
    let shape = index.shape();
    let mut part = source.clone();
    for dim in 0..part.ndim().min(shape.len()) {
        if part.shape()[dim] != shape[dim] {
            part = part.narrow(dim as isize, 0, shape[dim])?;
        }
    }
    Ok(part)
}

/// A gradient of the covered part as one of the whole source.
pub(super) fn uncovered(grad: &Tensor, shape: &crate::Shape) -> Result<Tensor> {
    if grad.shape() == *shape {
        return Ok(grad.clone());
    }
    let part = grad.shape();
    let place: crate::ops::ViewFn = std::sync::Arc::new(move |whole: &Tensor| {
        let mut out = whole.clone();
        for (dim, &size) in part.iter().enumerate().take(out.ndim()) {
            out = out.narrow(dim as isize, 0, size)?;
        }
        Ok(out)
    });
    grad.embed(shape, "ScatterBackward0", &place)
}

impl Tensor {
    /// Writes into this tensor's memory, without a record and without a version bump.
    pub(super) fn scatter_raw(&self, dim: usize, index: &Tensor, source: &Operand, how: Scatter) -> Result<()> {
        if index.numel() == 0 {
            return Ok(());
        }
        let values = match source {
            Operand::Tensor(source) => source.unaliased(self)?,
            Operand::Scalar(number) => Tensor::full([], *number, self.dtype())?.expand_to(&index.shape())?,
        };
        let index = index.unaliased(self)?;
        self.backend().scatter(
            &one_dim(&self.array())?,
            dim,
            &one_dim(&index.array())?,
            &one_dim(&values.array())?,
            how,
        )
    }

    /// A copy in which `src` (a tensor, or a number) is written where [`Tensor::gather`] would read;
    /// the last one where several meet.
    ///
    /// # Errors
    /// PyTorch's, for dtypes and shapes that do not fit and an index out of range.
    pub fn scatter(&self, dim: isize, index: &Tensor, src: impl Into<Operand>) -> Result<Tensor> {
        let src = src.into();
        let dim = check_scatter(self, dim, index, src.tensor())?;
        let out = self.detach().clone_in(MemoryFormat::Contiguous)?;
        out.scatter_raw(dim, index, &src, Scatter::Replace)?;
        let dim = dim as isize;
        match &src {
            Operand::Scalar(_) => {
                if let Some(mut r) = Recorder::new("ScatterBackward1", &[self]) {
                    let index = r.save(index);
                    r.finish(&out, move |ctx, grad| Ok(vec![Some(grad.scatter(dim, &ctx.saved(index)?, 0)?)]));
                }
            }
            Operand::Tensor(source) => {
                if let Some(mut r) = Recorder::new("ScatterBackward0", &[self, source]) {
                    let (index, shape) = (r.save(index), source.shape());
                    r.finish(&out, move |ctx, grad| {
                        let index = ctx.saved(index)?;
                        let own = ctx.needs(0).then(|| grad.scatter(dim, &index, 0)).transpose()?;
                        let source = ctx.needs(1).then(|| uncovered(&grad.gather(dim, &index)?, &shape)).transpose()?;
                        Ok(vec![own, source])
                    });
                }
            }
        }
        Ok(out)
    }

    /// [`Tensor::scatter`] into this tensor's own memory.
    ///
    /// # Errors
    /// As [`Tensor::scatter`] and for every write in place.
    pub fn scatter_(&self, dim: isize, index: &Tensor, src: impl Into<Operand>) -> Result<Tensor> {
        let src = src.into();
        let others: Vec<&Tensor> = src.tensor().into_iter().collect();
        self.write_directly(
            "scatter_",
            &others,
            |x| x.scatter(dim, index, src.clone()),
            |x| x.scatter_raw(check_scatter(x, dim, index, src.tensor())?, index, &src, Scatter::Replace),
        )
    }

    /// A copy to which `src` is added where [`Tensor::gather`] would read, as often as it would.
    ///
    /// # Errors
    /// As [`Tensor::scatter`].
    pub fn scatter_add(&self, dim: isize, index: &Tensor, src: &Tensor) -> Result<Tensor> {
        let dim = check_scatter(self, dim, index, Some(src))?;
        let out = self.detach().clone_in(MemoryFormat::Contiguous)?;
        out.scatter_raw(dim, index, &src.into(), Scatter::Add)?;
        if let Some(mut r) = Recorder::new("ScatterAddBackward0", &[self, src]) {
            let (index, shape) = (r.save(index), src.shape());
            r.finish(&out, move |ctx, grad| {
                let source = ctx.needs(1).then(|| uncovered(&grad.gather(dim as isize, &ctx.saved(index)?)?, &shape));
                Ok(vec![ctx.needs(0).then(|| grad.clone()), source.transpose()?])
            });
        }
        Ok(out)
    }

    /// [`Tensor::scatter_add`] into this tensor's own memory.
    ///
    /// # Errors
    /// As [`Tensor::scatter_add`] and for every write in place.
    pub fn scatter_add_(&self, dim: isize, index: &Tensor, src: &Tensor) -> Result<Tensor> {
        self.write_directly(
            "scatter_add_",
            &[src],
            |x| x.scatter_add(dim, index, src),
            |x| x.scatter_raw(check_scatter(x, dim, index, Some(src))?, index, &src.into(), Scatter::Add),
        )
    }

    /// PyTorch's older `scatter(…, reduce="add" | "multiply")`, which has no gradient.
    ///
    /// # Errors
    /// As [`Tensor::scatter`], and if `reduce` is another word.
    pub fn scatter_with(&self, dim: isize, index: &Tensor, src: impl Into<Operand>, reduce: &str) -> Result<Tensor> {
        let src = src.into();
        let dim = check_scatter(self, dim, index, src.tensor())?;
        let how = match reduce {
            "add" => Scatter::Add,
            "multiply" => Scatter::Multiply,
            _ => return Err(Error::runtime("reduce argument must be either add or multiply.")),
        };
        let out = self.detach().clone_in(MemoryFormat::Contiguous)?;
        out.scatter_raw(dim, index, &src, how)?;
        let inputs: Vec<&Tensor> = std::iter::once(self).chain(src.tensor()).collect();
        if let Some(r) = Recorder::new("NotImplemented", &inputs) {
            r.finish(&out, |_, _| Err(Error::not_implemented("derivative for aten::scatter is not implemented")));
        }
        Ok(out)
    }

    /// [`Tensor::scatter_with`] into this tensor's own memory.
    ///
    /// # Errors
    /// As [`Tensor::scatter_with`] and for every write in place.
    pub fn scatter_with_(&self, dim: isize, index: &Tensor, src: impl Into<Operand>, reduce: &str) -> Result<Tensor> {
        let src = src.into();
        self.write_in_place("scatter_", |x| x.scatter_with(dim, index, src, reduce))
    }
}

/// The number that leaves a reduction as it is.
pub(super) fn identity(how: Scatter, dtype: DType) -> Scalar {
    let (least, most) = match dtype {
        DType::Bool => (0, 1),
        DType::U8 => (0, 255),
        DType::I8 => (i64::from(i8::MIN), i64::from(i8::MAX)),
        DType::I16 => (i64::from(i16::MIN), i64::from(i16::MAX)),
        DType::I32 => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => (i64::MIN, i64::MAX),
    };
    match how {
        Scatter::Replace | Scatter::Add => Scalar::Int(0),
        Scatter::Multiply => Scalar::Int(1),
        Scatter::Maximum if dtype.is_floating_point() => Scalar::Float(f64::NEG_INFINITY),
        Scatter::Minimum if dtype.is_floating_point() => Scalar::Float(f64::INFINITY),
        Scatter::Maximum => Scalar::Int(least),
        Scatter::Minimum => Scalar::Int(most),
    }
}
