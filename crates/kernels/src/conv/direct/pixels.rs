//! Forward pass and data gradient of channels-last images: lanes are channels.
//!
//! Tiles run along the columns. Nothing is copied: a tile that touches the border asks for each
//! column whether it lies inside, and rows outside are left out.

use super::DirectElement;
use super::blocks::{Blocks, MOST_PERMUTATIONS};
use super::correlation::{Axis, Correlation};
use super::planar::CountLanes;
use super::scratch::{Ahead, share, worthwhile_tasks};
use super::tile::{ALIKE, BROADCAST, Lanes, PERMUTED, Pixels, TILE, accumulate, unroll};
use crate::parallel;
use crate::scratch::{Scratch, Target};
use crate::simd::{Isa, Kernel, Vectors, dispatch, first_lanes};

/// One phase of the columns within one of the rows.
struct Phase {
    row: Axis,
    column: Axis,
    /// Columns of taps that an inner loop takes at once.
    run: usize,
    /// Where the phase's weights begin, and how many a block has.
    weights: usize,
    weights_len: usize,
}

struct Plan<'a, T> {
    isa: Isa,
    c: &'a Correlation,
    source: &'a [T],
    bias: Option<&'a [T]>,
    target: Target<T>,
    blocks: Blocks,
    phases: Vec<Phase>,
    weights: Scratch<T>,
}

/// Computes a correlation.
pub(super) fn run<T: DirectElement>(
    isa: Isa,
    c: &Correlation,
    source: &[T],
    weight: &[T],
    bias: Option<&[T]>,
    result: &mut [T],
) {
    let lanes = dispatch::<T, _>(isa, CountLanes);
    let blocks = Blocks::new(c, lanes);
    let mut weights_len = 0;
    let mut phases = Vec::new();
    for row in &c.rows {
        for column in &c.columns {
            let each = row.taps * c.sources * column.taps * lanes;
            let run = column.run::<T>(isa, blocks.unrolled());
            phases.push(Phase { row: *row, column: *column, run, weights: weights_len, weights_len: each });
            weights_len += each * blocks.count;
        }
    }
    let mut weights = Scratch::new(weights_len);
    pack(c, &blocks, &phases, weight, weights.address());
    let plan = Plan { isa, c, source, bias, target: Target(result.as_mut_ptr()), blocks, phases, weights };
    let units = c.batch * c.result_size[0];
    let tasks = worthwhile_tasks(c.products(), units);
    parallel::run(tasks, |task| make(&plan, share(units, tasks, task)));
}

/// Weights in the order that tiles need them: phase, block, run, row, source channel, column of
/// the run, lane. Lanes without a result get zeros.
fn pack<T: DirectElement>(c: &Correlation, blocks: &Blocks, phases: &[Phase], weight: &[T], to: *mut T) {
    let to = Target(to);
    for phase in phases.iter().filter(|phase| phase.weights_len > 0) {
        let tasks = worthwhile_tasks(16 * phase.weights_len * blocks.count, blocks.count);
        parallel::run(tasks, |task| {
            for index in share(blocks.count, tasks, task) {
                let at = phase.weights + index * phase.weights_len;
                // SAFETY: the block's weights are this task's alone, and were counted when the
                // memory was made, whose content is initialised.
                let packed = unsafe { std::slice::from_raw_parts_mut(to.at(at), phase.weights_len) };
                let lanes = blocks.lanes;
                let channels: Vec<_> = (0..lanes).map(|lane| blocks.lane(index, lane)).collect();
                let mut vectors = packed.chunks_exact_mut(lanes);
                for first in (0..phase.column.taps).step_by(phase.run) {
                    for row in (0..phase.row.taps).map(|k| phase.row.kernel_element(k)) {
                        for source in 0..c.sources {
                            for column in (first..first + phase.run).map(|k| phase.column.kernel_element(k)) {
                                let vector = vectors.next().expect("counted");
                                let element = row * c.kernel_width() + column;
                                for (number, channel) in vector.iter_mut().zip(&channels) {
                                    *number = channel.map_or(T::ZERO, |(group, result)| {
                                        weight[c.weight_at(group, result, source) + element]
                                    });
                                }
                            }
                        }
                    }
                }
            }
        });
    }
}

/// Makes some rows of all images.
fn make<T: DirectElement>(plan: &Plan<'_, T>, rows: std::ops::Range<usize>) {
    let c = plan.c;
    let height = c.result_size[0];
    for unit in rows {
        let (image, at) = (unit / height, unit % height);
        // Places of one phase are as far apart as there are phases, or there is but one.
        let phases = &plan.phases[at % (plan.phases.len() / c.columns.len()) * c.columns.len()..][..c.columns.len()];
        let place = Place { image, at, result: at / phases[0].row.step };
        for phase in phases {
            match plan.blocks.spread {
                ALIKE => tiles::<T, ALIKE>(plan, phase, &place),
                PERMUTED => tiles::<T, PERMUTED>(plan, phase, &place),
                _ => tiles::<T, BROADCAST>(plan, phase, &place),
            }
        }
    }
}

/// The row that is being made.
struct Place {
    image: usize,
    /// The row, and which result of its phase it is.
    at: usize,
    result: usize,
}

/// Chooses the loops that are unrolled for the taps.
fn tiles<T: DirectElement, const SPREAD: u8>(plan: &Plan<'_, T>, phase: &Phase, place: &Place) {
    macro_rules! with {
        ($dispatch:ident, $taps:literal, $stride:literal) => {{
            let _ = T::$dispatch(plan.isa, Sweep::<T, SPREAD, $taps, $stride> { plan, phase, place });
        }};
    }
    // What is constant here spares the compiler the other loops.
    if const { T::UNROLLED } {
        match (phase.run, phase.column.stride) {
            (3, 1) => return with!(dispatch_wide, 3, 1),
            (3, 2) => return with!(dispatch_wide, 3, 2),
            _ => {}
        }
    }
    if const { T::UNROLLED && SPREAD != PERMUTED } && (phase.run, phase.column.stride) == (7, 2) {
        return with!(dispatch_wide, 7, 2);
    }
    if const { T::UNROLLED && SPREAD == ALIKE } {
        match (phase.run, phase.column.stride) {
            (5, 1) => return with!(dispatch_wide, 5, 1),
            (7, 1) => return with!(dispatch_wide, 7, 1),
            _ => {}
        }
    }
    with!(dispatch, 1, 1)
}

/// Makes one row of all blocks' results, from `TAPS` columns of taps at a time.
struct Sweep<'a, T, const SPREAD: u8, const TAPS: usize, const STRIDE: usize> {
    plan: &'a Plan<'a, T>,
    phase: &'a Phase,
    place: &'a Place,
}

impl<T: DirectElement, const SPREAD: u8, const TAPS: usize, const STRIDE: usize> Kernel<T>
    for Sweep<'_, T, SPREAD, TAPS, STRIDE>
{
    type Output = ();
    #[inline(always)]
    fn run<S: Vectors<T>>(self, simd: S) {
        let blocks = &self.plan.blocks;
        let mut permutations = [blocks.permutation(simd, 0); MOST_PERMUTATIONS];
        if SPREAD == PERMUTED {
            for (source, permutation) in permutations.iter_mut().enumerate().take(blocks.group_sources) {
                *permutation = blocks.permutation(simd, source);
            }
        }
        let mut ahead = self.ahead();
        for index in 0..blocks.count {
            // SAFETY: the plan's slices have the correlation's lengths.
            unsafe { self.block(simd, index, &permutations, &mut ahead) };
        }
    }
}

impl<T: DirectElement, const SPREAD: u8, const TAPS: usize, const STRIDE: usize> Sweep<'_, T, SPREAD, TAPS, STRIDE> {
    /// The source rows that the next result row needs and this one does not.
    fn ahead(&self) -> Ahead<T> {
        let (c, row, column) = (self.plan.c, &self.phase.row, &self.phase.column);
        let [height, width] = c.source_size;
        let row_len = width * c.groups * c.sources;
        let next = (self.place.image * height) as isize + row.source(self.place.result, row.taps);
        let from = self.plan.source.as_ptr().wrapping_offset(next * row_len as isize);
        let tiles = column.results.div_ceil(TILE);
        Ahead::new(from, row.stride * row_len, self.plan.blocks.count * tiles)
    }

    /// Makes one row of one block's results.
    ///
    /// # Safety
    /// The plan's slices must have the correlation's lengths.
    #[inline(always)]
    unsafe fn block<S: Vectors<T>>(
        &self,
        simd: S,
        index: usize,
        permutations: &[S::Permutation; MOST_PERMUTATIONS],
        next_rows: &mut Ahead<T>,
    ) {
        let Self { plan, phase, place } = *self;
        let block = &plan.blocks.block(index);
        let c = plan.c;
        let (row, column) = (&phase.row, &phase.column);
        let [source_height, source_width] = c.source_size;
        let source_channels = c.groups * c.sources;
        let result_channels = c.groups * c.results;
        let inside = row.inside(place.result);
        let first_row = row.source(place.result, inside.start);
        let source_row = (place.image * source_height) as isize + if inside.is_empty() { 0 } else { first_row };
        let from = plan.source.as_ptr().wrapping_offset(source_row * (source_width * source_channels) as isize);
        let from = from.wrapping_add(block.source);
        let row_pitch = row.dilation * source_width * source_channels;
        let weights = plan.weights.as_slice().as_ptr().wrapping_add(phase.weights + index * phase.weights_len);
        let to = (place.image * c.result_size[0] + place.at) * c.result_size[1] + column.first;
        let to = plan.target.0.wrapping_add(to * result_channels + block.result);
        let to_pitch = column.step * result_channels;
        let full = plan.blocks.is_full(block);
        let mask = plan.blocks.mask(block);
        let results = first_lanes(block.results);
        let start = match plan.bias {
            // SAFETY: the block's channels have biases.
            Some(bias) => unsafe { simd.load_masked(simd.zero(), bias.as_ptr().wrapping_add(block.result), results) },
            None => simd.zero(),
        };
        let tile_reach = (TILE - 1) * column.stride + column.reach();
        for at in (0..column.results).step_by(TILE) {
            next_rows.fetch();
            let count = TILE.min(column.results - at);
            let first_column = column.source(at, 0);
            let careful =
                !full || count < TILE || first_column < 0 || first_column as usize + tile_reach >= source_width;
            let from = from.wrapping_offset(first_column * source_channels as isize);
            let mut sums = [[start; TILE]];
            macro_rules! runs {
                ($careful:literal) => {
                    for run in (0..column.taps).step_by(TAPS) {
                        let skip = (run * row.taps + inside.start * TAPS) * c.sources;
                        let mut weights = weights.wrapping_add(skip * S::LANES);
                        let ahead = run * column.dilation;
                        for k in 0..inside.len() {
                            let from = from.wrapping_add(k * row_pitch + ahead * source_channels);
                            for source in 0..c.sources {
                                let pixels = Pixels::<T, S::Permutation, SPREAD, $careful> {
                                    from: from.wrapping_add(if SPREAD == BROADCAST { source } else { 0 }),
                                    pitch: source_channels,
                                    column: first_column + ahead as isize,
                                    width: source_width,
                                    mask,
                                    lanes: permutations[if SPREAD == PERMUTED { source } else { 0 }],
                                };
                                // SAFETY: either the whole tile lies inside the row, or care is taken.
                                unsafe {
                                    let weights = [Lanes(weights)];
                                    accumulate::<_, _, _, _, TAPS, STRIDE, 1>(
                                        simd,
                                        &mut sums,
                                        pixels,
                                        column.stride,
                                        weights,
                                    );
                                }
                                weights = weights.wrapping_add(TAPS * S::LANES);
                            }
                        }
                    }
                };
            }
            let to = to.wrapping_add(at * to_pitch);
            if careful {
                runs!(true);
                unroll!(r < TILE => {
                    if r < count {
                        // SAFETY: the result exists, and the mask selects the block's channels.
                        unsafe { simd.store_masked(to.wrapping_add(r * to_pitch), results, sums[0][r]) };
                    }
                });
            } else {
                runs!(false);
                unroll!(r < TILE => {
                    // SAFETY: the results exist, and so does a vector of channels.
                    unsafe { simd.store(to.wrapping_add(r * to_pitch), sums[0][r]) };
                });
            }
        }
    }
}
