//! Comparison, logic and selection.

use super::arithmetic::reduce_to;
use super::{Either, expanded, result_layout, result_type};
use crate::autograd::Recorder;
use crate::backend::{CompareOp, PredicateOp};
use crate::ops::{Operand, complex};
use crate::{Array, DType, Error, Result, Scalar, Tensor};

/// A number as the dtype that comparisons are made in holds it.
fn narrowed(operand: Either, dtype: DType) -> Either {
    match operand {
        Either::Number(n) => Either::Number(super::promote::narrowed(n, dtype)),
        array => array,
    }
}

fn compare_raw(op: CompareOp, a: &Operand, b: &Operand) -> Result<Tensor> {
    let dtype = result_type([a, b]);
    if dtype.is_complex() && matches!(op, CompareOp::Eq | CompareOp::Ne) {
        return complex::compare(a, b, matches!(op, CompareOp::Eq));
    }
    let out = Array::uninit(result_layout(&[a, b])?, DType::Bool)?;
    let (a, b) = (expanded(a, out.shape())?, expanded(b, out.shape())?);
    let (a, b) = match op {
        // Truth is decided in each operand's own dtype: no number becomes zero by narrowing.
        CompareOp::LogicalAnd | CompareOp::LogicalOr | CompareOp::LogicalXor => (a, b),
        _ => (narrowed(a, dtype), narrowed(b, dtype)),
    };
    crate::backend::of(crate::Device::Cpu).compare(op, dtype, [a.source(), b.source()], &out)?;
    Ok(Tensor::from_array(out))
}

macro_rules! comparisons {
    ($($(#[$doc:meta])* $name:ident => $op:ident;)*) => {
        impl Tensor {$(
            $(#[$doc])*
            ///
            /// # Errors
            /// If the shapes do not broadcast.
            pub fn $name(&self, other: impl Into<Operand>) -> Result<Tensor> {
                compare_raw(CompareOp::$op, &Operand::from(self), &other.into())
            }
        )*}
    };
}
comparisons! {
    /// Where self equals other.
    eq => Eq;
    /// Where self differs from other.
    ne => Ne;
    /// Where self is less than other.
    lt => Lt;
    /// Where self is at most other.
    le => Le;
    /// Where self is greater than other.
    gt => Gt;
    /// Where self is at least other.
    ge => Ge;
    /// Where both are true (not zero).
    logical_and => LogicalAnd;
    /// Where one or both are true.
    logical_or => LogicalOr;
    /// Where exactly one is true.
    logical_xor => LogicalXor;
}

/// The elements of `input` where `condition` is true, else those of `other`; all three broadcast.
///
/// # Errors
/// If the condition is not of truth values, or the shapes do not broadcast.
pub fn where_(condition: &Tensor, input: impl Into<Operand>, other: impl Into<Operand>) -> Result<Tensor> {
    if condition.dtype() != DType::Bool {
        return Err(Error::runtime(format!(
            "where expected condition to be a boolean tensor, but got a tensor with dtype {}",
            condition.dtype().scalar_type_name()
        )));
    }
    let (a, b) = (input.into(), other.into());
    let dtype = result_type([&a, &b]);
    let mask = Operand::from(condition);
    let out = Array::uninit(result_layout(&[&mask, &a, &b])?, dtype)?;
    let (ea, eb) = (expanded(&a, out.shape())?, expanded(&b, out.shape())?);
    let em = expanded(&mask, out.shape())?;
    condition.backend().select(dtype, em.source(), [ea.source(), eb.source()], &out)?;
    let out = Tensor::from_array(out);
    let tensors: Vec<&Tensor> = a.tensor().into_iter().chain(b.tensor()).collect();
    if let Some(mut r) = Recorder::new("WhereBackward0", &tensors) {
        let saved = r.save(condition);
        let sides: Vec<_> = [a.tensor().map(|t| (true, t)), b.tensor().map(|t| (false, t))]
            .into_iter()
            .flatten()
            .map(|(first, t)| (first, t.shape(), t.dtype()))
            .collect();
        r.finish(&out, move |ctx, grad| {
            let mask = ctx.saved(saved)?;
            sides
                .iter()
                .enumerate()
                .map(|(i, (first, shape, dtype))| {
                    ctx.needs(i)
                        .then(|| {
                            let g = if *first { where_(&mask, grad, 0)? } else { where_(&mask, 0, grad)? };
                            reduce_to(&g, shape, *dtype)
                        })
                        .transpose()
                })
                .collect()
        });
    }
    Ok(out)
}

macro_rules! predicates {
    ($($(#[$doc:meta])* $name:ident => $op:ident;)*) => {
        impl Tensor {$(
            $(#[$doc])*
            ///
            /// # Errors
            /// If there is not enough memory.
            pub fn $name(&self) -> Result<Tensor> {
                self.predicate_raw(PredicateOp::$op)
            }
        )*}
    };
}
predicates! {
    /// Where an element is NaN.
    isnan => IsNan;
    /// Where an element is an infinity.
    isinf => IsInf;
    /// Where an element is neither NaN nor an infinity.
    isfinite => IsFinite;
    /// Where an element is the positive infinity.
    isposinf => IsPosInf;
    /// Where an element is the negative infinity.
    isneginf => IsNegInf;
    /// Where the sign bit is set.
    signbit => Signbit;
    /// Where an element is false (zero).
    logical_not => LogicalNot;
}

impl Tensor {
    fn predicate_raw(&self, op: PredicateOp) -> Result<Tensor> {
        let array = self.array();
        let out = Array::uninit(super::output_layout(array.shape(), &[array.layout()]), DType::Bool)?;
        self.backend().predicate(op, array.dtype(), (&array).into(), &out)?;
        Ok(Tensor::from_array(out))
    }

    /// Whether every element is true (not zero); yes for none.
    pub(crate) fn all_true(&self) -> Result<bool> {
        Ok(self.all()?.item()? == Scalar::Bool(true))
    }

    /// Elements of self where the condition is true, else of other.
    ///
    /// # Errors
    /// As [`where_`].
    pub fn where_(&self, condition: &Tensor, other: impl Into<Operand>) -> Result<Tensor> {
        where_(condition, self, other)
    }
}
