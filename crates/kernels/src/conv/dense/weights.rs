//! Weights as an operand of a product.

use crate::gemm::kernel::TileShape;
use crate::gemm::operand::{Form, Operand, Part};
use crate::simd::{Float, Isa};
use smallvec::SmallVec;

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
        let panels: SmallVec<[_; 32]> = part.panels().collect();
        let from = &self.data[part.item * self.group_stride..];
        // In the order of the weight, whose distances are the caches' enemies.
        if self.lane_stride < self.channel_stride {
            for (channel, steps) in self.channels(part) {
                for &(first, lanes, panel) in &panels {
                    let filled = lanes.next_multiple_of(lanes_of_a_vector).min(width);
                    for (step, tap) in steps.clone() {
                        // SAFETY: the panel has `width` numbers for each step.
                        let to = unsafe { std::slice::from_raw_parts_mut(to.add(panel + step * width), filled) };
                        let from = &from[channel * self.channel_stride + first * self.lane_stride + self.taps[tap]..];
                        if self.lane_stride == 1 {
                            to[..lanes].copy_from_slice(&from[..lanes]);
                        } else {
                            let numbers = from.iter().step_by(self.lane_stride);
                            to[..lanes].iter_mut().zip(numbers).for_each(|(to, &from)| *to = from);
                        }
                        to[lanes..].fill(T::ZERO);
                    }
                }
            }
            return;
        }
        for &(first, lanes, panel) in &panels {
            let filled = lanes.next_multiple_of(lanes_of_a_vector).min(width);
            for lane in 0..filled {
                let row = from.get((first + lane) * self.lane_stride..).filter(|_| lane < lanes);
                for (channel, steps) in self.channels(part) {
                    for (step, tap) in steps {
                        let number = row.map_or(T::ZERO, |row| row[channel * self.channel_stride + self.taps[tap]]);
                        // SAFETY: the panel has `width` numbers for each step.
                        unsafe { to.add(panel + step * width + lane).write(number) }
                    }
                }
            }
        }
    }
}

impl<T> Weights<'_, T> {
    /// The channels of a part's depth, each with its steps (counted from the part's first) and taps.
    fn channels(&self, part: &Part) -> impl Iterator<Item = (usize, impl Iterator<Item = (usize, usize)> + Clone)> {
        let (taps, depth) = (self.taps.len(), part.depth.clone());
        let (all, tap_major) = (self.channels, self.tap_major);
        let channels = if tap_major { 0..all } else { depth.start / taps..depth.end.div_ceil(taps) };
        channels.map(move |channel| {
            let depth = depth.clone();
            let steps = (0..taps).filter_map(move |tap| {
                let step = if tap_major { tap * all + channel } else { channel * taps + tap };
                depth.contains(&step).then(|| (step - depth.start, tap))
            });
            (channel, steps)
        })
    }
}
