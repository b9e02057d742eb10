//! Element types and PyTorch's rules for mixing them.

use flambeau_kernels::element::{Bool, Complex, Element, bf16, f16};
use std::sync::atomic::{AtomicU8, Ordering};

/// The type of a tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum DType {
    /// Truth values, a byte each.
    Bool,
    /// Unsigned 8-bit integers.
    U8,
    /// Signed 8-bit integers.
    I8,
    /// Signed 16-bit integers.
    I16,
    /// Signed 32-bit integers.
    I32,
    /// Signed 64-bit integers.
    I64,
    /// IEEE half precision.
    F16,
    /// bfloat16: float32's range with 8 bits of precision.
    BF16,
    /// IEEE single precision.
    F32,
    /// IEEE double precision.
    F64,
    /// Complex numbers of two single-precision parts.
    C64,
    /// Complex numbers of two double-precision parts.
    C128,
}

impl DType {
    /// All dtypes, from the narrowest kind to the widest.
    pub const ALL: [DType; 12] = [
        DType::Bool,
        DType::U8,
        DType::I8,
        DType::I16,
        DType::I32,
        DType::I64,
        DType::F16,
        DType::BF16,
        DType::F32,
        DType::F64,
        DType::C64,
        DType::C128,
    ];

    /// Bytes of one element.
    pub const fn size(self) -> usize {
        match self {
            DType::Bool | DType::U8 | DType::I8 => 1,
            DType::I16 | DType::F16 | DType::BF16 => 2,
            DType::I32 | DType::F32 => 4,
            DType::I64 | DType::F64 | DType::C64 => 8,
            DType::C128 => 16,
        }
    }

    /// Whether this is a floating-point type.
    pub const fn is_floating_point(self) -> bool {
        matches!(self, DType::F16 | DType::BF16 | DType::F32 | DType::F64)
    }

    /// Whether this is a complex type.
    pub const fn is_complex(self) -> bool {
        matches!(self, DType::C64 | DType::C128)
    }

    /// Whether tensors of this type carry gradients: floating-point and complex ones do.
    pub const fn is_differentiable(self) -> bool {
        self.is_floating_point() || self.is_complex()
    }

    /// The type of a complex type's parts; any other type itself.
    pub const fn to_real(self) -> DType {
        match self {
            DType::C64 => DType::F32,
            DType::C128 => DType::F64,
            other => other,
        }
    }

    /// The complex type with parts of this precision.
    pub const fn to_complex(self) -> DType {
        match self {
            DType::F64 | DType::C128 => DType::C128,
            _ => DType::C64,
        }
    }

    /// Whether this is an integer type or, with `include_bool`, the truth values.
    pub const fn is_integral(self, include_bool: bool) -> bool {
        match self {
            DType::Bool => include_bool,
            DType::U8 | DType::I8 | DType::I16 | DType::I32 | DType::I64 => true,
            _ => false,
        }
    }

    /// PyTorch's name without its `torch.` prefix: `float32`.
    pub const fn name(self) -> &'static str {
        match self {
            DType::Bool => "bool",
            DType::U8 => "uint8",
            DType::I8 => "int8",
            DType::I16 => "int16",
            DType::I32 => "int32",
            DType::I64 => "int64",
            DType::F16 => "float16",
            DType::BF16 => "bfloat16",
            DType::F32 => "float32",
            DType::F64 => "float64",
            DType::C64 => "complex64",
            DType::C128 => "complex128",
        }
    }

    /// The C++ name that many of PyTorch's messages use: `Float`.
    pub const fn scalar_type_name(self) -> &'static str {
        match self {
            DType::Bool => "Bool",
            DType::U8 => "Byte",
            DType::I8 => "Char",
            DType::I16 => "Short",
            DType::I32 => "Int",
            DType::I64 => "Long",
            DType::F16 => "Half",
            DType::BF16 => "BFloat16",
            DType::F32 => "Float",
            DType::F64 => "Double",
            DType::C64 => "ComplexFloat",
            DType::C128 => "ComplexDouble",
        }
    }

    /// The name of the lower-case C type that other messages use: `float`, `long int`.
    pub const fn c_name(self) -> &'static str {
        match self {
            DType::Bool => "bool",
            DType::U8 => "unsigned char",
            DType::I8 => "signed char",
            DType::I16 => "short",
            DType::I32 => "int",
            DType::I64 => "long",
            DType::F16 => "c10::Half",
            DType::BF16 => "c10::BFloat16",
            DType::F32 => "float",
            DType::F64 => "double",
            DType::C64 => "c10::complex<float>",
            DType::C128 => "c10::complex<double>",
        }
    }

    /// The smallest dtype that holds both, by PyTorch's promotion lattice.
    pub fn promote(self, other: DType) -> DType {
        use DType::*;
        match (self, other) {
            (a, b) if a == b => a,
            (Bool, x) | (x, Bool) => x,
            (a, b) if a.is_complex() || b.is_complex() => {
                if a.to_real() == F64 || b.to_real() == F64 {
                    C128
                } else {
                    C64
                }
            }
            (a, b) if a.is_floating_point() != b.is_floating_point() => {
                if a.is_floating_point() {
                    a
                } else {
                    b
                }
            }
            (F16, BF16) | (BF16, F16) => F32,
            (a, b) if a.is_floating_point() => a.max(b),
            (U8, I8) | (I8, U8) => I16,
            (a, b) => a.max(b),
        }
    }

    /// Whether a result of this dtype may be written into a tensor of `to` (not from floats to
    /// integers, nor from numbers to truth values).
    pub fn can_cast(self, to: DType) -> bool {
        if self.is_complex() && !to.is_complex() || self.is_floating_point() && !to.is_differentiable() {
            return false;
        }
        self == DType::Bool || to != DType::Bool
    }
}

impl std::fmt::Display for DType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A Rust type that is some dtype's element.
pub trait Number: Element {
    /// The dtype whose elements these are.
    const DTYPE: DType;
}

macro_rules! numbers {
    ($($t:ty => $d:ident),*) => {$( impl Number for $t { const DTYPE: DType = DType::$d; } )*};
}
numbers!(Bool => Bool, u8 => U8, i8 => I8, i16 => I16, i32 => I32, i64 => I64, f16 => F16, bf16 => BF16, f32 => F32, f64 => F64,
    Complex<f32> => C64, Complex<f64> => C128);

/// Runs the body with the type name bound to the element type of a dtype.
///
/// `dispatch!(dtype, T => expression)` covers all dtypes; `dispatch!(floats dtype, T => expression,
/// else other)`, `dispatch!(reals …)` (all but complex numbers) and `dispatch!(numbers …)` (no truth values), `dispatch!(integers …)` cover some.
#[macro_export]
macro_rules! dispatch {
    (@ $dtype:expr, $t:ident => $body:expr; [$($d:ident: $e:ty),*] $(else $other:expr)?) => {
        match $dtype {
            $($crate::DType::$d => { type $t = $e; $body })*
            $(_ => $other)?
        }
    };
    ($dtype:expr, $t:ident => $body:expr) => {
        $crate::dispatch!(@ $dtype, $t => $body; [Bool: $crate::element::Bool, U8: u8, I8: i8, I16: i16, I32: i32, I64: i64,
            F16: $crate::element::f16, BF16: $crate::element::bf16, F32: f32, F64: f64,
            C64: $crate::element::Complex<f32>, C128: $crate::element::Complex<f64>])
    };
    (reals $dtype:expr, $t:ident => $body:expr, else $other:expr) => {
        $crate::dispatch!(@ $dtype, $t => $body; [Bool: $crate::element::Bool, U8: u8, I8: i8, I16: i16, I32: i32, I64: i64,
            F16: $crate::element::f16, BF16: $crate::element::bf16, F32: f32, F64: f64] else $other)
    };
    (numbers $dtype:expr, $t:ident => $body:expr, else $other:expr) => {
        $crate::dispatch!(@ $dtype, $t => $body; [U8: u8, I8: i8, I16: i16, I32: i32, I64: i64,
            F16: $crate::element::f16, BF16: $crate::element::bf16, F32: f32, F64: f64] else $other)
    };
    (integers $dtype:expr, $t:ident => $body:expr, else $other:expr) => {
        $crate::dispatch!(@ $dtype, $t => $body; [U8: u8, I8: i8, I16: i16, I32: i32, I64: i64] else $other)
    };
    (floats $dtype:expr, $t:ident => $body:expr, else $other:expr) => {
        $crate::dispatch!(@ $dtype, $t => $body; [F16: $crate::element::f16, BF16: $crate::element::bf16, F32: f32, F64: f64] else $other)
    };
}

static DEFAULT: AtomicU8 = AtomicU8::new(DType::F32 as u8);

/// The dtype of new floating-point tensors; float32 unless set otherwise.
pub fn get_default_dtype() -> DType {
    let stored = DEFAULT.load(Ordering::Relaxed);
    DType::ALL.into_iter().find(|&d| d as u8 == stored).unwrap_or(DType::F32)
}

/// Sets the dtype of new floating-point tensors.
///
/// # Errors
/// If the dtype is not a floating-point type.
pub fn set_default_dtype(dtype: DType) -> crate::Result<()> {
    if !dtype.is_floating_point() {
        return Err(crate::Error::type_("only floating-point types are supported as the default type"));
    }
    DEFAULT.store(dtype as u8, Ordering::Relaxed);
    Ok(())
}
