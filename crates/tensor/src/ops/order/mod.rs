//! Running results, sorting, selecting, distinct values, binary search and histograms.

mod count;
mod cumulative;
mod difference;
mod quantile;
mod search;
mod select;
mod sort;
mod unique;

pub use quantile::{Interpolation, QuantileOptions};
pub use search::{SearchOptions, bucketize_scalar};
pub use unique::{Unique, UniqueOptions};

use crate::autograd::Recorder;
use crate::backend::Pick;
use crate::{Array, DType, Layout, Result, Shape, Tensor};

/// The numbers and the places along `dim` (kept, with the size that the pick has) of what is picked,
/// without a record.
fn picked(tensor: &Tensor, pick: Pick, dim: usize) -> Result<(Tensor, Tensor)> {
    let source = tensor.detach().contiguous()?;
    let mut shape = source.shape();
    if let Some(size) = shape.get_mut(dim) {
        *size = pick.count(*size);
    }
    let places = Array::uninit(Layout::contiguous(shape), DType::I64)?;
    tensor.backend().pick(pick, &source.array(), dim, &places)?;
    let places = Tensor::from_array(places);
    Ok((source.gather(dim as isize, &places)?, places))
}

/// A fresh contiguous tensor without one of its dimensions, which has size 1.
fn without_dim(tensor: &Tensor, dim: usize) -> Result<Tensor> {
    let shape: Shape = tensor.shape().iter().enumerate().filter(|(d, _)| *d != dim).map(|(_, &n)| n).collect();
    Ok(Tensor::from_array(tensor.array().with_layout(Layout::contiguous(shape))?))
}

/// Records that `values` are elements of `input` at `indices` along `dim`, which is gone if `reduced`.
fn record_selection(name: &str, input: &Tensor, (values, indices): (&Tensor, &Tensor), dim: usize, reduced: bool) {
    let Some(mut recorder) = Recorder::new(name, &[input]) else { return };
    let shape = input.shape();
    let indices_saved = recorder.save_output(indices, 1);
    recorder.finish_many(&[values, indices], move |ctx, grads| {
        let Some(grad) = &grads[0] else { return Ok(vec![None]) };
        let (mut grad, mut indices) = (grad.clone(), ctx.saved(indices_saved)?.detach());
        if reduced && !shape.is_empty() {
            grad = grad.unsqueeze(dim as isize)?;
            indices = indices.unsqueeze(dim as isize)?;
        }
        let zeros = Tensor::zeros(shape.clone(), grad.dtype())?;
        Ok(vec![Some(zeros.scatter_add(dim as isize, &indices, &grad)?)])
    });
}

/// A pick that leaves one number of each line.
fn reduced_pick(name: &str, input: &Tensor, pick: Pick, dim: usize, keepdim: bool) -> Result<(Tensor, Tensor)> {
    let (mut values, mut indices) = picked(input, pick, dim)?;
    if !keepdim {
        values = without_dim(&values, dim)?;
        indices = without_dim(&indices, dim)?;
    }
    record_selection(name, input, (&values, &indices), dim, !keepdim);
    Ok((values, indices))
}
