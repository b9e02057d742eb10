//! Named tensors of a module, and loading them with PyTorch's messages.

use flambeau_tensor::{Error, Result, Tensor, autograd};

/// Parameters and buffers by name, in the order of declaration.
#[derive(Clone, Debug, Default)]
pub struct StateDict(Vec<(String, Tensor)>);

/// The keys that did not fit when a state dict was loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IncompatibleKeys {
    /// Keys of the module that the state dict lacks.
    pub missing_keys: Vec<String>,
    /// Keys of the state dict that the module lacks.
    pub unexpected_keys: Vec<String>,
}

impl StateDict {
    /// The tensor of this name.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, t)| t)
    }

    /// Names and tensors, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.0.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }

    /// The names, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// The tensors, in order.
    pub fn tensors(&self) -> impl Iterator<Item = &Tensor> {
        self.0.iter().map(|(_, tensor)| tensor)
    }

    /// How many tensors there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same tensors without a prefix that all names may have: `DataParallel` puts `module.`
    /// before every name. Names without the prefix stay as they are.
    #[must_use]
    pub fn strip_prefix(self, prefix: &str) -> Self {
        self.0.into_iter().map(|(name, t)| (name.strip_prefix(prefix).map_or(name.clone(), str::to_owned), t)).collect()
    }
}

impl FromIterator<(String, Tensor)> for StateDict {
    fn from_iter<I: IntoIterator<Item = (String, Tensor)>>(tensors: I) -> Self {
        Self(tensors.into_iter().collect())
    }
}

impl From<Vec<(String, Tensor)>> for StateDict {
    fn from(tensors: Vec<(String, Tensor)>) -> Self {
        Self(tensors)
    }
}

/// Copies `state` into the tensors of `own`.
pub(crate) fn load(own: &StateDict, state: &StateDict, type_name: &str, strict: bool) -> Result<IncompatibleKeys> {
    let lacking = |keys: &StateDict, other: &StateDict| -> Vec<String> {
        keys.keys().filter(|name| other.get(name).is_none()).map(str::to_owned).collect()
    };
    let keys = IncompatibleKeys { missing_keys: lacking(own, state), unexpected_keys: lacking(state, own) };
    let mut complaints = Vec::new();
    for (name, tensor) in own.iter() {
        let Some(source) = state.get(name) else { continue };
        if source.shape() != tensor.shape() {
            complaints.push(format!(
                "size mismatch for {name}: copying a param with shape torch.Size({}) from checkpoint, the shape in current model is torch.Size({}).",
                source.shape(),
                tensor.shape()
            ));
            continue;
        }
        autograd::no_grad(|| tensor.copy_(source))?;
    }
    if strict {
        let quoted = |keys: &[String]| keys.iter().map(|k| format!("\"{k}\"")).collect::<Vec<_>>().join(", ");
        if !keys.missing_keys.is_empty() {
            complaints.insert(0, format!("Missing key(s) in state_dict: {}. ", quoted(&keys.missing_keys)));
        }
        if !keys.unexpected_keys.is_empty() {
            complaints.insert(0, format!("Unexpected key(s) in state_dict: {}. ", quoted(&keys.unexpected_keys)));
        }
    }
    if complaints.is_empty() {
        return Ok(keys);
    }
    let class = type_name.split('<').next().and_then(|n| n.rsplit("::").next()).unwrap_or(type_name);
    Err(Error::runtime(format!("Error(s) in loading state_dict for {class}:\n\t{}", complaints.join("\n\t"))))
}
