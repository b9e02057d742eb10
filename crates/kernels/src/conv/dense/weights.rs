//! Weights as an operand of a product.

use crate::gemm::ahead::Region;
use crate::gemm::operand::{Form, Operand, Part};
use crate::simd::{Float, Isa, Kernel, Vectors, dispatch, first_lanes, prefetch};
use smallvec::SmallVec;
use std::mem::MaybeUninit;
use std::ops::Range;

/// How far ahead channels are asked for while they are packed.
const CHANNELS_AHEAD: usize = 4;

/// A weight whose lanes are one of its channel dimensions and whose depth is the other channel
/// dimension and the taps, in the order of [`super::images::Images`]' features.
pub(super) struct Weights<'a, T> {
    pub data: &'a [T],
    /// Numbers from one group to the next.
    pub group_stride: usize,
    pub lane_stride: usize,
    /// Along the depth.
    pub channel_stride: usize,
    /// Channels of the depth.
    pub channels: usize,
    /// How many elements a kernel has, and where those of the depth are among them.
    pub kernel: usize,
    pub taps: &'a [usize],
    /// Whether the depth counts taps before channels.
    pub tap_major: bool,
}

impl<T: Float> Operand<T> for Weights<'_, T> {
    fn region(&self, part: &Part) -> Region<T> {
        let channels = self.channels(part);
        let start = part.item * self.group_stride + channels.start * self.channel_stride;
        let start = self.data.as_ptr().wrapping_add(start + part.lanes.start * self.lane_stride);
        if self.lane_stride < self.channel_stride {
            let len = part.lanes.len() * self.lane_stride;
            Region { start, rows: channels.len(), stride: self.channel_stride, len }
        } else {
            let len = channels.len() * self.channel_stride;
            Region { start, rows: part.lanes.len(), stride: self.lane_stride, len }
        }
    }

    unsafe fn pack(&self, isa: Isa, part: &Part, to: *mut T) {
        dispatch::<T, _>(isa, Pack { weights: self, part, to });
    }
}

/// A tap of the depth: its step, counted from the part's first, and its place in the kernel.
type Step = (usize, usize);

impl<T> Weights<'_, T> {
    /// The channels of a part's depth.
    fn channels(&self, part: &Part) -> Range<usize> {
        let taps = self.taps.len();
        if self.tap_major { 0..self.channels } else { part.depth.start / taps..part.depth.end.div_ceil(taps) }
    }

    /// The taps of a channel that are in a part's depth.
    fn steps(&self, part: &Part, channel: usize) -> SmallVec<[Step; 64]> {
        let step = |tap: usize| match self.tap_major {
            true => tap * self.channels + channel,
            false => channel * self.taps.len() + tap,
        };
        let of_depth = |(tap, &place): (usize, &usize)| {
            part.depth.contains(&step(tap)).then(|| (step(tap) - part.depth.start, place))
        };
        self.taps.iter().enumerate().filter_map(of_depth).collect()
    }
}

struct Pack<'a, T> {
    weights: &'a Weights<'a, T>,
    part: &'a Part,
    to: *mut T,
}

impl<T: Float> Kernel<T> for Pack<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Vectors<T>>(self, simd: S) {
        let Self { weights, part, .. } = self;
        let channels = weights.channels(part);
        let quads: SmallVec<[Quad; 64]> = part.panels().flat_map(|panel| quads_of::<T, S>(part, panel)).collect();
        // In the order of the weight, whose distances are the caches' enemies.
        if weights.lane_stride < weights.channel_stride {
            let line = 64 / size_of::<T>();
            let reach = part.lanes.start * weights.lane_stride..part.lanes.end * weights.lane_stride;
            for channel in channels {
                // A channel's numbers for these lanes are few, and far from the next channel's: the
                // hardware does not foresee them.
                let start = part.item * weights.group_stride + (channel + CHANNELS_AHEAD) * weights.channel_stride;
                let ahead = weights.data.as_ptr().wrapping_add(start);
                for number in reach.clone().step_by(line) {
                    prefetch(ahead.wrapping_add(number));
                }
                let steps = weights.steps(part, channel);
                for quad in &quads {
                    self.transpose(simd, channel, &steps, quad);
                }
            }
        } else {
            let steps: Vec<_> = channels.clone().map(|channel| weights.steps(part, channel)).collect();
            for quad in &quads {
                for (channel, steps) in channels.clone().zip(&steps) {
                    self.transpose(simd, channel, steps, quad);
                }
            }
        }
    }
}

/// The lanes of a panel, and those that fill its last vector up, four by four.
fn quads_of<T: Float, S: Vectors<T>>(
    part: &Part,
    (first, lanes, panel): (usize, usize, usize),
) -> impl Iterator<Item = Quad> {
    let Form::DepthMajor { width } = part.form else { unreachable!("the form that was not preferred") };
    let filled = lanes.next_multiple_of(S::LANES).min(width);
    let quad = move |lane| Quad { lane: first + lane, lanes: lanes.saturating_sub(lane), place: panel + lane, width };
    (0..filled).step_by(4).map(quad)
}

/// Four neighbouring lanes of a panel.
struct Quad {
    /// The first lane, and how many there are from it on.
    lane: usize,
    lanes: usize,
    /// Where the first lane's number of the first step goes, and numbers from one step to the next.
    place: usize,
    width: usize,
}

impl<T: Float> Pack<'_, T> {
    /// Packs four lanes of a channel: their kernels are rows, their steps columns.
    #[inline(always)]
    fn transpose<S: Vectors<T>>(&self, simd: S, channel: usize, steps: &[Step], quad: &Quad) {
        let weights = self.weights;
        let from = &weights.data[self.part.item * weights.group_stride + channel * weights.channel_stride..];
        // No vector has more than 32 lanes.
        let mut columns = [const { MaybeUninit::<T>::uninit() }; 4 * 32];
        let columns = columns.as_mut_ptr().cast::<T>();
        let mut steps = steps.iter().peekable();
        for first in (0..weights.kernel).step_by(S::LANES) {
            let count = S::LANES.min(weights.kernel - first);
            let mut rows = [simd.zero(); 4];
            for (i, row) in rows.iter_mut().enumerate().take(quad.lanes) {
                let kernel = &from[(quad.lane + i) * weights.lane_stride + first..][..count];
                // SAFETY: the mask stops at the end of the slice.
                *row = unsafe { simd.load_masked(simd.zero(), kernel.as_ptr(), first_lanes(count)) };
            }
            // SAFETY: there is room for four numbers of each lane.
            unsafe { simd.store_transposed(columns, 4, rows) }
            while let Some((step, tap)) = steps.next_if(|&&(_, tap)| tap < first + S::LANES) {
                // SAFETY: four numbers just written, for a step of the panel, whose width is a
                // multiple of four.
                unsafe {
                    let to = self.to.add(quad.place + step * quad.width);
                    to.copy_from_nonoverlapping(columns.add(4 * (tap - first)), 4);
                }
            }
        }
    }
}
