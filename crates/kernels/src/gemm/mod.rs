//! General matrix products, and the machinery that a convolution shares with them.
//!
//! [`gemm`] is the public face: `c = alpha * a * b + beta * c` with any strides, so that a
//! transposed operand costs nothing more. Inside, [`kernel`] is the register-blocked inner loop,
//! [`operand`] says where numbers come from and go to, and [`product`] cuts the work. A
//! convolution supplies operands of its own, which gather pixels while they are packed.

pub(crate) mod ahead;
pub(crate) mod kernel;
pub(crate) mod operand;
pub(crate) mod product;
mod vector;

use crate::parallel;
use crate::scratch::Target;
use crate::simd::{Float, Isa};
use kernel::Start;
use operand::{Strided, StridedSink};
use product::Product;

/// A matrix to read: `(row, column)` is at `row * row_stride + column * column_stride`.
#[derive(Clone, Copy, Debug)]
pub struct MatrixRef<'a, T> {
    /// The numbers, from `(0, 0)` on.
    pub data: &'a [T],
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
    /// Numbers from one row to the next.
    pub row_stride: usize,
    /// Numbers from one column to the next.
    pub column_stride: usize,
}

/// A matrix to write. Its elements must be distinct places.
#[derive(Debug)]
pub struct MatrixMut<'a, T> {
    /// The numbers, from `(0, 0)` on.
    pub data: &'a mut [T],
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
    /// Numbers from one row to the next.
    pub row_stride: usize,
    /// Numbers from one column to the next.
    pub column_stride: usize,
}

/// How many numbers a matrix spans.
fn span(rows: usize, columns: usize, row_stride: usize, column_stride: usize) -> usize {
    if rows == 0 || columns == 0 {
        return 0;
    }
    let reach = |count: usize, stride: usize| (count - 1).checked_mul(stride).expect("a matrix within memory");
    reach(rows, row_stride).checked_add(reach(columns, column_stride)).expect("a matrix within memory") + 1
}

impl<'a, T> MatrixRef<'a, T> {
    /// A matrix whose rows are contiguous and follow one another.
    pub fn row_major(data: &'a [T], rows: usize, columns: usize) -> Self {
        Self { data, rows, columns, row_stride: columns, column_stride: 1 }
    }

    /// The transpose, which is only another way to count.
    #[must_use]
    pub fn transposed(self) -> Self {
        Self {
            data: self.data,
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
        }
    }

    fn check(&self) {
        let span = span(self.rows, self.columns, self.row_stride, self.column_stride);
        assert!(self.data.len() >= span, "{} numbers for a matrix that spans {span}", self.data.len());
    }
}

impl<'a, T> MatrixMut<'a, T> {
    /// A matrix whose rows are contiguous and follow one another.
    pub fn row_major(data: &'a mut [T], rows: usize, columns: usize) -> Self {
        Self { data, rows, columns, row_stride: columns, column_stride: 1 }
    }

    /// The transpose, which is only another way to count.
    #[must_use]
    pub fn transposed(self) -> Self {
        Self {
            data: self.data,
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
        }
    }

    fn check(&self) {
        let span = span(self.rows, self.columns, self.row_stride, self.column_stride);
        assert!(self.data.len() >= span, "{} numbers for a matrix that spans {span}", self.data.len());
        let (rows, columns) = (self.rows, self.columns);
        let distinct = rows <= 1 && columns <= 1
            || self.row_stride > columns.saturating_sub(1) * self.column_stride && self.column_stride > 0
            || self.column_stride > rows.saturating_sub(1) * self.row_stride && self.row_stride > 0
            || rows <= 1 && self.column_stride > 0
            || columns <= 1 && self.row_stride > 0
            || span == 0;
        assert!(distinct, "a matrix to write whose elements share places");
    }
}

/// `c = alpha * a * b + beta * c`. Where `beta` is zero, `c` is not read.
///
/// Deterministic: the bits do not depend on the number of threads. Batches of products may be
/// made by calling this from the tasks of [`parallel::run`].
///
/// # Panics
/// If the sizes do not match, a slice is too short for its matrix, or elements of `c` share a place.
pub fn gemm<T: Float>(alpha: T, a: MatrixRef<'_, T>, b: MatrixRef<'_, T>, beta: T, c: &mut MatrixMut<'_, T>) {
    gemm_with(Isa::detect(), alpha, a, b, beta, c);
}

/// [`gemm`] by a given instruction set.
///
/// # Panics
/// As [`gemm`].
pub fn gemm_with<T: Float>(
    isa: Isa,
    alpha: T,
    a: MatrixRef<'_, T>,
    b: MatrixRef<'_, T>,
    beta: T,
    c: &mut MatrixMut<'_, T>,
) {
    assert_eq!(a.columns, b.rows, "columns of a and rows of b");
    assert_eq!((a.rows, b.columns), (c.rows, c.columns), "rows and columns of c");
    a.check();
    b.check();
    c.check();
    let mut c = MatrixMut { data: &mut *c.data, ..*c };
    if c.rows == 0 || c.columns == 0 {
        return;
    }
    if beta != T::ZERO && beta != T::ONE {
        scale(&mut c, beta);
    }
    let start = if beta == T::ZERO { Start::Zero } else { Start::Existing };
    // Rows of the result are what vectors run along: for a column-major one, the product is
    // computed transposed.
    let (mut a, mut b) = (a, b);
    if c.column_stride != 1 && (c.row_stride == 1 || c.columns == 1) {
        (a, b) = (b.transposed(), a.transposed());
        c = c.transposed();
    }
    if c.rows == 1 && vector::row_times_matrix(isa, alpha, a, b, start, &mut c) {
        return;
    }
    let left =
        Strided { start: a.data.as_ptr(), item_stride: 0, lane_stride: a.row_stride, depth_stride: a.column_stride };
    let right =
        Strided { start: b.data.as_ptr(), item_stride: 0, lane_stride: b.column_stride, depth_stride: b.row_stride };
    let sink = StridedSink {
        start: c.data.as_mut_ptr(),
        item_stride: 0,
        row_stride: c.row_stride,
        column_stride: c.column_stride,
        accumulate: matches!(start, Start::Existing),
    };
    let product = Product {
        items: 1,
        rows: a.rows,
        columns: b.columns,
        depth: a.columns,
        a: &left,
        b: &right,
        c: &sink,
        alpha,
        start,
        packed: None,
    };
    // SAFETY: the slices span the matrices, and `c` is borrowed for writing.
    unsafe { product.run(isa) }
}

fn scale<T: Float>(c: &mut MatrixMut<'_, T>, beta: T) {
    for row in 0..c.rows {
        for column in 0..c.columns {
            let place = &mut c.data[row * c.row_stride + column * c.column_stride];
            *place = *place * beta;
        }
    }
}

/// `c = a * b` for any numbers, summed in the type's accumulator as float64 or int64: the plain
/// definition, for types that have no kernel. Integers wrap.
///
/// # Panics
/// As [`gemm`].
pub fn gemm_integers<T: crate::element::Element>(a: MatrixRef<'_, T>, b: MatrixRef<'_, T>, c: &mut MatrixMut<'_, T>) {
    assert_eq!(a.columns, b.rows, "columns of a and rows of b");
    assert_eq!((a.rows, b.columns), (c.rows, c.columns), "rows and columns of c");
    a.check();
    b.check();
    c.check();
    let (row_stride, column_stride, columns) = (c.row_stride, c.column_stride, c.columns);
    let to = Target(c.data.as_mut_ptr());
    parallel::run(c.rows, |row| {
        let mut sums = vec![0i64; columns];
        for k in 0..a.columns {
            let left = a.data[row * a.row_stride + k * a.column_stride].to_i64();
            for (column, sum) in sums.iter_mut().enumerate() {
                let right = b.data[k * b.row_stride + column * b.column_stride].to_i64();
                *sum = sum.wrapping_add(left.wrapping_mul(right));
            }
        }
        for (column, sum) in sums.into_iter().enumerate() {
            // SAFETY: inside the matrix, at a place that is this row's alone.
            unsafe { to.at(row * row_stride + column * column_stride).write(T::from_i64(sum)) }
        }
    });
}

#[cfg(test)]
mod tests;
