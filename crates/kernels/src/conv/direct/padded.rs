//! Rows of a channels-first plane, copied to where padding is real zeros.
//!
//! A strided correlation reads every `stride`-th column. The copy therefore separates columns by
//! their remainder, so that the inner loops always read consecutive numbers.

use super::DirectElement;
use super::correlation::Axis;
use crate::simd::{Kernel, Mask, Vectors, first_lanes};

/// The shape of a padded copy.
#[derive(Clone, Debug)]
pub(super) struct Padded {
    /// Column of the source plane that the copy begins with.
    pub first_column: isize,
    /// Remainders by which columns are separated.
    pub stride: usize,
    /// Numbers of one row and remainder; a multiple of a vector.
    pub part: usize,
    /// Row of the source plane that the copy for result 0 begins with.
    pub first_row: isize,
    /// Source rows that two tiles are apart for each result row.
    pub row_stride: usize,
    /// Source rows that the last result of a band needs beyond its first.
    row_reach: usize,
    /// For each vector of source columns from the first on, the lanes that lie in a row.
    masks: Vec<Mask>,
}

impl Padded {
    /// A copy that serves every phase of both axes, for vectors of `lanes` numbers.
    pub fn new(rows: &[Axis], columns: &[Axis], lanes: usize) -> Self {
        let origin =
            |axes: &[Axis]| axes.iter().filter(|axis| axis.taps > 0).map(|axis| axis.offset).min().unwrap_or(0);
        let beyond = |axes: &[Axis], origin: isize| {
            let reach = |axis: &Axis| (axis.offset - origin) as usize + axis.reach();
            axes.iter().filter(|axis| axis.taps > 0).map(reach).max().unwrap_or(0)
        };
        let (first_row, first_column) = (origin(rows), origin(columns));
        let stride = columns.first().map_or(1, |axis| axis.stride);
        let results = columns.iter().map(|axis| axis.results.next_multiple_of(lanes)).max().unwrap_or(0);
        let part = (results + beyond(columns, first_column) / stride).next_multiple_of(lanes);
        let width = columns.first().map_or(0, |axis| axis.sources);
        let mask = |at: usize| window_mask(first_column + at as isize, width, lanes);
        Self {
            first_column,
            stride,
            part,
            masks: (0..stride * part).step_by(lanes).map(mask).collect(),
            first_row,
            row_stride: rows.first().map_or(1, |axis| axis.stride),
            row_reach: beyond(rows, first_row) + 1,
        }
    }

    /// Numbers between two rows of the copy.
    pub fn pitch(&self) -> usize {
        self.stride * self.part
    }

    /// Rows of a copy for so many result rows.
    pub fn rows(&self, results: usize) -> usize {
        results.saturating_sub(1) * self.row_stride + self.row_reach
    }

    /// Where the sources of a phase's tap lie in a row, for result 0.
    pub fn column(&self, axis: &Axis, tap: usize) -> usize {
        let column = (axis.offset - self.first_column) as usize + tap * axis.dilation;
        column % self.stride * self.part + column / self.stride
    }

    /// Where the sources of a phase's tap 0 lie in a copy that was made for results from `band` on.
    pub fn row(&self, axis: &Axis, result: usize, band: usize) -> usize {
        let first = if axis.taps == 0 { 0 } else { (axis.offset - self.first_row) as usize };
        first + (result - band) * axis.stride
    }

    /// # Safety
    /// `from` must have `width` readable numbers, and `to` room for a row.
    #[inline(always)]
    unsafe fn fill_row<T: DirectElement, S: Vectors<T>>(&self, simd: S, from: *const T, width: usize, to: *mut T) {
        let from = from.wrapping_offset(self.first_column);
        // SAFETY: the masks select what lies inside the row, of which vectors are counted from the
        // first column; a part is a multiple of a vector, and a row has `stride` of them.
        unsafe {
            match self.stride {
                1 => {
                    for (i, &mask) in self.masks.iter().enumerate() {
                        let at = i * S::LANES;
                        simd.store(to.add(at), load_inside(simd, from.wrapping_add(at), mask));
                    }
                }
                2 => {
                    for (i, masks) in self.masks.chunks_exact(2).enumerate() {
                        let (at, from) = (i * S::LANES, from.wrapping_add(2 * i * S::LANES));
                        let low = load_inside(simd, from, masks[0]);
                        let high = load_inside(simd, from.wrapping_add(S::LANES), masks[1]);
                        let (even, odd) = simd.deinterleave(low, high);
                        simd.store(to.add(at), even);
                        simd.store(to.add(self.part + at), odd);
                    }
                }
                stride => {
                    for remainder in 0..stride {
                        // Columns `first + at * stride` lie inside for `at` from `start` until `end`.
                        let first = self.first_column + remainder as isize;
                        let until = |column: isize| ((column - first).max(0) as usize).div_ceil(stride).min(self.part);
                        let (start, end) = (until(0), until(width as isize));
                        let part = to.add(remainder * self.part);
                        let from = from.wrapping_add(remainder);
                        for at in start..end {
                            part.add(at).write(from.wrapping_add(at * stride).read());
                        }
                        part.write_bytes(0, start);
                        part.add(end).write_bytes(0, self.part - end);
                    }
                }
            }
        }
    }

    /// # Safety
    /// `to` must have room for a row.
    #[inline(always)]
    unsafe fn empty_row<T: DirectElement, S: Vectors<T>>(&self, simd: S, to: *mut T) {
        for at in (0..self.pitch()).step_by(S::LANES) {
            // SAFETY: promised by the caller; parts are multiples of a vector.
            unsafe { simd.store(to.add(at), simd.zero()) };
        }
    }
}

/// A masked load. Where masks are not the hardware's own, whole vectors are spared them.
///
/// # Safety
/// The numbers in the mask must be readable.
#[inline(always)]
pub(super) unsafe fn load_inside<T: Copy, S: Vectors<T>>(simd: S, from: *const T, mask: Mask) -> S::Vector {
    // SAFETY: promised by the caller.
    unsafe {
        if S::REGISTERS < 32 && mask == first_lanes(S::LANES) {
            simd.load(from)
        } else {
            simd.load_masked(simd.zero(), from, mask)
        }
    }
}

/// Makes the copy of a plane for results from `band` on, as many rows as there is room for.
pub(super) struct Fill<'a, T> {
    /// The copy's shape.
    pub padded: &'a Padded,
    /// The plane.
    pub plane: &'a [T],
    /// Height and width of the plane.
    pub size: [usize; 2],
    /// The first result row.
    pub band: usize,
    /// The copy.
    pub to: &'a mut [T],
}

impl<T: DirectElement> Kernel<T> for Fill<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Vectors<T>>(self, simd: S) {
        let [height, width] = self.size;
        assert_eq!(self.plane.len(), height * width);
        let first_row = self.padded.first_row + (self.band * self.padded.row_stride) as isize;
        for (row, to) in (first_row..).zip(self.to.chunks_exact_mut(self.padded.pitch())) {
            let inside = (row as usize) < height;
            let from = self.plane.as_ptr().wrapping_offset(row * width as isize);
            // SAFETY: the source row lies inside, if it is read; the copy's row was sliced.
            unsafe {
                if inside {
                    self.padded.fill_row(simd, from, width, to.as_mut_ptr());
                } else {
                    self.padded.empty_row(simd, to.as_mut_ptr());
                }
            }
        }
    }
}

/// The lanes of a vector at `column` that lie in `0..width`.
#[inline(always)]
pub(super) fn window_mask(column: isize, width: usize, lanes: usize) -> Mask {
    let before = (-column).clamp(0, lanes as isize) as usize;
    let until = (width as isize - column).clamp(0, lanes as isize) as usize;
    first_lanes(until) & !first_lanes(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_s_mask_selects_what_lies_inside() {
        for column in -20..20 {
            for width in 0..20 {
                let expected = (0..8).filter(|lane| (0..width as isize).contains(&(column + lane)));
                assert_eq!(window_mask(column, width, 8), expected.map(|lane| 1 << lane).sum::<u32>());
            }
        }
    }
}
