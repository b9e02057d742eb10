//! The CPU behind the [`Backend`] trait: locks arrays, picks element types, calls the kernels.

mod activation;
mod contraction;
mod convolution;
mod dense;
pub(crate) mod elementwise;
mod indexing;
mod norm;
mod order;
mod random;
mod reduce;
mod softmax;
mod update;
mod window;

use crate::backend::Backend;
use crate::{DType, Error};

/// The processor this program runs on.
#[derive(Debug)]
pub struct Cpu;

/// The error for numbers that a kernel does not compute on: complex ones, mostly, which have neither an
/// order nor kernels of their own.
pub(crate) fn unsupported(dtype: DType) -> Error {
    Error::not_implemented(format!(
        "this operator is not implemented for '{}'; compute on view_as_real(tensor)",
        dtype.scalar_type_name()
    ))
}

impl Backend for Cpu {
    fn name(&self) -> &'static str {
        "cpu"
    }
}
