//! Operators whose gradient the user writes.

use super::node::OutputMeta;
use super::recorder::{Context, FREED};
use super::saved::SavedTensor;
use super::{GradModeGuard, Node, arithmetic, is_grad_enabled, no_grad};
use crate::{Error, Result, Tensor};
use std::sync::{Arc, Mutex};

/// An operator with a backward formula of its own.
///
/// ```
/// use flambeau_tensor::autograd::{BackwardContext, Function, FunctionContext, apply};
/// use flambeau_tensor::{Result, Tensor};
///
/// /// The identity, whose gradient is blocked.
/// struct StopGradient;
///
/// impl Function for StopGradient {
///     fn name(&self) -> &str {
///         "StopGradient"
///     }
///     fn forward(&self, _: &mut FunctionContext, inputs: &[Tensor]) -> Result<Vec<Tensor>> {
///         Ok(vec![inputs[0].clone()])
///     }
///     fn backward(&self, _: &BackwardContext<'_>, _: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
///         Ok(vec![None])
///     }
/// }
///
/// # fn main() -> Result<()> {
/// let x = Tensor::from_slice(&[1.0f32, 2.0], [2])?.requires_grad_(true)?;
/// let y = apply(StopGradient, &[x.clone()])?.remove(0);
/// assert_eq!(y.grad_fn().unwrap().name(), "StopGradientBackward");
/// # Ok(())
/// # }
/// ```
pub trait Function: Send + Sync + 'static {
    /// The operator's name; its node in the graph is called so with `Backward` appended.
    fn name(&self) -> &str;

    /// Computes the outputs. Nothing is recorded meanwhile.
    ///
    /// # Errors
    /// The operator's own.
    fn forward(&self, context: &mut FunctionContext, inputs: &[Tensor]) -> Result<Vec<Tensor>>;

    /// Maps the gradients of the outputs to those of the inputs, one for each; `None` where there
    /// is none.
    ///
    /// # Errors
    /// The operator's own.
    fn backward(&self, context: &BackwardContext<'_>, gradients: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>>;
}

/// What a forward function tells about itself.
#[derive(Debug)]
pub struct FunctionContext {
    saved: Vec<Option<Tensor>>,
    dirty: Vec<Tensor>,
    non_differentiable: Vec<Tensor>,
    materialize_grads: bool,
    once_differentiable: bool,
    needs_input_grad: Vec<bool>,
}

impl FunctionContext {
    /// For a function of inputs of which these need a gradient.
    pub fn new(needs_input_grad: Vec<bool>) -> Self {
        Self {
            saved: Vec::new(),
            dirty: Vec::new(),
            non_differentiable: Vec::new(),
            materialize_grads: true,
            once_differentiable: false,
            needs_input_grad,
        }
    }

    /// Keeps inputs or outputs for the backward function.
    pub fn save_for_backward(&mut self, tensors: &[&Tensor]) {
        self.save_optional(tensors.iter().map(|&t| Some(t.clone())).collect());
    }

    /// As [`FunctionContext::save_for_backward`], where some may be missing.
    pub fn save_optional(&mut self, tensors: Vec<Option<Tensor>>) {
        self.saved = tensors;
    }

    /// Says that these inputs were changed in place; they must be among the outputs.
    pub fn mark_dirty(&mut self, tensors: &[&Tensor]) {
        self.dirty = tensors.iter().map(|&t| t.clone()).collect();
    }

    /// Says that these outputs carry no gradient.
    pub fn mark_non_differentiable(&mut self, tensors: &[&Tensor]) {
        self.non_differentiable = tensors.iter().map(|&t| t.clone()).collect();
    }

    /// Whether the backward function gets zeros in place of missing gradients; it does by default.
    pub fn set_materialize_grads(&mut self, materialize: bool) {
        self.materialize_grads = materialize;
    }

    /// Says that the backward function must not be differentiated: trying to is an error.
    pub fn set_once_differentiable(&mut self) {
        self.once_differentiable = true;
    }

    /// Whether input `i` needs a gradient.
    pub fn needs_input_grad(&self, i: usize) -> bool {
        self.needs_input_grad.get(i).copied().unwrap_or(false)
    }
}

/// What a backward function may ask for.
pub struct BackwardContext<'a> {
    context: &'a Context<'a>,
}

impl BackwardContext<'_> {
    /// The tensors that the forward function saved.
    ///
    /// # Errors
    /// If one was changed in place since, or the graph has been freed.
    pub fn saved_tensors(&self) -> Result<Vec<Option<Tensor>>> {
        self.context.node.saved_tensors()
    }

    /// Whether the gradient of input `i` is wanted in this pass.
    pub fn needs_input_grad(&self, i: usize) -> bool {
        self.context.needs(i)
    }

    /// The node that runs.
    pub fn node(&self) -> &Arc<Node> {
        self.context.node
    }
}

/// Runs an operator with a backward formula of its own.
///
/// # Errors
/// What its forward function gives, and the errors of in-place operators for inputs marked dirty.
pub fn apply<F: Function>(function: F, inputs: &[Tensor]) -> Result<Vec<Tensor>> {
    let mut context = FunctionContext::new(inputs.iter().map(Tensor::requires_grad).collect());
    let name = format!("{}Backward", function.name());
    let outputs = no_grad(|| function.forward(&mut context, inputs))?;
    let inputs: Vec<Option<Tensor>> = inputs.iter().cloned().map(Some).collect();
    record(&name, &inputs, outputs, context, move |context, gradients| function.backward(context, gradients))
}

/// Writes an operator that has been run into the graph: the part of [`apply`] after the forward
/// function, for callers that ran it themselves. `inputs` has `None` for arguments that are no
/// tensors. Gives the outputs as the caller should hand them on.
///
/// # Errors
/// See [`apply`].
pub fn record(
    name: &str,
    inputs: &[Option<Tensor>],
    outputs: Vec<Tensor>,
    context: FunctionContext,
    backward: impl Fn(&BackwardContext<'_>, &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> + Send + Sync + 'static,
) -> Result<Vec<Tensor>> {
    let FunctionContext { saved, dirty, non_differentiable, materialize_grads, once_differentiable, .. } = context;
    let is_in = |list: &[Tensor], t: &Tensor| list.iter().any(|other| other.same(t));
    let recording = is_grad_enabled() && inputs.iter().flatten().any(Tensor::requires_grad);
    for tensor in &dirty {
        if !inputs.iter().flatten().any(|i| i.same(tensor)) {
            return Err(Error::autograd(
                "Some elements marked as dirty during the forward method were not returned as output. The inputs that are modified inplace must all be outputs of the Function.",
            ));
        }
        tensor.check_in_place(recording)?;
        tensor.bump_version();
    }
    // An input that is handed through becomes a tensor of its own, so that it can have a history.
    let outputs: Vec<Tensor> = outputs
        .into_iter()
        .map(|output| {
            let through = !is_in(&dirty, &output) && inputs.iter().flatten().any(|i| i.same(&output));
            if !through {
                return Ok(output);
            }
            let alias = output.view_through(output.layout())?;
            Ok(if is_in(&non_differentiable, &output) { output.detach() } else { alias })
        })
        .collect::<Result<_>>()?;
    if !recording {
        return Ok(outputs);
    }
    let edges = inputs.iter().map(|i| i.as_ref().and_then(Tensor::gradient_edge)).collect();
    let metas: Vec<OutputMeta> = outputs.iter().map(|o| OutputMeta { shape: o.shape(), dtype: o.dtype() }).collect();
    let name = name.to_owned();
    let error_name = name.clone();
    let expected = inputs.len();
    let shapes = metas.clone();
    let run = move |context: &Context<'_>, gradients: &[Option<Tensor>]| {
        let zeros = |(gradient, meta): (&Option<Tensor>, &OutputMeta)| match gradient {
            None if materialize_grads => arithmetic::full(&meta.shape, meta.dtype, 0.0).map(Some),
            given => Ok(given.clone()),
        };
        let gradients: Vec<_> = gradients.iter().zip(&shapes).map(zeros).collect::<Result<_>>()?;
        let again = once_differentiable && is_grad_enabled();
        let results = {
            let _mode = again.then(|| GradModeGuard::new(false));
            backward(&BackwardContext { context }, &gradients)?
        };
        if results.len() < expected || results[expected..].iter().any(Option::is_some) {
            return Err(Error::autograd(format!(
                "function {error_name} returned an incorrect number of gradients (expected {expected}, got {})",
                results.len()
            )));
        }
        if again && gradients.iter().flatten().any(Tensor::requires_grad) {
            return Ok(results.iter().map(|r| r.as_ref().map(|r| differentiated_twice(r, &gradients))).collect());
        }
        Ok(results)
    };
    let mut node = Node::new(name, edges, metas, Box::new(run));
    let keep = |t: &Option<Tensor>| {
        t.as_ref().map_or(SavedTensor::nothing(), |t| match outputs.iter().position(|o| o.same(t)) {
            Some(output_nr) if !inputs.iter().flatten().any(|i| i.same(t)) => SavedTensor::output(t, output_nr),
            Some(output_nr) if is_in(&dirty, t) => SavedTensor::output(t, output_nr),
            _ => SavedTensor::input(t),
        })
    };
    node.saved = Mutex::new(Some(saved.iter().map(keep).collect()));
    let node = Arc::new(node);
    for (output_nr, output) in outputs.iter().enumerate() {
        if is_in(&non_differentiable, output) || !output.dtype().is_differentiable() {
            continue;
        }
        if is_in(&dirty, output) {
            output.rebase_to_node(node.clone(), output_nr);
        } else {
            output.meta_mut(|m| {
                m.grad_fn = Some(node.clone());
                m.output_nr = output_nr;
            });
        }
    }
    Ok(outputs)
}

/// A gradient that was computed without a record, though somebody may want to differentiate it:
/// the graph says so when they try.
fn differentiated_twice(result: &Tensor, gradients: &[Option<Tensor>]) -> Tensor {
    let out = result.detach();
    let edges = gradients.iter().map(|g| g.as_ref().and_then(Tensor::gradient_edge)).collect();
    let meta = OutputMeta { shape: out.shape(), dtype: out.dtype() };
    let fail = |_: &Context<'_>, _: &[Option<Tensor>]| {
        Err(Error::autograd("trying to differentiate twice a function that was marked with @once_differentiable"))
    };
    let node = Arc::new(Node::new("Error".to_owned(), edges, vec![meta], Box::new(fail)));
    out.meta_mut(|m| m.grad_fn = Some(node));
    out
}

impl Node {
    /// The tensors that a custom function saved.
    ///
    /// # Errors
    /// If one was changed in place since, or the graph has been freed.
    pub fn saved_tensors(self: &Arc<Self>) -> Result<Vec<Option<Tensor>>> {
        let saved = super::node::lock(&self.saved).clone().ok_or_else(|| Error::autograd(FREED))?;
        saved.iter().map(|s| if s.is_nothing() { Ok(None) } else { s.unpack(self).map(Some) }).collect()
    }
}
