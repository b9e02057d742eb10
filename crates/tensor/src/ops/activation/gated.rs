//! Activations of more than one tensor.

use crate::ops::elementwise::{not_implemented, where_};
use crate::{Error, Result, Tensor};

impl Tensor {
    /// The first half of a dimension, each element times the sigmoid of its counterpart in the
    /// second half.
    ///
    /// # Errors
    /// If the dimension's size is odd, and for dtypes that are no floats.
    pub fn glu(&self, dim: isize) -> Result<Tensor> {
        if self.ndim() == 0 {
            return Err(Error::runtime("glu does not support scalars because halving size must be even"));
        }
        let dim = self.dim(dim)?;
        let size = self.shape()[dim];
        if !size.is_multiple_of(2) {
            return Err(Error::runtime(format!("Halving dimension must be even, but dimension {dim} is size {size}")));
        }
        if !self.dtype().is_floating_point() {
            return Err(not_implemented("glu_cpu", self.dtype()));
        }
        let half = size / 2;
        let gate = self.narrow(dim as isize, half as isize, half)?.sigmoid()?;
        self.narrow(dim as isize, 0, half)?.mul(&gate)
    }

    /// x where it is above 0, else `weight`·x with one weight for all or one for each channel (the
    /// second dimension).
    ///
    /// # Errors
    /// PyTorch's, for weights that do not fit, and for dtypes that are no floats.
    pub fn prelu(&self, weight: &Tensor) -> Result<Tensor> {
        if self.dtype() != weight.dtype() {
            return Err(Error::runtime(format!(
                "prelu: Type promoting not supported. Got {} and {}",
                self.dtype().scalar_type_name(),
                weight.dtype().scalar_type_name()
            )));
        }
        let count = weight.numel();
        if count != 1 {
            if self.ndim() == 0 {
                return Err(Error::runtime("Not allow zero-dim input tensor."));
            }
            let channels = if self.ndim() > 1 { self.shape()[1] } else { 1 };
            if channels != count {
                return Err(Error::runtime(format!(
                    "Mismatch of parameter numbers and input channel size. Found parameter numbers = {count} and channel size = {channels}."
                )));
            }
        }
        if weight.ndim() > 1 {
            return Err(Error::runtime(format!(
                "prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {}",
                weight.ndim()
            )));
        }
        if !self.dtype().is_floating_point() {
            return Err(not_implemented("prelu_cpu", self.dtype()));
        }
        let weight = if self.ndim() == weight.ndim() && self.ndim() < 2 {
            weight.clone()
        } else {
            let mut shape = vec![1isize; self.ndim()];
            if self.ndim() > 1 {
                shape[1] = count as isize;
            }
            weight.reshape(&shape)?
        };
        let scaled = self.mul(&weight)?;
        where_(&self.gt(0)?, self, &scaled)
    }
}
