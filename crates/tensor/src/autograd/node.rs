//! The graph: nodes are operators that were run, edges lead to what made their inputs.

use super::meta::TensorHook;
use super::recorder::Context;
use super::saved::SavedTensor;
use crate::{DType, Result, Shape, Tensor};
use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

/// Maps the gradients of a node's outputs to those of its inputs.
pub(crate) type BackwardFn = Box<dyn Fn(&Context<'_>, &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> + Send + Sync>;

/// Where a gradient goes: input `input_nr` of `node`.
#[derive(Clone, Debug)]
pub struct Edge {
    /// The node that made the tensor.
    pub node: Arc<Node>,
    /// Which of its outputs the tensor is.
    pub input_nr: usize,
}

/// What the gradient of an output must look like.
#[derive(Clone, Debug)]
pub(crate) struct OutputMeta {
    pub(crate) shape: Shape,
    pub(crate) dtype: DType,
}

/// Sees the gradients of a node's inputs and outputs, and may replace the former.
pub type NodeHook =
    Arc<dyn Fn(&[Option<Tensor>], &[Option<Tensor>]) -> Result<Option<Vec<Option<Tensor>>>> + Send + Sync>;
/// Sees the gradients of a node's outputs before the node runs, and may replace them.
pub type NodePreHook = Arc<dyn Fn(&[Option<Tensor>]) -> Result<Option<Vec<Option<Tensor>>>> + Send + Sync>;

/// What a node does with the gradients of its outputs on their arrival.
#[derive(Default)]
pub(crate) struct OutputHooks {
    /// Hooks of output tensors, by output.
    pub(crate) hooks: Vec<(u64, usize, TensorHook)>,
    /// Output tensors that keep their gradient.
    pub(crate) retained: Vec<(usize, Weak<crate::tensor::Inner>)>,
}

/// One operator of the graph.
pub struct Node {
    pub(crate) name: String,
    pub(crate) edges: Vec<Option<Edge>>,
    pub(crate) outputs: Mutex<Vec<OutputMeta>>,
    /// `None` once released by a backward pass that does not retain the graph.
    pub(crate) saved: Mutex<Option<Vec<SavedTensor>>>,
    pub(crate) backward: BackwardFn,
    /// Grows with every node that a thread makes: later nodes run first.
    pub(crate) sequence_nr: u64,
    /// The leaf that this node accumulates into, if it is an accumulator.
    pub(crate) leaf: Option<Tensor>,
    pub(crate) output_hooks: Mutex<OutputHooks>,
    pub(crate) pre_hooks: Mutex<Vec<(u64, NodePreHook)>>,
    pub(crate) post_hooks: Mutex<Vec<(u64, NodeHook)>>,
}

/// Nothing that a panic could leave half-done is kept under the graph's locks.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|e| e.into_inner())
}

impl Node {
    pub(crate) fn next_sequence_nr() -> u64 {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        NEXT.fetch_add(1, Ordering::Relaxed)
    }

    /// A node without saved tensors or hooks.
    pub(crate) fn new(name: String, edges: Vec<Option<Edge>>, outputs: Vec<OutputMeta>, backward: BackwardFn) -> Self {
        Node {
            name,
            edges,
            outputs: Mutex::new(outputs),
            saved: Mutex::new(Some(Vec::new())),
            backward,
            sequence_nr: Self::next_sequence_nr(),
            leaf: None,
            output_hooks: Mutex::default(),
            pre_hooks: Mutex::default(),
            post_hooks: Mutex::default(),
        }
    }

    /// The operator's name as PyTorch shows it: `ConvolutionBackward0`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The operator's name as PyTorch's messages show it: `Exp` for `ExpBackward0`, `Fill2` for
    /// `FillBackward2`.
    pub(crate) fn operator(&self) -> String {
        match self.name.rsplit_once("Backward") {
            Some((operator, variant)) => operator.to_owned() + variant.trim_matches('0'),
            None => self.name.clone(),
        }
    }

    /// Where the gradients of the inputs go; `None` for an input that needs none.
    pub fn next_functions(&self) -> &[Option<Edge>] {
        &self.edges
    }

    /// The leaf that this node accumulates gradients into, if it is an accumulator.
    pub fn variable(&self) -> Option<&Tensor> {
        self.leaf.as_ref()
    }

    /// Grows with every node: of two that are ready, a backward pass runs the one with the larger.
    pub fn sequence_nr(&self) -> u64 {
        self.sequence_nr
    }

    pub(crate) fn output_count(&self) -> usize {
        if self.leaf.is_some() { 1 } else { lock(&self.outputs).len() }
    }

    /// What the gradient of an output must look like. A leaf may have changed since its
    /// accumulator was made.
    pub(crate) fn output_meta(&self, output_nr: usize) -> OutputMeta {
        match &self.leaf {
            Some(leaf) => OutputMeta { shape: leaf.shape(), dtype: leaf.dtype() },
            None => lock(&self.outputs)[output_nr].clone(),
        }
    }

    /// Lets the saved tensors go.
    pub(crate) fn release(&self) {
        let saved = lock(&self.saved).take();
        drop(saved);
    }

    /// Registers a hook that sees the gradients of the node's inputs and outputs after it has run.
    pub fn register_hook(&self, hook: NodeHook) -> u64 {
        let id = super::hooks::next_hook_id();
        lock(&self.post_hooks).push((id, hook));
        id
    }

    /// Registers a hook that sees the gradients of the node's outputs before it runs.
    pub fn register_prehook(&self, hook: NodePreHook) -> u64 {
        let id = super::hooks::next_hook_id();
        lock(&self.pre_hooks).push((id, hook));
        id
    }

    /// Removes a hook of either kind; does nothing if it is gone already.
    pub fn remove_hook(&self, id: u64) {
        lock(&self.pre_hooks).retain(|h| h.0 != id);
        lock(&self.post_hooks).retain(|h| h.0 != id);
    }
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

/// What a node owns that may in turn own other nodes.
struct Remains {
    _edges: Vec<Option<Edge>>,
    _saved: Option<Vec<SavedTensor>>,
    _backward: BackwardFn,
    _leaf: Option<Tensor>,
}

thread_local! {
    /// Remains of nodes that were dropped while another node was being dropped on this thread.
    static GRAVEYARD: RefCell<Option<Vec<Remains>>> = const { RefCell::new(None) };
}

/// A long chain of nodes is taken apart in a loop: dropping it recursively would overflow the
/// stack. A chain may run through edges, saved tensors, tensors that a closure captured and bases
/// of views, so a node does not look for its successors: it sets aside all it owns, and only the
/// outermost drop on a thread takes that apart.
impl Drop for Node {
    fn drop(&mut self) {
        let remains = Remains {
            _edges: std::mem::take(&mut self.edges),
            _saved: self.saved.get_mut().unwrap_or_else(|e| e.into_inner()).take(),
            _backward: std::mem::replace(&mut self.backward, Box::new(|_, _| Ok(Vec::new()))),
            _leaf: self.leaf.take(),
        };
        let mut unburied = Some(remains);
        let outermost = GRAVEYARD.try_with(|graveyard| {
            let mut graveyard = graveyard.borrow_mut();
            match graveyard.as_mut() {
                Some(waiting) => {
                    waiting.extend(unburied.take());
                    false
                }
                None => {
                    *graveyard = Some(Vec::new());
                    true
                }
            }
        });
        // Where the thread itself is ending there is no graveyard, and `unburied` goes right here.
        if outermost != Ok(true) {
            return;
        }
        while let Some(remains) = unburied.take() {
            drop(remains);
            unburied = GRAVEYARD.with(|g| {
                let mut g = g.borrow_mut();
                let next = g.as_mut().and_then(Vec::pop);
                if next.is_none() {
                    *g = None;
                }
                next
            });
        }
    }
}
