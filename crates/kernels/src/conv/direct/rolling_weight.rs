//! Weight gradient of channels-first planes: rows roll by.
//!
//! The counterpart of [`rolling`](super::rolling). Going down a vector of columns, the last few rows
//! of the output's gradient stay in registers; every input vector is loaded once and multiplied by
//! all of them, each product belonging to another row of the kernel. Sums stay lanes wide until the
//! last image has been seen.

use super::DirectElement;
use super::correlation::{Axis, Correlation};
use super::padded::load_inside;
use super::planar::{CountLanes, narrowed};
use super::planar_weight::add_parts;
use super::rolling::{MOST_TAPS, has_many, has_registers, is_dense_square};
use super::scratch::{Ahead, share, worthwhile_tasks};
use super::tile::unroll;
use super::window::Window;
use crate::parallel;
use crate::scratch::{Scratch, Target};
use crate::simd::{Isa, Kernel, Mask, Vectors, dispatch, first_lanes};

/// Bytes of input rows at most that all columns are taken down before the rows below.
const BAND_BYTES: usize = 12 << 10;
/// Bytes of planes at most that come between two visits to the same sums.
const RUN_BYTES: usize = 32 << 10;
/// The images are cut into as many parts as make this many tasks together with the channels.
const TASKS: usize = 16;

struct Plan<'a, T> {
    /// The forward pass: sources are the input, results the output.
    c: &'a Correlation,
    isa: Isa,
    input: &'a [T],
    grad_output: &'a [T],
    /// For each vector of columns of the output, what it needs of input rows, and its lanes.
    blocks: Vec<([Window; MOST_TAPS], Mask)>,
    /// Output channels, all groups together.
    channels: usize,
    /// Images that are added up before the next pair of channels has its turn.
    run: usize,
    /// Output rows of a band, and how many bands a plane has.
    band: usize,
    bands: usize,
    /// Parts into which images and bands are cut; each has partial sums of its own.
    parts: usize,
    target: Target<T>,
}

/// Whether the rows roll for a forward pass's weight gradient.
pub(super) fn applies<T: DirectElement>(isa: Isa, c: &Correlation) -> bool {
    // Separating columns costs less in a copy that many channels share.
    let few = c.sources * c.results == 1 || has_many(isa) && (c.sources == 1 || c.rows[0].stride == 1);
    has_registers::<T>(isa, c) && few && is_dense_square(c)
}

/// Computes the weight's gradient of a forward pass that [`applies`].
pub(super) fn run<T: DirectElement>(isa: Isa, c: &Correlation, input: &[T], grad_output: &[T], grad_weight: &mut [T]) {
    // Wide vectors come with the registers that larger kernels' sums need.
    let isa = if c.rows[0].taps == 3 { narrowed::<T>(isa, &c.columns) } else { isa };
    let lanes = dispatch::<T, _>(isa, CountLanes);
    let (row, column) = (&c.rows[0], &c.columns[0]);
    let channels = c.groups * c.results;
    let row_bytes = c.source_size[1] * row.stride * size_of::<T>();
    let plane_bytes = |size: [usize; 2]| size[0] * size[1] * size_of::<T>();
    let parts_wanted = TASKS.div_ceil(channels).min((c.products() / 1_000_000).max(1));
    let most_bands = row.results.div_ceil(2 * row.reach() + 2);
    let bands = row.results.div_ceil((BAND_BYTES / row_bytes.max(1)).max(1));
    let bands = bands.max(parts_wanted.div_ceil(c.batch)).min(most_bands);
    let band = row.results.div_ceil(bands);
    let bands = row.results.div_ceil(band);
    let parts = parts_wanted.min(c.batch * bands);
    let mut partial = Scratch::new(if parts > 1 { parts * grad_weight.len() } else { 0 });
    let plan = Plan {
        c,
        isa,
        input,
        grad_output,
        blocks: (0..column.results).step_by(lanes).map(|at| block(column, at, c.source_size[1], lanes)).collect(),
        channels,
        run: (RUN_BYTES / (plane_bytes(c.source_size) + plane_bytes(c.result_size)).max(1)).max(1),
        band,
        bands,
        parts,
        target: Target(if parts > 1 { partial.address() } else { grad_weight.as_mut_ptr() }),
    };
    let tasks = worthwhile_tasks(c.products() / parts, channels);
    parallel::run(parts * tasks, |task| sum_up(&plan, task / tasks, share(channels, tasks, task % tasks)));
    if parts > 1 {
        add_parts(partial.as_slice(), grad_weight);
    }
}

/// The windows of a vector of columns. A missing column of the output adds nothing, not even zero
/// times infinity: its inputs are masked too.
fn block(axis: &Axis, at: usize, width: usize, lanes: usize) -> ([Window; MOST_TAPS], Mask) {
    let columns = (axis.results - at).min(lanes);
    let inputs = columns * axis.stride;
    let mut windows = [Window::default(); MOST_TAPS];
    for (tap, window) in windows.iter_mut().enumerate().take(axis.taps) {
        *window = Window::new(axis, at, tap, width, lanes);
        window.masks[0] &= first_lanes(inputs.min(lanes));
        window.masks[1] &= first_lanes(inputs.saturating_sub(lanes));
    }
    (windows, first_lanes(columns))
}

/// Sums up a part of the images for some channels.
fn sum_up<T: DirectElement>(plan: &Plan<'_, T>, part: usize, channels: std::ops::Range<usize>) {
    macro_rules! with {
        ($taps:literal, $stride:literal) => {{
            let _ = T::dispatch_wide(plan.isa, Reduce::<T, $taps, $stride> { plan, part, channels });
        }};
    }
    if const { T::UNROLLED } {
        match (plan.c.rows[0].taps, plan.c.rows[0].stride) {
            (3, 1) => with!(3, 1),
            (5, 1) => with!(5, 1),
            (7, 1) => with!(7, 1),
            (3, 2) => with!(3, 2),
            (5, 2) => with!(5, 2),
            _ => with!(7, 2),
        }
    }
}

/// [`sum_up`] for a square kernel of `TAPS` at a stride.
struct Reduce<'a, T, const TAPS: usize, const STRIDE: usize> {
    plan: &'a Plan<'a, T>,
    part: usize,
    channels: std::ops::Range<usize>,
}

impl<T: DirectElement, const TAPS: usize, const STRIDE: usize> Kernel<T> for Reduce<'_, T, TAPS, STRIDE> {
    type Output = ();
    #[inline(always)]
    fn run<S: Vectors<T>>(self, simd: S) {
        let Self { plan, part, ref channels } = self;
        let c = plan.c;
        let kernel = TAPS * TAPS * S::LANES;
        let mut lane_sums = Scratch::<T>::new(channels.len() * c.sources * kernel);
        lane_sums.as_mut_slice().fill(T::ZERO);
        // Units are the bands of an image, then the next image's; planes of one band make runs.
        let units = share(c.batch * plan.bands, plan.parts, part);
        let run = if plan.bands == 1 { plan.run } else { 1 };
        for unit in units.clone().step_by(run) {
            let (image, band) = (unit / plan.bands, unit % plan.bands * plan.band);
            let images = image..image + run.min(units.end - unit);
            let rows = band..(band + plan.band).min(c.result_size[0]);
            let pairs = channels.clone().flat_map(|channel| (0..c.sources).map(move |source| (channel, source)));
            for ((channel, source), sums) in pairs.zip(lane_sums.as_mut_slice().chunks_exact_mut(kernel)) {
                let place = Place { images: images.clone(), channel, source, rows: rows.clone() };
                let mut ahead = self.ahead(&place);
                // As many columns of the kernel at a time as registers hold sums for.
                if TAPS == 3 {
                    self.columns::<S, 3>(simd, &place, 0, sums, &mut ahead);
                } else if TAPS == 5 {
                    self.columns::<S, 5>(simd, &place, 0, sums, &mut ahead);
                } else {
                    for first in [0, 3] {
                        self.columns::<S, 3>(simd, &place, first, sums, &mut ahead);
                    }
                    self.columns::<S, 1>(simd, &place, 6, sums, &mut ahead);
                }
            }
        }
        let first = (part * plan.channels + channels.start) * c.sources * TAPS * TAPS;
        for (i, lanes) in lane_sums.as_slice().chunks_exact(S::LANES).enumerate() {
            // SAFETY: the part and the channels are this task's alone.
            unsafe { plan.target.at(first + i).write(simd.sum(simd.load_slice(lanes))) };
        }
    }
}

/// The planes and rows that are being used.
struct Place {
    images: std::ops::Range<usize>,
    /// The output channel, all groups together.
    channel: usize,
    /// The input channel within the group.
    source: usize,
    rows: std::ops::Range<usize>,
}

impl<T: DirectElement, const TAPS: usize, const STRIDE: usize> Reduce<'_, T, TAPS, STRIDE> {
    /// Gradient rows in registers: those that an input row meets.
    const ROWS: usize = TAPS.div_ceil(STRIDE);

    /// Where the planes of a place's pair of channels begin, in its first image.
    #[inline(always)]
    fn planes(&self, place: &Place) -> [*const T; 2] {
        let (plan, c) = (self.plan, self.plan.c);
        let plane = |size: [usize; 2], index: usize| index * size[0] * size[1];
        let group = place.images.start * c.groups + place.channel / c.results;
        let input = plane(c.source_size, group * c.sources + place.source);
        let gradient = plane(c.result_size, place.images.start * plan.channels + place.channel);
        [plan.input[input..].as_ptr(), plan.grad_output[gradient..].as_ptr()]
    }

    /// The rows of the channels that follow: the input's are new with a group's first output
    /// channel, the output's with its first input channel.
    #[inline(always)]
    fn ahead(&self, place: &Place) -> [Ahead<T>; 2] {
        let c = self.plan.c;
        let [input, gradient] = self.planes(place);
        let times = place.images.len() * place.rows.len() * self.plan.blocks.len();
        let rows = |from: *const T, planes: usize, [height, width]: [usize; 2], stride: usize, new: bool| {
            let from = from.wrapping_add((planes * height + place.rows.start * stride) * width);
            Ahead::new(from, if new { place.rows.len() * stride * width } else { 0 }, times)
        };
        [
            rows(input, c.sources, c.source_size, STRIDE, place.channel % c.results + 1 == c.results),
            rows(gradient, 1, c.result_size, 1, place.source + 1 == c.sources),
        ]
    }

    /// Adds the products of a place to the sums of `B` columns of the kernel, `[column][row]`.
    #[inline(always)]
    fn columns<S: Vectors<T>, const B: usize>(
        &self,
        simd: S,
        place: &Place,
        first: usize,
        sums: &mut [T],
        ahead: &mut [Ahead<T>; 2],
    ) {
        let (plan, c) = (self.plan, self.plan.c);
        let row = &c.rows[0];
        let (height, width, to_width) = (c.source_size[0], c.source_size[1], c.result_size[1]);
        let [input, gradient] = self.planes(place);
        let input_step = c.groups * c.sources * height * width;
        let gradient_step = plan.channels * c.result_size[0] * to_width;
        let mut products = [[simd.zero(); TAPS]; B];
        let blocks = (0..place.images.len()).flat_map(|image| (0..plan.blocks.len()).map(move |block| (image, block)));
        for (image, block) in blocks {
            let (windows, lanes) = &plan.blocks[block];
            let input = input.wrapping_add(image * input_step);
            let gradient = gradient.wrapping_add(image * gradient_step + block * S::LANES);
            let mut taps = [Window::default(); B];
            for (b, window) in taps.iter_mut().enumerate() {
                *window = windows[first + b];
            }
            for residue in 0..row.dilation {
                let start = place.rows.start + residue;
                let steps = place.rows.end.saturating_sub(start).div_ceil(row.dilation);
                let first_row = row.source(start, 0);
                let mut rows = [simd.zero(); TAPS];
                macro_rules! step {
                    ($step:expr, $careful:literal) => {{
                        let step: usize = $step;
                        for m in (1..Self::ROWS).rev() {
                            rows[m] = rows[m - 1];
                        }
                        if !$careful || step < steps {
                            let from = gradient.wrapping_add((start + step * row.dilation) * to_width);
                            // SAFETY: the row exists; the mask selects the numbers left in it.
                            rows[0] = unsafe { load_inside(simd, from, *lanes) };
                        }
                        unroll!(rest < STRIDE => {
                            let at = first_row + ((step * STRIDE + rest) * row.dilation) as isize;
                            if (at as usize) < height {
                                let from = input.wrapping_add(at as usize * width);
                                let mut sources = [simd.zero(); B];
                                // SAFETY: the row exists.
                                unsafe { load_row::<T, S, STRIDE, B>(simd, &taps, from, &mut sources) };
                                for b in 0..B {
                                    unroll!(m < Self::ROWS => {
                                        let k = m * STRIDE + rest;
                                        // A missing row adds nothing either.
                                        if k < TAPS && (!$careful || step >= m && step - m < steps) {
                                            products[b][k] = simd.mul_add(rows[m], sources[b], products[b][k]);
                                        }
                                    });
                                }
                            }
                        });
                    }};
                }
                let beyond = Self::ROWS - 1;
                for step in 0..beyond {
                    step!(step, true);
                }
                for step in beyond..steps {
                    ahead[0].fetch();
                    ahead[1].fetch();
                    step!(step, false);
                }
                for step in steps.max(beyond)..steps + beyond {
                    step!(step, true);
                }
            }
        }
        for (b, column) in products.iter().enumerate() {
            for (k, &product) in column.iter().enumerate() {
                let to = &mut sums[(k * TAPS + first + b) * S::LANES..];
                simd.store_slice(to, simd.add(simd.load_slice(to), product));
            }
        }
    }
}

/// The vectors of `B` columns of the kernel.
///
/// # Safety
/// The row must be readable.
#[inline(always)]
unsafe fn load_row<T: Copy, S: Vectors<T>, const STRIDE: usize, const B: usize>(
    simd: S,
    taps: &[Window; B],
    from: *const T,
    sources: &mut [S::Vector; B],
) {
    // SAFETY: promised by the caller.
    unsafe {
        if STRIDE == 1 {
            for b in 0..B {
                sources[b] = taps[b].load(simd, from);
            }
        } else {
            for b in (0..B).step_by(2) {
                let (even, odd) = taps[b].load_pairs(simd, from);
                sources[b] = even;
                if b + 1 < B {
                    sources[b + 1] = odd;
                }
            }
        }
    }
}
