//! What a `.pt` file may hold.

use crate::NamedTensors;
use flambeau_tensor::{Error, Result, Tensor};
use std::collections::HashMap;

/// A value of a `.pt` file.
#[derive(Clone, Debug)]
pub enum Value {
    /// Python's `None`.
    None,
    /// A truth value.
    Bool(bool),
    /// An integer that fits 64 bits.
    Int(i64),
    /// An integer that does not: two's complement, the lowest byte first.
    BigInt(Vec<u8>),
    /// A float.
    Float(f64),
    /// A complex number.
    Complex(f64, f64),
    /// A string.
    Str(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<Value>),
    /// A tuple.
    Tuple(Vec<Value>),
    /// A `torch.Size`.
    Size(Vec<usize>),
    /// A dict, in the order of its entries.
    Dict(Vec<(Value, Value)>),
    /// An OrderedDict, which state dicts are.
    OrderedDict(Box<OrderedDict>),
    /// A set.
    Set(Vec<Value>),
    /// A tensor.
    Tensor(Tensor),
    /// A parameter of a module.
    Parameter(Tensor),
    /// A dtype, by PyTorch's name (`float32`).
    DType(String),
    /// A device, as PyTorch writes it (`cuda:0`).
    Device(String),
}

/// An OrderedDict, with what was set on it.
#[derive(Clone, Debug, Default)]
pub struct OrderedDict {
    /// Keys and values, in order.
    pub entries: Vec<(Value, Value)>,
    /// Attributes: a state dict's `_metadata` tells the versions of its modules.
    pub attributes: Vec<(Value, Value)>,
}

impl Value {
    /// An OrderedDict of named tensors.
    pub fn state_dict<'a>(tensors: impl IntoIterator<Item = (&'a str, &'a Tensor)>) -> Self {
        let entries =
            tensors.into_iter().map(|(name, t)| (Value::Str(name.to_owned()), Value::Tensor(t.clone()))).collect();
        Value::OrderedDict(Box::new(OrderedDict { entries, attributes: Vec::new() }))
    }

    /// The entries of a dict or an OrderedDict.
    pub fn entries(&self) -> Option<&[(Value, Value)]> {
        match self {
            Value::Dict(entries) => Some(entries),
            Value::OrderedDict(dict) => Some(&dict.entries),
            _ => None,
        }
    }

    /// The entry of a dict under a string key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.entries()?.iter().find_map(|(k, v)| match k {
            Value::Str(k) if k == key => Some(v),
            _ => None,
        })
    }

    /// The state dict in this value: itself, or its entry `state_dict`, `model_state_dict` or
    /// `model`. Entries that are no tensors (a state dict may carry extra state) are left out.
    ///
    /// # Errors
    /// If there is none.
    pub fn into_state_dict(self) -> Result<NamedTensors> {
        let inner = ["state_dict", "model_state_dict", "model"].iter().find_map(|key| self.get(key));
        if let Some(inner) = inner.filter(|inner| inner.entries().is_some()) {
            return inner.clone().into_state_dict();
        }
        let Some(entries) = self.entries() else {
            return Err(Error::file(format!("the checkpoint holds a {}, not a state dict", self.kind())));
        };
        let tensors: NamedTensors = entries
            .iter()
            .filter_map(|(k, v)| match (k, v) {
                (Value::Str(name), Value::Tensor(tensor) | Value::Parameter(tensor)) => {
                    Some((name.clone(), tensor.clone()))
                }
                _ => None,
            })
            .collect();
        if tensors.is_empty() && !entries.is_empty() {
            let keys: Vec<String> = entries.iter().take(8).map(|(key, _)| format!("{key:?}")).collect();
            return Err(Error::file(format!(
                "the checkpoint holds a dict, but no tensor in it and no state dict under a usual name; its keys: {}",
                keys.join(", ")
            )));
        }
        Ok(tensors)
    }

    fn kind(&self) -> &'static str {
        match self {
            Value::None => "None",
            Value::Bool(_) => "bool",
            Value::Int(_) | Value::BigInt(_) => "int",
            Value::Float(_) => "float",
            Value::Complex(..) => "complex",
            Value::Str(_) => "str",
            Value::Bytes(_) => "bytes",
            Value::List(_) => "list",
            Value::Tuple(_) => "tuple",
            Value::Size(_) => "torch.Size",
            Value::Dict(_) => "dict",
            Value::OrderedDict(_) => "OrderedDict",
            Value::Set(_) => "set",
            Value::Tensor(_) => "tensor",
            Value::Parameter(_) => "Parameter",
            Value::DType(_) => "dtype",
            Value::Device(_) => "device",
        }
    }
}

/// Entries of a dict: of two with one string as their key, the place of the first and the value of
/// the last.
pub(crate) fn unique(entries: Vec<(Value, Value)>) -> Vec<(Value, Value)> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut kept: Vec<(Value, Value)> = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        if let Value::Str(name) = &key {
            if let Some(&place) = places.get(name) {
                kept[place].1 = value;
                continue;
            }
            places.insert(name.clone(), kept.len());
        }
        kept.push((key, value));
    }
    kept
}
