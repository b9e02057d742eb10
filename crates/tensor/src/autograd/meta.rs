//! A tensor's place in the graph.

use super::Node;
use crate::{Error, Result, Tensor};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

/// Counts in-place writes to the numbers that a family of views shares.
#[derive(Clone, Debug, Default)]
pub struct VersionCounter(Arc<AtomicU64>);

impl VersionCounter {
    /// How many writes there have been.
    pub fn current(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    /// Notes a write.
    pub fn bump(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

/// What autograd knows of a tensor.
#[derive(Default)]
pub struct AutogradMeta {
    /// Set by the user on a leaf.
    pub(crate) requires_grad: bool,
    /// The accumulated gradient.
    pub(crate) grad: Option<Tensor>,
    /// What made this tensor, unless it is a leaf.
    pub(crate) grad_fn: Option<Arc<Node>>,
    /// Which of that node's outputs this is.
    pub(crate) output_nr: usize,
    /// The node that adds into `grad`, made when a leaf is first used.
    pub(crate) accumulator: Option<Weak<Node>>,
    /// Whether `grad` is kept although this is no leaf.
    pub(crate) retains_grad: bool,
    /// The in-place writes of this tensor and its views.
    pub(crate) version: VersionCounter,
    /// Set on views whose base may be differentiated.
    pub(crate) view: Option<View>,
    /// Whether this was made in inference mode.
    pub(crate) inference: bool,
    /// Called with the gradient before it is used.
    pub(crate) hooks: Vec<(u64, TensorHook)>,
    /// Called with the tensor after `grad` was accumulated.
    pub(crate) post_accumulate_hooks: Vec<(u64, PostAccumulateHook)>,
}

/// Sees a gradient, and may put another in its place.
pub(crate) type TensorHook = Arc<dyn Fn(&Tensor) -> crate::Result<Option<Tensor>> + Send + Sync>;
/// Sees a leaf whose gradient is complete.
pub(crate) type PostAccumulateHook = Arc<dyn Fn(&Tensor) -> crate::Result<()> + Send + Sync>;

/// A node, and which of its outputs a tensor is.
pub(crate) type OutputOf = Option<(Arc<Node>, usize)>;

/// How a view came from its base.
#[derive(Clone)]
pub(crate) struct View {
    /// The tensor that owns the storage; never itself a view.
    pub(crate) base: Tensor,
    /// The version at which `grad_fn` was made; later writes to the base outdate it.
    pub(crate) version: u64,
    /// The mode that the view was made in.
    pub(crate) made: MadeIn,
    /// Whether it is one of several views that one operator gave.
    pub(crate) one_of_many: bool,
}

/// The mode that a view was made in: it decides whether the view may be written to in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MadeIn {
    Recording,
    NoGrad,
    Inference,
}

impl MadeIn {
    fn now() -> Self {
        if super::is_inference_mode_enabled() {
            MadeIn::Inference
        } else if super::is_grad_enabled() {
            MadeIn::Recording
        } else {
            MadeIn::NoGrad
        }
    }
}

impl Tensor {
    /// Whether operators on this tensor are recorded.
    pub fn requires_grad(&self) -> bool {
        let (own, base) = self.meta(|m| {
            let own = m.requires_grad || m.grad_fn.is_some();
            // A write to the base may have brought a history in after the view was made.
            (own, if own { None } else { m.view.as_ref().map(|v| v.base.clone()) })
        });
        own || (base.is_some_and(|b| b.requires_grad()) && self.dtype().is_differentiable())
    }

    /// Whether nothing made this tensor (or what made it was not recorded).
    pub fn is_leaf(&self) -> bool {
        self.current_grad_fn().is_none()
    }

    /// What made this tensor.
    pub fn grad_fn(&self) -> Option<Arc<Node>> {
        self.current_grad_fn().map(|(node, _)| node)
    }

    /// Which output of [`Tensor::grad_fn`] this is.
    pub fn output_nr(&self) -> usize {
        self.current_grad_fn().map_or(0, |(_, output_nr)| output_nr)
    }

    /// The accumulated gradient.
    pub fn grad(&self) -> Option<Tensor> {
        self.meta(|m| m.grad.clone())
    }

    /// How often the numbers have been written to in place.
    ///
    /// # Errors
    /// If this tensor was made in inference mode, where nobody counts.
    pub fn version(&self) -> Result<u64> {
        if self.is_inference() {
            return Err(Error::autograd("Inference tensors do not track version counter."));
        }
        Ok(self.version_counter().current())
    }

    /// Whether this tensor was made in inference mode.
    pub fn is_inference(&self) -> bool {
        self.meta(|m| m.inference)
    }

    /// Whether this tensor is a view whose base autograd knows.
    pub fn is_view(&self) -> bool {
        self.meta(|m| m.view.is_some())
    }

    /// The tensor that this is a view of.
    pub fn base(&self) -> Option<Tensor> {
        self.meta(|m| m.view.as_ref().map(|v| v.base.clone()))
    }

    /// The same numbers and the same place in the graph under another identity.
    pub(crate) fn alias_with_history(&self) -> Tensor {
        // Brings a view's history up to date first.
        let (grad_fn, output_nr) = self.current_grad_fn().unzip();
        let meta = self.meta(|m| AutogradMeta {
            requires_grad: m.requires_grad,
            grad_fn,
            output_nr: output_nr.unwrap_or(0),
            version: m.version.clone(),
            view: m.view.clone(),
            inference: m.inference,
            ..Default::default()
        });
        Tensor::with_meta(self.array(), meta)
    }

    /// Another view of the same storage, which shares this tensor's version counter and knows its
    /// base. Not yet recorded: an operator that makes a view does that with a
    /// [`super::Recorder`], as for any other result.
    ///
    /// # Errors
    /// If the layout reaches beyond the storage.
    pub(crate) fn view_through(&self, layout: crate::Layout) -> Result<Tensor> {
        let array = self.array().with_layout(layout)?;
        Ok(self.view_of_array(array))
    }

    /// As [`Tensor::view_through`], for an array of this tensor's storage.
    pub(crate) fn view_of_array(&self, array: crate::Array) -> Tensor {
        let (version, view, inference) = self.meta(|m| (m.version.clone(), m.view.clone(), m.inference));
        // A view of a view is written to under the strictest rules of both.
        let (made, one_of_many) = match &view {
            Some(v) if v.made != MadeIn::Recording => (v.made, v.one_of_many),
            Some(v) => (MadeIn::now(), v.one_of_many),
            None => (MadeIn::now(), false),
        };
        let base = view.map_or_else(|| self.clone(), |v| v.base);
        let view = View { base, version: version.current(), made, one_of_many };
        Tensor::with_meta(array, AutogradMeta { version, view: Some(view), inference, ..Default::default() })
    }

    /// Notes that these views came from one operator: none of them may be written to in place
    /// where that would be recorded.
    pub(crate) fn mark_one_of_many(views: &[Tensor]) {
        for tensor in views {
            tensor.meta_mut(|m| {
                if let Some(view) = &mut m.view {
                    view.one_of_many = true;
                }
            });
        }
    }
}
