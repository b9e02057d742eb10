//! Weight gradient of channels-last images: lanes are channels.
//!
//! Each task sums over some rows of some images, strip by strip so that a strip's pixels stay in
//! the first-level cache for all taps. The tasks' sums are added in order.

use super::DirectElement;
use super::blocks::{Block, Blocks};
use super::correlation::Correlation;
use super::planar::CountLanes;
use super::planar_weight::add_parts;
use super::scratch::share;
use super::tile::{ALIKE, BROADCAST, Gradients, PERMUTED, Pixels, TILE, products, unroll};
use crate::parallel;
use crate::scratch::{Scratch, Target};
use crate::simd::{Isa, Kernel, Vectors, dispatch, first_lanes};

/// Tasks at most.
const TASKS: usize = 32;
/// Most numbers of all partial sums.
const PARTIAL_LEN: usize = 4 << 20;
/// Bytes of a strip, in one block of channels of both images.
const STRIP_BYTES: usize = 20 << 10;

struct Plan<'a, T> {
    isa: Isa,
    /// The forward pass: sources are the input, results the output.
    c: &'a Correlation,
    input: &'a [T],
    grad_output: &'a [T],
    blocks: Blocks,
    /// Columns of taps that an inner loop takes at once.
    run: usize,
    /// Parts into which the rows of all images are cut; each has partial sums of its own.
    parts: usize,
    /// Rows of a strip.
    strip: usize,
    /// Partial sums of a block: run, row of the kernel, source channel, column of the run, lane.
    block_sums: usize,
    partial: Target<T>,
}

/// Computes the weight's gradient of a forward pass.
pub(super) fn run<T: DirectElement>(isa: Isa, c: &Correlation, input: &[T], grad_output: &[T], grad_weight: &mut [T]) {
    let lanes = dispatch::<T, _>(isa, CountLanes);
    let blocks = Blocks::new(c, lanes);
    let (row, column) = (c.rows[0], c.columns[0]);
    let block_sums = row.taps * c.sources * column.taps * lanes;
    let tasks = (c.products() / 500_000).clamp(1, TASKS);
    // Images first: their rows lie together in memory.
    let most_parts = (PARTIAL_LEN / (block_sums * blocks.count)).max(1);
    let images = tasks.min(c.batch).min(most_parts);
    let block_tasks = tasks.div_ceil(images).min(blocks.count);
    let parts = images * tasks.div_ceil(images * block_tasks).min(row.results.div_ceil(2));
    let parts = parts.min(most_parts);
    let row_bytes = (c.source_size[1] * row.stride + c.result_size[1]) * lanes * size_of::<T>();
    let mut partial = Scratch::new(parts * blocks.count * block_sums);
    let plan = Plan {
        isa,
        c,
        input,
        grad_output,
        blocks,
        run: column.run::<T>(isa, blocks.unrolled()),
        parts,
        strip: (STRIP_BYTES / row_bytes).max(1),
        block_sums,
        partial: Target(partial.address()),
    };
    parallel::run(parts * block_tasks, |task| {
        let range = share(blocks.count, block_tasks, task % block_tasks);
        match plan.blocks.spread {
            ALIKE => strips::<T, ALIKE>(&plan, task / block_tasks, range),
            PERMUTED => strips::<T, PERMUTED>(&plan, task / block_tasks, range),
            _ => strips::<T, BROADCAST>(&plan, task / block_tasks, range),
        }
    });
    let mut sums = Scratch::new(blocks.count * block_sums);
    add_parts(partial.as_slice(), sums.as_mut_slice());
    unpack(&plan, sums.as_slice(), grad_weight);
}

/// Brings sums to the weight's order.
fn unpack<T: DirectElement>(plan: &Plan<'_, T>, sums: &[T], grad_weight: &mut [T]) {
    let c = plan.c;
    for (index, sums) in sums.chunks_exact(plan.block_sums).enumerate() {
        let channels: Vec<_> = (0..plan.blocks.lanes).filter_map(|lane| plan.blocks.lane(index, lane)).collect();
        let mut vectors = sums.chunks_exact(plan.blocks.lanes);
        for run in (0..c.columns[0].taps).step_by(plan.run) {
            for row in 0..c.rows[0].taps {
                for source in 0..c.sources {
                    for column in run..run + plan.run {
                        let vector = vectors.next().expect("counted");
                        let element = row * c.kernel_width() + column;
                        for (&(group, result), &sum) in channels.iter().zip(vector) {
                            grad_weight[c.weight_at(group, result, source) + element] = sum;
                        }
                    }
                }
            }
        }
    }
}

/// Sums up a part of the rows for some blocks.
fn strips<T: DirectElement, const SPREAD: u8>(plan: &Plan<'_, T>, part: usize, blocks: std::ops::Range<usize>) {
    let c = plan.c;
    let sums = plan.partial.0.wrapping_add((part * plan.blocks.count + blocks.start) * plan.block_sums);
    // SAFETY: the part and the blocks are this task's alone.
    let sums = unsafe { std::slice::from_raw_parts_mut(sums, blocks.len() * plan.block_sums) };
    sums.fill(T::ZERO);
    let height = c.result_size[0];
    let rows = share(c.batch * height, plan.parts, part);
    let mut start = rows.start;
    while start < rows.end {
        let image = start / height;
        let end = (start + plan.strip).min(rows.end).min((image + 1) * height);
        for (index, sums) in blocks.clone().zip(sums.chunks_exact_mut(plan.block_sums)) {
            let rows = start - image * height..end - image * height;
            block_products::<T, SPREAD>(plan, &Place { image, rows, block: plan.blocks.block(index) }, sums);
        }
        start = end;
    }
}

/// The rows and channels that are being used.
struct Place {
    image: usize,
    rows: std::ops::Range<usize>,
    block: Block,
}

/// Adds the products of a strip to the sums of a block.
fn block_products<T: DirectElement, const SPREAD: u8>(plan: &Plan<'_, T>, place: &Place, sums: &mut [T]) {
    macro_rules! with {
        ($dispatch:ident, $taps:literal, $stride:literal, $rows:literal) => {{
            let _ = T::$dispatch(plan.isa, BlockProducts::<T, SPREAD, $taps, $stride, $rows> { plan, place, sums });
        }};
    }
    // What is constant here spares the compiler the other loops.
    if const { T::UNROLLED } {
        match (plan.run, plan.c.columns[0].stride) {
            (3, 1) => return with!(dispatch_wide, 3, 1, 3),
            (3, 2) => return with!(dispatch_wide, 3, 2, 3),
            _ => {}
        }
    }
    if const { T::UNROLLED && SPREAD != PERMUTED } && (plan.run, plan.c.columns[0].stride) == (7, 2) {
        return with!(dispatch_wide, 7, 2, 1);
    }
    if const { T::UNROLLED && SPREAD == ALIKE } {
        match (plan.run, plan.c.columns[0].stride) {
            (5, 1) => return with!(dispatch_wide, 5, 1, 1),
            (7, 1) => return with!(dispatch_wide, 7, 1, 1),
            _ => {}
        }
    }
    with!(dispatch, 1, 1, 4)
}

/// [`block_products`] for `B` rows and `TAPS` columns of the kernel at a time.
struct BlockProducts<'a, T, const SPREAD: u8, const TAPS: usize, const STRIDE: usize, const B: usize> {
    plan: &'a Plan<'a, T>,
    place: &'a Place,
    sums: &'a mut [T],
}

impl<T: DirectElement, const SPREAD: u8, const TAPS: usize, const STRIDE: usize, const B: usize> Kernel<T>
    for BlockProducts<'_, T, SPREAD, TAPS, STRIDE, B>
{
    type Output = ();
    #[inline(always)]
    fn run<S: Vectors<T>>(self, simd: S) {
        let (plan, c) = (self.plan, self.plan.c);
        let taps = c.rows[0].taps;
        for run in (0..c.columns[0].taps).step_by(TAPS) {
            for first in (0..taps).step_by(B) {
                for source in 0..c.sources {
                    let lanes = plan.blocks.permutation(simd, source);
                    let channel = if SPREAD == BROADCAST { source } else { 0 };
                    let tap = Tap { first, column: run, channel, lanes };
                    // SAFETY: the plan's slices have the correlation's lengths.
                    let block = unsafe { strip_products::<T, S, SPREAD, TAPS, STRIDE, B>(simd, plan, self.place, tap) };
                    for (b, row) in block.iter().enumerate().take(taps - first) {
                        let at = run * taps * c.sources + ((first + b) * c.sources + source) * TAPS;
                        for (k, &sum) in row.iter().enumerate() {
                            let to = &mut self.sums[(at + k) * S::LANES..];
                            simd.store_slice(to, simd.add(simd.load_slice(to), sum));
                        }
                    }
                }
            }
        }
    }
}

/// The taps whose sums are being made.
#[derive(Clone, Copy)]
struct Tap<P> {
    /// The first row of the kernel.
    first: usize,
    /// The first column.
    column: usize,
    /// The source channel, and the lanes that take it.
    channel: usize,
    lanes: P,
}

/// Sums of products over the strip, lane by lane, for `B` rows and `TAPS` columns of the kernel.
///
/// # Safety
/// The plan's slices must have the correlation's lengths.
#[inline(always)]
unsafe fn strip_products<
    T: DirectElement,
    S: Vectors<T>,
    const SPREAD: u8,
    const TAPS: usize,
    const STRIDE: usize,
    const B: usize,
>(
    simd: S,
    plan: &Plan<'_, T>,
    place: &Place,
    tap: Tap<S::Permutation>,
) -> [[S::Vector; TAPS]; B] {
    let c = plan.c;
    let (row, column) = (&c.rows[0], &c.columns[0]);
    let [height, width] = c.source_size;
    let source_channels = c.groups * c.sources;
    let result_channels = c.groups * c.results;
    let block = &place.block;
    let full = plan.blocks.is_full(block);
    let mask = plan.blocks.mask(block);
    let results = first_lanes(block.results);
    let ahead = tap.column * column.dilation;
    let tile_reach = (TILE - 1) * column.stride + TAPS - 1;
    let mut sums = [[simd.zero(); TAPS]; B];
    for at_row in place.rows.clone() {
        let mut from = [plan.input.as_ptr(); B];
        let mut widths = [width; B];
        let mut outside = false;
        for b in 0..B {
            let source_row = row.source(at_row, tap.first + b);
            if source_row < 0 || source_row >= height as isize || tap.first + b >= row.taps {
                widths[b] = 0;
                outside = true;
            }
            let row = (place.image * height) as isize + source_row;
            let at = row * (width * source_channels) as isize + (block.source + tap.channel) as isize;
            from[b] = from[b].wrapping_offset(at);
        }
        if outside && widths == [0; B] {
            continue;
        }
        let gradient = (place.image * c.result_size[0] + at_row) * c.result_size[1] * result_channels + block.result;
        let gradient = plan.grad_output.as_ptr().wrapping_add(gradient);
        for at in (0..c.result_size[1]).step_by(TILE) {
            let count = TILE.min(c.result_size[1] - at);
            let first_column = column.source(at, 0) + ahead as isize;
            let careful =
                !full || outside || count < TILE || first_column < 0 || first_column as usize + tile_reach >= width;
            let gradient = gradient.wrapping_add(at * result_channels);
            macro_rules! add {
                ($careful:literal) => {{
                    let mut positions = [Pixels::<T, S::Permutation, SPREAD, $careful> {
                        from: from[0],
                        pitch: source_channels,
                        column: first_column,
                        width,
                        mask,
                        lanes: tap.lanes,
                    }; B];
                    for b in 0..B {
                        positions[b].from = from[b].wrapping_offset(first_column * source_channels as isize);
                        positions[b].width = widths[b];
                    }
                    let mut vectors = [simd.zero(); TILE];
                    unroll!(r < TILE => {
                        if !$careful || r < count {
                            let from = gradient.wrapping_add(r * result_channels);
                            // SAFETY: the result exists, and the mask selects the block's channels.
                            vectors[r] = unsafe {
                                if $careful { simd.load_masked(simd.zero(), from, results) } else { simd.load(from) }
                            };
                        }
                    });
                    let gradients = Gradients { vectors, count };
                    // SAFETY: either all sources lie inside, or care is taken.
                    unsafe {
                        products::<_, _, _, TAPS, STRIDE, B, $careful>(
                            simd, &mut sums, gradients, positions, column.stride,
                        );
                    }
                }};
            }
            if careful {
                add!(true);
            } else {
                add!(false);
            }
        }
    }
    sums
}
