//! A row times a matrix: nothing is used twice, so nothing is packed.

use super::kernel::Start;
use super::{MatrixMut, MatrixRef};
use crate::parallel;
use crate::scratch::Target;
use crate::simd::{Float, Isa, Kernel, Vectors, dispatch, first_lanes};

/// Columns that a task computes, and numbers it reads of each at least.
const TASK_NUMBERS: usize = 1 << 16;

/// Computes a product whose left operand is one row, if its strides allow.
pub(super) fn row_times_matrix<T: Float>(
    isa: Isa,
    alpha: T,
    a: MatrixRef<'_, T>,
    b: MatrixRef<'_, T>,
    start: Start<'_, T>,
    c: &mut MatrixMut<'_, T>,
) -> bool {
    let along_columns = b.column_stride == 1;
    let along_rows = b.row_stride == 1;
    if !(along_columns || along_rows) || c.column_stride != 1 || a.columns == 0 {
        return false;
    }
    // The row is read once for each column, so it had better be contiguous.
    let row: Vec<T> = (0..a.columns).map(|k| a.data[k * a.column_stride] * alpha).collect();
    let block = (TASK_NUMBERS / row.len().max(1)).clamp(64, 4096);
    let columns = &mut c.data[..c.columns];
    let (len, to) = (columns.len(), Target(columns.as_mut_ptr()));
    let accumulate = matches!(start, Start::Existing);
    parallel::run(len.div_ceil(block), |task| {
        let first = task * block;
        let count = block.min(len - first);
        // SAFETY: this task's own columns.
        let to = unsafe { std::slice::from_raw_parts_mut(to.at(first), count) };
        if !accumulate {
            to.fill(T::ZERO);
        }
        let from = &b.data[(first * b.column_stride).min(b.data.len())..];
        if along_columns {
            dispatch::<T, _>(isa, AddRows { row: &row, from, stride: b.row_stride, to });
        } else {
            dispatch::<T, _>(isa, Dots { row: &row, from, stride: b.column_stride, to });
        }
    });
    true
}

/// `to += sum of row[k] * (contiguous row k of from)`
struct AddRows<'a, T> {
    row: &'a [T],
    from: &'a [T],
    stride: usize,
    to: &'a mut [T],
}

impl<T: Float> Kernel<T> for AddRows<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Vectors<T>>(self, simd: S) {
        const VECTORS: usize = 4;
        for (j, to) in self.to.chunks_mut(VECTORS * S::LANES).enumerate() {
            let offset = j * VECTORS * S::LANES;
            let mask: [_; VECTORS] =
                std::array::from_fn(|v| first_lanes(to.len().saturating_sub(v * S::LANES).min(S::LANES)));
            let mut sums = [simd.zero(); VECTORS];
            for v in 0..VECTORS {
                // SAFETY: the mask selects what is inside the slice.
                sums[v] = unsafe { simd.load_masked(simd.zero(), to.as_ptr().wrapping_add(v * S::LANES), mask[v]) };
            }
            for (k, &left) in self.row.iter().enumerate() {
                let from = &self.from[k * self.stride + offset..][..to.len()];
                for v in 0..VECTORS {
                    // SAFETY: as above: `from` is as long as `to`.
                    let right =
                        unsafe { simd.load_masked(simd.zero(), from.as_ptr().wrapping_add(v * S::LANES), mask[v]) };
                    sums[v] = simd.mul_add(simd.splat(left), right, sums[v]);
                }
            }
            for v in 0..VECTORS {
                // SAFETY: as above.
                unsafe { simd.store_masked(to.as_mut_ptr().wrapping_add(v * S::LANES), mask[v], sums[v]) };
            }
        }
    }
}

/// `to[j] += dot(row, contiguous column j of from)`
struct Dots<'a, T> {
    row: &'a [T],
    from: &'a [T],
    stride: usize,
    to: &'a mut [T],
}

impl<T: Float> Kernel<T> for Dots<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Vectors<T>>(self, simd: S) {
        const VECTORS: usize = 4;
        let step = VECTORS * S::LANES;
        for (j, to) in self.to.iter_mut().enumerate() {
            let column = &self.from[j * self.stride..][..self.row.len()];
            let mut sums = [simd.zero(); VECTORS];
            let (rows, columns) = (self.row.chunks_exact(step), column.chunks_exact(step));
            let (row_rest, column_rest) = (rows.remainder(), columns.remainder());
            for (row, column) in rows.zip(columns) {
                for (v, sum) in sums.iter_mut().enumerate() {
                    let (row, column) = (&row[v * S::LANES..], &column[v * S::LANES..]);
                    *sum = simd.mul_add(simd.load_slice(row), simd.load_slice(column), *sum);
                }
            }
            for (v, sum) in sums.iter_mut().enumerate() {
                let offset = v * S::LANES;
                let mask = first_lanes(row_rest.len().saturating_sub(offset).min(S::LANES));
                // SAFETY: the mask selects what is inside the slices, which are of one length.
                unsafe {
                    let row = simd.load_masked(simd.zero(), row_rest.as_ptr().wrapping_add(offset), mask);
                    let column = simd.load_masked(simd.zero(), column_rest.as_ptr().wrapping_add(offset), mask);
                    *sum = simd.mul_add(row, column, *sum);
                }
            }
            let [a, b, c, d] = sums;
            *to += simd.sum(simd.add(simd.add(a, b), simd.add(c, d)));
        }
    }
}
