//! Runs a graph.

use crate::{Compute, Graph, Inputs, Node, ValueId};
use flambeau_tensor::autograd::no_grad;
use flambeau_tensor::{Error, Result, Shape, Tensor, memory};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::time::{Duration, Instant};

/// Results of nodes whose inputs are all known are computed ahead if they are not larger than
/// this, or than [`FOLDED_GROWTH`] times their inputs: enough for the arithmetic on shapes, and for
/// parameters that are stored in another form, but no way to make a small file large.
const FOLDED_BYTES: usize = 1 << 16;
const FOLDED_GROWTH: usize = 4;

/// What a node did in one run.
#[derive(Clone, Debug)]
pub struct NodeProfile {
    /// The node: its index in [`Graph::nodes`].
    pub node: usize,
    /// How long it took.
    pub time: Duration,
    /// The shapes of its results.
    pub shapes: Vec<Shape>,
    /// The bytes of all values that were alive when it had run, besides constants.
    pub live_bytes: usize,
}

/// A node of the plan.
#[derive(Clone, Debug)]
struct Step {
    node: usize,
    /// Values that nobody reads after this node.
    released: Vec<ValueId>,
}

/// A graph that was checked, and put in an order in which it can run.
#[derive(Clone, Debug)]
pub struct Executor {
    graph: Graph,
    steps: Vec<Step>,
    /// What is known before a run, by value.
    known: HashMap<ValueId, Tensor>,
    memory_limit: usize,
}

impl Executor {
    /// Checks a graph and plans its run: only what its outputs need, each node after those whose
    /// results it reads.
    ///
    /// # Errors
    /// If a value is made twice or never, or needs itself.
    pub fn new(graph: Graph) -> Result<Self> {
        let producers = producers(&graph)?;
        let needed = needed(&graph, &producers)?;
        let order = order(&graph, &producers, &needed)?;
        let mut executor = Executor {
            steps: Vec::with_capacity(order.len()),
            known: graph.constants().iter().map(|(&id, tensor)| (id, tensor.clone())).collect(),
            graph,
            memory_limit: default_memory_limit(),
        };
        let order = no_grad(|| executor.fold(order));
        executor.steps = executor.plan(order);
        Ok(executor)
    }

    /// Lets the values of a run that are alive at a time take about so many bytes, besides
    /// constants. The default is half of the machine's memory.
    #[must_use]
    pub fn with_memory_limit(mut self, bytes: usize) -> Self {
        self.memory_limit = bytes;
        self
    }

    /// The graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The nodes that run, in their order: indices into [`Graph::nodes`]. Those that the outputs do
    /// not need and those that were computed ahead are not among them.
    pub fn order(&self) -> impl ExactSizeIterator<Item = usize> {
        self.steps.iter().map(|step| step.node)
    }

    /// The inputs that have to be given.
    pub fn required_inputs(&self) -> impl Iterator<Item = ValueId> {
        self.graph.inputs().iter().copied().filter(|id| !self.graph.constants().contains_key(id))
    }

    /// Computes the outputs, without recording anything for gradients. A value's memory is given
    /// back as soon as its last reader has run.
    ///
    /// # Errors
    /// If an input is missing or does not fit, and what the operators give, with the node's name.
    pub fn run(&self, inputs: impl IntoIterator<Item = (ValueId, Tensor)>) -> Result<Vec<Tensor>> {
        self.run_with(inputs, |_| ())
    }

    /// [`Executor::run`], and what each node did.
    ///
    /// # Errors
    /// As [`Executor::run`].
    pub fn profile(
        &self,
        inputs: impl IntoIterator<Item = (ValueId, Tensor)>,
    ) -> Result<(Vec<Tensor>, Vec<NodeProfile>)> {
        let mut profiles = Vec::with_capacity(self.steps.len());
        let outputs = self.run_with(inputs, |profile| profiles.push(profile))?;
        Ok((outputs, profiles))
    }

    fn run_with(
        &self,
        inputs: impl IntoIterator<Item = (ValueId, Tensor)>,
        mut observe: impl FnMut(NodeProfile),
    ) -> Result<Vec<Tensor>> {
        let mut values = Values { known: &self.known, own: HashMap::new(), bytes: 0 };
        for (id, tensor) in inputs {
            self.graph.value(id)?.accepts(&tensor).map_err(|e| e.context("input"))?;
            values.insert(id, tensor);
        }
        for &id in self.graph.inputs() {
            if values.get(id).is_none() {
                return Err(Error::value(format!("input {:?} is missing", self.graph.value(id)?.name)));
            }
        }
        no_grad(|| {
            for step in &self.steps {
                let node = &self.graph.nodes()[step.node];
                let start = Instant::now();
                let room = self.memory_limit.saturating_sub(values.bytes);
                let results = memory::limited(room, || apply(&self.graph, node, |id| values.get(id)))?;
                let time = start.elapsed();
                let shapes = results.iter().map(Tensor::shape).collect();
                for (&id, tensor) in node.outputs.iter().zip(results) {
                    if let Some(id) = id {
                        values.insert(id, tensor);
                    }
                }
                observe(NodeProfile { node: step.node, time, shapes, live_bytes: values.bytes });
                for &id in &step.released {
                    values.remove(id);
                }
            }
            self.graph
                .outputs()
                .iter()
                .map(|&id| {
                    let name = || self.graph.value(id).map_or_else(|_| String::new(), |v| v.name.clone());
                    values.get(id).cloned().ok_or_else(|| Error::value(format!("output {:?} was not made", name())))
                })
                .collect()
        })
    }

    /// Runs those nodes whose inputs are known and whose results are small; gives the others. What
    /// fails here fails again when the graph runs, and is an error then.
    fn fold(&mut self, order: Vec<usize>) -> Vec<usize> {
        let mut rest = Vec::new();
        for index in order {
            let node = &self.graph.nodes()[index];
            // A constant that is an input, too, is only what that input is unless another is given.
            let known = |id: &ValueId| self.known.get(id).filter(|_| !self.graph.is_input(*id));
            let operands: Option<Vec<&Tensor>> = node.inputs.iter().flatten().map(known).collect();
            let folded = operands.filter(|_| node.operator.is_deterministic()).and_then(|operands| {
                let bytes: usize = operands.iter().map(|t| bytes_of(t)).sum();
                let limit = FOLDED_BYTES.max(bytes.saturating_mul(FOLDED_GROWTH));
                memory::limited(limit, || apply(&self.graph, node, |id| self.known.get(&id))).ok()
            });
            match folded {
                Some(results) => {
                    let made = node.outputs.iter().zip(results);
                    self.known.extend(made.filter_map(|(id, tensor)| Some(((*id)?, tensor))));
                }
                None => rest.push(index),
            }
        }
        rest
    }

    /// Finds out after which node each value is not read any more.
    fn plan(&mut self, order: Vec<usize>) -> Vec<Step> {
        let mut last: HashMap<ValueId, usize> = HashMap::new();
        for (position, &index) in order.iter().enumerate() {
            let node = &self.graph.nodes()[index];
            last.extend(node.inputs.iter().chain(&node.outputs).flatten().map(|&id| (id, position)));
        }
        for id in self.graph.outputs() {
            last.remove(id);
        }
        let mut steps: Vec<Step> = order.into_iter().map(|node| Step { node, released: Vec::new() }).collect();
        for (id, position) in last {
            if !self.known.contains_key(&id) || self.graph.is_input(id) {
                steps[position].released.push(id);
            }
        }
        // What only nodes that were computed ahead have read is not needed any more.
        let mut kept: Vec<ValueId> = self.graph.outputs().to_vec();
        kept.extend(self.graph.inputs());
        kept.extend(steps.iter().flat_map(|step| self.graph.nodes()[step.node].inputs.iter().flatten()));
        kept.sort_unstable();
        self.known.retain(|id, _| kept.binary_search(id).is_ok());
        steps
    }
}

/// The values of a run.
struct Values<'a> {
    known: &'a HashMap<ValueId, Tensor>,
    own: HashMap<ValueId, Tensor>,
    /// The bytes of `own`; memory that several of them share counts several times.
    bytes: usize,
}

impl Values<'_> {
    fn get(&self, id: ValueId) -> Option<&Tensor> {
        self.own.get(&id).or_else(|| self.known.get(&id))
    }

    fn insert(&mut self, id: ValueId, tensor: Tensor) {
        self.bytes += bytes_of(&tensor);
        if let Some(old) = self.own.insert(id, tensor) {
            self.bytes -= bytes_of(&old);
        }
    }

    fn remove(&mut self, id: ValueId) {
        if let Some(old) = self.own.remove(&id) {
            self.bytes -= bytes_of(&old);
        }
    }
}

/// The memory that a tensor shows: a view may show elements several times, or only a few.
fn bytes_of(tensor: &Tensor) -> usize {
    let array = tensor.array();
    tensor.numel().saturating_mul(tensor.dtype().size()).min(array.storage().len())
}

/// Applies a node's operator. Its errors say which node it was.
fn apply<'t>(graph: &Graph, node: &Node, get: impl Fn(ValueId) -> Option<&'t Tensor>) -> Result<Vec<Tensor>> {
    let attempt = || {
        let operand = |id: &Option<ValueId>| match *id {
            None => Ok(None),
            Some(id) => match get(id) {
                Some(tensor) => Ok(Some(tensor.clone())),
                None => Err(Error::value(format!("{:?} was not made", graph.value(id)?.name))),
            },
        };
        let operands = node.inputs.iter().map(operand).collect::<Result<Vec<_>>>()?;
        let results = node.operator.compute(&Inputs::new(&operands))?;
        if node.outputs.iter().rposition(Option::is_some).is_some_and(|last| last >= results.len()) {
            return Err(Error::value(format!(
                "it has {} results, but {} are asked for",
                results.len(),
                node.outputs.len()
            )));
        }
        Ok(results)
    };
    attempt().map_err(|error| error.context(place(node)))
}

/// A node in messages.
fn place(node: &Node) -> String {
    format!("node {:?} ({})", node.name, node.operator.name())
}

/// The node that makes each value.
fn producers(graph: &Graph) -> Result<Vec<Option<usize>>> {
    let mut producers = vec![None; graph.values().len()];
    for (index, node) in graph.nodes().iter().enumerate() {
        for &id in node.outputs.iter().flatten() {
            let name = &graph.value(id)?.name;
            let given = graph.constants().contains_key(&id) || graph.is_input(id);
            if given || producers[id.index()].replace(index).is_some() {
                return Err(Error::value(format!("{}: value {name:?} is made twice", place(node))));
            }
        }
        for &id in node.inputs.iter().flatten() {
            graph.value(id)?;
        }
    }
    Ok(producers)
}

/// Which nodes the outputs need.
fn needed(graph: &Graph, producers: &[Option<usize>]) -> Result<Vec<bool>> {
    let mut needed = vec![false; graph.nodes().len()];
    let mut open: Vec<ValueId> = graph.outputs().to_vec();
    for &id in graph.inputs().iter().chain(graph.outputs()) {
        graph.value(id)?;
    }
    while let Some(id) = open.pop() {
        if let Some(index) = producers[id.index()]
            && !std::mem::replace(&mut needed[index], true)
        {
            open.extend(graph.nodes()[index].inputs.iter().flatten());
        }
    }
    Ok(needed)
}

/// The needed nodes, each after those whose results it reads, else in the order of the graph (Kahn
/// 1962).
fn order(graph: &Graph, producers: &[Option<usize>], needed: &[bool]) -> Result<Vec<usize>> {
    let mut readers: Vec<Vec<usize>> = vec![Vec::new(); needed.len()];
    let mut waiting = vec![0usize; needed.len()];
    for (index, node) in graph.nodes().iter().enumerate().filter(|&(index, _)| needed[index]) {
        for &id in node.inputs.iter().flatten() {
            if let Some(producer) = producers[id.index()] {
                readers[producer].push(index);
                waiting[index] += 1;
            } else if !graph.constants().contains_key(&id) && !graph.is_input(id) {
                let name = &graph.value(id)?.name;
                return Err(Error::value(format!(
                    "{}: its input {name:?} is made by no node, and is no input or constant of the graph",
                    place(node)
                )));
            }
        }
    }
    let ready = |&index: &usize| needed[index] && waiting[index] == 0;
    let mut open: BinaryHeap<Reverse<usize>> = (0..needed.len()).filter(ready).map(Reverse).collect();
    let mut order = Vec::new();
    while let Some(Reverse(index)) = open.pop() {
        order.push(index);
        for &reader in &readers[index] {
            waiting[reader] -= 1;
            if waiting[reader] == 0 {
                open.push(Reverse(reader));
            }
        }
    }
    match (0..needed.len()).find(|&index| needed[index] && waiting[index] > 0) {
        Some(stuck) => Err(Error::value(format!(
            "{}: it is on a cycle, or after one: it needs its own results",
            place(&graph.nodes()[stuck])
        ))),
        None => Ok(order),
    }
}

/// Half of the machine's memory; 8 GiB where it cannot be known.
fn default_memory_limit() -> usize {
    let kilobytes = |text: String| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        line.split_whitespace().next()?.parse::<usize>().ok()
    };
    let total = std::fs::read_to_string("/proc/meminfo").ok().and_then(kilobytes);
    total.map_or(8 << 30, |kilobytes| kilobytes.saturating_mul(1024) / 2)
}
