//! Several tensors put together into one.

use crate::autograd::Recorder;
use crate::{Array, DType, Error, Layout, MemoryFormat, Result, Tensor, wrap_dim};

/// Tensors one after the other along a dimension.
///
/// All must have the same sizes in the other dimensions; a 1-d tensor without elements is skipped.
/// Dtypes are promoted.
///
/// # Errors
/// If there are no tensors, one has no dimensions, or sizes differ.
pub fn cat(tensors: &[&Tensor], dim: isize) -> Result<Tensor> {
    if tensors.is_empty() {
        return Err(Error::value("torch.cat(): expected a non-empty list of Tensors"));
    }
    if let Some(at) = tensors.iter().position(|t| t.ndim() == 0) {
        return Err(Error::runtime(format!("zero-dimensional tensor (at position {at}) cannot be concatenated")));
    }
    let skipped = |t: &Tensor| t.shape() == [0];
    let ndim = tensors.iter().find(|t| !skipped(t)).unwrap_or(&tensors[0]).ndim();
    let dim = wrap_dim(dim, ndim)?;
    let dtype = tensors.iter().map(|t| t.dtype()).reduce(DType::promote).unwrap_or(DType::F32);
    let Some(first) = tensors.iter().position(|t| !skipped(t)) else {
        return cat_into(tensors, dim, Layout::contiguous([0]), dtype);
    };
    let mut shape = tensors[first].shape();
    let model = shape.clone();
    shape[dim] = 0;
    for (at, tensor) in tensors.iter().enumerate().filter(|(_, t)| !skipped(t)) {
        let sizes = tensor.shape();
        if sizes.len() != model.len() {
            return Err(Error::runtime(format!(
                "Tensors must have same number of dimensions: got {} and {}",
                model.len(),
                sizes.len()
            )));
        }
        if let Some(d) = (0..ndim).find(|&d| d != dim && sizes[d] != model[d]) {
            return Err(Error::runtime(format!(
                "Sizes of tensors must match except in dimension {dim}. Expected size {} but got size {} for tensor number {at} in the list.",
                model[d], sizes[d]
            )));
        }
        shape[dim] += sizes[dim];
    }
    shape.checked_numel()?;
    let format = tensors[first].suggested_format();
    let same = tensors.iter().filter(|t| !skipped(t)).all(|t| t.suggested_format() == format);
    let format = if same { format } else { MemoryFormat::Contiguous };
    cat_into(tensors, dim, Layout::in_format(shape, format), dtype)
}

fn cat_into(tensors: &[&Tensor], dim: usize, layout: Layout, dtype: DType) -> Result<Tensor> {
    let out = Tensor::from_array(Array::uninit(layout, dtype)?);
    let dim = dim as isize;
    let mut sizes = Vec::with_capacity(tensors.len());
    let mut start = 0;
    crate::autograd::no_grad(|| {
        for tensor in tensors {
            let shape = tensor.shape();
            let size = if shape == [0] { 0 } else { shape[dim as usize] };
            if size > 0 {
                let place = out.narrow(dim, start, size)?;
                tensor.backend().copy(&tensor.array(), &place.array())?;
            }
            sizes.push((shape, tensor.dtype(), size));
            start += size as isize;
        }
        Ok::<_, Error>(())
    })?;
    if let Some(recorder) = Recorder::new("CatBackward0", tensors) {
        recorder.finish(&out, move |ctx, grad| {
            let mut start = 0;
            let mut grads = Vec::with_capacity(sizes.len());
            for (i, (shape, dtype, size)) in sizes.iter().enumerate() {
                let part = ctx.needs(i).then(|| {
                    if *shape == [0] {
                        return Tensor::zeros([0], *dtype);
                    }
                    grad.narrow(dim, start, *size)?.to_dtype(*dtype)
                });
                grads.push(part.transpose()?);
                start += *size as isize;
            }
            Ok(grads)
        });
    }
    Ok(out)
}
