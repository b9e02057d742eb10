//! The other side of an operator: a tensor or a number.

use crate::{Scalar, Tensor};

/// A tensor, or a number that takes part in type promotion as PyTorch's Python numbers do: it
/// changes a tensor's dtype only when it is of a higher kind (integer with a float, say).
#[derive(Clone, Debug)]
pub enum Operand {
    /// A tensor.
    Tensor(Tensor),
    /// A number.
    Scalar(Scalar),
}

impl From<&Tensor> for Operand {
    fn from(tensor: &Tensor) -> Self {
        Operand::Tensor(tensor.clone())
    }
}

impl From<Tensor> for Operand {
    fn from(tensor: Tensor) -> Self {
        Operand::Tensor(tensor)
    }
}

impl<T: Into<Scalar>> From<T> for Operand {
    fn from(number: T) -> Self {
        Operand::Scalar(number.into())
    }
}
