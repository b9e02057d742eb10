//! Copying with conversion, and filling.
//!
//! Numbers that stay as they are move in the order in which they are written, whole rows at a time
//! where both sides are dense, and in small tiles where one side's rows are the other's columns, so
//! that each cache line is used up while it is near.

use super::engine::{Input, Output, run};
use super::{Kernel, Kind, Loop, Number, Parameters};
use crate::parallel;
use crate::scratch::Target;

/// Elements of a task.
const TASK: usize = 32 * 1024;
/// Bytes of a task that only writes zeros.
const ZEROS: usize = 1 << 20;
/// Columns of a tile as the output has them: few, since each is another cache line of the input, and
/// those of large powers of two compete for the same places of a cache.
const TILE_COLUMNS: usize = 8;
/// Rows of a tile: a cache line of the input.
const TILE_ROWS: usize = 16;

/// Copies `n` elements of `size` bytes.
macro_rules! moving {
    ($t:ty) => {{
        unsafe fn erased(out: *mut u8, inputs: [*const u8; 3], n: usize, _: &Parameters) {
            // SAFETY: the engine hands out blocks of `n` elements that do not overlap.
            unsafe { std::ptr::copy_nonoverlapping(inputs[0].cast::<$t>(), out.cast::<$t>(), n) }
        }
        erased as super::BlockFn
    }};
}

/// The kernel that moves elements of a kind.
fn moving(kind: Kind) -> Kernel {
    let function = match kind.size() {
        1 => moving!(u8),
        2 => moving!(u16),
        4 => moving!(u32),
        _ => moving!(u64),
    };
    Kernel { inputs: [kind; 3], output: kind, function }
}

/// Copies `input` into `output`, converting as C's casts do on x86-64 (a float beyond an integer's
/// range gives the smallest one; anything but zero is true).
///
/// # Safety
/// As [`run`].
pub unsafe fn copy(shape: &[usize], output: Output<'_>, input: Input<'_>) {
    if let Input::Memory { pointer, kind, strides } = input
        && kind == output.kind
        && !shape.contains(&0)
    {
        // SAFETY: the caller's promise; all elements of a size may be moved as integers of it.
        return unsafe {
            match kind.size() {
                1 => Move::<u8>::new(shape, output, pointer, strides).run(),
                2 => Move::<u16>::new(shape, output, pointer, strides).run(),
                4 => Move::<u32>::new(shape, output, pointer, strides).run(),
                _ => Move::<u64>::new(shape, output, pointer, strides).run(),
            }
        };
    }
    let kernel = match input {
        Input::Memory { kind, .. } if kind != output.kind => moving(kind.compute().kind()),
        _ => moving(output.kind),
    };
    // SAFETY: the caller's promise.
    unsafe { run(shape, output, &[input], &kernel, &Parameters::NONE) }
}

/// Writes `number` to every element.
///
/// # Safety
/// As [`run`].
pub unsafe fn fill(shape: &[usize], output: Output<'_>, number: Number) {
    let size = output.kind.size();
    let zero = match number {
        Number::Int(number) => number == 0,
        Number::Float(number) => number.to_bits() == 0,
    };
    let plan = Loop::new(shape, &[output.strides]);
    if zero && plan.is_linear(0, 1) && !plan.is_empty() {
        let (to, bytes) = (Target(output.pointer), plan.len() * size);
        parallel::run(bytes.div_ceil(ZEROS), |task| {
            let start = task * ZEROS;
            // SAFETY: the caller's promise: the elements lie together, and zero is all bits zero.
            unsafe { to.at(start).write_bytes(0, ZEROS.min(bytes - start)) }
        });
        return;
    }
    // SAFETY: the caller's promise.
    unsafe { run(shape, output, &[Input::Number(number)], &moving(output.kind), &Parameters::NONE) }
}

/// A copy of elements that stay as they are. Strides are in elements.
struct Move<T> {
    /// Dimensions, the one innermost in the output first; the output's strides, then the input's.
    plan: Loop,
    to: Target<T>,
    from: Target<T>,
}

impl<T: Copy + Send> Move<T> {
    fn new(shape: &[usize], output: Output<'_>, input: *const u8, strides: &[usize]) -> Self {
        Move {
            plan: Loop::new(shape, &[output.strides, strides]),
            to: Target(output.pointer.cast()),
            from: Target(input.cast_mut().cast()),
        }
    }

    /// # Safety
    /// As [`run`].
    unsafe fn run(&self) {
        let [to, from] = [&self.plan.strides[0], &self.plan.strides[1]];
        // The dimension along which the input is dense, if the output's rows are not.
        let column = (1..from.len()).find(|&d| from[d] == 1);
        match column {
            // SAFETY: the caller's promise; tasks write different elements.
            Some(column) if to[0] == 1 && from[0] > 1 => unsafe { self.transpose(column) },
            _ => {
                let total = self.plan.len();
                parallel::run(total.div_ceil(TASK), |task| {
                    // SAFETY: as above.
                    unsafe { self.rows(task * TASK, total.min((task + 1) * TASK)) }
                });
            }
        }
    }

    /// Copies the elements of some positions of the walk.
    ///
    /// # Safety
    /// As [`run`].
    unsafe fn rows(&self, start: usize, end: usize) {
        let plan = &self.plan;
        let (length, to_step, from_step) = (plan.shape[0], plan.strides[0][0], plan.strides[1][0]);
        let (to_row, from_row) = match plan.shape.len() {
            1 => (0, 0),
            _ => (plan.strides[0][1], plan.strides[1][1]),
        };
        let mut at = plan.coordinates(start);
        let mut position = start;
        while position < end {
            let (to, from) = (self.to.at(plan.offset(0, &at)), self.from.at(plan.offset(1, &at)));
            let row = (length - at[0]).min(end - position);
            // Whole rows of the dimension above, if there are any left.
            let rows = match plan.shape.get(1) {
                Some(&size) if at[0] == 0 && row == length => (size - at[1]).min((end - position) / length),
                _ => 1,
            };
            for i in 0..rows {
                let (to, from) = (to.wrapping_add(i * to_row), from.wrapping_add(i * from_row));
                // SAFETY: elements inside both operands, by the caller's promise.
                unsafe {
                    if to_step == 1 && from_step == 1 {
                        std::ptr::copy(from, to, row);
                    } else {
                        for i in 0..row {
                            *to.wrapping_add(i * to_step) = *from.wrapping_add(i * from_step);
                        }
                    }
                }
            }
            position += rows * row;
            if rows == 1 {
                plan.advance(&mut at, row);
            } else {
                at[1] += rows - 1;
                plan.advance(&mut at, row);
            }
        }
    }

    /// Copies tile by tile: rows of the output along dimension 0, of the input along `column`.
    ///
    /// # Safety
    /// As [`run`].
    unsafe fn transpose(&self, column: usize) {
        let plan = &self.plan;
        let (width, height) = (plan.shape[0], plan.shape[column]);
        let (to_step, from_step) = (plan.strides[0][column], plan.strides[1][0]);
        let others: Vec<usize> = (1..plan.shape.len()).filter(|&d| d != column).collect();
        let strips = height.div_ceil(TILE_ROWS);
        let images: usize = others.iter().map(|&d| plan.shape[d]).product();
        let each = (TASK / (TILE_ROWS * width)).max(1);
        parallel::run((images * strips).div_ceil(each), |task| {
            for strip in task * each..((task + 1) * each).min(images * strips) {
                let (mut image, first) = (strip / strips, strip % strips * TILE_ROWS);
                let (mut to, mut from) = (self.to.at(first * to_step), self.from.at(first));
                for &d in &others {
                    let place = image % plan.shape[d];
                    image /= plan.shape[d];
                    to = to.wrapping_add(place * plan.strides[0][d]);
                    from = from.wrapping_add(place * plan.strides[1][d]);
                }
                let rows = TILE_ROWS.min(height - first);
                for left in (0..width).step_by(TILE_COLUMNS) {
                    let columns = TILE_COLUMNS.min(width - left);
                    let (to, from) = (to.wrapping_add(left), from.wrapping_add(left * from_step));
                    // SAFETY: elements inside both operands, by the caller's promise.
                    unsafe {
                        if (rows, columns) == (TILE_ROWS, TILE_COLUMNS) {
                            tile(to, to_step, from, from_step, TILE_ROWS, TILE_COLUMNS);
                        } else {
                            tile(to, to_step, from, from_step, rows, columns);
                        }
                    }
                }
            }
        });
    }
}

/// `to[r * to_step + c] = from[c * from_step + r]`
///
/// # Safety
/// The elements are good for writes and reads.
#[inline(always)]
unsafe fn tile<T: Copy>(to: *mut T, to_step: usize, from: *const T, from_step: usize, rows: usize, columns: usize) {
    for r in 0..rows {
        for c in 0..columns {
            // SAFETY: the caller's promise.
            unsafe { *to.wrapping_add(r * to_step + c) = *from.wrapping_add(c * from_step + r) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A copy between strided operands, against one element by element.
    fn check<T: Copy + Default + PartialEq + std::fmt::Debug + From<u8>>(
        kind: Kind,
        shape: &[usize],
        to: &[usize],
        from: &[usize],
    ) {
        let extent = |strides: &[usize]| shape.iter().zip(strides).map(|(n, s)| (n - 1) * s).sum::<usize>() + 1;
        let source: Vec<T> = (0..extent(from)).map(|i| T::from((i * 7 % 251) as u8)).collect();
        let mut got = vec![T::default(); extent(to)];
        let mut want = got.clone();
        for i in 0..shape.iter().product::<usize>() {
            let (mut rest, mut t, mut f) = (i, 0, 0);
            for d in (0..shape.len()).rev() {
                let at = rest % shape[d];
                rest /= shape[d];
                t += at * to[d];
                f += at * from[d];
            }
            want[t] = source[f];
        }
        // SAFETY: both operands are as large as their strides reach.
        unsafe {
            let output = Output { pointer: got.as_mut_ptr().cast(), kind, strides: to };
            let input = Input::Memory { pointer: source.as_ptr().cast(), kind, strides: from };
            copy(shape, output, input);
        }
        assert_eq!(got, want, "{shape:?} {to:?} {from:?}");
    }

    #[test]
    fn zeros_and_other_numbers_fill_what_is_seen_and_nothing_else() {
        for number in [0.0, -0.0, 2.5] {
            for (shape, strides) in [([300, 1000], [1000, 1]), ([7, 5], [1, 7]), ([7, 5], [10, 1])] {
                let mut memory = vec![9.0f32; 300_000];
                // SAFETY: the strides stay inside the memory.
                unsafe {
                    let output = Output { pointer: memory.as_mut_ptr().cast(), kind: Kind::F32, strides: &strides };
                    fill(&shape, output, Number::Float(number));
                }
                let mut want = vec![9.0f32; 300_000];
                for i in 0..shape[0] {
                    (0..shape[1]).for_each(|j| want[i * strides[0] + j * strides[1]] = number as f32);
                }
                assert!(memory.iter().zip(&want).all(|(a, b)| a.to_bits() == b.to_bits()));
            }
        }
    }

    #[test]
    fn every_pair_of_orders_is_copied() {
        for shape in [[2, 3, 5, 7], [1, 20, 33, 18], [3, 64, 40, 40], [2, 1, 1, 50_000]] {
            let strides = |order: [usize; 4], gap: usize| {
                let mut strides = [0; 4];
                let mut next = gap;
                for d in order {
                    strides[d] = next;
                    next *= shape[d];
                }
                strides
            };
            let orders = [[3, 2, 1, 0], [1, 3, 2, 0], [2, 3, 1, 0], [0, 1, 2, 3]];
            for a in orders {
                for b in orders {
                    check::<f32>(Kind::F32, &shape, &strides(a, 1), &strides(b, 1));
                    check::<u8>(Kind::U8, &shape, &strides(a, 1), &strides(b, 2));
                    check::<f64>(Kind::F64, &shape, &strides(a, 3), &strides(b, 1));
                }
                let mut broadcast = strides(a, 1);
                broadcast[1] = 0;
                check::<i32>(Kind::I32, &shape, &strides(a, 1), &broadcast);
            }
        }
        check::<f32>(Kind::F32, &[], &[], &[]);
    }
}
