//! The gradient of a normalisation in differentiable operators.

use crate::{Result, Tensor};

/// A normalisation of a tensor along some dimensions, with parameters shaped to broadcast.
pub(super) struct Formula<'a> {
    /// What was normalised.
    pub(super) input: &'a Tensor,
    /// Dimensions that share a mean.
    pub(super) dims: &'a [isize],
    /// Factors, shaped to broadcast with the input.
    pub(super) weight: Option<&'a Tensor>,
    /// Mean and `1 / sqrt(variance + eps)` that are not the input's own, shaped to broadcast.
    pub(super) constants: Option<(&'a Tensor, &'a Tensor)>,
    /// Added to the variance.
    pub(super) eps: f64,
}

impl Formula<'_> {
    /// The gradient of the input, and the product that the weight's gradient is the sum of.
    pub(super) fn backward(&self, grad: &Tensor) -> Result<(Tensor, Tensor)> {
        let (centred, scale) = match self.constants {
            Some((mean, scale)) => (self.input.sub(mean)?, scale.clone()),
            None => {
                let centred = self.input.sub(&self.input.mean_dims(self.dims, true, None)?)?;
                let variance = centred.mul(&centred)?.mean_dims(self.dims, true, None)?;
                (centred, variance.add(self.eps)?.rsqrt()?)
            }
        };
        let normal = centred.mul(&scale)?;
        let weighted = self.weight.map_or_else(|| Ok(grad.clone()), |w| grad.mul(w))?;
        let products = grad.mul(&normal)?;
        if self.constants.is_some() {
            return Ok((weighted.mul(&scale)?, products));
        }
        let mean = weighted.mean_dims(self.dims, true, None)?;
        let slope = weighted.mul(&normal)?.mean_dims(self.dims, true, None)?;
        let input = weighted.sub(&mean)?.sub(&normal.mul(&slope)?)?.mul(&scale)?;
        Ok((input, products))
    }
}
