//! Views in the graph: their history, and gradients of a base seen through them.

use super::meta::OutputOf;
use super::node::OutputMeta;
use super::{Node, Recorder, arithmetic};
use crate::{Array, DType, Layout, Result, Tensor};
use std::sync::Arc;

impl Tensor {
    /// What made this tensor and which of its outputs it is. A view of something that was written
    /// to since gets a new history first, made from its base's.
    pub(crate) fn current_grad_fn(&self) -> OutputOf {
        let (own, base) = self.meta(|m| {
            let own = m.grad_fn.clone().map(|node| (node, m.output_nr));
            let outdated = m.view.as_ref().filter(|v| v.version != m.version.current());
            (own, outdated.map(|v| v.base.clone()))
        });
        let Some(base) = base else { return own };
        if base.dtype() != self.dtype() || !base.requires_grad() || !self.dtype().is_differentiable() {
            return own;
        }
        let (base_layout, view_layout) = (base.layout(), self.layout());
        let node = Arc::new(Node::new(
            "AsStridedBackward0".to_owned(),
            vec![base.gradient_edge()],
            vec![OutputMeta { shape: self.shape(), dtype: self.dtype() }],
            Box::new(move |_, grads| {
                let Some(grad) = &grads[0] else { return Ok(vec![None]) };
                Ok(vec![Some(scatter_view(grad, &base_layout, &view_layout)?)])
            }),
        ));
        let (former, fresh) = self.meta_mut(|m| {
            let current = m.version.current();
            let Some(view) = &mut m.view else { return (None, own.clone()) };
            view.version = current;
            m.output_nr = 0;
            (m.grad_fn.replace(node.clone()), Some((node, 0)))
        });
        drop(former);
        fresh
    }

    /// Makes the next look at this view's history derive it from its base.
    pub(crate) fn outdate_view(&self) {
        self.meta_mut(|m| {
            let current = m.version.current();
            if let Some(view) = &mut m.view {
                view.version = current.wrapping_sub(1);
            }
        });
    }
}

/// Memory in which both a base and its view lie, and the two as they lie there.
struct Frame {
    base: Array,
    view: Array,
}

impl Frame {
    fn zeros(base: &Layout, view: &Layout, dtype: DType) -> Result<Self> {
        let start = base.offset().min(view.offset());
        let end = base.end().unwrap_or(0).max(view.end().unwrap_or(0)).max(start);
        let memory = Array::uninit(Layout::contiguous([end - start]), dtype)?;
        arithmetic::fill(&memory, 0.0)?;
        let place = |l: &Layout| memory.with_layout(Layout::strided(l.shape(), l.strides(), l.offset() - start));
        Ok(Frame { base: place(base)?, view: place(view)? })
    }
}

/// How often each element of a layout's memory is shown by the layout, seen through the layout.
fn multiplicity(layout: &Layout) -> Result<Option<Array>> {
    if layout.is_dense() || layout.numel() == 0 {
        return Ok(None);
    }
    let frame = Frame::zeros(layout, layout, DType::F64)?;
    let one = arithmetic::full(layout.shape(), DType::F64, 1.0)?;
    arithmetic::add_repeatedly(&frame.base, &one.array())?;
    Ok(Some(frame.base))
}

/// A fresh tensor of these numbers, dense, lying as `layout` does where that is dense.
fn collect(array: &Array, layout: &Layout) -> Result<Tensor> {
    if array.layout().offset() == 0 && array.layout().is_dense() {
        return Ok(Tensor::from_array(array.clone()));
    }
    let out = Array::uninit(arithmetic::dense_like(layout), array.dtype())?;
    arithmetic::copy_into(&out, array)?;
    Ok(Tensor::from_array(out))
}

/// The gradient of a base, from that of its view: zero where the view does not look, a sum where
/// it looks more than once.
pub(crate) fn scatter_view(grad: &Tensor, base: &Layout, view: &Layout) -> Result<Tensor> {
    let frame = Frame::zeros(base, view, grad.dtype())?;
    arithmetic::add_repeatedly(&frame.view, &grad.array())?;
    let out = collect(&frame.base, base)?;
    if let Some(counts) = multiplicity(base)? {
        // Elements that share memory share its gradient.
        arithmetic::divide_into(&out.array(), &counts)?;
    }
    if let Some(r) = Recorder::new("AsStridedScatterBackward0", &[grad]) {
        let (base, view) = (base.clone(), view.clone());
        r.finish(&out, move |_, grad| Ok(vec![Some(gather_view(grad, &base, &view)?)]));
    }
    Ok(out)
}

/// What a view shows of a gradient of its base.
pub(crate) fn gather_view(grad: &Tensor, base: &Layout, view: &Layout) -> Result<Tensor> {
    let frame = Frame::zeros(base, view, grad.dtype())?;
    arithmetic::copy_into(&frame.base, &grad.array())?;
    let out = Array::uninit(arithmetic::dense_like(view), grad.dtype())?;
    arithmetic::copy_into(&out, &frame.view)?;
    let out = Tensor::from_array(out);
    if let Some(r) = Recorder::new("AsStridedBackward0", &[grad]) {
        let (base, view) = (base.clone(), view.clone());
        r.finish(&out, move |_, grad| Ok(vec![Some(scatter_view(grad, &base, &view)?)]));
    }
    Ok(out)
}

/// A gradient of a base with zeros where its view looks.
pub(crate) fn without_view(grad: &Tensor, base: &Layout, view: &Layout) -> Result<Tensor> {
    let frame = Frame::zeros(base, view, grad.dtype())?;
    arithmetic::copy_into(&frame.base, &grad.array())?;
    arithmetic::fill(&frame.view, 0.0)?;
    let out = collect(&frame.base, base)?;
    if let Some(r) = Recorder::new("CopySlicesBackward0", &[grad]) {
        let (base, view) = (base.clone(), view.clone());
        r.finish(&out, move |_, grad| Ok(vec![Some(without_view(grad, &base, &view)?)]));
    }
    Ok(out)
}
