//! Losses of yes or no.

use super::Reduction;
use crate::autograd::{Recorder, no_grad};
use crate::{Error, Result, Tensor};

/// Where logarithms of probabilities are cut off, as in PyTorch.
const LOWEST_LOG: f64 = -100.0;
/// Where the denominator of the gradient is cut off.
const SMALLEST: f64 = 1e-12;

impl Tensor {
    /// `-(target · log(input) + (1 - target) · log(1 - input))` of probabilities, times `weight`.
    /// Logarithms are cut off at -100.
    ///
    /// # Errors
    /// If the shapes differ or an element of the input is not between 0 and 1.
    pub fn binary_cross_entropy(
        &self,
        target: &Tensor,
        weight: Option<&Tensor>,
        reduction: Reduction,
    ) -> Result<Tensor> {
        if self.shape() != target.shape() {
            return Err(Error::value(format!(
                "Using a target size (torch.Size({})) that is different to the input size (torch.Size({})) is deprecated. Please ensure they have the same size.",
                target.shape(),
                self.shape()
            )));
        }
        if self.dtype() != target.dtype() {
            return Err(Error::dtype(format!(
                "Found dtype {} but expected {}",
                target.dtype().scalar_type_name(),
                self.dtype().scalar_type_name()
            )));
        }
        let valid = no_grad(|| self.ge(0.0)?.logical_and(&self.le(1.0)?)?.all()?.item())?;
        if !valid.to_bool() {
            return Err(Error::runtime("all elements of input should be between 0 and 1"));
        }
        let losses = no_grad(|| {
            let lowest = Some(crate::ops::Operand::from(LOWEST_LOG));
            let yes = self.log()?.clamp(lowest.clone(), None)?;
            let no = self.neg()?.log1p()?.clamp(lowest, None)?;
            // (target - 1) · log(1 - input) - target · log(input)
            let loss = target.sub(1.0)?.mul(&no)?.sub(&target.mul(&yes)?)?;
            weight.map_or(Ok(loss.clone()), |w| loss.mul(w))
        })?;
        if let Some(mut r) = Recorder::new("BinaryCrossEntropyBackward0", &[self, target]) {
            let (input, truth) = (r.save(self), r.save(target));
            let weight = weight.map(|w| r.save(w));
            r.finish(&losses, move |ctx, grad| {
                let (input, truth) = (ctx.saved(input)?, ctx.saved(truth)?);
                let grad = match weight {
                    Some(w) => grad.mul(&ctx.saved(w)?)?,
                    None => grad.clone(),
                };
                let to_input = |input: &Tensor| {
                    let spread = input.neg()?.add(1.0)?.mul(input)?.clamp(Some(SMALLEST.into()), None)?;
                    grad.mul(&input.sub(&truth)?)?.div(&spread)
                };
                let to_target = |input: &Tensor| grad.mul(&input.neg()?.log1p()?.sub(&input.log()?)?);
                Ok(vec![
                    ctx.needs(0).then(|| to_input(&input)).transpose()?,
                    ctx.needs(1).then(|| to_target(&input)).transpose()?,
                ])
            });
        }
        reduction.apply(&losses)
    }

    /// The binary cross-entropy of `sigmoid(input)`, computed without overflow; `pos_weight`
    /// multiplies the part of the positive targets.
    ///
    /// # Errors
    /// If the shapes differ.
    pub fn binary_cross_entropy_with_logits(
        &self,
        target: &Tensor,
        weight: Option<&Tensor>,
        pos_weight: Option<&Tensor>,
        reduction: Reduction,
    ) -> Result<Tensor> {
        if self.shape() != target.shape() {
            return Err(Error::value(format!(
                "Target size (torch.Size({})) must be the same as input size (torch.Size({}))",
                target.shape(),
                self.shape()
            )));
        }
        // -log(sigmoid(x)) = softplus(-x), for any x without overflow.
        let log_sigmoid = self.log_sigmoid()?;
        let rest = target.neg()?.add(1.0)?.mul(self)?;
        let mut loss = match pos_weight {
            Some(pos_weight) => {
                let share = pos_weight.sub(1.0)?.mul(target)?.add(1.0)?;
                rest.sub(&share.mul(&log_sigmoid)?)?
            }
            None => rest.sub(&log_sigmoid)?,
        };
        if let Some(weight) = weight {
            loss = loss.mul(weight)?;
        }
        reduction.apply(&loss)
    }
}
