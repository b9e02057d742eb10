//! Learning rates that fall by a factor.

use super::{Clock, scheduler};
use crate::optim::{Optimizer, StateValue};

/// Multiplies the learning rate by `gamma` every `step_size` epochs.
#[derive(Clone, Debug)]
pub struct StepLr {
    step_size: u64,
    gamma: f64,
    clock: Clock,
}

impl StepLr {
    /// Begins at the optimiser's present learning rates.
    pub fn new(optimizer: &dyn Optimizer, step_size: u64, gamma: f64) -> Self {
        Self { step_size: step_size.max(1), gamma, clock: Clock::new(optimizer) }
    }
}

scheduler!(
    StepLr,
    |this, epoch, _, present| if epoch.is_multiple_of(this.step_size) { present * this.gamma } else { present },
    |this: &StepLr| [("step_size", StateValue::Int(this.step_size as i64)), ("gamma", StateValue::Float(this.gamma)),]
);

/// Multiplies the learning rate by `gamma` at some epochs.
#[derive(Clone, Debug)]
pub struct MultiStepLr {
    milestones: Vec<u64>,
    gamma: f64,
    clock: Clock,
}

impl MultiStepLr {
    /// Begins at the optimiser's present learning rates. An epoch that is named twice counts twice.
    pub fn new(optimizer: &dyn Optimizer, milestones: &[u64], gamma: f64) -> Self {
        Self { milestones: milestones.to_vec(), gamma, clock: Clock::new(optimizer) }
    }
}

scheduler!(
    MultiStepLr,
    |this, epoch, _, present| {
        let times = this.milestones.iter().filter(|&&milestone| milestone == epoch).count();
        present * this.gamma.powi(times as i32)
    },
    |this: &MultiStepLr| [("gamma", StateValue::Float(this.gamma))]
);

/// Multiplies the learning rate by `gamma` every epoch.
#[derive(Clone, Debug)]
pub struct ExponentialLr {
    gamma: f64,
    clock: Clock,
}

impl ExponentialLr {
    /// Begins at the optimiser's present learning rates.
    pub fn new(optimizer: &dyn Optimizer, gamma: f64) -> Self {
        Self { gamma, clock: Clock::new(optimizer) }
    }
}

scheduler!(ExponentialLr, |this, _, _, present| present * this.gamma, |this: &ExponentialLr| [(
    "gamma",
    StateValue::Float(this.gamma)
)]);
