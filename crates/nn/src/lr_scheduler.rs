//! Learning rates that change with the epochs.
//!
//! A scheduler is asked once an epoch, after the optimiser's steps:
//!
//! ```
//! use flambeau::nn::lr_scheduler::{LrScheduler, StepLr};
//! use flambeau::prelude::*;
//!
//! let model = Linear::new(2, 1)?;
//! let mut optimizer = Sgd::builder(model.parameters()).lr(0.1).build()?;
//! let mut scheduler = StepLr::new(&optimizer, 2, 0.5);
//! for expected in [0.1, 0.1, 0.05, 0.05, 0.025] {
//!     assert_eq!(optimizer.learning_rates(), [expected]);
//!     scheduler.step(&mut optimizer);
//! }
//! # Ok::<(), flambeau::Error>(())
//! ```

use crate::optim::Optimizer;

/// Changes an optimiser's learning rates, once an epoch.
pub trait LrScheduler {
    /// Begins the next epoch.
    fn step(&mut self, optimizer: &mut dyn Optimizer);
}

/// Multiplies the learning rate by `gamma` every `step_size` epochs.
#[derive(Clone, Debug)]
pub struct StepLr {
    step_size: u64,
    gamma: f64,
    epoch: u64,
}

impl StepLr {
    /// Begins at the optimiser's present learning rates.
    pub fn new(_optimizer: &dyn Optimizer, step_size: u64, gamma: f64) -> Self {
        Self { step_size: step_size.max(1), gamma, epoch: 0 }
    }
}

impl LrScheduler for StepLr {
    fn step(&mut self, optimizer: &mut dyn Optimizer) {
        self.epoch += 1;
        if self.epoch.is_multiple_of(self.step_size) {
            for (group, lr) in optimizer.learning_rates().into_iter().enumerate() {
                optimizer.set_group_learning_rate(group, lr * self.gamma);
            }
        }
    }
}

/// Follows half a cosine from the first learning rate to `eta_min` in `t_max` epochs (and back up
/// in the next `t_max`).
///
/// Source: I. Loshchilov, F. Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017,
/// in PyTorch's recursive form.
#[derive(Clone, Debug)]
pub struct CosineAnnealingLr {
    base: Vec<f64>,
    t_max: u64,
    eta_min: f64,
    epoch: u64,
}

impl CosineAnnealingLr {
    /// Begins at the optimiser's present learning rates.
    pub fn new(optimizer: &dyn Optimizer, t_max: u64, eta_min: f64) -> Self {
        Self { base: optimizer.learning_rates(), t_max: t_max.max(1), eta_min, epoch: 0 }
    }
}

impl LrScheduler for CosineAnnealingLr {
    fn step(&mut self, optimizer: &mut dyn Optimizer) {
        use std::f64::consts::PI;
        self.epoch += 1;
        let (t, t_max) = (self.epoch as f64, self.t_max as f64);
        for (group, lr) in optimizer.learning_rates().into_iter().enumerate() {
            let base = self.base.get(group).copied().unwrap_or(lr);
            let next = if (self.epoch as i64 - 1 - self.t_max as i64).rem_euclid(2 * self.t_max as i64) == 0 {
                lr + (base - self.eta_min) * (1.0 - (PI / t_max).cos()) / 2.0
            } else {
                (1.0 + (PI * t / t_max).cos()) / (1.0 + (PI * (t - 1.0) / t_max).cos()) * (lr - self.eta_min)
                    + self.eta_min
            };
            optimizer.set_group_learning_rate(group, next);
        }
    }
}
