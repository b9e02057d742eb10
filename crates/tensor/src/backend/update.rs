//! Primitive operations: updates of parameters.

use crate::{Array, Result};
pub use flambeau_kernels::update::{Adam, Sgd};

/// How a backend moves parameters. All arrays of a call have one shape, dense strides and dtype (float32
/// or float64), and share no memory.
pub trait Update {
    /// A step of gradient descent, which moves the momentum too, if there is one.
    ///
    /// # Errors
    /// If an array may not be written.
    fn sgd(&self, options: &Sgd, param: &Array, grad: &Array, momentum: Option<&Array>) -> Result<()>;

    /// A step of Adam, which moves the running means of the gradient and of its square too.
    ///
    /// # Errors
    /// If an array may not be written.
    fn adam(&self, options: &Adam, param: &Array, grad: &Array, means: [&Array; 2]) -> Result<()>;
}
