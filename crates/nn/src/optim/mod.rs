//! Optimisers: from gradients to better parameters.
//!
//! ```
//! use flambeau::nn::optim::{Optimizer, Sgd};
//! use flambeau::prelude::*;
//!
//! let model = Linear::new(2, 1)?;
//! let mut optimizer = Sgd::builder(model.parameters()).lr(0.1).momentum(0.9).build()?;
//! let loss = model.forward(&Tensor::randn([8, 2], DType::F32)?)?.square()?.mean()?;
//! optimizer.zero_grad();
//! loss.backward()?;
//! optimizer.step()?;
//! # Ok::<(), flambeau::Error>(())
//! ```
//!
//! Updates are made in PyTorch's order of operations, so that a run can be followed number by
//! number.

mod adam;
mod sgd;
pub(crate) mod state;

pub use adam::{Adam, AdamBuilder, AdamOptions, AdamW, AdamWBuilder};
pub use sgd::{Sgd, SgdBuilder, SgdOptions};
pub use state::{Entries, GroupState, OptimizerState, StateValue};

use flambeau_tensor::{Error, Result, Tensor};

/// Parameters that share options.
#[derive(Clone, Debug)]
pub struct ParamGroup<O> {
    /// The parameters.
    pub params: Vec<Tensor>,
    /// Their options.
    pub options: O,
}

/// What every optimiser can do.
pub trait Optimizer {
    /// Updates all parameters that have a gradient.
    ///
    /// # Errors
    /// If an update cannot be computed.
    fn step(&mut self) -> Result<()>;

    /// All parameters, group after group.
    fn params(&self) -> Vec<Tensor>;

    /// The learning rate of each group.
    fn learning_rates(&self) -> Vec<f64>;

    /// Sets the learning rate of one group.
    ///
    /// # Panics
    /// If there is no such group.
    fn set_group_learning_rate(&mut self, group: usize, lr: f64);

    /// Sets the learning rate of all groups.
    fn set_learning_rate(&mut self, lr: f64) {
        for group in 0..self.learning_rates().len() {
            self.set_group_learning_rate(group, lr);
        }
    }

    /// What the optimiser remembers, in PyTorch's layout. The tensors are its own, not copies.
    ///
    /// # Errors
    /// If there is not enough memory.
    fn state_dict(&self) -> Result<OptimizerState>;

    /// Takes over what another optimiser of the same kind remembered: options of the groups and states
    /// of the parameters, of which it makes copies. It goes on as the other would have.
    ///
    /// # Errors
    /// If the groups differ in number or size, or a state does not fit its parameter; then nothing has
    /// changed.
    fn load_state_dict(&mut self, state: &OptimizerState) -> Result<()>;

    /// Forgets the gradients of all parameters.
    fn zero_grad(&self) {
        for parameter in self.params() {
            parameter.clear_grad();
        }
    }
}

impl<O: Optimizer + ?Sized> Optimizer for Box<O> {
    fn step(&mut self) -> Result<()> {
        (**self).step()
    }
    fn params(&self) -> Vec<Tensor> {
        (**self).params()
    }
    fn learning_rates(&self) -> Vec<f64> {
        (**self).learning_rates()
    }
    fn set_group_learning_rate(&mut self, group: usize, lr: f64) {
        (**self).set_group_learning_rate(group, lr);
    }
    fn state_dict(&self) -> Result<OptimizerState> {
        (**self).state_dict()
    }
    fn load_state_dict(&mut self, state: &OptimizerState) -> Result<()> {
        (**self).load_state_dict(state)
    }
}

/// Checks what PyTorch's optimisers check of their parameters.
fn check_params<'a>(params: impl Iterator<Item = &'a Tensor>) -> Result<()> {
    let mut seen: Vec<&Tensor> = Vec::new();
    for parameter in params {
        if !parameter.is_leaf() {
            return Err(Error::value("can't optimize a non-leaf Tensor"));
        }
        if seen.iter().any(|p| p.same(parameter)) {
            return Err(Error::value("some parameters appear in more than one parameter group"));
        }
        seen.push(parameter);
    }
    if seen.is_empty() {
        return Err(Error::value("optimizer got an empty parameter list"));
    }
    Ok(())
}

/// PyTorch's refusal of an option.
fn check(name: &str, value: f64, valid: bool) -> Result<()> {
    if valid { Ok(()) } else { Err(Error::value(format!("Invalid {name}: {value:?}"))) }
}
