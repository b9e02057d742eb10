//! Strided numbers copied into dense memory, converted on the way.

use super::split::{TASK, split};
use smallvec::SmallVec;

/// A strided view of memory: what an operator finds behind a tensor.
#[derive(Clone, Debug)]
pub struct Strided<'a, T> {
    base: *const T,
    size: SmallVec<[usize; 6]>,
    stride: SmallVec<[usize; 6]>,
    _memory: std::marker::PhantomData<&'a T>,
}

// SAFETY: a view is a shared reference to its numbers.
unsafe impl<T: Sync> Sync for Strided<'_, T> {}

impl<T> Strided<'_, T> {
    /// Describes the numbers at `base + Σ index[i] * stride[i]` for `index[i] < size[i]`.
    ///
    /// # Safety
    /// They must be readable, and not written, for the lifetime of the view.
    ///
    /// # Panics
    /// If there are not as many strides as sizes.
    pub unsafe fn new(base: *const T, size: &[usize], stride: &[usize]) -> Self {
        assert_eq!(size.len(), stride.len(), "a stride for each size");
        let mut view = Strided { base, size: SmallVec::new(), stride: SmallVec::new(), _memory: Default::default() };
        // Neighbouring dimensions that lie in one run are one dimension.
        for (&n, &step) in size.iter().zip(stride) {
            match (view.size.last_mut(), view.stride.last_mut()) {
                _ if n == 1 => {}
                (Some(outer), Some(outer_step)) if *outer_step == n * step => {
                    *outer *= n;
                    *outer_step = step;
                }
                _ => {
                    view.size.push(n);
                    view.stride.push(step);
                }
            }
        }
        view
    }

    /// How many numbers there are.
    pub fn len(&self) -> usize {
        self.size.iter().product()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Columns that are copied together when the innermost dimension is not dense: a cache line of
/// destination for each of so many source lines.
const TILE: usize = 16;

/// `to[i] = convert(from[i])` with `from` in row-major order.
///
/// # Panics
/// If the lengths differ.
pub fn gather<S: Copy + Sync, T: Copy + Send>(from: &Strided<'_, S>, to: &mut [T], convert: impl Fn(S) -> T + Sync) {
    assert_eq!(from.len(), to.len(), "a gather into another length");
    if to.is_empty() {
        return;
    }
    let rank = from.size.len();
    let (width, step) = if rank == 0 { (1, 1) } else { (from.size[rank - 1], from.stride[rank - 1]) };
    // The dimension above the innermost is the other side of a transposition, if it is denser.
    if rank >= 2 && step > 1 && from.stride[rank - 2] < step {
        let (height, row_step) = (from.size[rank - 2], from.stride[rank - 2]);
        let offset = offsets(from, rank - 2);
        split(to, height * width, height * width, |i, to| {
            let base = from.base.wrapping_add(offset(i));
            for w0 in (0..width).step_by(TILE) {
                for h in 0..height {
                    let row = base.wrapping_add(h * row_step);
                    let columns = w0..(w0 + TILE).min(width);
                    for (w, to) in columns.clone().zip(&mut to[h * width..][columns]) {
                        // SAFETY: an index inside the view, readable by its contract.
                        *to = convert(unsafe { *row.wrapping_add(w * step) });
                    }
                }
            }
        });
        return;
    }
    if rank <= 1 {
        let piece = to.len().min(TASK);
        let whole = to.len() / piece * piece;
        let copy = |first: usize, to: &mut [T]| {
            for (i, to) in to.iter_mut().enumerate() {
                // SAFETY: an index inside the view, readable by its contract.
                *to = convert(unsafe { *from.base.wrapping_add((first + i) * step) });
            }
        };
        let (body, tail) = to.split_at_mut(whole);
        split(body, piece, piece, |i, to| copy(i * piece, to));
        copy(whole, tail);
        return;
    }
    let offset = offsets(from, rank - 1);
    split(to, width, width, |i, to| {
        let row = from.base.wrapping_add(offset(i));
        for (w, to) in to.iter_mut().enumerate() {
            // SAFETY: an index inside the view, readable by its contract.
            *to = convert(unsafe { *row.wrapping_add(w * step) });
        }
    });
}

/// The offset of block `i` of the first `rank` dimensions.
fn offsets<'a, S>(from: &'a Strided<'_, S>, rank: usize) -> impl Fn(usize) -> usize + Sync + use<'a, S> {
    let (size, stride) = (&from.size[..rank], &from.stride[..rank]);
    move |mut i| {
        let mut offset = 0;
        for (&n, &step) in size.iter().zip(stride).rev() {
            offset += i % n * step;
            i /= n;
        }
        offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(memory: &[f32], size: &[usize], stride: &[usize]) {
        let len = size.iter().product::<usize>();
        let mut index = vec![0usize; size.len()];
        let expected: Vec<f64> = (0..len)
            .map(|_| {
                let at: usize = index.iter().zip(stride).map(|(i, s)| i * s).sum();
                for d in (0..size.len()).rev() {
                    index[d] += 1;
                    if index[d] < size[d] {
                        break;
                    }
                    index[d] = 0;
                }
                f64::from(memory[at])
            })
            .collect();
        // SAFETY: the callers' strides stay inside the memory (indexing above checked it).
        let view = unsafe { Strided::new(memory.as_ptr(), size, stride) };
        let mut to = vec![0f64; len];
        gather(&view, &mut to, f64::from);
        assert_eq!(to, expected, "size {size:?}, stride {stride:?}");
    }

    #[test]
    fn any_strides_are_read_in_row_major_order() {
        let memory: Vec<f32> = (0..50_000).map(|i| i as f32).collect();
        check(&memory, &[2, 3, 4], &[12, 4, 1]);
        check(&memory, &[2, 5, 40, 33], &[5 * 40 * 33, 1, 33 * 5, 5]);
        check(&memory, &[2, 40, 33, 5], &[5 * 40 * 33, 33, 1, 40 * 33]);
        check(&memory, &[7, 9], &[0, 0]);
        check(&memory, &[7, 1, 9], &[1, 5, 7]);
        check(&memory, &[40_000], &[1]);
        check(&memory, &[20_000], &[2]);
        check(&memory, &[], &[]);
        check(&memory, &[3, 0, 2], &[2, 2, 1]);
    }
}
