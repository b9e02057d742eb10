//! The dropout layer.

use crate::{Forward, Module, Training};
use flambeau_tensor::{Result, Tensor};

/// In training, sets each element to 0 with probability `p` and divides the rest by `1 - p`.
#[derive(Debug, Module)]
pub struct Dropout {
    #[module(skip)]
    p: f64,
    training: Training,
}

impl Dropout {
    /// A layer that leaves out this share (PyTorch's default is 0.5).
    pub fn new(p: f64) -> Self {
        Self { p, training: Training::default() }
    }
}

impl Forward for Dropout {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        input.dropout(self.p, self.training.get())
    }
}
