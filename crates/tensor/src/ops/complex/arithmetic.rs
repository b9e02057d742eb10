//! The four operations and comparison.

use super::complex;
use crate::ops::{Operand, result_type};
use crate::{DType, Result, Scalar, Tensor};

/// An operand as a complex tensor of such a type.
fn operand(operand: &Operand, dtype: DType) -> Result<Tensor> {
    match operand {
        Operand::Tensor(tensor) => tensor.to_dtype(dtype),
        Operand::Scalar(number) => Tensor::scalar(*number, dtype.to_real())?.to_dtype(dtype),
    }
}

/// Both operands in their common complex type.
fn both(a: &Operand, b: &Operand) -> Result<(Tensor, Tensor)> {
    let dtype = result_type([a, b]);
    Ok((operand(a, dtype)?, operand(b, dtype)?))
}

/// a + alpha·b.
pub(crate) fn add_scaled(a: &Operand, b: &Operand, alpha: Scalar) -> Result<Tensor> {
    let (a, b) = both(a, b)?;
    // Parts side by side stay so: what broadcasts does it in front of them.
    a.view_as_real()?.add_alpha(&b.view_as_real()?, alpha)?.contiguous()?.view_as_complex()
}

/// a · b.
pub(crate) fn multiply(a: &Operand, b: &Operand) -> Result<Tensor> {
    let (a, b) = both(a, b)?;
    let (ar, ai, br, bi) = (a.real()?, a.imag()?, b.real()?, b.imag()?);
    complex(&ar.mul(&br)?.sub(&ai.mul(&bi)?)?, &ar.mul(&bi)?.add(&ai.mul(&br)?)?)
}

/// a / b.
pub(crate) fn divide(a: &Operand, b: &Operand) -> Result<Tensor> {
    let (a, b) = both(a, b)?;
    let (ar, ai, br, bi) = (a.real()?, a.imag()?, b.real()?, b.imag()?);
    let square = br.mul(&br)?.add(&bi.mul(&bi)?)?;
    let re = ar.mul(&br)?.add(&ai.mul(&bi)?)?;
    let im = ai.mul(&br)?.sub(&ar.mul(&bi)?)?;
    complex(&re.div(&square)?, &im.div(&square)?)
}

/// -a.
pub(crate) fn negate(a: &Tensor) -> Result<Tensor> {
    a.view_as_real()?.neg()?.contiguous()?.view_as_complex()
}

/// Whether a and b are equal (or, with `equal` off, are not).
pub(crate) fn compare(a: &Operand, b: &Operand, equal: bool) -> Result<Tensor> {
    let (a, b) = both(a, b)?;
    let same = a.real()?.eq(&b.real()?)?.logical_and(&a.imag()?.eq(&b.imag()?)?)?;
    if equal { Ok(same) } else { same.logical_not() }
}
