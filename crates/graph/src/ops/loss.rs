//! Losses of classification, which files of models in training have.

use crate::compute::{Compute, Inputs};
use flambeau_tensor::ops::Reduction;
use flambeau_tensor::{DType, Error, Result, Tensor};

/// A class that no target has, where a file names none to be left out.
const NOTHING: i64 = i64::MIN;

fn loss(scores: &Tensor, inputs: &Inputs<'_>, reduction: Reduction, ignore_index: Option<i64>) -> Result<Tensor> {
    let target = inputs.get(1, "target")?;
    if scores.ndim() < 2 || !target.dtype().is_integral(false) {
        return Err(Error::shape(format!(
            "scores (N, C, …) and classes are expected, but got {} and {} of shape {}",
            scores.shape(),
            target.dtype(),
            target.shape()
        )));
    }
    let target = target.to_dtype(DType::I64)?;
    scores.nll_loss(&target, inputs.optional(2), reduction, ignore_index.unwrap_or(NOTHING))
}

/// Minus the log-probability of each target's class. Inputs: log-probabilities `(N, C, …)`, classes
/// `(N, …)`, and weights of the classes `(C)`, which may be absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NegativeLogLikelihoodLoss {
    /// What becomes of the losses.
    pub reduction: Reduction,
    /// The class of targets that do not count.
    pub ignore_index: Option<i64>,
}

impl Compute for NegativeLogLikelihoodLoss {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        Ok(vec![loss(inputs.get(0, "input")?, inputs, self.reduction, self.ignore_index)?])
    }
}

/// The same of scores, whose softmax are the probabilities. Results: the loss, and the
/// log-probabilities.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SoftmaxCrossEntropyLoss(pub NegativeLogLikelihoodLoss);

impl Compute for SoftmaxCrossEntropyLoss {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let scores = inputs.get(0, "scores")?;
        if scores.ndim() < 2 {
            return Err(Error::shape(format!("scores (N, C, …) are expected, but got {}", scores.shape())));
        }
        let log_probabilities = scores.log_softmax(1)?;
        Ok(vec![loss(&log_probabilities, inputs, self.0.reduction, self.0.ignore_index)?, log_probabilities])
    }
}
