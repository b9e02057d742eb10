//! The two-dimensional transforms: the same map for the rows, then for the columns.

use super::points::{Combine, Evaluate, Interpolate, Map};
use crate::simd::{Float, Vectors};

/// A grid of vectors in memory.
#[derive(Clone, Copy)]
pub(super) struct Place<P> {
    pub start: P,
    /// Numbers from one row to the next, and from one column to the next.
    pub row: usize,
    pub column: usize,
}

/// A way to filter tiles. All methods read and write grids of vectors: a tile's pixels or a
/// filter's taps on the one side, a vector for each place of the transformed tile on the other,
/// `plane` numbers apart.
pub(super) trait Scheme: Send + Sync + 'static {
    /// For a person who asks.
    const NAME: &'static str;
    /// Height and width of the filter, of a tile's results, and of its sources.
    const TAPS: [usize; 2];
    /// See `TAPS`.
    const TILE: [usize; 2];
    /// See `TAPS`.
    const SIZE: [usize; 2];
    /// Places of a transformed tile.
    const PLACES: usize = Self::SIZE[0] * Self::SIZE[1];

    /// Transforms sources.
    ///
    /// # Safety
    /// The grids must be readable and writable.
    unsafe fn sources<T: Float, S: Vectors<T>>(simd: S, from: Place<*const T>, to: *mut T, plane: usize);
    /// Transforms a filter.
    ///
    /// # Safety
    /// The grids must be readable and writable.
    unsafe fn filter<T: Float, S: Vectors<T>>(simd: S, from: Place<*const T>, to: *mut T, plane: usize);
    /// Transforms products back to results.
    ///
    /// # Safety
    /// The grids must be readable and writable.
    unsafe fn results<T: Float, S: Vectors<T>>(simd: S, from: *const T, plane: usize, to: Place<*mut T>);
    /// Transforms gradients of results.
    ///
    /// # Safety
    /// The grids must be readable and writable.
    unsafe fn result_gradients<T: Float, S: Vectors<T>>(simd: S, from: Place<*const T>, to: *mut T, plane: usize);
    /// Transforms products back to a filter's gradient.
    ///
    /// # Safety
    /// The grids must be readable and writable.
    unsafe fn filter_gradient<T: Float, S: Vectors<T>>(simd: S, from: *const T, plane: usize, to: Place<*mut T>);
}

/// The same scheme along both axes: `SIZE = TILE + TAPS - 1` sources for `TILE` results.
pub struct Square<const SIZE: usize, const TAPS: usize, const TILE: usize>;

/// Applies a map to the columns of a grid, then to the rows of what comes of it.
#[inline(always)]
unsafe fn both_axes<T, S, F, const N: usize, const M: usize>(simd: S, from: Place<*const T>, to: Place<*mut T>)
where
    T: Float,
    S: Vectors<T>,
    F: Map<N, M>,
{
    let mut halfway = [[simd.zero(); N]; M];
    for x in 0..N {
        let mut column = [simd.zero(); N];
        for (y, vector) in column.iter_mut().enumerate() {
            // SAFETY: promised by the caller.
            *vector = unsafe { simd.load(from.start.add(y * from.row + x * from.column)) };
        }
        for (row, vector) in halfway.iter_mut().zip(F::apply::<T, S>(simd, column)) {
            row[x] = vector;
        }
    }
    for (y, row) in halfway.into_iter().enumerate() {
        for (x, vector) in F::apply::<T, S>(simd, row).into_iter().enumerate() {
            // SAFETY: promised by the caller.
            unsafe { simd.store(to.start.add(y * to.row + x * to.column), vector) }
        }
    }
}

impl<const SIZE: usize, const TAPS: usize, const TILE: usize> Scheme for Square<SIZE, TAPS, TILE> {
    const NAME: &'static str = match (TILE, TAPS) {
        (2, 3) => "winograd 2x2",
        (4, 3) => "winograd 4x4",
        (6, 3) => "winograd 6x6",
        _ => panic!("a scheme without a name"),
    };
    const TAPS: [usize; 2] = [TAPS; 2];
    const TILE: [usize; 2] = [TILE; 2];
    const SIZE: [usize; 2] = [SIZE; 2];

    #[inline(always)]
    unsafe fn sources<T: Float, S: Vectors<T>>(simd: S, from: Place<*const T>, to: *mut T, plane: usize) {
        let to = Place { start: to, row: SIZE * plane, column: plane };
        // SAFETY: passed on from the caller.
        unsafe { both_axes::<T, S, Interpolate, SIZE, SIZE>(simd, from, to) }
    }

    #[inline(always)]
    unsafe fn filter<T: Float, S: Vectors<T>>(simd: S, from: Place<*const T>, to: *mut T, plane: usize) {
        let to = Place { start: to, row: SIZE * plane, column: plane };
        // SAFETY: passed on from the caller.
        unsafe { both_axes::<T, S, Evaluate<true>, TAPS, SIZE>(simd, from, to) }
    }

    #[inline(always)]
    unsafe fn results<T: Float, S: Vectors<T>>(simd: S, from: *const T, plane: usize, to: Place<*mut T>) {
        let from = Place { start: from, row: SIZE * plane, column: plane };
        // SAFETY: passed on from the caller.
        unsafe { both_axes::<T, S, Combine<false>, SIZE, TILE>(simd, from, to) }
    }

    #[inline(always)]
    unsafe fn result_gradients<T: Float, S: Vectors<T>>(simd: S, from: Place<*const T>, to: *mut T, plane: usize) {
        let to = Place { start: to, row: SIZE * plane, column: plane };
        // SAFETY: passed on from the caller.
        unsafe { both_axes::<T, S, Evaluate<false>, TILE, SIZE>(simd, from, to) }
    }

    #[inline(always)]
    unsafe fn filter_gradient<T: Float, S: Vectors<T>>(simd: S, from: *const T, plane: usize, to: Place<*mut T>) {
        let from = Place { start: from, row: SIZE * plane, column: plane };
        // SAFETY: passed on from the caller.
        unsafe { both_axes::<T, S, Combine<true>, SIZE, TAPS>(simd, from, to) }
    }
}
