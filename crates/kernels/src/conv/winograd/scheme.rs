//! The two-dimensional transforms: the same map for the rows, then for the columns.

use super::points::{Combine, Evaluate, Interpolate, Map, Same};
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
/// A scheme along the width, for filters of one row.
pub struct Flat<const SIZE: usize, const TAPS: usize, const TILE: usize>;
/// A scheme along the height, for filters of one column.
pub struct Tall<const SIZE: usize, const TAPS: usize, const TILE: usize>;

/// Applies a map to the columns of a grid, then another to the rows of what comes of it.
///
/// # Safety
/// The grids must be readable and writable.
#[inline(always)]
unsafe fn both_axes<T, S, F, G, const N: usize, const M: usize, const P: usize, const Q: usize>(
    simd: S,
    from: Place<*const T>,
    to: Place<*mut T>,
) where
    T: Float,
    S: Vectors<T>,
    F: Map<N, M>,
    G: Map<P, Q>,
{
    let mut halfway = [[simd.zero(); P]; M];
    for x in 0..P {
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
        for (x, vector) in G::apply::<T, S>(simd, row).into_iter().enumerate() {
            // SAFETY: promised by the caller.
            unsafe { simd.store(to.start.add(y * to.row + x * to.column), vector) }
        }
    }
}

/// A scheme from the maps of its two axes; `$tall` and `$wide` are the sizes along the height and
/// the width.
macro_rules! scheme {
    ($scheme:ident, [$($name:literal: $name_tile:literal, $name_taps:literal);*],
     [$tall_size:expr, $tall_taps:expr, $tall_tile:expr], [$wide_size:expr, $wide_taps:expr, $wide_tile:expr],
     $sources:ty, $filter:ty, $results:ty, $result_gradients:ty, $filter_gradient:ty;
     $other_sources:ty, $other_filter:ty, $other_results:ty, $other_result_gradients:ty, $other_filter_gradient:ty) => {
        impl<const SIZE: usize, const TAPS: usize, const TILE: usize> Scheme for $scheme<SIZE, TAPS, TILE> {
            const NAME: &'static str = match (TILE, TAPS) {
                $(($name_tile, $name_taps) => $name,)*
                _ => panic!("a scheme without a name"),
            };
            const TAPS: [usize; 2] = [$tall_taps, $wide_taps];
            const TILE: [usize; 2] = [$tall_tile, $wide_tile];
            const SIZE: [usize; 2] = [$tall_size, $wide_size];

            #[inline(always)]
            unsafe fn sources<T: Float, S: Vectors<T>>(simd: S, from: Place<*const T>, to: *mut T, plane: usize) {
                let to = Place { start: to, row: $wide_size * plane, column: plane };
                // SAFETY: passed on from the caller.
                unsafe {
                    both_axes::<T, S, $sources, $other_sources, $tall_size, $tall_size, $wide_size, $wide_size>(
                        simd, from, to,
                    );
                }
            }

            #[inline(always)]
            unsafe fn filter<T: Float, S: Vectors<T>>(simd: S, from: Place<*const T>, to: *mut T, plane: usize) {
                let to = Place { start: to, row: $wide_size * plane, column: plane };
                // SAFETY: passed on from the caller.
                unsafe {
                    both_axes::<T, S, $filter, $other_filter, $tall_taps, $tall_size, $wide_taps, $wide_size>(
                        simd, from, to,
                    );
                }
            }

            #[inline(always)]
            unsafe fn results<T: Float, S: Vectors<T>>(simd: S, from: *const T, plane: usize, to: Place<*mut T>) {
                let from = Place { start: from, row: $wide_size * plane, column: plane };
                // SAFETY: passed on from the caller.
                unsafe {
                    both_axes::<T, S, $results, $other_results, $tall_size, $tall_tile, $wide_size, $wide_tile>(
                        simd, from, to,
                    );
                }
            }

            #[inline(always)]
            unsafe fn result_gradients<T: Float, S: Vectors<T>>(
                simd: S,
                from: Place<*const T>,
                to: *mut T,
                plane: usize,
            ) {
                let to = Place { start: to, row: $wide_size * plane, column: plane };
                // SAFETY: passed on from the caller.
                unsafe {
                    both_axes::<
                        T,
                        S,
                        $result_gradients,
                        $other_result_gradients,
                        $tall_tile,
                        $tall_size,
                        $wide_tile,
                        $wide_size,
                    >(simd, from, to);
                }
            }

            #[inline(always)]
            unsafe fn filter_gradient<T: Float, S: Vectors<T>>(
                simd: S,
                from: *const T,
                plane: usize,
                to: Place<*mut T>,
            ) {
                let from = Place { start: from, row: $wide_size * plane, column: plane };
                // SAFETY: passed on from the caller.
                unsafe {
                    both_axes::<
                        T,
                        S,
                        $filter_gradient,
                        $other_filter_gradient,
                        $tall_size,
                        $tall_taps,
                        $wide_size,
                        $wide_taps,
                    >(simd, from, to);
                }
            }
        }
    };
}

scheme!(
    Square,
    ["winograd 2x2": 2, 3; "winograd 4x4": 4, 3; "winograd 2x2 of 5x5": 2, 5],
    [SIZE, TAPS, TILE], [SIZE, TAPS, TILE],
    Interpolate, Evaluate<true>, Combine<false>, Evaluate<false>, Combine<true>;
    Interpolate, Evaluate<true>, Combine<false>, Evaluate<false>, Combine<true>
);
scheme!(
    Flat,
    ["winograd 4 of 1x3": 4, 3; "winograd 2 of 1x7": 2, 7],
    [1, 1, 1], [SIZE, TAPS, TILE],
    Same, Same, Same, Same, Same;
    Interpolate, Evaluate<true>, Combine<false>, Evaluate<false>, Combine<true>
);
scheme!(
    Tall,
    ["winograd 4 of 3x1": 4, 3; "winograd 2 of 7x1": 2, 7],
    [SIZE, TAPS, TILE], [1, 1, 1],
    Interpolate, Evaluate<true>, Combine<false>, Evaluate<false>, Combine<true>;
    Same, Same, Same, Same, Same
);
