//! Learning rates that change as training goes on.
//!
//! A scheduler is asked once an epoch, after the optimiser's steps; [`OneCycleLr`] is made to be asked
//! after every one of them, and the others may be.
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

mod cosine;
mod decay;
mod linear;
mod one_cycle;

pub use cosine::CosineAnnealingLr;
pub use decay::{ExponentialLr, MultiStepLr, StepLr};
pub use linear::LinearLr;
pub use one_cycle::OneCycleLr;

use crate::optim::state::{entries, entry};
use crate::optim::{Entries, Optimizer, StateValue};
use flambeau_tensor::{Error, Result};

/// Changes an optimiser's learning rates.
pub trait LrScheduler {
    /// Begins the next epoch, or the next step where that is what is counted.
    fn step(&mut self, optimizer: &mut dyn Optimizer);

    /// What the scheduler remembers, under PyTorch's names.
    fn state_dict(&self) -> Entries;

    /// Takes over what another of its kind remembered: where it stands, not its options. The learning
    /// rate itself is the optimiser's and comes with its state.
    ///
    /// # Errors
    /// If something is missing, or the number of groups is another; then nothing has changed.
    fn load_state_dict(&mut self, state: &Entries) -> Result<()>;
}

impl<S: LrScheduler + ?Sized> LrScheduler for Box<S> {
    fn step(&mut self, optimizer: &mut dyn Optimizer) {
        (**self).step(optimizer);
    }
    fn state_dict(&self) -> Entries {
        (**self).state_dict()
    }
    fn load_state_dict(&mut self, state: &Entries) -> Result<()> {
        (**self).load_state_dict(state)
    }
}

/// Where a scheduler stands.
#[derive(Clone, Debug)]
struct Clock {
    /// The learning rates that it began with.
    base: Vec<f64>,
    /// How often it was asked.
    epoch: u64,
    /// The learning rates that it set last.
    last: Vec<f64>,
}

impl Clock {
    /// Begins at the optimiser's present learning rates.
    fn new(optimizer: &dyn Optimizer) -> Self {
        let rates = optimizer.learning_rates();
        Self { base: rates.clone(), epoch: 0, last: rates }
    }

    /// Goes on, and sets what `rate` makes of a group's first and present learning rates.
    fn advance(&mut self, optimizer: &mut dyn Optimizer, rate: impl Fn(u64, f64, f64) -> f64) {
        self.epoch += 1;
        self.set(optimizer, rate);
    }

    fn set(&mut self, optimizer: &mut dyn Optimizer, rate: impl Fn(u64, f64, f64) -> f64) {
        for (group, present) in optimizer.learning_rates().into_iter().enumerate() {
            let base = self.base.get(group).copied().unwrap_or(present);
            optimizer.set_group_learning_rate(group, rate(self.epoch, base, present));
        }
        self.last = optimizer.learning_rates();
    }

    fn state_dict<const N: usize>(&self, options: [(&str, StateValue); N]) -> Entries {
        let mut state = entries(options);
        state.extend(entries([
            ("base_lrs", StateValue::Floats(self.base.clone())),
            ("last_epoch", StateValue::Int(self.epoch as i64)),
            ("_step_count", StateValue::Int(self.epoch as i64 + 1)),
            ("_last_lr", StateValue::Floats(self.last.clone())),
        ]));
        state
    }

    fn load_state_dict(&mut self, state: &Entries) -> Result<()> {
        let lacks = |name: &str| Error::value(format!("the saved state of the scheduler lacks '{name}'"));
        let rates = |name: &str| match entry(state, name).and_then(StateValue::to_floats) {
            Some(rates) if rates.len() == self.base.len() => Ok(rates.to_vec()),
            Some(rates) => Err(Error::value(format!(
                "the saved state of the scheduler is for {} parameter groups, the optimizer has {}",
                rates.len(),
                self.base.len()
            ))),
            None => Err(lacks(name)),
        };
        let epoch = entry(state, "last_epoch").and_then(StateValue::to_f64).ok_or_else(|| lacks("last_epoch"))?;
        *self = Self { base: rates("base_lrs")?, epoch: epoch as u64, last: rates("_last_lr")? };
        Ok(())
    }
}

/// The methods of [`LrScheduler`] that all schedulers have in common. `$rate` tells a learning rate from the scheduler,
/// how often it was asked, and the first and the present learning rate; `$options` names what it was made with.
macro_rules! scheduler {
    ($name:ident, $rate:expr, $options:expr) => {
        impl $crate::lr_scheduler::LrScheduler for $name {
            fn step(&mut self, optimizer: &mut dyn $crate::optim::Optimizer) {
                let rate: fn(&$name, u64, f64, f64) -> f64 = $rate;
                let this = self.clone();
                self.clock.advance(optimizer, |epoch, base, present| rate(&this, epoch, base, present));
            }

            fn state_dict(&self) -> $crate::optim::Entries {
                self.clock.state_dict(($options)(self))
            }

            fn load_state_dict(&mut self, state: &$crate::optim::Entries) -> flambeau_tensor::Result<()> {
                self.clock.load_state_dict(state)
            }
        }
    };
}
use scheduler;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Module;
    use crate::modules::Linear;
    use crate::optim::Sgd;

    fn optimizer(lr: f64) -> Result<Sgd> {
        Sgd::builder(Linear::new(2, 1)?.parameters()).lr(lr).build()
    }

    /// The learning rates of the first epochs.
    fn follow(scheduler: &mut dyn LrScheduler, optimizer: &mut Sgd, epochs: usize) -> Vec<f64> {
        let one = |_| {
            let rate = optimizer.learning_rates()[0];
            scheduler.step(optimizer);
            rate
        };
        (0..epochs).map(one).collect()
    }

    #[track_caller]
    fn close(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() <= 1e-15, "{found} is not {expected}");
        }
    }

    type Make = fn(&mut Sgd) -> Box<dyn LrScheduler>;

    /// Schedulers with what PyTorch's give from a learning rate of 0.1.
    const KNOWN: [(Make, &[f64]); 6] = [
        (|o| Box::new(StepLr::new(o, 2, 0.5)), &[0.1, 0.1, 0.05, 0.05, 0.025]),
        (|o| Box::new(MultiStepLr::new(o, &[5, 2, 5], 0.5)), &[0.1, 0.1, 0.05, 0.05, 0.05, 0.0125, 0.0125, 0.0125]),
        (
            |o| Box::new(ExponentialLr::new(o, 0.9)),
            &[0.1, 0.09000000000000001, 0.08100000000000002, 0.07290000000000002, 0.06561000000000002],
        ),
        (
            |o| Box::new(LinearLr::new(o, 0.25, 1.0, 4)),
            &[0.025, 0.043750000000000004, 0.06250000000000001, 0.08125000000000002, 0.10000000000000002, 0.1],
        ),
        (
            |o| Box::new(CosineAnnealingLr::new(o, 4, 0.01)),
            &[0.1, 0.08681980515339464, 0.05500000000000001, 0.023180194846605363, 0.01, 0.023180194846605363],
        ),
        (
            |o| Box::new(OneCycleLr::new(o, 1.0, 10)),
            &[
                0.040000000000000036,
                0.52,
                1.0,
                0.9504846320134737,
                0.8117456539497631,
                0.6112620219362893,
                0.38874197806371075,
                0.18825834605023697,
                0.049519367986526286,
                4e-06,
            ],
        ),
    ];

    #[test]
    fn rates_are_pytorchs() -> Result<()> {
        for (make, expected) in KNOWN {
            let mut optimizer = optimizer(0.1)?;
            let mut scheduler = make(&mut optimizer);
            close(&follow(&mut *scheduler, &mut optimizer, expected.len()), expected);
        }
        Ok(())
    }

    #[test]
    fn a_restored_scheduler_goes_on_bit_for_bit() -> Result<()> {
        for (make, _) in KNOWN {
            let mut first = optimizer(0.1)?;
            let mut scheduler = make(&mut first);
            follow(&mut *scheduler, &mut first, 3);
            let (states, rates) = (scheduler.state_dict(), first.state_dict()?);
            let mut second = optimizer(0.1)?;
            let mut restored = make(&mut second);
            restored.load_state_dict(&states)?;
            second.load_state_dict(&rates)?;
            assert_eq!(follow(&mut *scheduler, &mut first, 5), follow(&mut *restored, &mut second, 5));
        }
        Ok(())
    }

    #[test]
    fn a_strange_state_is_refused() -> Result<()> {
        let mut optimizer = optimizer(0.1)?;
        let mut scheduler = ExponentialLr::new(&optimizer, 0.5);
        let error = scheduler.load_state_dict(&Entries::new()).err().map(|e| e.message().to_owned());
        assert_eq!(error.as_deref(), Some("the saved state of the scheduler lacks 'last_epoch'"));
        let mut state = scheduler.state_dict();
        for (name, value) in &mut state {
            if name == "base_lrs" {
                *value = StateValue::Floats(vec![0.1, 0.2]);
            }
        }
        assert!(scheduler.load_state_dict(&state).is_err());
        assert_eq!(follow(&mut scheduler, &mut optimizer, 2), [0.1, 0.05]);
        Ok(())
    }
}
