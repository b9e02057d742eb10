//! Asking for memory while there is something to compute.
//!
//! Packing reads memory that no cache holds, and a processor that packs does not multiply. So each
//! tile of a block asks, a line now and then, for its share of what the next block will read.

use crate::simd::prefetch_to_second_level;

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

    /// Of so many tiles, one's share: some lines of each row, a row at each step.
    fn share(&self, tile: usize, tiles: usize) -> Ahead<T> {
        let all = self.lines_of_a_row();
        let lines = tile * all / tiles..(tile + 1) * all / tiles;
        Ahead {
            start: self.start.wrapping_add(lines.start * LINE / size_of::<T>()),
            stride: self.stride,
            steps: if lines.is_empty() { 0 } else { self.rows },
            lines: lines.len(),
        }
    }
}

/// What a tile asks for: at each of so many steps, some lines of one row.
#[derive(Clone, Copy)]
pub(super) struct Ahead<T> {
    start: *const T,
    stride: usize,
    steps: usize,
    lines: usize,
}

impl<T> Ahead<T> {
    /// One tile's share, of so many tiles, of two regions: first tiles ask for the first.
    pub fn share(regions: &[Region<T>; 2], tile: usize, tiles: usize) -> Self {
        let [first, second] = regions.each_ref().map(Region::lines);
        let before = if second == 0 { tiles } else { (tiles * first).div_ceil(first + second).min(tiles - 1) };
        if tile < before { regions[0].share(tile, before) } else { regions[1].share(tile - before, tiles - before) }
    }

    /// Asks for what a step does.
    #[inline(always)]
    pub fn ask(&self, step: usize) {
        if step < self.steps {
            let row = self.start.wrapping_add(step * self.stride);
            for line in 0..self.lines {
                prefetch_to_second_level(row.wrapping_add(line * (LINE / size_of::<T>())));
            }
        }
    }
}
