//! Indices of one dimension: `index_select` and the operators that write where it reads.

use crate::autograd::{Recorder, no_grad};
use crate::backend::{IndexedDims, Scatter};
use crate::ops::{Operand, UniqueOptions};
use crate::{Array, DType, Error, Layout, MemoryFormat, Result, Scalar, Tensor};

/// The indexed side of a write: the tensor and its dimension, a 0-d tensor as a 1-d one.
fn lined_up(tensor: &Tensor, dim: usize) -> Result<(Array, usize)> {
    let tensor = tensor.detach();
    if tensor.ndim() == 0 { Ok((tensor.reshape(&[1])?.array(), 0)) } else { Ok((tensor.array(), dim)) }
}

/// Writes `values` where `index` points in a dimension; `error` is for an index (the first number)
/// that the size (the second) does not have.
fn put(
    tensor: &Tensor,
    (dim, index, negative): (usize, &Tensor, bool),
    (values, how): (&Tensor, Scatter),
    error: impl Fn(i64, usize) -> Error,
) -> Result<()> {
    let values = lined_up(&values.unaliased(tensor)?, dim)?.0;
    let (to, first) = lined_up(tensor, dim)?;
    let indices = [index.detach().reshape(&[-1])?.array()];
    let error = |at, _, size| error(at, size);
    tensor.backend().index_put(&to, &IndexedDims { first, indices: &indices, negative, error: &error }, &values, how)
}

fn is_index(dtype: DType) -> bool {
    matches!(dtype, DType::I64 | DType::I32)
}

impl Tensor {
    /// The indices of a dimension that a vector names, in its order.
    ///
    /// # Errors
    /// If the index is no vector of int32 or int64, or one is out of range (negative ones are).
    pub fn index_select(&self, dim: isize, index: &Tensor) -> Result<Tensor> {
        let dim = self.dim(dim)?;
        if index.ndim() > 1 {
            return Err(Error::index("index_select(): Index is supposed to be a vector"));
        }
        if !is_index(index.dtype()) {
            return Err(Error::runtime("index_select(): Expected dtype int32 or int64 for index"));
        }
        let mut shape = self.shape();
        if shape.is_empty() {
            if index.numel() != 1 {
                return Err(Error::runtime(format!(
                    "index_select(): Index to scalar can have only 1 value, got {} value(s)",
                    index.numel()
                )));
            }
        } else {
            shape[dim] = index.numel();
        }
        let out = Array::uninit(Layout::contiguous(shape.clone()), self.dtype())?;
        let (from, at) = lined_up(self, dim)?;
        let indices = [index.detach().reshape(&[-1])?.array()];
        let flat = if shape.is_empty() { out.with_layout(Layout::contiguous([1]))? } else { out.clone() };
        let dims = IndexedDims { first: at, indices: &indices, negative: false, error: &|_, _, _| out_of_self() };
        self.backend().index(&from, &dims, &flat)?;
        let out = Tensor::from_array(out);
        if let Some(mut r) = Recorder::new("IndexSelectBackward0", &[self]) {
            let (shape, index) = (self.shape(), r.save(index));
            r.finish(&out, move |ctx, grad| {
                let zeros = Tensor::zeros(shape.clone(), grad.dtype())?;
                Ok(vec![Some(zeros.index_add(dim as isize, &ctx.saved(index)?, grad, 1)?)])
            });
        }
        Ok(out)
    }

    /// A copy to which `source`, times `alpha`, is added where `index` points in dimension `dim`, as
    /// often as it does.
    ///
    /// # Errors
    /// PyTorch's, for an index that is no vector of integers or out of range, and a source of
    /// another dtype or shape.
    pub fn index_add(&self, dim: isize, index: &Tensor, source: &Tensor, alpha: impl Into<Scalar>) -> Result<Tensor> {
        let alpha = alpha.into();
        let dim = self.check_index_add(dim, index, source)?;
        let out = self.detach().clone_in(MemoryFormat::Contiguous)?;
        out.index_add_raw(dim, index, source, alpha)?;
        if let Some(mut r) = Recorder::new("IndexAddBackward0", &[self, source]) {
            let (shape, index) = (source.shape(), r.save(index));
            r.finish(&out, move |ctx, grad| {
                let source = ctx.needs(1).then(|| {
                    let part = grad.index_select(dim as isize, &ctx.saved(index)?)?.expand_to(&shape)?;
                    scaled(&part, alpha)
                });
                Ok(vec![ctx.needs(0).then(|| grad.clone()), source.transpose()?])
            });
        }
        Ok(out)
    }

    /// [`Tensor::index_add`] into this tensor's own memory.
    ///
    /// # Errors
    /// As [`Tensor::index_add`] and for every write in place.
    pub fn index_add_(&self, dim: isize, index: &Tensor, source: &Tensor, alpha: impl Into<Scalar>) -> Result<Tensor> {
        let alpha = alpha.into();
        self.write_directly(
            "index_add_",
            &[source],
            |x| x.index_add(dim, index, source, alpha),
            |x| x.index_add_raw(x.check_index_add(dim, index, source)?, index, source, alpha),
        )
    }

    fn index_add_raw(&self, dim: usize, index: &Tensor, source: &Tensor, alpha: Scalar) -> Result<()> {
        let values = scaled(&source.detach(), alpha)?;
        let scalar = self.ndim() == 0;
        put(self, (dim, index, false), (&values, Scatter::Add), |at, size| {
            if scalar { out_of_self() } else { Error::runtime(out_of_dim(at, dim, size)) }
        })
    }

    fn check_index_add(&self, dim: isize, index: &Tensor, source: &Tensor) -> Result<usize> {
        let dim = self.dim(dim)?;
        if index.ndim() > 1 {
            return Err(Error::index(format!(
                "index_add_(): Index is supposed to be a vector, but got dim: {} with type: {} and size: {}",
                index.ndim(),
                index.dtype().scalar_type_name(),
                index.shape()
            )));
        }
        if !is_index(index.dtype()) {
            return Err(Error::runtime(format!(
                "index_add_(): Expected dtype int32/int64 for index but got: {}",
                index.dtype().scalar_type_name()
            )));
        }
        if self.dtype() != source.dtype() {
            return Err(Error::runtime(format!(
                "index_add_(): self ({}) and source ({}) must have the same scalar type",
                self.dtype().scalar_type_name(),
                source.dtype().scalar_type_name()
            )));
        }
        let (own, given) = (self.shape(), source.shape());
        let count = given.get(dim).copied().unwrap_or(1);
        if count != index.numel() {
            return Err(Error::runtime(format!(
                "index_add_(): Number of indices ({}) should be equal to source.size(dim): ({count}), for dim: {dim}",
                index.numel()
            )));
        }
        let fits = own.len() == given.len() && (0..own.len()).all(|d| d == dim || own[d] == given[d]);
        if !fits {
            return Err(Error::runtime(format!(
                "source tensor shape must match self tensor shape, excluding the specified dimension. Got self.shape = {own} source.shape = {given}"
            )));
        }
        Ok(dim)
    }

    /// A copy in which the indices of dimension `dim` that `index` names are those of `source`.
    ///
    /// # Errors
    /// PyTorch's, as for [`Tensor::index_add`].
    pub fn index_copy(&self, dim: isize, index: &Tensor, source: &Tensor) -> Result<Tensor> {
        let dim = self.check_index_copy(dim, index, source)?;
        let out = self.detach().clone_in(MemoryFormat::Contiguous)?;
        out.index_copy_raw(dim, index, source)?;
        if let Some(mut r) = Recorder::new("IndexCopyBackward0", &[self, source]) {
            let (shape, index) = (source.shape(), r.save(index));
            r.finish(&out, move |ctx, grad| {
                let index = ctx.saved(index)?;
                let own = ctx.needs(0).then(|| grad.index_fill(dim as isize, &index, 0));
                let source = ctx.needs(1).then(|| grad.index_select(dim as isize, &index)?.reshape_to(&shape));
                Ok(vec![own.transpose()?, source.transpose()?])
            });
        }
        Ok(out)
    }

    /// [`Tensor::index_copy`] into this tensor's own memory.
    ///
    /// # Errors
    /// As [`Tensor::index_copy`] and for every write in place.
    pub fn index_copy_(&self, dim: isize, index: &Tensor, source: &Tensor) -> Result<Tensor> {
        self.write_directly(
            "index_copy_",
            &[source],
            |x| x.index_copy(dim, index, source),
            |x| x.index_copy_raw(x.check_index_copy(dim, index, source)?, index, source),
        )
    }

    fn index_copy_raw(&self, dim: usize, index: &Tensor, source: &Tensor) -> Result<()> {
        put(self, (dim, index, false), (source, Scatter::Replace), |at, size| {
            Error::index(format!("index_copy_(): {}", out_of_dim(at, dim, size)))
        })
    }

    fn check_index_copy(&self, dim: isize, index: &Tensor, source: &Tensor) -> Result<usize> {
        let dim = self.dim(dim)?;
        let (own, given) = (self.shape(), source.shape());
        if index.ndim() > 1 {
            return Err(Error::index(format!(
                "index_copy_(): Index should have dimension 1 or 0 (got {})",
                index.ndim()
            )));
        }
        if given.is_empty() && index.numel() != 1 {
            return Err(Error::index(format!(
                "index_copy_(): When source is scalar, index should have one element (got {})",
                index.numel()
            )));
        }
        if own.len() != given.len() && !own.is_empty() && !given.is_empty() {
            return Err(Error::index(format!(
                "index_copy_(): When source and destination are not scalars, their dimensionality must match. Source dimensionality ({}), destination dimensionality ({})",
                given.len(),
                own.len()
            )));
        }
        if index.dtype() != DType::I64 {
            return Err(Error::runtime(format!(
                "index_copy_(): Expected a long tensor for index, but got {}",
                index.dtype().scalar_type_name()
            )));
        }
        if self.dtype() != source.dtype() {
            return Err(Error::runtime(format!(
                "index_copy_(): self and source expected to have the same dtype, but got (self) {} and (source) {}",
                self.dtype().scalar_type_name(),
                source.dtype().scalar_type_name()
            )));
        }
        let slice = |shape: &[usize]| -> Vec<usize> {
            shape.iter().enumerate().filter(|(d, _)| *d != dim).map(|(_, &size)| size).collect()
        };
        let (to, from) = (slice(&own), slice(&given));
        if to != from {
            let words = |sizes: &[usize]| sizes.iter().map(usize::to_string).collect::<Vec<_>>().join(" ");
            return Err(Error::runtime(format!(
                "index_copy_(): Source/destination tensor must have same slice shapes. Destination slice shape: {} at dimension {dim} and source slice shape: {} at dimension 0.",
                words(&to),
                words(&from)
            )));
        }
        let count = given.get(dim).copied().unwrap_or(1);
        if index.numel() != count {
            return Err(Error::index(format!(
                "index_copy_(): Number of indices ({}) should be equal to source.size(dim) ({count})",
                index.numel()
            )));
        }
        Ok(dim)
    }

    /// A copy in which the indices of dimension `dim` that `index` names are filled with a number
    /// (or a tensor without dimensions).
    ///
    /// # Errors
    /// If the index is no int64 vector or out of range, or the value has dimensions.
    pub fn index_fill(&self, dim: isize, index: &Tensor, value: impl Into<Operand>) -> Result<Tensor> {
        let value = value.into();
        let dim = self.check_index_fill(dim, index, &value)?;
        let out = self.detach().copy()?;
        out.index_fill_raw(dim, index, &value)?;
        match value {
            Operand::Scalar(_) => {
                if let Some(mut r) = Recorder::new("IndexFillBackward0", &[self]) {
                    let index = r.save(index);
                    r.finish(&out, move |ctx, grad| {
                        Ok(vec![Some(grad.index_fill(dim as isize, &ctx.saved(index)?, 0)?)])
                    });
                }
            }
            Operand::Tensor(value) => {
                if let Some(mut r) = Recorder::new("IndexFillBackward1", &[self, &value]) {
                    let (index, dtype) = (r.save(index), value.dtype());
                    r.finish(&out, move |ctx, grad| {
                        let index = ctx.saved(index)?;
                        let own = ctx.needs(0).then(|| grad.index_fill(dim as isize, &index, 0));
                        // An index that is named twice was still filled once.
                        let value = ctx.needs(1).then(|| {
                            let once =
                                no_grad(|| index.unique(UniqueOptions { inverse: false, counts: false }))?.values;
                            grad.index_select(dim as isize, &once)?.sum()?.to_dtype(dtype)
                        });
                        Ok(vec![own.transpose()?, value.transpose()?])
                    });
                }
            }
        }
        Ok(out)
    }

    /// [`Tensor::index_fill`] into this tensor's own memory.
    ///
    /// # Errors
    /// As [`Tensor::index_fill`] and for every write in place.
    pub fn index_fill_(&self, dim: isize, index: &Tensor, value: impl Into<Operand>) -> Result<Tensor> {
        let value = value.into();
        let others: Vec<&Tensor> = value.tensor().into_iter().collect();
        self.write_directly(
            "index_fill_",
            &others,
            |x| x.index_fill(dim, index, value.clone()),
            |x| x.index_fill_raw(x.check_index_fill(dim, index, &value)?, index, &value),
        )
    }

    fn index_fill_raw(&self, dim: usize, index: &Tensor, value: &Operand) -> Result<()> {
        let value = match value {
            Operand::Scalar(number) => Tensor::full([], *number, self.dtype())?,
            Operand::Tensor(value) => value.detach().to_dtype(self.dtype())?,
        };
        let mut shape = self.shape();
        if !shape.is_empty() {
            shape[dim] = index.numel();
        }
        put(self, (dim, index, true), (&value.expand_to(&shape)?, Scatter::Replace), |at, size| {
            Error::index(out_of_dim(at, dim, size))
        })
    }

    fn check_index_fill(&self, dim: isize, index: &Tensor, value: &Operand) -> Result<usize> {
        if let Some(value) = value.tensor().filter(|v| v.ndim() != 0) {
            return Err(Error::runtime(format!(
                "index_fill_ only supports a 0-dimensional value tensor, but got tensor with {} dimension(s).",
                value.ndim()
            )));
        }
        if index.dtype() != DType::I64 {
            return Err(Error::index("index_fill_(): Expected dtype int64 for index."));
        }
        let dim = self.dim(dim)?;
        if index.ndim() > 1 {
            return Err(Error::runtime("Index has to be a vector/scalar"));
        }
        Ok(dim)
    }
}

pub(super) fn out_of_self() -> Error {
    Error::index("index out of range in self")
}

fn out_of_dim(at: i64, dim: usize, size: usize) -> String {
    format!("index {at} is out of bounds for dimension {dim} with size {size}")
}

/// A tensor times a number, itself if that is 1.
fn scaled(tensor: &Tensor, alpha: Scalar) -> Result<Tensor> {
    if alpha.to_f64() == 1.0 {
        return Ok(tensor.clone());
    }
    tensor.mul(if tensor.dtype().is_differentiable() { alpha } else { Scalar::Int(alpha.to_i64()) })
}
