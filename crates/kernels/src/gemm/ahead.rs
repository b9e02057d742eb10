//! Asking for memory while there is something to compute.
//!
//! Packing reads memory that no cache holds, and a processor that packs does not multiply. So each
//! tile of a block asks, a line now and then, for its share of what the next block will read.
//!
//! Few at a time, evenly over all tiles: Intel's cores keep lines that are asked for in the same
//! sixteen places as those that a load waits for, so that many at once delay the multiplication's
//! own loads (by a quarter of the time, measured on Granite Rapids). And only what comes from
//! memory in short pieces: long rows the hardware foresees.

use crate::simd::prefetch_to_second_level;
use std::ops::Range;

/// Bytes of a cache line.
const LINE: usize = 64;

/// Rows of contiguous numbers that will be read. A hint: they need not be readable.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Region<T> {
    pub start: *const T,
    pub rows: usize,
    /// Numbers from one row to the next.
    pub stride: usize,
    /// Numbers in a row.
    pub len: usize,
}

impl<T> Region<T> {
    /// Nothing.
    pub const EMPTY: Self = Self { start: std::ptr::null(), rows: 0, stride: 0, len: 0 };

    /// Cache lines of a row, wherever it begins in one.
    fn lines_of_a_row(&self) -> usize {
        if self.len == 0 { 0 } else { (self.len * size_of::<T>()).div_ceil(LINE) + 1 }
    }

    /// Cache lines of all rows.
    fn lines(&self) -> usize {
        self.rows * self.lines_of_a_row()
    }

    /// Some of the lines, to be asked for at so many moments.
    fn part(&self, lines: Range<usize>, moments: usize) -> Ahead<T> {
        let all = self.lines_of_a_row().max(1);
        Ahead {
            row: self.start.wrapping_add(lines.start / all * self.stride),
            line: lines.start % all,
            lines_of_a_row: all,
            stride: self.stride,
            left: lines.len(),
            at_once: lines.len().div_ceil(moments.max(1)),
        }
    }
}

/// What a tile asks for, some lines at a time.
#[derive(Clone, Copy)]
pub(super) struct Ahead<T> {
    row: *const T,
    /// The next line of the row.
    line: usize,
    lines_of_a_row: usize,
    stride: usize,
    left: usize,
    at_once: usize,
}

impl<T> Ahead<T> {
    /// No lines.
    pub const NOTHING: Self =
        Self { row: std::ptr::null(), line: 0, lines_of_a_row: 1, stride: 0, left: 0, at_once: 0 };

    /// One tile's share, of so many tiles, of two regions: all tiles ask for as many lines, evenly
    /// over so many moments.
    pub fn share(regions: &[Region<T>; 2], tile: usize, tiles: usize, moments: usize) -> Self {
        let [first, second] = regions.each_ref().map(Region::lines);
        let lines = tile * (first + second) / tiles..(tile + 1) * (first + second) / tiles;
        if lines.start < first {
            regions[0].part(lines.start..lines.end.min(first), moments)
        } else {
            regions[1].part(lines.start - first..lines.end - first, moments)
        }
    }

    /// Asks for the next lines.
    #[inline(always)]
    pub fn ask(&mut self) {
        for _ in 0..self.at_once.min(self.left) {
            prefetch_to_second_level(self.row.wrapping_add(self.line * (LINE / size_of::<T>())));
            self.line += 1;
            if self.line == self.lines_of_a_row {
                self.line = 0;
                self.row = self.row.wrapping_add(self.stride);
            }
            self.left -= 1;
        }
    }
}
