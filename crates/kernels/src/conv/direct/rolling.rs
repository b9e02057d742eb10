//! Forward pass and data gradient of channels-first planes that share no source plane.
//!
//! A depthwise plane is read where it lies. Going down its rows, every source vector is added, times
//! its taps, to the sums of all result rows that it takes part in; a sum that has seen its last row
//! is stored, and the others move up by one register. No row is loaded twice, none is copied to be
//! padded: rows that do not exist are left out, and columns that do not are masked. That leaves one
//! load for each column of the kernel, where the tiles of [`planar`](super::planar) need nine for
//! seven rows and a copy besides. (Zhang, Franchetti and Low, "High Performance Zero-Memory Overhead
//! Direct Convolutions", 2018, argue for loops that leave an image where it is; that sums may
//! roll is particular to convolutions of one channel, whose sums are few.)
//!
//! A *stream* is one vector of columns of one plane. Two go down together, so that a sum never waits
//! for its own last product; they may belong to different planes.

use super::DirectElement;
use super::correlation::{Axis, Correlation};
use super::padded::load_inside;
use super::planar::CountLanes;
use super::scratch::{Ahead, share, worthwhile_tasks};
use super::tile::unroll;
use super::window::{Window, store_inside};
use crate::parallel;
use crate::scratch::{Scratch, Target};
use crate::simd::{Isa, Kernel, Mask, Vectors, dispatch, first_lanes};

/// Repeats a block for both streams, so that the compiler need not decide to.
macro_rules! both {
    ($v:ident => $body:block) => {{
        let $v: usize = 0;
        $body
        let $v: usize = 1;
        $body
    }};
}

/// Streams that go down together.
const TOGETHER: usize = 2;
/// Bytes of source rows at most that streams go down before the next columns' turn: half a
/// first-level cache, so that neighbouring columns find their rows there.
const BAND_BYTES: usize = 16 << 10;
/// Results of a source plane at most: more had better share a copy.
const MOST_RESULTS: usize = 4;
/// Columns of a phase's kernel at most.
pub(super) const MOST_TAPS: usize = 7;

struct Plan<'a, T> {
    c: &'a Correlation,
    isa: Isa,
    source: &'a [T],
    bias: Option<&'a [T]>,
    target: Target<T>,
    /// For each phase of the rows, result channel, source channel, phase of the columns, column of the
    /// kernel: its rows' elements.
    weights: Scratch<T>,
    /// Where the weights of each phase of the rows begin.
    phase_weights: Vec<usize>,
    columns_of_taps: usize,
    /// Result channels, all groups together.
    channels: usize,
    /// For each vector of a row of results (of a phase), what it needs of source rows.
    windows: Vec<[[Window; MOST_TAPS]; 2]>,
    /// Result rows of a band, and how many bands a plane has.
    band: usize,
    bands: usize,
}

/// Whether the rows roll for a correlation: no source plane has many results to share a copy, and
/// there are loops for the kernel. Results of several source planes are stored after each of them.
pub(super) fn applies<T: DirectElement>(isa: Isa, c: &Correlation) -> bool {
    let two_phases = c.columns.len() == 2
        && c.rows.iter().all(|axis| (1..=4).contains(&axis.taps) && axis.step == 2 && axis.dilation == 1)
        && c.columns.iter().all(|axis| axis.taps <= MOST_TAPS && axis.step == 2);
    has_registers::<T>(isa, c)
        && (c.sources == 1 && c.results <= MOST_RESULTS && (is_dense_square(c) || two_phases)
            || c.results == 1 && is_dense_square(c) && has_many(isa))
}

/// Whether sums stay in registers: of large kernels, only where there are many.
pub(super) fn has_registers<T: DirectElement>(isa: Isa, c: &Correlation) -> bool {
    let small = c.rows.iter().chain(&c.columns).all(|axis| axis.taps <= 3);
    T::UNROLLED && !matches!(isa, Isa::Portable(_)) && (small || has_many(isa))
}

/// Whether there are registers for more than what a small kernel needs.
pub(super) fn has_many(isa: Isa) -> bool {
    isa.name() == "avx512"
}

/// Whether a correlation has one phase, and a square kernel of a size that there are loops for.
pub(super) fn is_dense_square(c: &Correlation) -> bool {
    let (row, column) = (&c.rows[0], &c.columns[0]);
    let unphased = c.rows.len() == 1 && c.columns.len() == 1 && row.step == 1 && column.step == 1;
    let square = row.taps == column.taps && row.stride == column.stride && matches!(row.taps, 3 | 5 | 7);
    unphased && square && (row.stride == 1 || row.stride == 2 && row.dilation == 1 && column.dilation == 1)
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
    let most = |axes: &[Axis]| axes.iter().map(|axis| axis.results).max().unwrap_or(0);
    let (rows, columns) = (most(&c.rows), most(&c.columns));
    let row_bytes = c.source_size[1] * c.rows[0].stride * size_of::<T>();
    // A band's first rows are read for sums that another band has; few bands keep that little.
    let reach = c.rows[0].reach() + 1;
    let bands = rows.div_ceil((BAND_BYTES / row_bytes.max(1)).max(4 * reach));
    let bands = bands.max(8usize.div_ceil(c.batch * c.groups * c.results).min(rows.div_ceil(4 * reach)));
    let band = rows.div_ceil(bands);
    let channels = c.groups * c.results;
    let columns_of_taps = c.columns.iter().map(|column| column.taps).sum();
    let mut weights_len = 0;
    let mut phase_weights = Vec::new();
    for row in &c.rows {
        phase_weights.push(weights_len);
        weights_len += channels * c.sources * row.taps * columns_of_taps;
    }
    let mut weights = Scratch::new(weights_len);
    pack(c, weight, weights.as_mut_slice());
    let plan = Plan {
        c,
        isa,
        source,
        bias,
        target: Target(result.as_mut_ptr()),
        weights,
        phase_weights,
        columns_of_taps,
        channels,
        windows: (0..columns).step_by(lanes).map(|at| windows(c, at, lanes)).collect(),
        band,
        bands: rows.div_ceil(band),
    };
    let units = c.batch * c.groups * c.results * plan.bands;
    let tasks = worthwhile_tasks(c.products(), units);
    parallel::run(tasks, |task| make(&plan, share(units, tasks, task)));
}

/// The windows of results from `at` on, for each phase of the columns and each of its taps.
fn windows(c: &Correlation, at: usize, lanes: usize) -> [[Window; MOST_TAPS]; 2] {
    let mut windows = [[Window::default(); MOST_TAPS]; 2];
    for (axis, windows) in c.columns.iter().zip(&mut windows) {
        for (tap, window) in windows.iter_mut().enumerate().take(axis.taps) {
            *window = Window::new(axis, at, tap, c.source_size[1], lanes);
        }
    }
    windows
}

fn pack<T: DirectElement>(c: &Correlation, weight: &[T], packed: &mut [T]) {
    let mut packed = packed.iter_mut();
    for row in &c.rows {
        for channel in 0..c.groups * c.results {
            for source in 0..c.sources {
                let at = c.weight_at(channel / c.results, channel % c.results, source);
                for column in &c.columns {
                    for k in (0..column.taps).map(|k| column.kernel_element(k)) {
                        for r in (0..row.taps).map(|r| row.kernel_element(r)) {
                            *packed.next().expect("counted") = weight[at + r * c.kernel_width() + k];
                        }
                    }
                }
            }
        }
    }
}

impl<T> Plan<'_, T> {
    /// The first source plane of a plane of results.
    #[inline(always)]
    fn source_plane(&self, plane: usize) -> usize {
        if self.c.results == 1 { plane * self.c.sources } else { plane / self.c.results * self.c.sources }
    }
}

/// Makes the results of some units: bands of planes.
fn make<T: DirectElement>(plan: &Plan<'_, T>, units: std::ops::Range<usize>) {
    macro_rules! with {
        ($taps:literal, $stride:literal, $phases:literal, $phase:expr, $units:expr) => {{
            let roll = Roll::<T, $taps, $stride, $phases> { plan, units: $units, phase: $phase };
            let _ = T::dispatch_wide(plan.isa, roll);
        }};
    }
    if !const { T::UNROLLED } {
        return;
    }
    let row = &plan.c.rows[0];
    if plan.c.columns.len() == 1 {
        match (row.taps, row.stride) {
            (3, 1) => with!(3, 1, 1, 0, units),
            (5, 1) => with!(5, 1, 1, 0, units),
            (7, 1) => with!(7, 1, 1, 0, units),
            (3, 2) => with!(3, 2, 1, 0, units),
            (5, 2) => with!(5, 2, 1, 0, units),
            _ => with!(7, 2, 1, 0, units),
        }
        return;
    }
    // All phases of the rows of a plane, while it is in the cache.
    for first in units.clone().step_by(TOGETHER) {
        let units = first..units.end.min(first + TOGETHER);
        for (phase, row) in plan.c.rows.iter().enumerate() {
            match row.taps {
                1 => with!(1, 1, 2, phase, units.clone()),
                2 => with!(2, 1, 2, phase, units.clone()),
                3 => with!(3, 1, 2, phase, units.clone()),
                _ => with!(4, 1, 2, phase, units.clone()),
            }
        }
    }
}

/// Where a stream is among all: streams of a band lie together, then come the bands of a plane.
#[derive(Clone, Copy)]
struct Place {
    plane: usize,
    /// The result channel, all groups together.
    channel: usize,
    band: usize,
    block: usize,
}

impl Place {
    fn new<T>(plan: &Plan<'_, T>, unit: usize) -> Self {
        let plane = unit / plan.bands;
        Self { plane, channel: plane % plan.channels, band: unit % plan.bands, block: 0 }
    }

    #[inline(always)]
    fn next<T>(mut self, plan: &Plan<'_, T>) -> Self {
        self.block += 1;
        if self.block == plan.windows.len() {
            self.block = 0;
            self.band += 1;
        }
        if self.band == plan.bands {
            self.band = 0;
            self.plane += 1;
            self.channel += 1;
        }
        if self.channel == plan.channels {
            self.channel = 0;
        }
        self
    }
}

/// One vector of columns on its way down a plane.
#[derive(Clone, Copy)]
struct Stream<'a, T> {
    source: *const T,
    windows: &'a [[Window; MOST_TAPS]; 2],
    weights: *const T,
    bias: T,
    /// Where the plane's first row of results goes, and which lanes (of two vectors, if there are
    /// two phases).
    target: *mut T,
    lanes: [Mask; 2],
}

/// Makes one phase of the rows of some units, for a kernel of `TAPS` rows at a stride; it has as
/// many columns if they have one phase.
struct Roll<'a, T, const TAPS: usize, const STRIDE: usize, const PHASES: usize> {
    plan: &'a Plan<'a, T>,
    units: std::ops::Range<usize>,
    phase: usize,
}

impl<T: DirectElement, const TAPS: usize, const STRIDE: usize, const PHASES: usize> Kernel<T>
    for Roll<'_, T, TAPS, STRIDE, PHASES>
{
    type Output = ();
    #[inline(always)]
    fn run<S: Vectors<T>>(self, simd: S) {
        let plan = self.plan;
        let mut left = self.units.len() * plan.windows.len();
        let mut place = Place::new(plan, self.units.start);
        while left > 0 {
            let next = place.next(plan);
            // Two that go down together have the same rows.
            let second = if left > 1 && next.band == place.band { next } else { place };
            let alone = second.plane == place.plane && second.block == place.block;
            for source in 0..plan.c.sources {
                self.go_down(simd, [place, second], if alone { 1 } else { 2 }, source);
            }
            left -= if alone { 1 } else { 2 };
            place = if alone { next } else { next.next(plan) };
        }
    }
}

impl<'a, T: DirectElement, const TAPS: usize, const STRIDE: usize, const PHASES: usize>
    Roll<'a, T, TAPS, STRIDE, PHASES>
{
    /// Sums in flight: result rows that a source row takes part in.
    const SUMS: usize = TAPS.div_ceil(STRIDE);

    #[inline(always)]
    fn stream<S: Vectors<T>>(&self, place: Place, source: usize) -> Stream<'a, T> {
        let (plan, c) = (self.plan, self.plan.c);
        let [[height, width], [to_height, to_width]] = [c.source_size, c.result_size];
        let row = &c.rows[self.phase];
        let kernel = place.channel * c.sources + source;
        let weights = plan.phase_weights[self.phase] + kernel * row.taps * plan.columns_of_taps;
        let at = place.block * PHASES * S::LANES;
        let left = to_width - at;
        Stream {
            source: plan.source.as_ptr().wrapping_add((plan.source_plane(place.plane) + source) * height * width),
            windows: &plan.windows[place.block],
            weights: plan.weights.as_slice()[weights..].as_ptr(),
            bias: plan.bias.map_or(T::ZERO, |bias| bias[place.channel]),
            target: plan.target.at((place.plane * to_height + row.first) * to_width + at),
            lanes: [first_lanes(left.min(S::LANES)), first_lanes(left.saturating_sub(S::LANES).min(S::LANES))],
        }
    }

    /// Takes streams down a band of a source channel; `count` says whether the second differs from
    /// the first. The first source channel begins the results, the others add to them.
    #[inline(always)]
    fn go_down<S: Vectors<T>>(&self, simd: S, [first, second]: [Place; TOGETHER], count: usize, source: usize) {
        let (plan, c) = (self.plan, self.plan.c);
        let row = &c.rows[self.phase];
        let (height, width, to_width) = (c.source_size[0], c.source_size[1], c.result_size[1]);
        let streams: [Stream<'_, T>; TOGETHER] = [self.stream::<S>(first, source), self.stream::<S>(second, source)];
        let starts: [S::Vector; TOGETHER] = [simd.splat(streams[0].bias), simd.splat(streams[1].bias)];
        // SAFETY: the streams' weights are the kernel's.
        let held: [Held<S::Vector>; TOGETHER] =
            unsafe { [self.hold(simd, streams[0].weights), self.hold(simd, streams[1].weights)] };
        let results = first.band * plan.band..((first.band + 1) * plan.band).min(row.results);
        let mut ahead = self.ahead(first, count, &results, source);
        let (row_stride, row_dilation) = (row.stride, row.dilation);
        for residue in 0..row.dilation {
            // Rows whose distance is no multiple of the dilation have nothing to do with each other.
            let first = results.start + residue;
            let steps = results.end.saturating_sub(first).div_ceil(row_dilation);
            if steps == 0 {
                break;
            }
            let mut source_row = row.source(first, 0);
            let mut target = first * row.step * to_width;
            let mut sums = [[[simd.zero(); PHASES]; TAPS]; TOGETHER];
            macro_rules! begin {
                ($step:expr) => {
                    both!(v => {
                        sums[v][0] = [starts[v]; PHASES];
                        if source > 0 && PHASES == 1 && $step < steps {
                            let row = (first + $step * row_dilation) * row.step;
                            let from = streams[v].target.wrapping_add(row * to_width);
                            // SAFETY: the row exists, and the mask selects what is left of it.
                            sums[v][0][0] = unsafe { load_inside(simd, from, streams[v].lanes[0]) };
                        }
                    });
                };
            }
            begin!(0);
            for step in 1..steps + Self::SUMS {
                unroll!(rest < STRIDE => {
                    let at = source_row + (rest * row_dilation) as isize;
                    if (at as usize) < height {
                        both!(v => {
                            let from = streams[v].source.wrapping_add(at as usize * width);
                            // SAFETY: the row exists, and the weights are the kernel's.
                            unsafe { self.add_row(simd, &mut sums[v], &streams[v], &held[v], from, rest) };
                        });
                    }
                });
                source_row += (row_stride * row_dilation) as isize;
                if step >= Self::SUMS {
                    ahead.fetch();
                    both!(v => {
                        let to = streams[v].target.wrapping_add(target);
                        // SAFETY: the row exists, and the masks select what is left of it.
                        unsafe { store::<T, S, PHASES>(simd, to, streams[v].lanes, sums[v][Self::SUMS - 1]) };
                    });
                    target += row_dilation * row.step * to_width;
                }
                both!(v => {
                    for m in (1..Self::SUMS).rev() {
                        sums[v][m] = sums[v][m - 1];
                    }
                });
                begin!(step);
            }
        }
    }

    /// Whether registers have room for the weights of two streams.
    #[inline(always)]
    const fn holds<S: Vectors<T>>() -> bool {
        PHASES == 1 && TAPS == HELD && TOGETHER * TAPS * (TAPS + 1) + 4 <= S::REGISTERS
    }

    /// # Safety
    /// The weights must be the kernel's.
    #[inline(always)]
    unsafe fn hold<S: Vectors<T>>(&self, simd: S, weights: *const T) -> Held<S::Vector> {
        let mut held = [simd.zero(); HELD * HELD];
        if Self::holds::<S>() {
            for (i, weight) in held.iter_mut().enumerate() {
                // SAFETY: promised by the caller.
                *weight = unsafe { simd.splat(*weights.add(i)) };
            }
        }
        held
    }

    /// Adds a source row to the sums of the results that it takes part in.
    ///
    /// # Safety
    /// The row must be readable, and the stream's weights those of the kernel.
    #[inline(always)]
    unsafe fn add_row<S: Vectors<T>>(
        &self,
        simd: S,
        sums: &mut [[S::Vector; PHASES]; TAPS],
        stream: &Stream<'_, T>,
        held: &Held<S::Vector>,
        from: *const T,
        rest: usize,
    ) {
        macro_rules! add {
            ($phase:literal, $tap:expr, $source:expr) => {{
                let (tap, source) = ($tap, $source);
                unroll!(m < Self::SUMS => {
                    let k = m * STRIDE + rest;
                    if k < TAPS {
                        let weight = if Self::holds::<S>() {
                            held[(tap * TAPS + k) % (HELD * HELD)]
                        } else {
                            simd.splat(*stream.weights.wrapping_add(tap * TAPS + k))
                        };
                        sums[m][$phase] = simd.mul_add(weight, source, sums[m][$phase]);
                    }
                });
            }};
        }
        // SAFETY: promised by the caller; the weights of a phase are those of its taps.
        unsafe {
            if PHASES == 2 {
                let columns = &self.plan.c.columns;
                for tap in 0..columns[0].taps {
                    add!(0, tap, stream.windows[0][tap].load(simd, from));
                }
                for tap in 0..columns[1].taps {
                    add!(1, columns[0].taps + tap, stream.windows[1][tap].load(simd, from));
                }
            } else if STRIDE == 2 {
                macro_rules! pair {
                    ($tap:expr) => {{
                        let (even, odd) = stream.windows[0][$tap % MOST_TAPS].load_pairs(simd, from);
                        add!(0, $tap, even);
                        if $tap + 1 < TAPS {
                            add!(0, $tap + 1, odd);
                        }
                    }};
                }
                unroll!(pair < TAPS.div_ceil(2) => { pair!(2 * pair); });
            } else if TAPS == HELD {
                unroll!(tap < TAPS => { add!(0, tap, stream.windows[0][tap % MOST_TAPS].load(simd, from)); });
            } else {
                for tap in 0..TAPS {
                    add!(0, tap, stream.windows[0][tap].load(simd, from));
                }
            }
        }
    }

    /// The sources of the next band: the memory that follows this one's, in as many parts as there
    /// are pairs of streams. (To fetch what will be written brings nothing: stores wait elsewhere.)
    #[inline(always)]
    fn ahead(&self, place: Place, count: usize, results: &std::ops::Range<usize>, source: usize) -> Ahead<T> {
        let (plan, [height, width]) = (self.plan, self.plan.c.source_size);
        let blocks = plan.windows.len();
        // With several phases of the rows, the last one looks ahead.
        let looks = self.phase + 1 == plan.c.rows.len();
        let len = results.len() * STRIDE * width;
        let first = ((plan.source_plane(place.plane) + source) * height + results.start * STRIDE) * width;
        let from = plan.source.as_ptr().wrapping_add(first + len + place.block * len.div_ceil(blocks));
        Ahead::new(from, if looks { (len * count).div_ceil(blocks) } else { 0 }, results.len())
    }
}

/// Kernels of this size are held in registers where there is room.
const HELD: usize = 3;

/// A kernel's weights: its columns, one after the other.
type Held<V> = [V; HELD * HELD];

/// Stores a row's sums; those of two phases take turns.
///
/// # Safety
/// The numbers in the masks must be writable.
#[inline(always)]
unsafe fn store<T: Copy, S: Vectors<T>, const PHASES: usize>(
    simd: S,
    to: *mut T,
    lanes: [Mask; 2],
    sums: [S::Vector; PHASES],
) {
    // SAFETY: promised by the caller.
    unsafe {
        if PHASES == 1 {
            store_inside(simd, to, lanes[0], sums[0]);
        } else {
            let (low, high) = simd.interleave(sums[0], sums[PHASES - 1]);
            store_inside(simd, to, lanes[0], low);
            store_inside(simd, to.wrapping_add(S::LANES), lanes[1], high);
        }
    }
}
