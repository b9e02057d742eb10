//! Where the products of a convolution go.

use super::super::{Geometry, ImageLayout};
use super::window::Window;
use crate::gemm::operand::Sink;
use crate::simd::Float;
use std::ops::Range;

/// Images of which a product computes pixels: channels by positions for channels-first images,
/// positions by channels for channels-last ones. Position `p` of the grid is pixel
/// `p * step + offset`.
pub(super) struct ImageSink<T> {
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
    pub fn whole(data: &mut [T], window: &Window) -> Self {
        Self {
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

    /// Calls `visit(position, image, pixel of the image)` for each position.
    fn for_each_pixel(&self, positions: Range<usize>, mut visit: impl FnMut(usize, usize, usize)) {
        let [_, height, width] = self.grid;
        for position in positions {
            let (row, w) = (position / width, position % width);
            let (plane, h) = (row / height, row % height);
            let (image, d) = (plane / self.grid[0], plane % self.grid[0]);
            let at = |axis: usize, p: usize| p * self.step[axis] + self.offset[axis];
            visit(position, image, (at(0, d) * self.size[1] + at(1, h)) * self.size[2] + at(2, w));
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
                let mut places = Vec::with_capacity(columns.len());
                self.for_each_pixel(columns, |_, image, pixel| places.push(image * self.channels * pixels + pixel));
                for (i, row) in rows.enumerate() {
                    let plane = (channel + row) * pixels;
                    for (j, &place) in places.iter().enumerate() {
                        // SAFETY: a pixel of the grid, the caller's alone.
                        unsafe { self.data.add(plane + place).write(block.add(i * stride + j).read()) }
                    }
                }
            }
            ImageLayout::ChannelsLast => self.for_each_pixel(rows.clone(), |position, image, pixel| {
                let place = (image * pixels + pixel) * self.channels + channel + columns.start;
                // SAFETY: channels of a pixel of the grid, the caller's alone.
                unsafe {
                    let from = block.add((position - rows.start) * stride);
                    self.data.add(place).copy_from_nonoverlapping(from, columns.len());
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

    fn pixel(&self, position: usize, tap: [usize; 3]) -> Option<(usize, usize)> {
        let g = self.geometry;
        let [depth, height, width] = g.output();
        let at = [position / (width * height) % depth, position / width % height, position % width];
        let mut pixel = 0;
        for axis in 0..3 {
            let padded = at[axis] * g.stride[axis] + tap[axis];
            let i = padded.checked_sub(g.padding_begin[axis]).filter(|&i| i < g.input[axis])?;
            pixel = pixel * g.input[axis] + i;
        }
        Some((position / (width * height * depth), pixel))
    }
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
                for (i, row) in rows.enumerate() {
                    let (channel, tap) = self.feature(item, row);
                    for (j, column) in columns.clone().enumerate() {
                        if let Some((image, pixel)) = self.pixel(column, tap) {
                            let place = (image * g.in_channels + channel) * pixels + pixel;
                            // SAFETY: inside the images, and no other (row, column)'s pixel.
                            unsafe { self.data.add(place).write(block.add(i * stride + j).read()) }
                        }
                    }
                }
            }
            ImageLayout::ChannelsLast => {
                let features: Vec<_> = columns.map(|column| self.feature(item, column)).collect();
                for (i, row) in rows.enumerate() {
                    for (j, &(channel, tap)) in features.iter().enumerate() {
                        if let Some((image, pixel)) = self.pixel(row, tap) {
                            let place = (image * pixels + pixel) * g.in_channels + channel;
                            // SAFETY: inside the images, and no other (row, column)'s pixel.
                            unsafe { self.data.add(place).write(block.add(i * stride + j).read()) }
                        }
                    }
                }
            }
        }
    }
}
