//! Complex numbers: pairs of reals, and operators made of those on the pairs.
//!
//! Kernels move complex numbers and compute on real ones. [`Tensor::view_as_real`] shows the parts,
//! [`Tensor::view_as_complex`] goes back, both with gradients; everything else here is made of the two
//! and of real operators, so that gradients of every order come free. A gradient with respect to a
//! complex number is PyTorch's: the derivative by the real part plus i times that by the imaginary
//! part.

mod arithmetic;
mod convolution;
mod parts;
mod reduce;

pub(crate) use arithmetic::{add_scaled, compare, divide, multiply, negate};
pub(crate) use convolution::convolve;
pub use parts::{complex, polar};
pub(crate) use reduce::{mean, sum};

#[cfg(test)]
mod tests;
