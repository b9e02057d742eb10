//! Functions of single elements, with NumPy's broadcasting.

use crate::compute::{Compute, Inputs};
use flambeau_tensor::ops::{Operand, RoundingMode, where_};
use flambeau_tensor::{DType, Error, Result, Tensor};

macro_rules! unary {
    ($($(#[$doc:meta])* $name:ident => $x:ident $body:expr;)*) => {
        /// A function of each element.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Unary {$(
            $(#[$doc])*
            $name,
        )*}

        impl Compute for Unary {
            fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
                let x = inputs.get(0, "X")?;
                Ok(vec![match self {$( Unary::$name => { let $x = x; $body? } )*}])
            }
        }
    };
}

unary! {
    /// The element itself.
    Identity => x Ok(x.clone());
    /// Absolute value.
    Abs => x x.abs();
    /// The opposite.
    Neg => x x.neg();
    /// −1, 0 or 1.
    Sign => x x.sign();
    /// The largest integer not above.
    Floor => x x.floor();
    /// The smallest integer not below.
    Ceil => x x.ceil();
    /// The nearest integer, ties to even.
    Round => x x.round();
    /// 1 over the element.
    Reciprocal => x x.reciprocal();
    /// Square root.
    Sqrt => x x.sqrt();
    /// e to the power.
    Exp => x x.exp();
    /// Natural logarithm.
    Log => x x.log();
    /// Error function.
    Erf => x x.erf();
    /// Sine.
    Sin => x x.sin();
    /// Cosine.
    Cos => x x.cos();
    /// Tangent.
    Tan => x x.tan();
    /// Inverse sine.
    Asin => x x.asin();
    /// Inverse cosine.
    Acos => x x.acos();
    /// Inverse tangent.
    Atan => x x.atan();
    /// Hyperbolic sine.
    Sinh => x x.sinh();
    /// Hyperbolic cosine.
    Cosh => x x.cosh();
    /// Inverse hyperbolic sine.
    Asinh => x x.asinh();
    /// Inverse hyperbolic cosine.
    Acosh => x x.acosh();
    /// Inverse hyperbolic tangent.
    Atanh => x x.atanh();
    /// Hyperbolic tangent.
    Tanh => x x.tanh();
    /// 1/(1 + e^−x).
    Sigmoid => x x.sigmoid();
    /// Zero below zero.
    Relu => x x.relu();
    /// ln(1 + e^x).
    Softplus => x x.softplus(1.0, 20.0);
    /// x/(1 + |x|).
    Softsign => x x.softsign();
    /// x · clip(x/6 + 1/2, 0, 1).
    HardSwish => x x.hardswish();
    /// x · tanh(ln(1 + e^x)).
    Mish => x x.mish();
    /// The negation.
    Not => x x.logical_not();
    /// Every bit turned.
    BitwiseNot => x x.bitwise_not();
    /// Whether it is no number.
    IsNaN => x x.isnan();
    /// Whether it is infinite.
    IsInf => x x.isinf();
}

/// A function of two elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    /// Sum.
    Add,
    /// Difference.
    Sub,
    /// Product.
    Mul,
    /// Quotient; of integers the integer part.
    Div,
    /// Power, in the dtype of the base.
    Pow,
    /// Remainder: with the divisor's sign or, if `fmod`, the dividend's.
    Mod {
        /// Whether as C's `fmod`.
        fmod: bool,
    },
    /// Both.
    And,
    /// One at least.
    Or,
    /// Just one.
    Xor,
    /// `=`
    Equal,
    /// `>`
    Greater,
    /// `≥`
    GreaterOrEqual,
    /// `<`
    Less,
    /// `≤`
    LessOrEqual,
    /// Both bits.
    BitwiseAnd,
    /// One bit at least.
    BitwiseOr,
    /// Just one bit.
    BitwiseXor,
    /// Bits moved.
    BitShift {
        /// Whether to the right.
        right: bool,
    },
}

/// A division by a zero among integers is an error of the input, and has no result.
fn check_divisor(b: &Tensor) -> Result<()> {
    if b.dtype().is_integral(true) && b.eq(0)?.any()?.item()?.to_bool() {
        return Err(Error::runtime("division of integers by zero"));
    }
    Ok(())
}

impl Compute for Binary {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let (a, b) = (inputs.get(0, "A")?, inputs.get(1, "B")?);
        if a.dtype() != b.dtype() && *self != Binary::Pow {
            return Err(Error::dtype(format!(
                "both inputs should be of one dtype, but got {} and {}",
                a.dtype(),
                b.dtype()
            )));
        }
        Ok(vec![match self {
            Binary::Add => a.add(b)?,
            Binary::Sub => a.sub(b)?,
            Binary::Mul => a.mul(b)?,
            Binary::Div if a.dtype().is_integral(true) => {
                check_divisor(b)?;
                a.div_rounded(b, Some(RoundingMode::Trunc))?
            }
            Binary::Div => a.div(b)?,
            Binary::Pow if a.dtype().is_integral(true) && b.dtype() != a.dtype() => {
                a.to_dtype(DType::F64)?.pow(&b.to_dtype(DType::F64)?)?.to_dtype(a.dtype())?
            }
            Binary::Pow => a.pow(b)?.to_dtype(a.dtype())?,
            Binary::Mod { fmod } => {
                check_divisor(b)?;
                if *fmod { a.fmod(b)? } else { a.remainder(b)? }
            }
            Binary::And => a.logical_and(b)?,
            Binary::Or => a.logical_or(b)?,
            Binary::Xor => a.logical_xor(b)?,
            Binary::Equal => a.eq(b)?,
            Binary::Greater => a.gt(b)?,
            Binary::GreaterOrEqual => a.ge(b)?,
            Binary::Less => a.lt(b)?,
            Binary::LessOrEqual => a.le(b)?,
            Binary::BitwiseAnd => a.bitwise_and(b)?,
            Binary::BitwiseOr => a.bitwise_or(b)?,
            Binary::BitwiseXor => a.bitwise_xor(b)?,
            Binary::BitShift { right: true } => a.bitwise_right_shift(b)?,
            Binary::BitShift { right: false } => a.bitwise_left_shift(b)?,
        }])
    }
}

/// A function of any number of tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variadic {
    /// The smallest.
    Min,
    /// The largest.
    Max,
    /// The sum.
    Sum,
    /// The mean.
    Mean,
}

impl Compute for Variadic {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let all = inputs.all()?;
        let mut result = all[0].clone();
        for &next in &all[1..] {
            if next.dtype() != result.dtype() {
                return Err(Error::dtype(format!(
                    "inputs of one dtype are expected, but got {} and {}",
                    result.dtype(),
                    next.dtype()
                )));
            }
            result = match self {
                Variadic::Min => result.minimum(next)?,
                Variadic::Max => result.maximum(next)?,
                Variadic::Sum | Variadic::Mean => result.add(next)?,
            };
        }
        Ok(vec![if *self == Variadic::Mean { result.div(all.len() as i64)? } else { result }])
    }
}

/// Elements within limits. Inputs: `input`, `min`, `max`; either limit may be absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clip;

impl Compute for Clip {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let x = inputs.get(0, "input")?;
        // A limit is one number in the input's dtype, so that it does not change the result's.
        let limit = |index: usize, name: &str| -> Result<Option<Operand>> {
            let Some(tensor) = inputs.optional(index) else { return Ok(None) };
            if tensor.numel() != 1 {
                return Err(Error::shape(format!("{name} should be one number, but got shape {}", tensor.shape())));
            }
            Ok(Some(tensor.to_dtype(x.dtype())?.item()?.into()))
        };
        Ok(vec![match (limit(1, "min")?, limit(2, "max")?) {
            (None, None) => x.clone(),
            (min, max) => x.clamp(min, max)?,
        }])
    }
}

/// `X` where a condition holds, else `Y`. Inputs: the condition, `X`, `Y`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Where;

impl Compute for Where {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        Ok(vec![where_(inputs.get(0, "condition")?, inputs.get(1, "X")?, inputs.get(2, "Y")?)?])
    }
}

/// The same numbers in another dtype.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cast {
    /// The dtype.
    pub to: DType,
}

impl Compute for Cast {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        Ok(vec![inputs.get(0, "input")?.to_dtype(self.to)?])
    }
}

/// The numbers of the first input in the dtype of the second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CastLike;

impl Compute for CastLike {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        Ok(vec![inputs.get(0, "input")?.to_dtype(inputs.get(1, "target_type")?.dtype())?])
    }
}
