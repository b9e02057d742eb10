//! Pixels of some tiles beside each other, as vectors of channels: between images, in whichever
//! layout, and the transforms.
//!
//! A strip has a vector of channels for each of its pixels, row by row, and at its end room for a
//! square of numbers that nobody asked for. Channels-first images are
//! transposed on the way, a square of lanes by lanes numbers at a time.

use super::super::ImageLayout;
use crate::simd::{Float, Mask, Vectors, first_lanes};

/// More lanes than any vector has here.
pub(super) const MOST_LANES: usize = 16;

/// Images to read from or write to.
#[derive(Clone, Copy)]
pub(super) struct Images<P> {
    pub data: P,
    pub layout: ImageLayout,
    pub channels: usize,
    pub height: usize,
    pub width: usize,
}

/// Rows and columns of an image: the pixels at `row + i * row_step` and `column + j * column_step`
/// for all `i < rows` and `j < columns`; some may lie outside.
#[derive(Clone, Copy)]
pub(super) struct Window {
    pub image: usize,
    pub row: isize,
    pub rows: usize,
    pub row_step: usize,
    pub column: isize,
    pub columns: usize,
    pub column_step: usize,
}

impl Window {
    /// Those of the columns that are inside a width.
    #[inline(always)]
    fn inside(&self, width: usize) -> std::ops::Range<usize> {
        let step = self.column_step as isize;
        let before = |end: isize| (((end - self.column) + step - 1).max(0) / step) as usize;
        let start = before(0).min(self.columns);
        start..before(width as isize).min(self.columns).max(start)
    }
}

impl<P: Copy> Images<P> {
    /// Where a pixel's channel is.
    #[inline(always)]
    fn place(&self, image: usize, channel: usize, row: usize, column: isize) -> isize {
        let (channels, pixels) = (self.channels, self.height * self.width);
        let pixel = (row * self.width) as isize + column;
        match self.layout {
            ImageLayout::ChannelsFirst => ((image * channels + channel) * pixels) as isize + pixel,
            ImageLayout::ChannelsLast => ((image * pixels) as isize + pixel) * channels as isize + channel as isize,
        }
    }
}

/// Transposes a square: lane `j` of vector `i` and lane `i` of vector `j` change places. Each round
/// of interleaving turns the bits of a number's place by one.
#[inline(always)]
pub(super) fn transpose<T: Float, S: Vectors<T>>(simd: S, square: &mut [S::Vector; MOST_LANES]) {
    let half = S::LANES / 2;
    let mut rounds = S::LANES;
    while rounds > 1 {
        let before = *square;
        for i in 0..half {
            (square[2 * i], square[2 * i + 1]) = simd.interleave(before[i], before[i + half]);
        }
        rounds /= 2;
    }
}

/// Channels of an image row.
struct Rows<T> {
    from: *const T,
    /// Numbers from one channel to the next.
    pitch: usize,
    /// Channels that there are.
    count: usize,
    /// Numbers from one pixel to the next.
    step: usize,
    /// The pixels to read; others are zero.
    mask: Mask,
}

impl<T: Float> Rows<T> {
    /// Turns a vector of pixels for each channel into a vector of channels for each pixel. `FULL`
    /// says that there are as many of both as lanes, and the step is one.
    ///
    /// # Safety
    /// The pixels must be readable, and a square of numbers writable.
    #[inline(always)]
    unsafe fn transpose<S: Vectors<T>, const FULL: bool>(&self, simd: S, to: *mut T) {
        let mut square = [simd.zero(); MOST_LANES];
        for (c, vector) in square.iter_mut().enumerate().take(S::LANES) {
            let from = self.from.wrapping_add(c * self.pitch);
            // SAFETY: promised by the caller.
            unsafe {
                if FULL {
                    *vector = simd.load(from);
                } else {
                    let mask = if c < self.count { self.mask } else { 0 };
                    *vector = match self.step {
                        1 => simd.load_masked(simd.zero(), from, mask),
                        step => simd.load_masked_step(simd.zero(), from, step, mask),
                    };
                }
            }
        }
        transpose::<T, S>(simd, &mut square);
        for (k, vector) in square.into_iter().enumerate().take(S::LANES) {
            // SAFETY: promised by the caller.
            unsafe { simd.store(to.add(k * S::LANES), vector) }
        }
    }
}

/// Pixels of an image row, for some channels.
struct Columns<T> {
    to: *mut T,
    /// Numbers from one channel to the next, and how many channels there are.
    pitch: usize,
    channels: usize,
    /// Numbers from one pixel to the next, and how many pixels there are.
    step: usize,
    count: usize,
}

impl<T: Float> Columns<T> {
    /// Turns a vector of channels for each pixel into a vector of pixels for each channel. `FULL`
    /// says that there are as many of both as lanes, and the step is one.
    ///
    /// # Safety
    /// A square of numbers must be readable, and the pixels writable.
    #[inline(always)]
    unsafe fn transpose<S: Vectors<T>, const FULL: bool>(&self, simd: S, bias: S::Vector, from: *const T) {
        let mut square = [simd.zero(); MOST_LANES];
        for (k, vector) in square.iter_mut().enumerate().take(S::LANES) {
            // SAFETY: promised by the caller.
            *vector = simd.add(bias, unsafe { simd.load(from.add(k * S::LANES)) });
        }
        transpose::<T, S>(simd, &mut square);
        for (c, vector) in square.into_iter().enumerate().take(S::LANES) {
            let to = self.to.wrapping_add(c * self.pitch);
            // SAFETY: promised by the caller.
            unsafe {
                if FULL {
                    simd.store(to, vector);
                } else if c < self.channels {
                    self.store(simd, to, vector);
                }
            }
        }
    }

    /// # Safety
    /// The pixels must be writable.
    #[inline(always)]
    unsafe fn store<S: Vectors<T>>(&self, simd: S, to: *mut T, vector: S::Vector) {
        // SAFETY: promised by the caller.
        unsafe {
            if self.step == 1 {
                simd.store_masked(to, first_lanes(self.count), vector);
                return;
            }
            let mut numbers = [T::ZERO; MOST_LANES];
            simd.store(numbers.as_mut_ptr(), vector);
            for (k, number) in numbers.into_iter().enumerate().take(self.count) {
                to.add(k * self.step).write(number);
            }
        }
    }
}

/// Fills a strip with a vector's worth of channels from `channel` on; pixels outside the image and
/// channels that it has not are zero.
///
/// # Safety
/// The images must be readable and the strip writable.
#[inline(always)]
pub(super) unsafe fn read<T: Float, S: Vectors<T>>(
    simd: S,
    images: Images<*const T>,
    window: &Window,
    channel: usize,
    strip: *mut T,
) {
    let inside = window.inside(images.width);
    let channels = (images.channels - channel).min(S::LANES);
    for i in 0..window.rows {
        let row = window.row + (i * window.row_step) as isize;
        let to = strip.wrapping_add(i * window.columns * S::LANES);
        if row < 0 || row >= images.height as isize || inside.is_empty() {
            for j in 0..window.columns {
                // SAFETY: inside the strip.
                unsafe { simd.store(to.add(j * S::LANES), simd.zero()) }
            }
            continue;
        }
        let place = images.place(window.image, channel, row as usize, window.column);
        let from = images.data.wrapping_offset(place);
        match images.layout {
            ImageLayout::ChannelsFirst => {
                for j in (0..window.columns).step_by(S::LANES) {
                    let count = (window.columns - j).min(S::LANES);
                    let seen = inside.start.clamp(j, j + count) - j..inside.end.clamp(j, j + count) - j;
                    let rows = Rows {
                        from: from.wrapping_add(j * window.column_step),
                        pitch: images.height * images.width,
                        count: channels,
                        step: window.column_step,
                        mask: first_lanes(seen.end) & !first_lanes(seen.start),
                    };
                    // SAFETY: channels that exist, and columns inside the image only; what is
                    // written beyond the columns is the next row's, or the strip's slack.
                    unsafe {
                        let full = seen.len() == S::LANES && channels == S::LANES && window.column_step == 1;
                        let to = to.add(j * S::LANES);
                        if full { rows.transpose::<S, true>(simd, to) } else { rows.transpose::<S, false>(simd, to) }
                    }
                }
            }
            ImageLayout::ChannelsLast => {
                let pixel = window.column_step * images.channels;
                let mask = first_lanes(channels);
                for j in 0..window.columns {
                    // SAFETY: channels of a pixel that is inside, or none; inside the strip.
                    unsafe {
                        let vector = if !inside.contains(&j) {
                            simd.zero()
                        } else if channels == S::LANES {
                            simd.load(from.wrapping_add(j * pixel))
                        } else {
                            simd.load_masked(simd.zero(), from.wrapping_add(j * pixel), mask)
                        };
                        simd.store(to.add(j * S::LANES), vector);
                    }
                }
            }
        }
    }
}

/// Writes those pixels of a strip that are inside the image, for a vector's worth of channels from
/// `channel` on, as far as there are so many; to each a number for its channel is added.
///
/// # Safety
/// The strip must be readable and the images writable, these pixels by this thread alone.
#[inline(always)]
pub(super) unsafe fn write<T: Float, S: Vectors<T>>(
    simd: S,
    images: Images<*mut T>,
    window: &Window,
    channel: usize,
    bias: S::Vector,
    strip: *const T,
) {
    let inside = window.inside(images.width);
    let channels = (images.channels - channel).min(S::LANES);
    debug_assert_eq!(inside.start, 0, "results begin inside the image");
    for i in 0..window.rows {
        let row = window.row + (i * window.row_step) as isize;
        if row >= images.height as isize {
            return;
        }
        let from = strip.wrapping_add(i * window.columns * S::LANES);
        let place = images.place(window.image, channel, row as usize, window.column);
        let to = images.data.wrapping_offset(place);
        match images.layout {
            ImageLayout::ChannelsFirst => {
                for j in (0..inside.end).step_by(S::LANES) {
                    let count = (inside.end - j).min(S::LANES);
                    let to = Columns {
                        to: to.wrapping_add(j * window.column_step),
                        pitch: images.height * images.width,
                        channels,
                        step: window.column_step,
                        count,
                    };
                    // SAFETY: pixels inside the image, the caller's alone; what is read beyond the
                    // columns is the strip's, and not written.
                    unsafe {
                        let full = count == S::LANES && channels == S::LANES && window.column_step == 1;
                        let from = from.add(j * S::LANES);
                        if full {
                            to.transpose::<S, true>(simd, bias, from);
                        } else {
                            to.transpose::<S, false>(simd, bias, from);
                        }
                    }
                }
            }
            ImageLayout::ChannelsLast => {
                let pixel = window.column_step * images.channels;
                let mask = first_lanes(channels);
                for j in 0..inside.end {
                    // SAFETY: inside the strip; channels of a pixel inside, the caller's alone.
                    unsafe {
                        let vector = simd.add(bias, simd.load(from.add(j * S::LANES)));
                        if channels == S::LANES {
                            simd.store(to.wrapping_add(j * pixel), vector);
                        } else {
                            simd.store_masked(to.wrapping_add(j * pixel), mask, vector);
                        }
                    }
                }
            }
        }
    }
}
