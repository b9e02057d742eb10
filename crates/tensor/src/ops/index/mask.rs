//! Elements picked by truth values.

use crate::autograd::Recorder;
use crate::ops::elementwise::{broadcast_layout, broadcast_pair};
use crate::ops::{Operand, where_};
use crate::{DType, Error, MemoryFormat, Result, Scalar, Tensor};

impl Tensor {
    /// A copy in which a number (or a tensor without dimensions) stands wherever the mask is true.
    /// The mask and this tensor broadcast.
    ///
    /// # Errors
    /// If the mask is not of truth values, the value has dimensions, or shapes do not broadcast.
    pub fn masked_fill(&self, mask: &Tensor, value: impl Into<Operand>) -> Result<Tensor> {
        let value = value.into();
        let number = check_fill(mask, &value)?;
        let shape = broadcast_pair(&mask.shape(), &self.shape())?;
        let input = if self.shape() == shape { self.clone() } else { self.expand_to(&shape)? };
        let out = input.detach().clone_in(MemoryFormat::Contiguous)?;
        out.masked_fill_raw(mask, number)?;
        match value {
            Operand::Scalar(_) => {
                if let Some(mut r) = Recorder::new("MaskedFillBackward0", &[&input]) {
                    let mask = r.save(mask);
                    r.finish(&out, move |ctx, grad| Ok(vec![Some(grad.masked_fill(&ctx.saved(mask)?, 0)?)]));
                }
            }
            Operand::Tensor(value) => {
                if let Some(mut r) = Recorder::new("MaskedFillBackward1", &[&input, &value]) {
                    let (mask, dtype) = (r.save(mask), value.dtype());
                    r.finish(&out, move |ctx, grad| {
                        let mask = ctx.saved(mask)?;
                        let own = ctx.needs(0).then(|| grad.masked_fill(&mask, 0)).transpose()?;
                        let value = ctx.needs(1).then(|| where_(&mask, grad, 0.0)?.sum()?.to_dtype(dtype));
                        Ok(vec![own, value.transpose()?])
                    });
                }
            }
        }
        Ok(out)
    }

    /// [`Tensor::masked_fill`] into this tensor's own memory.
    ///
    /// # Errors
    /// As [`Tensor::masked_fill`], if the mask does not broadcast to this shape, and for every write
    /// in place.
    pub fn masked_fill_(&self, mask: &Tensor, value: impl Into<Operand>) -> Result<Tensor> {
        let value = value.into();
        let others: Vec<&Tensor> = value.tensor().into_iter().collect();
        self.write_directly(
            "masked_fill_",
            &others,
            |x| x.masked_fill(mask, value.clone()),
            |x| x.masked_fill_raw(&mask.unaliased(x)?, check_fill(mask, &value)?),
        )
    }

    fn masked_fill_raw(&self, mask: &Tensor, value: Scalar) -> Result<()> {
        check_target(self, mask)?;
        let (to, mask) = (self.array(), mask.array());
        let mask = mask.with_layout(broadcast_layout(mask.layout(), to.shape()))?;
        self.backend().masked_fill(&to, &mask, value)
    }

    /// The elements where the mask is true, in row-major order. The mask and this tensor broadcast.
    ///
    /// # Errors
    /// If the mask is not of truth values or shapes do not broadcast.
    pub fn masked_select(&self, mask: &Tensor) -> Result<Tensor> {
        if mask.dtype() != DType::Bool {
            return Err(Error::runtime("masked_select: expected BoolTensor for mask"));
        }
        let shape = broadcast_pair(&mask.shape(), &self.shape())?;
        let (input, mask) = (self.expand_to(&shape)?, mask.expand_to(&shape)?);
        let at = mask.reshape(&[-1])?.nonzero()?.reshape(&[-1])?;
        let out = input.detach().reshape(&[-1])?.index_select(0, &at)?;
        if let Some(mut r) = Recorder::new("MaskedSelectBackward0", &[&input]) {
            let mask = r.save(&mask);
            r.finish(&out, move |ctx, grad| {
                let zeros = Tensor::zeros(shape.clone(), grad.dtype())?;
                Ok(vec![Some(zeros.masked_scatter(&ctx.saved(mask)?, grad)?)])
            });
        }
        Ok(out)
    }

    /// A copy in which the elements where the mask is true are those of `source`, one after the other.
    ///
    /// # Errors
    /// If the mask is not of truth values, the source of another dtype or too short, or shapes do
    /// not broadcast.
    pub fn masked_scatter(&self, mask: &Tensor, source: &Tensor) -> Result<Tensor> {
        if mask.dtype() != DType::Bool {
            return Err(Error::runtime(format!(
                "masked_scatter_ only supports boolean masks, but got mask with dtype {}",
                mask.dtype().scalar_type_name()
            )));
        }
        if self.dtype() != source.dtype() {
            return Err(Error::runtime(format!(
                "masked_scatter: expected self and source to have same dtypes but got{} and {}",
                self.dtype().scalar_type_name(),
                source.dtype().scalar_type_name()
            )));
        }
        let shape = broadcast_pair(&mask.shape(), &self.shape())?;
        let (input, mask) = (self.expand_to(&shape)?, mask.expand_to(&shape)?);
        let at = mask.reshape(&[-1])?.nonzero()?.reshape(&[-1])?;
        if source.numel() < at.numel() {
            return Err(Error::runtime("Number of elements of source < number of ones in mask"));
        }
        let out = input.detach().clone_in(MemoryFormat::Contiguous)?;
        let values = source.detach().reshape(&[-1])?.narrow(0, 0, at.numel())?;
        out.reshape(&[-1])?.index_copy_(0, &at, &values)?;
        if let Some(mut r) = Recorder::new("MaskedScatterBackward0", &[&input, source]) {
            let (mask, given) = (r.save(&mask), source.shape());
            r.finish(&out, move |ctx, grad| {
                let mask = ctx.saved(mask)?;
                let own = ctx.needs(0).then(|| grad.masked_fill(&mask, 0)).transpose()?;
                let source = ctx.needs(1).then(|| {
                    let used = grad.masked_select(&mask)?;
                    let rest = Tensor::zeros([given.numel() - used.numel()], used.dtype())?;
                    crate::ops::cat(&[&used, &rest], 0)?.reshape_to(&given)
                });
                Ok(vec![own, source.transpose()?])
            });
        }
        Ok(out)
    }

    /// [`Tensor::masked_scatter`] into this tensor's own memory.
    ///
    /// # Errors
    /// As [`Tensor::masked_scatter`] and for every write in place.
    pub fn masked_scatter_(&self, mask: &Tensor, source: &Tensor) -> Result<Tensor> {
        check_target(self, mask)?;
        self.write_in_place("masked_scatter_", |x| x.masked_scatter(mask, source))
    }
}

/// The number to fill with, if value and mask will do.
fn check_fill(mask: &Tensor, value: &Operand) -> Result<Scalar> {
    if let Some(value) = value.tensor().filter(|v| v.ndim() != 0) {
        return Err(Error::runtime(format!(
            "masked_fill_ only supports a 0-dimensional value tensor, but got tensor with {} dimension(s).",
            value.ndim()
        )));
    }
    if mask.dtype() != DType::Bool {
        return Err(Error::runtime(format!(
            "masked_fill_ only supports boolean masks, but got mask with dtype {}",
            mask.dtype().c_name()
        )));
    }
    match value {
        Operand::Scalar(number) => Ok(*number),
        Operand::Tensor(value) => value.item(),
    }
}

/// A mask of an in-place operator must not be larger than its target.
fn check_target(target: &Tensor, mask: &Tensor) -> Result<()> {
    let shape = target.shape();
    let common = broadcast_pair(&shape, &mask.shape())?;
    if common == shape {
        return Ok(());
    }
    Err(Error::shape(format!("output with shape {shape} doesn't match the broadcast shape {common}")))
}
