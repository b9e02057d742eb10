//! Correlations of channels-first images whose rows are narrow and whose channels are many enough:
//! lanes are result channels.
//!
//! A row of ten columns leaves six of sixteen lanes idle. Sixteen channels leave none: the weights
//! of a tap are one vector, sources are single numbers, and only the finished results are turned to
//! lie channel by channel. Pixels of a tile are counted through the rows, so that no width wastes
//! any.

use super::DirectElement;
use super::correlation::Correlation;
use super::padded::{Fill, Padded};
use super::planar::CountLanes;
use super::rolling::has_many;
use super::scratch::{share, worthwhile_tasks};
use super::tile::unroll;
use crate::parallel;
use crate::scratch::{Scratch, Target};
use crate::simd::{Isa, Kernel, Vectors, dispatch};

/// Most bytes of an image's padded copy.
const COPY_BYTES: usize = 128 << 10;
/// Products of a result at least: what pays for turning it.
const PRODUCTS: usize = 48;
/// Pixels of a tile: as many sums as thirty-two registers hold beside other things.
const PIXELS: usize = 20;
/// Lanes in use at most, of those of whole vectors, where columns as lanes are given up.
const USE: f64 = 0.7;

struct Plan<'a, T> {
    c: &'a Correlation,
    isa: Isa,
    source: &'a [T],
    bias: Option<&'a [T]>,
    target: Target<T>,
    padded: Padded,
    /// Numbers of one plane's padded copy.
    plane: usize,
    /// For each block of result channels, source channel and tap: the weights of the block.
    weights: Scratch<T>,
    block_weights: usize,
}

/// Whether result channels make better lanes than columns.
pub(super) fn applies<T: DirectElement>(isa: Isa, c: &Correlation) -> bool {
    if !T::UNROLLED || !has_many(isa) || c.rows.len() != 1 || c.columns.len() != 1 {
        return false;
    }
    let lanes = dispatch::<T, _>(isa, CountLanes);
    let (row, column) = (&c.rows[0], &c.columns[0]);
    let (height, width) = (row.results, column.results);
    let copy = || {
        let padded = Padded::new(&c.rows, &c.columns, lanes);
        c.sources * padded.rows(height) * padded.pitch() * size_of::<T>()
    };
    c.results.is_multiple_of(lanes)
        && (width as f64) < USE * width.next_multiple_of(lanes) as f64
        && width > lanes / 2
        && height * width >= PIXELS
        && column.stride == 1
        && column.step == 1
        && row.step == 1
        && c.sources * row.taps * column.taps >= PRODUCTS
        && copy() <= COPY_BYTES
}

/// Computes a correlation that [`applies`].
pub(super) fn run<T: DirectElement>(
    isa: Isa,
    c: &Correlation,
    source: &[T],
    weight: &[T],
    bias: Option<&[T]>,
    result: &mut [T],
) {
    let lanes = dispatch::<T, _>(isa, CountLanes);
    let padded = Padded::new(&c.rows, &c.columns, lanes);
    let plane = padded.rows(c.rows[0].results) * padded.pitch();
    let block_weights = c.sources * c.rows[0].taps * c.columns[0].taps * lanes;
    let mut weights = Scratch::new(c.groups * c.results / lanes * block_weights);
    pack(c, lanes, weight, weights.as_mut_slice());
    let target = Target(result.as_mut_ptr());
    let plan = Plan { c, isa, source, bias, target, padded, plane, weights, block_weights };
    let units = c.batch * c.groups;
    let tasks = worthwhile_tasks(c.products(), units);
    parallel::run(tasks, |task| make(&plan, share(units, tasks, task)));
}

fn pack<T: DirectElement>(c: &Correlation, lanes: usize, weight: &[T], packed: &mut [T]) {
    let (row, column) = (&c.rows[0], &c.columns[0]);
    let mut packed = packed.iter_mut();
    for first in (0..c.groups * c.results).step_by(lanes) {
        for source in 0..c.sources {
            for r in (0..row.taps).map(|tap| row.kernel_element(tap)) {
                for k in (0..column.taps).map(|tap| column.kernel_element(tap)) {
                    for channel in first..first + lanes {
                        let at = c.weight_at(channel / c.results, channel % c.results, source);
                        *packed.next().expect("counted") = weight[at + r * c.kernel_width() + k];
                    }
                }
            }
        }
    }
}

/// Makes the results of some groups of some images.
fn make<T: DirectElement>(plan: &Plan<'_, T>, units: std::ops::Range<usize>) {
    let c = plan.c;
    let mut copy = Scratch::<T>::new(c.sources * plan.plane);
    let source_plane = c.source_size[0] * c.source_size[1];
    for unit in units {
        for (s, to) in copy.as_mut_slice().chunks_exact_mut(plan.plane).enumerate() {
            let plane = &plan.source[(unit * c.sources + s) * source_plane..][..source_plane];
            dispatch::<T, _>(plan.isa, Fill { padded: &plan.padded, plane, size: c.source_size, band: 0, to });
        }
        let _ = T::dispatch_wide(plan.isa, Tiles { plan, unit, copy: copy.as_slice() });
    }
}

/// Makes the results of a group from the padded copy of its sources.
struct Tiles<'a, T> {
    plan: &'a Plan<'a, T>,
    unit: usize,
    copy: &'a [T],
}

impl<T: DirectElement> Kernel<T> for Tiles<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Vectors<T>>(self, simd: S) {
        if S::REGISTERS >= 32 {
            self.tiles(simd);
        }
    }
}

impl<T: DirectElement> Tiles<'_, T> {
    #[inline(always)]
    fn tiles<S: Vectors<T>>(&self, simd: S) {
        let (plan, c) = (self.plan, self.plan.c);
        let [height, width] = c.result_size;
        let (pixels, pitch) = (height * width, plan.padded.pitch());
        let row_stride = c.rows[0].stride;
        for start in (0..pixels).step_by(PIXELS) {
            // The last tile makes some results again.
            let start = start.min(pixels - PIXELS);
            let place = |pixel: usize| (start + pixel) / width * row_stride * pitch + (start + pixel) % width;
            let places: [usize; PIXELS] = std::array::from_fn(place);
            for first in (0..c.results).step_by(S::LANES) {
                let channel = self.unit % c.groups * c.results + first;
                let mut sums = [simd.zero(); PIXELS];
                if let Some(bias) = plan.bias {
                    sums = [simd.load_slice(&bias[channel..]); PIXELS];
                }
                // SAFETY: the copy holds all sources of all results.
                unsafe { self.sum(simd, channel, &places, &mut sums) };
                let to = plan.target.at((self.unit * c.results + first) * pixels + start);
                for (i, rows) in sums.chunks_exact(4).enumerate() {
                    let rows = [rows[0], rows[1], rows[2], rows[3]];
                    // SAFETY: these pixels exist in each of the block's channels.
                    unsafe { simd.store_transposed(to.wrapping_add(4 * i), pixels, rows) };
                }
            }
        }
    }

    /// Adds the products of all taps to the sums of the pixels whose first sources are at `places`.
    ///
    /// # Safety
    /// The sources of the pixels must lie in the copy.
    #[inline(always)]
    unsafe fn sum<S: Vectors<T>>(
        &self,
        simd: S,
        channel: usize,
        places: &[usize; PIXELS],
        sums: &mut [S::Vector; PIXELS],
    ) {
        let (plan, c) = (self.plan, self.plan.c);
        let (row, column) = (&c.rows[0], &c.columns[0]);
        let mut weights = plan.weights.as_slice()[channel / S::LANES * plan.block_weights..].as_ptr();
        for source in 0..c.sources {
            for r in 0..row.taps {
                let line = source * plan.plane + r * row.dilation * plan.padded.pitch();
                for k in 0..column.taps {
                    let from = self.copy.as_ptr().wrapping_add(line + k * column.dilation);
                    // SAFETY: weights have been packed in this order; the caller promises the sources.
                    unsafe {
                        let weight = simd.load(weights);
                        unroll!(i < PIXELS => {
                            let number = simd.splat(*from.wrapping_add(places[i % PIXELS]));
                            sums[i % PIXELS] = simd.mul_add(weight, number, sums[i % PIXELS]);
                        });
                    }
                    weights = weights.wrapping_add(S::LANES);
                }
            }
        }
    }
}
