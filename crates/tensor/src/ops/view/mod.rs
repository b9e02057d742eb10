//! Views: tensors that show the same numbers in another arrangement.
//!
//! Every operator here computes a [`Layout`] and makes a tensor of the same storage through it; no
//! number is moved. Gradients go back through the reverse arrangement.

mod dims;
mod expand;
mod inplace;
mod part;
mod shape;
mod split;
mod window;

pub use expand::{broadcast_shapes, broadcast_tensors};
pub use shape::infer_sizes;

use crate::autograd::Recorder;
use crate::{Layout, Result, Shape, Tensor};
use std::sync::Arc;

/// An arrangement that can be applied again, to a gradient's zeros or to a gradient's gradient.
pub(crate) type ViewFn = Arc<dyn Fn(&Tensor) -> Result<Tensor> + Send + Sync>;

impl Tensor {
    /// A view of this tensor through `layout`, recorded as `name`; `backward` turns the view's
    /// gradient into this tensor's.
    pub(crate) fn recorded_view(
        &self,
        name: &str,
        layout: Layout,
        backward: impl Fn(&Tensor) -> Result<Tensor> + Send + Sync + 'static,
    ) -> Result<Tensor> {
        let out = self.view_through(layout)?;
        if let Some(recorder) = Recorder::new(name, &[self]) {
            recorder.finish(&out, move |_, grad| Ok(vec![Some(backward(grad)?)]));
        }
        Ok(out)
    }

    /// A view of a part of this tensor: its gradient is put into that part of a tensor of zeros.
    /// `part` makes the same view of any tensor of this shape.
    pub(crate) fn recorded_part(
        &self,
        name: &'static str,
        layout: Layout,
        part: impl Fn(&Tensor) -> Result<Tensor> + Send + Sync + 'static,
    ) -> Result<Tensor> {
        let shape = self.shape();
        let part: ViewFn = Arc::new(part);
        self.recorded_view(name, layout, move |grad| grad.embed(&shape, name, &part))
    }

    /// Zeros of a shape with this tensor in the place that `part` shows.
    pub(crate) fn embed(&self, shape: &Shape, name: &'static str, part: &ViewFn) -> Result<Tensor> {
        let out = Tensor::zeros(shape.clone(), self.dtype())?;
        let place = crate::autograd::no_grad(|| part(&out))?;
        self.backend().copy(&self.array(), &place.array())?;
        if let Some(recorder) = Recorder::new(name, &[self]) {
            let part = part.clone();
            recorder.finish(&out, move |_, grad| Ok(vec![Some(part(grad)?)]));
        }
        Ok(out)
    }

    /// Another tensor of the same numbers, connected to the graph.
    ///
    /// # Errors
    /// None in practice.
    pub fn alias(&self) -> Result<Tensor> {
        self.recorded_view("AliasBackward0", self.layout(), |grad| Ok(grad.clone()))
    }
}
