//! Weight gradient of channels-first images: lanes are columns, summed at the end of a band.
//!
//! Seven rows of the output's gradient stay in registers while the input's rows pass by; each
//! input vector is multiplied by the gradients of all rows that its row was a source of.

use super::DirectElement;
use super::correlation::Correlation;
use super::padded::{Fill, Padded};
use super::planar::{CountLanes, narrowed};
use super::scratch::{share, worthwhile_tasks};
use super::tile::{Gradients, Rows, TILE, UNROLLED, products, unroll};
use crate::parallel;
use crate::scratch::{Scratch, Target};
use crate::simd::{Isa, Kernel, Vectors, dispatch, first_lanes};

/// Most bytes of the padded copy of a band.
const BAND_BYTES: usize = 256 << 10;
/// The images are cut into as many parts as make this many tasks together with the groups.
const TASKS: usize = 16;

struct Plan<'a, T> {
    isa: Isa,
    /// The forward pass: sources are the input, results the output.
    c: &'a Correlation,
    input: &'a [T],
    grad_output: &'a [T],
    padded: Padded,
    /// Rows of taps that an inner loop takes at once.
    run: usize,
    band: usize,
    bands: usize,
    plane: usize,
    /// Parts into which images and bands are cut; each has partial sums of its own.
    parts: usize,
    weights: usize,
    target: Target<T>,
}

/// Computes the weight's gradient of a forward pass.
pub(super) fn run<T: DirectElement>(isa: Isa, c: &Correlation, input: &[T], grad_output: &[T], grad_weight: &mut [T]) {
    let isa = narrowed::<T>(isa, &c.columns);
    let lanes = dispatch::<T, _>(isa, CountLanes);
    let padded = Padded::new(&c.rows, &c.columns, lanes);
    let rows = &c.rows[0];
    let tiles = rows.results.div_ceil(TILE);
    let row_bytes = c.sources * padded.pitch() * padded.row_stride * TILE * size_of::<T>();
    let parts_wanted = TASKS.div_ceil(c.groups).min((c.products() / 1_000_000).max(1));
    let cache_bands = tiles.div_ceil((BAND_BYTES / row_bytes.max(1)).max(1));
    let band = tiles.div_ceil(cache_bands.max(parts_wanted.div_ceil(c.batch)).clamp(1, tiles)) * TILE;
    let bands = tiles.div_ceil(band / TILE);
    let parts = parts_wanted.min(c.batch * bands);
    let mut partial = Scratch::new(if parts > 1 { parts * grad_weight.len() } else { 0 });
    let plan = Plan {
        isa,
        c,
        input,
        grad_output,
        plane: padded.rows(band) * padded.pitch(),
        padded,
        run: rows.run::<T>(isa, &UNROLLED),
        band,
        bands,
        parts,
        weights: grad_weight.len(),
        target: Target(if parts > 1 { partial.address() } else { grad_weight.as_mut_ptr() }),
    };
    let tasks = worthwhile_tasks(c.products() / parts, c.groups);
    parallel::run(parts * tasks, |task| {
        let groups = share(c.groups, tasks, task % tasks);
        sum_up(&plan, task / tasks, groups);
    });
    if parts > 1 {
        add_parts(partial.as_slice(), grad_weight);
    }
}

/// Adds up partial sums, the first part first.
pub(super) fn add_parts<T: DirectElement>(parts: &[T], sums: &mut [T]) {
    let len = sums.len();
    sums.copy_from_slice(&parts[..len]);
    for part in parts[len..].chunks_exact(len) {
        for (sum, &value) in sums.iter_mut().zip(part) {
            *sum += value;
        }
    }
}

/// Sums up a part of the images for some groups.
fn sum_up<T: DirectElement>(plan: &Plan<'_, T>, part: usize, groups: std::ops::Range<usize>) {
    let c = plan.c;
    let (row, column) = (&c.rows[0], &c.columns[0]);
    let mut copy = Scratch::<T>::new(c.sources * plan.plane);
    let input_plane = c.source_size[0] * c.source_size[1];
    let group_weights = plan.weights / c.groups;
    for group in groups {
        let first = part * plan.weights + group * group_weights;
        // SAFETY: the part and the group are this task's alone.
        let sums = unsafe { std::slice::from_raw_parts_mut(plan.target.0.add(first), group_weights) };
        sums.fill(T::ZERO);
        for unit in share(c.batch * plan.bands, plan.parts, part) {
            let (image, band) = (unit / plan.bands, unit % plan.bands * plan.band);
            let last = row.results.min(band + plan.band);
            let rows = plan.padded.rows((last - band).next_multiple_of(TILE));
            for s in 0..c.sources {
                let plane = &plan.input[((image * c.groups + group) * c.sources + s) * input_plane..][..input_plane];
                let to = &mut copy.as_mut_slice()[s * plan.plane..][..rows * plan.padded.pitch()];
                dispatch::<T, _>(plan.isa, Fill { padded: &plan.padded, plane, size: c.source_size, band, to });
            }
            let from = copy.address().wrapping_add(plan.padded.row(row, band, band) * plan.padded.pitch());
            let place = Place { image_and_group: image * c.groups + group, band, last };
            for s in 0..c.sources {
                let from = from.wrapping_add(s * plan.plane);
                for result in 0..c.results {
                    let at = c.weight_at(0, result, s);
                    plane_products(plan, &place, from, result, &mut sums[at..][..row.taps * column.taps]);
                }
            }
        }
    }
}

/// The rows of the output's gradient that are being used.
struct Place {
    image_and_group: usize,
    band: usize,
    last: usize,
}

/// Adds the products of one plane of the input and one of the output's gradient to `sums`,
/// `(kernel_height, kernel_width)`. The padded copy that `from` points into is filled for the place.
fn plane_products<T: DirectElement>(plan: &Plan<'_, T>, place: &Place, from: *const T, result: usize, sums: &mut [T]) {
    macro_rules! with {
        ($dispatch:ident, $taps:literal, $stride:literal, $columns:literal) => {{
            let sums = &mut *sums;
            let columns = PlaneProducts::<T, $taps, $stride, $columns> { plan, place, from, result, sums };
            let _ = T::$dispatch(plan.isa, columns);
        }};
    }
    if const { T::UNROLLED } {
        match (plan.run, plan.c.rows[0].stride) {
            (3, 1) => return with!(dispatch_wide, 3, 1, 3),
            (5, 1) => return with!(dispatch_wide, 5, 1, 1),
            (7, 1) => return with!(dispatch_wide, 7, 1, 1),
            (3, 2) => return with!(dispatch_wide, 3, 2, 3),
            (7, 2) => return with!(dispatch_wide, 7, 2, 1),
            _ => {}
        }
    }
    with!(dispatch, 1, 1, 4)
}

/// [`plane_products`] for `TAPS` rows and `B` columns of the kernel at a time.
struct PlaneProducts<'a, T, const TAPS: usize, const STRIDE: usize, const B: usize> {
    plan: &'a Plan<'a, T>,
    place: &'a Place,
    from: *const T,
    result: usize,
    sums: &'a mut [T],
}

impl<T: DirectElement, const TAPS: usize, const STRIDE: usize, const B: usize> Kernel<T>
    for PlaneProducts<'_, T, TAPS, STRIDE, B>
{
    type Output = ();
    #[inline(always)]
    fn run<S: Vectors<T>>(self, simd: S) {
        let plan = self.plan;
        let (row, column) = (&plan.c.rows[0], &plan.c.columns[0]);
        for run in (0..row.taps).step_by(TAPS) {
            let from = self.from.wrapping_add(run * row.dilation * plan.padded.pitch());
            for first in (0..column.taps).step_by(B) {
                // Columns that are missing from the last block repeat its last one.
                let mut positions = [from; B];
                for (b, position) in positions.iter_mut().enumerate() {
                    let tap = (first + b).min(column.taps - 1);
                    *position = from.wrapping_add(plan.padded.column(column, tap));
                }
                // SAFETY: the copy has been filled for this band.
                let block =
                    unsafe { band_products::<T, S, TAPS, STRIDE, B>(simd, plan, self.place, positions, self.result) };
                for (b, rows) in block.iter().enumerate().take(column.taps - first) {
                    for (k, &sum) in rows.iter().enumerate() {
                        self.sums[(run + k) * column.taps + first + b] += simd.sum(sum);
                    }
                }
            }
        }
    }
}

/// Sums of products over the band, lane by lane.
///
/// # Safety
/// The padded copy that `from` points into must be filled for the place.
#[inline(always)]
unsafe fn band_products<T: DirectElement, S: Vectors<T>, const TAPS: usize, const STRIDE: usize, const B: usize>(
    simd: S,
    plan: &Plan<'_, T>,
    place: &Place,
    from: [*const T; B],
    result: usize,
) -> [[S::Vector; TAPS]; B] {
    let c = plan.c;
    let [height, width] = c.result_size;
    let stride = c.rows[0].stride;
    let pitch = plan.padded.pitch();
    let plane = &plan.grad_output[(place.image_and_group * c.results + result) * height * width..][..height * width];
    let mut sums = [[simd.zero(); TAPS]; B];
    for row in (place.band..place.last).step_by(TILE) {
        let count = TILE.min(place.last - row);
        let gradient = plane.as_ptr().wrapping_add(row * width);
        let first_row = (row - place.band) * stride * pitch;
        macro_rules! add {
            ($masked:literal, $at:expr, $mask:expr) => {{
                let mut positions = [Rows::<T, $masked> { from: from[0], pitch, mask: $mask }; B];
                for b in 0..B {
                    positions[b].from = from[b].wrapping_add(first_row + $at);
                }
                let mut vectors = [simd.zero(); TILE];
                unroll!(r < TILE => {
                    if !$masked || r < count {
                        let from = gradient.wrapping_add(r * width + $at);
                        // SAFETY: the row exists; the mask selects the numbers left in it.
                        vectors[r] = unsafe {
                            if $masked { simd.load_masked(simd.zero(), from, $mask) } else { simd.load(from) }
                        };
                    }
                });
                let gradients = Gradients { vectors, count };
                // SAFETY: the copy holds the sources of a tile.
                unsafe { products::<_, _, _, TAPS, STRIDE, B, $masked>(simd, &mut sums, gradients, positions, stride) };
            }};
        }
        let whole = if count == TILE { width / S::LANES * S::LANES } else { 0 };
        for at in (0..whole).step_by(S::LANES) {
            add!(false, at, 0);
        }
        for at in (whole..width).step_by(S::LANES) {
            add!(true, at, first_lanes(width - at));
        }
    }
    sums
}
