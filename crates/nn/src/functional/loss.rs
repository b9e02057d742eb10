//! Losses, as means over all elements or targets. Other reductions, weights and label smoothing
//! are options of the tensor's own methods.

use crate::precision;
use flambeau_tensor::ops::{CrossEntropyOptions, Reduction};
use flambeau_tensor::{Result, Tensor};

/// Mean cross-entropy of `softmax(input)` `(N, C, …)` and target classes `(N, …)`.
///
/// # Errors
/// If the shapes do not fit or a class does not exist.
pub fn cross_entropy(input: &Tensor, target: &Tensor) -> Result<Tensor> {
    precision::loss(input, target, |input, target| input.cross_entropy_loss(target, &CrossEntropyOptions::default()))
}

/// Mean negative log-likelihood of target classes `(N, …)`, given log-probabilities `(N, C, …)`.
///
/// # Errors
/// If the shapes do not fit or a class does not exist.
pub fn nll_loss(input: &Tensor, target: &Tensor) -> Result<Tensor> {
    precision::loss(input, target, |input, target| {
        input.nll_loss(target, None, Reduction::Mean, CrossEntropyOptions::default().ignore_index)
    })
}

/// Mean squared error.
///
/// # Errors
/// If the shapes cannot be broadcast.
pub fn mse_loss(input: &Tensor, target: &Tensor) -> Result<Tensor> {
    precision::loss(input, target, |input, target| input.mse_loss(target, Reduction::Mean))
}

/// Mean absolute error.
///
/// # Errors
/// If the shapes cannot be broadcast.
pub fn l1_loss(input: &Tensor, target: &Tensor) -> Result<Tensor> {
    precision::loss(input, target, |input, target| input.l1_loss(target, Reduction::Mean))
}

/// Mean binary cross-entropy of `sigmoid(input)`.
///
/// # Errors
/// If the shapes differ.
pub fn binary_cross_entropy_with_logits(input: &Tensor, target: &Tensor) -> Result<Tensor> {
    precision::loss(input, target, |input, target| {
        input.binary_cross_entropy_with_logits(target, None, None, Reduction::Mean)
    })
}
