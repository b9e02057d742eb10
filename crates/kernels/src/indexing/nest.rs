//! The loop nest that all gathering and scattering is.

use crate::parallel;
use crate::scratch::Target;
use std::ops::Range;

/// One loop of a nest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// How often the loop runs.
    pub size: usize,
    /// The step on the indexed side, in elements.
    pub indexed: usize,
    /// The step in the table of offsets.
    pub table: usize,
    /// The step on the other side, in elements.
    pub other: usize,
}

/// Elements below which a nest runs on one thread.
const PARALLEL_FROM: usize = 1 << 15;

/// Copies `to[other] = from[indexed + offsets[table]]` over the nest. `to` is filled densely, in
/// the order of the loops.
///
/// # Panics
/// If the nest reaches beyond a slice, or the steps of `to` are not those of a dense block.
pub fn gather<T: Copy + Send + Sync>(from: &[T], offsets: &[usize], axes: &[Axis], to: &mut [T]) {
    let count: usize = axes.iter().map(|a| a.size).product();
    if count == 0 {
        return;
    }
    let mut dense = 1;
    for axis in axes.iter().rev() {
        assert!(axis.size == 1 || axis.other == dense, "a gather fills a dense block");
        dense *= axis.size;
    }
    check(axes, offsets, from.len(), to.len());
    let out = Target(to.as_mut_ptr());
    run(
        axes,
        |_| true,
        |start, inner| {
            let row = start.offsets(offsets);
            // SAFETY: `check` saw that every index of the nest lies in its slice, and no two tasks
            // (nor two steps of one) write the same element of a dense block.
            unsafe { gather_row(from.as_ptr().add(start.indexed), row, out.at(start.other), inner) }
        },
    );
}

/// The innermost loop of [`gather`].
///
/// # Safety
/// All elements that the loop reaches must be inside the buffers behind the pointers.
#[inline(always)]
unsafe fn gather_row<T: Copy>(from: *const T, offsets: *const usize, to: *mut T, axis: Axis) {
    // SAFETY: the caller's promise covers each access below.
    unsafe {
        if axis.table == 0 {
            let from = from.add(*offsets);
            if axis.indexed == 1 && axis.other == 1 {
                std::ptr::copy_nonoverlapping(from, to, axis.size);
            } else {
                for i in 0..axis.size {
                    *to.add(i * axis.other) = *from.add(i * axis.indexed);
                }
            }
        } else {
            for i in 0..axis.size {
                *to.add(i * axis.other) = *from.add(i * axis.indexed + *offsets.add(i * axis.table));
            }
        }
    }
}

/// Sets `to[indexed + offsets[table]] = combine(itself, values[other])` over the nest. Where several
/// steps meet in one element they do so in the order of the loops, for any number of threads.
/// `disjoint` allows several.
///
/// # Safety
/// With `disjoint`, steps that differ in a loop with `table` 0 must reach different elements of `to`.
///
/// # Panics
/// If the nest reaches beyond a slice.
pub unsafe fn scatter<T: Copy + Send + Sync>(
    to: &mut [T],
    offsets: &[usize],
    axes: &[Axis],
    values: &[T],
    disjoint: bool,
    combine: impl Fn(T, T) -> T + Sync,
) {
    if axes.iter().any(|a| a.size == 0) {
        return;
    }
    check(axes, offsets, to.len(), values.len());
    let out = Target(to.as_mut_ptr());
    // Only loops that leave the table alone may be cut: others may meet in one element.
    run(
        axes,
        |axis| disjoint && axis.table == 0,
        |start, inner| {
            let row = start.offsets(offsets);
            // SAFETY: `check` saw that every index of the nest lies in its slice; tasks differ in a loop
            // with `table` 0 and so, by the caller's promise, write to different elements.
            unsafe { scatter_row(out.at(start.indexed), row, values.as_ptr().add(start.other), inner, &combine) }
        },
    );
}

/// The innermost loop of [`scatter`].
///
/// # Safety
/// All elements that the loop reaches must be inside the buffers behind the pointers.
#[inline(always)]
unsafe fn scatter_row<T: Copy>(
    to: *mut T,
    offsets: *const usize,
    values: *const T,
    axis: Axis,
    combine: &impl Fn(T, T) -> T,
) {
    // SAFETY: the caller's promise covers each access below.
    unsafe {
        if axis.table == 0 {
            let to = to.add(*offsets);
            if axis.indexed == 1 && axis.other == 1 {
                for i in 0..axis.size {
                    *to.add(i) = combine(*to.add(i), *values.add(i));
                }
            } else {
                for i in 0..axis.size {
                    let place = to.add(i * axis.indexed);
                    *place = combine(*place, *values.add(i * axis.other));
                }
            }
        } else {
            for i in 0..axis.size {
                let place = to.add(i * axis.indexed + *offsets.add(i * axis.table));
                *place = combine(*place, *values.add(i * axis.other));
            }
        }
    }
}

fn check(axes: &[Axis], offsets: &[usize], indexed: usize, other: usize) {
    let reach = |step: fn(&Axis) -> usize| axes.iter().map(|a| (a.size - 1) * step(a)).sum::<usize>();
    assert!(reach(|a| a.table) < offsets.len(), "the table of offsets covers the nest");
    assert!(reach(|a| a.other) < other, "the other side covers the nest");
    let largest = offsets.iter().copied().max().unwrap_or(0);
    assert!(reach(|a| a.indexed) + largest < indexed, "the indexed side covers the nest");
}

/// Where a row of the nest begins.
#[derive(Clone, Copy, Default)]
struct Start {
    indexed: usize,
    table: usize,
    other: usize,
}

impl Start {
    fn step(&mut self, axis: &Axis, count: usize) {
        self.indexed += axis.indexed * count;
        self.table += axis.table * count;
        self.other += axis.other * count;
    }

    fn back(&mut self, axis: &Axis, count: usize) {
        self.indexed -= axis.indexed * count;
        self.table -= axis.table * count;
        self.other -= axis.other * count;
    }

    fn offsets(&self, offsets: &[usize]) -> *const usize {
        offsets[self.table..].as_ptr()
    }
}

/// Calls `row` for each row of the nest. The largest loop that `may_cut` is cut into tasks.
fn run(axes: &[Axis], may_cut: impl Fn(&Axis) -> bool, row: impl Fn(Start, Axis) + Sync) {
    let axes = merged(axes);
    let count: usize = axes.iter().map(|a| a.size).product();
    let widest = (0..axes.len()).filter(|&i| may_cut(&axes[i])).max_by_key(|&i| axes[i].size);
    let tasks = (count / PARALLEL_FROM).clamp(1, 64);
    match widest {
        Some(cut) if tasks > 1 && axes[cut].size > 1 => {
            let size = axes[cut].size;
            let tasks = tasks.min(size);
            parallel::run(tasks, |task| {
                rows(&axes, cut, size * task / tasks..size * (task + 1) / tasks, &row);
            });
        }
        _ => rows(&axes, 0, 0..axes[0].size, &row),
    }
}

/// The rows of the part of a nest in which loop `cut` runs over `range` only.
fn rows(axes: &[Axis], cut: usize, range: Range<usize>, row: &impl Fn(Start, Axis)) {
    let mut axes = axes.to_vec();
    let mut start = Start::default();
    start.step(&axes[cut], range.start);
    axes[cut].size = range.len();
    let Some((inner, outer)) = axes.split_last() else { return };
    let mut index = vec![0; outer.len()];
    loop {
        row(start, *inner);
        let mut dim = outer.len();
        loop {
            if dim == 0 {
                return;
            }
            dim -= 1;
            index[dim] += 1;
            start.step(&outer[dim], 1);
            if index[dim] < outer[dim].size {
                break;
            }
            start.back(&outer[dim], index[dim]);
            index[dim] = 0;
        }
    }
}

/// The nest without loops of size 1, and with those loops made one that step alike. At least one
/// loop remains.
fn merged(axes: &[Axis]) -> Vec<Axis> {
    let mut out: Vec<Axis> = Vec::with_capacity(axes.len());
    for &axis in axes.iter().filter(|a| a.size != 1) {
        if let Some(last) = out.last_mut() {
            let follows = |outer: usize, inner: usize| outer == inner * axis.size;
            if follows(last.indexed, axis.indexed) && follows(last.table, axis.table) && follows(last.other, axis.other)
            {
                *last = Axis { size: last.size * axis.size, ..axis };
                continue;
            }
        }
        out.push(axis);
    }
    if out.is_empty() {
        out.push(Axis { size: 1, indexed: 0, table: 0, other: 0 });
    }
    out
}
