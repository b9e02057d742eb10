//! Images as operands of a product: windows gathered while they are packed.
//!
//! Either positions are the lanes of the product and features its depth, or the other way round,
//! in either layout and for either side of the product. Almost always what is contiguous in memory
//! stays contiguous in the panel, and vectors are copied; only where features of channels-first
//! images are the lanes of the right operand must pixels be transposed.

use super::super::ImageLayout;
use super::window::Window;
use super::{channels, pixels};
use crate::gemm::ahead::Region;
use crate::gemm::operand::{Form, Operand, Part};
use crate::simd::{Float, Isa, Kernel, Vectors, dispatch};
use std::ops::Range;

/// What the lanes of the product are; the other is its depth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lanes {
    Positions,
    Features,
}

/// A batch of images seen through windows. A *feature* is a channel of the group and a tap:
/// channel-major for channels-first images, as in the weight, and tap-major for channels-last
/// ones, so that neighbours in memory are neighbours.
pub(super) struct Images<'a, T> {
    pub window: &'a Window,
    pub data: &'a [T],
    pub lanes: Lanes,
}

impl<T: Float> Operand<T> for Images<'_, T> {
    fn lane_major(&self) -> bool {
        match self.lanes {
            Lanes::Positions => self.window.layout == ImageLayout::ChannelsLast,
            Lanes::Features => self.window.layout == ImageLayout::ChannelsFirst,
        }
    }

    fn region(&self, part: &Part) -> Region<T> {
        let taps = self.window.taps.len();
        let (positions, features) = match self.lanes {
            Lanes::Positions => (&part.lanes, &part.depth),
            Lanes::Features => (&part.depth, &part.lanes),
        };
        match self.window.layout {
            ImageLayout::ChannelsFirst => {
                let (_, plane) = self.window.pixel_and_channel_strides();
                let channels = features.start / taps..features.end.div_ceil(taps);
                let Range { start: first, end } = self.window.pixels(positions);
                let start = self.group_start(part.item).wrapping_add(channels.start * plane + first);
                Region { start, rows: channels.len(), stride: plane, len: end - first }
            }
            // Whole pixels follow one another, which the hardware foresees.
            ImageLayout::ChannelsLast => Region::EMPTY,
        }
    }

    unsafe fn pack(&self, isa: Isa, part: &Part, to: *mut T) {
        dispatch::<T, _>(isa, Pack { images: self, part, to });
    }
}

struct Pack<'a, T> {
    images: &'a Images<'a, T>,
    part: &'a Part,
    to: *mut T,
}

impl<T: Float> Kernel<T> for Pack<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Vectors<T>>(self, simd: S) {
        let Pack { images, part, to } = self;
        // SAFETY: as the caller of `pack` promises.
        unsafe {
            match (images.window.layout, images.lanes, part.form) {
                (ImageLayout::ChannelsFirst, _, _) if images.window.step[2] == 1 => {
                    pixels::pack::<T, S, 1>(simd, images, part, to);
                }
                (ImageLayout::ChannelsFirst, _, _) if images.window.step[2] == 2 && S::LANES <= 16 => {
                    pixels::pack::<T, S, 2>(simd, images, part, to);
                }
                (ImageLayout::ChannelsFirst, _, _) => pixels::pack::<T, S, 0>(simd, images, part, to),
                (ImageLayout::ChannelsLast, Lanes::Positions, Form::LaneMajor { stride, .. }) => {
                    channels::copy_rows(simd, images, part, to, stride);
                }
                (ImageLayout::ChannelsLast, Lanes::Features, Form::DepthMajor { width }) => {
                    channels::copy_steps(simd, images, part, to, width);
                }
                (ImageLayout::ChannelsLast, ..) => unreachable!("a form that was not preferred"),
            }
        }
    }
}

impl<T> Images<'_, T> {
    /// Where the channels of a group start.
    pub fn group_start(&self, group: usize) -> *const T {
        let stride = self.window.pixel_and_channel_strides().1;
        self.data.as_ptr().wrapping_add(group * self.window.group_channels * stride)
    }
}
