//! What a user may change of a tensor's place in the graph.

use super::{AutogradMeta, is_inference_mode_enabled};
use crate::{Error, Result, Tensor};

impl Tensor {
    /// Sets whether operators on this tensor are recorded, and gives it back.
    ///
    /// # Errors
    /// If this is no leaf and its flag would change, or its dtype carries no gradient, or it was made in inference mode.
    pub fn requires_grad_(&self, requires_grad: bool) -> Result<Tensor> {
        if self.is_inference() && !is_inference_mode_enabled() && requires_grad {
            return Err(Error::autograd(
                "Setting requires_grad=True on inference tensor outside InferenceMode is not allowed.",
            ));
        }
        if !self.is_leaf() {
            // What was recorded needs a gradient already.
            if requires_grad && self.requires_grad() {
                return Ok(self.clone());
            }
            return Err(Error::autograd(
                "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in a subgraph that doesn't require differentiation use var_no_grad = var.detach().",
            ));
        }
        if requires_grad && !self.dtype().is_differentiable() {
            return Err(Error::autograd("only Tensors of floating point dtype can require gradients"));
        }
        self.meta_mut(|m| m.requires_grad = requires_grad);
        Ok(self.clone())
    }

    /// Puts a tensor in place of the accumulated gradient.
    ///
    /// # Errors
    /// If its shape or dtype is not this tensor's, or it is this tensor.
    pub fn set_grad(&self, grad: Option<Tensor>) -> Result<()> {
        if let Some(grad) = &grad {
            if grad.same(self) {
                return Err(Error::autograd("can't assign Variable as its own grad"));
            }
            if grad.dtype() != self.dtype() {
                return Err(Error::autograd(format!(
                    "attempting to assign a gradient with dtype '{}' to a tensor with grad_dtype '{}'. The gradient must match the tensor's grad_dtype (defaults to the tensor's dtype). You can set the tensor's grad_dtype attribute with a specific dtype, or None to allow any dtype. Set grad_dtype with caution. Diverging the dtypes of a tensor and its gradient may break downstream systems that assume they match.",
                    grad.dtype().c_name(),
                    self.dtype().scalar_type_name()
                )));
            }
            if grad.shape() != self.shape() {
                return Err(Error::autograd(format!(
                    "attempting to assign a gradient of size '{}' to a tensor of size '{}'. Please ensure that the gradient and the tensor are the same size",
                    grad.shape(),
                    self.shape()
                )));
            }
        }
        // The former gradient is dropped outside the lock.
        drop(self.meta_mut(|m| std::mem::replace(&mut m.grad, grad)));
        Ok(())
    }

    /// The same numbers outside the graph. Writes to one are writes to the other, and are counted
    /// together.
    pub fn detach(&self) -> Tensor {
        let meta =
            self.meta(|m| AutogradMeta { version: m.version.clone(), inference: m.inference, ..Default::default() });
        Tensor::with_meta(self.array(), meta)
    }

    /// Cuts this tensor out of its graph and makes it a leaf that requires no gradient.
    ///
    /// # Errors
    /// If it is a view.
    pub fn detach_(&self) -> Result<Tensor> {
        if self.is_view() {
            return Err(Error::autograd(
                "Can't detach views in-place. Use detach() instead. If you are using DistributedDataParallel (DDP) for training, and gradient_as_bucket_view is set as True, gradients are views of DDP buckets, and hence detach_() cannot be called on these gradients. To fix this error, please refer to the Optimizer.zero_grad() function in torch/optim/optimizer.py as the solution.",
            ));
        }
        let former = self.meta_mut(|m| {
            m.requires_grad = false;
            m.output_nr = 0;
            m.grad_fn.take()
        });
        drop(former);
        Ok(self.clone())
    }

    /// The same numbers outside the graph; writes to it are not noticed by autograd.
    pub fn data(&self) -> Tensor {
        Tensor::with_meta(self.array(), AutogradMeta { inference: self.is_inference(), ..Default::default() })
    }

    /// Gives this tensor another one's numbers, shape and dtype, unnoticed by autograd. They share
    /// memory afterwards.
    ///
    /// # Errors
    /// If this tensor requires a gradient and the new dtype carries none.
    pub fn set_data(&self, data: &Tensor) -> Result<()> {
        if self.requires_grad() && !data.dtype().is_differentiable() {
            return Err(Error::autograd(
                "data set to a tensor that requires gradients must be floating point or complex dtype",
            ));
        }
        self.replace_array(data.array());
        Ok(())
    }
}

impl Tensor {
    /// Forgets the accumulated gradient.
    pub fn clear_grad(&self) {
        // The old gradient is dropped after the lock is let go.
        drop(self.meta_mut(|m| m.grad.take()));
    }
}
