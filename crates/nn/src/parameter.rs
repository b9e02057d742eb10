//! What a module is made of.

use crate::{Module, Path, Visitor};
use flambeau_tensor::{Result, Tensor};
use std::sync::atomic::{AtomicBool, Ordering};

/// A tensor that is learned: it requires a gradient and is part of the state dict.
#[derive(Clone, Debug)]
pub struct Parameter(Tensor);

impl Parameter {
    /// Makes a parameter of a tensor's numbers; the tensor's own history is left behind.
    ///
    /// # Errors
    /// If the dtype carries no gradient.
    pub fn new(tensor: &Tensor) -> Result<Self> {
        let parameter = tensor.detach();
        parameter.requires_grad_(true)?;
        Ok(Self(parameter))
    }
}

impl std::ops::Deref for Parameter {
    type Target = Tensor;
    fn deref(&self) -> &Tensor {
        &self.0
    }
}

impl Module for Parameter {
    fn visit(&self, path: &Path<'_>, visitor: &mut dyn Visitor) {
        visitor.parameter(path, &self.0);
    }
}

/// A tensor that is part of a module's state but not learned, such as running statistics.
#[derive(Clone, Debug)]
pub struct Buffer(Tensor);

impl Buffer {
    /// Makes a buffer of a tensor.
    pub fn new(tensor: Tensor) -> Self {
        Self(tensor)
    }
}

impl std::ops::Deref for Buffer {
    type Target = Tensor;
    fn deref(&self) -> &Tensor {
        &self.0
    }
}

impl Module for Buffer {
    fn visit(&self, path: &Path<'_>, visitor: &mut dyn Visitor) {
        visitor.buffer(path, &self.0);
    }
}

/// Whether a module is in training mode; modules that behave differently then hold one.
#[derive(Debug)]
pub struct Training(AtomicBool);

impl Training {
    /// Whether training is on.
    pub fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Turns training on or off.
    pub fn set(&self, training: bool) {
        self.0.store(training, Ordering::Relaxed);
    }
}

/// A new module trains.
impl Default for Training {
    fn default() -> Self {
        Self(AtomicBool::new(true))
    }
}

impl Module for Training {
    fn visit(&self, path: &Path<'_>, visitor: &mut dyn Visitor) {
        visitor.training(path, self);
    }
}
