//! Hooks, and the nodes that accumulate gradients into leaves.

use super::meta::{PostAccumulateHook, TensorHook};
use super::node::{OutputMeta, lock};
use super::{Edge, Node, arithmetic};
use crate::{Error, Result, Tensor};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

pub(crate) fn next_hook_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Tensor {
    /// Where this tensor's gradient goes; `None` if it needs none.
    pub fn gradient_edge(&self) -> Option<Edge> {
        if let Some((node, input_nr)) = self.current_grad_fn() {
            return Some(Edge { node, input_nr });
        }
        if !self.requires_grad() {
            return None;
        }
        Some(Edge { node: self.accumulator(), input_nr: 0 })
    }

    /// The node that adds into this leaf's `grad`. It lives as long as a graph leads to it.
    fn accumulator(&self) -> Arc<Node> {
        self.meta_mut(|m| {
            if let Some(node) = m.accumulator.as_ref().and_then(std::sync::Weak::upgrade) {
                return node;
            }
            let mut node = Node::new(
                "torch::autograd::AccumulateGrad".to_owned(),
                Vec::new(),
                Vec::new(),
                Box::new(|_, _| Ok(Vec::new())),
            );
            node.leaf = Some(self.clone());
            // Accumulators free memory and never wait for anything: they run first.
            node.sequence_nr = u64::MAX;
            let node = Arc::new(node);
            m.accumulator = Some(Arc::downgrade(&node));
            node
        })
    }

    /// Registers a hook that sees every gradient of this tensor and may replace it. The number
    /// removes it again.
    ///
    /// # Errors
    /// If this tensor does not require a gradient.
    pub fn register_hook(
        &self,
        hook: impl Fn(&Tensor) -> Result<Option<Tensor>> + Send + Sync + 'static,
    ) -> Result<u64> {
        if !self.requires_grad() {
            return Err(Error::autograd("cannot register a hook on a tensor that doesn't require gradient"));
        }
        let id = next_hook_id();
        let hook: TensorHook = Arc::new(hook);
        match self.current_grad_fn() {
            Some((node, output_nr)) => lock(&node.output_hooks).hooks.push((id, output_nr, hook)),
            None => self.meta_mut(|m| m.hooks.push((id, hook))),
        }
        Ok(id)
    }

    /// Registers a hook that sees this leaf after a gradient was accumulated into its `grad`.
    ///
    /// # Errors
    /// If this tensor does not require a gradient or is no leaf.
    pub fn register_post_accumulate_grad_hook(
        &self,
        hook: impl Fn(&Tensor) -> Result<()> + Send + Sync + 'static,
    ) -> Result<u64> {
        if !self.requires_grad() {
            return Err(Error::autograd("cannot register a hook on a tensor that doesn't require gradient"));
        }
        if !self.is_leaf() {
            return Err(Error::autograd("post accumulate grad hooks cannot be registered on non-leaf tensors"));
        }
        let id = next_hook_id();
        let hook: PostAccumulateHook = Arc::new(hook);
        self.meta_mut(|m| m.post_accumulate_hooks.push((id, hook)));
        Ok(id)
    }

    /// Removes a hook of either kind; does nothing if it is gone already.
    pub fn remove_hook(&self, id: u64) {
        self.meta_mut(|m| {
            m.hooks.retain(|h| h.0 != id);
            m.post_accumulate_hooks.retain(|h| h.0 != id);
        });
        if let Some((node, _)) = self.current_grad_fn() {
            lock(&node.output_hooks).hooks.retain(|h| h.0 != id);
        }
    }

    /// Keeps the gradient of this tensor in `grad` although it is no leaf.
    ///
    /// # Errors
    /// If it does not require a gradient.
    pub fn retain_grad(&self) -> Result<()> {
        if !self.requires_grad() {
            return Err(Error::autograd("can't retain_grad on Tensor that has requires_grad=False"));
        }
        if self.meta(|m| m.retains_grad) {
            return Ok(());
        }
        if let Some((node, output_nr)) = self.current_grad_fn() {
            lock(&node.output_hooks).retained.push((output_nr, self.downgrade()));
            self.meta_mut(|m| m.retains_grad = true);
        }
        Ok(())
    }

    /// Whether `grad` is kept although this is no leaf.
    pub fn retains_grad(&self) -> bool {
        self.meta(|m| m.retains_grad)
    }

    /// After this tensor got a new node: its gradient is kept at the new one only.
    pub(crate) fn move_retained_grad(&self, from: Option<&Arc<Node>>) {
        if !self.retains_grad() {
            return;
        }
        if let Some(from) = from {
            lock(&from.output_hooks).retained.retain(|(_, t)| !std::ptr::eq(t.as_ptr(), self.as_inner()));
        }
        if let Some((node, output_nr)) = self.current_grad_fn() {
            let mut hooks = lock(&node.output_hooks);
            if !hooks.retained.iter().any(|(_, t)| std::ptr::eq(t.as_ptr(), self.as_inner())) {
                hooks.retained.push((output_nr, self.downgrade()));
            }
        }
    }
}

impl Node {
    /// Calls the hooks of the tensors whose gradients these are, and keeps gradients where asked.
    pub(crate) fn call_tensor_hooks(&self, gradients: &mut [Option<Tensor>]) -> Result<()> {
        if let Some(leaf) = &self.leaf {
            let hooks = leaf.meta(|m| m.hooks.clone());
            for (_, hook) in hooks {
                replace(&mut gradients[0], &hook)?;
            }
            return Ok(());
        }
        let (hooks, retained) = {
            let hooks = lock(&self.output_hooks);
            if hooks.hooks.is_empty() && hooks.retained.is_empty() {
                return Ok(());
            }
            (hooks.hooks.clone(), hooks.retained.clone())
        };
        for (_, output_nr, hook) in hooks {
            replace(&mut gradients[output_nr], &hook)?;
        }
        for (output_nr, tensor) in retained {
            if let (Some(tensor), Some(gradient)) = (Tensor::upgrade(&tensor), &gradients[output_nr]) {
                let sum = match tensor.grad() {
                    None => arithmetic::clone_as(gradient, arithmetic::dense_like(&gradient.layout()))?,
                    Some(before) => arithmetic::add(&before, gradient)?,
                };
                tensor.meta_mut(|m| m.grad.replace(sum));
            }
        }
        Ok(())
    }

    pub(crate) fn call_pre_hooks(&self, gradients: &mut Vec<Option<Tensor>>) -> Result<()> {
        let hooks = lock(&self.pre_hooks).clone();
        for (_, hook) in hooks {
            if let Some(replaced) = hook(gradients)? {
                check_hook_count(replaced.len(), gradients.len())?;
                *gradients = replaced;
            }
        }
        Ok(())
    }

    pub(crate) fn call_post_hooks(
        &self,
        results: &mut Vec<Option<Tensor>>,
        gradients: &[Option<Tensor>],
    ) -> Result<()> {
        let hooks = lock(&self.post_hooks).clone();
        for (_, hook) in hooks {
            if let Some(replaced) = hook(results, gradients)? {
                check_hook_count(replaced.len(), results.len())?;
                *results = replaced;
            }
        }
        Ok(())
    }

    /// Adds a gradient into a leaf's `grad`.
    pub(crate) fn accumulate(&self, leaf: &Tensor, mut gradients: Vec<Option<Tensor>>) -> Result<()> {
        let Some(gradient) = gradients.pop().flatten() else { return Ok(()) };
        // Two passes on two threads must not both find `grad` empty, or add at once.
        static ACCUMULATING: Mutex<()> = Mutex::new(());
        let guard = lock(&ACCUMULATING);
        let shown = (!lock(&self.post_hooks).is_empty()).then(|| gradient.clone());
        accumulate_into(leaf, gradient)?;
        drop(guard);
        let hooks = leaf.meta(|m| m.post_accumulate_hooks.clone());
        for (_, hook) in hooks {
            hook(leaf)?;
        }
        if shown.is_some() {
            self.call_post_hooks(&mut Vec::new(), &[shown])?;
        }
        Ok(())
    }
}

fn accumulate_into(leaf: &Tensor, gradient: Tensor) -> Result<()> {
    let OutputMeta { dtype, .. } = OutputMeta { shape: leaf.shape(), dtype: leaf.dtype() };
    let gradient = arithmetic::cast(&gradient, dtype)?;
    let recording = super::is_grad_enabled();
    let sum = match leaf.grad() {
        Some(before) if !recording => {
            arithmetic::add_into(&before.array(), &gradient.array())?;
            before.version_counter().bump();
            return Ok(());
        }
        Some(before) => arithmetic::add(&before, &gradient)?,
        None => {
            // The gradient itself may become `grad` if nobody else can see its memory and it lies
            // as the leaf does.
            let layout = arithmetic::dense_like(&leaf.layout());
            if !recording && gradient.strides()[..] == *layout.strides() && gradient.is_sole_owner() {
                Tensor::from_array(gradient.array())
            } else {
                arithmetic::clone_as(&gradient, layout)?
            }
        }
    };
    // The former gradient, if any, is dropped outside the lock.
    drop(leaf.meta_mut(|m| m.grad.replace(sum)));
    Ok(())
}

fn replace(gradient: &mut Option<Tensor>, hook: &TensorHook) -> Result<()> {
    if let Some(seen) = gradient.as_ref()
        && let Some(replaced) = hook(seen)?
    {
        *gradient = Some(replaced);
    }
    Ok(())
}

fn check_hook_count(got: usize, expected: usize) -> Result<()> {
    if got == expected {
        return Ok(());
    }
    Err(Error::autograd(format!("hooks can't change the number of values: expected {expected}, but got {got}")))
}
