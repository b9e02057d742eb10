//! The weight's gradient.
//!
//! Sources and gradients of a stretch of tiles are transformed, then for each place their product is
//! added to the sums of that place, and so on stretch by stretch. Both steps are shared out among
//! threads, but never the tiles of one sum: the order of additions is the tiles'.

use super::super::{Geometry, ImageLayout};
use super::filters::{FILTER_CHANNELS, Filters};
use super::scheme::Scheme;
use super::strip::Images;
use super::tiles::Grid;
use super::transforms::{TransformTiles, tile_stride};
use crate::gemm::ahead::Region;
use crate::gemm::kernel::{Block, Left, Panels, Right, Start, TileShape};
use crate::gemm::operand::panel_lanes;
use crate::parallel;
use crate::scratch::{Scratch, Target};
use crate::simd::{Float, Isa, Kernel, Vectors, dispatch};
use std::marker::PhantomData;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes of a stretch's transforms: what a third-level cache holds.
const STRETCH_BYTES: usize = 8 << 20;
/// Tiles of a stretch at least: the sums are fetched and written for each.
const FEWEST_TILES: usize = 128;
/// Tiles that a task transforms.
const TASK_TILES: usize = 16;
/// Tiles that are summed up at a time, so that the operands stay in the second-level cache.
const DEPTH: usize = 256;
/// Bytes of all parts' sums at most, parts at most, and tiles of a part at least.
const SUMS_BYTES: usize = 6 << 20;
const MOST_PARTS: usize = 4;
const PART_TILES: usize = 48;
/// Source channels of a product's task.
const ROWS: usize = 64;

/// Computing a weight's gradient by a scheme.
pub(super) struct WeightGradient<'a, T, F> {
    isa: Isa,
    layout: ImageLayout,
    geometry: &'a Geometry,
    grid: Grid,
    shape: TileShape,
    of: PhantomData<(T, F)>,
}

/// The transforms of a stretch of tiles.
struct Stretch<'a, T> {
    sources: &'a [T],
    gradients: &'a [T],
    tiles: usize,
    /// Tiles that there is room for, and parts that tiles are summed up in.
    plane: usize,
    parts: usize,
}

/// Adds further parts of so many numbers to the first, in their order.
fn add_parts<T: Float>(sums: &mut [T], len: usize) {
    const CHUNK: usize = 1 << 14;
    let (first, more) = sums.split_at_mut(len);
    let to = Target(first.as_mut_ptr());
    parallel::run(if more.is_empty() { 0 } else { len.div_ceil(CHUNK) }, |task| {
        let range = task * CHUNK..len.min((task + 1) * CHUNK);
        // SAFETY: this task's numbers of the first part.
        let to = unsafe { std::slice::from_raw_parts_mut(to.at(range.start), range.len()) };
        for part in more.chunks_exact(len) {
            to.iter_mut().zip(&part[range.clone()]).for_each(|(to, &more)| *to += more);
        }
    });
}

impl<'a, T: Float, F: Scheme> WeightGradient<'a, T, F> {
    /// For a geometry that the scheme covers.
    pub fn new(isa: Isa, layout: ImageLayout, geometry: &'a Geometry) -> Self {
        let grid = Grid::forward(geometry, F::TILE);
        Self { isa, layout, geometry, grid, shape: TileShape::new::<T>(isa), of: PhantomData }
    }

    /// `grad_weight`, from the input and the output's gradient; whether all of it is finite.
    pub fn run(&self, input: &[T], grad_output: &[T], grad_weight: &mut [T]) -> bool {
        let Geometry { in_channels, out_channels, .. } = *self.geometry;
        let lanes = self.shape.lanes;
        let strides = [in_channels, out_channels].map(|channels| tile_stride(channels, lanes));
        let tile_bytes = F::PLACES * (strides[0] + strides[1]) * size_of::<T>();
        let tiles = self.grid.tiles();
        let stretch = (STRETCH_BYTES / tile_bytes).max(FEWEST_TILES).min(tiles);
        let mut sources = Scratch::new(F::PLACES * stretch * strides[0]);
        let mut gradients = Scratch::new(F::PLACES * stretch * strides[1]);
        // Tiles are summed up in parts, so that mostly a thread multiplies what it has transformed.
        let sums_len = F::PLACES * in_channels * strides[1];
        let parts = (SUMS_BYTES / (sums_len * size_of::<T>())).min(stretch / PART_TILES).clamp(1, MOST_PARTS);
        let mut sums = Scratch::new(parts * sums_len);
        let to = [Target(sources.address()), Target(gradients.address())];
        for first in (0..tiles).step_by(stretch) {
            let count = stretch.min(tiles - first);
            let chunks = count.div_ceil(TASK_TILES);
            parallel::run(2 * chunks, |task| {
                let (operand, chunk) = (task % 2, task / 2 * TASK_TILES);
                let range = first + chunk..first + count.min(chunk + TASK_TILES);
                let (to, stride) = (to[operand].at(chunk * strides[operand]), strides[operand]);
                if operand == 0 {
                    self.transform::<false>(input, range, to, [stride, stretch * stride]);
                } else {
                    self.transform::<true>(grad_output, range, to, [stride, stretch * stride]);
                }
            });
            let (sources, gradients) = (sources.as_slice(), gradients.as_slice());
            let transformed = Stretch { sources, gradients, tiles: count, plane: stretch, parts };
            let start = if first == 0 { Start::Zero } else { Start::Existing };
            self.add_products(&transformed, strides, Target(sums.address()), start);
        }
        add_parts(sums.as_mut_slice(), sums_len);
        self.transform_back(&sums.as_slice()[..sums_len], strides[1], grad_weight)
    }

    /// Transforms tiles of the input, or where `GRADIENTS` of the output's gradient.
    fn transform<const GRADIENTS: bool>(&self, data: &[T], tiles: Range<usize>, to: *mut T, strides: [usize; 2]) {
        let Geometry { in_channels, out_channels, .. } = *self.geometry;
        let Grid { rows, columns, .. } = &self.grid;
        let (channels, height, width) = if GRADIENTS {
            (out_channels, rows.results, columns.results)
        } else {
            (in_channels, rows.sources, columns.sources)
        };
        let work = TransformTiles::<T, F, GRADIENTS> {
            images: Images { data: data.as_ptr(), layout: self.layout, channels, height, width },
            grid: &self.grid,
            tiles,
            to,
            stride: strides[0],
            plane: strides[1],
            scheme: PhantomData,
        };
        dispatch::<T, _>(self.isa, work);
    }

    /// Adds, for each place, the products of a stretch to the sums.
    fn add_products(
        &self,
        stretch: &Stretch<'_, T>,
        [source_stride, gradient_stride]: [usize; 2],
        sums: Target<T>,
        start: Start<'_, T>,
    ) {
        let (channels, filters) = (self.geometry.in_channels, self.geometry.out_channels);
        let panel_columns = panel_lanes(filters, self.shape.columns(), self.shape.lanes);
        let groups = channels.div_ceil(ROWS);
        let (tiles, plane) = (stretch.tiles, stretch.plane);
        parallel::run(stretch.parts * F::PLACES * groups, |task| {
            let (part, place, group) = (task / (F::PLACES * groups), task / groups % F::PLACES, task % groups);
            let (mut start, first) = (start, group * ROWS);
            let range = part * tiles / stretch.parts..(part + 1) * tiles / stretch.parts;
            let sources = &stretch.sources[place * plane * source_stride..][..range.end * source_stride];
            let gradients = &stretch.gradients[place * plane * gradient_stride..][..range.end * gradient_stride];
            let sums = sums.at(((part * F::PLACES + place) * channels + first) * gradient_stride);
            for tile in range.clone().step_by(DEPTH) {
                let block = Block {
                    rows: ROWS.min(channels - first),
                    columns: filters,
                    depth: DEPTH.min(range.end - tile),
                    a: Left {
                        start: sources[tile * source_stride + first..].as_ptr(),
                        panel: self.shape.rows,
                        row: 1,
                        step: source_stride,
                    },
                    panel_rows: self.shape.rows,
                    b: Right {
                        start: gradients[tile * gradient_stride..].as_ptr(),
                        panel: panel_columns,
                        step: gradient_stride,
                        panels: Panels::Packed,
                    },
                    panel_columns,
                    c: sums,
                    c_stride: gradient_stride,
                    stream: false,
                    next: [Region::EMPTY; 2],
                    alpha: T::ONE,
                    start,
                };
                // SAFETY: the transforms have whole vectors for each tile, and the sums of this
                // place and these channels are this task's.
                unsafe { block.run(self.isa) }
                start = Start::Existing;
            }
        });
    }

    /// Makes the gradient of the sums; whether all of it is finite.
    fn transform_back(&self, sums: &[T], stride: usize, grad_weight: &mut [T]) -> bool {
        let (channels, filters) = (self.geometry.in_channels, self.geometry.out_channels);
        let target = Target(grad_weight.as_mut_ptr());
        let finite = AtomicBool::new(true);
        let (groups, chunks) = (filters.div_ceil(self.shape.lanes), channels.div_ceil(FILTER_CHANNELS));
        parallel::run(groups * chunks, |task| {
            let (result, first) = (task / chunks * self.shape.lanes, task % chunks * FILTER_CHANNELS);
            let work = TransformBack::<T, F> {
                filters: Filters::gradient(self.geometry, target.at(0)),
                result,
                sources: first..channels.min(first + FILTER_CHANNELS),
                from: sums[first * stride + result..].as_ptr(),
                strides: [channels * stride, stride],
                scheme: PhantomData,
            };
            if !dispatch::<T, _>(self.isa, work) {
                finite.store(false, Ordering::Relaxed);
            }
        });
        finite.into_inner()
    }
}

struct TransformBack<T, F> {
    filters: Filters<*mut T>,
    result: usize,
    sources: Range<usize>,
    from: *const T,
    strides: [usize; 2],
    scheme: PhantomData<F>,
}

impl<T: Float, F: Scheme> Kernel<T> for TransformBack<T, F> {
    type Output = bool;

    #[inline(always)]
    fn run<S: Vectors<T>>(self, simd: S) -> bool {
        // SAFETY: there are whole vectors of sums for each place and source channel; the filters
        // are this task's.
        unsafe { self.filters.transform_back::<F, S>(simd, self.result, self.sources, self.from, self.strides) }
    }
}
