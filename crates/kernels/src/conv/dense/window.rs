//! Which pixels of an image a grid of positions sees.
//!
//! Each of the three passes reads images through windows: output position `p` and tap `t` see the
//! pixel at `p * step + offset(t)`, or a zero where that lies outside. For the forward pass a
//! position is an output pixel and the taps are the kernel's elements; the data gradient uses the
//! same with other taps. Positions of all images of a batch are counted in one row.

use super::super::{Geometry, ImageLayout};
use smallvec::SmallVec;
use std::ops::Range;

/// A grid of positions over a batch of images, and taps at fixed distances from each position.
#[derive(Clone, Debug)]
pub(super) struct Window {
    pub layout: ImageLayout,
    pub batch: usize,
    /// Channels of an image, all groups together, and of one group.
    pub channels: usize,
    pub group_channels: usize,
    /// Size of an image.
    pub size: [usize; 3],
    /// Positions per image.
    pub grid: [usize; 3],
    /// Pixels from one position to the next.
    pub step: [usize; 3],
    /// Where each tap lies, seen from a position.
    pub taps: Vec<[isize; 3]>,
}

/// A run of positions that are neighbours along the width.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    /// The first position's place among all positions that were asked for.
    pub first: usize,
    pub len: usize,
    image: usize,
    /// The first position's pixel, before a tap's offset.
    at: [isize; 3],
}

/// Pixels that a vector's lanes see: lane `i` of the mask is at `offset + i * step` of the image
/// data (a wrapping distance: lanes outside the mask may be anywhere).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Piece {
    pub offset: isize,
    pub mask: u32,
}

pub(super) type Pieces = SmallVec<[Piece; 16]>;

impl Window {
    /// The windows of the forward pass.
    pub fn forward(g: &Geometry, layout: ImageLayout) -> Self {
        let [kd, kh, kw] = g.kernel;
        let mut taps = Vec::with_capacity(kd * kh * kw);
        let offset = |axis: usize, k: usize| (k * g.dilation[axis]) as isize - g.padding_begin[axis] as isize;
        for d in 0..kd {
            for h in 0..kh {
                taps.extend((0..kw).map(|w| [offset(0, d), offset(1, h), offset(2, w)]));
            }
        }
        Self {
            layout,
            batch: g.batch,
            channels: g.in_channels,
            group_channels: g.group_in_channels(),
            size: g.input,
            grid: g.output(),
            step: g.stride,
            taps,
        }
        .simplified()
    }

    /// Every pixel of the output once: a position sees itself.
    pub fn output(g: &Geometry, layout: ImageLayout) -> Self {
        Self {
            layout,
            batch: g.batch,
            channels: g.out_channels,
            group_channels: g.group_out_channels(),
            size: g.output(),
            grid: g.output(),
            step: [1; 3],
            taps: vec![[0; 3]],
        }
        .simplified()
    }

    /// The same windows with the rows of an image joined, where every position sees just itself:
    /// vectors then need not stop at the end of a row.
    pub fn simplified(mut self) -> Self {
        if self.step == [1; 3] && self.grid == self.size && self.taps == [[0; 3]] {
            let pixels = self.size.iter().product();
            self.size = [1, 1, pixels];
            self.grid = [1, 1, pixels];
        }
        self
    }

    /// How many positions there are in all images.
    pub fn positions(&self) -> usize {
        self.batch * self.grid.iter().product::<usize>()
    }

    /// Numbers from a pixel to the next along the width, and from a channel to the next.
    pub fn pixel_and_channel_strides(&self) -> (usize, usize) {
        match self.layout {
            ImageLayout::ChannelsFirst => (1, self.size.iter().product()),
            ImageLayout::ChannelsLast => (self.channels, 1),
        }
    }

    /// Positions cut where a row of the grid ends.
    pub fn runs(&self, positions: Range<usize>) -> impl Iterator<Item = Run> + '_ {
        let [depth, height, width] = self.grid;
        let mut position = positions.start;
        std::iter::from_fn(move || {
            if position >= positions.end {
                return None;
            }
            let (row, w) = (position / width, position % width);
            let (plane, h) = (row / height, row % height);
            let (image, d) = (plane / depth, plane % depth);
            let len = (width - w).min(positions.end - position);
            let at = [d, h, w];
            let at = std::array::from_fn(|axis| (at[axis] * self.step[axis]) as isize);
            let run = Run { first: position - positions.start, len, image, at };
            position += len;
            Some(run)
        })
    }

    /// From the first number that positions of one image see to the last, in the first channel of
    /// channels-first images; of several images, those of the first.
    pub fn pixels(&self, positions: &Range<usize>) -> Range<usize> {
        let (Some(first), Some(last)) = (self.taps.first(), self.taps.last()) else { return 0..0 };
        let [_, height, width] = self.grid;
        let image_positions: usize = self.grid.iter().product();
        let image = positions.start / image_positions.max(1);
        let end = positions.end.min((image + 1) * image_positions);
        if positions.start >= end {
            return 0..0;
        }
        let pixel = |position: usize, tap: &[isize; 3]| {
            let at = [position / (width * height) % self.grid[0], position / width % height, position % width];
            (0..3).fold(0, |pixel, axis| {
                let seen = (at[axis] * self.step[axis]).saturating_add_signed(tap[axis]);
                pixel * self.size[axis] + seen.min(self.size[axis].saturating_sub(1))
            })
        };
        let start = image * self.channels * self.size.iter().product::<usize>();
        let (from, to) = (pixel(positions.start, first), pixel(end - 1, last));
        start + from..start + from.max(to) + 1
    }

    /// What a run sees through a tap: which of its positions see a pixel at all, and where the
    /// first position's pixel is (a distance that is meant to be wrapped if it is outside).
    pub fn see(&self, run: &Run, tap: [isize; 3]) -> (Range<usize>, isize) {
        let [d, h, w] = [0, 1, 2].map(|axis| run.at[axis] + tap[axis]);
        let [depth, height, width] = self.size.map(|size| size as isize);
        if d < 0 || d >= depth || h < 0 || h >= height {
            return (0..0, 0);
        }
        let step = self.step[2] as isize;
        // The first `i` with `w + i * step >= 0` and the first with `w + i * step >= width`.
        let least = |bound: isize| {
            if bound <= 0 {
                0
            } else if step == 1 {
                bound as usize
            } else {
                bound.unsigned_abs().div_ceil(step.unsigned_abs())
            }
        };
        let begin = least(-w).min(run.len);
        let end = least(width - w).min(run.len);
        let pixel = ((run.image as isize * depth + d) * height + h) * width + w;
        let offset = match self.layout {
            // Images are `channels` planes apart, of which `pixel` counted one.
            ImageLayout::ChannelsFirst => {
                pixel + run.image as isize * (self.channels as isize - 1) * depth * height * width
            }
            ImageLayout::ChannelsLast => pixel * self.channels as isize,
        };
        (begin..end.max(begin), offset)
    }

    /// What a vector over the positions from `first` on sees through each tap, for channels-first
    /// images: for each tap the pieces whose lanes together are those that see a pixel.
    pub fn pieces(&self, runs: &[Run], tap: [isize; 3], pieces: &mut Pieces) {
        pieces.clear();
        for run in runs {
            let (seen, offset) = self.see(run, tap);
            if !seen.is_empty() {
                let mask = (((1u64 << seen.len()) - 1) << (run.first + seen.start)) as u32;
                pieces.push(Piece { offset: offset - (run.first * self.step[2]) as isize, mask });
            }
        }
    }
}
