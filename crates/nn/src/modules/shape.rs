//! Layers that only change shapes, or nothing.

use crate::{Forward, Module};
use flambeau_tensor::{Result, Tensor};

/// Flattens all dimensions but the first (or those between two given ones).
#[derive(Clone, Debug, Module)]
pub struct Flatten {
    #[module(skip)]
    start_dim: isize,
    #[module(skip)]
    end_dim: isize,
}

impl Flatten {
    /// Keeps the batch dimension and flattens the rest.
    pub fn new() -> Self {
        Self::between(1, -1)
    }

    /// Flattens from one dimension to another, both included.
    pub fn between(start_dim: isize, end_dim: isize) -> Self {
        Self { start_dim, end_dim }
    }
}

impl Default for Flatten {
    fn default() -> Self {
        Self::new()
    }
}

impl Forward for Flatten {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        input.flatten(self.start_dim, self.end_dim)
    }
}

/// Gives back its input.
#[derive(Clone, Copy, Debug, Default, Module)]
pub struct Identity;

impl Forward for Identity {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        Ok(input.clone())
    }
}
