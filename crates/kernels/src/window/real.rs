//! Floating-point elements, and the type that arithmetic on them is done in.

use crate::element::{Element, bf16, f16};
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

/// A type that arithmetic is done in: float32 or float64.
pub trait Compute:
    Element
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
{
    /// Zero.
    const ZERO: Self;
    /// One.
    const ONE: Self;
    /// A constant, rounded.
    fn of(value: f64) -> Self;
    /// The square root.
    fn sqrt(self) -> Self;
    /// The magnitude.
    fn abs(self) -> Self;
    /// `e` to this power.
    fn exp(self) -> Self;
    /// `e` to this power, less one, accurate near zero.
    fn exp_m1(self) -> Self;
    /// The logarithm of one more than this, accurate near zero.
    fn ln_1p(self) -> Self;
    /// The natural logarithm.
    fn ln(self) -> Self;
    /// The hyperbolic tangent.
    fn tanh(self) -> Self;
    /// The error function.
    fn erf(self) -> Self;
}

macro_rules! compute {
    ($t:ty, $erf:path) => {
        impl Compute for $t {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            #[inline(always)]
            fn of(value: f64) -> Self {
                value as $t
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                <$t>::sqrt(self)
            }
            #[inline(always)]
            fn abs(self) -> Self {
                <$t>::abs(self)
            }
            #[inline(always)]
            fn exp(self) -> Self {
                <$t>::exp(self)
            }
            #[inline(always)]
            fn exp_m1(self) -> Self {
                <$t>::exp_m1(self)
            }
            #[inline(always)]
            fn ln_1p(self) -> Self {
                <$t>::ln_1p(self)
            }
            #[inline(always)]
            fn ln(self) -> Self {
                <$t>::ln(self)
            }
            #[inline(always)]
            fn tanh(self) -> Self {
                <$t>::tanh(self)
            }
            #[inline(always)]
            fn erf(self) -> Self {
                $erf(self)
            }
        }
    };
}
compute!(f32, libm::erff);
compute!(f64, libm::erf);

/// A floating-point element. The 16-bit types are computed in float32 and rounded once.
pub trait Real: Element {
    /// What arithmetic on this type is done in.
    type Wide: Compute;
    /// Into the type of arithmetic, exactly.
    fn widen(self) -> Self::Wide;
    /// Out of the type of arithmetic, rounded.
    fn narrow(wide: Self::Wide) -> Self;
    /// Numbers as those of the type of arithmetic, if this is that type.
    fn as_wide(_numbers: &[Self]) -> Option<&[Self::Wide]> {
        None
    }
}

impl Real for f32 {
    type Wide = f32;
    #[inline(always)]
    fn widen(self) -> f32 {
        self
    }
    #[inline(always)]
    fn narrow(wide: f32) -> Self {
        wide
    }
    #[inline(always)]
    fn as_wide(numbers: &[f32]) -> Option<&[f32]> {
        Some(numbers)
    }
}

impl Real for f64 {
    type Wide = f64;
    #[inline(always)]
    fn widen(self) -> f64 {
        self
    }
    #[inline(always)]
    fn narrow(wide: f64) -> Self {
        wide
    }
    #[inline(always)]
    fn as_wide(numbers: &[f64]) -> Option<&[f64]> {
        Some(numbers)
    }
}

impl Real for bf16 {
    type Wide = f32;
    #[inline(always)]
    fn widen(self) -> f32 {
        f32::from_bits(u32::from(self.to_bits()) << 16)
    }
    #[inline(always)]
    fn narrow(wide: f32) -> Self {
        bf16::from_f32(wide)
    }
}

impl Real for f16 {
    type Wide = f32;
    #[inline(always)]
    fn widen(self) -> f32 {
        self.to_f32()
    }
    #[inline(always)]
    fn narrow(wide: f32) -> Self {
        f16::from_f32(wide)
    }
}
