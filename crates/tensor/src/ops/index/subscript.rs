//! Subscripts as Python writes them: `x[0, 1:3, None, ..., mask]`.

use crate::{DType, Error, Result, Tensor};
use std::ops::{Range, RangeFrom, RangeFull, RangeInclusive, RangeTo, RangeToInclusive};

/// One subscript.
#[derive(Clone, Debug)]
pub enum Index {
    /// One index; negative ones count from the end. The dimension goes.
    Int(isize),
    /// Every `step`-th index from `start` to before `stop`.
    Slice {
        /// The first index; the dimension's first by default.
        start: Option<isize>,
        /// Where to stop; the dimension's end by default.
        stop: Option<isize>,
        /// How far to step; at least 1.
        step: isize,
    },
    /// A new dimension of size 1.
    None,
    /// As many whole dimensions as the other subscripts leave over.
    Ellipsis,
    /// The indices that a tensor of integers names, or those where a mask is true.
    Tensor(Tensor),
    /// A mask without dimensions: a new dimension of size 1 or 0.
    Bool(bool),
}

macro_rules! from_integer {
    ($($t:ty)*) => {$(
        impl From<$t> for Index {
            fn from(index: $t) -> Self { Index::Int(index as isize) }
        }
    )*};
}
from_integer!(i32 i64 isize usize);

macro_rules! from_range {
    ($($t:ty, $range:ident => $start:expr, $stop:expr;)*) => {$(
        impl From<$t> for Index {
            fn from($range: $t) -> Self { Index::Slice { start: $start, stop: $stop, step: 1 } }
        }
    )*};
}
from_range! {
    Range<isize>, r => Some(r.start), Some(r.end);
    Range<usize>, r => Some(r.start as isize), Some(r.end as isize);
    Range<i32>, r => Some(r.start as isize), Some(r.end as isize);
    RangeFrom<isize>, r => Some(r.start), None;
    RangeFrom<usize>, r => Some(r.start as isize), None;
    RangeFrom<i32>, r => Some(r.start as isize), None;
    RangeTo<isize>, r => None, Some(r.end);
    RangeTo<usize>, r => None, Some(r.end as isize);
    RangeTo<i32>, r => None, Some(r.end as isize);
    // An inclusive range that ends with the last index has no end that could be written down.
    RangeInclusive<i32>, r => Some(*r.start() as isize), (*r.end() != -1).then_some(*r.end() as isize + 1);
    RangeToInclusive<i32>, r => None, (r.end != -1).then_some(r.end as isize + 1);
    RangeFull, _whole => None, None;
}

impl From<Tensor> for Index {
    fn from(tensor: Tensor) -> Self {
        Index::Tensor(tensor)
    }
}

impl From<&Tensor> for Index {
    fn from(tensor: &Tensor) -> Self {
        Index::Tensor(tensor.clone())
    }
}

impl From<bool> for Index {
    fn from(flag: bool) -> Self {
        Index::Bool(flag)
    }
}

/// What may stand between the brackets: one subscript, a tuple of them, or a list.
pub trait IntoIndices {
    /// The subscripts in order.
    fn into_indices(self) -> Vec<Index>;
}

impl<T: Into<Index>> IntoIndices for T {
    fn into_indices(self) -> Vec<Index> {
        vec![self.into()]
    }
}

impl IntoIndices for Vec<Index> {
    fn into_indices(self) -> Vec<Index> {
        self
    }
}

impl IntoIndices for &[Index] {
    fn into_indices(self) -> Vec<Index> {
        self.to_vec()
    }
}

macro_rules! tuple {
    ($($name:ident)*) => {
        impl<$($name: Into<Index>),*> IntoIndices for ($($name,)*) {
            #[allow(non_snake_case, reason = "the fields bear the names of their types")]
            fn into_indices(self) -> Vec<Index> {
                let ($($name,)*) = self;
                vec![$($name.into()),*]
            }
        }
    };
}
tuple!(A);
tuple!(A B);
tuple!(A B C);
tuple!(A B C D);
tuple!(A B C D E);
tuple!(A B C D E F);

/// What a list of subscripts comes to: a view, and tensors that index some of its dimensions.
pub(super) struct Resolved {
    /// The tensor with all integers, slices and new dimensions applied.
    pub(super) view: Tensor,
    /// An index for each dimension of the view, `None` for those taken whole; not longer than needed.
    pub(super) tensors: Vec<Option<Tensor>>,
}

impl Resolved {
    /// The tensors one after the other, as [`Tensor::index_tensors`] takes them: a mask of several
    /// dimensions stands once.
    pub(super) fn place_masks(&self) -> Vec<Option<Tensor>> {
        let mut out = Vec::with_capacity(self.tensors.len());
        let mut dim = 0;
        while dim < self.tensors.len() {
            let index = self.tensors[dim].clone();
            dim += index.as_ref().filter(|t| is_mask(t)).map_or(1, Tensor::ndim);
            out.push(index);
        }
        out
    }

    /// Whether the view is all there is to do.
    pub(super) fn is_view(&self) -> bool {
        self.tensors.iter().all(Option::is_none)
    }
}

/// Applies subscripts as far as views can.
pub(super) fn resolve(tensor: &Tensor, indices: &[Index]) -> Result<Resolved> {
    let ndim = tensor.ndim();
    let taken: usize = indices.iter().map(dims_taken).sum();
    if ndim == 0 && matches!(indices, [Index::Int(_)]) {
        return Err(Error::index(
            "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert a 0-dim tensor to a number",
        ));
    }
    if taken > ndim {
        return Err(Error::index(format!("too many indices for tensor of dimension {ndim}")));
    }
    // What the first ellipsis stands for; a second one stands for nothing.
    let mut rest = ndim - taken;
    let mut view = tensor.clone();
    let mut tensors: Vec<Option<Tensor>> = Vec::new();
    let mut dim = 0;
    // How many of the tensor's own dimensions are behind, for messages.
    let mut real = 0;
    let place = |tensors: &mut Vec<Option<Tensor>>, dim: usize, index: Tensor| {
        tensors.resize(tensors.len().max(dim + 1), None);
        tensors[dim] = Some(index);
    };
    for index in indices {
        match index {
            Index::Int(at) => {
                view = select(&view, dim, real, *at)?;
                real += 1;
            }
            Index::Slice { start, stop, step } => {
                if *step <= 0 {
                    let message =
                        if *step == 0 { "slice step cannot be zero" } else { "step must be greater than zero" };
                    return Err(Error::value(message));
                }
                view = view.slice(dim as isize, *start, *stop, *step)?;
                dim += 1;
                real += 1;
            }
            Index::None => {
                view = view.unsqueeze(dim as isize)?;
                dim += 1;
            }
            Index::Ellipsis => {
                dim += rest;
                real += rest;
                rest = 0;
            }
            Index::Bool(flag) => {
                view = view.unsqueeze(dim as isize)?;
                place(&mut tensors, dim, Tensor::full([], *flag, DType::Bool)?.reshape(&[1])?);
                dim += 1;
            }
            Index::Tensor(index) if index.ndim() == 0 && is_mask(index) => {
                view = view.unsqueeze(dim as isize)?;
                place(&mut tensors, dim, index.reshape(&[1])?);
                dim += 1;
            }
            Index::Tensor(index) if index.ndim() == 0 && index.dtype().is_integral(false) => {
                view = select(&view, dim, real, index.item()?.to_i64() as isize)?;
                real += 1;
            }
            Index::Tensor(index) => {
                place(&mut tensors, dim, index.clone());
                let dims = if is_mask(index) { index.ndim() } else { 1 };
                dim += dims;
                real += dims;
            }
        }
    }
    Ok(Resolved { view, tensors })
}

fn select(view: &Tensor, dim: usize, real: usize, at: isize) -> Result<Tensor> {
    let size = view.shape()[dim] as isize;
    if at < -size || at >= size {
        return Err(Error::index(format!("index {at} is out of bounds for dimension {real} with size {size}")));
    }
    view.select(dim as isize, at)
}

/// Whether a tensor of indices is a mask (uint8 is, as it was before there were truth values).
pub(super) fn is_mask(index: &Tensor) -> bool {
    matches!(index.dtype(), DType::Bool | DType::U8)
}

/// How many of a tensor's dimensions a subscript uses up.
fn dims_taken(index: &Index) -> usize {
    match index {
        Index::Int(_) | Index::Slice { .. } => 1,
        Index::None | Index::Ellipsis | Index::Bool(_) => 0,
        Index::Tensor(t) if is_mask(t) => t.ndim(),
        Index::Tensor(_) => 1,
    }
}
