//! Products.

use super::{reduce_raw, restore_dims, sum_dtype, wrap_dims};
use crate::autograd::Recorder;
use crate::backend::ReduceOp;
use crate::ops::cat;
use crate::{DType, Result, Tensor};

/// For each element along a dimension, the product of all others: pairs are multiplied, the same is
/// asked of the products, and each partner multiplied in. Nothing is divided, so zeros do no harm.
fn product_of_others(x: &Tensor, dim: isize) -> Result<Tensor> {
    let n = x.size(dim)?;
    if n <= 1 {
        return x.ones_like(x.dtype());
    }
    let half = n.div_ceil(2);
    let first = x.narrow(dim, 0, half)?;
    let second = x.narrow(dim, half as isize, n - half)?;
    // The last of an odd number has no partner.
    let partners = if n % 2 == 0 {
        second.clone()
    } else {
        let one = first.narrow(dim, 0, 1)?.ones_like(x.dtype())?;
        cat(&[&second, &one], dim)?
    };
    let rest = product_of_others(&first.mul(&partners)?, dim)?;
    let for_first = rest.mul(&partners)?;
    let for_second = rest.narrow(dim, 0, n - half)?.mul(&first.narrow(dim, 0, n - half)?)?;
    cat(&[&for_first, &for_second], dim)
}

impl Tensor {
    /// The product of all elements; integers and truth values are multiplied in int64.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn prod(&self, dtype: Option<DType>) -> Result<Tensor> {
        let dtype = sum_dtype(self.dtype(), dtype);
        let mask = wrap_dims(None, self.ndim())?;
        let out = reduce_raw(self, ReduceOp::Prod, &mask, false, dtype, None, dtype)?;
        if dtype.is_floating_point()
            && let Some(mut r) = Recorder::new("ProdBackward0", &[self])
        {
            let saved = r.save(self);
            r.finish(&out, move |ctx, grad| {
                let x = ctx.saved(saved)?;
                let sizes: Vec<isize> = x.shape().iter().map(|&n| n as isize).collect();
                let others = product_of_others(&x.to_dtype(dtype)?.reshape(&[-1])?, 0)?.reshape(&sizes)?;
                Ok(vec![Some(grad.mul(&others)?.to_dtype(x.dtype())?)])
            });
        }
        Ok(out)
    }

    /// The product along a dimension.
    ///
    /// # Errors
    /// If the dimension does not exist.
    pub fn prod_dim(&self, dim: isize, keepdim: bool, dtype: Option<DType>) -> Result<Tensor> {
        let dtype = sum_dtype(self.dtype(), dtype);
        let mask = wrap_dims(Some(&[dim]), self.ndim())?;
        let out = reduce_raw(self, ReduceOp::Prod, &mask, keepdim, dtype, None, dtype)?;
        if dtype.is_floating_point()
            && let Some(mut r) = Recorder::new("ProdBackward1", &[self])
        {
            let saved = r.save(self);
            r.finish(&out, move |ctx, grad| {
                let x = ctx.saved(saved)?;
                if x.ndim() == 0 {
                    return Ok(vec![Some(grad.to_dtype(x.dtype())?)]);
                }
                let others = product_of_others(&x.to_dtype(dtype)?, dim)?;
                let grad = restore_dims(grad, &mask, keepdim)?;
                Ok(vec![Some(grad.mul(&others)?.to_dtype(x.dtype())?)])
            });
        }
        Ok(out)
    }
}
