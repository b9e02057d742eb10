//! What a graph is made of.

use crate::Operator;
use flambeau_tensor::{DType, Error, Result, Tensor};
use std::collections::{BTreeMap, BTreeSet};

/// A value of a graph: its index in [`Graph::values`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(usize);

impl ValueId {
    /// The index.
    pub fn index(self) -> usize {
        self.0
    }
}

/// A size of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dimension {
    /// A number.
    Known(usize),
    /// A name for a number that is known when the graph runs, such as `batch`.
    Named(String),
    /// Anything.
    Any,
}

impl std::fmt::Display for Dimension {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Dimension::Known(size) => write!(f, "{size}"),
            Dimension::Named(name) => f.write_str(name),
            Dimension::Any => f.write_str("?"),
        }
    }
}

/// A tensor that is made or given when a graph runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Value {
    /// Its name, for messages and for whoever gives inputs by name.
    pub name: String,
    /// Its dtype, where it is known.
    pub dtype: Option<DType>,
    /// Its sizes, where their number is known.
    pub shape: Option<Vec<Dimension>>,
}

impl Value {
    /// A value of which only the name is known.
    pub fn named(name: impl Into<String>) -> Self {
        Value { name: name.into(), ..Value::default() }
    }

    /// Checks that a tensor can be this value.
    ///
    /// # Errors
    /// If its dtype or a size that is known is another.
    pub fn accepts(&self, tensor: &Tensor) -> Result<()> {
        if let Some(dtype) = self.dtype
            && dtype != tensor.dtype()
        {
            return Err(Error::dtype(format!("{:?} is of dtype {dtype}, but got {}", self.name, tensor.dtype())));
        }
        if let Some(shape) = &self.shape {
            let given = tensor.shape();
            let fits = |(expected, &size): (&Dimension, &usize)| !matches!(expected, Dimension::Known(n) if *n != size);
            if shape.len() != given.len() || !shape.iter().zip(given.iter()).all(fits) {
                let sizes: Vec<String> = shape.iter().map(ToString::to_string).collect();
                return Err(Error::shape(format!(
                    "{:?} has the shape [{}], but got {given}",
                    self.name,
                    sizes.join(", ")
                )));
            }
        }
        Ok(())
    }
}

/// An operator applied to values.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// A name for messages; may be empty.
    pub name: String,
    /// What it computes.
    pub operator: Operator,
    /// What it reads; optional inputs may be absent.
    pub inputs: Vec<Option<ValueId>>,
    /// What it makes; results that nobody asked for are absent.
    pub outputs: Vec<Option<ValueId>>,
}

/// Values and nodes, in no particular order.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    name: String,
    values: Vec<Value>,
    nodes: Vec<Node>,
    inputs: Vec<ValueId>,
    /// The same, to be looked up.
    input_set: BTreeSet<ValueId>,
    outputs: Vec<ValueId>,
    constants: BTreeMap<ValueId, Tensor>,
}

impl Graph {
    /// A graph without anything in it.
    pub fn new(name: impl Into<String>) -> Self {
        Graph { name: name.into(), ..Graph::default() }
    }

    /// Adds a value.
    pub fn add_value(&mut self, value: Value) -> ValueId {
        self.values.push(value);
        ValueId(self.values.len() - 1)
    }

    /// Adds a value that is known: a parameter, or a number that an operator needs.
    pub fn add_constant(&mut self, name: impl Into<String>, tensor: Tensor) -> ValueId {
        let id = self.add_value(Value::named(name));
        self.set_constant(id, tensor);
        id
    }

    /// Says what a value is, unless the caller of the graph gives another.
    pub fn set_constant(&mut self, id: ValueId, tensor: Tensor) {
        self.constants.insert(id, tensor);
    }

    /// Adds a node.
    pub fn add_node(&mut self, node: Node) {
        self.nodes.push(node);
    }

    /// Makes a value the next input.
    pub fn add_input(&mut self, id: ValueId) {
        self.inputs.push(id);
        self.input_set.insert(id);
    }

    /// Makes a value the next output.
    pub fn add_output(&mut self, id: ValueId) {
        self.outputs.push(id);
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The values; a [`ValueId`] is an index into them.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// A value.
    ///
    /// # Errors
    /// If it belongs to another graph.
    pub fn value(&self, id: ValueId) -> Result<&Value> {
        self.values.get(id.0).ok_or_else(|| Error::index(format!("the graph has no value number {}", id.0)))
    }

    /// A value that may be changed: what is known of its dtype and shape.
    ///
    /// # Errors
    /// If it belongs to another graph.
    pub fn value_mut(&mut self, id: ValueId) -> Result<&mut Value> {
        self.values.get_mut(id.0).ok_or_else(|| Error::index(format!("the graph has no value number {}", id.0)))
    }

    /// The nodes.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The inputs, in the order in which they are given. Those that are also constants may be left out.
    pub fn inputs(&self) -> &[ValueId] {
        &self.inputs
    }

    /// Whether a value is an input.
    pub fn is_input(&self, id: ValueId) -> bool {
        self.input_set.contains(&id)
    }

    /// The outputs.
    pub fn outputs(&self) -> &[ValueId] {
        &self.outputs
    }

    /// The values that are known.
    pub fn constants(&self) -> &BTreeMap<ValueId, Tensor> {
        &self.constants
    }
}
