//! What an optimiser or a scheduler remembers, taken out and put back.

use super::ParamGroup;
use flambeau_tensor::{Error, Result, Tensor, autograd};

/// A value among what an optimiser or a scheduler remembers.
#[derive(Clone, Debug)]
pub enum StateValue {
    /// Python's `None`.
    None,
    /// A truth value.
    Bool(bool),
    /// A count.
    Int(i64),
    /// A number.
    Float(f64),
    /// Numbers, which PyTorch keeps in a list.
    Floats(Vec<f64>),
    /// Two numbers, which PyTorch keeps in a tuple.
    Pair(f64, f64),
    /// A tensor.
    Tensor(Tensor),
}

impl StateValue {
    /// The number, if it is one.
    pub fn to_f64(&self) -> Option<f64> {
        match self {
            StateValue::Int(value) => Some(*value as f64),
            StateValue::Float(value) => Some(*value),
            StateValue::Tensor(tensor) => tensor.item().ok().map(|value| value.to_f64()),
            _ => None,
        }
    }

    /// The truth value, if it is one.
    pub fn to_bool(&self) -> Option<bool> {
        match self {
            StateValue::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The numbers, if it is a list of them.
    pub fn to_floats(&self) -> Option<&[f64]> {
        match self {
            StateValue::Floats(values) => Some(values),
            _ => None,
        }
    }
}

/// Values by name, in order.
pub type Entries = Vec<(String, StateValue)>;

/// An entry by its name.
pub(crate) fn entry<'a>(entries: &'a Entries, name: &str) -> Option<&'a StateValue> {
    entries.iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

/// Entries of named values.
pub(crate) fn entries<const N: usize>(named: [(&str, StateValue); N]) -> Entries {
    named.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// What an optimiser remembers, in PyTorch's layout: parameters are numbered, group after group.
#[derive(Clone, Debug, Default)]
pub struct OptimizerState {
    /// What is remembered of each parameter that has been updated, by its number.
    pub state: Vec<(usize, Entries)>,
    /// The groups.
    pub param_groups: Vec<GroupState>,
}

/// A group of parameters in an [`OptimizerState`].
#[derive(Clone, Debug, Default)]
pub struct GroupState {
    /// Its options under PyTorch's names (`lr`, `weight_decay`, …).
    pub options: Entries,
    /// The numbers of its parameters.
    pub params: Vec<usize>,
}

impl GroupState {
    /// An option that is a number, or what it is when the state does not say.
    pub(super) fn number(&self, name: &str, otherwise: f64) -> f64 {
        entry(&self.options, name).and_then(StateValue::to_f64).unwrap_or(otherwise)
    }

    /// An option that is two numbers, or what it is when the state does not say.
    pub(super) fn pair(&self, name: &str, otherwise: (f64, f64)) -> (f64, f64) {
        match entry(&self.options, name) {
            Some(StateValue::Pair(first, second)) => (*first, *second),
            _ => otherwise,
        }
    }

    /// An option that is a truth value, or what it is when the state does not say.
    pub(super) fn flag(&self, name: &str, otherwise: bool) -> bool {
        entry(&self.options, name).and_then(StateValue::to_bool).unwrap_or(otherwise)
    }
}

/// The state of groups whose options and parameters' states are told by functions.
pub(super) fn collect<O, S>(
    groups: &[ParamGroup<O>],
    states: &[Vec<Option<S>>],
    options: impl Fn(&O) -> Entries,
    state: impl Fn(&S) -> Result<Entries>,
) -> Result<OptimizerState> {
    let mut collected = OptimizerState::default();
    let mut number = 0;
    for (group, states) in groups.iter().zip(states) {
        let first = number;
        for known in states {
            if let Some(known) = known {
                collected.state.push((number, state(known)?));
            }
            number += 1;
        }
        collected.param_groups.push(GroupState { options: options(&group.options), params: (first..number).collect() });
    }
    Ok(collected)
}

/// For each group its new options and its parameters' new states, made by functions.
///
/// # Errors
/// PyTorch's, if the groups differ in number or size, and whatever `state` gives.
pub(super) fn distribute<O, S>(
    saved: &OptimizerState,
    groups: &[ParamGroup<O>],
    options: impl Fn(&O, &GroupState) -> O,
    state: impl Fn(&Tensor, &Saved<'_>) -> Result<Option<S>>,
) -> Result<Vec<(O, Vec<Option<S>>)>> {
    if saved.param_groups.len() != groups.len() {
        return Err(Error::value("loaded state dict has a different number of parameter groups"));
    }
    if saved.param_groups.iter().zip(groups).any(|(saved, group)| saved.params.len() != group.params.len()) {
        return Err(Error::value(
            "loaded state dict contains a parameter group that doesn't match the size of optimizer's group",
        ));
    }
    let one = |number: &usize, parameter: &Tensor| match saved.state.iter().find(|(n, _)| n == number) {
        Some((_, entries)) => state(parameter, &Saved { number: *number, entries }),
        None => Ok(None),
    };
    let both = saved.param_groups.iter().zip(groups);
    both.map(|(saved, group)| {
        let states = saved.params.iter().zip(&group.params).map(|(number, parameter)| one(number, parameter));
        Ok((options(&group.options, saved), states.collect::<Result<_>>()?))
    })
    .collect()
}

/// What is saved of one parameter.
pub(super) struct Saved<'a> {
    number: usize,
    entries: &'a Entries,
}

impl Saved<'_> {
    /// A copy of a tensor like the parameter, in the parameter's dtype.
    ///
    /// # Errors
    /// If it is there in another shape.
    pub(super) fn tensor(&self, name: &str, parameter: &Tensor) -> Result<Option<Tensor>> {
        let Some(StateValue::Tensor(tensor)) = entry(self.entries, name) else { return Ok(None) };
        if tensor.shape() != parameter.shape() {
            return Err(Error::shape(format!(
                "the saved '{name}' of parameter {} has shape {}, the parameter has {}",
                self.number,
                tensor.shape(),
                parameter.shape()
            )));
        }
        let copy = parameter.zeros_like(parameter.dtype())?;
        autograd::no_grad(|| copy.copy_(tensor))?;
        Ok(Some(copy))
    }

    /// As [`Saved::tensor`], for one that must be there.
    pub(super) fn needed(&self, name: &str, parameter: &Tensor) -> Result<Tensor> {
        self.tensor(name, parameter)?.ok_or_else(|| self.lacks(name))
    }

    /// A number that must be there.
    pub(super) fn number(&self, name: &str) -> Result<f64> {
        entry(self.entries, name).and_then(StateValue::to_f64).ok_or_else(|| self.lacks(name))
    }

    fn lacks(&self, name: &str) -> Error {
        Error::value(format!("the saved state of parameter {} lacks '{name}'", self.number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Module;
    use crate::modules::Linear;
    use crate::optim::{Adam, AdamW, Optimizer, Sgd};
    use flambeau_tensor::DType;

    /// A few steps towards zero outputs.
    fn walk(model: &Linear, optimizer: &mut dyn Optimizer, steps: usize) -> Result<()> {
        use crate::Forward;
        for step in 0..steps {
            let input = Tensor::from_slice(&[1.0f32 + step as f32, -2.0, 0.5], [1, 3])?;
            optimizer.zero_grad();
            model.forward(&input)?.square()?.mean()?.backward()?;
            optimizer.step()?;
        }
        Ok(())
    }

    fn weights(model: &Linear) -> Result<Vec<u8>> {
        model.state_dict().tensors().map(Tensor::to_bytes).collect::<Result<Vec<_>>>().map(|bytes| bytes.concat())
    }

    type Make = fn(Vec<Tensor>) -> Result<Box<dyn Optimizer>>;

    const KINDS: [Make; 5] = [
        |p| Ok(Box::new(Sgd::builder(p).lr(0.05).build()?)),
        |p| Ok(Box::new(Sgd::builder(p).lr(0.05).momentum(0.9).nesterov(true).weight_decay(0.1).build()?)),
        |p| Ok(Box::new(Adam::builder(p).lr(0.05).build()?)),
        |p| Ok(Box::new(Adam::builder(p).lr(0.05).amsgrad(true).build()?)),
        |p| Ok(Box::new(AdamW::builder(p).lr(0.05).build()?)),
    ];

    #[test]
    fn a_restored_optimizer_goes_on_bit_for_bit() -> Result<()> {
        for make in KINDS {
            let model = Linear::new(3, 2)?;
            let start: Vec<Tensor> = model.state_dict().tensors().map(Tensor::copy).collect::<Result<_>>()?;
            let mut undisturbed = make(model.parameters())?;
            walk(&model, &mut *undisturbed, 3)?;
            let state = undisturbed.state_dict()?;
            let at_three: Vec<Tensor> = model.state_dict().tensors().map(Tensor::copy).collect::<Result<_>>()?;
            // What was taken out is loaded as a copy: going on does not change the other.
            let twin = Linear::new(3, 2)?;
            let mut restored = make(twin.parameters())?;
            restored.set_learning_rate(7.0);
            restored.load_state_dict(&state)?;
            for (tensor, source) in twin.state_dict().tensors().zip(&at_three) {
                autograd::no_grad(|| tensor.copy_(source))?;
            }
            walk(&model, &mut *undisturbed, 4)?;
            walk(&twin, &mut *restored, 4)?;
            assert_eq!(weights(&model)?, weights(&twin)?);
            assert_eq!(undisturbed.learning_rates(), restored.learning_rates());
            // The state matters: without it the same steps lead elsewhere, but for plain SGD.
            let fresh = Linear::new(3, 2)?;
            for (tensor, source) in fresh.state_dict().tensors().zip(&at_three) {
                autograd::no_grad(|| tensor.copy_(source))?;
            }
            let mut forgetful = make(fresh.parameters())?;
            walk(&fresh, &mut *forgetful, 4)?;
            assert_eq!(weights(&fresh)? == weights(&model)?, state.state.is_empty());
            assert_eq!(start.len(), 2);
        }
        Ok(())
    }

    #[test]
    fn the_layout_is_pytorchs() -> Result<()> {
        let model = Linear::new(3, 2)?;
        let mut adam = Adam::builder(vec![model.parameters().remove(0)])
            .group(vec![model.parameters().remove(1)], crate::optim::AdamOptions { lr: 0.5, ..Default::default() })
            .build()?;
        walk(&model, &mut adam, 2)?;
        let state = adam.state_dict()?;
        let numbers: Vec<usize> = state.state.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, [0, 1]);
        let names: Vec<&str> = state.state[1].1.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["step", "exp_avg", "exp_avg_sq"]);
        assert_eq!(entry(&state.state[0].1, "step").and_then(StateValue::to_f64), Some(2.0));
        assert_eq!(state.param_groups[1].params, [1]);
        assert_eq!(state.param_groups[1].number("lr", 0.0), 0.5);
        Ok(())
    }

    #[test]
    fn what_does_not_fit_is_said() -> Result<()> {
        let small = Linear::new(3, 2)?;
        let mut donor = Sgd::builder(small.parameters()).lr(0.1).momentum(0.9).build()?;
        walk(&small, &mut donor, 1)?;
        let state = donor.state_dict()?;
        let load = |parameters: Vec<Tensor>| -> Result<String> {
            let mut sgd = Sgd::builder(parameters).lr(0.1).momentum(0.9).build()?;
            let before = sgd.learning_rates();
            let error = sgd.load_state_dict(&state).err().map_or(String::new(), |error| error.message().to_owned());
            assert_eq!(sgd.learning_rates(), before);
            Ok(error)
        };
        assert!(load(small.parameters()[..1].to_vec())?.contains("doesn't match the size of optimizer's group"));
        assert_eq!(
            load(Linear::new(4, 2)?.parameters())?,
            "the saved 'momentum_buffer' of parameter 0 has shape [2, 3], the parameter has [2, 4]"
        );
        let mut two = Sgd::builder(small.parameters()).group(vec![Tensor::zeros([1], DType::F32)?], Default::default());
        two = two.lr(0.1);
        let error = two.build()?.load_state_dict(&state).err().map(|error| error.message().to_owned());
        assert_eq!(error.as_deref(), Some("loaded state dict has a different number of parameter groups"));
        Ok(())
    }
}
