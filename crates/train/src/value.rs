//! Values of a `.pt` file, made and taken apart.

use crate::Scores;
use flambeau_nn::StateDict;
use flambeau_nn::optim::{Entries, GroupState, OptimizerState, StateValue};
use flambeau_store::Value;
use flambeau_tensor::{Error, Result, Tensor};

/// A string.
pub(crate) fn text(text: &str) -> Value {
    Value::Str(text.to_owned())
}

/// A count.
pub(crate) fn int(number: u64) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

/// A dict with strings as keys.
pub(crate) fn dict<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Dict(entries.into_iter().map(|(key, value)| (text(key), value)).collect())
}

/// The entry of a dict.
///
/// # Errors
/// If there is none.
pub(crate) fn field<'a>(value: &'a Value, name: &str) -> Result<&'a Value> {
    value.get(name).ok_or_else(|| Error::file(format!("no checkpoint of a training: '{name}' is missing")))
}

fn wrong(name: &str, wanted: &str) -> Error {
    Error::file(format!("no checkpoint of a training: '{name}' is no {wanted}"))
}

/// The count in an entry.
pub(crate) fn number(value: &Value, name: &str) -> Result<u64> {
    match value {
        Value::Int(number) => u64::try_from(*number).map_err(|_| wrong(name, "count")),
        _ => Err(wrong(name, "count")),
    }
}

/// The number in an entry.
pub(crate) fn float(value: &Value, name: &str) -> Result<f64> {
    match value {
        Value::Float(number) => Ok(*number),
        Value::Int(number) => Ok(*number as f64),
        _ => Err(wrong(name, "number")),
    }
}

/// The tensor in an entry.
pub(crate) fn tensor(value: &Value, name: &str) -> Result<Tensor> {
    match value {
        Value::Tensor(tensor) | Value::Parameter(tensor) => Ok(tensor.clone()),
        _ => Err(wrong(name, "tensor")),
    }
}

/// The string in an entry.
pub(crate) fn string(value: &Value, name: &str) -> Result<String> {
    match value {
        Value::Str(text) => Ok(text.clone()),
        _ => Err(wrong(name, "text")),
    }
}

/// The entries of a dict with strings as keys.
pub(crate) fn named<'a>(value: &'a Value, name: &str) -> Result<Vec<(&'a str, &'a Value)>> {
    let entries = value.entries().ok_or_else(|| wrong(name, "dict"))?;
    entries
        .iter()
        .map(|(key, value)| match key {
            Value::Str(key) => Ok((key.as_str(), value)),
            _ => Err(wrong(name, "dict with texts as keys")),
        })
        .collect()
}

/// A state dict, whose tensors are not copied.
pub(crate) fn of_state_dict(state: &StateDict) -> Value {
    Value::state_dict(state.iter())
}

/// The state dict in an entry.
pub(crate) fn state_dict(value: &Value, name: &str) -> Result<StateDict> {
    named(value, name)?.into_iter().map(|(key, value)| Ok((key.to_owned(), tensor(value, key)?))).collect()
}

/// Scores as a dict.
pub(crate) fn of_scores(scores: &Scores) -> Value {
    Value::Dict(scores.iter().map(|(name, value)| (text(name), Value::Float(value))).collect())
}

/// The scores in an entry.
pub(crate) fn scores(value: &Value, name: &str) -> Result<Scores> {
    named(value, name)?
        .into_iter()
        .try_fold(Scores::new(), |scores, (key, value)| Ok(scores.with(key, float(value, key)?)))
}

fn of_state_value(value: &StateValue) -> Value {
    match value {
        StateValue::None => Value::None,
        StateValue::Bool(value) => Value::Bool(*value),
        StateValue::Int(value) => Value::Int(*value),
        StateValue::Float(value) => Value::Float(*value),
        StateValue::Floats(values) => Value::List(values.iter().map(|&value| Value::Float(value)).collect()),
        StateValue::Pair(first, second) => Value::Tuple(vec![Value::Float(*first), Value::Float(*second)]),
        StateValue::Tensor(tensor) => Value::Tensor(tensor.clone()),
    }
}

/// What no optimiser of this library has is left out.
fn state_value(value: &Value) -> Option<StateValue> {
    Some(match value {
        Value::None => StateValue::None,
        Value::Bool(value) => StateValue::Bool(*value),
        Value::Int(value) => StateValue::Int(*value),
        Value::Float(value) => StateValue::Float(*value),
        Value::List(values) => {
            StateValue::Floats(values.iter().map(|value| float(value, "").ok()).collect::<Option<_>>()?)
        }
        Value::Tuple(values) => match &values[..] {
            [first, second] => StateValue::Pair(float(first, "").ok()?, float(second, "").ok()?),
            _ => return None,
        },
        Value::Tensor(tensor) => StateValue::Tensor(tensor.clone()),
        _ => return None,
    })
}

/// What a scheduler remembers, as a dict.
pub(crate) fn of_entries(entries: &Entries) -> Value {
    Value::Dict(entries.iter().map(|(name, value)| (text(name), of_state_value(value))).collect())
}

/// What a dict remembers.
pub(crate) fn entries(value: &Value, name: &str) -> Result<Entries> {
    let named = named(value, name)?.into_iter();
    Ok(named.filter_map(|(key, value)| Some((key.to_owned(), state_value(value)?))).collect())
}

/// PyTorch's state dict of an optimiser.
pub(crate) fn of_optimizer(state: &OptimizerState) -> Value {
    let parameters = state.state.iter().map(|(number, entries)| (int(*number as u64), of_entries(entries))).collect();
    let group = |group: &GroupState| {
        let params = group.params.iter().map(|&number| int(number as u64)).collect();
        let mut entries: Vec<(Value, Value)> =
            group.options.iter().map(|(name, value)| (text(name), of_state_value(value))).collect();
        entries.push((text("params"), Value::List(params)));
        Value::Dict(entries)
    };
    let groups = state.param_groups.iter().map(group).collect();
    dict([("state", Value::Dict(parameters)), ("param_groups", Value::List(groups))])
}

/// What an optimiser remembers, from PyTorch's state dict of it.
pub(crate) fn optimizer(value: &Value) -> Result<OptimizerState> {
    let parameters = field(value, "state")?.entries().ok_or_else(|| wrong("state", "dict"))?;
    let state = parameters
        .iter()
        .map(|(key, value)| Ok((number(key, "state")? as usize, entries(value, "state")?)))
        .collect::<Result<_>>()?;
    let Value::List(groups) = field(value, "param_groups")? else { return Err(wrong("param_groups", "list")) };
    let group = |group: &Value| {
        let Value::List(params) = field(group, "params")? else { return Err(wrong("params", "list")) };
        let params = params.iter().map(|value| Ok(number(value, "params")? as usize)).collect::<Result<_>>()?;
        let mut options = entries(group, "param_groups")?;
        options.retain(|(name, _)| name != "params");
        Ok(GroupState { options, params })
    };
    Ok(OptimizerState { state, param_groups: groups.iter().map(group).collect::<Result<_>>()? })
}
