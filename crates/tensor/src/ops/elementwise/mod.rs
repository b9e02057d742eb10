//! Arithmetic, comparison and functions, element by element.

mod arithmetic;
mod binary;
mod blend;
mod compare;
mod convert;
mod derivative;
mod inplace;
mod operators;
mod power;
mod promote;
mod shape;
mod special;
mod unary;

pub use arithmetic::RoundingMode;
pub use compare::where_;
pub(crate) use derivative::{sigmoid_backward, tanh_backward, threshold_backward};
pub use power::pow_base;
pub use promote::{can_cast, promote_types, result_type};
pub(crate) use shape::{broadcast_layout, broadcast_pair, output_layout};

use crate::backend::{Source, UnaryOp};
use crate::ops::Operand;
use crate::{Array, DType, Error, Layout, Result, Scalar, Shape, Tensor};
use smallvec::SmallVec;

/// Shape and memory order of the result of an operator on these operands.
pub(crate) fn result_layout(operands: &[&Operand]) -> Result<Layout> {
    let layouts: SmallVec<[Layout; 3]> = operands
        .iter()
        .map(|o| match o {
            Operand::Tensor(t) => t.layout(),
            // A number counts as a tensor without dimensions.
            Operand::Scalar(_) => Layout::contiguous([]),
        })
        .collect();
    let mut shape = Shape::new(&[]);
    for layout in &layouts {
        shape = shape::broadcast_pair(&shape, layout.shape())?;
    }
    shape.checked_numel()?;
    Ok(output_layout(&shape, &layouts.iter().collect::<SmallVec<[&Layout; 3]>>()))
}

/// An operand as a primitive reads it, broadcast to `shape`.
pub(crate) fn expanded(operand: &Operand, shape: &Shape) -> Result<Either> {
    Ok(match operand {
        Operand::Tensor(t) => {
            let array = t.array();
            let layout = broadcast_layout(array.layout(), shape);
            Either::Array(array.with_layout(layout)?)
        }
        Operand::Scalar(s) => Either::Number(*s),
    })
}

/// An owned [`Source`].
pub(crate) enum Either {
    Array(Array),
    Number(Scalar),
}

impl Either {
    pub(crate) fn source(&self) -> Source<'_> {
        match self {
            Either::Array(a) => Source::Array(a),
            Either::Number(n) => Source::Number(*n),
        }
    }
}

impl Operand {
    /// The tensor, if it is one.
    pub fn tensor(&self) -> Option<&Tensor> {
        match self {
            Operand::Tensor(t) => Some(t),
            Operand::Scalar(_) => None,
        }
    }
}

/// Computes a unary function into a new tensor, without a record.
pub(crate) fn unary_raw(
    a: &Tensor,
    op: UnaryOp,
    compute: DType,
    out_dtype: DType,
    parameters: [Scalar; 2],
) -> Result<Tensor> {
    let array = a.array();
    let out = Array::uninit(output_layout(array.shape(), &[array.layout()]), out_dtype)?;
    a.backend().unary(op, compute, parameters, (&array).into(), &out)?;
    Ok(Tensor::from_array(out))
}

/// The dtype that functions such as `exp` compute integers in: the default floating-point type.
pub(crate) fn float_dtype(dtype: DType) -> DType {
    if dtype.is_differentiable() { dtype } else { crate::get_default_dtype() }
}

/// PyTorch's error for a kernel that has no case for a dtype.
pub(crate) fn not_implemented(kernel: &str, dtype: DType) -> Error {
    Error::not_implemented(format!("\"{kernel}\" not implemented for '{}'", dtype.scalar_type_name()))
}

/// New memory full of zeros.
pub(crate) fn zeros(shape: &Shape, dtype: DType) -> Result<Tensor> {
    zeros_in(Layout::contiguous(shape), dtype)
}

/// Zeros of a tensor's shape and dtype, in its memory order.
pub(crate) fn zeros_like(tensor: &Tensor) -> Result<Tensor> {
    let layout = tensor.layout();
    zeros_in(output_layout(layout.shape(), &[&layout]), tensor.dtype())
}

fn zeros_in(layout: Layout, dtype: DType) -> Result<Tensor> {
    let bytes = layout.end().unwrap_or(0) * dtype.size();
    Ok(Tensor::from_array(Array::new(crate::Storage::zeroed(bytes)?, layout, dtype)?))
}
