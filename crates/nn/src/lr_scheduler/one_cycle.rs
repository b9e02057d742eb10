//! A learning rate that rises once and falls.

use super::{Clock, scheduler};
use crate::optim::{Optimizer, StateValue};
use std::f64::consts::PI;

/// The share of the steps in which the learning rate rises.
const RISE: f64 = 0.3;
/// The highest learning rate over the first one.
const DIV_FACTOR: f64 = 25.0;
/// The first learning rate over the last one.
const FINAL_DIV_FACTOR: f64 = 1e4;

/// Rises along half a cosine from a 25th of the highest learning rate in the first 30 % of the steps, and
/// falls along another to nearly nothing: to be asked after every step of the optimiser.
///
/// Source: L. N. Smith, N. Topin, "Super-Convergence: Very Fast Training of Neural Networks Using Large
/// Learning Rates", 2018, as PyTorch does it with `cycle_momentum=False`.
#[derive(Clone, Debug)]
pub struct OneCycleLr {
    max_lr: f64,
    total_steps: u64,
    rise: f64,
    clock: Clock,
}

impl OneCycleLr {
    /// Sets the first learning rate of a cycle of so many steps. After the last step the learning rate
    /// stays where it is.
    pub fn new(optimizer: &mut dyn Optimizer, max_lr: f64, total_steps: u64) -> Self {
        let mut scheduler = Self { max_lr, total_steps: total_steps.max(2), rise: RISE, clock: Clock::new(optimizer) };
        let this = scheduler.clone();
        scheduler.clock.set(optimizer, |_, _, _| this.rate(0));
        scheduler.clock.base = scheduler.clock.last.clone();
        scheduler
    }

    /// The share of the steps, between 0 and 1, in which the learning rate rises (PyTorch's `pct_start`).
    #[must_use]
    pub fn rise(mut self, share: f64) -> Self {
        self.rise = share.clamp(0.0, 1.0);
        self
    }

    fn rate(&self, step: u64) -> f64 {
        let initial = self.max_lr / DIV_FACTOR;
        let (step, end) = (step as f64, self.total_steps as f64 - 1.0);
        // PyTorch counts the steps from 0, and a rise of less than one is none.
        let top = (self.rise * self.total_steps as f64 - 1.0).clamp(0.0, end);
        let between = |from: f64, to: f64, share: f64| to + (from - to) / 2.0 * (1.0 + (PI * share).cos());
        if step <= top && top > 0.0 {
            between(initial, self.max_lr, step / top)
        } else if end > top {
            between(self.max_lr, initial / FINAL_DIV_FACTOR, ((step - top) / (end - top)).min(1.0))
        } else {
            self.max_lr
        }
    }
}

scheduler!(OneCycleLr, |this, step, _, _| this.rate(step), |this: &OneCycleLr| [(
    "total_steps",
    StateValue::Int(this.total_steps as i64)
)]);
