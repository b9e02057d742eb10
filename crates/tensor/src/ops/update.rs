//! Steps of optimisers, each in one pass over a parameter's memory.

use crate::backend::{Adam, Sgd};
use crate::{DType, Result, Tensor};

/// Whether these tensors can be moved together: alike in shape, strides and dtype, dense, and each with
/// memory of its own.
fn alike(tensors: &[&Tensor]) -> bool {
    let arrays: Vec<_> = tensors.iter().map(|t| t.array()).collect();
    let first = &arrays[0];
    matches!(first.dtype(), DType::F32 | DType::F64)
        && first.layout().is_dense()
        && arrays.iter().enumerate().all(|(i, array)| {
            array.dtype() == first.dtype()
                && array.shape() == first.shape()
                && array.strides() == first.strides()
                && arrays[..i].iter().all(|other| !array.may_overlap(other))
        })
}

impl Tensor {
    /// Moves the tensor against a gradient, and the momentum with it. Nothing is recorded.
    ///
    /// False, and nothing is done, if the tensors are not alike (in shape, strides and dtype, float32 or
    /// float64, dense, and apart in memory): then a sequence of operators must do it.
    ///
    /// # Errors
    /// PyTorch's, where a tensor may not be changed in place.
    pub fn sgd_step_(&self, grad: &Tensor, momentum: Option<&Tensor>, options: &Sgd) -> Result<bool> {
        let tensors: Vec<&Tensor> = [self, grad].into_iter().chain(momentum).collect();
        if !alike(&tensors) {
            return Ok(false);
        }
        self.check_in_place(false)?;
        let buffer = momentum.map(Tensor::array);
        self.backend().sgd(options, &self.array(), &grad.array(), buffer.as_ref())?;
        self.bump_version();
        momentum.inspect(|momentum| momentum.bump_version());
        Ok(true)
    }

    /// Moves the tensor by the running means of its gradient and of the gradient's square, and those
    /// means. Nothing is recorded.
    ///
    /// False, and nothing is done, if the tensors are not alike: see [`Tensor::sgd_step_`].
    ///
    /// # Errors
    /// As [`Tensor::sgd_step_`].
    pub fn adam_step_(&self, grad: &Tensor, means: [&Tensor; 2], options: &Adam) -> Result<bool> {
        if !alike(&[self, grad, means[0], means[1]]) {
            return Ok(false);
        }
        self.check_in_place(false)?;
        let [mean, square] = means.map(Tensor::array);
        self.backend().adam(options, &self.array(), &grad.array(), [&mean, &square])?;
        self.bump_version();
        means.iter().for_each(|mean| mean.bump_version());
        Ok(true)
    }
}
