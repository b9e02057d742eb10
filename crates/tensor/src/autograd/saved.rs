//! Tensors kept for the backward pass, and the check that nobody wrote to them meanwhile.

use super::{AutogradMeta, Node, VersionCounter};
use crate::{Array, Error, Result, Tensor};
use std::any::Any;
use std::cell::RefCell;
use std::sync::{Arc, Weak};

/// A handle to a tensor saved in a [`super::Recorder`].
#[derive(Clone, Copy, Debug)]
pub struct Saved(pub(crate) usize);

/// A tensor as it was when an operator saved it.
#[derive(Clone)]
pub struct SavedTensor {
    kind: Kind,
    version: VersionCounter,
    saved_version: u64,
}

#[derive(Clone)]
enum Kind {
    /// The tensor itself: an input of the operator.
    Input(Tensor),
    /// An output: kept without its node, which would otherwise own itself.
    Output { array: Array, output_nr: usize },
    /// No tensor: an optional argument that was not given.
    Nothing,
    /// What [`SavedTensorHooks`] made of it, and its place in the graph.
    Packed { packed: Result<Packed>, hooks: Arc<SavedTensorHooks>, place: Place },
}

/// What a pack hook made of a tensor.
pub type Packed = Arc<dyn Any + Send + Sync>;

/// Makes what is kept in place of a tensor.
pub type PackFn = Box<dyn Fn(&Tensor) -> Result<Packed> + Send + Sync>;
/// Makes a tensor again of what was kept.
pub type UnpackFn = Box<dyn Fn(&Packed) -> Result<Tensor> + Send + Sync>;

/// Functions that change how tensors are kept for the backward pass: moved elsewhere, compressed,
/// or to be computed again.
pub struct SavedTensorHooks {
    /// Makes what is kept in place of a tensor.
    pub pack: PackFn,
    /// Makes the tensor of it again.
    pub unpack: UnpackFn,
}

impl std::fmt::Debug for SavedTensorHooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SavedTensorHooks")
    }
}

/// Where an unpacked tensor belongs in the graph.
#[derive(Clone)]
enum Place {
    Outside,
    Output(usize),
    Interior(Arc<Node>, usize),
    Leaf(Option<Weak<Node>>),
}

thread_local! {
    static HOOKS: RefCell<Vec<Arc<SavedTensorHooks>>> = const { RefCell::new(Vec::new()) };
}

/// Lets this thread's operators save tensors through these hooks, until it is dropped.
#[must_use = "the hooks are removed when the guard is dropped"]
#[derive(Debug)]
pub struct SavedTensorHooksGuard {
    _this_thread: std::marker::PhantomData<*const ()>,
}

impl SavedTensorHooksGuard {
    /// Puts these hooks on top of the thread's others.
    pub fn new(hooks: SavedTensorHooks) -> Self {
        HOOKS.with_borrow_mut(|stack| stack.push(Arc::new(hooks)));
        Self { _this_thread: std::marker::PhantomData }
    }
}

impl Drop for SavedTensorHooksGuard {
    fn drop(&mut self) {
        let top = HOOKS.with_borrow_mut(Vec::pop);
        drop(top);
    }
}

/// Removes the hooks on top of the thread's stack: for languages whose scopes are not Rust's.
pub fn pop_saved_tensor_hooks() {
    let top = HOOKS.with_borrow_mut(Vec::pop);
    drop(top);
}

/// Puts hooks on top of the thread's stack until [`pop_saved_tensor_hooks`].
pub fn push_saved_tensor_hooks(hooks: SavedTensorHooks) {
    HOOKS.with_borrow_mut(|stack| stack.push(Arc::new(hooks)));
}

fn current_hooks() -> Option<Arc<SavedTensorHooks>> {
    HOOKS.with_borrow(|stack| stack.last().cloned())
}

/// Packs under a stack without the hooks themselves, whose own operators must not come back here.
fn pack(hooks: &SavedTensorHooks, tensor: &Tensor) -> Result<Packed> {
    let stack = HOOKS.take();
    let packed = super::no_grad(|| (hooks.pack)(tensor));
    HOOKS.set(stack);
    packed
}

impl SavedTensor {
    pub(crate) fn input(tensor: &Tensor) -> Self {
        let version = tensor.version_counter();
        let made = tensor.current_grad_fn();
        if let Some(hooks) = current_hooks() {
            let place = match (made, tensor.requires_grad()) {
                (Some((node, output_nr)), _) => Place::Interior(node, output_nr),
                (None, true) => Place::Leaf(tensor.gradient_edge().map(|e| Arc::downgrade(&e.node))),
                (None, false) => Place::Outside,
            };
            let packed = pack(&hooks, tensor);
            return Self::packed(packed, hooks, place);
        }
        // An input that is itself later changed in place must not lose what it was: keep the
        // numbers and the node, not the identity, unless it is a leaf.
        let kept = if made.is_some() { tensor.alias_with_history() } else { tensor.clone() };
        Self { saved_version: version.current(), version, kind: Kind::Input(kept) }
    }

    pub(crate) fn output(tensor: &Tensor, output_nr: usize) -> Self {
        if let Some(hooks) = current_hooks() {
            let packed = pack(&hooks, &tensor.detach());
            return Self::packed(packed, hooks, Place::Output(output_nr));
        }
        let version = tensor.version_counter();
        Self { saved_version: version.current(), version, kind: Kind::Output { array: tensor.array(), output_nr } }
    }

    pub(crate) fn nothing() -> Self {
        Self { saved_version: 0, version: VersionCounter::default(), kind: Kind::Nothing }
    }

    pub(crate) fn is_nothing(&self) -> bool {
        matches!(self.kind, Kind::Nothing)
    }

    fn packed(packed: Result<Packed>, hooks: Arc<SavedTensorHooks>, place: Place) -> Self {
        let version = VersionCounter::default();
        Self { saved_version: 0, version, kind: Kind::Packed { packed, hooks, place } }
    }

    /// The tensor, connected to the graph as it was.
    ///
    /// # Errors
    /// PyTorch's error when the numbers were changed in place since, or when they were made in
    /// inference mode; and what a hook gives.
    pub(crate) fn unpack(&self, node: &Arc<Node>) -> Result<Tensor> {
        let current = self.version.current();
        if current != self.saved_version {
            return Err(self.modified(node, current));
        }
        match &self.kind {
            Kind::Input(tensor) if tensor.is_inference() => Err(Error::autograd(
                "Inference tensors cannot be saved for backward. Please do not use Tensors created in inference mode in computation tracked by autograd. To work around this, you can make a clone to get a normal tensor and use it in autograd, or use `torch.no_grad()` instead of `torch.inference_mode()`.",
            )),
            Kind::Input(tensor) => Ok(tensor.clone()),
            Kind::Output { array, output_nr } => Ok(Tensor::with_meta(
                array.clone(),
                AutogradMeta {
                    grad_fn: Some(node.clone()),
                    output_nr: *output_nr,
                    version: self.version.clone(),
                    ..Default::default()
                },
            )),
            Kind::Nothing => Err(Error::autograd("no tensor was saved here")),
            Kind::Packed { packed, hooks, place } => {
                let packed = packed.as_ref().map_err(Clone::clone)?;
                let array = (hooks.unpack)(packed)?.array();
                let mut meta = AutogradMeta::default();
                match place {
                    Place::Outside => {}
                    Place::Output(output_nr) => {
                        meta.grad_fn = Some(node.clone());
                        meta.output_nr = *output_nr;
                    }
                    Place::Interior(made, output_nr) => {
                        meta.grad_fn = Some(made.clone());
                        meta.output_nr = *output_nr;
                    }
                    Place::Leaf(accumulator) => {
                        meta.requires_grad = true;
                        meta.accumulator = accumulator.clone();
                    }
                }
                Ok(Tensor::with_meta(array, meta))
            }
        }
    }

    fn modified(&self, node: &Node, current: u64) -> Error {
        let (array, origin) = match &self.kind {
            Kind::Input(t) => (t.array(), t.meta(|m| m.grad_fn.as_ref().map(|n| (n.operator(), m.output_nr)))),
            Kind::Output { array, output_nr } => (array.clone(), Some((node.operator(), *output_nr))),
            Kind::Nothing | Kind::Packed { .. } => return Error::autograd("a packed tensor was changed"),
        };
        let origin = origin.map_or(String::new(), |(name, nr)| format!(", which is output {nr} of {name},"));
        Error::autograd(format!(
            "one of the variables needed for gradient computation has been modified by an inplace operation: [torch.{}Tensor {}]{origin} is at version {current}; expected version {} instead. Hint: enable anomaly detection to find the operation that failed to compute its gradient, with torch.autograd.set_detect_anomaly(True, check_nan=False).",
            array.dtype().scalar_type_name(),
            array.shape(),
            self.saved_version
        ))
    }
}
