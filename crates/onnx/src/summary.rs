//! What is in a file, without building anything from it.

use crate::data::{Folder, Header};
use crate::{data, import, model, proto};
use flambeau_store::NamedTensors;
use flambeau_tensor::Result;
use std::collections::{BTreeMap, HashSet};
use std::path::Path;

/// A parameter of a model.
pub type Initializer = Header;

/// What is in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The version of ONNX's operators that it is for.
    pub opset: i64,
    /// The version of the file format.
    pub ir_version: i64,
    /// What made it.
    pub producer: String,
    /// The name of the graph.
    pub graph: String,
    /// Names of the inputs that are no parameters.
    pub inputs: Vec<String>,
    /// Names of the outputs.
    pub outputs: Vec<String>,
    /// The parameters, in the order of the file.
    pub initializers: Vec<Initializer>,
    /// How many nodes there are of each operator.
    pub nodes: BTreeMap<String, usize>,
}

/// Reads what is in a file: names, shapes and dtypes of its parameters, and the number of nodes of
/// each operator. Operators need not be known here.
///
/// # Errors
/// If the file cannot be read or is damaged.
pub fn summary(path: impl AsRef<Path>) -> Result<Summary> {
    let path = path.as_ref();
    let file = model::decode(model::read_file(path)?).map_err(|error| error.context(path.display()))?;
    of(&file).map_err(|error| error.context(path.display()))
}

/// Reads the parameters of a file, and nothing else.
///
/// # Errors
/// If the file cannot be read or is damaged, or a parameter has a dtype that tensors here do not
/// have.
pub fn initializers(path: impl AsRef<Path>) -> Result<NamedTensors> {
    let path = path.as_ref();
    let read = || -> Result<NamedTensors> {
        let file = model::decode(model::read_file(path)?)?;
        let folder = Folder::of(path);
        let tensors = file.graph.iter().flat_map(|graph| &graph.initializer);
        tensors.map(|t| Ok((t.name.clone().unwrap_or_default(), data::read(t, &folder)?))).collect()
    };
    read().map_err(|error| error.context(path.display()))
}

fn of(file: &proto::Model) -> Result<Summary> {
    let empty = proto::Graph::default();
    let graph = file.graph.as_ref().unwrap_or(&empty);
    let initializers = graph.initializer.iter().map(Header::of).collect::<Result<Vec<_>>>()?;
    let mut nodes = BTreeMap::new();
    for node in &graph.node {
        *nodes.entry(node.op_type.clone().unwrap_or_default()).or_insert(0) += 1;
    }
    let parameters: HashSet<&str> = initializers.iter().map(|i| i.name.as_str()).collect();
    let names =
        |infos: &[proto::ValueInfo]| infos.iter().map(|i| i.name.clone().unwrap_or_default()).collect::<Vec<_>>();
    let producer = [&file.producer_name, &file.producer_version].map(|name| name.as_deref().unwrap_or(""));
    let inputs = names(&graph.input).into_iter().filter(|name| !parameters.contains(name.as_str())).collect();
    Ok(Summary {
        opset: import::opset(file)?,
        ir_version: file.ir_version.unwrap_or(0),
        producer: producer.join(" ").trim().to_owned(),
        graph: graph.name.clone().unwrap_or_default(),
        inputs,
        outputs: names(&graph.output),
        initializers,
        nodes,
    })
}
