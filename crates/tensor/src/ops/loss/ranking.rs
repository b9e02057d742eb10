//! Losses of an order or of a likeness.

use super::Reduction;
use crate::ops::where_;
use crate::{Error, Result, Tensor};

fn positive_part(x: &Tensor) -> Result<Tensor> {
    x.clamp(Some(0i64.into()), None)
}

impl Tensor {
    /// `max(0, -target · (input - other) + margin)`.
    ///
    /// # Errors
    /// If the shapes cannot be broadcast or have different numbers of dimensions.
    pub fn margin_ranking_loss(
        &self,
        other: &Tensor,
        target: &Tensor,
        margin: f64,
        reduction: Reduction,
    ) -> Result<Tensor> {
        if self.ndim() != other.ndim() || self.ndim() != target.ndim() {
            return Err(Error::runtime(format!(
                "margin_ranking_loss : All input tensors should have same dimension but got sizes: input1: torch.Size({}), input2: torch.Size({}), target: torch.Size({}) ",
                self.shape(),
                other.shape(),
                target.shape()
            )));
        }
        reduction.apply(&positive_part(&target.neg()?.mul(&self.sub(other)?)?.add(margin)?)?)
    }

    /// `input` where the target is 1, `max(0, margin - input)` where it is -1.
    ///
    /// # Errors
    /// If the shapes cannot be broadcast.
    pub fn hinge_embedding_loss(&self, target: &Tensor, margin: f64, reduction: Reduction) -> Result<Tensor> {
        let far = where_(&target.ne(1)?, &positive_part(&self.neg()?.add(margin)?)?, 0.0)?;
        let near = where_(&target.ne(-1)?, self, 0.0)?;
        reduction.apply(&far.add(&near)?)
    }
}
