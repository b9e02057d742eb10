//! Where elements are, and whether they are there.

use crate::ops::Operand;
use crate::{Array, DType, Error, Layout, Result, Tensor};

impl Tensor {
    /// The indices of all elements that are not zero: int64, a row for each, in row-major order.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn nonzero(&self) -> Result<Tensor> {
        let rows = Tensor::from_array(self.backend().nonzero(&self.array())?);
        // The columns are what is looked at: they lie one after the other, as in PyTorch.
        if rows.ndim() == 2 && rows.shape()[1] > 1 { rows.t()?.contiguous()?.t().map(|t| t.detach()) } else { Ok(rows) }
    }

    /// [`Tensor::nonzero`], a 0-d tensor counting as one without dimensions to index.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn argwhere(&self) -> Result<Tensor> {
        self.nonzero()
    }
}

/// The indices of all elements that are not zero, a vector for each dimension; 0-d tensors count as
/// 1-d ones (`torch.where` of a condition alone).
///
/// # Errors
/// If there is not enough memory.
pub fn where_nonzero(condition: &Tensor) -> Result<Vec<Tensor>> {
    let condition = if condition.ndim() == 0 { condition.unsqueeze(0)? } else { condition.clone() };
    condition.nonzero()?.unbind(1)
}

/// For each element, whether it is (with `invert`: is not) among the test elements.
///
/// # Errors
/// If both are numbers or one is of truth values.
pub fn isin(elements: impl Into<Operand>, test_elements: impl Into<Operand>, invert: bool) -> Result<Tensor> {
    let (elements, test_elements) = (elements.into(), test_elements.into());
    for operand in [&elements, &test_elements] {
        if operand.tensor().is_some_and(|t| t.dtype() == DType::Bool) {
            return Err(Error::not_implemented("Unsupported input type encountered for isin(): Bool"));
        }
    }
    let dtype = crate::ops::result_type([&elements, &test_elements]);
    let dense = |operand: &Operand| -> Result<Tensor> {
        match operand {
            Operand::Tensor(t) => t.detach().to_dtype(dtype)?.contiguous(),
            Operand::Scalar(number) => Tensor::full([], *number, dtype),
        }
    };
    let (elements, test_elements) = (dense(&elements)?, dense(&test_elements)?);
    let out = Array::uninit(Layout::contiguous(elements.shape()), DType::Bool)?;
    elements.backend().is_in(&elements.array(), &test_elements.array(), &out, invert)?;
    Ok(Tensor::from_array(out))
}
