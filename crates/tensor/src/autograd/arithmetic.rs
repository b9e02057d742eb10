//! The little arithmetic that the engine itself needs: adding gradients up, reducing them to a
//! broadcast operand's shape, changing their dtype.
//!
//! Everything here is differentiable, because a pass that records itself goes through it too.

use super::Recorder;
use crate::backend::{self, BinaryOp};
use crate::{Array, DType, Device, Error, Layout, Result, Scalar, Shape, Tensor};

/// Strides that show an array of `shape` as the larger `to`.
fn broadcast_strides(shape: &[usize], strides: &[usize], to: &[usize]) -> Vec<usize> {
    let lead = to.len() - shape.len();
    (0..to.len())
        .map(|d| if d < lead || (shape[d - lead] == 1 && to[d] != 1) { 0 } else { strides[d - lead] })
        .collect()
}

/// Whether a tensor of `shape` can be broadcast to `to`.
pub(crate) fn is_expandable(shape: &[usize], to: &[usize]) -> bool {
    shape.len() <= to.len() && shape.iter().rev().zip(to.iter().rev()).all(|(&s, &t)| s == t || s == 1)
}

/// An array seen in a larger shape.
fn spread(array: &Array, shape: &Shape) -> Result<Array> {
    let strides = broadcast_strides(array.shape(), array.strides(), shape);
    array.with_layout(Layout::strided(shape, &strides, array.layout().offset()))
}

/// Writes `src` (broadcast to `dst`'s shape, converted to its dtype) into `dst`'s memory.
pub(crate) fn copy_into(dst: &Array, src: &Array) -> Result<()> {
    let backend = backend::of(Device::Cpu);
    if dst.may_overlap(src) {
        let apart = Array::uninit(Layout::contiguous(src.shape()), src.dtype())?;
        backend.copy(src, &apart)?;
        return backend.copy(&spread(&apart, dst.shape())?, dst);
    }
    backend.copy(&spread(src, dst.shape())?, dst)
}

fn combine_into(op: BinaryOp, dst: &Array, src: &Array) -> Result<()> {
    if dst.dtype().is_complex() {
        // Sums of complex numbers are sums of their parts; a real factor acts on both.
        let factor = matches!(op, BinaryOp::Div) && !src.dtype().is_complex();
        if factor {
            combine_into(op, &dst.part(0)?, src)?;
            return combine_into(op, &dst.part(1)?, src);
        }
        let whole = Array::uninit(Layout::contiguous(src.shape()), dst.dtype())?;
        backend::of(Device::Cpu).copy(src, &whole)?;
        return combine_into(op, &dst.as_real()?, &spread(&whole, dst.shape())?.as_real()?);
    }
    let backend = backend::of(Device::Cpu);
    let src = spread(src, dst.shape())?;
    let write =
        |dst: &Array, src: &Array| backend.binary(op, dst.dtype(), Scalar::Int(1), [dst.into(), src.into()], dst);
    let same = dst.layout() == src.layout() && std::sync::Arc::ptr_eq(dst.storage(), src.storage());
    if dst.may_overlap(&src) && !same {
        let apart = Array::uninit(Layout::contiguous(src.shape()), src.dtype())?;
        backend.copy(&src, &apart)?;
        return write(dst, &apart);
    }
    write(dst, &src)
}

/// `dst += src` on the numbers alone. `dst` shows no element twice.
pub(crate) fn add_into(dst: &Array, src: &Array) -> Result<()> {
    combine_into(BinaryOp::Add, dst, src)
}

/// `dst /= src` on the numbers alone.
pub(crate) fn divide_into(dst: &Array, src: &Array) -> Result<()> {
    combine_into(BinaryOp::Div, dst, src)
}

/// `dst += src`, where `dst` may show one element at several places: it receives the sum.
pub(crate) fn add_repeatedly(dst: &Array, src: &Array) -> Result<()> {
    let layout = dst.layout();
    // One element at a time in the worst case: strides of distinct places are added at once.
    if let Some(dim) = overlapping_dim(layout) {
        for i in 0..layout.shape()[dim] {
            add_repeatedly(&select(dst, dim, i)?, &select(src, dim, i)?)?;
        }
        return Ok(());
    }
    add_into(dst, src)
}

/// The outermost dimension that must be walked one step at a time because some places of the
/// layout are the same.
fn overlapping_dim(layout: &Layout) -> Option<usize> {
    if layout.numel() <= 1 {
        return None;
    }
    let mut dims: Vec<usize> = (0..layout.ndim()).filter(|&d| layout.shape()[d] > 1).collect();
    dims.sort_by_key(|&d| layout.strides()[d]);
    let mut reach = 0;
    for &d in &dims {
        if layout.strides()[d] <= reach {
            return Some(d);
        }
        reach += (layout.shape()[d] - 1) * layout.strides()[d];
    }
    None
}

fn select(array: &Array, dim: usize, i: usize) -> Result<Array> {
    let layout = array.layout();
    let (mut shape, mut strides) = (layout.shape().to_vec(), layout.strides().to_vec());
    shape.remove(dim);
    let stride = strides.remove(dim);
    array.with_layout(Layout::strided(shape, &strides, layout.offset() + i * stride))
}

/// A dense layout like this one: the same strides where they leave no gaps, else row-major.
pub(crate) fn dense_like(layout: &Layout) -> Layout {
    if layout.is_dense() && layout.numel() > 0 {
        Layout::strided(layout.shape(), layout.strides(), 0)
    } else {
        Layout::contiguous(layout.shape())
    }
}

/// `a + b` for gradients of one shape.
pub(crate) fn add(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let source = a.array();
    let array = Array::uninit(dense_like(source.layout()), source.dtype())?;
    copy_into(&array, &source)?;
    add_into(&array, &b.array())?;
    let out = Tensor::from_array(array);
    if let Some(r) = Recorder::new("AddBackward0", &[a, b]) {
        r.finish(&out, |_, grad| Ok(vec![Some(grad.clone()), Some(grad.clone())]));
    }
    Ok(out)
}

/// A copy in memory of its own with this layout.
pub(crate) fn clone_as(tensor: &Tensor, layout: Layout) -> Result<Tensor> {
    let source = tensor.array();
    let array = Array::uninit(layout, source.dtype())?;
    copy_into(&array, &source)?;
    let out = Tensor::from_array(array);
    if let Some(r) = Recorder::new("CloneBackward0", &[tensor]) {
        r.finish(&out, |_, grad| Ok(vec![Some(grad.clone())]));
    }
    Ok(out)
}

/// Conversion to another dtype.
pub(crate) fn cast(tensor: &Tensor, dtype: DType) -> Result<Tensor> {
    let source = tensor.array();
    if source.dtype() == dtype {
        return Ok(tensor.clone());
    }
    let array = Array::uninit(dense_like(source.layout()), dtype)?;
    copy_into(&array, &source)?;
    let out = Tensor::from_array(array);
    if dtype.is_differentiable()
        && let Some(r) = Recorder::new("ToCopyBackward0", &[tensor])
    {
        let from = source.dtype();
        r.finish(&out, move |_, grad| Ok(vec![Some(cast(grad, from)?)]));
    }
    Ok(out)
}

/// Sums a gradient over the dimensions along which an operand of `shape` was broadcast.
pub(crate) fn sum_to(tensor: &Tensor, shape: &Shape) -> Result<Tensor> {
    let source = tensor.array();
    if source.shape() == shape {
        return Ok(tensor.clone());
    }
    if !is_expandable(shape, source.shape()) {
        return Err(Error::shape(format!("size {shape} is not expandable to size {}.", source.shape())));
    }
    tensor.sum_to_size(shape)
}

/// Shows a tensor as a larger shape, repeating it along dimensions of size 1.
pub(crate) fn expand(tensor: &Tensor, shape: &Shape) -> Result<Tensor> {
    let layout = tensor.layout();
    let strides = broadcast_strides(layout.shape(), layout.strides(), shape);
    let out = tensor.view_through(Layout::strided(shape, &strides, layout.offset()))?;
    if let Some(r) = Recorder::new("ExpandBackward0", &[tensor]) {
        let small = layout.shape().clone();
        r.finish(&out, move |_, grad| Ok(vec![Some(sum_to(grad, &small)?)]));
    }
    Ok(out)
}

/// Fills memory with a number.
pub(crate) fn fill(array: &Array, value: f64) -> Result<()> {
    backend::of(Device::Cpu).fill(array, Scalar::Float(value))
}

/// A dense tensor full of one number.
pub(crate) fn full(shape: &Shape, dtype: DType, value: f64) -> Result<Tensor> {
    let out = Tensor::empty(shape, dtype)?;
    fill(&out.array(), value)?;
    Ok(out)
}
