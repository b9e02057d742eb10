//! Rows of a table by number.

use crate::autograd::{Recorder, no_grad};
use crate::ops::where_;
use crate::{DType, Error, Result, Tensor};

/// Options of [`Tensor::embedding`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EmbeddingOptions {
    /// The row that gets no gradient.
    pub padding_idx: Option<i64>,
    /// Divide each row's gradient by how often it was used.
    pub scale_grad_by_freq: bool,
}

impl Tensor {
    /// Row `indices[…]` of this table `(rows, dim)` for each index: `(…, dim)`.
    ///
    /// # Errors
    /// If the table is not two-dimensional, the indices are not int64 or int32, or one is out of
    /// range.
    pub fn embedding(&self, indices: &Tensor, options: EmbeddingOptions) -> Result<Tensor> {
        if self.ndim() != 2 {
            return Err(Error::runtime("'weight' must be 2-D"));
        }
        if !matches!(indices.dtype(), DType::I64 | DType::I32) {
            return Err(Error::dtype(format!(
                "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got torch.{}Tensor instead (while checking arguments for embedding)",
                indices.dtype().scalar_type_name()
            )));
        }
        let table = self.shape();
        let mut shape = indices.shape().to_vec();
        shape.push(table[1]);
        let sizes: Vec<isize> = shape.iter().map(|&n| n as isize).collect();
        let out = no_grad(|| {
            let flat = indices.to_dtype(DType::I64)?.reshape(&[-1])?;
            if flat.to_vec::<i64>()?.iter().any(|&i| i < 0 || i >= table[0] as i64) {
                return Err(Error::index("index out of range in self"));
            }
            self.index_select(0, &flat)?.reshape(&sizes)
        })?;
        if let Some(mut r) = Recorder::new("EmbeddingBackward0", &[self]) {
            let saved = r.save(indices);
            r.finish(&out, move |ctx, grad| {
                Ok(vec![Some(embedding_gradient(grad, &ctx.saved(saved)?, &table, options)?)])
            });
        }
        Ok(out)
    }
}

/// The gradient of the table: each row the sum of the gradients of its uses.
fn embedding_gradient(grad: &Tensor, indices: &Tensor, table: &[usize], options: EmbeddingOptions) -> Result<Tensor> {
    let flat = no_grad(|| indices.to_dtype(DType::I64)?.reshape(&[-1]))?;
    let mut rows = grad.reshape(&[-1, table[1] as isize])?;
    if options.scale_grad_by_freq {
        let share = no_grad(|| {
            let uses = Tensor::zeros([table[0]], grad.dtype())?.index_add(
                0,
                &flat,
                &rows.new_ones([flat.numel()], grad.dtype())?,
                1,
            )?;
            uses.reciprocal()?.index_select(0, &flat)?.unsqueeze(1)
        })?;
        rows = rows.mul(&share)?;
    }
    if let Some(padding) = options.padding_idx {
        rows = where_(&flat.ne(padding)?.unsqueeze(1)?, &rows, 0.0)?;
    }
    Tensor::zeros(table, grad.dtype())?.index_add(0, &flat, &rows, 1)
}
