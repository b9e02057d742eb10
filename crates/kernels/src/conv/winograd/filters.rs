//! Transforming weights, and a weight's gradient back.

use super::super::Geometry;
use super::scheme::{Place, Scheme};
use super::strip::{MOST_LANES, transpose};
use crate::scratch::Scratch;
use crate::simd::{Float, Vectors, first_lanes};
use std::ops::Range;

/// The most taps that a filter of any scheme has.
const MOST_TAPS: usize = 25;
/// Source channels whose filters are transformed together.
pub(super) const FILTER_CHANNELS: usize = 32;

/// A weight as filters from source channels to result channels.
#[derive(Clone, Copy)]
pub(super) struct Filters<P> {
    /// The weight's first number.
    pub weight: P,
    pub sources: usize,
    pub results: usize,
    /// Numbers from one source channel's taps to the next's, and from one result channel's.
    source_stride: usize,
    result_stride: usize,
    /// Whether the last tap comes first.
    turned: bool,
}

impl<P> Filters<P> {
    fn new(g: &Geometry, weight: P, turned: bool) -> Self {
        let taps = g.kernel.iter().product::<usize>();
        let (inner, outer) = (taps, taps * g.in_channels);
        let (inputs, outputs) = (g.in_channels, g.out_channels);
        if turned {
            Self { weight, sources: outputs, results: inputs, source_stride: outer, result_stride: inner, turned }
        } else {
            Self { weight, sources: inputs, results: outputs, source_stride: inner, result_stride: outer, turned }
        }
    }
}

impl<'a, T: Float> Filters<&'a [T]> {
    /// Whether the filters of a result channel follow each other.
    fn copies(&self, taps: usize) -> bool {
        self.source_stride == taps && !self.turned
    }

    /// From the input to the output.
    pub fn forward(g: &Geometry, weight: &'a [T]) -> Self {
        Self::new(g, weight, false)
    }

    /// From the output's gradient to the input's.
    pub fn data_gradient(g: &Geometry, weight: &'a [T]) -> Self {
        Self::new(g, weight, true)
    }

    /// Transforms the filters from some source channels to a vector's worth of result channels from
    /// `result` on: a vector for each place and source, places `plane` and sources `step` numbers
    /// apart. Lanes beyond the last result channel are zero.
    ///
    /// # Safety
    /// The vectors must be writable.
    #[inline(always)]
    pub unsafe fn transform<F: Scheme, S: Vectors<T>>(
        &self,
        simd: S,
        result: usize,
        sources: Range<usize>,
        to: *mut T,
        [plane, step]: [usize; 2],
    ) {
        let taps = F::TAPS[0] * F::TAPS[1];
        let mut filter = [T::ZERO; MOST_TAPS * MOST_LANES];
        // The last panel may have lanes that no channel has.
        let lanes = self.results.saturating_sub(result).min(S::LANES);
        let place = result * self.result_stride + sources.start * self.source_stride;
        let first = self.weight.as_ptr().wrapping_add(place);
        // Filters of one result channel that follow each other are first copied: in the weight, those
        // of other channels are often a power of two away, where they compete for the same places
        // in the cache.
        let rows = Rows { len: sources.len() * taps, stride: self.result_stride };
        let mut copy = self.copies(taps).then(|| Scratch::<T>::new(lanes * rows.pitch()));
        let (start, lane_stride, step_between) = match &mut copy {
            Some(copy) => {
                for lane in 0..lanes {
                    // SAFETY: filters that exist, and room for them.
                    unsafe {
                        let from = first.add(lane * rows.stride);
                        copy.address().add(lane * rows.pitch()).copy_from_nonoverlapping(from, rows.len);
                    }
                }
                (copy.address().cast_const(), rows.pitch(), taps)
            }
            None => (first, self.result_stride, self.source_stride),
        };
        for i in 0..sources.len() {
            let from = start.wrapping_add(i * step_between);
            for first in (0..taps).step_by(S::LANES) {
                let count = (taps - first).min(S::LANES);
                let mut square = [simd.zero(); MOST_LANES];
                for (lane, vector) in square.iter_mut().enumerate().take(S::LANES) {
                    let mask = if lane < lanes { first_lanes(count) } else { 0 };
                    let from = from.wrapping_add(lane * lane_stride + first);
                    // SAFETY: taps of a filter that exists.
                    *vector = unsafe { simd.load_masked(simd.zero(), from, mask) };
                }
                transpose::<T, S>(simd, &mut square);
                for (k, vector) in square.into_iter().enumerate().take(S::LANES) {
                    if k < count {
                        let tap = if self.turned { taps - 1 - (first + k) } else { first + k };
                        simd.store_slice(&mut filter[tap * S::LANES..], vector);
                    }
                }
            }
            let place = Place { start: filter.as_ptr(), row: F::TAPS[1] * S::LANES, column: S::LANES };
            // SAFETY: the filter is the one just read; the caller vouches for the vectors.
            unsafe { F::filter(simd, place, to.add(i * step), plane) }
        }
    }
}

impl<T: Float> Filters<*mut T> {
    /// From the input to the output.
    pub fn gradient(g: &Geometry, grad_weight: *mut T) -> Self {
        Self::new(g, grad_weight, false)
    }

    /// Transforms a gradient back, for some source channels and a vector's worth of result channels
    /// from `result` on: vectors `plane` numbers apart for places, and `step` for sources. Whether
    /// all of it is finite.
    ///
    /// # Safety
    /// The vectors must be readable, and the weight writable, these filters by this thread alone.
    #[inline(always)]
    pub unsafe fn transform_back<F: Scheme, S: Vectors<T>>(
        &self,
        simd: S,
        result: usize,
        sources: Range<usize>,
        from: *const T,
        [plane, step]: [usize; 2],
    ) -> bool {
        let taps = F::TAPS[0] * F::TAPS[1];
        let mut filter = [T::ZERO; MOST_TAPS * MOST_LANES];
        let lanes = self.results.saturating_sub(result).min(S::LANES);
        let first = self.weight.wrapping_add(result * self.result_stride + sources.start * self.source_stride);
        // As for the transform: rows are collected, then copied.
        let rows = Rows { len: sources.len() * taps, stride: self.result_stride };
        let mut copy = Scratch::<T>::new(lanes * rows.pitch());
        // Zero times a number is zero if that is finite.
        let mut nothing = simd.zero();
        for i in 0..sources.len() {
            let place = Place { start: filter.as_mut_ptr(), row: F::TAPS[1] * S::LANES, column: S::LANES };
            // SAFETY: promised by the caller.
            unsafe { F::filter_gradient(simd, from.add(i * step), plane, place) }
            for tap in (0..taps).step_by(S::LANES) {
                let count = (taps - tap).min(S::LANES);
                let mut square = [simd.zero(); MOST_LANES];
                for (k, vector) in square.iter_mut().enumerate().take(S::LANES) {
                    if k < count {
                        *vector = simd.load_slice(&filter[(tap + k) * S::LANES..]);
                        nothing = simd.mul_add(*vector, simd.zero(), nothing);
                    }
                }
                transpose::<T, S>(simd, &mut square);
                for (lane, vector) in square.into_iter().enumerate().take(S::LANES) {
                    if lane < lanes {
                        let to = copy.address().wrapping_add(lane * rows.pitch() + i * taps + tap);
                        // SAFETY: a row's numbers.
                        unsafe { simd.store_masked(to, first_lanes(count), vector) }
                    }
                }
            }
        }
        for lane in 0..lanes {
            // SAFETY: filters that exist, the caller's alone.
            unsafe {
                let from = copy.address().add(lane * rows.pitch());
                first.add(lane * rows.stride).copy_from_nonoverlapping(from, rows.len);
            }
        }
        simd.sum(nothing) == T::ZERO
    }
}

/// Filters of one result channel in a row, for each of some channels.
struct Rows {
    len: usize,
    /// Numbers from one row to the next in the weight.
    stride: usize,
}

impl Rows {
    /// Numbers from one row to the next in a copy: some more than the row has, and no power of two.
    fn pitch(&self) -> usize {
        self.len.next_multiple_of(2 * MOST_LANES) + MOST_LANES
    }
}
