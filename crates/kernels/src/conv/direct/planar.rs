//! Forward pass and data gradient of channels-first images: lanes are columns.
//!
//! A task copies the planes of a group to padded rows, a band at a time, and makes all results of
//! the group from them. Tiles run down the rows: with three rows of taps, nine source vectors make
//! seven result vectors, in three steps of columns.

use super::DirectElement;
use super::correlation::{Axis, Correlation};
use super::padded::{Fill, Padded};
use super::scratch::{Ahead, share, worthwhile_tasks};
use super::tile::{Rows, Scalars, TILE, UNROLLED, accumulate, unroll};
use crate::parallel;
use crate::scratch::{Scratch, Target};
use crate::simd::{Isa, Kernel, Vectors, dispatch, first_lanes};

/// Most bytes of the padded copy of a band: what fits a second-level cache beside other things.
const BAND_BYTES: usize = 256 << 10;

/// One phase of the columns within one of the rows.
struct Phase {
    row: Axis,
    column: Axis,
    /// Rows of taps that an inner loop takes at once.
    run: usize,
    /// Where the phase's weights begin, and how many a result channel has.
    weights: usize,
    weights_len: usize,
    /// For each source channel and column tap, where its sources begin in the padded copy.
    offsets: Vec<usize>,
}

struct Plan<'a, T> {
    isa: Isa,
    c: &'a Correlation,
    source: &'a [T],
    bias: Option<&'a [T]>,
    target: Target<T>,
    padded: Padded,
    phases: Vec<Phase>,
    weight: &'a [T],
    /// Whether several result channels' sums fit the registers.
    many_registers: bool,
    /// Result rows of a phase that are made at a time; a multiple of a tile.
    band: usize,
    bands: usize,
    /// Vectors of a row of results (of a phase).
    blocks: usize,
    /// Numbers of one plane's padded copy.
    plane: usize,
    /// Numbers of the results of a tile before columns of different phases are interleaved.
    strip: usize,
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
    let isa = narrowed::<T>(isa, &c.columns);
    let lanes = dispatch::<T, _>(isa, CountLanes);
    let padded = Padded::new(&c.rows, &c.columns, lanes);
    let most_results = c.rows.iter().map(|axis| axis.results).max().unwrap_or(0);
    let tiles = most_results.div_ceil(TILE);
    let row_bytes = c.sources * padded.pitch() * padded.row_stride * TILE * size_of::<T>();
    let cache_bands = tiles.div_ceil((BAND_BYTES / row_bytes.max(1)).max(1));
    let bands = cache_bands.max(16usize.div_ceil(c.batch * c.groups)).min(tiles).max(1);
    let band = tiles.div_ceil(bands) * TILE;
    let plane = padded.rows(band) * padded.pitch();

    let many_registers = isa.name() == "avx512";
    // Three results' sums at once use a source vector as often as seven taps at a stride of two do,
    // without their many weights, for which registers are too few.
    let threefold = |row: &Axis| many_registers && c.results >= 3 && (row.taps, row.stride) == (7, 2);
    let mut weights_len = 0;
    let mut phases = Vec::new();
    for row in &c.rows {
        for column in &c.columns {
            let each = row.taps * c.sources * column.taps;
            let offset = |s: usize, k: usize| s * plane + padded.column(column, k);
            let offsets = (0..c.sources).flat_map(|s| (0..column.taps).map(move |k| (s, k)));
            phases.push(Phase {
                row: *row,
                column: *column,
                run: if threefold(row) { 1 } else { row.run::<T>(isa, &UNROLLED) },
                weights: weights_len,
                weights_len: each,
                offsets: offsets.map(|(s, k)| offset(s, k)).collect(),
            });
            weights_len += each * c.groups * c.results;
        }
    }
    let widest = c.columns.iter().map(|axis| axis.results.next_multiple_of(lanes)).max().unwrap_or(0);
    let plan = Plan {
        isa,
        c,
        source,
        bias,
        target: Target(result.as_mut_ptr()),
        many_registers,
        padded,
        phases,
        weight,
        band,
        bands: tiles.div_ceil(band / TILE),
        blocks: widest / lanes,
        plane,
        strip: if c.columns.len() > 1 { c.columns.len() * TILE * widest } else { 0 },
    };
    let units = c.batch * c.groups * plan.bands;
    let tasks = worthwhile_tasks(c.products(), units);
    let packed = || {
        let mut weights = Scratch::new(weights_len);
        pack(&plan, weights.as_mut_slice());
        weights
    };
    // Few weights are packed by each task for itself sooner than they come from another core.
    let shared = (weights_len * tasks * PACKING > c.products()).then(packed);
    parallel::run(tasks, |task| {
        let own = shared.is_none().then(packed);
        let weights = shared.as_ref().or(own.as_ref()).map_or(&[][..], Scratch::as_slice);
        make(&plan, weights, share(units, tasks, task));
    });
}

/// Shorter vectors where rows are so short that the longer ones would be half empty.
pub(super) fn narrowed<T: DirectElement>(isa: Isa, columns: &[Axis]) -> Isa {
    let widest = columns.iter().map(|axis| axis.results).max().unwrap_or(0);
    let half = dispatch::<T, _>(isa, CountLanes) / 2;
    let narrower = |other: &Isa| dispatch::<T, _>(*other, CountLanes) == half && other.name() != "portable";
    let narrower = (widest <= half && isa.name() == "avx512").then(|| Isa::available().into_iter().find(narrower));
    narrower.flatten().unwrap_or(isa)
}

/// Multiplications that packing a weight takes as long as, and some more.
const PACKING: usize = 200;

/// Packs weights in the order that tiles need them: phase, group, result channel, run, source
/// channel, column, row of the run.
fn pack<T: DirectElement>(plan: &Plan<'_, T>, mut packed: &mut [T]) {
    let (c, weight) = (plan.c, plan.weight);
    for phase in &plan.phases {
        // Where a run's elements lie in the kernel: the same for all channels.
        let run = |first: usize| {
            let columns = (0..phase.column.taps).map(|k| phase.column.kernel_element(k));
            let rows = (first..first + phase.run).map(|k| phase.row.kernel_element(k));
            columns.flat_map(move |column| rows.clone().map(move |row| row * c.kernel_width() + column)).collect()
        };
        let runs: Vec<Vec<usize>> = (0..phase.row.taps).step_by(phase.run).map(run).collect();
        for group in 0..c.groups {
            for result in 0..c.results {
                for elements in &runs {
                    for source in 0..c.sources {
                        let kernel = &weight[c.weight_at(group, result, source)..];
                        let (here, rest) = packed.split_at_mut(elements.len());
                        here.iter_mut().zip(elements).for_each(|(to, &element)| *to = kernel[element]);
                        packed = rest;
                    }
                }
            }
        }
    }
}

/// How many numbers a vector of the instruction set holds.
pub(super) struct CountLanes;

impl<T: DirectElement> Kernel<T> for CountLanes {
    type Output = usize;
    #[inline(always)]
    fn run<S: Vectors<T>>(self, _: S) -> usize {
        S::LANES
    }
}

/// Makes the results of some units: bands of the planes of a group.
fn make<T: DirectElement>(plan: &Plan<'_, T>, weights: &[T], units: std::ops::Range<usize>) {
    let c = plan.c;
    let mut copy = Scratch::<T>::new(c.sources * plan.plane);
    let mut strip = Scratch::<T>::new(plan.strip);
    let source_plane = c.source_size[0] * c.source_size[1];
    for unit in units {
        let (image_and_group, band) = (unit / plan.bands, unit % plan.bands * plan.band);
        let most_results = c.rows.iter().map(|axis| axis.results).max().unwrap_or(0);
        let rows = plan.padded.rows(plan.band.min(most_results - band).next_multiple_of(TILE));
        for s in 0..c.sources {
            let plane = &plan.source[(image_and_group * c.sources + s) * source_plane..][..source_plane];
            let to = &mut copy.as_mut_slice()[s * plan.plane..][..rows * plan.padded.pitch()];
            dispatch::<T, _>(plan.isa, Fill { padded: &plan.padded, plane, size: c.source_size, band, to });
        }
        // The planes of the next group follow this one's.
        let sweeps = plan.phases.iter().map(|phase| phase.row.results.div_ceil(TILE)).sum::<usize>();
        let len = if plan.bands == 1 { c.sources * source_plane } else { 0 };
        let from = plan.source.as_ptr().wrapping_add((image_and_group + 1) * c.sources * source_plane);
        let mut ahead = Ahead::new(from, len, sweeps * c.results * plan.blocks);
        for phases in plan.phases.chunks(c.columns.len()) {
            let last = phases[0].row.results.min(band + plan.band);
            for row in (band..last).step_by(TILE) {
                let place = Place {
                    image_and_group,
                    row,
                    band,
                    count: TILE.min(last - row),
                    copy: copy.address(),
                    weights: weights.as_ptr(),
                };
                // The strip holds the phases of one result channel.
                let step = if plan.strip == 0 { c.results } else { 1 };
                for result in (0..c.results).step_by(step) {
                    for (i, phase) in phases.iter().enumerate() {
                        let part = strip.address().wrapping_add(i * plan.strip / phases.len());
                        let part = if plan.strip == 0 { std::ptr::null_mut() } else { part };
                        tiles(plan, phase, &place, result..result + step, part, &mut ahead);
                    }
                    if plan.strip > 0 {
                        let strip = strip.as_slice();
                        dispatch::<T, _>(plan.isa, Interleave { plan, phases, place: &place, result, strip });
                    }
                }
            }
        }
    }
}

/// The tile rows that are being made.
struct Place<T> {
    image_and_group: usize,
    row: usize,
    band: usize,
    count: usize,
    copy: *const T,
    weights: *const T,
}

impl<T: DirectElement> Plan<'_, T> {
    /// Where a result channel's row lies.
    #[inline(always)]
    fn result_row(&self, image_and_group: usize, result: usize, row: usize) -> *mut T {
        let [height, width] = self.c.result_size;
        self.target.0.wrapping_add(((image_and_group * self.c.results + result) * height + row) * width)
    }
}

/// Chooses the loops that are unrolled for the taps. The strip is null, or the phase's part of it.
fn tiles<T: DirectElement>(
    plan: &Plan<'_, T>,
    phase: &Phase,
    place: &Place<T>,
    results: std::ops::Range<usize>,
    strip: *mut T,
    ahead: &mut Ahead<T>,
) {
    macro_rules! sweep {
        ($dispatch:ident, $taps:literal, $stride:literal, $at_once:literal) => {{
            let at_once = if plan.many_registers && $at_once > 1 { results.len() / $at_once * $at_once } else { 0 };
            let split = results.start + at_once;
            if $at_once > 1 {
                let results = results.start..split;
                let sweep = Sweep::<T, $taps, $stride, $at_once> { plan, phase, place, results, strip, ahead };
                let _ = T::$dispatch(plan.isa, sweep);
            }
            let sweep = Sweep::<T, $taps, $stride, 1> { plan, phase, place, results: split..results.end, strip, ahead };
            let _ = T::$dispatch(plan.isa, sweep);
        }};
    }
    if const { T::UNROLLED } {
        match (phase.run, phase.row.stride) {
            (3, 1) => return sweep!(dispatch_wide, 3, 1, 2),
            (5, 1) => return sweep!(dispatch_wide, 5, 1, 1),
            (7, 1) => return sweep!(dispatch_wide, 7, 1, 1),
            (3, 2) => return sweep!(dispatch_wide, 3, 2, 1),
            (7, 2) => return sweep!(dispatch_wide, 7, 2, 1),
            _ => {}
        }
    }
    sweep!(dispatch, 1, 1, 3)
}

/// Makes a tile of rows of `results`, `N` of them at a time, from `TAPS` rows of taps at a time.
struct Sweep<'a, T, const TAPS: usize, const STRIDE: usize, const N: usize> {
    plan: &'a Plan<'a, T>,
    phase: &'a Phase,
    place: &'a Place<T>,
    results: std::ops::Range<usize>,
    strip: *mut T,
    ahead: &'a mut Ahead<T>,
}

impl<T: DirectElement, const TAPS: usize, const STRIDE: usize, const N: usize> Kernel<T>
    for Sweep<'_, T, TAPS, STRIDE, N>
{
    type Output = ();
    #[inline(always)]
    fn run<S: Vectors<T>>(self, simd: S) {
        let Self { plan, phase, place, results, strip, ahead } = self;
        let c = plan.c;
        let (row, column) = (&phase.row, &phase.column);
        let pitch = plan.padded.pitch();
        let copy = place.copy.wrapping_add(plan.padded.row(row, place.row, place.band) * pitch);
        let group = place.image_and_group % c.groups;
        let weights = place.weights;
        for at in (0..column.results).step_by(S::LANES) {
            let from = copy.wrapping_add(at);
            let mask = first_lanes(column.results - at);
            let full = column.results - at >= S::LANES;
            for result in results.clone().step_by(N) {
                (0..N).for_each(|_| ahead.fetch());
                let mut sums = [[simd.zero(); TILE]; N];
                let mut packed = [Scalars(weights); N];
                for n in 0..N {
                    let channel = group * c.results + result + n;
                    packed[n] = Scalars(weights.wrapping_add(phase.weights + channel * phase.weights_len));
                    if let Some(bias) = plan.bias {
                        sums[n] = [simd.splat(bias[channel]); TILE];
                    }
                }
                for first in (0..row.taps).step_by(TAPS) {
                    let from = from.wrapping_add(first * row.dilation * pitch);
                    for &offset in &phase.offsets {
                        let rows = Rows::<T, false> { from: from.wrapping_add(offset), pitch, mask };
                        // SAFETY: the copy holds the sources of a tile, and the weights were packed in
                        // this order.
                        unsafe {
                            accumulate::<_, _, _, _, TAPS, STRIDE, N>(simd, &mut sums, rows, row.stride, packed);
                        }
                        for weights in &mut packed {
                            weights.0 = weights.0.wrapping_add(TAPS);
                        }
                    }
                }
                for (n, sums) in sums.iter().enumerate() {
                    if !strip.is_null() {
                        let pitch = plan.strip / (c.columns.len() * TILE);
                        unroll!(r < TILE => {
                            // SAFETY: a strip's rows have room for whole vectors.
                            unsafe { simd.store(strip.wrapping_add(r * pitch + at), sums[r]) };
                        });
                        continue;
                    }
                    let to = plan.result_row(place.image_and_group, result + n, row.first + place.row * row.step);
                    let to = to.wrapping_add(at);
                    let pitch = row.step * c.result_size[1];
                    if full && place.count == TILE {
                        unroll!(r < TILE => {
                            // SAFETY: the rows exist and have a vector's numbers left.
                            unsafe { simd.store(to.wrapping_add(r * pitch), sums[r]) };
                        });
                    } else {
                        unroll!(r < TILE => {
                            if r < place.count {
                                // SAFETY: the row exists; the mask selects the numbers left in it.
                                unsafe { simd.store_masked(to.wrapping_add(r * pitch), mask, sums[r]) };
                            }
                        });
                    }
                }
            }
        }
    }
}

/// Brings the columns of all phases from the strip to their places.
struct Interleave<'a, T> {
    plan: &'a Plan<'a, T>,
    phases: &'a [Phase],
    place: &'a Place<T>,
    result: usize,
    strip: &'a [T],
}

impl<T: DirectElement> Kernel<T> for Interleave<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Vectors<T>>(self, simd: S) {
        let Self { plan, phases, place, result, strip } = self;
        let strip = strip.as_ptr();
        let width = plan.c.result_size[1];
        let row = &phases[0].row;
        let part = plan.strip / phases.len();
        let pitch = part / TILE;
        for r in 0..place.count {
            let to = plan.result_row(place.image_and_group, result, row.first + (place.row + r) * row.step);
            let from = strip.wrapping_add(r * pitch);
            if phases.len() == 2 && phases[0].column.step == 2 {
                for at in (0..phases[0].column.results).step_by(S::LANES) {
                    // SAFETY: strips hold whole vectors; the masks select what is left of the row.
                    unsafe {
                        let even = simd.load(from.add(at));
                        let odd = simd.load(from.add(part + at));
                        let (low, high) = simd.interleave(even, odd);
                        let left = width - 2 * at;
                        if left >= 2 * S::LANES {
                            simd.store(to.add(2 * at), low);
                            simd.store(to.add(2 * at + S::LANES), high);
                        } else {
                            simd.store_masked(to.add(2 * at), first_lanes(left), low);
                            let left = left.saturating_sub(S::LANES);
                            simd.store_masked(to.wrapping_add(2 * at + S::LANES), first_lanes(left), high);
                        }
                    }
                }
                continue;
            }
            for (i, phase) in phases.iter().enumerate() {
                let column = &phase.column;
                for t in 0..column.results {
                    // SAFETY: the phase has this result, whose place lies in the row.
                    unsafe { to.add(column.first + t * column.step).write(from.add(i * part + t).read()) };
                }
            }
        }
    }
}
