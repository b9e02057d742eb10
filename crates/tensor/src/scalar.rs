//! A single number whose dtype is not yet decided.

use crate::DType;

/// A Python-like number: an argument such as `alpha`, or the other side of `tensor + 2`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar {
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A floating-point number.
    Float(f64),
}

impl Scalar {
    /// The number as float64.
    pub fn to_f64(self) -> f64 {
        match self {
            Scalar::Bool(b) => f64::from(u8::from(b)),
            Scalar::Int(i) => i as f64,
            Scalar::Float(f) => f,
        }
    }

    /// The number as int64 (a float is cut towards zero, saturating).
    pub fn to_i64(self) -> i64 {
        match self {
            Scalar::Bool(b) => i64::from(b),
            Scalar::Int(i) => i,
            Scalar::Float(f) => f as i64,
        }
    }

    /// Whether the number is not zero.
    pub fn to_bool(self) -> bool {
        match self {
            Scalar::Bool(b) => b,
            Scalar::Int(i) => i != 0,
            Scalar::Float(f) => f != 0.0,
        }
    }

    /// The dtype that PyTorch gives a tensor made of this number alone.
    pub fn dtype(self) -> DType {
        match self {
            Scalar::Bool(_) => DType::Bool,
            Scalar::Int(_) => DType::I64,
            Scalar::Float(_) => crate::get_default_dtype(),
        }
    }

    /// This number in an element type.
    pub fn to<T: crate::Number>(self) -> T {
        match self {
            Scalar::Float(f) => T::from_f64(f),
            other => T::from_i64(other.to_i64()),
        }
    }
}

macro_rules! from {
    ($($t:ty => $variant:ident as $wide:ty),*) => {$(
        impl From<$t> for Scalar {
            fn from(value: $t) -> Self { Scalar::$variant(<$wide>::from(value)) }
        }
    )*};
}
from!(bool => Bool as bool, f32 => Float as f64, f64 => Float as f64, i64 => Int as i64, i32 => Int as i64, i16 => Int as i64, i8 => Int as i64, u8 => Int as i64);
