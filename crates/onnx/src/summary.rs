//! What is in a file, without building anything from it.

use crate::data::{Folder, dtype_name};
use crate::{data, import, model, proto};
use bytes::Bytes;
use flambeau_graph::{Dimension, Value};
use flambeau_store::{Description, FileDType, Format, NamedTensors, Placed, TensorInfo};
use flambeau_tensor::{Error, Result};
use std::collections::{BTreeMap, HashSet};
use std::path::Path;

/// What is in a file.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The version of ONNX's operators that it is for, if it says.
    pub opset: Option<i64>,
    /// The version of the file format.
    pub ir_version: i64,
    /// What made it.
    pub producer: String,
    /// The name of the graph.
    pub graph: String,
    /// The inputs that are no parameters.
    pub inputs: Vec<Value>,
    /// The outputs.
    pub outputs: Vec<Value>,
    /// The parameters, in the order of the file.
    pub initializers: Vec<TensorInfo>,
    /// How many nodes there are of each operator.
    pub nodes: BTreeMap<String, usize>,
    /// Texts that were written into it.
    pub metadata: Vec<(String, String)>,
    /// The size of the file, without those that it refers to.
    pub file_bytes: u64,
}

/// Reads what is in a file: names, shapes and dtypes of its parameters, and the number of nodes of
/// each operator. Operators need not be known here. The file is mapped, and parameters that are
/// stored as bytes, which is the usual way, are not read.
///
/// # Errors
/// If the file cannot be read or is damaged.
pub fn summary(path: impl AsRef<Path>) -> Result<Summary> {
    let path = path.as_ref();
    let read = || {
        let bytes = mapped(path)?;
        let length = bytes.len() as u64;
        of(&model::decode(bytes)?, length)
    };
    read().map_err(|error| error.context(path.display()))
}

/// Reads the parameters of a file, and nothing else.
///
/// # Errors
/// If the file cannot be read or is damaged, or a parameter has a dtype that tensors here do not
/// have.
pub fn initializers(path: impl AsRef<Path>) -> Result<NamedTensors> {
    let path = path.as_ref();
    let read = || -> Result<NamedTensors> {
        let file = model::decode(mapped(path)?)?;
        let folder = Folder::of(path);
        let tensors = file.graph.iter().flat_map(|graph| &graph.initializer);
        tensors.map(|t| Ok((t.name.clone().unwrap_or_default(), data::read(t, &folder)?))).collect()
    };
    read().map_err(|error| error.context(path.display()))
}

/// A file's bytes, which the messages made of them share.
fn mapped(path: &Path) -> Result<Bytes> {
    Ok(Bytes::from_owner(flambeau_store::view(path)?))
}

fn of(file: &proto::Model, file_bytes: u64) -> Result<Summary> {
    let graph = file.graph.as_ref().ok_or_else(|| Error::file("it holds no graph"))?;
    let initializers =
        graph.initializer.iter().enumerate().map(|(i, tensor)| info(i, tensor)).collect::<Result<Vec<_>>>()?;
    let mut nodes = BTreeMap::new();
    for node in &graph.node {
        *nodes.entry(node.op_type.clone().unwrap_or_default()).or_insert(0) += 1;
    }
    let parameters: HashSet<&str> = initializers.iter().map(|i| i.name.as_str()).collect();
    let values = |infos: &[proto::ValueInfo]| -> Vec<Value> { infos.iter().map(import::described_or_named).collect() };
    let inputs = values(&graph.input).into_iter().filter(|value| !parameters.contains(value.name.as_str())).collect();
    let texts = file.metadata.iter().map(|e| (e.key.clone().unwrap_or_default(), e.value.clone().unwrap_or_default()));
    let producer = [&file.producer_name, &file.producer_version].map(|name| name.as_deref().unwrap_or(""));
    Ok(Summary {
        opset: import::declared_opset(file),
        ir_version: file.ir_version.unwrap_or(0),
        producer: producer.join(" ").trim().to_owned(),
        graph: graph.name.clone().unwrap_or_default(),
        inputs,
        outputs: values(&graph.output),
        nodes,
        metadata: texts.collect(),
        initializers,
        file_bytes,
    })
}

/// A parameter, which has a storage of its own.
fn info(storage: usize, tensor: &proto::Tensor) -> Result<TensorInfo> {
    let name = tensor.name.clone().unwrap_or_default();
    let number = tensor.data_type.unwrap_or(0);
    let dtype = FileDType::named(dtype_name(number.into()))
        .ok_or_else(|| Error::file(format!("tensor {name:?} is of ONNX's dtype {number}, which is not known here")))?;
    let shape: Option<Vec<usize>> = tensor.dims.iter().map(|&n| usize::try_from(n).ok()).collect();
    let shape =
        shape.ok_or_else(|| Error::file(format!("tensor {name:?}: no tensor can have the shape {:?}", tensor.dims)))?;
    let mut strides = vec![1usize; shape.len()];
    for i in (1..shape.len()).rev() {
        strides[i - 1] = strides[i].saturating_mul(shape[i]);
    }
    let location = if tensor.data_location == Some(proto::EXTERNAL) { external(tensor) } else { "cpu".to_owned() };
    let mut info =
        TensorInfo { name, dtype, shape, placed: Placed { storage, storage_bytes: 0, strides, offset: 0, location } };
    info.placed.storage_bytes = info.bytes();
    Ok(info)
}

/// The name of the file that a tensor's elements are in.
fn external(tensor: &proto::Tensor) -> String {
    let location = tensor.external_data.iter().find(|entry| entry.key.as_deref() == Some("location"));
    location.and_then(|entry| entry.value.clone()).unwrap_or_default()
}

impl Summary {
    /// The same as a checkpoint is described, with what is no tensor as texts.
    pub fn describe(self) -> Description {
        let signature = |values: &[Value]| values.iter().map(signature).collect::<Vec<_>>().join(", ");
        let opset = self.opset.map_or_else(|| "not named".to_owned(), |version| version.to_string());
        let mut nodes: Vec<(&String, &usize)> = self.nodes.iter().collect();
        nodes.sort_by_key(|&(name, &count)| (std::cmp::Reverse(count), name));
        let count = self.nodes.values().sum::<usize>();
        let operators: Vec<String> = nodes.iter().map(|(name, count)| format!("{count} {name}")).collect();
        let facts = [
            ("opset", opset),
            ("format version", self.ir_version.to_string()),
            ("producer", self.producer),
            ("graph", self.graph),
            ("inputs", signature(&self.inputs)),
            ("outputs", signature(&self.outputs)),
            ("nodes", format!("{count}: {}", operators.join(", "))),
        ];
        let facts = facts.into_iter().map(|(key, text)| (key.to_owned(), text));
        Description {
            format: Format::Onnx,
            file_bytes: self.file_bytes,
            tensors: self.initializers,
            metadata: facts.filter(|(_, text)| !text.is_empty()).chain(self.metadata).collect(),
        }
    }
}

/// A value as people write it: `image: float32 [batch, 3, 224, 224]`.
fn signature(value: &Value) -> String {
    let dtype = value.dtype.map_or("any dtype", |dtype| dtype.name());
    let shape = value.shape.as_ref().map(|shape| {
        let sizes: Vec<String> = shape.iter().map(Dimension::to_string).collect();
        format!(" [{}]", sizes.join(", "))
    });
    format!("{}: {dtype}{}", value.name, shape.unwrap_or_default())
}
