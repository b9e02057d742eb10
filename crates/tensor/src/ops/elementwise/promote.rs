//! Which dtype a result has.

use crate::element::Element;
use crate::ops::Operand;
use crate::{DType, Scalar, get_default_dtype};

/// The smallest dtype that holds both (`torch.promote_types`).
pub fn promote_types(a: DType, b: DType) -> DType {
    a.promote(b)
}

/// Whether a result of dtype `from` may be written to a tensor of dtype `to` (`torch.can_cast`).
pub fn can_cast(from: DType, to: DType) -> bool {
    from.can_cast(to)
}

/// The dtype that arithmetic on these operands gives (`torch.result_type`): tensors with dimensions
/// decide; tensors without count when they are of a higher kind (floats above integers above truth
/// values), and numbers when they are of a higher kind still.
pub fn result_type<'a>(operands: impl IntoIterator<Item = &'a Operand>) -> DType {
    let (mut dims, mut zero, mut number) = (None, None, None);
    let join = |slot: &mut Option<DType>, dtype: DType| *slot = Some(slot.map_or(dtype, |d: DType| d.promote(dtype)));
    for operand in operands {
        match operand {
            Operand::Tensor(t) if t.ndim() > 0 => join(&mut dims, t.dtype()),
            Operand::Tensor(t) => join(&mut zero, t.dtype()),
            Operand::Scalar(Scalar::Float(_)) => join(&mut number, get_default_dtype()),
            Operand::Scalar(s) => join(&mut number, s.dtype()),
        }
    }
    higher_kind(dims, higher_kind(zero, number)).unwrap_or_else(get_default_dtype)
}

fn higher_kind(high: Option<DType>, low: Option<DType>) -> Option<DType> {
    match (high, low) {
        (Some(h), _) if h.is_complex() => Some(h),
        (Some(h), Some(l)) if l.is_complex() => Some(h.promote(l)),
        (Some(h), _) if h.is_floating_point() => Some(h),
        (Some(h), Some(l)) if h == DType::Bool || l.is_floating_point() => Some(h.promote(l)),
        (Some(h), _) => Some(h),
        (None, l) => l,
    }
}

/// A number as an element of `dtype` holds it: integers wrap, narrow floats round.
pub(crate) fn narrowed(number: Scalar, dtype: DType) -> Scalar {
    if dtype.is_floating_point() {
        return Scalar::Float(crate::dispatch!(floats dtype, T => {
            number.to::<T>().to_f64()
        }, else number.to_f64()));
    }
    match number {
        Scalar::Float(_) => number,
        _ => crate::dispatch!(integers dtype, T => {
            Scalar::Int(number.to::<T>().to_i64())
        }, else number),
    }
}
