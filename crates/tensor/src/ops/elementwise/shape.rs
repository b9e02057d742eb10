//! Broadcasting, and the memory order of results.

use crate::layout::strides_in_order;
use crate::{Error, Layout, MemoryFormat, Result, Shape, Strides};
use smallvec::SmallVec;

/// The shape that both broadcast to.
///
/// # Errors
/// If a dimension differs and is 1 in neither.
pub(crate) fn broadcast_pair(a: &Shape, b: &Shape) -> Result<Shape> {
    let ndim = a.len().max(b.len());
    let mut out: SmallVec<[usize; 6]> = SmallVec::from_elem(1, ndim);
    for i in (0..ndim).rev() {
        let size = |s: &Shape| (i + s.len()).checked_sub(ndim).map_or(1, |k| s[k]);
        let (x, y) = (size(a), size(b));
        if x != y && x != 1 && y != 1 {
            return Err(Error::shape(format!(
                "The size of tensor a ({x}) must match the size of tensor b ({y}) at non-singleton dimension {i}"
            )));
        }
        out[i] = if x == 1 { y } else { x };
    }
    Ok(out.into_iter().collect())
}

/// The layout that shows `layout` in a larger shape: strides are 0 where it is repeated.
///
/// # Panics
/// If it does not broadcast to that shape.
pub(crate) fn broadcast_layout(layout: &Layout, shape: &Shape) -> Layout {
    let lead = shape.len().checked_sub(layout.ndim()).expect("a layout broadcasts to no fewer dimensions");
    let strides: Strides = (0..shape.len())
        .map(|i| match i.checked_sub(lead) {
            Some(k) if layout.shape()[k] == shape[i] => layout.strides()[k],
            Some(k) => {
                assert_eq!(layout.shape()[k], 1, "a layout broadcasts along dimensions of size 1 only");
                0
            }
            None => 0,
        })
        .collect();
    Layout::strided(shape, &strides, layout.offset())
}

/// The dense layout that an elementwise result gets: it follows the memory order of its operands
/// as PyTorch's does. Operands of one shape and one order pass it on; otherwise dimensions are sorted by
/// the strides of the first operand that tells them apart.
pub(crate) fn output_layout(shape: &Shape, operands: &[&Layout]) -> Layout {
    if operands.iter().all(|l| l.shape() == shape) {
        if operands.iter().all(|l| l.is_contiguous(MemoryFormat::Contiguous)) {
            return Layout::contiguous(shape);
        }
        let last = if shape.len() == 5 { MemoryFormat::ChannelsLast3d } else { MemoryFormat::ChannelsLast };
        if shape.len() == 4 && operands.iter().all(|l| l.is_contiguous(last)) {
            return Layout::in_format(shape, last);
        }
        if let Some((first, rest)) = operands.split_first()
            && first.is_dense()
            && rest.iter().all(|l| l.strides() == first.strides())
        {
            return Layout::strided(shape, first.strides(), 0);
        }
    }
    let strides: SmallVec<[Strides; 3]> = operands
        .iter()
        .map(|l| {
            let lead = shape.len() - l.ndim();
            (0..shape.len())
                .map(|i| match i.checked_sub(lead) {
                    Some(k) if l.shape()[k] != 1 || shape[i] == 1 => l.strides()[k],
                    _ => 0,
                })
                .collect()
        })
        .collect();
    // Whether dimension `a`, which is further in, should go further out than `b`.
    let compare = |a: usize, b: usize| {
        for s in &strides {
            if s[a] == 0 || s[b] == 0 {
                continue;
            }
            match s[a].cmp(&s[b]) {
                std::cmp::Ordering::Equal if shape[a] > shape[b] => return std::cmp::Ordering::Greater,
                std::cmp::Ordering::Equal => {}
                other => return other,
            }
        }
        std::cmp::Ordering::Equal
    };
    // Insertion sort: the comparison may leave pairs undecided, so the algorithm is part of the answer.
    let mut order: SmallVec<[usize; 6]> = (0..shape.len()).rev().collect();
    for i in 1..order.len() {
        let mut moving = i;
        for other in (0..i).rev() {
            match compare(order[other], order[moving]) {
                std::cmp::Ordering::Greater => {
                    order.swap(other, moving);
                    moving = other;
                }
                std::cmp::Ordering::Less => break,
                std::cmp::Ordering::Equal => {}
            }
        }
    }
    if order.iter().rev().copied().eq(0..shape.len()) {
        return Layout::contiguous(shape);
    }
    Layout::strided(shape, &strides_in_order(shape, &order), 0)
}
