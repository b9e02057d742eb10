//! From ONNX's nodes to the operators of a graph.
//!
//! An operator of a graph means what the newest version of its ONNX operator means. What older
//! versions said in attributes and newer ones say in inputs becomes a constant input.

mod image;
mod linear;
mod math;
mod rearrange;

use crate::attributes::Attributes;
use crate::data::Folder;
use flambeau_graph::{Graph, Operator, ValueId};
use flambeau_tensor::{Error, Result, Tensor};

/// A node that is being translated.
pub struct Translation<'a> {
    /// The ONNX operator.
    pub op_type: &'a str,
    /// The version of the operators that the file was made for.
    pub opset: i64,
    /// The node's attributes.
    pub attributes: Attributes<'a>,
    /// The node's inputs, to which constants may be added.
    pub inputs: Vec<Option<ValueId>>,
    /// How many results the node has.
    pub outputs: usize,
    /// The graph, which gets the constants.
    pub graph: &'a mut Graph,
    /// Where tensors may be stored.
    pub folder: &'a Folder,
    /// The name of the node's first result, by which its constants are called.
    pub name: &'a str,
}

impl Translation<'_> {
    /// The operator.
    ///
    /// # Errors
    /// If there is none, or an attribute makes no sense or is not known.
    pub fn operator(&mut self) -> Result<Operator> {
        let families = [linear::translate, image::translate, math::translate, rearrange::translate];
        for translate in families {
            if let Some(operator) = translate(self)? {
                self.attributes.finish()?;
                return Ok(operator);
            }
        }
        Err(Error::not_implemented(match self.op_type {
            "If" | "Loop" | "Scan" | "SequenceMap" => {
                "control flow is not supported: the graph that runs must not depend on the data; export the model with \
                 its branches and loops resolved"
            }
            _ => "this operator is not supported",
        }))
    }

    /// Makes a constant an input.
    fn set_input(&mut self, index: usize, what: &str, tensor: Tensor) {
        let id = self.graph.add_constant(format!("{}/{what}", self.name), tensor);
        if self.inputs.len() <= index {
            self.inputs.resize(index + 1, None);
        }
        self.inputs[index] = Some(id);
    }

    /// Makes a list of integers that older versions have as an attribute an input.
    fn input_from_ints(&mut self, attribute: &str, index: usize) -> Result<()> {
        if let Some(list) = self.attributes.optional_ints(attribute)? {
            self.set_input(index, attribute, Tensor::from_slice(&list, [list.len()])?);
        }
        Ok(())
    }
}
