//! Arrangements changed in place: the tensor keeps its identity and its numbers, and shows them
//! in another shape.

use crate::{Layout, Result, Tensor};

impl Tensor {
    /// Gives this tensor the shape, strides and history of a view of itself.
    fn become_view(&self, view: impl FnOnce(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
        if self.requires_grad() {
            self.check_in_place(false)?;
        }
        let shown = view(&self.alias_with_history())?;
        self.replace_array(shown.array());
        self.bump_version();
        if let Some(node) = shown.grad_fn() {
            let former = self.meta_mut(|m| {
                m.output_nr = 0;
                m.requires_grad = false;
                m.grad_fn.replace(node)
            });
            drop(former);
        }
        Ok(self.clone())
    }

    /// [`Tensor::squeeze`] in place.
    ///
    /// # Errors
    /// If this is a leaf that requires a gradient.
    pub fn squeeze_(&self) -> Result<Tensor> {
        self.become_view(Tensor::squeeze)
    }

    /// [`Tensor::squeeze_dim`] in place.
    ///
    /// # Errors
    /// As [`Tensor::squeeze_dim`], and if this is a leaf that requires a gradient.
    pub fn squeeze_dim_(&self, dim: isize) -> Result<Tensor> {
        self.become_view(|x| x.squeeze_dim(dim))
    }

    /// [`Tensor::squeeze_dims`] in place.
    ///
    /// # Errors
    /// As [`Tensor::squeeze_dims`], and if this is a leaf that requires a gradient.
    pub fn squeeze_dims_(&self, dims: &[isize]) -> Result<Tensor> {
        self.become_view(|x| x.squeeze_dims(dims))
    }

    /// [`Tensor::unsqueeze`] in place.
    ///
    /// # Errors
    /// As [`Tensor::unsqueeze`], and if this is a leaf that requires a gradient.
    pub fn unsqueeze_(&self, dim: isize) -> Result<Tensor> {
        self.become_view(|x| x.unsqueeze(dim))
    }

    /// [`Tensor::t`] in place.
    ///
    /// # Errors
    /// As [`Tensor::t`], and if this is a leaf that requires a gradient.
    pub fn t_(&self) -> Result<Tensor> {
        self.become_view(Tensor::t)
    }

    /// [`Tensor::transpose`] in place.
    ///
    /// # Errors
    /// As [`Tensor::transpose`], and if this is a leaf that requires a gradient.
    pub fn transpose_(&self, dim0: isize, dim1: isize) -> Result<Tensor> {
        self.become_view(|x| x.transpose(dim0, dim1))
    }

    /// [`Tensor::as_strided`] in place.
    ///
    /// # Errors
    /// As [`Tensor::as_strided`], and if this is a leaf that requires a gradient.
    pub fn as_strided_(&self, layout: Layout) -> Result<Tensor> {
        self.become_view(|x| x.as_strided(layout))
    }
}
