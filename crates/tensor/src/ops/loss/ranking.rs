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

fn ndim_error(what: &str, a: &Tensor, b: &Tensor) -> Error {
    Error::runtime(format!("{what} input tensors, but found inputs with sizes {} and {}.", a.shape(), b.shape()))
}

/// The options of [`Tensor::triplet_margin_loss`].
#[derive(Clone, Copy, Debug)]
pub struct TripletOptions {
    /// By how much the negative must be farther away than the positive.
    pub margin: f64,
    /// The norm.
    pub p: f64,
    /// Added to each difference.
    pub eps: f64,
    /// Whether the negative's distance from the positive counts, where it is the smaller one.
    pub swap: bool,
    /// What becomes of the losses of single triplets.
    pub reduction: Reduction,
}

impl Default for TripletOptions {
    fn default() -> Self {
        TripletOptions { margin: 1.0, p: 2.0, eps: 1e-6, swap: false, reduction: Reduction::Mean }
    }
}

impl Tensor {
    /// `1 - cos(input, other)` where the target is 1, `max(0, cos - margin)` where it is -1.
    ///
    /// # Errors
    /// If the target is not `(N)` with inputs `(N, D)`, or `()` with inputs `(D)`.
    pub fn cosine_embedding_loss(
        &self,
        other: &Tensor,
        target: &Tensor,
        margin: f64,
        reduction: Reduction,
    ) -> Result<Tensor> {
        const SMALLEST: f64 = 1e-12;
        let dim = target.ndim();
        match dim {
            0 if self.ndim() != 1 || other.ndim() != 1 => {
                return Err(ndim_error("0D target tensor expects 1D", self, other));
            }
            1 if self.ndim() != 2 || other.ndim() != 2 => {
                return Err(ndim_error("1D target tensor expects 2D", self, other));
            }
            0 | 1 => {}
            _ => return Err(Error::runtime("0D or 1D target tensor expected, multi-target not supported")),
        }
        let sum = |product: Tensor| product.sum_dims(&[dim as isize], false, None);
        let lengths = sum(self.mul(self)?)?.add(SMALLEST)?.mul(&sum(other.mul(other)?)?.add(SMALLEST)?)?.sqrt()?;
        let cosine = sum(self.mul(other)?)?.div(&lengths)?;
        let zeros = cosine.zeros_like(None)?;
        let near = where_(&target.eq(1)?, &cosine.neg()?.add(1.0)?, &zeros)?;
        let far = where_(&target.eq(-1)?, &positive_part(&cosine.sub(margin)?)?, &zeros)?;
        reduction.apply(&near.add(&far)?)
    }

    /// `max(0, d(anchor, positive) - d(anchor, negative) + margin)`, where this tensor is the anchor
    /// and `d` a distance along the last dimension.
    ///
    /// Source: V. Balntas et al., "Learning local feature descriptors with triplets and shallow
    /// convolutional neural networks", 2016.
    ///
    /// # Errors
    /// If the tensors have different numbers of dimensions or cannot be broadcast.
    pub fn triplet_margin_loss(
        &self,
        positive: &Tensor,
        negative: &Tensor,
        options: &TripletOptions,
    ) -> Result<Tensor> {
        let ranks = [self, positive, negative].map(Tensor::ndim);
        if ranks[0] != ranks[1] || ranks[1] != ranks[2] {
            return Err(Error::runtime(format!(
                "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: anchor {}D, positive {}D, and negative {}D inputs",
                ranks[0], ranks[1], ranks[2]
            )));
        }
        let distance = |a: &Tensor, b: &Tensor| a.pairwise_distance(b, options.p, options.eps, false);
        let near = distance(self, positive)?;
        let mut far = distance(self, negative)?;
        if options.swap {
            far = far.minimum(&distance(positive, negative)?)?;
        }
        options.reduction.apply(&positive_part(&near.sub(&far)?.add(options.margin)?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autograd::{gradcheck, gradgradcheck};

    fn sample(seed: usize) -> Tensor {
        let values: Vec<f64> = (0..12).map(|i| ((i * 7 + seed * 5) % 13) as f64 / 6.0 - 0.9).collect();
        Tensor::from_slice(&values, [4, 3]).unwrap().requires_grad_(true).unwrap()
    }

    #[test]
    fn gradients_of_likeness() {
        let target = Tensor::from_slice(&[1i64, -1, 1, -1], [4]).unwrap();
        let inputs = [sample(0), sample(1), sample(2)];
        gradcheck(|x| x[0].cosine_embedding_loss(&x[1], &target, 0.1, Reduction::Mean), &inputs[..2]).unwrap();
        for swap in [false, true] {
            let options = TripletOptions { swap, reduction: Reduction::Sum, ..Default::default() };
            gradcheck(|x| x[0].triplet_margin_loss(&x[1], &x[2], &options), &inputs).unwrap();
            gradgradcheck(|x| x[0].triplet_margin_loss(&x[1], &x[2], &options), &inputs).unwrap();
        }
        assert!(inputs[0].cosine_embedding_loss(&inputs[1], &inputs[2], 0.0, Reduction::Mean).is_err());
    }
}
