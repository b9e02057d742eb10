//! From the messages of a file to a graph.

use crate::attributes::Attributes;
use crate::data::{self, Folder, dtype};
use crate::proto;
use crate::translate::Translation;
use flambeau_graph::{Dimension, Graph, Node, Value, ValueId};
use flambeau_tensor::{DType, Error, Result, Tensor};
use std::collections::HashMap;

/// The versions of ONNX's operators that are understood.
pub const OPSETS: std::ops::RangeInclusive<i64> = 7..=28;

/// The version of the standard operators that a file is for.
///
/// # Errors
/// If it names none, or one that is not understood.
pub fn opset(model: &proto::Model) -> Result<i64> {
    let version = declared_opset(model).ok_or_else(|| Error::file("it does not say which opset it is for"))?;
    if !OPSETS.contains(&version) {
        return Err(Error::not_implemented(format!(
            "it is for opset {version}; understood are {} to {}",
            OPSETS.start(),
            OPSETS.end()
        )));
    }
    Ok(version)
}

/// The version of the standard operators that a file names, whether it is understood or not.
pub fn declared_opset(model: &proto::Model) -> Option<i64> {
    let own = model.opset_import.iter().find(|set| is_standard(set.domain.as_deref()));
    own.and_then(|set| set.version)
}

fn is_standard(domain: Option<&str>) -> bool {
    matches!(domain.unwrap_or(""), "" | "ai.onnx")
}

/// What is known of a value.
fn described(info: &proto::ValueInfo) -> Result<Value> {
    let name = info.name.clone().unwrap_or_default();
    let Some(value_type) = &info.value_type else { return Ok(Value::named(name)) };
    let Some(tensor) = &value_type.tensor else {
        return Err(Error::not_implemented(format!("{name:?} is no tensor, but a sequence, map or optional")));
    };
    let element = match tensor.elem_type.unwrap_or(0) {
        0 => None,
        number => Some(dtype(number.into()).map_err(|e| e.context(format_args!("{name:?}")))?),
    };
    let one = |dimension: &proto::Dimension| match (&dimension.value, &dimension.param) {
        (Some(size), _) if *size >= 0 => Dimension::Known(usize::try_from(*size).unwrap_or(usize::MAX)),
        (None, Some(name)) if !name.is_empty() => Dimension::Named(name.clone()),
        _ => Dimension::Any,
    };
    let shape = tensor.shape.as_ref().map(|shape| shape.dim.iter().map(one).collect());
    Ok(Value { name, dtype: element, shape })
}

/// What is known of a value, its name alone if it is no tensor that can be here.
pub fn described_or_named(info: &proto::ValueInfo) -> Value {
    described(info).unwrap_or_else(|_| Value::named(info.name.clone().unwrap_or_default()))
}

/// A graph that is being built.
struct Import<'a> {
    graph: Graph,
    ids: HashMap<String, ValueId>,
    opset: i64,
    folder: &'a Folder,
}

/// Builds the graph of a file.
///
/// # Errors
/// If the file says what makes no sense, or needs what is not there; the message names the node.
pub fn graph(model: &proto::Model, folder: &Folder) -> Result<Graph> {
    let opset = opset(model)?;
    let source = model.graph.as_ref().ok_or_else(|| Error::file("it holds no graph"))?;
    let mut import =
        Import { graph: Graph::new(source.name.clone().unwrap_or_default()), ids: HashMap::new(), opset, folder };
    if !source.sparse_initializer.is_empty() {
        return Err(Error::not_implemented("it has sparse initialisers, which are not supported"));
    }
    for info in &source.input {
        let id = import.declare(described(info)?)?;
        import.graph.add_input(id);
    }
    for tensor in &source.initializer {
        let name = tensor.name.clone().unwrap_or_default();
        let value = data::read(tensor, folder)?;
        let id = match import.ids.get(&name) {
            // Old files list initialisers among their inputs.
            Some(&id) if import.graph.is_input(id) && !import.graph.constants().contains_key(&id) => {
                import.graph.value(id)?.accepts(&value).map_err(|e| e.context("initialiser"))?;
                id
            }
            _ => import.declare(Value::named(name))?,
        };
        import.graph.set_constant(id, value);
    }
    for node in &source.node {
        import.node(node).map_err(|error| {
            let name = node.name.as_deref().filter(|n| !n.is_empty());
            let name = name.or(node.output.first().map(String::as_str)).unwrap_or("");
            error.context(format_args!("node {name:?} ({})", node.op_type.as_deref().unwrap_or("")))
        })?;
    }
    for info in &source.value_info {
        // What does not describe a tensor says nothing that is needed here.
        if let (Some(&id), Ok(value)) = (import.ids.get(info.name.as_deref().unwrap_or("")), described(info)) {
            *import.graph.value_mut(id)? = value;
        }
    }
    for info in &source.output {
        let value = described(info)?;
        let Some(&id) = import.ids.get(&value.name) else {
            return Err(Error::file(format!("output {:?} is made by no node", value.name)));
        };
        if !import.graph.is_input(id) {
            *import.graph.value_mut(id)? = value;
        }
        import.graph.add_output(id);
    }
    if source.output.is_empty() {
        return Err(Error::file("the graph has no outputs"));
    }
    Ok(import.graph)
}

impl Import<'_> {
    /// A new value.
    fn declare(&mut self, value: Value) -> Result<ValueId> {
        let name = value.name.clone();
        if name.is_empty() {
            return Err(Error::file("a value has no name"));
        }
        let id = self.graph.add_value(value);
        match self.ids.insert(name.clone(), id) {
            Some(_) => Err(Error::file(format!("value {name:?} is made twice"))),
            None => Ok(id),
        }
    }

    /// The value that a node reads: nodes may come in any order.
    fn operand(&mut self, name: &str) -> Option<ValueId> {
        if name.is_empty() {
            return None;
        }
        let id = match self.ids.get(name) {
            Some(&id) => id,
            None => {
                let id = self.graph.add_value(Value::named(name));
                self.ids.insert(name.to_owned(), id);
                id
            }
        };
        Some(id)
    }

    fn node(&mut self, node: &proto::Node) -> Result<()> {
        let op_type = node.op_type.as_deref().unwrap_or("");
        if !is_standard(node.domain.as_deref()) {
            return Err(Error::not_implemented(format!(
                "this operator belongs to {:?}; only ONNX's own operators are supported",
                node.domain.as_deref().unwrap_or("")
            )));
        }
        let inputs = node.input.iter().map(|name| self.operand(name)).collect();
        let outputs: Vec<Option<ValueId>> = node.output.iter().map(|name| self.operand(name)).collect();
        let first = node.output.first().map_or("", String::as_str);
        if op_type == "Constant" {
            let value = self.constant(node)?;
            let Some(&Some(id)) = outputs.first() else { return Err(Error::file("it has no result")) };
            if self.graph.constants().contains_key(&id) {
                return Err(Error::file(format!("value {first:?} is made twice")));
            }
            self.graph.set_constant(id, value);
            return Ok(());
        }
        let mut translation = Translation {
            op_type,
            opset: self.opset,
            attributes: Attributes::of(node),
            inputs,
            outputs: outputs.len(),
            graph: &mut self.graph,
            folder: self.folder,
            name: first,
        };
        let operator = translation.operator()?;
        let inputs = translation.inputs;
        let name = node.name.clone().filter(|name| !name.is_empty()).unwrap_or_else(|| first.to_owned());
        self.graph.add_node(Node { name, operator, inputs, outputs });
        Ok(())
    }

    /// The tensor of a node that is a constant.
    fn constant(&self, node: &proto::Node) -> Result<Tensor> {
        let attributes = Attributes::of(node);
        if let Some(tensor) = attributes.tensor("value", self.folder)? {
            return Ok(tensor);
        }
        if let Some(number) = attributes.optional_int("value_int")? {
            return Tensor::from_slice(&[number], []);
        }
        if attributes.find("value_float").is_some() {
            return Tensor::from_slice(&[attributes.float("value_float", 0.0)?], [])?.to_dtype(DType::F32);
        }
        if let Some(list) = attributes.optional_ints("value_ints")? {
            return Tensor::from_slice(&list, [list.len()]);
        }
        if let Some(list) = attributes.optional_floats("value_floats")? {
            return Tensor::from_slice(&list, [list.len()]);
        }
        Err(Error::not_implemented("a constant that is no tensor of numbers is not supported"))
    }
}
