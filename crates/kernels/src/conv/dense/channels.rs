//! Packing channels-last images: vectors of channels of one pixel.

use super::images::Images;
use crate::gemm::operand::Part;
use crate::simd::{Float, Vectors, first_lanes};

/// Lanes are positions, each by itself: all taps of a position one after the other.
///
/// # Safety
/// As [`crate::gemm::operand::Operand::pack`].
#[inline(always)]
pub(super) unsafe fn copy_rows<T: Float, S: Vectors<T>>(
    simd: S,
    images: &Images<'_, T>,
    part: &Part,
    to: *mut T,
    stride: usize,
) {
    let window = images.window;
    let channels = window.group_channels;
    let pixel = window.step[2] * window.channels;
    for (first, lanes, panel) in part.panels() {
        for run in window.runs(first..first + lanes) {
            let mut feature = part.depth.start;
            while feature < part.depth.end {
                let (tap, channel) = (feature / channels, feature % channels);
                let len = (channels - channel).min(part.depth.end - feature);
                let (seen, offset) = window.see(&run, window.taps[tap]);
                let mut from = images.group_start(part.item).wrapping_offset(offset).wrapping_add(channel);
                let mut to = to.wrapping_add(panel + run.first * stride + feature - part.depth.start);
                for i in 0..run.len {
                    let visible = seen.contains(&i);
                    for c in (0..len).step_by(S::LANES) {
                        let mask = first_lanes(len - c);
                        // SAFETY: `len` channels of a pixel that is inside the images, or none;
                        // the lane has room for them.
                        unsafe {
                            let from = from.wrapping_add(c);
                            if c + S::LANES <= len && visible {
                                simd.store(to.add(c), simd.load(from));
                            } else {
                                let read = if visible { mask } else { 0 };
                                simd.store_masked(to.add(c), mask, simd.load_masked(simd.zero(), from, read));
                            }
                        }
                    }
                    from = from.wrapping_add(pixel);
                    to = to.wrapping_add(stride);
                }
                feature += len;
            }
        }
    }
}

/// Lanes are features: a row of the panel for each position.
///
/// # Safety
/// As [`crate::gemm::operand::Operand::pack`].
#[inline(always)]
pub(super) unsafe fn copy_steps<T: Float, S: Vectors<T>>(
    simd: S,
    images: &Images<'_, T>,
    part: &Part,
    to: *mut T,
    width: usize,
) {
    let window = images.window;
    let channels = window.group_channels;
    let pixel = window.step[2] * window.channels;
    for (first, lanes, panel) in part.panels() {
        for lane in (0..lanes).step_by(S::LANES) {
            let count = (lanes - lane).min(S::LANES);
            // A panel of the left operand is narrower than a vector.
            let stored = first_lanes((width - lane).min(S::LANES));
            let to = to.wrapping_add(panel + lane);
            let mut done = 0;
            // A vector spans several taps where there are few channels.
            while done < count {
                let feature = first + lane + done;
                let (tap, channel) = (feature / channels, feature % channels);
                let len = (channels - channel).min(count - done);
                let mask = first_lanes(done + len) & !first_lanes(done);
                for run in window.runs(part.depth.clone()) {
                    let (seen, offset) = window.see(&run, window.taps[tap]);
                    let start = images.group_start(part.item).wrapping_offset(offset).wrapping_add(channel);
                    let mut from = start.wrapping_sub(done);
                    for i in 0..run.len {
                        let mask = if seen.contains(&i) { mask } else { 0 };
                        // SAFETY: the mask selects channels of a pixel that is inside the images;
                        // the panel has a row for each position.
                        unsafe {
                            let to = to.add((run.first + i) * width);
                            let before = if done == 0 { 0 } else { stored };
                            let before = simd.load_masked(simd.zero(), to, before);
                            let vector = simd.load_masked(before, from, mask);
                            if lane + S::LANES <= width {
                                simd.store(to, vector);
                            } else {
                                simd.store_masked(to, stored, vector);
                            }
                        }
                        from = from.wrapping_add(pixel);
                    }
                }
                done += len;
            }
        }
    }
}
