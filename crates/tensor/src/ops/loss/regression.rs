//! Distances between numbers.

use super::Reduction;
use crate::ops::where_;
use crate::{Error, Result, Tensor};

impl Tensor {
    /// `(input - target)²`; the two are broadcast.
    ///
    /// # Errors
    /// If the shapes cannot be broadcast.
    pub fn mse_loss(&self, target: &Tensor, reduction: Reduction) -> Result<Tensor> {
        reduction.apply(&self.sub(target)?.square()?)
    }

    /// `|input - target|`; the two are broadcast.
    ///
    /// # Errors
    /// If the shapes cannot be broadcast.
    pub fn l1_loss(&self, target: &Tensor, reduction: Reduction) -> Result<Tensor> {
        reduction.apply(&self.sub(target)?.abs()?)
    }

    /// `d² / (2 beta)` where `d = |input - target|` is less than `beta`, else `d - beta / 2`.
    ///
    /// # Errors
    /// If `beta` is negative, or the shapes cannot be broadcast.
    pub fn smooth_l1_loss(&self, target: &Tensor, reduction: Reduction, beta: f64) -> Result<Tensor> {
        if beta < 0.0 || beta.is_nan() {
            return Err(Error::runtime("smooth_l1_loss does not support negative values for beta."));
        }
        if beta == 0.0 {
            return self.l1_loss(target, reduction);
        }
        let distance = self.sub(target)?.abs()?;
        let near = distance.square()?.mul(0.5 / beta)?;
        reduction.apply(&where_(&distance.lt(beta)?, &near, &distance.sub(0.5 * beta)?)?)
    }

    /// `d² / 2` where `d = |input - target|` is at most `delta`, else `delta (d - delta / 2)`.
    ///
    /// Source: P. J. Huber, "Robust Estimation of a Location Parameter", 1964.
    ///
    /// # Errors
    /// If `delta` is not positive, or the shapes cannot be broadcast.
    pub fn huber_loss(&self, target: &Tensor, reduction: Reduction, delta: f64) -> Result<Tensor> {
        if delta <= 0.0 || delta.is_nan() {
            return Err(Error::runtime("huber_loss does not support non-positive values for delta."));
        }
        let distance = self.sub(target)?.abs()?;
        let near = distance.square()?.mul(0.5)?;
        let far = distance.sub(0.5 * delta)?.mul(delta)?;
        reduction.apply(&where_(&distance.le(delta)?, &near, &far)?)
    }

    /// `log(1 + exp(-target · input))`.
    ///
    /// # Errors
    /// If the shapes cannot be broadcast.
    pub fn soft_margin_loss(&self, target: &Tensor, reduction: Reduction) -> Result<Tensor> {
        reduction.apply(&self.mul(&target.neg()?)?.exp()?.log1p()?)
    }

    /// `exp(input) - target · input`, or with `log_input` off `input - target · log(input + eps)`;
    /// `full` adds Stirling's approximation of the rest.
    ///
    /// # Errors
    /// If the shapes cannot be broadcast.
    pub fn poisson_nll_loss(
        &self,
        target: &Tensor,
        log_input: bool,
        full: bool,
        eps: f64,
        reduction: Reduction,
    ) -> Result<Tensor> {
        let mut loss = if log_input {
            self.exp()?.sub(&target.mul(self)?)?
        } else {
            self.sub(&target.mul(&self.add(eps)?.log()?)?)?
        };
        if full {
            let stirling = target
                .mul(&target.log()?)?
                .sub(target)?
                .add(&target.mul(2.0 * std::f64::consts::PI)?.log()?.mul(0.5)?)?;
            loss = loss.add(&where_(&target.le(1.0)?, 0.0, &stirling)?)?;
        }
        reduction.apply(&loss)
    }

    /// `target · (log(target) - input)`, with both as logarithms if `log_target`.
    ///
    /// # Errors
    /// If the shapes cannot be broadcast.
    pub fn kl_div(&self, target: &Tensor, reduction: Reduction, log_target: bool) -> Result<Tensor> {
        let loss = if log_target {
            target.exp()?.mul(&target.sub(self)?)?
        } else {
            target.xlogy(target)?.sub(&target.mul(self)?)?
        };
        reduction.apply(&loss)
    }
}
