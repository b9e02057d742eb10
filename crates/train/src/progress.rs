//! How far training has come, and what it came to.

use flambeau_tensor::Tensor;
use std::time::Duration;

/// Numbers by name, in the order in which they were set: `loss`, `accuracy`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scores(Vec<(String, f64)>);

impl Scores {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// With another number.
    #[must_use]
    pub fn with(mut self, name: &str, value: f64) -> Self {
        self.set(name, value);
        self
    }

    /// Sets a number.
    pub fn set(&mut self, name: &str, value: f64) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// The number of this name.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Names and numbers, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter().map(|(name, value)| (name.as_str(), *value))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What a batch came to: a loss to be made smaller, and whatever else is worth knowing.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The loss: one number, with its gradient.
    pub loss: Tensor,
    /// Means over the batch, by name.
    pub scores: Scores,
}

impl Outcome {
    /// With another mean over the batch.
    #[must_use]
    pub fn with(mut self, name: &str, value: f64) -> Self {
        self.scores.set(name, value);
        self
    }
}

impl From<Tensor> for Outcome {
    fn from(loss: Tensor) -> Self {
        Self { loss, scores: Scores::new() }
    }
}

/// Which way a score gets better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Up, as an accuracy.
    Highest,
    /// Down, as a loss.
    Lowest,
}

impl Goal {
    /// Whether a score is better than another by more than `margin`. What is no number is never better, and worse than
    /// any number.
    pub fn better(self, new: f64, old: f64, margin: f64) -> bool {
        let gain = match self {
            Goal::Highest => new - old,
            Goal::Lowest => old - new,
        };
        gain > margin || (old.is_nan() && !new.is_nan())
    }
}

/// How far training has come.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// The epoch under way, from 1.
    pub epoch: u64,
    /// How many there will be.
    pub epochs: u64,
    /// Batches of the epoch that are done.
    pub batch: usize,
    /// How many it has.
    pub batches: usize,
    /// Steps of the optimiser since training began.
    pub step: u64,
    /// Samples of the epoch that are done.
    pub samples: u64,
    /// The mean loss of the last step's batches.
    pub loss: f64,
    /// Means over the samples of the epoch that are done: `loss`, and what the batches' [`Outcome`]s had.
    pub train: Scores,
    /// What validation gave at the end of the epoch.
    pub validation: Scores,
    /// Whether the watched score is the best so far; known at the end of the epoch.
    pub improved: bool,
    /// The learning rate of the first group in the last step.
    pub learning_rate: f64,
    /// The norm of the gradients before they were clipped, if they are.
    pub gradient_norm: Option<f64>,
    /// How long this epoch has been worked on by this process, without validation.
    pub elapsed: Duration,
    /// Samples that this process did meanwhile.
    pub samples_since: u64,
}

impl Progress {
    /// Samples learned from in a second, in this epoch; 0 before the first step.
    pub fn samples_per_second(&self) -> f64 {
        let seconds = self.elapsed.as_secs_f64();
        if seconds > 0.0 { self.samples_since as f64 / seconds } else { 0.0 }
    }

    /// How long the batches that are left will take at the present speed; none before the first step.
    pub fn time_left(&self) -> Option<Duration> {
        let rate = self.samples_per_second();
        let per_batch = self.samples.checked_div(self.batch as u64).filter(|&samples| samples > 0)? as f64;
        let epochs = self.epochs.saturating_sub(self.epoch) as f64;
        let batches = self.batches.saturating_sub(self.batch) as f64 + epochs * self.batches as f64;
        if rate > 0.0 { Duration::try_from_secs_f64(batches * per_batch / rate).ok() } else { None }
    }
}

/// What an epoch came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Epoch {
    /// Its number, from 1.
    pub epoch: u64,
    /// Steps of the optimiser up to its end.
    pub step: u64,
    /// Means over the samples while they were learned from.
    pub train: Scores,
    /// What validation gave.
    pub validation: Scores,
}

/// What training came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// The epochs that ended in this call.
    pub epochs: Vec<Epoch>,
    /// Whether a callback ended training early.
    pub stopped: bool,
}
