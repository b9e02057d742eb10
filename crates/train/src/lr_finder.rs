//! A learning rate to begin with.

use crate::{Loader, Outcome, Trainer};
use flambeau_nn::Module;
use flambeau_nn::optim::{Optimizer, OptimizerState, StateValue};
use flambeau_tensor::{Error, Result, Tensor, autograd::no_grad, default_generator};

/// Tries learning rates from low to high, a batch each, and sees how the loss takes it.
///
/// Source: L. N. Smith, "Cyclical Learning Rates for Training Neural Networks", 2017.
///
/// ```
/// use flambeau::prelude::*;
/// use flambeau::train::{LrFinder, Trainer};
///
/// let input = Tensor::randn([64, 3], DType::F32)?;
/// let target = input.sum_dims(&[1], true, None)?;
/// let net = Linear::new(3, 1)?;
/// let optimizer = Sgd::builder(net.parameters()).build()?;
/// let mut trainer = Trainer::builder(net, optimizer).build()?;
/// let curve = LrFinder::default().find(&mut trainer, &[(input, target)][..], |net, (input, target)| {
///     functional::mse_loss(&net.forward(input)?, target)
/// })?;
/// println!("begin with {:?}", curve.suggestion());
/// # Ok::<(), flambeau::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LrFinder {
    /// The lowest learning rate.
    pub start: f64,
    /// The highest.
    pub end: f64,
    /// How many are tried, each a factor above the one before.
    pub steps: usize,
    /// How much of the running mean of the loss stays at each step.
    pub smoothing: f64,
    /// The search ends when the smoothed loss is this many times the lowest.
    pub diverged: f64,
}

impl Default for LrFinder {
    fn default() -> Self {
        Self { start: 1e-6, end: 10.0, steps: 100, smoothing: 0.9, diverged: 4.0 }
    }
}

/// How the loss took rising learning rates.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curve {
    /// Learning rates with the smoothed loss.
    pub points: Vec<(f64, f64)>,
}

impl Curve {
    /// The learning rate at which the smoothed loss falls fastest, against the logarithm of the learning rate; none if it
    /// never falls.
    pub fn suggestion(&self) -> Option<f64> {
        // Before the smoothed loss has settled, it falls for no reason.
        let settled = self.points.get(self.points.len() / 10..)?;
        let lowest = settled.iter().enumerate().min_by(|a, b| a.1.1.total_cmp(&b.1.1))?.0;
        let falling = settled[..=lowest].windows(3).filter_map(|window| match *window {
            [(_, before), (lr, _), (_, after)] if after < before => Some((lr, before - after)),
            _ => None,
        });
        falling.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(lr, _)| lr)
    }
}

/// What an optimiser remembers, apart from it.
fn copied(mut state: OptimizerState) -> Result<OptimizerState> {
    for (_, entries) in &mut state.state {
        for (_, value) in entries {
            if let StateValue::Tensor(tensor) = value {
                *tensor = tensor.copy()?;
            }
        }
    }
    Ok(state)
}

impl LrFinder {
    /// Tries learning rates with a trainer's network and optimiser, which have their own state and weights again
    /// afterwards, as random numbers have.
    ///
    /// # Errors
    /// If the learning rates do not rise from above 0, or whatever the loader or the loss gives.
    pub fn find<M: Module, O: Optimizer, L: Loader + ?Sized, R: Into<Outcome>>(
        &self,
        trainer: &mut Trainer<'_, M, O>,
        loader: &L,
        compute: impl FnMut(&M, &L::Batch) -> Result<R>,
    ) -> Result<Curve> {
        if !(self.start > 0.0 && self.start < self.end && self.end.is_finite()) {
            return Err(Error::value(format!(
                "learning rates rise from above 0, not from {} to {}",
                self.start, self.end
            )));
        }
        let (net, optimizer) = trainer.parts();
        let model = net.state_dict();
        let weights: Vec<Tensor> = no_grad(|| model.tensors().map(|t| t.detach().copy()).collect::<Result<_>>())?;
        let state = copied(optimizer.state_dict()?)?;
        let (random, loader_random) = (default_generator().get_state()?, loader.state()?);
        let curve = self.search(net, optimizer, loader, compute);
        no_grad(|| {
            for (tensor, own) in model.tensors().zip(&weights) {
                tensor.copy_(own)?;
            }
            optimizer.load_state_dict(&state)
        })?;
        optimizer.zero_grad();
        default_generator().set_state(&random)?;
        if let Some(state) = loader_random {
            loader.restore(&state)?;
        }
        curve
    }

    fn search<M: Module, O: Optimizer, L: Loader + ?Sized, R: Into<Outcome>>(
        &self,
        net: &M,
        optimizer: &mut O,
        loader: &L,
        mut compute: impl FnMut(&M, &L::Batch) -> Result<R>,
    ) -> Result<Curve> {
        net.train(true);
        let mut curve = Curve::default();
        let factor = (self.end / self.start).powf(1.0 / (self.steps.max(2) - 1) as f64);
        let (mut mean, mut lowest) = (0.0, f64::INFINITY);
        let mut batches = loader.epoch(0)?;
        for step in 0..self.steps.max(2) {
            let batch = match batches.next() {
                Some(batch) => batch?,
                None => {
                    batches = loader.epoch(0)?;
                    match batches.next() {
                        Some(batch) => batch?,
                        None => break,
                    }
                }
            };
            let lr = self.start * factor.powi(step as i32);
            optimizer.set_learning_rate(lr);
            optimizer.zero_grad();
            let loss = compute(net, &batch)?.into().loss;
            loss.backward()?;
            optimizer.step()?;
            mean = self.smoothing * mean + (1.0 - self.smoothing) * loss.item()?.to_f64();
            // The mean began at 0 and is that much too small.
            let smooth = mean / (1.0 - self.smoothing.powi(step as i32 + 1));
            lowest = lowest.min(smooth);
            if !smooth.is_finite() || smooth > self.diverged * lowest {
                break;
            }
            curve.points.push((lr, smooth));
        }
        Ok(curve)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flambeau_nn::modules::Linear;
    use flambeau_nn::optim::Sgd;
    use flambeau_nn::{Forward, functional};

    #[test]
    fn a_rate_that_learns_is_found_and_nothing_is_changed() -> Result<()> {
        let net = Linear::new(2, 1)?;
        let input = Tensor::from_slice(&[1f32, 0.0, 0.0, 1.0, 1.0, 1.0, -1.0, 1.0], [4, 2])?;
        let target = Tensor::from_slice(&[2f32, -3.0, -1.0, -5.0], [4, 1])?;
        let before: Vec<Vec<f32>> = net.parameters().iter().map(Tensor::to_vec::<f32>).collect::<Result<_>>()?;
        let sgd = Sgd::builder(net.parameters()).lr(0.125).momentum(0.9).build()?;
        let mut trainer = Trainer::builder(&net, sgd).build()?;
        let curve = LrFinder::default().find(&mut trainer, &[(input, target)][..], |net, (input, target)| {
            functional::mse_loss(&net.forward(input)?, target)
        })?;
        let found = curve.suggestion().expect("a suggestion");
        assert!((1e-4..1.0).contains(&found), "{found}");
        // The search went up to where the loss runs away, and no further.
        assert!(curve.points.len() < 100, "{}", curve.points.len());
        let after: Vec<Vec<f32>> = net.parameters().iter().map(Tensor::to_vec::<f32>).collect::<Result<_>>()?;
        assert_eq!(before, after);
        assert_eq!(trainer.optimizer().learning_rates(), [0.125]);
        assert!(trainer.optimizer().state_dict()?.state.is_empty());
        Ok(())
    }

    #[test]
    fn the_steepest_fall_is_suggested() {
        let points = [5.0, 5.0, 4.9, 4.0, 2.0, 1.5, 1.4, 3.0, 9.0];
        let curve =
            Curve { points: points.iter().enumerate().map(|(i, &loss)| (10f64.powi(i as i32), loss)).collect() };
        assert_eq!(curve.suggestion(), Some(1e3));
        assert_eq!(Curve { points: vec![(1.0, 1.0), (2.0, 2.0), (3.0, 3.0)] }.suggestion(), None);
        assert_eq!(Curve::default().suggestion(), None);
    }
}
