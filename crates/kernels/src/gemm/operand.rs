//! Where the numbers of a product come from, and where they go.

use super::ahead::Region;
use super::kernel::TileShape;
use crate::simd::{Float, Isa, Kernel, Vectors, dispatch, first_lanes, prefetch};
use std::ops::Range;

/// How a packed panel is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// All lanes of a step of the depth together: number `lane` of step `depth` is at
    /// `depth * width + lane`. The width is a multiple of four and at least the panel's lanes.
    /// Lanes beyond the last are zero up to the next multiple of the vector's length.
    DepthMajor {
        /// Numbers stored for each step.
        width: usize,
    },
    /// Each lane by itself: number `lane` of step `depth` is at `lane * stride + depth`.
    LaneMajor {
        /// Numbers from one lane to the next: enough for the depth in whole vectors.
        stride: usize,
        /// Lanes that a panel has room for.
        lanes: usize,
    },
}

/// Which part of an operand to pack, and how.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// Which product of the batch.
    pub item: usize,
    /// Rows of the left operand, or columns of the right.
    pub lanes: Range<usize>,
    /// Positions along the summed dimension.
    pub depth: Range<usize>,
    /// Lanes in a panel.
    pub panel_lanes: usize,
    pub form: Form,
}

impl Part {
    /// How many numbers a panel takes.
    pub fn panel_size(&self) -> usize {
        match self.form {
            Form::DepthMajor { width } => self.depth.len() * width,
            Form::LaneMajor { stride, lanes } => lanes * stride,
        }
    }

    /// The panels: first lane, how many lanes, and where the panel starts in the packed block.
    pub fn panels(&self) -> impl Iterator<Item = (usize, usize, usize)> + use<> {
        let (lanes, size, panel_lanes) = (self.lanes.clone(), self.panel_size(), self.panel_lanes);
        lanes
            .clone()
            .step_by(panel_lanes)
            .enumerate()
            .map(move |(i, first)| (first, panel_lanes.min(lanes.end - first), i * size))
    }
}

/// An operand of a batch of products: a matrix that exists only as far as it can be packed.
pub(crate) trait Operand<T>: Sync {
    /// Whether a panel is cheaper to pack lane by lane, where the kernel leaves the choice.
    fn lane_major(&self) -> bool {
        false
    }

    /// Where the operand lies, if it does as it is. It need not be packed then, if the numbers of a
    /// lane follow one another on the left, or those of a step on the right.
    fn in_place(&self) -> Option<Strided<T>> {
        None
    }

    /// The memory that holds a part, as far as it is worth while to ask for it.
    fn region(&self, _part: &Part) -> Region<T> {
        Region::EMPTY
    }

    /// Packs a part into panels.
    ///
    /// # Safety
    /// `to` must be writable for all panels of the part, and the part inside the operand. The form
    /// is depth-major, or the one that the operand prefers.
    unsafe fn pack(&self, isa: Isa, part: &Part, to: *mut T);
}

/// Where a product goes.
pub(crate) trait Sink<T>: Sync {
    /// The address of a block and its row stride, if its rows are contiguous in memory.
    fn direct(&self, item: usize, rows: Range<usize>, columns: Range<usize>) -> Option<(*mut T, usize)>;
    /// Whether a result of so many numbers had better be written past the caches: where it fills
    /// them, and its rows begin at whole cache lines.
    fn streams(&self, _numbers: usize) -> bool {
        false
    }
    /// Copies a finished block, row-major with the given row stride, to where it belongs.
    ///
    /// # Safety
    /// The block must be readable, and no other thread at this part of the sink.
    unsafe fn store(&self, item: usize, rows: Range<usize>, columns: Range<usize>, block: *const T, stride: usize);
}

/// A matrix in memory, or a batch of them at equal distances.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strided<T> {
    pub start: *const T,
    pub item_stride: usize,
    pub lane_stride: usize,
    pub depth_stride: usize,
}

// SAFETY: only read through, as a slice would be; `Operand::pack` demands that reading is allowed.
unsafe impl<T: Sync> Sync for Strided<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Send for Strided<T> {}

impl<T: Float> Operand<T> for Strided<T> {
    fn lane_major(&self) -> bool {
        self.depth_stride == 1
    }

    fn in_place(&self) -> Option<Strided<T>> {
        Some(*self)
    }

    fn region(&self, part: &Part) -> Region<T> {
        let Part { item, lanes, depth, .. } = part;
        let start = item * self.item_stride + lanes.start * self.lane_stride + depth.start * self.depth_stride;
        let start = self.start.wrapping_add(start);
        match (self.lane_stride, self.depth_stride) {
            (stride, 1) => Region { start, rows: lanes.len(), stride, len: depth.len() },
            (1, stride) => Region { start, rows: depth.len(), stride, len: lanes.len() },
            _ => Region::EMPTY,
        }
    }

    unsafe fn pack(&self, isa: Isa, part: &Part, to: *mut T) {
        struct Pack<'a, T>(&'a Strided<T>, &'a Part, *mut T);
        impl<T: Float> Kernel<T> for Pack<'_, T> {
            type Output = ();
            #[inline(always)]
            fn run<S: Vectors<T>>(self, simd: S) {
                // SAFETY: as the caller of `pack` promises.
                unsafe { self.0.pack_with(simd, self.1, self.2) }
            }
        }
        dispatch::<T, _>(isa, Pack(self, part, to));
    }
}

impl<T: Float> Strided<T> {
    #[inline(always)]
    unsafe fn pack_with<S: Vectors<T>>(&self, simd: S, part: &Part, to: *mut T) {
        let depth = part.depth.len();
        for (first, lanes, panel) in part.panels() {
            // SAFETY: the part is inside the operand and the panels inside `to`.
            unsafe {
                let from = self.start.add(
                    part.item * self.item_stride + first * self.lane_stride + part.depth.start * self.depth_stride,
                );
                let to = to.add(panel);
                match part.form {
                    Form::LaneMajor { stride, .. } => {
                        let rows = Rows { from, stride: self.lane_stride, rows: lanes, len: depth };
                        rows.copy(simd, to, stride);
                    }
                    Form::DepthMajor { width } if self.lane_stride == 1 => {
                        let rows = Rows { from, stride: self.depth_stride, rows: depth, len: lanes };
                        rows.copy(simd, to, width);
                    }
                    Form::DepthMajor { width } if self.depth_stride == 1 => {
                        let rows = Rows { from, stride: self.lane_stride, rows: lanes, len: depth };
                        rows.transpose(simd, to, width);
                    }
                    Form::DepthMajor { width } => {
                        let filled = lanes.next_multiple_of(S::LANES).min(width);
                        for d in 0..depth {
                            let (from, to) = (from.add(d * self.depth_stride), to.add(d * width));
                            for lane in 0..lanes {
                                to.add(lane).write(from.add(lane * self.lane_stride).read());
                            }
                            for lane in lanes..filled {
                                to.add(lane).write(T::ZERO);
                            }
                        }
                    }
                }
            }
        }
    }
}

/// How far ahead rows are asked for while they are packed, and the length from which on they need
/// not be.
const ROWS_AHEAD: usize = 12;
const MOST_FORESEEN: usize = 64;

/// Rows of contiguous numbers.
struct Rows<T> {
    from: *const T,
    stride: usize,
    rows: usize,
    len: usize,
}

impl<T: Float> Rows<T> {
    /// Copies the rows, filling the last vector of each up with zeros as far as there is room.
    ///
    /// # Safety
    /// The rows must be readable and `rows * to_stride` numbers writable.
    #[inline(always)]
    unsafe fn copy<S: Vectors<T>>(&self, simd: S, to: *mut T, to_stride: usize) {
        let len = self.len;
        for row in 0..self.rows {
            // SAFETY: inside the rows; what exceeds `len` is masked when read, and what exceeds
            // the stride when written.
            unsafe {
                let (from, to) = (self.from.add(row * self.stride), to.add(row * to_stride));
                // Short rows are far apart for what the hardware foresees.
                if len <= MOST_FORESEEN {
                    let ahead = from.wrapping_add(ROWS_AHEAD * self.stride);
                    (0..len).step_by(S::LANES).for_each(|i| prefetch(ahead.wrapping_add(i)));
                }
                let mut i = 0;
                while i + S::LANES <= len {
                    simd.store(to.add(i), simd.load(from.add(i)));
                    i += S::LANES;
                }
                if i < len {
                    let last = simd.load_masked(simd.zero(), from.add(i), first_lanes(len - i));
                    simd.store_masked(to.add(i), first_lanes((to_stride - i).min(S::LANES)), last);
                }
            }
        }
    }

    /// Packs rows as the lanes of a depth-major panel.
    ///
    /// # Safety
    /// The rows must be readable and `len * width` numbers writable, the width a multiple of four.
    #[inline(always)]
    unsafe fn transpose<S: Vectors<T>>(&self, simd: S, to: *mut T, width: usize) {
        let filled = self.rows.next_multiple_of(S::LANES).min(width);
        for lane in (0..filled).step_by(4) {
            for d in (0..self.len).step_by(S::LANES) {
                let count = (self.len - d).min(S::LANES);
                let mut rows = [simd.zero(); 4];
                for (i, row) in rows.iter_mut().enumerate() {
                    if lane + i < self.rows {
                        // SAFETY: a row that exists, from `d` on; the mask stops at its end.
                        unsafe {
                            let from = self.from.add((lane + i) * self.stride + d);
                            *row = if count == S::LANES {
                                simd.load(from)
                            } else {
                                simd.load_masked(simd.zero(), from, first_lanes(count))
                            };
                        }
                    }
                }
                // SAFETY: `count` steps of the panel.
                unsafe { store_steps(simd, to.add(d * width + lane), width, count, rows) }
            }
        }
    }
}

/// Writes the first `count` lanes of four vectors, each lane as four numbers at one step.
///
/// # Safety
/// Four numbers at each of `count` steps must be writable.
#[inline(always)]
pub(crate) unsafe fn store_steps<T: Float, S: Vectors<T>>(
    simd: S,
    to: *mut T,
    width: usize,
    count: usize,
    rows: [S::Vector; 4],
) {
    if count == S::LANES {
        // SAFETY: promised by the caller.
        unsafe { simd.store_transposed(to, width, rows) }
        return;
    }
    let mut few = [T::ZERO; 4 * 32];
    // SAFETY: no vector has more than 32 lanes, and `count` of them are wanted.
    unsafe {
        simd.store_transposed(few.as_mut_ptr(), 4, rows);
        for d in 0..count {
            to.add(d * width).copy_from_nonoverlapping(few.as_ptr().add(4 * d), 4);
        }
    }
}

/// A matrix to write to, or a batch of them at equal distances.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StridedSink<T> {
    pub start: *mut T,
    pub item_stride: usize,
    pub row_stride: usize,
    pub column_stride: usize,
    /// Whether a block that is stored is added to what is there.
    pub accumulate: bool,
}

// SAFETY: blocks of a sink are written by one thread each, as `Sink::store` demands.
unsafe impl<T: Send> Sync for StridedSink<T> {}

impl<T: Float> Sink<T> for StridedSink<T> {
    fn direct(&self, item: usize, rows: Range<usize>, columns: Range<usize>) -> Option<(*mut T, usize)> {
        let offset = item * self.item_stride + rows.start * self.row_stride + columns.start * self.column_stride;
        (self.column_stride == 1).then(|| (self.start.wrapping_add(offset), self.row_stride))
    }

    fn streams(&self, numbers: usize) -> bool {
        let whole_lines = (self.row_stride * size_of::<T>()).is_multiple_of(64) && self.start.addr().is_multiple_of(64);
        self.column_stride == 1 && whole_lines && numbers * size_of::<T>() >= STREAM_BYTES
    }

    unsafe fn store(&self, item: usize, rows: Range<usize>, columns: Range<usize>, block: *const T, stride: usize) {
        let item = item * self.item_stride;
        let write = |row: usize, column: usize| {
            let offset = item + row * self.row_stride + column * self.column_stride;
            // SAFETY: promised by the caller.
            unsafe {
                let to = self.start.add(offset);
                let value = block.add((row - rows.start) * stride + column - columns.start).read();
                to.write(if self.accumulate { to.read() + value } else { value });
            }
        };
        // Along the shorter distance of the places written.
        if self.row_stride < self.column_stride {
            columns.clone().for_each(|column| rows.clone().for_each(|row| write(row, column)));
        } else {
            rows.clone().for_each(|row| columns.clone().for_each(|column| write(row, column)));
        }
    }
}

/// A result that takes more than these displaces what it was made of, and more, from the caches.
const STREAM_BYTES: usize = 8 << 20;

/// Divides `count` lanes into panels of nearly equal size, at most `most` and a multiple of `unit`.
pub(crate) fn panel_lanes(count: usize, most: usize, unit: usize) -> usize {
    let units = count.div_ceil(unit).max(1);
    let panels = units.div_ceil(most / unit);
    units.div_ceil(panels) * unit
}

impl TileShape {
    /// Most columns of a tile.
    pub fn columns(&self) -> usize {
        self.lanes * self.vectors
    }
}
