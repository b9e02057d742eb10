//! Models that run.

use crate::data::Folder;
use crate::{import, proto};
use bytes::Bytes;
use flambeau_graph::{Executor, NodeProfile, Value, ValueId};
use flambeau_tensor::{Error, Result, Tensor};
use prost::Message;
use std::path::Path;

/// A model of an ONNX file, ready to run.
#[derive(Clone, Debug)]
pub struct Model {
    executor: Executor,
    opset: i64,
    producer: String,
}

/// Reads the messages of a file.
pub(crate) fn decode(bytes: Bytes) -> Result<proto::Model> {
    proto::Model::decode(bytes).map_err(|error| Error::file(format!("not a whole ONNX file: {error}")))
}

/// Reads a file.
pub(crate) fn read_file(path: &Path) -> Result<Bytes> {
    std::fs::read(path).map(Bytes::from).map_err(|error| Error::file(format!("{}: {error}", path.display())))
}

impl Model {
    /// Reads a model. Tensors that the file keeps elsewhere are read from files in its folder or
    /// below it, and from nowhere else.
    ///
    /// # Errors
    /// If a file cannot be read, is damaged, or needs an operator that is not there; the message
    /// names the node.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = read_file(path)?;
        Self::read(bytes, &Folder::of(path)).map_err(|error| error.context(path.display()))
    }

    /// Reads a model that is in memory, and whole.
    ///
    /// # Errors
    /// As [`Model::load`], and if tensors are kept in other files.
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Result<Self> {
        Self::read(bytes.into(), &Folder::default())
    }

    fn read(bytes: Bytes, folder: &Folder) -> Result<Self> {
        let file = decode(bytes)?;
        let executor = Executor::new(import::graph(&file, folder)?)?;
        let names = [&file.producer_name, &file.producer_version].map(|name| name.as_deref().unwrap_or(""));
        Ok(Model { executor, opset: import::opset(&file)?, producer: names.join(" ").trim().to_owned() })
    }

    /// Lets the values of a run that are alive at a time take about so many bytes, besides the
    /// model's own parameters. The default is half of the machine's memory.
    #[must_use]
    pub fn with_memory_limit(mut self, bytes: usize) -> Self {
        self.executor = self.executor.with_memory_limit(bytes);
        self
    }

    /// What runs the model.
    pub fn executor(&self) -> &Executor {
        &self.executor
    }

    /// The version of ONNX's operators that the file was made for.
    pub fn opset(&self) -> i64 {
        self.opset
    }

    /// What made the file.
    pub fn producer(&self) -> &str {
        &self.producer
    }

    /// The inputs that have to be given, in their order.
    pub fn inputs(&self) -> Vec<&Value> {
        self.executor.required_inputs().filter_map(|id| self.executor.graph().value(id).ok()).collect()
    }

    /// The outputs, in their order.
    pub fn outputs(&self) -> Vec<&Value> {
        let graph = self.executor.graph();
        graph.outputs().iter().filter_map(|&id| graph.value(id).ok()).collect()
    }

    /// The required inputs with the tensors for them.
    fn by_position(&self, inputs: &[Tensor]) -> Result<Vec<(ValueId, Tensor)>> {
        let ids: Vec<ValueId> = self.executor.required_inputs().collect();
        if inputs.len() > ids.len() {
            return Err(Error::value(format!("the model has {} inputs, but got {}", ids.len(), inputs.len())));
        }
        Ok(ids.into_iter().zip(inputs.iter().cloned()).collect())
    }

    /// An input by name; one that has a default may be given, too.
    fn by_name(&self, name: &str) -> Result<ValueId> {
        let graph = self.executor.graph();
        let named = |&&id: &&ValueId| graph.value(id).is_ok_and(|value| value.name == name);
        graph.inputs().iter().find(named).copied().ok_or_else(|| {
            let names: Vec<String> = self.inputs().iter().map(|value| format!("{:?}", value.name)).collect();
            Error::value(format!("the model has no input {name:?}; it has {}", names.join(", ")))
        })
    }

    /// Inputs by position, then by name.
    ///
    /// # Errors
    /// If there are too many, or one has no such name or is given twice.
    fn feeds<N: AsRef<str>>(
        &self,
        positional: &[Tensor],
        named: impl IntoIterator<Item = (N, Tensor)>,
    ) -> Result<Vec<(ValueId, Tensor)>> {
        let mut feeds = self.by_position(positional)?;
        for (name, tensor) in named {
            let name = name.as_ref();
            let id = self.by_name(name)?;
            if feeds.iter().any(|&(other, _)| other == id) {
                return Err(Error::value(format!("input {name:?} is given twice")));
            }
            feeds.push((id, tensor));
        }
        Ok(feeds)
    }

    /// Computes the outputs from inputs in their order.
    ///
    /// # Errors
    /// If an input is missing or does not fit, and what the operators give, with the node's name.
    pub fn run(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>> {
        self.executor.run(self.by_position(inputs)?)
    }

    /// Computes the outputs from inputs in their order and inputs by name.
    ///
    /// # Errors
    /// As [`Model::run`], and if there is no input of a name, or one is given twice.
    pub fn run_named<N: AsRef<str>>(
        &self,
        positional: &[Tensor],
        named: impl IntoIterator<Item = (N, Tensor)>,
    ) -> Result<Vec<Tensor>> {
        self.executor.run(self.feeds(positional, named)?)
    }

    /// [`Model::run_named`], and what each node did.
    ///
    /// # Errors
    /// As [`Model::run_named`].
    pub fn profile<N: AsRef<str>>(
        &self,
        positional: &[Tensor],
        named: impl IntoIterator<Item = (N, Tensor)>,
    ) -> Result<(Vec<Tensor>, Vec<NodeProfile>)> {
        self.executor.profile(self.feeds(positional, named)?)
    }
}
