//! Vectors of columns that are read and written where rows lie, as far as they lie inside.

use super::correlation::Axis;
use super::padded::{load_inside, window_mask};
use crate::simd::{Mask, Vectors, first_lanes};

/// The columns that a vector of results needs of a source row, for one column of the kernel.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Window {
    /// Where they begin in the row; outside of it, if the mask says so.
    pub column: isize,
    /// The lanes that lie inside; with a stride of two, those of the vector that follows too.
    pub masks: [Mask; 2],
}

impl Window {
    /// The window of column `tap` of the kernel for results from `at` on, of `width` columns.
    #[inline(always)]
    pub fn new(axis: &Axis, at: usize, tap: usize, width: usize, lanes: usize) -> Self {
        let column = axis.source(at, tap);
        let mask = |column| window_mask(column, width, lanes);
        Self { column, masks: [mask(column), mask(column + lanes as isize)] }
    }

    /// The columns, as far as they lie inside the row that begins at `row`; zeros where they do not.
    ///
    /// # Safety
    /// The row must be readable.
    #[inline(always)]
    pub unsafe fn load<T: Copy, S: Vectors<T>>(&self, simd: S, row: *const T) -> S::Vector {
        // SAFETY: promised by the caller.
        unsafe { load_inside(simd, row.wrapping_offset(self.column), self.masks[0]) }
    }

    /// Every second column, and those between.
    ///
    /// # Safety
    /// The row must be readable.
    #[inline(always)]
    pub unsafe fn load_pairs<T: Copy, S: Vectors<T>>(&self, simd: S, row: *const T) -> (S::Vector, S::Vector) {
        let from = row.wrapping_offset(self.column);
        // SAFETY: promised by the caller.
        unsafe {
            let low = load_inside(simd, from, self.masks[0]);
            simd.deinterleave(low, load_inside(simd, from.wrapping_add(S::LANES), self.masks[1]))
        }
    }
}

/// A masked store. Where masks are not the hardware's own they are slow, and whole vectors are
/// spared them.
///
/// # Safety
/// The numbers in the mask must be writable.
#[inline(always)]
pub(super) unsafe fn store_inside<T: Copy, S: Vectors<T>>(simd: S, to: *mut T, mask: Mask, vector: S::Vector) {
    // SAFETY: promised by the caller.
    unsafe {
        if S::REGISTERS < 32 && mask == first_lanes(S::LANES) {
            simd.store(to, vector);
        } else {
            simd.store_masked(to, mask, vector);
        }
    }
}
