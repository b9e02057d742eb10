//! The walk over operands: blocks, tasks, gathering and scattering.

use super::convert::{Load, Store, load, load_unchanged, store, store_unchanged};
use super::{Kernel, Kind, Loop, Number, Parameters};
use crate::parallel;
use smallvec::SmallVec;
use std::mem::MaybeUninit;

/// Elements of a gathered block: four blocks of eight-byte numbers fit the first-level cache.
const BLOCK: usize = 512;
/// Rows shorter than this are gathered several to a block.
const SHORT_ROW: usize = 128;
/// Elements of a task: what is worth waking a thread for.
const TASK: usize = 32 * 1024;

/// What a function reads.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// Memory seen through strides, in elements, one for each dimension of the walk (0 where it is
    /// broadcast).
    Memory {
        /// The first element.
        pointer: *const u8,
        /// What the elements are.
        kind: Kind,
        /// Strides in elements.
        strides: &'a [usize],
    },
    /// The same number everywhere.
    Number(Number),
}

/// What a function writes.
#[derive(Clone, Copy, Debug)]
pub struct Output<'a> {
    /// The first element.
    pub pointer: *mut u8,
    /// What the elements are.
    pub kind: Kind,
    /// Strides in elements.
    pub strides: &'a [usize],
}

#[repr(align(64))]
#[derive(Clone, Copy)]
struct Block([MaybeUninit<u64>; BLOCK]);

impl Block {
    const NEW: Block = Block([MaybeUninit::uninit(); BLOCK]);

    fn pointer(&mut self) -> *mut u8 {
        self.0.as_mut_ptr().cast()
    }
}

struct Read {
    base: *const u8,
    size: usize,
    load: Load,
    /// Whether memory holds what the kernel takes, so that it may read in place.
    same: bool,
    linear: bool,
    constant: bool,
}

struct Write {
    base: *mut u8,
    size: usize,
    store: Store,
    /// Whether the kernel may write in place: right kind, and no input overlaps.
    direct: bool,
    linear: bool,
}

struct Walk<'a> {
    plan: Loop,
    reads: SmallVec<[Read; 3]>,
    write: Write,
    kernel: &'a Kernel,
    parameters: &'a Parameters,
}

// SAFETY: tasks write disjoint elements and read what no task writes (or the very elements they
// write, before they do).
unsafe impl Sync for Walk<'_> {}

/// Applies `kernel` to every element: `output[i] = kernel(inputs[0][i], …)`.
///
/// The output may be the very same elements as an input (same address, same strides); any other
/// overlap gives unspecified numbers.
///
/// # Safety
/// Every pointer is good for the elements that `shape` and its strides reach: for reads, and the
/// output's for writes, during the call and by nobody else. No two positions of the output are
/// the same element.
///
/// # Panics
/// If an operand has not as many strides as `shape` has sizes, or there are more than three inputs.
pub unsafe fn run(shape: &[usize], output: Output<'_>, inputs: &[Input<'_>], kernel: &Kernel, parameters: &Parameters) {
    assert!(inputs.len() <= 3, "a function has at most three inputs");
    if shape.contains(&0) {
        return;
    }
    let zeros: SmallVec<[usize; 6]> = SmallVec::from_elem(0, shape.len());
    let mut numbers = [0u64; 3];
    for (i, input) in inputs.iter().enumerate() {
        if let Input::Number(n) = *input {
            numbers[i] = encode(n, kernel.inputs[i]);
        }
    }
    let scaled =
        |strides: &[usize], size: usize| -> SmallVec<[usize; 6]> { strides.iter().map(|s| s * size).collect() };
    let mut strides: SmallVec<[SmallVec<[usize; 6]>; 4]> = SmallVec::new();
    strides.push(scaled(output.strides, output.kind.size()));
    for input in inputs {
        strides.push(match input {
            Input::Memory { kind, strides, .. } => scaled(strides, kind.size()),
            Input::Number(_) => zeros.clone(),
        });
    }
    let plan = Loop::new(shape, &strides.iter().map(|s| &s[..]).collect::<SmallVec<[&[usize]; 4]>>());

    let mut reads = SmallVec::new();
    let mut overlap = false;
    let extent = |operand: usize, base: usize, size: usize| {
        let last: usize = plan.shape.iter().zip(&plan.strides[operand]).map(|(n, s)| (n - 1) * s).sum();
        (base, base + last + size)
    };
    let written = extent(0, output.pointer as usize, output.kind.size());
    for (i, input) in inputs.iter().enumerate() {
        let (base, kind) = match *input {
            Input::Memory { pointer, kind, .. } => (pointer, kind),
            Input::Number(_) => ((&raw const numbers[i]).cast::<u8>(), kernel.inputs[i]),
        };
        let same = kind == kernel.inputs[i];
        let read = extent(i + 1, base as usize, kind.size());
        overlap |= read.0 < written.1 && written.0 < read.1;
        reads.push(Read {
            base,
            size: kind.size(),
            load: if same { load_unchanged(kind) } else { load(kind, kernel.inputs[i].compute()) },
            same,
            linear: plan.is_linear(i + 1, kind.size()),
            constant: plan.is_constant(i + 1),
        });
    }
    let same = output.kind == kernel.output;
    let write = Write {
        base: output.pointer,
        size: output.kind.size(),
        store: if same { store_unchanged(output.kind) } else { store(kernel.output.compute(), output.kind) },
        direct: same && !overlap,
        linear: plan.is_linear(0, output.kind.size()),
    };
    let total = plan.len();
    let walk = Walk { plan, reads, write, kernel, parameters };
    // SAFETY: the caller's promise; tasks cover disjoint ranges.
    parallel::run(total.div_ceil(TASK), |task| unsafe { walk.range(task * TASK, total.min((task + 1) * TASK)) });
}

fn encode(number: Number, kind: Kind) -> u64 {
    let mut bits = 0u64;
    let (source, compute): (u64, _) = match number {
        Number::Float(f) => (f.to_bits(), Kind::F64),
        Number::Int(i) => (i as u64, Kind::I64),
    };
    // SAFETY: eight bytes are read, and at most eight written.
    unsafe {
        let target = (&raw mut bits).cast::<u8>();
        store(compute.compute(), kind)(target, kind.size(), (&raw const source).cast(), 1);
    }
    bits
}

impl Walk<'_> {
    /// # Safety
    /// As [`run`], for the positions from `start` to `end`.
    unsafe fn range(&self, start: usize, end: usize) {
        let mut blocks = [Block::NEW; 3];
        let mut result = Block::NEW;
        let constant: SmallVec<[bool; 3]> = self.reads.iter().map(|r| r.constant).collect();
        for (r, block) in self.reads.iter().zip(&mut blocks) {
            if r.constant {
                // SAFETY: one element is read, and a block written.
                unsafe { (r.load)(block.pointer(), r.base, 0, BLOCK.min(end - start)) }
            }
        }
        let mut coordinates = self.plan.coordinates(start);
        let short = self.plan.shape[0] < SHORT_ROW && self.plan.shape.len() > 1;
        // Whether everything may be read and written where it lies, a row at a time.
        let in_place = |r: &Read, operand: usize| r.same && self.plan.strides[operand][0] == r.size;
        let staged = !self.write.direct
            || self.plan.strides[0][0] != self.write.size
            || self.reads.iter().enumerate().any(|(i, r)| !in_place(r, i + 1));
        // Short rows that are the same again and again (a number for each channel) are gathered once, as
        // many as a block takes.
        let period = self.plan.shape[0];
        let periodic: SmallVec<[bool; 3]> =
            (0..self.reads.len()).map(|i| short && !constant[i] && self.plan.strides[i + 1][1] == 0).collect();
        let repeats = periodic.contains(&true);
        let mut gathered = [std::ptr::null::<u8>(); 3];
        let mut position = start;
        while position < end {
            let mut pointers = [std::ptr::null::<u8>(); 3];
            let row = self.plan.shape[0] - coordinates[0];
            let count = match (short, staged) {
                (true, _) if repeats && coordinates[0] == 0 => {
                    (BLOCK / period).min(self.plan.shape[1] - coordinates[1]) * period
                }
                (true, _) if repeats => row,
                (true, _) => BLOCK,
                (false, true) => row.min(BLOCK),
                (false, false) => row,
            }
            .min(end - position);
            // SAFETY: pointers stay inside the operands, by the caller's promise; blocks hold
            // `BLOCK` elements and `count` is no more wherever one is used.
            unsafe {
                for (i, r) in self.reads.iter().enumerate() {
                    let block = blocks[i].pointer();
                    pointers[i] = if constant[i] {
                        block
                    } else if short {
                        if r.same && r.linear {
                            r.base.add(position * r.size)
                        } else if periodic[i] && coordinates[0] == 0 {
                            let here = r.base.add(self.plan.offset(i + 1, &coordinates));
                            if gathered[i] != here {
                                let copies = (BLOCK / period).min(self.plan.shape[1]);
                                let mut first: SmallVec<[usize; 6]> = SmallVec::from_slice(&coordinates);
                                first[1] = 0;
                                self.gather(i, &first, block, copies * period);
                                gathered[i] = here;
                            }
                            block
                        } else {
                            gathered[i] = std::ptr::null();
                            self.gather(i, &coordinates, block, count);
                            block
                        }
                    } else {
                        let here = r.base.add(self.plan.offset(i + 1, &coordinates));
                        if in_place(r, i + 1) {
                            here
                        } else {
                            (r.load)(block, here, self.plan.strides[i + 1][0], count);
                            block
                        }
                    };
                }
                let w = &self.write;
                if short {
                    if w.direct && w.linear {
                        let here = w.base.add(position * w.size);
                        (self.kernel.function)(here, pointers, count, self.parameters);
                        self.plan.rows(&mut coordinates, count, |_, _, _| {});
                    } else {
                        (self.kernel.function)(result.pointer(), pointers, count, self.parameters);
                        let size = self.kernel.output.size();
                        let stride = self.plan.strides[0][0];
                        let from = result.pointer();
                        self.plan.rows(&mut coordinates, count, |done, at, n| {
                            (w.store)(w.base.add(self.plan.offset(0, at)), stride, from.add(done * size), n);
                        });
                    }
                } else {
                    let here = w.base.add(self.plan.offset(0, &coordinates));
                    if w.direct && self.plan.strides[0][0] == w.size {
                        (self.kernel.function)(here, pointers, count, self.parameters);
                    } else {
                        (self.kernel.function)(result.pointer(), pointers, count, self.parameters);
                        (w.store)(here, self.plan.strides[0][0], result.pointer(), count);
                    }
                    self.plan.advance(&mut coordinates, count);
                }
            }
            position += count;
        }
    }

    /// # Safety
    /// `block` is good for `count` elements of the kernel's input; the rest as [`run`].
    unsafe fn gather(&self, input: usize, coordinates: &[usize], block: *mut u8, count: usize) {
        let r = &self.reads[input];
        let size = self.kernel.inputs[input].size();
        let stride = self.plan.strides[input + 1][0];
        let mut at: SmallVec<[usize; 6]> = SmallVec::from_slice(coordinates);
        self.plan.rows(&mut at, count, |done, at, n| {
            // SAFETY: a piece of a row of the operand, and its place in the block.
            unsafe { (r.load)(block.add(done * size), r.base.add(self.plan.offset(input + 1, at)), stride, n) }
        });
    }
}
