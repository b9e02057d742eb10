//! Losses as objects with options.

use crate::precision;
use flambeau_tensor::ops::{CrossEntropyOptions, Reduction};
use flambeau_tensor::{Result, Tensor};

macro_rules! losses {
    ($($(#[$doc:meta])* $name:ident: $compute:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default)]
        pub struct $name {
            /// What becomes of the losses of single elements.
            pub reduction: Reduction,
        }

        impl $name {
            /// The mean of the losses.
            pub fn new() -> Self {
                Self::default()
            }

            /// The loss of an input, given what it should have been.
            ///
            /// # Errors
            /// If the shapes or dtypes do not fit.
            pub fn forward(&self, input: &Tensor, target: &Tensor) -> Result<Tensor> {
                let compute: fn(&Tensor, &Tensor, Reduction) -> Result<Tensor> = $compute;
                precision::loss(input, target, |input, target| compute(input, target, self.reduction))
            }
        }
    )*};
}

losses! {
    /// The squared error.
    MseLoss: Tensor::mse_loss;
    /// The absolute error.
    L1Loss: Tensor::l1_loss;
    /// The negative log-likelihood of classes, given log-probabilities.
    NllLoss: |input, target, reduction| input.nll_loss(target, None, reduction, -100);
    /// The binary cross-entropy of the sigmoid of the input.
    BceWithLogitsLoss: |input, target, reduction| input.binary_cross_entropy_with_logits(target, None, None, reduction);
}

/// The cross-entropy of the softmax of the input `(N, C, …)` and target classes `(N, …)` or
/// probabilities `(N, C, …)`.
#[derive(Clone, Debug, Default)]
pub struct CrossEntropyLoss {
    options: CrossEntropyOptions,
}

impl CrossEntropyLoss {
    /// The mean, without weights or smoothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// With these options.
    pub fn with_options(options: CrossEntropyOptions) -> Self {
        Self { options }
    }

    /// The loss of an input, given what it should have been.
    ///
    /// # Errors
    /// If the shapes or dtypes do not fit, or a class does not exist.
    pub fn forward(&self, input: &Tensor, target: &Tensor) -> Result<Tensor> {
        precision::loss(input, target, |input, target| input.cross_entropy_loss(target, &self.options))
    }
}
