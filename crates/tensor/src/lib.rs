//! Tensors: numbers in strided views of shared storage, with PyTorch's semantics.
//!
//! [`Tensor`] is the type everything above is written in. Its operators live in [`ops`], one file
//! for each family; they check what the user gave, promote types, broadcast, and hand the numbers
//! to a [`backend::Backend`]. What they did is recorded by [`autograd`].

pub mod autocast;
pub mod autograd;
pub mod backend;
pub mod cpu;
mod device;
mod dtype;
mod error;
mod generator;
pub mod kept;
mod layout;
pub mod memory;
pub mod ops;
mod print;
mod scalar;
mod storage;
mod tensor;

pub use device::Device;
pub use dtype::{DType, Number, get_default_dtype, set_default_dtype};
pub use error::{Error, ErrorKind, Result};
pub use generator::{Generator, default_generator, manual_seed};
pub use layout::{Layout, MemoryFormat, Shape, Strides};
pub use print::{PrintOptions, print_options, set_print_options};
pub use scalar::Scalar;
pub use storage::{Access, Array, Storage};
pub use tensor::{Tensor, wrap_dim};

/// Element types, as the kernels know them.
pub use flambeau_kernels::element;
