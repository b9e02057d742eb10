//! A running mean of a network's weights.

use crate::value::{dict, field, int, number, of_state_dict, state_dict};
use flambeau_nn::{Module, StateDict};
use flambeau_store::Value;
use flambeau_tensor::{Error, Result, Tensor, autograd::no_grad};

/// The exponential moving average of a network's parameters: after a step, `decay` of the mean stays and the rest is the
/// new weights. The first means forget faster, so that they do not remember the initial weights. Buffers, such as running
/// statistics, are those of the last step.
///
/// Source: B. T. Polyak, A. B. Juditsky, "Acceleration of stochastic approximation by averaging", 1992.
#[derive(Clone, Debug)]
pub struct Ema {
    decay: f64,
    updates: u64,
    mean: StateDict,
}

fn copied(state: &StateDict) -> Result<StateDict> {
    no_grad(|| state.iter().map(|(name, tensor)| Ok((name.to_owned(), tensor.detach().copy()?))).collect())
}

fn overwrite(state: &StateDict, with: &StateDict) -> Result<()> {
    no_grad(|| {
        for (to, from) in state.tensors().zip(with.tensors()) {
            to.copy_(from)?;
        }
        Ok(())
    })
}

impl Ema {
    /// Begins with a network's present weights.
    ///
    /// # Errors
    /// If the decay is not between 0 and 1, or there is not enough memory.
    pub fn new(net: &impl Module, decay: f64) -> Result<Self> {
        if !(0.0..=1.0).contains(&decay) {
            return Err(Error::value(format!("the decay of a mean of weights is between 0 and 1, got {decay}")));
        }
        Ok(Self { decay, updates: 0, mean: copied(&net.state_dict())? })
    }

    /// Takes a step of the optimiser into account.
    ///
    /// # Errors
    /// If the network is another.
    pub fn update(&mut self, net: &impl Module) -> Result<()> {
        self.updates += 1;
        let n = self.updates as f64;
        let keep = self.decay.min((1.0 + n) / (10.0 + n));
        let parameters = net.named_parameters();
        no_grad(|| {
            let state = net.state_dict();
            for ((name, mean), tensor) in self.mean.iter().zip(state.tensors()) {
                // Parameters come in the order of the state dict, but a name tells for certain.
                if tensor.dtype().is_floating_point() && parameters.iter().any(|(known, _)| known == name) {
                    mean.lerp_(tensor, 1.0 - keep)?;
                } else {
                    mean.copy_(tensor)?;
                }
            }
            Ok(())
        })
    }

    /// The mean weights: not copies.
    pub fn state_dict(&self) -> &StateDict {
        &self.mean
    }

    /// Does something with the network while it has the mean weights; then it has its own again, also after an error.
    ///
    /// # Errors
    /// Whatever `work` gives.
    pub fn with_mean<M: Module, R>(&self, net: &M, work: impl FnOnce(&M) -> Result<R>) -> Result<R> {
        let state = net.state_dict();
        let own = copied(&state)?;
        overwrite(&state, &self.mean)?;
        let outcome = work(net);
        overwrite(&state, &own)?;
        outcome
    }

    pub(crate) fn to_value(&self) -> Value {
        dict([("updates", int(self.updates)), ("mean", of_state_dict(&self.mean))])
    }

    pub(crate) fn restore(&mut self, value: &Value) -> Result<()> {
        let mean = state_dict(field(value, "mean")?, "mean")?;
        let same =
            |(own, saved): ((&str, &Tensor), (&str, &Tensor))| own.0 == saved.0 && own.1.shape() == saved.1.shape();
        if mean.len() != self.mean.len() || !self.mean.iter().zip(mean.iter()).all(same) {
            return Err(Error::file("the checkpoint's mean weights are another network's"));
        }
        self.updates = number(field(value, "updates")?, "updates")?;
        overwrite(&self.mean, &mean)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flambeau_nn::modules::BatchNorm2d;
    use flambeau_tensor::Error;

    #[test]
    fn the_mean_follows_the_weights() -> Result<()> {
        let net = BatchNorm2d::new(2)?;
        let mut ema = Ema::new(&net, 0.5)?;
        let weight = net.parameters().remove(0);
        no_grad(|| weight.fill_(3.0))?;
        ema.update(&net)?;
        // Of the first mean 2/11 stays, of later ones half.
        let expected = 1.0 * (2.0 / 11.0) + 3.0 * (9.0 / 11.0);
        let mean = |ema: &Ema| ema.state_dict().tensors().next().map(Tensor::to_vec::<f32>).expect("a tensor");
        assert!((f64::from(mean(&ema)?[0]) - expected).abs() < 1e-6);
        assert!(Ema::new(&net, 1.5).is_err());
        // A mean is taken out and put back.
        let mut other = Ema::new(&net, 0.5)?;
        other.restore(&ema.to_value())?;
        assert_eq!(mean(&other)?, mean(&ema)?);
        Ok(())
    }

    #[test]
    fn the_network_gets_its_own_weights_back() -> Result<()> {
        let net = BatchNorm2d::new(1)?;
        let ema = Ema::new(&net, 0.9)?;
        let weight = net.parameters().remove(0);
        no_grad(|| weight.fill_(5.0))?;
        let seen: Result<()> = ema.with_mean(&net, |_| {
            assert_eq!(weight.to_vec::<f32>()?, [1.0]);
            Err(Error::runtime("stop"))
        });
        assert!(seen.is_err());
        assert_eq!(weight.to_vec::<f32>()?, [5.0]);
        Ok(())
    }
}
