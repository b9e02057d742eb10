//! Packing channels-first images: vectors of pixels that are neighbours along the width.
//!
//! Which pixels a vector sees does not depend on the channel, so it is worked out once for each
//! vector and tap of a part, as masks; then channel after channel is read in order.

use super::images::{Images, Lanes};
use super::window::{Piece, Pieces, Run, Window};
use crate::gemm::operand::{Form, Part, store_steps};
use crate::simd::{Float, Vectors, first_lanes, prefetch};
use smallvec::SmallVec;
use std::ops::Range;

/// What a vector sees through a tap: a piece, and more where it spans several rows.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    piece: Piece,
    more: (u32, u32),
}

/// What vectors of positions see through all taps.
struct Table {
    vectors: usize,
    seen: SmallVec<[Seen; 160]>,
    more: SmallVec<[Piece; 64]>,
}

impl Table {
    /// For a step of two (`STEP`), the masks select numbers of twice the vector's length.
    fn new<const STEP: usize>(window: &Window, vectors: impl Iterator<Item = Range<usize>> + Clone) -> Self {
        let (taps, count) = (window.taps.len(), vectors.clone().count());
        let mut table = Self { vectors: count, seen: SmallVec::new(), more: SmallVec::new() };
        table.seen.resize(count * taps, Seen::default());
        let mut runs: SmallVec<[Run; 16]> = SmallVec::new();
        let mut pieces = Pieces::new();
        for (vector, positions) in vectors.enumerate() {
            runs.clear();
            runs.extend(window.runs(positions));
            for (t, &tap) in window.taps.iter().enumerate() {
                window.pieces(&runs, tap, &mut pieces);
                if STEP == 2 {
                    pieces.iter_mut().for_each(|piece| piece.mask = every_second(piece.mask));
                }
                if let Some((&piece, rest)) = pieces.split_first() {
                    let begin = table.more.len() as u32;
                    table.more.extend_from_slice(rest);
                    table.seen[t * count + vector] = Seen { piece, more: (begin, table.more.len() as u32) };
                }
            }
        }
        table
    }

    fn vectors_of(&self, tap: usize) -> &[Seen] {
        &self.seen[tap * self.vectors..][..self.vectors]
    }

    /// Reads what a vector sees of a channel; the other lanes are zero.
    ///
    /// # Safety
    /// The table must be that of a window over images, the channel one of theirs, and the step the
    /// window's (`STEP`, unless that is zero).
    #[inline(always)]
    unsafe fn load<T: Float, S: Vectors<T>, const STEP: usize>(
        &self,
        simd: S,
        seen: &Seen,
        channel: *const T,
        step: usize,
    ) -> S::Vector {
        let more = &self.more[seen.more.0 as usize..seen.more.1 as usize];
        // SAFETY: a piece's mask selects pixels inside the channel's images.
        unsafe {
            if STEP == 2 {
                // Every second number of two vectors, which all pieces fill before they are parted.
                let both = |[low, high]: [S::Vector; 2], piece: &Piece| {
                    let from = channel.wrapping_offset(piece.offset);
                    let low = simd.load_masked(low, from, piece.mask & first_lanes(S::LANES));
                    [low, simd.load_masked(high, from.wrapping_add(S::LANES), piece.mask >> S::LANES)]
                };
                let mut numbers = both([simd.zero(); 2], &seen.piece);
                for piece in more {
                    numbers = both(numbers, piece);
                }
                return simd.deinterleave(numbers[0], numbers[1]).0;
            }
            let step = if STEP == 0 { step } else { STEP };
            let first = channel.wrapping_offset(seen.piece.offset);
            let mut vector = simd.load_masked_step(simd.zero(), first, step, seen.piece.mask);
            for piece in more {
                let from = channel.wrapping_offset(piece.offset);
                vector = simd.load_masked_step(vector, from, step, piece.mask);
            }
            vector
        }
    }
}

/// Bit `i` of the lower half becomes bit `2 i`.
const fn every_second(mask: u32) -> u32 {
    let mask = mask & 0xffff;
    let mask = (mask | mask << 8) & 0x00ff_00ff;
    let mask = (mask | mask << 4) & 0x0f0f_0f0f;
    let mask = (mask | mask << 2) & 0x3333_3333;
    (mask | mask << 1) & 0x5555_5555
}

/// Packs a part of channels-first images whose window's step along the width is `STEP`, or any
/// where that is zero. For a step of two a vector has no more than 16 lanes.
///
/// # Safety
/// As [`crate::gemm::operand::Operand::pack`].
#[inline(always)]
pub(super) unsafe fn pack<T: Float, S: Vectors<T>, const STEP: usize>(
    simd: S,
    images: &Images<'_, T>,
    part: &Part,
    to: *mut T,
) {
    // SAFETY: passed on from the caller.
    unsafe {
        match (images.lanes, part.form) {
            (Lanes::Positions, Form::DepthMajor { width }) => {
                positions::<T, S, STEP>(simd, images, part, to, width);
            }
            (Lanes::Features, Form::LaneMajor { stride, .. }) => {
                features::<T, S, STEP>(simd, images, part, to, stride);
            }
            (Lanes::Features, Form::DepthMajor { width }) => {
                transposed::<T, S, STEP>(simd, images, part, to, width);
            }
            (Lanes::Positions, Form::LaneMajor { .. }) => unreachable!("a form that was not preferred"),
        }
    }
}

/// How far ahead channels are asked for while they are packed.
const CHANNELS_AHEAD: usize = 6;
/// The same where each channel is a lane, or four are packed together.
const LANES_AHEAD: usize = 4;

/// A range in pieces of at most a vector.
fn in_vectors(range: Range<usize>, lanes: usize) -> impl Iterator<Item = Range<usize>> + Clone {
    range.clone().step_by(lanes).map(move |first| first..range.end.min(first + lanes))
}

/// Lanes are positions: a row of the panel for each feature.
#[inline(always)]
unsafe fn positions<T: Float, S: Vectors<T>, const STEP: usize>(
    simd: S,
    images: &Images<'_, T>,
    part: &Part,
    to: *mut T,
    width: usize,
) {
    let window = images.window;
    let (taps, plane, step) = (window.taps.len(), window.pixel_and_channel_strides().1, window.step[2]);
    let panels: SmallVec<[_; 16]> = part.panels().collect();
    let vectors = panels.iter().flat_map(|&(first, count, _)| in_vectors(first..first + count, S::LANES));
    let table = Table::new::<STEP>(window, vectors);
    let (panel_vectors, panel_size) = (width.div_ceil(S::LANES), part.panel_size());
    for channel in part.depth.start / taps..part.depth.end.div_ceil(taps) {
        let image = images.group_start(part.item).wrapping_add(channel * plane);
        // A channel's pixels are few here, and far from the next channel's: the hardware does not
        // foresee them.
        for seen in table.vectors_of(taps - 1) {
            prefetch(image.wrapping_add(CHANNELS_AHEAD * plane).wrapping_offset(seen.piece.offset));
        }
        for tap in 0..taps {
            let feature = channel * taps + tap;
            if !part.depth.contains(&feature) {
                continue;
            }
            let row = (feature - part.depth.start) * width;
            for (panel, vectors) in table.vectors_of(tap).chunks(panel_vectors).enumerate() {
                for (v, seen) in vectors.iter().enumerate() {
                    // SAFETY: the table is the window's; the panel has a row for each feature.
                    unsafe {
                        let vector = table.load::<T, S, STEP>(simd, seen, image, step);
                        simd.store(to.add(panel * panel_size + row + v * S::LANES), vector);
                    }
                }
            }
        }
    }
}

/// Lanes are features, each by itself.
#[inline(always)]
unsafe fn features<T: Float, S: Vectors<T>, const STEP: usize>(
    simd: S,
    images: &Images<'_, T>,
    part: &Part,
    to: *mut T,
    stride: usize,
) {
    let window = images.window;
    let (taps, plane, step) = (window.taps.len(), window.pixel_and_channel_strides().1, window.step[2]);
    let table = Table::new::<STEP>(window, in_vectors(part.depth.clone(), S::LANES));
    for (first, lanes, panel) in part.panels() {
        for lane in 0..lanes {
            let (channel, tap) = ((first + lane) / taps, (first + lane) % taps);
            let image = images.group_start(part.item).wrapping_add(channel * plane);
            let to = to.wrapping_add(panel + lane * stride);
            if tap == 0 {
                for seen in table.vectors_of(0) {
                    prefetch(image.wrapping_add(LANES_AHEAD * plane).wrapping_offset(seen.piece.offset));
                }
            }
            for (v, seen) in table.vectors_of(tap).iter().enumerate() {
                // SAFETY: the table is the window's; a lane has room for the depth in vectors.
                unsafe { simd.store(to.add(v * S::LANES), table.load::<T, S, STEP>(simd, seen, image, step)) }
            }
        }
    }
}

/// Lanes are features, all of a position together.
#[inline(always)]
unsafe fn transposed<T: Float, S: Vectors<T>, const STEP: usize>(
    simd: S,
    images: &Images<'_, T>,
    part: &Part,
    to: *mut T,
    width: usize,
) {
    let window = images.window;
    let (taps, plane, step) = (window.taps.len(), window.pixel_and_channel_strides().1, window.step[2]);
    let table = Table::new::<STEP>(window, in_vectors(part.depth.clone(), S::LANES));
    for (first, lanes, panel) in part.panels() {
        let filled = lanes.next_multiple_of(S::LANES).min(width);
        for lane in (0..filled).step_by(4) {
            // Lanes beyond the last repeat it, masked out.
            let features = [0, 1, 2, 3].map(|i| (first + lane + i).min(first + lanes - 1));
            let channels = features.map(|feature| images.group_start(part.item).wrapping_add(feature / taps * plane));
            let seen = features.map(|feature| table.vectors_of(feature % taps));
            let ahead = channels.map(|image| image.wrapping_add(LANES_AHEAD * plane));
            for (v, positions) in in_vectors(part.depth.clone(), S::LANES).enumerate() {
                let mut rows = [simd.zero(); 4];
                for (i, row) in rows.iter_mut().enumerate() {
                    prefetch(ahead[i].wrapping_offset(seen[i][v].piece.offset));
                    if lane + i < lanes {
                        // SAFETY: the table is the window's.
                        *row = unsafe { table.load::<T, S, STEP>(simd, &seen[i][v], channels[i], step) };
                    }
                }
                // SAFETY: the panel has `width` numbers for each of these positions.
                unsafe {
                    let to = to.add(panel + v * S::LANES * width + lane);
                    store_steps(simd, to, width, positions.len(), rows);
                }
            }
        }
    }
}
