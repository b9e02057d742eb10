//! Transforming tiles of images: what [`super::apply`] and [`super::weight_gradient`] share.

use super::scheme::{Place, Scheme};
use super::strip::{self, Images, Window};
use super::tiles::{Grid, Run};
use crate::simd::{Float, Kernel, Vectors};
use std::marker::PhantomData;
use std::ops::Range;

/// Numbers from one tile's transformed vector of channels to the next's: whole vectors, and not a
/// power of two, lest all tiles compete for the same places in the cache.
pub(super) fn tile_stride(channels: usize, lanes: usize) -> usize {
    let stride = channels.next_multiple_of(lanes);
    if stride.is_multiple_of(8 * lanes) { stride + lanes } else { stride }
}

/// How many tiles a strip spans: its rows of sources are at most 32 pixels, whole vectors.
fn strip_tiles<F: Scheme>() -> usize {
    ((32 + 1 - F::TAPS[1]) / F::TILE[1]).max(1)
}

/// Numbers of the longest strip, with the room at its end.
pub(super) const STRIP: usize = (8 * 40 + strip::MOST_LANES) * strip::MOST_LANES;

/// Runs of tiles cut to the length of a strip.
pub(super) fn strips<F: Scheme>(grid: &Grid, tiles: Range<usize>) -> impl Iterator<Item = Run> {
    grid.runs(tiles).flat_map(|run| {
        (0..run.tiles).step_by(strip_tiles::<F>()).map(move |offset| Run {
            first: run.first + offset,
            tiles: strip_tiles::<F>().min(run.tiles - offset),
            column: run.column + offset,
            ..run
        })
    })
}

/// The sources of tiles.
fn source_window<F: Scheme>(grid: &Grid, run: &Run) -> Window {
    Window {
        image: run.image,
        row: grid.rows.source(run.row),
        rows: F::SIZE[0],
        row_step: grid.rows.dilation,
        column: grid.columns.source(run.column),
        columns: run.tiles * F::TILE[1] + F::TAPS[1] - 1,
        column_step: grid.columns.dilation,
    }
}

/// The results of tiles.
pub(super) fn result_window<F: Scheme>(grid: &Grid, run: &Run) -> Window {
    Window {
        image: run.image,
        row: grid.rows.result(run.row) as isize,
        rows: F::TILE[0],
        row_step: grid.rows.dilation,
        column: grid.columns.result(run.column) as isize,
        columns: run.tiles * F::TILE[1],
        column_step: grid.columns.dilation,
    }
}

/// Transforms tiles of the sources, or where `GRADIENTS` of the results' gradients: for each place,
/// tile and channel a number.
pub(super) struct TransformTiles<'a, T, F, const GRADIENTS: bool> {
    pub images: Images<*const T>,
    pub grid: &'a Grid,
    pub tiles: Range<usize>,
    pub to: *mut T,
    /// Numbers from one tile to the next, and from one place to the next.
    pub stride: usize,
    pub plane: usize,
    pub scheme: PhantomData<F>,
}

impl<T: Float, F: Scheme, const GRADIENTS: bool> Kernel<T> for TransformTiles<'_, T, F, GRADIENTS> {
    type Output = ();

    #[inline(always)]
    fn run<S: Vectors<T>>(self, simd: S) {
        let mut pixels = [T::ZERO; STRIP];
        for run in strips::<F>(self.grid, self.tiles.clone()) {
            let window =
                if GRADIENTS { result_window::<F>(self.grid, &run) } else { source_window::<F>(self.grid, &run) };
            for channel in (0..self.images.channels).step_by(S::LANES) {
                // SAFETY: the strip is long enough for its tiles; each tile has its own vectors.
                unsafe {
                    strip::read(simd, self.images, &window, channel, pixels.as_mut_ptr());
                    for tile in 0..run.tiles {
                        let from = Place {
                            start: pixels.as_ptr().add(tile * F::TILE[1] * S::LANES),
                            row: window.columns * S::LANES,
                            column: S::LANES,
                        };
                        let to = self.to.add((run.first + tile) * self.stride + channel);
                        if GRADIENTS {
                            F::result_gradients(simd, from, to, self.plane);
                        } else {
                            F::sources(simd, from, to, self.plane);
                        }
                    }
                }
            }
        }
    }
}
