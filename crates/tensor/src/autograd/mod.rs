//! Reverse-mode automatic differentiation.
//!
//! Operators record a [`Node`] for what they did: which gradients flow where, and how. The pattern
//! in an operator is
//!
//! ```ignore
//! let out = …;                                             // the numbers
//! if let Some(mut r) = Recorder::new("MulBackward0", &[a, b]) {
//!     let (sa, sb) = (r.save(a), r.save(b));
//!     r.finish(&out, move |ctx, grad| {
//!         let ga = ctx.needs(0).then(|| ops::mul(grad, &ctx.saved(sb)?)).transpose()?;
//!         let gb = ctx.needs(1).then(|| ops::mul(grad, &ctx.saved(sa)?)).transpose()?;
//!         Ok(vec![ga, gb])
//!     });
//! }
//! ```
//!
//! Backward formulas are written in differentiable operators, so that a gradient can be
//! differentiated again.

mod arithmetic;
mod checkpoint;
mod engine;
mod function;
mod gradcheck;
mod hooks;
mod inplace;
mod leaf;
mod meta;
mod mode;
mod node;
mod recorder;
mod saved;
mod views;
mod watch;

pub use checkpoint::checkpoint;
pub use engine::{BackwardOptions, backward, grad, run_backward};
pub use function::{BackwardContext, Function, FunctionContext, apply, record};
pub use gradcheck::{Outputs, Tolerance, gradcheck, gradcheck_with, gradgradcheck, gradgradcheck_with};
pub use inplace::check_no_overlap;
pub use meta::{AutogradMeta, VersionCounter};
pub use mode::{
    GradModeGuard, InferenceModeGuard, is_grad_enabled, is_inference_mode_enabled, no_grad, set_grad_enabled,
};
pub use node::{Edge, Node, NodeHook, NodePreHook};
pub use recorder::{Context, Recorder};
pub use saved::{
    Packed, Saved, SavedTensor, SavedTensorHooks, SavedTensorHooksGuard, pop_saved_tensor_hooks,
    push_saved_tensor_hooks,
};
pub(crate) use views::scatter_view;
pub use watch::watched;

#[cfg(test)]
mod tests;
