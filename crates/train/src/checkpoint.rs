//! All that a run needs to go on as if it had never been interrupted.

use crate::Scores;
use crate::value::{
    dict, entries, field, float, int, named, number, of_entries, of_optimizer, of_scores, of_state_dict, optimizer,
    scores, state_dict, string, tensor, text,
};
use flambeau_nn::StateDict;
use flambeau_nn::optim::{Entries, OptimizerState};
use flambeau_store::{Value, torch};
use flambeau_tensor::{Error, Result, Tensor, default_generator};
use std::path::Path;

/// The best score so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Best {
    /// The score's name.
    pub name: String,
    /// The score.
    pub value: f64,
    /// The epoch that had it, from 1.
    pub epoch: u64,
}

/// Where random numbers come from.
#[derive(Clone, Debug)]
pub struct RandomState {
    /// The default generator.
    pub generator: Tensor,
    /// The loader's own state, if it has one.
    pub loader: Option<Tensor>,
}

impl RandomState {
    /// The present state.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn now(loader: Option<Tensor>) -> Result<Self> {
        Ok(Self { generator: default_generator().get_state()?, loader })
    }
}

/// The state of a run between two steps of the optimiser.
///
/// The file is a `.pt` archive of plain values. `torch.load(path, weights_only=True)` gives a dict whose entries `model`,
/// `optimizer` and `scheduler` PyTorch's own `load_state_dict` take; [`flambeau_store::load`] gives the model's tensors.
/// It is written beside its destination and renamed: whenever the process is killed, the old file or the new one is there,
/// whole.
///
/// ```no_run
/// use flambeau::prelude::*;
/// use flambeau::train::Checkpoint;
///
/// let net = Linear::new(2, 1)?;
/// let checkpoint = Checkpoint::load("run/last.pt")?;
/// net.load_state_dict(&checkpoint.model)?;
/// println!("step {} of epoch {}", checkpoint.step, checkpoint.epoch + 1);
/// # Ok::<(), flambeau::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// Parameters and buffers. Those of a running network are shared with it, not copied.
    pub model: StateDict,
    /// What the optimiser remembers.
    pub optimizer: OptimizerState,
    /// What the scheduler remembers.
    pub scheduler: Option<Entries>,
    /// The running mean of the weights: see [`crate::Ema`].
    pub ema: Option<Value>,
    /// Epochs that are over.
    pub epoch: u64,
    /// Batches of the next epoch that are done.
    pub batch: u64,
    /// Samples in them.
    pub samples: u64,
    /// Sums over these samples of what the batches came to.
    pub sums: Scores,
    /// Steps of the optimiser.
    pub step: u64,
    /// The best score so far.
    pub best: Option<Best>,
    /// Where random numbers come from now.
    pub random: RandomState,
    /// Where they came from when the epoch under way began; the same as `random` between epochs.
    pub epoch_random: RandomState,
    /// What callbacks keep, by name.
    pub callbacks: Vec<(String, Value)>,
}

/// What the first entry says, so that other dicts are told apart.
const FORMAT: &str = "flambeau training checkpoint";
const VERSION: u64 = 1;

impl Checkpoint {
    /// Writes the file whole or not at all.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        torch::save(path, &self.to_value())
    }

    /// Reads a file.
    ///
    /// # Errors
    /// If it cannot be read or is no such file.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let value = torch::load(path)?;
        Self::from_value(&value).map_err(|error| Error::file(format!("{}: {}", path.display(), error.message())))
    }

    fn to_value(&self) -> Value {
        let optional = |value: Option<Value>| value.unwrap_or(Value::None);
        let random = |state: &RandomState| {
            let loader = optional(state.loader.clone().map(Value::Tensor));
            dict([("generator", Value::Tensor(state.generator.clone())), ("loader", loader)])
        };
        let best = self.best.as_ref().map(|best| {
            dict([("name", text(&best.name)), ("value", Value::Float(best.value)), ("epoch", int(best.epoch))])
        });
        let callbacks = self.callbacks.iter().map(|(name, state)| (text(name), state.clone())).collect();
        dict([
            ("format", text(FORMAT)),
            ("version", int(VERSION)),
            ("epoch", int(self.epoch)),
            ("batch", int(self.batch)),
            ("samples", int(self.samples)),
            ("sums", of_scores(&self.sums)),
            ("step", int(self.step)),
            ("best", optional(best)),
            ("model", of_state_dict(&self.model)),
            ("optimizer", of_optimizer(&self.optimizer)),
            ("scheduler", optional(self.scheduler.as_ref().map(of_entries))),
            ("ema", optional(self.ema.clone())),
            ("random", random(&self.random)),
            ("epoch_random", random(&self.epoch_random)),
            ("callbacks", Value::Dict(callbacks)),
        ])
    }

    fn from_value(value: &Value) -> Result<Self> {
        if !matches!(value.get("format"), Some(Value::Str(format)) if format == FORMAT) {
            return Err(Error::file("no checkpoint of a training"));
        }
        let count = |name: &str| number(field(value, name)?, name);
        let version = count("version")?;
        if version != VERSION {
            return Err(Error::file(format!("a checkpoint of version {version}; version {VERSION} is known")));
        }
        let optional = |name: &str| Ok::<_, Error>(Some(field(value, name)?).filter(|v| !matches!(v, Value::None)));
        let random = |name: &str| {
            let state = field(value, name)?;
            let loader = match field(state, "loader")? {
                Value::None => None,
                state => Some(tensor(state, "loader")?),
            };
            Ok::<_, Error>(RandomState { generator: tensor(field(state, "generator")?, "generator")?, loader })
        };
        let best = optional("best")?.map(|best| {
            Ok::<_, Error>(Best {
                name: string(field(best, "name")?, "name")?,
                value: float(field(best, "value")?, "value")?,
                epoch: number(field(best, "epoch")?, "epoch")?,
            })
        });
        Ok(Self {
            model: state_dict(field(value, "model")?, "model")?,
            optimizer: optimizer(field(value, "optimizer")?)?,
            scheduler: optional("scheduler")?.map(|state| entries(state, "scheduler")).transpose()?,
            ema: optional("ema")?.cloned(),
            epoch: count("epoch")?,
            batch: count("batch")?,
            samples: count("samples")?,
            sums: scores(field(value, "sums")?, "sums")?,
            step: count("step")?,
            best: best.transpose()?,
            random: random("random")?,
            epoch_random: random("epoch_random")?,
            callbacks: named(field(value, "callbacks")?, "callbacks")?
                .into_iter()
                .map(|(name, state)| (name.to_owned(), state.clone()))
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flambeau_tensor::DType;

    #[test]
    fn other_files_are_told_apart() -> Result<()> {
        let folder = tempfile::tempdir().map_err(|error| Error::file(error.to_string()))?;
        let path = folder.path().join("other.pt");
        let weight = Tensor::ones([2], DType::F32)?;
        torch::save(&path, &Value::state_dict([("weight", &weight)]))?;
        let error = Checkpoint::load(&path).err().map(|error| error.message().to_owned()).unwrap_or_default();
        assert_eq!(error, format!("{}: no checkpoint of a training", path.display()));
        torch::save(&path, &dict([("format", text(FORMAT)), ("version", int(VERSION))]))?;
        let error = Checkpoint::load(&path).err().map(|error| error.message().to_owned()).unwrap_or_default();
        assert!(error.ends_with("no checkpoint of a training: 'best' is missing"), "{error}");
        torch::save(&path, &dict([("format", text(FORMAT)), ("version", int(9))]))?;
        let error = Checkpoint::load(&path).err().map(|error| error.message().to_owned()).unwrap_or_default();
        assert!(error.ends_with("a checkpoint of version 9; version 1 is known"), "{error}");
        Ok(())
    }
}
