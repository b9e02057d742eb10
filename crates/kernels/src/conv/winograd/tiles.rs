//! Which pixels a tile sees.
//!
//! Results are cut into tiles of neighbours. Where the filter is dilated, neighbours are results
//! `dilation` apart: their sources are that far apart too, so that each *phase* of the results is
//! an undilated convolution of its own. Tiles of all phases and images are counted in one row, tile
//! row by tile row.

use super::super::Geometry;
use std::ops::Range;

/// One axis of the results and their sources.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    /// Pixels of the sources and of the results.
    pub sources: usize,
    pub results: usize,
    /// Pixels from one tap to the next; as many phases.
    pub dilation: usize,
    /// The source of result 0 and tap 0.
    first: isize,
    /// Results of a tile.
    tile: usize,
    /// Tiles of a phase; where a later phase has fewer results, some of its tiles have none.
    tiles: usize,
}

impl Axis {
    fn new(sources: usize, results: usize, dilation: usize, first: isize, tile: usize) -> Self {
        Self { sources, results, dilation, first, tile, tiles: results.div_ceil(dilation).div_ceil(tile) }
    }

    /// Tiles of all phases.
    pub fn count(&self) -> usize {
        self.dilation * self.tiles
    }

    /// The first result of a tile: the others follow, `dilation` apart, as far as there are any.
    pub fn result(&self, tile: usize) -> usize {
        let (phase, tile) = (tile / self.tiles, tile % self.tiles);
        phase + self.dilation * self.tile * tile
    }

    /// The first source of a tile, which may lie outside.
    pub fn source(&self, tile: usize) -> isize {
        self.first + self.result(tile) as isize
    }
}

/// All tiles of a batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    pub batch: usize,
    pub rows: Axis,
    pub columns: Axis,
}

/// Tiles beside each other, of one phase.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    /// The first tile's place among those that were asked for.
    pub first: usize,
    pub tiles: usize,
    pub image: usize,
    /// The tile row, and the first tile in it.
    pub row: usize,
    pub column: usize,
}

impl Grid {
    /// Sources are the input, results the output.
    pub fn forward(g: &Geometry, tile: [usize; 2]) -> Self {
        let output = g.output();
        let axis = |axis: usize| {
            let first = -(g.padding_begin[axis] as isize);
            Axis::new(g.input[axis], output[axis], dilation(g, axis), first, tile[axis - 1])
        };
        Self { batch: g.batch, rows: axis(1), columns: axis(2) }
    }

    /// Sources are the output's gradient, results the input's; the filter is turned round.
    pub fn data_gradient(g: &Geometry, tile: [usize; 2]) -> Self {
        let output = g.output();
        let axis = |axis: usize| {
            let reach = (g.kernel[axis] - 1) * dilation(g, axis);
            let first = g.padding_begin[axis] as isize - reach as isize;
            Axis::new(output[axis], g.input[axis], dilation(g, axis), first, tile[axis - 1])
        };
        Self { batch: g.batch, rows: axis(1), columns: axis(2) }
    }

    /// How many tiles there are.
    pub fn tiles(&self) -> usize {
        self.batch * self.rows.count() * self.columns.count()
    }

    /// Tiles cut where a row of a phase ends.
    pub fn runs(&self, tiles: Range<usize>) -> impl Iterator<Item = Run> + use<> {
        let (rows, columns, width) = (self.rows.count(), self.columns.count(), self.columns.tiles);
        let mut tile = tiles.start;
        std::iter::from_fn(move || {
            if tile >= tiles.end {
                return None;
            }
            let (row, column) = (tile / columns, tile % columns);
            let len = (width - column % width).min(tiles.end - tile);
            let run = Run { first: tile - tiles.start, tiles: len, image: row / rows, row: row % rows, column };
            tile += len;
            Some(run)
        })
    }
}

/// The dilation of an axis, which a single tap does not have.
fn dilation(g: &Geometry, axis: usize) -> usize {
    if g.kernel[axis] == 1 { 1 } else { g.dilation[axis] }
}
