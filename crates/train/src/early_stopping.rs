//! An end to training that leads nowhere.

use crate::value::{dict, field, float, int, number};
use crate::{Callback, Flow, Goal, Progress};
use flambeau_store::Value;
use flambeau_tensor::Result;

/// Ends training when a score of the validation (or, without one, of the training) has not become better for some epochs.
///
/// ```
/// use flambeau::train::{EarlyStopping, Goal};
/// let patient = EarlyStopping::new("accuracy", Goal::Highest, 5).margin(0.001);
/// ```
#[derive(Clone, Debug)]
pub struct EarlyStopping {
    score: String,
    goal: Goal,
    patience: u64,
    margin: f64,
    best: f64,
    /// Epochs since the best one.
    waited: u64,
}

impl EarlyStopping {
    /// Ends training after so many epochs that were not better than the best.
    pub fn new(score: &str, goal: Goal, patience: u64) -> Self {
        Self { score: score.to_owned(), goal, patience: patience.max(1), margin: 0.0, best: f64::NAN, waited: 0 }
    }

    /// By how much an epoch must be better to count (0 by default).
    #[must_use]
    pub fn margin(mut self, margin: f64) -> Self {
        self.margin = margin;
        self
    }

    fn see(&mut self, score: f64) -> Flow {
        if self.goal.better(score, self.best, self.margin) {
            (self.best, self.waited) = (score, 0);
        } else {
            self.waited += 1;
        }
        if self.waited >= self.patience { Flow::Stop } else { Flow::Continue }
    }
}

impl<M: ?Sized> Callback<M> for EarlyStopping {
    /// A score that nobody gives ends nothing.
    fn epoch_ends(&mut self, _: &M, progress: &Progress) -> Result<Flow> {
        let score = progress.validation.get(&self.score).or_else(|| progress.train.get(&self.score));
        Ok(score.map_or(Flow::Continue, |score| self.see(score)))
    }

    fn state(&self) -> Option<(String, Value)> {
        let state = dict([("best", Value::Float(self.best)), ("waited", int(self.waited))]);
        Some((format!("early_stopping.{}", self.score), state))
    }

    fn restore(&mut self, state: &Value) -> Result<()> {
        (self.best, self.waited) = (float(field(state, "best")?, "best")?, number(field(state, "waited")?, "waited")?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_is_counted_from_the_best() -> Result<()> {
        let mut stopping = EarlyStopping::new("loss", Goal::Lowest, 2).margin(0.1);
        let seen = [3.0, 2.0, 1.95, 1.5, 1.45].map(|loss| stopping.see(loss));
        assert_eq!(seen, [Flow::Continue; 5]);
        let (name, state) = Callback::<()>::state(&stopping).expect("a state");
        assert_eq!(name, "early_stopping.loss");
        let mut restored = EarlyStopping::new("loss", Goal::Lowest, 2).margin(0.1);
        Callback::<()>::restore(&mut restored, &state)?;
        assert_eq!(restored.see(f64::NAN), Flow::Stop);
        assert_eq!(stopping.see(1.0), Flow::Continue);
        Ok(())
    }

    #[test]
    fn a_score_that_nobody_gives_ends_nothing() -> Result<()> {
        let mut stopping = EarlyStopping::new("accuracy", Goal::Highest, 1);
        for _ in 0..3 {
            assert_eq!(stopping.epoch_ends(&(), &Progress::default())?, Flow::Continue);
        }
        Ok(())
    }
}
