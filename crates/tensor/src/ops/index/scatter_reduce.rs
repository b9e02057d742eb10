//! Reductions of everything that an index sends to one place.

use super::scatter::{check_scatter, covered, identity, uncovered};
use crate::autograd::Recorder;
use crate::backend::Scatter;
use crate::ops::where_;
use crate::{DType, Error, MemoryFormat, Result, Tensor};

/// How the numbers that meet in one place are reduced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScatterReduce {
    /// Their sum.
    Sum,
    /// Their product.
    Prod,
    /// Their mean.
    Mean,
    /// The largest.
    Amax,
    /// The smallest.
    Amin,
}

impl std::str::FromStr for ScatterReduce {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Ok(match name {
            "sum" => Self::Sum,
            "prod" => Self::Prod,
            "mean" => Self::Mean,
            "amax" => Self::Amax,
            "amin" => Self::Amin,
            _ => {
                return Err(Error::runtime(format!(
                    "reduce argument must be either sum, prod, mean, amax or amin, got {name}"
                )));
            }
        })
    }
}

impl ScatterReduce {
    fn step(self) -> Scatter {
        match self {
            Self::Sum | Self::Mean => Scatter::Add,
            Self::Prod => Scatter::Multiply,
            Self::Amax => Scatter::Maximum,
            Self::Amin => Scatter::Minimum,
        }
    }
}

/// How many numbers meet in each place; 1 where there are none.
fn counts(like: &Tensor, dim: isize, index: &Tensor, include_self: bool) -> Result<Tensor> {
    let like = like.detach();
    let start = if include_self { like.ones_like(None)? } else { like.zeros_like(None)? };
    let ones = Tensor::ones(index.shape(), like.dtype())?;
    let counts = start.scatter_add(dim, index, &ones)?;
    let none = counts.eq(0)?;
    counts.masked_fill(&none, 1)
}

impl Tensor {
    /// A copy in which each place holds the reduction of the numbers of `src` that `index` sends
    /// there and, with `include_self`, of what it held.
    ///
    /// # Errors
    /// As [`Tensor::scatter`].
    pub fn scatter_reduce(
        &self,
        dim: isize,
        index: &Tensor,
        src: &Tensor,
        reduce: ScatterReduce,
        include_self: bool,
    ) -> Result<Tensor> {
        let dim = check_scatter(self, dim, index, Some(src))?;
        let out = self.detach().clone_in(MemoryFormat::Contiguous)?;
        let how = reduce.step();
        if !include_self {
            out.scatter_raw(dim, index, &identity(how, self.dtype()).into(), Scatter::Replace)?;
        }
        out.scatter_raw(dim, index, &src.into(), how)?;
        let dim = dim as isize;
        let out = if reduce == ScatterReduce::Mean {
            let counts = counts(&out, dim, index, include_self)?;
            let rounding = (!self.dtype().is_floating_point()).then_some(crate::ops::RoundingMode::Floor);
            out.div_rounded(&counts, rounding)?
        } else {
            out
        };
        if let Some(mut r) = Recorder::new("ScatterReduceBackward0", &[self, src]) {
            let (own, source, index) = (r.save(self), r.save(src), r.save(index));
            let result = r.save_output(&out, 0);
            r.finish(&out, move |ctx, grad| {
                let saved = Saved {
                    own: ctx.saved(own)?,
                    source: ctx.saved(source)?,
                    index: ctx.saved(index)?,
                    result: ctx.saved(result)?,
                    dim,
                    include_self,
                };
                let (own, source) = saved.gradients(grad, reduce)?;
                Ok(vec![Some(own), Some(source)])
            });
        }
        Ok(out)
    }

    /// [`Tensor::scatter_reduce`] into this tensor's own memory.
    ///
    /// # Errors
    /// As [`Tensor::scatter_reduce`] and for every write in place.
    pub fn scatter_reduce_(
        &self,
        dim: isize,
        index: &Tensor,
        src: &Tensor,
        reduce: ScatterReduce,
        include_self: bool,
    ) -> Result<Tensor> {
        self.write_in_place("scatter_reduce_", |x| x.scatter_reduce(dim, index, src, reduce, include_self))
    }
}

/// What the gradients of a scattered reduction are made of.
struct Saved {
    own: Tensor,
    source: Tensor,
    index: Tensor,
    result: Tensor,
    dim: isize,
    include_self: bool,
}

impl Saved {
    /// What `tensor` holds in each number's place.
    fn seen(&self, tensor: &Tensor) -> Result<Tensor> {
        tensor.gather(self.dim, &self.index)
    }

    /// For each place, the sum of `numbers` sent there.
    fn total(&self, numbers: &Tensor) -> Result<Tensor> {
        Tensor::zeros(self.own.shape(), numbers.dtype())?.scatter_add(self.dim, &self.index, numbers)
    }

    fn gradients(&self, grad: &Tensor, reduce: ScatterReduce) -> Result<(Tensor, Tensor)> {
        let source = covered(&self.source, &self.index)?;
        let (own, given) = match reduce {
            ScatterReduce::Sum => (grad.clone(), self.seen(grad)?),
            ScatterReduce::Mean => {
                let counts = counts(grad, self.dim, &self.index, self.include_self)?;
                (grad.div(&counts)?, self.seen(grad)?.div(&self.seen(&counts)?)?)
            }
            ScatterReduce::Amax | ScatterReduce::Amin => {
                let dtype = grad.dtype();
                // Those that are the result share its gradient.
                let own_is_it = self.own.eq(&self.result)?.to_dtype(dtype)?;
                let source_is_it = source.eq(&self.seen(&self.result)?)?.to_dtype(dtype)?;
                let share = grad.div(&own_is_it.add(&self.total(&source_is_it)?)?)?;
                (own_is_it.mul(&share)?, source_is_it.mul(&self.seen(&share)?)?)
            }
            ScatterReduce::Prod => self.product_gradients(grad, &source)?,
        };
        let own = if self.include_self { own } else { own.scatter(self.dim, &self.index, 0)? };
        Ok((own, uncovered(&given, &self.source.shape())?))
    }

    /// The gradient of a factor is the product of the others: the result divided by the factor or,
    /// where the factor is the only zero, the product with a 1 in its place.
    fn product_gradients(&self, grad: &Tensor, source: &Tensor) -> Result<(Tensor, Tensor)> {
        let product = |own: &Tensor, source: &Tensor| {
            own.scatter_reduce(self.dim, &self.index, source, ScatterReduce::Prod, self.include_self)
        };
        let own = self.own.masked_fill(&self.own.eq(0)?, 1)?;
        let grad_own = grad.mul(&product(&own, source)?)?.div(&own)?;
        let is_zero = source.eq(0)?;
        let zeros = self.seen(&self.total(&is_zero.to_dtype(DType::I64)?)?)?;
        let only_zero = is_zero.mul(&zeros.eq(1)?)?;
        let others = product(&self.own, &source.masked_fill(&only_zero, 1)?)?;
        let at_zero = self.seen(&grad.mul(&others)?)?;
        let elsewhere = self.seen(&grad.mul(&self.result)?)?.div(&source.masked_fill(&is_zero, 1)?)?;
        Ok((grad_own, where_(&only_zero, &at_zero, &elsewhere)?))
    }
}
