//! A learning rate that warms up.

use super::{Clock, scheduler};
use crate::optim::{Optimizer, StateValue};

/// Goes in a straight line from `start_factor` to `end_factor` times the first learning rate in
/// `total_iters` epochs, and stays there.
#[derive(Clone, Debug)]
pub struct LinearLr {
    start_factor: f64,
    end_factor: f64,
    total_iters: u64,
    clock: Clock,
}

impl LinearLr {
    /// Begins at the optimiser's present learning rates, which become `start_factor` times as high.
    pub fn new(optimizer: &mut dyn Optimizer, start_factor: f64, end_factor: f64, total_iters: u64) -> Self {
        let mut clock = Clock::new(optimizer);
        clock.set(optimizer, |_, _, present| present * start_factor);
        Self { start_factor, end_factor, total_iters, clock }
    }
}

scheduler!(
    LinearLr,
    |this, epoch, _, present| {
        if epoch > this.total_iters {
            return present;
        }
        let rise = this.end_factor - this.start_factor;
        present * (1.0 + rise / (this.total_iters as f64 * this.start_factor + (epoch - 1) as f64 * rise))
    },
    |this: &LinearLr| [
        ("start_factor", StateValue::Float(this.start_factor)),
        ("end_factor", StateValue::Float(this.end_factor)),
        ("total_iters", StateValue::Int(this.total_iters as i64)),
    ]
);
