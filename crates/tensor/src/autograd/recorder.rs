//! How operators write themselves into the graph.

use super::node::{BackwardFn, OutputMeta, lock};
use super::saved::{Saved, SavedTensor};
use super::{Edge, Node, is_grad_enabled};
use crate::{Error, Result, Tensor};
use std::sync::{Arc, Mutex};

/// Records one operator. Exists only where recording is on and an input requires a gradient.
pub struct Recorder {
    name: String,
    edges: Vec<Option<Edge>>,
    saved: Vec<SavedTensor>,
}

impl Recorder {
    /// Begins a record of the operator called `name` on `inputs`; `None` when there is nothing to
    /// record.
    pub fn new(name: &str, inputs: &[&Tensor]) -> Option<Self> {
        if !is_grad_enabled() || !inputs.iter().any(|t| t.requires_grad()) {
            return None;
        }
        let edges = inputs.iter().map(|t| t.gradient_edge()).collect();
        Some(Self { name: name.to_owned(), edges, saved: Vec::new() })
    }

    /// Adds an input that has no gradient: a number in a tensor's place.
    pub fn number(&mut self) {
        self.edges.push(None);
    }

    /// Keeps an input for the backward pass.
    pub fn save(&mut self, tensor: &Tensor) -> Saved {
        self.saved.push(SavedTensor::input(tensor));
        Saved(self.saved.len() - 1)
    }

    /// Keeps output number `output_nr` for the backward pass.
    pub fn save_output(&mut self, output: &Tensor, output_nr: usize) -> Saved {
        self.saved.push(SavedTensor::output(output, output_nr));
        Saved(self.saved.len() - 1)
    }

    /// Whether input `i` requires a gradient.
    pub fn needs(&self, i: usize) -> bool {
        self.edges[i].is_some()
    }

    /// Ends the record of an operator with one output. `backward` maps the output's gradient to
    /// those of the inputs, one for each, `None` where there is none to give.
    pub fn finish(
        self,
        output: &Tensor,
        backward: impl Fn(&Context<'_>, &Tensor) -> Result<Vec<Option<Tensor>>> + Send + Sync + 'static,
    ) {
        self.finish_many(&[output], move |ctx, grads| match &grads[0] {
            Some(grad) => backward(ctx, grad),
            None => Ok(vec![None; ctx.node.edges.len()]),
        });
    }

    /// Ends the record of an operator with several outputs; gradients of unused ones are `None`.
    /// Outputs of dtypes that carry no gradient stay outside the graph.
    pub fn finish_many(
        self,
        outputs: &[&Tensor],
        backward: impl Fn(&Context<'_>, &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> + Send + Sync + 'static,
    ) {
        let node = self.into_node(outputs, Box::new(backward));
        for (output_nr, output) in outputs.iter().enumerate() {
            if output.dtype().is_differentiable() {
                output.meta_mut(|m| {
                    m.grad_fn = Some(node.clone());
                    m.output_nr = output_nr;
                });
            }
        }
    }

    pub(crate) fn into_node(self, outputs: &[&Tensor], backward: BackwardFn) -> Arc<Node> {
        let outputs = outputs.iter().map(|t| OutputMeta { shape: t.shape(), dtype: t.dtype() }).collect();
        let mut node = Node::new(self.name, self.edges, outputs, backward);
        node.saved = Mutex::new(Some(self.saved));
        Arc::new(node)
    }
}

/// What a backward function may ask for.
pub struct Context<'a> {
    pub(crate) node: &'a Arc<Node>,
    /// Which inputs' gradients are wanted in this pass.
    pub(crate) needed: &'a [bool],
}

impl Context<'_> {
    /// Whether the gradient of input `i` is wanted.
    pub fn needs(&self, i: usize) -> bool {
        self.needed.get(i).copied().unwrap_or(false)
    }

    /// A saved tensor.
    ///
    /// # Errors
    /// If it was changed in place since, or the graph has been freed.
    pub fn saved(&self, handle: Saved) -> Result<Tensor> {
        // Not under the lock: what unpacks may be a user's function.
        let saved = match lock(&self.node.saved).as_ref() {
            Some(saved) => saved[handle.0].clone(),
            None => return Err(Error::autograd(FREED)),
        };
        saved.unpack(self.node)
    }
}

pub(crate) const FREED: &str = "Trying to backward through the graph a second time (or directly access saved tensors after they have already been freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). Specify retain_graph=True if you need to backward through the graph a second time or if you need to access saved tensors after calling backward.";
