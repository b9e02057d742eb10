//! Writing in place: the checks before, the new history after.

use super::meta::MadeIn;
use super::node::OutputMeta;
use super::{Edge, Node, arithmetic, is_grad_enabled, is_inference_mode_enabled};
use crate::{DType, Error, Layout, Result, Tensor};
use std::sync::Arc;

impl Tensor {
    /// The in-place form of an operator: computes `operator(self)`, writes the result into this
    /// tensor's own memory, and gives this tensor (and, if it is a view, its base) the result's
    /// history.
    ///
    /// `name` is the in-place operator's (`add_`), for messages. The result may be of another dtype
    /// that can be cast back, and smaller if it can be broadcast.
    ///
    /// # Errors
    /// PyTorch's: a leaf that requires grad, a result of another shape or of a dtype that cannot be
    /// cast back, an expanded tensor whose elements share memory, and the operator's own.
    pub(crate) fn write_in_place(
        &self,
        name: &str,
        operator: impl FnOnce(&Tensor) -> Result<Tensor>,
    ) -> Result<Tensor> {
        self.check_in_place(false)?;
        let result = operator(self)?;
        if result.same(self) {
            self.bump_version();
            return Ok(self.clone());
        }
        self.check_in_place(result.requires_grad())?;
        check_result(self, result.dtype(), &result.shape())?;
        // What the graph sees of the write: the result as this tensor will hold it.
        let mut written = arithmetic::cast(&result, self.dtype())?;
        if written.shape() != self.shape() {
            written = arithmetic::expand(&written, &self.shape())?;
        }
        arithmetic::copy_into(&self.array(), &written.array())?;
        self.bump_version();
        drop(result);
        self.rebase_history(name, written);
        Ok(self.clone())
    }

    /// Refuses an in-place write that PyTorch refuses: `recorded` says whether another operand of
    /// the operator requires a gradient (this tensor is looked at in any case).
    ///
    /// # Errors
    /// A leaf that requires a gradient, a view that must not be written to, a tensor whose elements
    /// share memory, an inference tensor outside inference mode.
    pub(crate) fn check_in_place(&self, recorded: bool) -> Result<()> {
        if self.is_inference() && !is_inference_mode_enabled() {
            return Err(Error::autograd(
                "Inplace update to inference tensor outside InferenceMode is not allowed.You can make a clone to get a normal tensor before doing inplace update.See https://github.com/pytorch/rfcs/pull/17 for more details.",
            ));
        }
        let requires_grad = self.requires_grad();
        if is_grad_enabled() && (recorded || requires_grad) {
            let leaf = requires_grad && self.meta(|m| m.view.is_none()) && self.is_leaf();
            let view = self.meta(|m| m.view.clone());
            if let Some(view) = view {
                if requires_grad && view.base.dtype() != self.dtype() {
                    return Err(Error::not_implemented(
                        "the parts of a complex tensor cannot be written to in place where gradients are recorded; compute them apart and join them with complex()",
                    ));
                }
                self.check_view(view.made, view.one_of_many)?;
                if requires_grad && view.base.requires_grad() && view.base.is_leaf() {
                    return Err(Error::autograd(
                        "a view of a leaf Variable that requires grad is being used in an in-place operation.",
                    ));
                }
            }
            if leaf || (requires_grad && self.is_leaf()) {
                return Err(Error::autograd(
                    "a leaf Variable that requires grad is being used in an in-place operation.",
                ));
            }
        }
        check_no_overlap(&self.layout())
    }

    fn check_view(&self, made: MadeIn, one_of_many: bool) -> Result<()> {
        const AMBIGUOUS: &str = "Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your code by moving both the view and the inplace either both inside the";
        let message = match made {
            MadeIn::NoGrad => format!(
                "A view was created in no_grad mode and is being modified inplace with grad mode enabled. {AMBIGUOUS} no_grad block (if you don't want the inplace to be tracked) or both outside (if you want the inplace to be tracked)."
            ),
            MadeIn::Inference => format!(
                "A view was created in inference mode and is being modified inplace in normal mode. {AMBIGUOUS} inference_mode block (if you don't want the inplace to be tracked) or both outside (if you want the inplace to be tracked)."
            ),
            MadeIn::Recording if one_of_many => {
                let origin = match self.current_grad_fn() {
                    Some((node, output_nr)) => {
                        format!("Output {output_nr} of {} is a view and is being modified inplace.", node.operator())
                    }
                    None => "A view was created in no_grad mode and is being modified inplace with grad mode enabled."
                        .to_owned(),
                };
                format!(
                    "{origin} This view is the output of a function that returns multiple views. Such functions do not allow the output views to be modified inplace. You should replace the inplace operation by an out-of-place one."
                )
            }
            MadeIn::Recording => return Ok(()),
        };
        Err(Error::autograd(message))
    }

    /// Notes a write to this tensor's memory. Every direct write does this.
    pub(crate) fn bump_version(&self) {
        self.version_counter().bump();
    }

    /// After this tensor's memory was overwritten with `written` (of its shape and dtype): gives it
    /// and its base the history of what was written.
    pub(crate) fn rebase_history(&self, name: &str, written: Tensor) {
        if !is_grad_enabled() || !(self.requires_grad() || written.requires_grad()) {
            return;
        }
        if !self.dtype().is_differentiable() {
            return;
        }
        match self.base() {
            Some(base) => self.rebase_onto(&base, &written),
            None => {
                let before = self.current_grad_fn();
                let (node, output_nr) = self.history_of(name, written);
                self.meta_mut(|m| {
                    m.output_nr = output_nr;
                    m.requires_grad = false;
                    m.grad_fn.replace(node)
                });
                self.move_retained_grad(before.as_ref().map(|(node, _)| node));
            }
        }
    }

    /// Makes a node the history of this tensor, whose memory it has already written.
    pub(crate) fn rebase_to_node(&self, node: Arc<Node>, output_nr: usize) {
        let written = self.data();
        written.meta_mut(|m| {
            m.grad_fn = Some(node);
            m.output_nr = output_nr;
        });
        self.rebase_history("", written);
    }

    /// The node that stands for what was written.
    fn history_of(&self, name: &str, written: Tensor) -> (Arc<Node>, usize) {
        let output = OutputMeta { shape: self.shape(), dtype: self.dtype() };
        if !written.requires_grad() {
            // Constants: the former history gets zeros.
            let edge = self.gradient_edge();
            let node = Node::new(
                node_name(name),
                vec![edge],
                vec![output],
                Box::new(|_, grads| {
                    let zeros = |g: &Tensor| arithmetic::full(&g.shape(), g.dtype(), 0.0);
                    Ok(vec![grads[0].as_ref().map(zeros).transpose()?])
                }),
            );
            return (Arc::new(node), 0);
        }
        if written.is_sole_handle()
            && let Some(made) = written.current_grad_fn()
        {
            return made;
        }
        // Another tensor's own history: its hooks are not ours.
        let name = if name == "copy_" { "CopyBackwards".to_owned() } else { node_name(name) };
        let node = Node::new(
            name,
            vec![written.gradient_edge()],
            vec![output],
            Box::new(|_, grads| Ok(vec![grads[0].clone()])),
        );
        (Arc::new(node), 0)
    }

    /// A write to a view is a write to a part of its base. The base's new history has two
    /// branches: what was written, for that part, and the former base for the rest. The view's own
    /// history is made anew from the base when it is asked for.
    fn rebase_onto(&self, base: &Tensor, written: &Tensor) {
        let edges: Vec<Option<Edge>> = vec![base.gradient_edge(), written.gradient_edge()];
        let output = OutputMeta { shape: base.shape(), dtype: base.dtype() };
        let (base_layout, view_layout) = (base.layout(), self.layout());
        let node = Node::new(
            "CopySlices".to_owned(),
            edges,
            vec![output],
            Box::new(move |ctx, grads| {
                let Some(grad) = &grads[0] else { return Ok(vec![None, None]) };
                let rest =
                    ctx.needs(0).then(|| super::views::without_view(grad, &base_layout, &view_layout)).transpose()?;
                let part =
                    ctx.needs(1).then(|| super::views::gather_view(grad, &base_layout, &view_layout)).transpose()?;
                Ok(vec![rest, part])
            }),
        );
        let before = base.current_grad_fn();
        let old = self.current_grad_fn();
        base.meta_mut(|m| {
            m.output_nr = 0;
            m.requires_grad = false;
            m.grad_fn.replace(Arc::new(node))
        });
        base.move_retained_grad(before.as_ref().map(|(node, _)| node));
        self.outdate_view();
        self.move_retained_grad(old.as_ref().map(|(node, _)| node));
    }
}

/// `zero_` → `ZeroBackward0`. The name of a node stays as it is.
fn node_name(operator: &str) -> String {
    if operator.contains("Backward") {
        return operator.to_owned();
    }
    let mut name = String::new();
    for word in operator.trim_matches('_').split('_') {
        let mut letters = word.chars();
        name.extend(letters.next().map(|c| c.to_ascii_uppercase()));
        name.extend(letters);
    }
    name + "Backward0"
}

fn check_result(target: &Tensor, dtype: DType, shape: &crate::Shape) -> Result<()> {
    let own = target.shape();
    if !arithmetic::is_expandable(shape, &own) {
        return Err(Error::shape(format!("output with shape {own} doesn't match the broadcast shape {shape}")));
    }
    if !dtype.can_cast(target.dtype()) {
        return Err(Error::dtype(format!(
            "result type {} can't be cast to the desired output type {}",
            dtype.scalar_type_name(),
            target.dtype().scalar_type_name()
        )));
    }
    Ok(())
}

/// Refuses a layout that shows one element at two places.
///
/// # Errors
/// PyTorch's, for what an expansion made.
pub fn check_no_overlap(layout: &Layout) -> Result<()> {
    let repeats = layout.shape().iter().zip(layout.strides()).any(|(&size, &stride)| size > 1 && stride == 0);
    if repeats && layout.numel() > 0 {
        return Err(Error::runtime(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory location. Please clone() the tensor before performing the operation.",
        ));
    }
    Ok(())
}
