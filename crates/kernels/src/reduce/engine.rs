//! The walk: which elements belong together, in which order memory is read.

use super::reducers::*;
use crate::elementwise::{BlockFn, Compute, Input, Kind, Load, Loop, Output, Parameters, Store, load, store};
use crate::parallel;
use crate::scratch;
use smallvec::SmallVec;
use std::marker::PhantomData;
use std::mem::MaybeUninit;

/// Elements of a gathered block.
const BLOCK: usize = 1024;
/// Accumulators of a strip of neighbouring outputs.
const STRIP: usize = 256;
/// Elements of a task.
const TASK: usize = 64 * 1024;

/// What is reduced.
#[derive(Clone, Copy, Debug)]
pub struct Reduction<'a> {
    /// How.
    pub op: ReduceOp,
    /// The type that elements are converted to first.
    pub compute: Compute,
    /// A function applied to every element first, with its parameters.
    pub before: Option<(BlockFn, Parameters)>,
    /// Sizes of the input.
    pub shape: &'a [usize],
    /// Which dimensions are reduced.
    pub reduced: &'a [bool],
}

/// Where results go: one or two outputs (value and index, or squares and mean), with a stride for
/// each dimension of the input (anything for the reduced ones).
pub type Target<'a> = [Option<Output<'a>>; 2];

#[derive(Clone, Copy)]
struct Write {
    base: *mut u8,
    store: Store,
}

struct Walk<'a, R> {
    reducer: R,
    /// Over outputs: operands are the outputs, then the input.
    kept: Loop,
    /// Over what becomes one output: the input.
    reduced: Loop,
    base: *const u8,
    size: usize,
    load: Load,
    same: bool,
    before: Option<&'a (BlockFn, Parameters)>,
    writes: [Option<Write>; 2],
    count: usize,
    columns: bool,
}

// SAFETY: tasks write disjoint outputs, and only read the input.
unsafe impl<R> Sync for Walk<'_, R> {}

/// Reduces `input` as `reduction` says. Nothing is written when there is no output; reducing no
/// elements gives the operation's neutral element (NaN for a mean).
///
/// # Safety
/// The input is good for reads of what `shape` and its strides reach, the targets for writes of
/// what the kept dimensions reach, by nobody else; no two results go to the same place.
///
/// # Panics
/// If numbers of dimensions differ, or truth values are not reduced as such.
pub unsafe fn reduce(reduction: &Reduction<'_>, input: Input<'_>, targets: Target<'_>) {
    // SAFETY: the caller's promise.
    unsafe {
        use {Compute::*, ReduceOp as Op};
        let is_bool = matches!(input, Input::Memory { kind: Kind::Bool, .. });
        macro_rules! go {
            ($r:expr) => {
                start($r, reduction, input, targets)
            };
        }
        match (reduction.op, reduction.compute) {
            (Op::All, _) if is_bool && reduction.before.is_none() => go!(Folding(AllBool)),
            (Op::Any, _) if is_bool && reduction.before.is_none() => go!(Folding(AnyBool)),
            (Op::Sum, I64) if is_bool && reduction.before.is_none() => go!(Folding(CountBool)),
            (Op::Sum, F32) => go!(Folding(Sum32)),
            (Op::Sum, F64) => go!(Folding(Sum64)),
            (Op::Sum, I64) => go!(Folding(SumInt)),
            (Op::Mean, F32) => go!(Folding(Mean32)),
            (Op::Mean, F64) => go!(Folding(Mean64)),
            (Op::Mean | Op::Moments, I64) => panic!("means are made of floats"),
            (Op::Prod, F32) => go!(Folding(Prod32)),
            (Op::Prod, F64) => go!(Folding(Prod64)),
            (Op::Prod, I64) => go!(Folding(ProdInt)),
            (Op::Max, F32) => go!(Folding(Max32)),
            (Op::Max, F64) => go!(Folding(Max64)),
            (Op::Max, I64) => go!(Folding(MaxInt)),
            (Op::Min, F32) => go!(Folding(Min32)),
            (Op::Min, F64) => go!(Folding(Min64)),
            (Op::Min, I64) => go!(Folding(MinInt)),
            (Op::All, F32) => go!(Folding(All32)),
            (Op::All, F64) => go!(Folding(All64)),
            (Op::All, I64) => go!(Folding(AllInt)),
            (Op::Any, F32) => go!(Folding(Any32)),
            (Op::Any, F64) => go!(Folding(Any64)),
            (Op::Any, I64) => go!(Folding(AnyInt)),
            (Op::ArgMax, F32) => go!(Place { largest: true, worst: f32::NEG_INFINITY }),
            (Op::ArgMax, F64) => go!(Place { largest: true, worst: f64::NEG_INFINITY }),
            (Op::ArgMax, I64) => go!(Place { largest: true, worst: i64::MIN }),
            (Op::ArgMin, F32) => go!(Place { largest: false, worst: f32::INFINITY }),
            (Op::ArgMin, F64) => go!(Place { largest: false, worst: f64::INFINITY }),
            (Op::ArgMin, I64) => go!(Place { largest: false, worst: i64::MAX }),
            (Op::Moments, F32) => go!(Spread::<f32>(PhantomData)),
            (Op::Moments, F64) => go!(Spread::<f64>(PhantomData)),
        }
    }
}

/// # Safety
/// As [`reduce`].
unsafe fn start<R: Reducer>(reducer: R, reduction: &Reduction<'_>, input: Input<'_>, targets: Target<'_>) {
    let Reduction { shape, reduced: mask, .. } = *reduction;
    assert_eq!(shape.len(), mask.len(), "a flag for each dimension");
    let zeros: SmallVec<[usize; 6]> = SmallVec::from_elem(0, shape.len());
    let (base, kind, strides) = match input {
        Input::Memory { pointer, kind, strides } => (pointer, kind, strides),
        Input::Number(_) => panic!("a reduction reads memory"),
    };
    let pick = |values: &[usize], size: usize, reduced: bool| -> SmallVec<[usize; 6]> {
        values.iter().zip(mask).filter(|(_, m)| **m == reduced).map(|(v, _)| v * size).collect()
    };
    let size = kind.size();
    let reduced_shape = pick(shape, 1, true);
    let reduced_strides = pick(strides, size, true);
    // A place is counted in row-major order; nothing else minds the order.
    let ordered = matches!(reduction.op, ReduceOp::ArgMax | ReduceOp::ArgMin);
    let reduced_loop = if ordered {
        Loop::in_order(&reduced_shape, &[&reduced_strides])
    } else {
        Loop::new(&reduced_shape, &[&reduced_strides])
    };
    let out_strides =
        |i: usize| targets[i].as_ref().map_or(pick(&zeros, 1, false), |t| pick(t.strides, t.kind.size(), false));
    let (first, second, source) = (out_strides(0), out_strides(1), pick(strides, size, false));
    let kept_shape = pick(shape, 1, false);
    if kept_shape.contains(&0) {
        return;
    }
    // The input's strides decide the order: it is the larger side.
    let kept = Loop::new(&kept_shape, &[&source, &first, &second]);
    let element = std::mem::size_of::<R::T>();
    let compute_kind = if std::any::TypeId::of::<R::T>() == std::any::TypeId::of::<crate::element::Bool>() {
        Kind::Bool
    } else {
        reduction.compute.kind()
    };
    assert_eq!(compute_kind.size(), element, "a reducer takes the compute type");
    let same = kind == compute_kind;
    let columns = kept.strides[0][0] != 0
        && kept.shape[0] > 1
        && (reduced_loop.len() == 1 || kept.strides[0][0] < reduced_loop.strides[0][0])
        && !reduced_loop.is_empty();
    let write = |i: usize| {
        targets[i].map(|t| {
            let from = match R::OUT[i] {
                Kind::Bool => Compute::I64,
                other => other.compute(),
            };
            Write { base: t.pointer, store: store(from, t.kind) }
        })
    };
    let walk = Walk {
        reducer,
        base,
        size,
        load: if same { crate::elementwise::load_unchanged(kind) } else { load(kind, reduction.compute) },
        same,
        before: reduction.before.as_ref(),
        writes: [write(0), write(1)],
        count: reduced_loop.len(),
        columns,
        kept,
        reduced: reduced_loop,
    };
    // SAFETY: the caller's promise.
    unsafe { walk.run() }
}

impl<R: Reducer> Walk<'_, R> {
    /// # Safety
    /// As [`reduce`].
    unsafe fn run(&self) {
        let outputs = self.kept.len();
        let strip = if self.columns { self.kept.shape[0].min(STRIP) } else { 1 };
        let strips_per_row = if self.columns { self.kept.shape[0].div_ceil(strip) } else { self.kept.shape[0] };
        let units = outputs / self.kept.shape[0] * strips_per_row;
        let unit_work = strip * self.count.max(1);
        // Few outputs of many elements: those are cut too. Decided by sizes alone.
        let pieces = if units < 16 && unit_work > 2 * TASK { (unit_work / TASK).min(64) } else { 1 };
        if pieces > 1 {
            let length = self.count.div_ceil(pieces);
            let pieces = self.count.div_ceil(length);
            let mut partial = vec![MaybeUninit::<R::Acc>::uninit(); units * pieces * strip];
            let target = scratch::Target(partial.as_mut_ptr());
            parallel::run(units * pieces, |task| {
                let (unit, piece) = (task / pieces, task % pieces);
                let range = piece * length..self.count.min((piece + 1) * length);
                let mut accs = vec![self.reducer.init(); strip];
                // SAFETY: each task writes its own accumulators.
                unsafe {
                    let width = self.accumulate(unit, strip, strips_per_row, range, &mut accs);
                    for (i, acc) in accs[..width].iter().enumerate() {
                        target.at((unit * pieces + piece) * strip + i).write(MaybeUninit::new(*acc));
                    }
                }
            });
            for unit in 0..units {
                let (coordinates, width) = self.unit(unit, strip, strips_per_row);
                let mut accs = vec![self.reducer.init(); strip];
                for piece in 0..pieces {
                    for (i, acc) in accs[..width].iter_mut().enumerate() {
                        // SAFETY: written by the task of this unit and piece.
                        let next = unsafe { partial[(unit * pieces + piece) * strip + i].assume_init() };
                        *acc = if piece == 0 { next } else { self.reducer.merge(*acc, next) };
                    }
                }
                // SAFETY: outputs of this unit alone.
                unsafe { self.emit(&coordinates, &accs[..width]) }
            }
            return;
        }
        let per_task = (TASK / unit_work.max(1)).max(1);
        let dense = !self.columns
            && self.same
            && self.before.is_none()
            && self.reduced.shape.len() == 1
            && self.reduced.strides[0][0] == self.size;
        if dense {
            parallel::run(units.div_ceil(per_task), |task| {
                let mut at = self.kept.coordinates(task * per_task);
                for _ in task * per_task..units.min((task + 1) * per_task) {
                    // SAFETY: an output of this task alone, and the elements that lie together for it.
                    unsafe {
                        let here = self.base.add(self.kept.offset(0, &at));
                        let row = std::slice::from_raw_parts(here.cast(), self.count);
                        self.emit(&at, &[self.reducer.row(self.reducer.init(), row, 0)]);
                    }
                    self.kept.advance(&mut at, 1);
                }
            });
            return;
        }
        parallel::run(units.div_ceil(per_task), |task| {
            let mut accs = vec![self.reducer.init(); strip];
            for unit in task * per_task..units.min((task + 1) * per_task) {
                accs.fill(self.reducer.init());
                // SAFETY: outputs of this unit alone.
                unsafe {
                    let width = self.accumulate(unit, strip, strips_per_row, 0..self.count, &mut accs);
                    let (coordinates, _) = self.unit(unit, strip, strips_per_row);
                    self.emit(&coordinates, &accs[..width]);
                }
            }
        });
    }

    /// Coordinates of a unit's first output, and how many outputs it has.
    fn unit(&self, unit: usize, strip: usize, per_row: usize) -> (SmallVec<[usize; 6]>, usize) {
        let (row, at) = (unit / per_row, unit % per_row * strip);
        let coordinates = self.kept.coordinates(row * self.kept.shape[0] + at);
        (coordinates, strip.min(self.kept.shape[0] - at))
    }

    /// # Safety
    /// As [`reduce`]; nobody else writes the outputs at these coordinates.
    unsafe fn emit(&self, coordinates: &[usize], accs: &[R::Acc]) {
        let offsets = [self.kept.offset(1, coordinates), self.kept.offset(2, coordinates)];
        for (i, &acc) in accs.iter().enumerate() {
            let bits = self.reducer.finish(acc, self.count);
            for k in 0..2 {
                if let Some(w) = &self.writes[k] {
                    // SAFETY: an output's place; the bits are of the type that the store reads.
                    unsafe {
                        let place = w.base.add(offsets[k] + i * self.kept.strides[k + 1][0]);
                        (w.store)(place, 1, (&raw const bits[k]).cast(), 1);
                    }
                }
            }
        }
    }

    /// Adds the elements in `range` of the reduced order to a unit's accumulators.
    ///
    /// # Safety
    /// As [`reduce`].
    unsafe fn accumulate(
        &self,
        unit: usize,
        strip: usize,
        per_row: usize,
        range: std::ops::Range<usize>,
        accs: &mut [R::Acc],
    ) -> usize {
        let (coordinates, width) = self.unit(unit, strip, per_row);
        let origin = self.base.wrapping_add(self.kept.offset(0, &coordinates));
        let mut block = Block::<R::T>::new();
        let mut at = self.reduced.coordinates(range.start);
        let mut position = range.start;
        let stride = self.reduced.strides[0][0];
        while position < range.end {
            // SAFETY: offsets stay inside the input; the block holds `BLOCK` elements.
            unsafe {
                let here = origin.add(self.reduced.offset(0, &at));
                if self.columns {
                    let xs = block.read(self, here, self.kept.strides[0][0], width);
                    self.reducer.columns(&mut accs[..width], xs, position);
                    self.reduced.advance(&mut at, 1);
                    position += 1;
                } else {
                    let row = (self.reduced.shape[0] - at[0]).min(range.end - position);
                    let direct = self.same && self.before.is_none() && stride == self.size;
                    let count = if direct { row } else { row.min(BLOCK) };
                    let xs = block.read(self, here, stride, count);
                    accs[0] = self.reducer.row(accs[0], xs, position);
                    self.reduced.advance(&mut at, count);
                    position += count;
                }
            }
        }
        width
    }
}

#[repr(align(64))]
struct Block<T> {
    values: [MaybeUninit<T>; BLOCK],
    mapped: [MaybeUninit<T>; BLOCK],
}

impl<T: Copy> Block<T> {
    fn new() -> Self {
        Block { values: [MaybeUninit::uninit(); BLOCK], mapped: [MaybeUninit::uninit(); BLOCK] }
    }

    /// `n` elements from `here`, where they lie or gathered.
    ///
    /// # Safety
    /// The elements are good for reads; unless they lie densely as `T`, there are at most `BLOCK`.
    unsafe fn read<R: Reducer<T = T>>(&mut self, walk: &Walk<'_, R>, here: *const u8, stride: usize, n: usize) -> &[T] {
        // SAFETY: the caller's promise.
        unsafe {
            let dense = walk.same && (stride == walk.size || n == 1);
            let mut from: *const T = if dense {
                here.cast()
            } else {
                (walk.load)(self.values.as_mut_ptr().cast(), here, stride, n);
                self.values.as_ptr().cast()
            };
            if let Some((function, parameters)) = walk.before {
                function(
                    self.mapped.as_mut_ptr().cast(),
                    [from.cast(), std::ptr::null(), std::ptr::null()],
                    n,
                    parameters,
                );
                from = self.mapped.as_ptr().cast();
            }
            std::slice::from_raw_parts(from, n)
        }
    }
}
