//! Filtering: the forward pass, and the data gradient with its filters turned round.

use super::super::ImageLayout;
use super::filters::{FILTER_CHANNELS, Filters};
use super::scheme::{Place, Scheme};
use super::strip::{self, Images};
use super::tiles::Grid;
use super::transforms::{STRIP, TransformTiles, result_window, strips, tile_stride};
use crate::gemm::ahead::Region;
use crate::gemm::kernel::{Block, Left, Panels, Right, Start, TileShape};
use crate::gemm::operand::panel_lanes;
use crate::parallel;
use crate::scratch::{Scratch, Target};
use crate::simd::{Float, Isa, Kernel, Vectors, dispatch, first_lanes};
use std::marker::PhantomData;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes of a block's transformed sources at most: what a second-level cache holds beside a panel
/// of filters that passes by.
const SOURCE_BYTES: usize = 640 << 10;
/// Tiles of a block. Fewer would use each filter too seldom for the time it takes to fetch.
const TILES: Range<usize> = 32..128;
/// Tasks that keep all threads busy to the end.
const ENOUGH_TASKS: usize = 16;

/// Filtering images by a scheme.
pub(super) struct Apply<'a, T, F> {
    isa: Isa,
    layout: ImageLayout,
    grid: Grid,
    filters: Filters<&'a [T]>,
    /// The filters' transforms, if they have been made before.
    kept: Option<&'a [T]>,
    shape: TileShape,
    scheme: PhantomData<F>,
}

impl<'a, T: Float, F: Scheme> Apply<'a, T, F> {
    /// Filtering with these filters.
    pub fn new(isa: Isa, layout: ImageLayout, grid: Grid, filters: Filters<&'a [T]>, kept: Option<&'a [T]>) -> Self {
        Self { isa, layout, grid, filters, kept, shape: TileShape::new::<T>(isa), scheme: PhantomData }
    }

    /// The transforms of all filters, panel by panel, place by place, a row of the panel for each
    /// source channel.
    pub fn transformed_filters(&self) -> Scratch<T> {
        let width = self.panel_width();
        let mut filters = Scratch::new(self.filters.results.div_ceil(width) * F::PLACES * self.filters.sources * width);
        self.transform_filters(width, filters.address());
        filters
    }

    /// Result channels of a panel.
    fn panel_width(&self) -> usize {
        panel_lanes(self.filters.results, self.shape.columns(), self.shape.lanes)
    }

    /// `result = filtered source + bias`; whether all results are finite.
    pub fn run(&self, source: &[T], bias: Option<&[T]>, result: &mut [T]) -> bool {
        let Filters { sources, results, .. } = self.filters;
        let (lanes, rows) = (self.shape.lanes, self.shape.rows);
        let width = self.panel_width();
        let panels = results.div_ceil(width);
        let own = self.kept.is_none().then(|| self.transformed_filters());
        let filters = self.kept.or(own.as_ref().map(Scratch::as_slice)).unwrap_or_default();

        let stride = tile_stride(sources, lanes);
        let tiles = self.grid.tiles();
        let most = SOURCE_BYTES / (F::PLACES * stride * size_of::<T>());
        let even = tiles.div_ceil(ENOUGH_TASKS).max(TILES.start);
        let block = most.clamp(TILES.start, TILES.end).min(even).next_multiple_of(rows).min(tiles);
        let blocks = tiles.div_ceil(block);
        // Where there are few tiles, tasks share a block and take a part of the panels each.
        let parts = ENOUGH_TASKS.div_ceil(blocks).min(panels);
        let plan = Plan { width, stride, block, plane: block * stride };
        let target = Target(result.as_mut_ptr());
        let size = F::PLACES * plan.plane;
        let finite = AtomicBool::new(true);
        let note = |here: bool| {
            if !here {
                finite.store(false, Ordering::Relaxed);
            }
        };
        if parts == 1 {
            parallel::run(blocks, |task| {
                let mut transformed = Scratch::new(size);
                let range = plan.tiles(task, tiles);
                self.transform_sources(&plan, source, range.clone(), transformed.address());
                note(self.multiply(&plan, range, 0..panels, [filters, transformed.as_slice()], bias, target));
            });
            return finite.into_inner();
        }
        let mut transformed = Scratch::new(blocks * size);
        let to = Target(transformed.address());
        let pieces = block.div_ceil(rows);
        parallel::run(blocks * pieces, |task| {
            let (range, first) = (plan.tiles(task / pieces, tiles), task % pieces * rows);
            let piece = range.end.min(range.start + first)..range.end.min(range.start + first + rows);
            self.transform_sources(&plan, source, piece, to.at(task / pieces * size + first * stride));
        });
        let transformed = transformed.as_slice();
        // Neighbouring tasks, which mostly are one thread's, share the larger operand: its part of
        // the filters that this thread has transformed, or a block.
        let by_filters = filters.len() > transformed.len();
        parallel::run(blocks * parts, |task| {
            let (index, part) = if by_filters { (task % blocks, task / blocks) } else { (task / parts, task % parts) };
            let panels = part * panels / parts..(part + 1) * panels / parts;
            let operands = [filters, &transformed[index * size..(index + 1) * size]];
            note(self.multiply(&plan, plan.tiles(index, tiles), panels, operands, bias, target));
        });
        finite.into_inner()
    }

    /// Fills panels of `width` result channels.
    fn transform_filters(&self, width: usize, to: *mut T) {
        let Filters { sources, results, .. } = self.filters;
        let (groups, chunks) = (width / self.shape.lanes, sources.div_ceil(FILTER_CHANNELS));
        let to = Target(to);
        parallel::run(results.div_ceil(width) * groups * chunks, |task| {
            let (panel, group, chunk) = (task / (groups * chunks), task / chunks % groups, task % chunks);
            let (lane, first) = (group * self.shape.lanes, chunk * FILTER_CHANNELS);
            let work = TransformFilters::<T, F> {
                filters: self.filters,
                result: panel * width + lane,
                sources: first..sources.min(first + FILTER_CHANNELS),
                to: to.at((panel * F::PLACES * sources + first) * width + lane),
                strides: [sources * width, width],
                scheme: PhantomData,
            };
            dispatch::<T, _>(self.isa, work);
        });
    }

    /// Transforms the sources of some tiles of a block, to the first of their places in it.
    fn transform_sources(&self, plan: &Plan, source: &[T], tiles: Range<usize>, to: *mut T) {
        let work = TransformTiles::<T, F, false> {
            images: Images {
                data: source.as_ptr(),
                layout: self.layout,
                channels: self.filters.sources,
                height: self.grid.rows.sources,
                width: self.grid.columns.sources,
            },
            grid: &self.grid,
            tiles,
            to,
            stride: plan.stride,
            plane: plan.plane,
            scheme: PhantomData,
        };
        dispatch::<T, _>(self.isa, work);
    }

    /// Multiplies the transformed sources of a block with some panels of filters, and transforms
    /// the products back; whether all are finite.
    fn multiply(
        &self,
        plan: &Plan,
        tiles: Range<usize>,
        panels: Range<usize>,
        [filters, sources]: [&[T]; 2],
        bias: Option<&[T]>,
        target: Target<T>,
    ) -> bool {
        let Filters { sources: depth, results, .. } = self.filters;
        let (width, count) = (plan.width, tiles.len());
        let panel_size = depth * width;
        let mut products = Scratch::<T>::new(F::PLACES * count * width);
        let mut finite = true;
        for panel in panels {
            let columns = width.min(results - panel * width);
            for place in 0..F::PLACES {
                let sources = &sources[place * plan.plane..][..(count - 1) * plan.stride + depth];
                let filters = &filters[(panel * F::PLACES + place) * panel_size..][..panel_size];
                let row = plan.stride;
                let block = Block {
                    rows: count,
                    // Lanes beyond the last channel are zero, and are not written to the images.
                    columns: columns.next_multiple_of(self.shape.lanes),
                    depth,
                    a: Left { start: sources.as_ptr(), panel: self.shape.rows * row, row, step: 1 },
                    panel_rows: self.shape.rows,
                    b: Right { start: filters.as_ptr(), panel: panel_size, step: width, panels: Panels::Packed },
                    panel_columns: width,
                    c: products.address().wrapping_add(place * count * width),
                    c_stride: width,
                    stream: false,
                    next: [Region::EMPTY; 2],
                    alpha: T::ONE,
                    start: Start::Zero,
                };
                // SAFETY: the slices just taken are as long as the block reads; the products are
                // this task's.
                unsafe { block.run(self.isa) }
            }
            let work = TransformResults::<T, F> {
                images: Images {
                    data: target.at(0),
                    layout: self.layout,
                    channels: results,
                    height: self.grid.rows.results,
                    width: self.grid.columns.results,
                },
                grid: &self.grid,
                tiles: tiles.clone(),
                channels: panel * width..panel * width + columns,
                bias,
                products: products.as_slice(),
                width,
                scheme: PhantomData,
            };
            finite &= dispatch::<T, _>(self.isa, work);
        }
        finite
    }
}

/// Sizes of blocks and panels.
struct Plan {
    /// Result channels of a panel.
    width: usize,
    /// Numbers from one tile's transformed vector to the next, and from one place to the next.
    stride: usize,
    plane: usize,
    /// Tiles of a block.
    block: usize,
}

impl Plan {
    fn tiles(&self, block: usize, tiles: usize) -> Range<usize> {
        block * self.block..tiles.min((block + 1) * self.block)
    }
}

struct TransformFilters<'a, T, F> {
    filters: Filters<&'a [T]>,
    result: usize,
    sources: Range<usize>,
    to: *mut T,
    strides: [usize; 2],
    scheme: PhantomData<F>,
}

impl<T: Float, F: Scheme> Kernel<T> for TransformFilters<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Vectors<T>>(self, simd: S) {
        // SAFETY: the panel has a row for each source channel and place.
        unsafe { self.filters.transform::<F, S>(simd, self.result, self.sources, self.to, self.strides) }
    }
}

/// Transforms the products of tiles back to results.
struct TransformResults<'a, T, F> {
    images: Images<*mut T>,
    grid: &'a Grid,
    tiles: Range<usize>,
    /// Those of the images' channels that the products are for.
    channels: Range<usize>,
    bias: Option<&'a [T]>,
    products: &'a [T],
    /// Numbers from one tile's products to the next.
    width: usize,
    scheme: PhantomData<F>,
}

impl<T: Float, F: Scheme> Kernel<T> for TransformResults<'_, T, F> {
    type Output = bool;

    #[inline(always)]
    fn run<S: Vectors<T>>(self, simd: S) -> bool {
        let mut pixels = [T::ZERO; STRIP];
        let mut nothing = simd.zero();
        let plane = self.tiles.len() * self.width;
        for run in strips::<F>(self.grid, self.tiles.clone()) {
            let window = result_window::<F>(self.grid, &run);
            let columns = window.columns;
            for channel in self.channels.clone().step_by(S::LANES) {
                let here = first_lanes(self.channels.end - channel);
                // SAFETY: the strip is long enough for its tiles; there is a bias for each channel;
                // the results of these tiles and channels are this task's.
                unsafe {
                    let bias = self.bias.map_or(simd.zero(), |bias| {
                        simd.load_masked(simd.zero(), bias.as_ptr().wrapping_add(channel), here)
                    });
                    for tile in 0..run.tiles {
                        let at = (run.first + tile) * self.width + channel - self.channels.start;
                        let to = Place {
                            start: pixels.as_mut_ptr().add(tile * F::TILE[1] * S::LANES),
                            row: columns * S::LANES,
                            column: S::LANES,
                        };
                        F::results(simd, self.products.as_ptr().add(at), plane, to);
                    }
                    let vectors = F::TILE[0] * columns;
                    for vector in 0..vectors {
                        let vector = simd.load(pixels.as_ptr().add(vector * S::LANES));
                        nothing = simd.mul_add(vector, simd.zero(), nothing);
                    }
                    strip::write(simd, self.images, &window, channel, bias, pixels.as_ptr());
                }
            }
        }
        // Zero times a number is zero if that is finite.
        simd.sum(nothing) == T::ZERO
    }
}
