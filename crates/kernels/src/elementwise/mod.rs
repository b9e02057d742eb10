//! Functions applied element by element to strided memory.
//!
//! One engine ([`run`]) walks any number of operands of any dtypes and strides; a kernel sees only
//! dense blocks of one of three compute types (float32, float64, int64). What lies in memory as
//! something else (another dtype, a transposed or broadcast view) is gathered and converted into
//! a block that stays in the first-level cache, so that promotion, broadcasting and narrow floats
//! cost no pass over memory of their own, and each function is compiled once for each compute
//! type. Dense operands of the compute type are handed to the kernel where they lie.

mod activation;
mod binary;
mod convert;
mod copy;
mod engine;
mod iterate;
pub mod math;
mod special;
mod ternary;
mod unary;
pub mod versions;

pub use activation::{Activation, Order, activation, activation_derivative};
pub use binary::{BinaryOp, CompareOp, binary, compare};
pub(crate) use convert::load_unchanged;
pub use convert::{Load, Store, load, store};
pub use copy::{copy, fill};
pub use engine::{Input, Output, run};
pub use iterate::Loop;
pub use ternary::{TernaryOp, select, ternary};
pub use unary::{PredicateOp, UnaryOp, predicate, unary};

/// What the elements of a block of memory are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
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
    /// bfloat16.
    BF16,
    /// IEEE single precision.
    F32,
    /// IEEE double precision.
    F64,
}

impl Kind {
    /// Bytes of one element.
    pub const fn size(self) -> usize {
        match self {
            Kind::Bool | Kind::U8 | Kind::I8 => 1,
            Kind::I16 | Kind::F16 | Kind::BF16 => 2,
            Kind::I32 | Kind::F32 => 4,
            Kind::I64 | Kind::F64 => 8,
        }
    }

    /// The compute type that holds every value of this kind.
    pub const fn compute(self) -> Compute {
        match self {
            Kind::F16 | Kind::BF16 | Kind::F32 => Compute::F32,
            Kind::F64 => Compute::F64,
            _ => Compute::I64,
        }
    }
}

/// The types that arithmetic is done in. Integers narrower than 64 bits wrap when they are stored,
/// which gives the same bits as arithmetic in their own width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Compute {
    /// float32: for float32, bfloat16 and float16.
    F32,
    /// float64.
    F64,
    /// int64: for all integers and truth values.
    I64,
}

impl Compute {
    /// The kind of this type's elements.
    pub const fn kind(self) -> Kind {
        match self {
            Compute::F32 => Kind::F32,
            Compute::F64 => Kind::F64,
            Compute::I64 => Kind::I64,
        }
    }
}

/// A number that is the same for all elements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// A floating-point number.
    Float(f64),
    /// An integer or a truth value.
    Int(i64),
}

impl Number {
    /// As float64.
    pub fn to_f64(self) -> f64 {
        match self {
            Number::Float(f) => f,
            Number::Int(i) => i as f64,
        }
    }

    /// As int64, cut towards zero.
    pub fn to_i64(self) -> i64 {
        match self {
            Number::Float(f) => f as i64,
            Number::Int(i) => i,
        }
    }
}

/// Numbers that a function takes beside its operands (`alpha`, a bound, an exponent).
#[derive(Clone, Copy, Debug)]
pub struct Parameters {
    /// For the floating-point compute types.
    pub float: [f64; 2],
    /// For the integer compute type.
    pub int: [i64; 2],
}

impl Parameters {
    /// No parameters.
    pub const NONE: Parameters = Parameters { float: [0.0; 2], int: [0; 2] };

    /// Two parameters.
    pub fn new(first: Number, second: Number) -> Self {
        Parameters { float: [first.to_f64(), second.to_f64()], int: [first.to_i64(), second.to_i64()] }
    }
}

impl From<Number> for Parameters {
    fn from(number: Number) -> Self {
        Parameters::new(number, number)
    }
}

/// A function on dense blocks: `(output, inputs, elements, parameters)`.
pub type BlockFn = unsafe fn(*mut u8, [*const u8; 3], usize, &Parameters);

/// A function that [`run`] can apply.
#[derive(Clone, Copy, Debug)]
pub struct Kernel {
    /// What its inputs are.
    pub inputs: [Kind; 3],
    /// What its output is.
    pub output: Kind,
    /// The function.
    pub function: BlockFn,
}

#[cfg(test)]
mod tests;
