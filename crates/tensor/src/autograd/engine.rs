//! The backward pass: nodes run once all gradients of their outputs have arrived, the latest first.

use super::arithmetic;
use super::node::OutputMeta;
use super::recorder::Context;
use super::{Edge, GradModeGuard, Node, watch};
use crate::{Error, Result, Tensor};
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;

/// How a backward pass runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct BackwardOptions {
    /// Keep the saved tensors for another pass. (`create_graph` keeps them too.)
    pub retain_graph: bool,
    /// Record the pass itself, so that gradients can be differentiated.
    pub create_graph: bool,
    /// With `inputs`: an input that the outputs do not depend on gives `None` instead of an error.
    pub allow_unused: bool,
    /// With `inputs`: gives zeros for inputs that the outputs do not depend on.
    pub materialize_grads: bool,
}

/// Accumulates the gradients of `outputs` into the leaves' `grad`.
///
/// # Errors
/// PyTorch's errors: an output that does not require grad, a missing gradient for a non-scalar, a
/// freed graph, a saved tensor changed in place, and whatever an operator's backward gives.
pub fn backward(outputs: &[Tensor], gradients: &[Option<Tensor>], options: BackwardOptions) -> Result<()> {
    run_backward(outputs, gradients, options, None, true).map(|_| ())
}

/// The gradients of `outputs` with respect to `inputs`, without touching any `grad`.
///
/// # Errors
/// As [`backward`], and when an input was not used and `allow_unused` is off.
pub fn grad(
    outputs: &[Tensor],
    inputs: &[Tensor],
    gradients: &[Option<Tensor>],
    options: BackwardOptions,
) -> Result<Vec<Option<Tensor>>> {
    run_backward(outputs, gradients, options, Some(inputs), false)
}

/// The pass behind [`backward`] and [`grad`]: with `inputs`, only what leads to them is run, and
/// `accumulate` says whether their gradients are added into `grad` or returned.
///
/// `gradients` is empty, or has one entry for each output; `None` stands for ones and is allowed
/// for outputs of one element.
///
/// # Errors
/// See [`backward`].
pub fn run_backward(
    outputs: &[Tensor],
    gradients: &[Option<Tensor>],
    options: BackwardOptions,
    inputs: Option<&[Tensor]>,
    accumulate: bool,
) -> Result<Vec<Option<Tensor>>> {
    let roots = roots(outputs, gradients)?;
    let mut pass = Pass::new(roots, options);
    if let Some(inputs) = inputs {
        pass.restrict_to(inputs, accumulate)?;
    }
    let _mode = GradModeGuard::new(options.create_graph);
    pass.run()?;
    match inputs {
        Some(inputs) if !accumulate => pass.results(inputs),
        _ => Ok(Vec::new()),
    }
}

/// Checks the outputs and completes their gradients.
fn roots(outputs: &[Tensor], gradients: &[Option<Tensor>]) -> Result<Vec<(Edge, Tensor)>> {
    if !gradients.is_empty() && gradients.len() != outputs.len() {
        return Err(Error::autograd(format!("got {} tensors and {} gradients", outputs.len(), gradients.len())));
    }
    let mut completed = Vec::with_capacity(outputs.len());
    for (i, output) in outputs.iter().enumerate() {
        completed.push(match gradients.get(i).and_then(Option::as_ref) {
            Some(gradient) => {
                let (got, expected) = (gradient.shape(), output.shape());
                if got != expected {
                    return Err(Error::autograd(format!(
                        "Mismatch in shape: grad_output[{i}] has a shape of torch.Size({got}) and output[{i}] has a shape of torch.Size({expected})."
                    )));
                }
                Some(gradient.clone())
            }
            None if output.requires_grad() => {
                if output.numel() != 1 {
                    return Err(Error::autograd("grad can be implicitly created only for scalar outputs"));
                }
                if output.dtype().is_complex() {
                    return Err(Error::autograd(format!(
                        "grad can be implicitly created only for real scalar outputs but got torch.{}",
                        output.dtype()
                    )));
                }
                Some(arithmetic::full(&output.shape(), output.dtype(), 1.0)?)
            }
            None => None,
        });
    }
    let mut roots = Vec::with_capacity(outputs.len());
    for (i, (output, gradient)) in outputs.iter().zip(completed).enumerate() {
        let (Some(edge), Some(gradient)) = (output.gradient_edge(), gradient) else {
            return Err(Error::autograd(format!(
                "element {i} of tensors does not require grad and does not have a grad_fn"
            )));
        };
        roots.push((edge, arithmetic::cast(&gradient, output.dtype())?));
    }
    Ok(roots)
}

/// A node that waits for the gradients of its outputs.
struct Task {
    node: Arc<Node>,
    /// The tasks that the node's edges lead to.
    next: Vec<Option<usize>>,
    /// Edges that have not delivered yet.
    waiting: usize,
    gradients: Vec<Option<Tensor>>,
    /// Gradients that the caller asked for: which of the node's outputs, and which input it is.
    captures: Vec<(usize, usize)>,
    /// Whether the node itself must run.
    needed: bool,
}

impl Task {
    fn must_visit(&self) -> bool {
        self.needed || !self.captures.is_empty()
    }
}

/// Tasks whose gradients are complete, ordered so that what was recorded last runs first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Ready {
    sequence_nr: u64,
    task: usize,
}

/// One backward pass. Everything it changes lives here, so that passes may nest and run at the
/// same time over the same graph.
struct Pass {
    tasks: Vec<Task>,
    ids: HashMap<*const Node, usize>,
    roots: Vec<(usize, usize, Tensor)>,
    captured: HashMap<usize, Tensor>,
    options: BackwardOptions,
}

impl Pass {
    /// Finds all nodes behind the roots and counts how many edges lead to each.
    fn new(roots: Vec<(Edge, Tensor)>, options: BackwardOptions) -> Self {
        let mut pass =
            Pass { tasks: Vec::new(), ids: HashMap::new(), roots: Vec::new(), captured: HashMap::new(), options };
        for (edge, gradient) in roots {
            let task = pass.task(&edge.node);
            pass.roots.push((task, edge.input_nr, gradient));
        }
        let mut visited = 0;
        while visited < pass.tasks.len() {
            let node = pass.tasks[visited].node.clone();
            let mut next = Vec::with_capacity(node.edges.len());
            for edge in &node.edges {
                next.push(edge.as_ref().map(|edge| {
                    let task = pass.task(&edge.node);
                    pass.tasks[task].waiting += 1;
                    task
                }));
            }
            pass.tasks[visited].next = next;
            visited += 1;
        }
        pass
    }

    fn task(&mut self, node: &Arc<Node>) -> usize {
        *self.ids.entry(Arc::as_ptr(node)).or_insert_with(|| {
            self.tasks.push(Task {
                node: node.clone(),
                next: Vec::new(),
                waiting: 0,
                gradients: vec![None; node.output_count()],
                captures: Vec::new(),
                needed: true,
            });
            self.tasks.len() - 1
        })
    }

    /// Lets only those nodes run that lead to one of these tensors.
    fn restrict_to(&mut self, inputs: &[Tensor], accumulate: bool) -> Result<()> {
        if accumulate && inputs.is_empty() {
            return Err(Error::autograd("`inputs` argument to `backward()` cannot be empty."));
        }
        for task in &mut self.tasks {
            task.needed = false;
        }
        for (i, input) in inputs.iter().enumerate() {
            if accumulate {
                input.retain_grad()?;
            }
            let Some(edge) = input.gradient_edge() else {
                return Err(Error::autograd("One of the differentiated Tensors does not require grad"));
            };
            if let Some(&task) = self.ids.get(&Arc::as_ptr(&edge.node)) {
                if accumulate && edge.node.leaf.is_some() {
                    self.tasks[task].needed = true;
                } else {
                    self.tasks[task].captures.push((edge.input_nr, i));
                }
            }
        }
        for task in self.inputs_first() {
            let leads = self.tasks[task].next.iter().flatten().any(|&n| self.tasks[n].must_visit());
            self.tasks[task].needed |= leads;
        }
        Ok(())
    }

    /// All tasks in an order in which each comes after those its edges lead to.
    fn inputs_first(&self) -> Vec<usize> {
        let mut waiting: Vec<usize> = self.tasks.iter().map(|t| t.waiting).collect();
        let mut order: Vec<usize> = (0..self.tasks.len()).filter(|&t| waiting[t] == 0).collect();
        let mut visited = 0;
        while visited < order.len() {
            for &next in self.tasks[order[visited]].next.iter().flatten() {
                waiting[next] -= 1;
                if waiting[next] == 0 {
                    order.push(next);
                }
            }
            visited += 1;
        }
        order.reverse();
        order
    }

    fn run(&mut self) -> Result<()> {
        let mut ready = BinaryHeap::new();
        let mut queued = vec![false; self.tasks.len()];
        for (task, output_nr, gradient) in std::mem::take(&mut self.roots) {
            self.deliver(task, output_nr, gradient)?;
            if self.tasks[task].waiting == 0 && !std::mem::replace(&mut queued[task], true) {
                ready.push(self.ready(task));
            }
        }
        drop(queued);
        while let Some(Ready { task, .. }) = ready.pop() {
            let gradients = self.visit(task)?;
            let node = self.tasks[task].node.clone();
            for (i, gradient) in gradients.into_iter().enumerate() {
                let (Some(edge), Some(next)) = (&node.edges[i], self.tasks[task].next[i]) else { continue };
                if let Some(gradient) = gradient
                    && self.tasks[next].must_visit()
                {
                    self.deliver(next, edge.input_nr, gradient)?;
                }
                self.tasks[next].waiting -= 1;
                if self.tasks[next].waiting == 0 {
                    ready.push(self.ready(next));
                }
            }
        }
        Ok(())
    }

    fn ready(&self, task: usize) -> Ready {
        Ready { sequence_nr: self.tasks[task].node.sequence_nr, task }
    }

    /// Adds a gradient to what a task has received for one of its outputs.
    fn deliver(&mut self, task: usize, output_nr: usize, gradient: Tensor) -> Result<()> {
        let slot = &mut self.tasks[task].gradients[output_nr];
        *slot = Some(match slot.take() {
            None => gradient,
            Some(sum) => add_gradients(sum, &gradient)?,
        });
        Ok(())
    }

    /// Runs hooks and node of a task whose gradients are complete, and gives the gradients of the
    /// node's inputs: one for each edge.
    fn visit(&mut self, index: usize) -> Result<Vec<Option<Tensor>>> {
        let task = &mut self.tasks[index];
        let node = task.node.clone();
        let mut gradients = std::mem::take(&mut task.gradients);
        if !task.must_visit() {
            return Ok(vec![None; node.edges.len()]);
        }
        node.call_tensor_hooks(&mut gradients)?;
        for &(output_nr, input) in &task.captures {
            if let Some(gradient) = &gradients[output_nr] {
                self.captured.insert(input, gradient.clone());
            }
        }
        if !task.needed {
            return Ok(vec![None; node.edges.len()]);
        }
        node.call_pre_hooks(&mut gradients)?;
        if let Some(leaf) = &node.leaf {
            node.accumulate(leaf, gradients)?;
            return Ok(Vec::new());
        }
        let needed: Vec<bool> =
            self.tasks[index].next.iter().map(|n| n.is_some_and(|n| self.tasks[n].must_visit())).collect();
        let began = watch::begin();
        let results = (node.backward)(&Context { node: &node, needed: &needed }, &gradients);
        if let Some(began) = began {
            watch::end(node.name(), began);
        }
        let mut results = results?;
        if !self.options.retain_graph && !self.options.create_graph {
            node.release();
        }
        check_count(&node, &mut results)?;
        node.call_post_hooks(&mut results, &gradients)?;
        drop(gradients);
        for (i, result) in results.iter_mut().enumerate() {
            *result = match (&node.edges[i], result.take()) {
                (Some(edge), Some(gradient)) if needed[i] => Some(validate(&node, i, edge, gradient)?),
                _ => None,
            };
        }
        Ok(results)
    }

    fn results(&mut self, inputs: &[Tensor]) -> Result<Vec<Option<Tensor>>> {
        let mut results = Vec::with_capacity(inputs.len());
        for (i, input) in inputs.iter().enumerate() {
            results.push(match self.captured.remove(&i) {
                None if self.options.materialize_grads => {
                    Some(arithmetic::full(&input.shape(), input.dtype(), 0.0)?)
                }
                None if !self.options.allow_unused => {
                    return Err(Error::autograd(format!(
                        "The differentiated Tensor at index {i} appears to not have been used in the graph. Set allow_unused=True if this is the desired behavior."
                    )));
                }
                captured => captured,
            });
        }
        Ok(results)
    }
}

/// A backward function may give gradients beyond its edges if they are `None`; no other difference
/// is allowed.
fn check_count(node: &Node, results: &mut Vec<Option<Tensor>>) -> Result<()> {
    let expected = node.edges.len();
    if results.len() > expected && results[expected..].iter().all(Option::is_none) {
        results.truncate(expected);
    }
    if results.len() != expected {
        return Err(Error::autograd(format!(
            "Function {} returned an invalid number of gradients - expected {expected}, but got {}",
            node.name,
            results.len()
        )));
    }
    Ok(())
}

/// Brings a gradient to the shape and dtype of the tensor it belongs to.
fn validate(node: &Node, i: usize, edge: &Edge, gradient: Tensor) -> Result<Tensor> {
    let OutputMeta { shape, dtype } = edge.node.output_meta(edge.input_nr);
    let got = gradient.shape();
    let mut gradient = gradient;
    if got != shape {
        if !arithmetic::is_expandable(&shape, &got) {
            return Err(Error::autograd(format!(
                "Function {} returned an invalid gradient at index {i} - got {got} but expected shape compatible with {shape}",
                node.name
            )));
        }
        gradient = arithmetic::sum_to(&gradient, &shape)?;
    }
    arithmetic::cast(&gradient, dtype)
}

/// The sum of two gradients; in the first one's memory if nobody else can see it.
fn add_gradients(sum: Tensor, gradient: &Tensor) -> Result<Tensor> {
    if !super::is_grad_enabled() && sum.layout().is_dense() && sum.is_sole_owner() {
        arithmetic::add_into(&sum.array(), &gradient.array())?;
        return Ok(sum);
    }
    arithmetic::add(&sum, gradient)
}

impl Tensor {
    /// Adds the derivative of this scalar to the `grad` of every leaf it depends on, and frees the
    /// graph.
    ///
    /// # Errors
    /// As [`backward`]; in particular if this is no scalar or requires no gradient.
    pub fn backward(&self) -> Result<()> {
        backward(std::slice::from_ref(self), &[None], BackwardOptions::default())
    }
}
