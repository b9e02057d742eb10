//! Models in ONNX's own terms, written to files.

use crate::proto::{self, attribute_kind};
use crate::{data, import};
use flambeau_graph::{Dimension, Value};
use flambeau_store::NamedTensors;
use flambeau_tensor::{Error, Result, Tensor};
use prost::Message;
use std::path::Path;

/// Readers of protocol buffers refuse more.
const LARGEST_FILE: usize = i32::MAX as usize;

/// What an attribute holds.
#[derive(Clone, Debug)]
pub enum AttributeValue {
    /// An integer.
    Int(i64),
    /// A number; it is written as float32.
    Float(f64),
    /// A text.
    Text(String),
    /// Integers.
    Ints(Vec<i64>),
    /// Numbers.
    Floats(Vec<f64>),
    /// A tensor.
    Tensor(Tensor),
}

/// A node in ONNX's terms.
#[derive(Clone, Debug)]
pub struct ExportedNode {
    /// The operator: `Conv`.
    pub op_type: String,
    /// The node's name.
    pub name: String,
    /// Names of the values that it reads; empty ones are absent.
    pub inputs: Vec<String>,
    /// Names of the values that it makes.
    pub outputs: Vec<String>,
    /// The attributes.
    pub attributes: Vec<(String, AttributeValue)>,
}

/// A model in ONNX's terms.
#[derive(Clone, Debug)]
pub struct Exported {
    /// The nodes, each after those whose results it reads.
    pub nodes: Vec<ExportedNode>,
    /// The parameters.
    pub initializers: NamedTensors,
    /// The inputs, with dtype and shape.
    pub inputs: Vec<Value>,
    /// The outputs, with dtype and shape.
    pub outputs: Vec<Value>,
    /// The version of ONNX's operators that the nodes are of.
    pub opset: i64,
}

impl Exported {
    /// The content of a file.
    ///
    /// # Errors
    /// If it would be larger than 2 GiB, the opset is not known, or a value has no dtype.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        if !import::OPSETS.contains(&self.opset) {
            return Err(Error::value(format!(
                "opset {} cannot be written; known are {} to {}",
                self.opset,
                import::OPSETS.start(),
                import::OPSETS.end()
            )));
        }
        let initializer =
            self.initializers.iter().map(|(name, tensor)| data::write(name, tensor)).collect::<Result<_>>()?;
        let graph = proto::Graph {
            node: self.nodes.iter().map(node).collect::<Result<_>>()?,
            name: Some("main".to_owned()),
            initializer,
            input: self.inputs.iter().map(value).collect::<Result<_>>()?,
            output: self.outputs.iter().map(value).collect::<Result<_>>()?,
            ..proto::Graph::default()
        };
        let model = proto::Model {
            ir_version: Some(ir_version(self.opset)),
            producer_name: Some("flambeau".to_owned()),
            producer_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            graph: Some(graph),
            opset_import: vec![proto::OperatorSet { domain: Some(String::new()), version: Some(self.opset) }],
            ..proto::Model::default()
        };
        let bytes = model.encoded_len();
        if bytes > LARGEST_FILE {
            return Err(Error::value(format!(
                "the model takes {bytes} bytes, more than the 2 GiB that one ONNX file holds"
            )));
        }
        Ok(model.encode_to_vec())
    }

    /// Writes a file, whole or not at all.
    ///
    /// # Errors
    /// As [`Exported::to_bytes`], and if the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let bytes = self.to_bytes()?;
        flambeau_store::write_atomically(path, |file| {
            file.write_all(&bytes).map_err(|error| Error::file(format!("{}: {error}", path.display())))
        })
    }
}

/// The oldest version of the format in which an opset may be.
fn ir_version(opset: i64) -> i64 {
    match opset {
        ..=8 => 3,
        9 => 4,
        10 => 5,
        11 => 6,
        12..=14 => 7,
        15..=18 => 8,
        19..=20 => 9,
        21..=22 => 10,
        23 => 11,
        24 => 12,
        _ => 13,
    }
}

fn node(node: &ExportedNode) -> Result<proto::Node> {
    Ok(proto::Node {
        input: node.inputs.clone(),
        output: node.outputs.clone(),
        name: Some(node.name.clone()),
        op_type: Some(node.op_type.clone()),
        attribute: node.attributes.iter().map(attribute).collect::<Result<_>>()?,
        domain: None,
    })
}

fn attribute((name, value): &(String, AttributeValue)) -> Result<proto::Attribute> {
    let mut attribute = proto::Attribute { name: Some(name.clone()), ..proto::Attribute::default() };
    attribute.kind = Some(match value {
        AttributeValue::Int(number) => {
            attribute.i = Some(*number);
            attribute_kind::INT
        }
        AttributeValue::Float(number) => {
            attribute.f = Some(*number as f32);
            attribute_kind::FLOAT
        }
        AttributeValue::Text(text) => {
            attribute.s = Some(text.clone().into());
            attribute_kind::STRING
        }
        AttributeValue::Ints(list) => {
            attribute.ints.clone_from(list);
            attribute_kind::INTS
        }
        AttributeValue::Floats(list) => {
            attribute.floats = list.iter().map(|&v| v as f32).collect();
            attribute_kind::FLOATS
        }
        AttributeValue::Tensor(tensor) => {
            attribute.t = Some(data::write("", tensor)?);
            attribute_kind::TENSOR
        }
    });
    Ok(attribute)
}

fn value(value: &Value) -> Result<proto::ValueInfo> {
    let (Some(dtype), Some(shape)) = (value.dtype, &value.shape) else {
        return Err(Error::value(format!("{:?} has no dtype or no shape", value.name)));
    };
    let size = |dimension: &Dimension| match dimension {
        Dimension::Known(size) => proto::Dimension { value: Some(*size as i64), param: None },
        Dimension::Named(name) => proto::Dimension { value: None, param: Some(name.clone()) },
        Dimension::Any => proto::Dimension::default(),
    };
    let tensor = proto::TensorType {
        elem_type: Some(data::dtype_number(dtype)),
        shape: Some(proto::TensorShape { dim: shape.iter().map(size).collect() }),
    };
    Ok(proto::ValueInfo { name: Some(value.name.clone()), value_type: Some(proto::Type { tensor: Some(tensor) }) })
}
