//! The innermost loops: a block of the product out of packed panels, tile by tile, each tile's
//! sums in registers.

use super::ahead::{Ahead, Region};
use crate::simd::{Float, Isa, Kernel, Vectors, dispatch, first_lanes, prefetch_to_write};
use std::hint::black_box;

/// What a product is added to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Start<'a, T> {
    /// Nothing.
    Zero,
    /// What is there.
    Existing,
    /// A number for each row.
    Rows(&'a [T]),
    /// A number for each column.
    Columns(&'a [T]),
}

/// Sizes of a tile, which depend on how many registers there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TileShape {
    /// Most rows of a tile; also the width of a packed panel of the left operand.
    pub rows: usize,
    /// Numbers in a vector.
    pub lanes: usize,
    /// Most vectors in a row of a tile.
    pub vectors: usize,
}

const MOST_VECTORS: usize = 3;

/// Steps of the depth that are written out one after another, and steps from one look at anything
/// but the operands to the next.
const STEPS: usize = 4;
const STRETCH: usize = 16;

/// With 32 registers, 24 sums, 3 vectors of the right operand and a number of the left; with 16
/// registers, 12 sums.
const fn most_rows(registers: usize) -> usize {
    if registers >= 32 { 8 } else { 4 }
}

impl TileShape {
    /// The shape for a number type and an instruction set.
    pub fn new<T: Float>(isa: Isa) -> Self {
        struct Shape;
        impl<T: Copy> Kernel<T> for Shape {
            type Output = TileShape;
            #[inline(always)]
            fn run<S: Vectors<T>>(self, _: S) -> TileShape {
                TileShape { rows: most_rows(S::REGISTERS), lanes: S::LANES, vectors: MOST_VECTORS }
            }
        }
        dispatch::<T, _>(isa, Shape)
    }
}

/// The left operand of a block. Its numbers are read one by one, so that either order serves: an
/// operand that has one of them is read where it is, and any other is packed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Left<T> {
    pub start: *const T,
    /// Numbers from one panel of rows to the next.
    pub panel: usize,
    /// Numbers from one row to the next; 1 unless the step is.
    pub row: usize,
    /// Numbers from one step of the depth to the next.
    pub step: usize,
}

/// Where the panels of a right operand are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Panels {
    /// Packed, and filled up to whole vectors.
    Packed,
    /// Where the operand lies, in a cache if all is well.
    InPlace,
    /// Where the operand lies, in memory: each panel is asked for while the one before is
    /// multiplied.
    InMemory,
}

/// The right operand of a block: at each step of the depth, contiguous numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Right<T> {
    pub start: *const T,
    /// Numbers from one panel of columns to the next.
    pub panel: usize,
    /// Numbers from one step of the depth to the next.
    pub step: usize,
    pub panels: Panels,
}

/// How long a block is along the depth, in bytes: long enough that loading and storing the
/// sums is rare, short enough that a panel of the right operand stays in the first-level cache.
const DEPTH_BYTES: usize = 1024;

/// The longest block along the depth.
pub(crate) const fn most_depth<T>() -> usize {
    DEPTH_BYTES / size_of::<T>()
}

/// The distance of rows in a packed row-major panel: a cache line more than the longest, lest all
/// rows compete for the same places in the cache.
pub(crate) const fn row_stride<T>() -> usize {
    (DEPTH_BYTES + 64) / size_of::<T>()
}

/// A block of a product: `rows x columns` sums over `depth` products each.
#[derive(Clone, Copy)]
pub(crate) struct Block<'a, T> {
    pub rows: usize,
    pub columns: usize,
    pub depth: usize,
    /// Panels of `panel_rows` rows each.
    pub a: Left<T>,
    pub panel_rows: usize,
    /// Panels of `panel_columns` columns each, a multiple of the lanes.
    pub b: Right<T>,
    pub panel_columns: usize,
    /// The result, rows contiguous.
    pub c: *mut T,
    pub c_stride: usize,
    /// Whether the result's lines go past the caches.
    pub stream: bool,
    /// What will be read after the block.
    pub next: [Region<T>; 2],
    pub alpha: T,
    pub start: Start<'a, T>,
}

impl<T: Float> Block<'_, T> {
    /// Computes the block.
    ///
    /// # Safety
    /// All panels must be readable as described and the result writable, by this thread alone.
    pub unsafe fn run(self, isa: Isa) {
        dispatch::<T, _>(isa, self);
    }
}

impl<T: Float> Kernel<T> for Block<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Vectors<T>>(self, simd: S) {
        debug_assert_eq!(self.panel_columns % S::LANES, 0);
        debug_assert!(self.panel_rows <= most_rows(S::REGISTERS));
        debug_assert!(self.a.row == 1 || self.a.step == 1);
        // A panel of the right operand stays in the first-level cache while those of the left
        // operand pass by, which are the smaller ones.
        let row_panels = self.rows.div_ceil(self.panel_rows);
        for (j, column) in (0..self.columns).step_by(self.panel_columns).enumerate() {
            for (i, row) in (0..self.rows).step_by(self.panel_rows).enumerate() {
                let ahead = self.ahead(column, [i, row_panels]);
                let rows = self.panel_rows.min(self.rows - row);
                let columns = self.panel_columns.min(self.columns - column);
                // SAFETY: the panels and the result cover the block, as `Block::run` demands.
                unsafe {
                    let tile = Tile {
                        depth: self.depth,
                        a: Left { start: self.a.start.add(i * self.a.panel), ..self.a },
                        b: self.b.start.add(j * self.b.panel),
                        b_step: self.b.step,
                        b_packed: self.b.panels == Panels::Packed,
                        c: self.c.add(row * self.c_stride + column),
                        c_stride: self.c_stride,
                        columns,
                        stream: self.stream,
                        ahead,
                        alpha: self.alpha,
                        start: match self.start {
                            Start::Rows(bias) => Start::Rows(&bias[row..]),
                            Start::Columns(bias) => Start::Columns(&bias[column..]),
                            other => other,
                        },
                    };
                    if self.a.step == 1 {
                        tile.of_rows::<S, true>(simd, rows);
                    } else {
                        tile.of_rows::<S, false>(simd, rows);
                    }
                }
            }
        }
    }
}

impl<T> Block<'_, T> {
    /// What to ask for while a tile is computed: its share of the next panel of a right operand in
    /// place, or of what is wanted after the block.
    fn ahead(&self, column: usize, [row_panel, row_panels]: [usize; 2]) -> Ahead<T> {
        let next = column + self.panel_columns;
        let packed = self.b.panels == Panels::Packed;
        if !packed && next < self.columns {
            if self.b.panels == Panels::InPlace {
                return Ahead::NOTHING;
            }
            let panel = Region {
                start: self.b.start.wrapping_add(next),
                rows: self.depth,
                stride: self.b.step,
                len: self.panel_columns.min(self.columns - next),
            };
            return Ahead::share(&[panel, Region::EMPTY], row_panel, row_panels, self.depth / STRETCH);
        }
        let before = if packed { column / self.panel_columns } else { 0 };
        let panels = if packed { self.columns.div_ceil(self.panel_columns) } else { 1 };
        Ahead::share(&self.next, before * row_panels + row_panel, panels * row_panels, self.depth / STRETCH)
    }
}

struct Tile<'a, T> {
    depth: usize,
    a: Left<T>,
    b: *const T,
    b_step: usize,
    b_packed: bool,
    c: *mut T,
    c_stride: usize,
    columns: usize,
    stream: bool,
    ahead: Ahead<T>,
    alpha: T,
    start: Start<'a, T>,
}

impl<T: Float> Tile<'_, T> {
    #[inline(always)]
    unsafe fn of_rows<S: Vectors<T>, const ROW_MAJOR: bool>(&self, simd: S, rows: usize) {
        // SAFETY: passed on from the caller. More rows than `most_rows` do not occur; the
        // condition lets the compiler leave their code out.
        unsafe {
            match rows {
                1 => self.of_columns::<S, ROW_MAJOR, 1>(simd),
                2 => self.of_columns::<S, ROW_MAJOR, 2>(simd),
                3 => self.of_columns::<S, ROW_MAJOR, 3>(simd),
                4 => self.of_columns::<S, ROW_MAJOR, 4>(simd),
                _ if most_rows(S::REGISTERS) == 4 => unreachable!("a tile of {rows} rows"),
                5 => self.of_columns::<S, ROW_MAJOR, 5>(simd),
                6 => self.of_columns::<S, ROW_MAJOR, 6>(simd),
                7 => self.of_columns::<S, ROW_MAJOR, 7>(simd),
                8 => self.of_columns::<S, ROW_MAJOR, 8>(simd),
                _ => unreachable!("a tile of {rows} rows"),
            }
        }
    }

    #[inline(always)]
    unsafe fn of_columns<S: Vectors<T>, const ROW_MAJOR: bool, const ROWS: usize>(&self, simd: S) {
        // SAFETY: passed on from the caller.
        unsafe {
            match self.columns.div_ceil(S::LANES) {
                1 => self.run::<S, ROW_MAJOR, ROWS, 1>(simd),
                2 => self.run::<S, ROW_MAJOR, ROWS, 2>(simd),
                3 => self.run::<S, ROW_MAJOR, ROWS, MOST_VECTORS>(simd),
                vectors => unreachable!("a tile of {vectors} vectors"),
            }
        }
    }

    #[inline(always)]
    unsafe fn run<S: Vectors<T>, const ROW_MAJOR: bool, const ROWS: usize, const VECTORS: usize>(&self, simd: S) {
        let mut sums = [[simd.zero(); VECTORS]; ROWS];
        if !self.stream {
            // The result's lines come from memory while the sums are made.
            for r in 0..ROWS {
                for v in 0..VECTORS {
                    prefetch_to_write(self.c.wrapping_add(r * self.c_stride + v * S::LANES));
                }
            }
        }
        let last = first_lanes(self.columns - (VECTORS - 1) * S::LANES);
        let whole = self.whole_steps(VECTORS * S::LANES);
        let (mut a, mut b, mut ahead) = (self.a.start, self.b, self.ahead);
        let (a_row, a_step) = if ROW_MAJOR { (self.a.row, 1) } else { (1, self.a.step) };
        let mut left = self.depth;
        // SAFETY: the steps of the depth in both panels, each step once.
        unsafe {
            let mut whole = whole;
            while whole >= STEPS {
                ahead.ask();
                // Nothing but the operands is looked at in between: a processor that does two
                // multiply-adds of whole vectors at once has few places left for other work.
                let stretch = whole.min(STRETCH) / STEPS;
                for _ in 0..stretch {
                    for step in 0..STEPS {
                        let from = b.wrapping_add(step * self.b_step);
                        let right = std::array::from_fn(|v| simd.load(from.wrapping_add(v * S::LANES)));
                        multiply::<T, S, ROWS, VECTORS>(simd, &mut sums, a.wrapping_add(step * a_step), a_row, right);
                    }
                    a = a.wrapping_add(STEPS * a_step);
                    b = b.wrapping_add(STEPS * self.b_step);
                }
                whole -= stretch * STEPS;
                left -= stretch * STEPS;
            }
            for _ in 0..left {
                let right = std::array::from_fn(|v| {
                    let from = b.wrapping_add(v * S::LANES);
                    if v + 1 < VECTORS { simd.load(from) } else { simd.load_masked(simd.zero(), from, last) }
                });
                multiply::<T, S, ROWS, VECTORS>(simd, &mut sums, a, a_row, right);
                a = a.wrapping_add(a_step);
                b = b.wrapping_add(self.b_step);
            }
        }
        // What follows is a loop over the sums in memory. Were it one over registers, it would be
        // unrolled into much code, or else the compiler would keep the sums in memory all along.
        let mut finished = [[simd.zero(); VECTORS]; ROWS];
        for (to, sums) in finished.iter_mut().zip(&sums) {
            for (to, &sum) in to.iter_mut().zip(sums) {
                *to = sum;
            }
        }
        // SAFETY: the result covers the tile.
        unsafe { self.store(simd, black_box(&finished).as_flattened(), VECTORS) }
    }

    /// How many steps of the right operand have whole vectors to read: all where it is packed, for
    /// packed panels are filled up; and where it lies in place, those after whose last vector
    /// numbers of it still follow.
    #[inline(always)]
    fn whole_steps(&self, width: usize) -> usize {
        if self.b_packed || self.columns == width {
            return self.depth;
        }
        let beyond = (width - self.columns).div_ceil(self.b_step.max(1));
        self.depth.saturating_sub(beyond)
    }

    /// Stores finished sums, some vectors for each row.
    #[inline(always)]
    unsafe fn store<S: Vectors<T>>(&self, simd: S, sums: &[S::Vector], vectors: usize) {
        let alpha = simd.splat(self.alpha);
        for (r, sums) in sums.chunks_exact(vectors).enumerate() {
            for (v, &sum) in sums.iter().enumerate() {
                let mask = first_lanes((self.columns - v * S::LANES).min(S::LANES));
                // SAFETY: inside the result: the mask leaves out the columns beyond its last.
                unsafe {
                    let to = self.c.wrapping_add(r * self.c_stride + v * S::LANES);
                    let before = match self.start {
                        Start::Zero => simd.zero(),
                        Start::Existing => simd.load_masked(simd.zero(), to, mask),
                        Start::Rows(bias) => simd.splat(bias[r]),
                        Start::Columns(bias) => {
                            simd.load_masked(simd.zero(), bias.as_ptr().wrapping_add(v * S::LANES), mask)
                        }
                    };
                    let value = simd.mul_add(alpha, sum, before);
                    if mask != first_lanes(S::LANES) {
                        simd.store_masked(to, mask, value);
                    } else if self.stream && to.addr().is_multiple_of(size_of::<S::Vector>()) {
                        simd.store_streaming(to, value);
                    } else {
                        simd.store(to, value);
                    }
                }
            }
        }
    }
}

/// One step of the depth: a column of the left operand, its numbers at equal distances, times a row
/// of the right one.
///
/// # Safety
/// The column must be readable.
#[inline(always)]
unsafe fn multiply<T: Float, S: Vectors<T>, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    sums: &mut [[S::Vector; VECTORS]; ROWS],
    a: *const T,
    a_row: usize,
    right: [S::Vector; VECTORS],
) {
    for (r, sums) in sums.iter_mut().enumerate() {
        // SAFETY: promised by the caller.
        let left = simd.splat(unsafe { *a.wrapping_add(r * a_row) });
        for (sum, &right) in sums.iter_mut().zip(&right) {
            *sum = simd.mul_add(left, right, *sum);
        }
    }
}
