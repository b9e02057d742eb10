//! What a device must be able to do: primitive operations on storage and layout.
//!
//! [`Backend`] is the sum of one trait for each family of operations. A backend gets arrays whose
//! shapes and dtypes the operators have already checked and promoted, and output arrays that are
//! already allocated; it only computes. Everything composite (and every gradient) is written once,
//! in [`crate::ops`], from these primitives.

mod activation;
mod contraction;
mod convolution;
pub mod elementwise;
mod indexing;
mod norm;
mod order;
mod random;
mod reduce;
mod softmax;
mod update;
mod window;

use crate::Device;

pub use activation::{Activation, Activations, Order};
pub use contraction::Contraction;
pub use convolution::Convolution;
pub use elementwise::{BinaryOp, CompareOp, Elementwise, PredicateOp, Source, TernaryOp, UnaryOp};
pub use indexing::{IndexedDims, Indexing, Scatter};
pub use norm::{Norm, NormGradients, NormParameters, NormShape, Rows};
pub use order::{Boundaries, Distinct, Pick, Running, Sequence};
pub use random::{Distribution, Random};
pub use reduce::{Reduce, ReduceOp, Reduction};
pub use softmax::Softmax;
pub use update::{Adam, Sgd, Update};
pub use window::{PlaneMove, Sampling, Window};

/// A device's arithmetic.
pub trait Backend:
    Activations
    + Elementwise
    + Reduce
    + Indexing
    + Contraction
    + Convolution
    + Window
    + Norm
    + Random
    + Sequence
    + Softmax
    + Update
    + Send
    + Sync
    + 'static
{
    /// The device's name, for messages.
    fn name(&self) -> &'static str;
}

/// The backend of a device.
pub fn of(device: Device) -> &'static dyn Backend {
    match device {
        Device::Cpu => &crate::cpu::Cpu,
    }
}
