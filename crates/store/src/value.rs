//! What a `.pt` file may hold.

use crate::NamedTensors;
use flambeau_tensor::{Error, Result, Tensor};

/// A value of a `.pt` file.
#[derive(Clone, Debug)]
pub enum Value {
    /// Python's `None`.
    None,
    /// A truth value.
    Bool(bool),
    /// An integer that fits 64 bits.
    Int(i64),
    /// A float.
    Float(f64),
    /// A string.
    Str(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<Value>),
    /// A tuple (`torch.Size` included).
    Tuple(Vec<Value>),
    /// A dict or an OrderedDict, in the order of its entries.
    Dict(Vec<(Value, Value)>),
    /// A set.
    Set(Vec<Value>),
    /// A tensor or a parameter.
    Tensor(Tensor),
    /// A dtype, by PyTorch's name (`float32`).
    DType(String),
    /// A device, as PyTorch writes it (`cuda:0`).
    Device(String),
}

impl Value {
    /// An OrderedDict of named tensors.
    pub fn state_dict<'a>(tensors: impl IntoIterator<Item = (&'a str, &'a Tensor)>) -> Self {
        Value::Dict(
            tensors.into_iter().map(|(name, t)| (Value::Str(name.to_owned()), Value::Tensor(t.clone()))).collect(),
        )
    }

    /// The entry of a dict under a string key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Value::Dict(entries) => entries.iter().find_map(|(k, v)| match k {
                Value::Str(k) if k == key => Some(v),
                _ => None,
            }),
            _ => None,
        }
    }

    /// The state dict in this value: itself, or its entry `state_dict`, `model_state_dict` or
    /// `model`. Entries that are no tensors (a state dict may carry extra state) are left out.
    ///
    /// # Errors
    /// If there is none.
    pub fn into_state_dict(self) -> Result<NamedTensors> {
        for key in ["state_dict", "model_state_dict", "model"] {
            if let Some(inner @ Value::Dict(_)) = self.get(key) {
                return inner.clone().into_state_dict();
            }
        }
        let kind = self.kind();
        let Value::Dict(entries) = self else {
            return Err(Error::file(format!("the checkpoint holds a {kind}, not a state dict")));
        };
        let tensors: NamedTensors = entries
            .into_iter()
            .filter_map(|(k, v)| match (k, v) {
                (Value::Str(name), Value::Tensor(tensor)) => Some((name, tensor)),
                _ => None,
            })
            .collect();
        if tensors.is_empty() {
            return Err(Error::file("the checkpoint holds a dict, but no tensor in it"));
        }
        Ok(tensors)
    }

    fn kind(&self) -> &'static str {
        match self {
            Value::None => "None",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Float(_) => "float",
            Value::Str(_) => "str",
            Value::Bytes(_) => "bytes",
            Value::List(_) => "list",
            Value::Tuple(_) => "tuple",
            Value::Dict(_) => "dict",
            Value::Set(_) => "set",
            Value::Tensor(_) => "tensor",
            Value::DType(_) => "dtype",
            Value::Device(_) => "device",
        }
    }
}
