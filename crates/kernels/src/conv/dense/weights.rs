//! Weights as an operand of a product.

use crate::gemm::kernel::TileShape;
use crate::gemm::operand::{Form, Operand, Part};
use crate::simd::{Float, Isa};

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
    /// Where the taps of the depth are in the kernel.
    pub taps: &'a [usize],
    /// Whether the depth counts taps before channels.
    pub tap_major: bool,
}

impl<T: Float> Operand<T> for Weights<'_, T> {
    unsafe fn pack(&self, isa: Isa, part: &Part, to: *mut T) {
        if part.depth.is_empty() {
            return;
        }
        let Form::DepthMajor { width } = part.form else { unreachable!("the form that was not preferred") };
        let lanes_of_a_vector = TileShape::new::<T>(isa).lanes;
        let taps = self.taps.len();
        for (first, lanes, panel) in part.panels() {
            let filled = lanes.next_multiple_of(lanes_of_a_vector).min(width);
            let from = &self.data[part.item * self.group_stride + first * self.lane_stride..];
            let (mut channel, mut tap) = if self.tap_major {
                (part.depth.start % self.channels, part.depth.start / self.channels)
            } else {
                (part.depth.start / taps, part.depth.start % taps)
            };
            for step in 0..part.depth.len() {
                // SAFETY: the panel has `width` numbers for each step.
                let to = unsafe { std::slice::from_raw_parts_mut(to.add(panel + step * width), filled) };
                let from = &from[channel * self.channel_stride + self.taps[tap]..];
                for (to, &from) in to[..lanes].iter_mut().zip(from.iter().step_by(self.lane_stride)) {
                    *to = from;
                }
                to[lanes..].fill(T::ZERO);
                if self.tap_major {
                    channel += 1;
                    if channel == self.channels {
                        (channel, tap) = (0, tap + 1);
                    }
                } else {
                    tap += 1;
                    if tap == taps {
                        (channel, tap) = (channel + 1, 0);
                    }
                }
            }
        }
    }
}
