//! Where the products of a convolution go.

use super::super::{Geometry, ImageLayout};
use super::window::Window;
use crate::gemm::operand::Sink;
use crate::simd::{Float, Isa, Kernel, Mask, Vectors, dispatch, first_lanes};
use smallvec::SmallVec;
use std::ops::Range;

/// Images of which a product computes pixels: channels by positions for channels-first images,
/// positions by channels for channels-last ones. Position `p` of the grid is pixel
/// `p * step + offset`.
pub(super) struct ImageSink<T> {
    pub isa: Isa,
    pub data: *mut T,
    pub layout: ImageLayout,
    pub channels: usize,
    pub group_channels: usize,
    pub size: [usize; 3],
    pub grid: [usize; 3],
    pub step: [usize; 3],
    pub offset: [usize; 3],
}

// SAFETY: blocks are written by one thread each, as `Sink::store` demands.
unsafe impl<T: Send> Sync for ImageSink<T> {}

impl<T: Float> ImageSink<T> {
    /// A sink for every pixel of images that a window also reads whole.
    pub fn whole(isa: Isa, data: &mut [T], window: &Window) -> Self {
        Self {
            isa,
            data: data.as_mut_ptr(),
            layout: window.layout,
            channels: window.channels,
            group_channels: window.group_channels,
            size: window.size,
            grid: window.size,
            step: [1; 3],
            offset: [0; 3],
        }
    }

    fn every_pixel(&self) -> bool {
        self.grid == self.size && self.step == [1; 3]
    }

    /// Calls `visit(first position, how many, image, first pixel of the image)` for each run of
    /// positions in a row of the grid; their pixels are `step[2]` apart.
    fn for_each_run(&self, positions: Range<usize>, mut visit: impl FnMut(usize, usize, usize, usize)) {
        let [depth, height, width] = self.grid;
        let mut position = positions.start;
        while position < positions.end {
            let (row, w) = (position / width, position % width);
            let (plane, h) = (row / height, row % height);
            let (image, d) = (plane / depth, plane % depth);
            let at = |axis: usize, p: usize| p * self.step[axis] + self.offset[axis];
            let len = (width - w).min(positions.end - position);
            visit(position, len, image, (at(0, d) * self.size[1] + at(1, h)) * self.size[2] + at(2, w));
            position += len;
        }
    }
}

/// Copying numbers to places at equal distances. The numbers must be readable and the places
/// writable, by this thread alone.
struct Spread<T> {
    from: *const T,
    len: usize,
    to: *mut T,
    step: usize,
}

impl<T: Float> Kernel<T> for Spread<T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Vectors<T>>(self, simd: S) {
        const EVEN: Mask = 0x5555_5555;
        let Self { from, len, to, step } = self;
        let vectors = if step == 2 { len / S::LANES } else { 0 };
        for first in (0..vectors).map(|vector| vector * S::LANES) {
            let mask = EVEN & first_lanes(S::LANES);
            // SAFETY: numbers and places that there are; the masks leave out what lies between.
            unsafe {
                let numbers = simd.load(from.add(first));
                let (low, high) = simd.interleave(numbers, numbers);
                simd.store_masked(to.add(2 * first), mask, low);
                simd.store_masked(to.wrapping_add(2 * first + S::LANES), mask, high);
            }
        }
        for i in vectors * S::LANES..len {
            // SAFETY: a number and a place that there are.
            unsafe { to.add(i * step).write(from.add(i).read()) }
        }
    }
}

impl<T: Float> Sink<T> for ImageSink<T> {
    fn direct(&self, item: usize, rows: Range<usize>, columns: Range<usize>) -> Option<(*mut T, usize)> {
        if !self.every_pixel() {
            return None;
        }
        let pixels: usize = self.size.iter().product();
        let channel = item * self.group_channels;
        match self.layout {
            ImageLayout::ChannelsFirst => {
                let (image, pixel) = (columns.start / pixels, columns.start % pixels);
                let offset = (image * self.channels + channel + rows.start) * pixels + pixel;
                (pixel + columns.len() <= pixels).then(|| (self.data.wrapping_add(offset), pixels))
            }
            ImageLayout::ChannelsLast => {
                let offset = rows.start * self.channels + channel + columns.start;
                Some((self.data.wrapping_add(offset), self.channels))
            }
        }
    }

    unsafe fn store(&self, item: usize, rows: Range<usize>, columns: Range<usize>, block: *const T, stride: usize) {
        let pixels: usize = self.size.iter().product();
        let channel = item * self.group_channels;
        match self.layout {
            ImageLayout::ChannelsFirst if self.every_pixel() => {
                let mut first = columns.start;
                while first < columns.end {
                    let (image, pixel) = (first / pixels, first % pixels);
                    let len = (pixels - pixel).min(columns.end - first);
                    for (i, row) in rows.clone().enumerate() {
                        // SAFETY: a run of pixels of one image and channel, the caller's alone.
                        unsafe {
                            let to = self.data.add((image * self.channels + channel + row) * pixels + pixel);
                            to.copy_from_nonoverlapping(block.add(i * stride + first - columns.start), len);
                        }
                    }
                    first += len;
                }
            }
            ImageLayout::ChannelsFirst => {
                self.for_each_run(columns.clone(), |position, len, image, pixel| {
                    for (i, row) in rows.clone().enumerate() {
                        let place = (image * self.channels + channel + row) * pixels + pixel;
                        // SAFETY: pixels of the grid, the caller's alone.
                        unsafe {
                            let from = block.add(i * stride + position - columns.start);
                            let (to, step) = (self.data.add(place), self.step[2]);
                            dispatch::<T, _>(self.isa, Spread { from, len, to, step });
                        }
                    }
                });
            }
            ImageLayout::ChannelsLast => self.for_each_run(rows.clone(), |position, len, image, pixel| {
                for i in 0..len {
                    let pixel = image * pixels + pixel + i * self.step[2];
                    let place = pixel * self.channels + channel + columns.start;
                    // SAFETY: channels of a pixel of the grid, the caller's alone.
                    unsafe {
                        let from = block.add((position + i - rows.start) * stride);
                        self.data.add(place).copy_from_nonoverlapping(from, columns.len());
                    }
                }
            }),
        }
    }
}

/// A weight's gradient computed with tap-major columns.
pub(super) struct TapMajorWeight<T> {
    pub data: *mut T,
    pub group_len: usize,
    pub taps: usize,
    pub channels: usize,
}

// SAFETY: blocks are written by one thread each, as `Sink::store` demands.
unsafe impl<T: Send> Sync for TapMajorWeight<T> {}

impl<T: Float> Sink<T> for TapMajorWeight<T> {
    fn direct(&self, _: usize, _: Range<usize>, _: Range<usize>) -> Option<(*mut T, usize)> {
        None
    }

    unsafe fn store(&self, item: usize, rows: Range<usize>, columns: Range<usize>, block: *const T, stride: usize) {
        for (i, row) in rows.enumerate() {
            let filter = item * self.group_len + row * self.channels * self.taps;
            for (j, column) in columns.clone().enumerate() {
                let (tap, channel) = (column / self.channels, column % self.channels);
                // SAFETY: an element of the weight, the caller's alone.
                unsafe {
                    self.data.add(filter + channel * self.taps + tap).write(block.add(i * stride + j).read());
                }
            }
        }
    }
}

/// The gradient of images whose patches under the kernel do not overlap: each (channel, tap) and
/// position is a pixel of its own. Pixels under no kernel are not written.
pub(super) struct Patches<'a, T> {
    pub isa: Isa,
    pub data: *mut T,
    pub geometry: &'a Geometry,
    pub layout: ImageLayout,
}

// SAFETY: blocks are written by one thread each, as `Sink::store` demands.
unsafe impl<T: Send> Sync for Patches<'_, T> {}

impl<T: Float> Patches<'_, T> {
    /// Where features lie relative to the pixel at a position's corner, and where the tap is.
    fn feature(&self, group: usize, feature: usize) -> (usize, [usize; 3]) {
        let g = self.geometry;
        let [_, kh, kw] = g.kernel;
        let taps = g.kernel.iter().product::<usize>();
        let (channel, tap) = (group * g.group_in_channels() + feature / taps, feature % taps);
        let at = [tap / (kh * kw), tap / kw % kh, tap % kw];
        (channel, std::array::from_fn(|axis| at[axis] * g.dilation[axis]))
    }

    /// Where a run of positions in a row of the output sees a tap: how many positions lie before
    /// the first that sees it inside the image, how many see it, and the pixel of the first.
    fn pixels(&self, run: &PatchRun, tap: [usize; 3]) -> Option<(usize, usize, usize)> {
        let g = self.geometry;
        let inside = |axis: usize| {
            let padded = run.corner[axis] + tap[axis];
            padded.checked_sub(g.padding_begin[axis]).filter(|&i| i < g.input[axis])
        };
        let row = inside(0)? * g.input[1] + inside(1)?;
        let (first, stride) = (run.corner[2] + tap[2], g.stride[2]);
        // The first `i` with `first + i * stride` at least so much.
        let least = |bound: usize| match bound.saturating_sub(first) {
            0 => 0,
            missing => missing.div_ceil(stride).min(run.len),
        };
        let bounds = g.padding_begin[2]..g.padding_begin[2] + g.input[2];
        let begin = least(bounds.start);
        let end = if first + (run.len - 1) * stride < bounds.end { run.len } else { least(bounds.end) };
        let pixel = || row * g.input[2] + first + begin * stride - g.padding_begin[2];
        (begin < end).then(|| (begin, end - begin, pixel()))
    }

    /// The runs of positions in rows of the output.
    fn runs(&self, positions: Range<usize>) -> SmallVec<[PatchRun; 32]> {
        let g = self.geometry;
        let [depth, height, width] = g.output();
        let mut runs = SmallVec::new();
        let mut position = positions.start;
        while position < positions.end {
            let (row, w) = (position / width, position % width);
            let (plane, h) = (row / height, row % height);
            let len = (width - w).min(positions.end - position);
            let at = [plane % depth, h, w];
            let corner = std::array::from_fn(|axis| at[axis] * g.stride[axis]);
            runs.push(PatchRun { first: position - positions.start, len, image: plane / depth, corner });
            position += len;
        }
        runs
    }
}

/// Positions that are neighbours along the width.
struct PatchRun {
    /// The first one's place among those asked for, and how many there are.
    first: usize,
    len: usize,
    image: usize,
    /// The first one's corner in the padded image.
    corner: [usize; 3],
}

impl<T: Float> Sink<T> for Patches<'_, T> {
    fn direct(&self, _: usize, _: Range<usize>, _: Range<usize>) -> Option<(*mut T, usize)> {
        None
    }

    unsafe fn store(&self, item: usize, rows: Range<usize>, columns: Range<usize>, block: *const T, stride: usize) {
        let g = self.geometry;
        let pixels: usize = g.input.iter().product();
        match self.layout {
            ImageLayout::ChannelsFirst => {
                let runs = self.runs(columns);
                for (i, row) in rows.enumerate() {
                    let (channel, tap) = self.feature(item, row);
                    for run in &runs {
                        if let Some((before, count, pixel)) = self.pixels(run, tap) {
                            let place = (run.image * g.in_channels + channel) * pixels + pixel;
                            // SAFETY: inside the images, and no other (row, column)'s pixels.
                            unsafe {
                                let from = block.add(i * stride + run.first + before);
                                let (to, step) = (self.data.add(place), g.stride[2]);
                                dispatch::<T, _>(self.isa, Spread { from, len: count, to, step });
                            }
                        }
                    }
                }
            }
            ImageLayout::ChannelsLast => {
                let features: Vec<_> = columns.map(|column| self.feature(item, column)).collect();
                for run in self.runs(rows) {
                    for (j, &(channel, tap)) in features.iter().enumerate() {
                        if let Some((before, count, pixel)) = self.pixels(&run, tap) {
                            for i in 0..count {
                                let pixel = run.image * pixels + pixel + i * g.stride[2];
                                // SAFETY: inside the images, and no other (row, column)'s pixel.
                                unsafe {
                                    let from = block.add((run.first + before + i) * stride + j);
                                    self.data.add(pixel * g.in_channels + channel).write(from.read());
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
