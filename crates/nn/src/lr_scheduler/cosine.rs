//! A learning rate that follows a cosine.

use super::{Clock, scheduler};
use crate::optim::{Optimizer, StateValue};
use std::f64::consts::PI;

/// Follows half a cosine from the first learning rate to `eta_min` in `t_max` epochs (and back up
/// in the next `t_max`).
///
/// Source: I. Loshchilov, F. Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017,
/// in PyTorch's recursive form.
#[derive(Clone, Debug)]
pub struct CosineAnnealingLr {
    t_max: u64,
    eta_min: f64,
    clock: Clock,
}

impl CosineAnnealingLr {
    /// Begins at the optimiser's present learning rates.
    pub fn new(optimizer: &dyn Optimizer, t_max: u64, eta_min: f64) -> Self {
        Self { t_max: t_max.max(1), eta_min, clock: Clock::new(optimizer) }
    }
}

scheduler!(
    CosineAnnealingLr,
    |this, epoch, base, present| {
        let (t, t_max, eta_min) = (epoch as f64, this.t_max as f64, this.eta_min);
        if (epoch as i64 - 1 - this.t_max as i64).rem_euclid(2 * this.t_max as i64) == 0 {
            present + (base - eta_min) * (1.0 - (PI / t_max).cos()) / 2.0
        } else {
            (1.0 + (PI * t / t_max).cos()) / (1.0 + (PI * (t - 1.0) / t_max).cos()) * (present - eta_min) + eta_min
        }
    },
    |this: &CosineAnnealingLr| [
        ("T_max", StateValue::Int(this.t_max as i64)),
        ("eta_min", StateValue::Float(this.eta_min)),
    ]
);
