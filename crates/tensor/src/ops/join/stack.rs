//! Joining with a new dimension, or with dimensions that are made where they lack.

use super::cat;
use crate::autograd::Recorder;
use crate::{Array, DType, Error, Layout, Result, Tensor, wrap_dim};

/// Tensors of one shape as the indices of a new dimension. Dtypes are promoted.
///
/// # Errors
/// If there are no tensors, their shapes differ, or the dimension cannot be put there.
pub fn stack(tensors: &[&Tensor], dim: isize) -> Result<Tensor> {
    let Some(first) = tensors.first() else {
        return Err(Error::runtime("stack expects a non-empty TensorList"));
    };
    let shape = first.shape();
    let dim = wrap_dim(dim, shape.len() + 1)?;
    if let Some((at, other)) = tensors.iter().enumerate().find(|(_, t)| t.shape() != shape) {
        return Err(Error::runtime(format!(
            "stack expects each tensor to be equal size, but got {shape} at entry 0 and {} at entry {at}",
            other.shape()
        )));
    }
    let dtype = tensors.iter().map(|t| t.dtype()).reduce(DType::promote).unwrap_or(DType::F32);
    let mut sizes = shape.to_vec();
    sizes.insert(dim, tensors.len());
    let out = Array::uninit(Layout::contiguous(sizes), dtype)?;
    let mut strides = out.strides().to_vec();
    let step = strides.remove(dim);
    for (at, tensor) in tensors.iter().enumerate() {
        let place = out.with_layout(Layout::strided(shape.clone(), &strides, at * step))?;
        tensor.backend().copy(&tensor.array(), &place)?;
    }
    let out = Tensor::from_array(out);
    if let Some(recorder) = Recorder::new("StackBackward0", tensors) {
        let dtypes: Vec<DType> = tensors.iter().map(|t| t.dtype()).collect();
        recorder.finish(&out, move |ctx, grad| {
            let part = |(at, dtype): (usize, &DType)| {
                ctx.needs(at).then(|| grad.select(dim as isize, at as isize)?.to_dtype(*dtype)).transpose()
            };
            dtypes.iter().enumerate().map(part).collect()
        });
    }
    Ok(out)
}

/// The tensor with dimensions of size 1 added until it has `ndim` (at most 3), where PyTorch's
/// `atleast_1d`, `atleast_2d` and `atleast_3d` add them.
///
/// # Errors
/// None in practice.
pub fn atleast(tensor: &Tensor, ndim: usize) -> Result<Tensor> {
    let mut out = tensor.clone();
    if out.ndim() == 0 && ndim > 0 {
        out = out.reshape(&[1])?;
    }
    if out.ndim() == 1 && ndim > 1 {
        out = out.unsqueeze(0)?;
    }
    if out.ndim() == 2 && ndim > 2 {
        out = out.unsqueeze(-1)?;
    }
    Ok(out)
}

fn joined(name: &str, tensors: &[&Tensor], ndim: usize, dim: isize) -> Result<Tensor> {
    if tensors.is_empty() {
        return Err(Error::runtime(format!("{name} expects a non-empty TensorList")));
    }
    let tensors = tensors.iter().map(|t| atleast(t, ndim)).collect::<Result<Vec<_>>>()?;
    cat(&tensors.iter().collect::<Vec<_>>(), dim)
}

/// Tensors side by side: along the second dimension, or the first of 1-d ones.
///
/// # Errors
/// As [`cat`].
pub fn hstack(tensors: &[&Tensor]) -> Result<Tensor> {
    let dim = isize::from(tensors.first().is_some_and(|t| t.ndim() > 1));
    joined("hstack", tensors, 1, dim)
}

/// Tensors one below the other: along the first dimension, 1-d ones as rows.
///
/// # Errors
/// As [`cat`].
pub fn vstack(tensors: &[&Tensor]) -> Result<Tensor> {
    joined("vstack", tensors, 2, 0)
}

/// Tensors one behind the other: along the third dimension.
///
/// # Errors
/// As [`cat`].
pub fn dstack(tensors: &[&Tensor]) -> Result<Tensor> {
    joined("dstack", tensors, 3, 2)
}

/// 1-d tensors (and 0-d ones) as the columns of a matrix, others side by side.
///
/// # Errors
/// As [`cat`].
pub fn column_stack(tensors: &[&Tensor]) -> Result<Tensor> {
    if tensors.is_empty() {
        return Err(Error::runtime("column_stack expects a non-empty TensorList"));
    }
    let columns = tensors.iter().map(|t| if t.ndim() < 2 { t.reshape(&[-1, 1]) } else { Ok((*t).clone()) });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    cat(&columns.iter().collect::<Vec<_>>(), 1)
}

/// Matrices along the diagonal of a matrix of zeros; 1-d tensors are rows, 0-d ones 1 by 1.
///
/// # Errors
/// If a tensor has more than two dimensions.
pub fn block_diag(tensors: &[&Tensor]) -> Result<Tensor> {
    if let Some((at, tensor)) = tensors.iter().enumerate().find(|(_, t)| t.ndim() > 2) {
        return Err(Error::runtime(format!(
            "torch.block_diag: Input tensors must have 2 or fewer dimensions. Input {at} has {} dimensions",
            tensor.ndim()
        )));
    }
    let shapes: Vec<_> = tensors.iter().map(|t| t.shape()).collect();
    let blocks = tensors.iter().map(|t| atleast(&t.detach(), 2)).collect::<Result<Vec<_>>>()?;
    let dtype = tensors.iter().map(|t| t.dtype()).reduce(DType::promote).unwrap_or(DType::F32);
    // Where each block begins and how large it is; no tensors at all make one empty row.
    let mut places = Vec::with_capacity(blocks.len());
    let (mut row, mut column) = (0, 0);
    for block in &blocks {
        let (rows, columns) = (block.size(0)?, block.size(1)?);
        places.push((row as isize, rows, column as isize, columns));
        row += rows;
        column += columns;
    }
    let out = Tensor::zeros([if tensors.is_empty() { 1 } else { row }, column], dtype)?;
    let block_of = |whole: &Tensor, (row, rows, column, columns): (isize, usize, isize, usize)| {
        whole.narrow(0, row, rows)?.narrow(1, column, columns)
    };
    for (block, &place) in blocks.iter().zip(&places) {
        out.backend().copy(&block.array(), &block_of(&out, place)?.array())?;
    }
    if let Some(recorder) = Recorder::new("BlockDiagBackward0", tensors) {
        let dtypes: Vec<DType> = tensors.iter().map(|t| t.dtype()).collect();
        recorder.finish(&out, move |ctx, grad| {
            let part = |at: usize| block_of(grad, places[at])?.reshape_to(&shapes[at])?.to_dtype(dtypes[at]);
            (0..places.len()).map(|at| ctx.needs(at).then(|| part(at)).transpose()).collect()
        });
    }
    Ok(out)
}
