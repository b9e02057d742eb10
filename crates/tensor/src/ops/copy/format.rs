//! The memory that a result gets when it follows an input.

use crate::layout::strides_in_order;
use crate::{Error, Layout, MemoryFormat, Result};
use std::cmp::Ordering;

/// The layout of a new tensor like one of this layout.
///
/// `Preserve` keeps the strides of a dense tensor, and closes the gaps of another one while
/// keeping the order of its dimensions.
///
/// # Errors
/// If a channels-last format is asked for another number of dimensions than its own.
pub(crate) fn like_layout(like: &Layout, format: MemoryFormat) -> Result<Layout> {
    let shape = like.shape().clone();
    match format {
        MemoryFormat::Contiguous => Ok(Layout::contiguous(shape)),
        MemoryFormat::Preserve if like.is_dense() => Ok(Layout::strided(shape, like.strides(), 0)),
        MemoryFormat::Preserve => {
            let strides = strides_in_order(&shape, &innermost_first(like));
            Ok(Layout::strided(shape, &strides, 0))
        }
        MemoryFormat::ChannelsLast if like.ndim() != 4 => {
            Err(Error::runtime("required rank 4 tensor to use channels_last format"))
        }
        MemoryFormat::ChannelsLast3d if like.ndim() != 5 => {
            Err(Error::runtime("required rank 5 tensor to use channels_last_3d format"))
        }
        format => Ok(Layout::in_format(shape, format)),
    }
}

/// The dimensions from the innermost to the outermost. Expanded dimensions (stride 0) say nothing
/// about the order and stay where they are; equal strides are ordered by size.
fn innermost_first(layout: &Layout) -> Vec<usize> {
    let (shape, strides) = (layout.shape(), layout.strides());
    let compare = |a: usize, b: usize| {
        if strides[a] == 0 || strides[b] == 0 {
            return Ordering::Equal;
        }
        // Of two equal strides the smaller dimension is the inner one; a size of 1 first.
        strides[a].cmp(&strides[b]).then_with(|| if shape[a] > shape[b] { Ordering::Greater } else { Ordering::Equal })
    };
    let mut order: Vec<usize> = (0..layout.ndim()).rev().collect();
    // An insertion sort, because the comparison is not transitive.
    for i in 1..order.len() {
        let mut at = i;
        for before in (0..i).rev() {
            match compare(order[before], order[at]) {
                Ordering::Greater => {
                    order.swap(before, at);
                    at = before;
                }
                Ordering::Less => break,
                Ordering::Equal => {}
            }
        }
    }
    order
}
