//! Cutting a product into blocks that fit the caches and tasks that keep threads busy.
//!
//! The structure is that of Goto and van de Geijn, "Anatomy of High-Performance Matrix
//! Multiplication" (2008): operands are packed into panels, block by block, and a register-blocked
//! kernel runs over the panels. Every choice here depends on sizes only, so that sums are made in
//! the same order whatever the number of threads.

use super::ahead::Region;
use super::kernel::{Block, Left, Panels, Right, Start, TileShape, most_depth, row_stride};
use super::operand::{Form, Operand, Part, Sink, Strided, panel_lanes};
use crate::parallel;
use crate::scratch::{Scratch, Target};
use crate::simd::{Float, Isa, fence_streams};
use smallvec::{SmallVec, smallvec};
use std::ops::Range;

/// A batch of products `alpha * a * b`, added to `start`.
pub(crate) struct Product<'a, T> {
    pub items: usize,
    pub rows: usize,
    pub columns: usize,
    pub depth: usize,
    pub a: &'a dyn Operand<T>,
    pub b: &'a dyn Operand<T>,
    pub c: &'a dyn Sink<T>,
    pub alpha: T,
    /// Numbers for rows or columns: those of each item, or one item's that serve for all.
    pub start: Start<'a, T>,
    /// An operand that was packed before, by [`Product::packed`].
    pub packed: Option<(Side, &'a [T])>,
}

/// One of a product's operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// `a`, whose lanes are rows.
    Left,
    /// `b`, whose lanes are columns.
    Right,
}

/// Rows or columns of a block at most: with the longest depth, a block of float32 takes a quarter
/// of a second-level cache of 1 MiB.
const BLOCK_LANES: usize = 288;
/// Multiplications that are worth a task where there are few, some ten microseconds; and where
/// there are [`ENOUGH_TASKS`] anyway.
const TASK_PRODUCTS: usize = 1 << 20;
const LARGE_TASK_PRODUCTS: usize = 1 << 23;
const ENOUGH_TASKS: usize = 16;
/// More tasks than these balance no better.
const MOST_TASKS: usize = 64;
/// A chunk of the depth is no shorter, and not made unless there are this many for each of the
/// rows and columns.
const CHUNK_DEPTH: usize = 1024;
/// Bytes that operands packed for all tasks, or the partial sums of chunks, may take.
const SHARED_BYTES: usize = 32 << 20;

/// How a product is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cut {
    shape: TileShape,
    /// Whether the left operand is packed row by row.
    row_major: bool,
    panel_rows: usize,
    panel_columns: usize,
    /// Rows, columns and depth of a task.
    rows: usize,
    columns: usize,
    chunk: usize,
    /// Depth of a packed block.
    depth: usize,
    share_a: bool,
    share_b: bool,
    /// Whether an operand is read where it lies, and the result written past the caches.
    a_in_place: bool,
    b_in_place: bool,
    stream: bool,
    /// Whether no cache holds the right operand.
    b_in_memory: bool,
}

impl Cut {
    fn new<T: Float>(p: &Product<'_, T>, isa: Isa) -> Self {
        let shape = TileShape::new::<T>(isa);
        let size = size_of::<T>();
        let panel_rows = panel_lanes(p.rows, shape.rows, 1);
        let panel_columns = panel_lanes(p.columns, shape.columns(), shape.lanes);
        let depth = most_depth::<T>().min(p.depth);
        let block = |count: usize, panel: usize| {
            let most = (BLOCK_LANES / panel).max(1) * panel;
            panel_lanes(count, most, panel)
        };
        let kept = |side: Side| p.packed.is_some_and(|(of, _)| of == side);
        let b_in_place =
            !kept(Side::Right) && p.b.in_place().is_some_and(|b| b.lane_stride == 1 && serves_in_place(&b, p.rows));
        let (mut rows, mut columns) = (block(p.rows, panel_rows), block(p.columns, panel_columns));
        if b_in_place {
            columns = p.columns.next_multiple_of(panel_columns);
        }
        let products = p.items * p.rows * p.columns * p.depth;
        let few = (products / TASK_PRODUCTS).clamp(1, ENOUGH_TASKS);
        let wanted = (products / LARGE_TASK_PRODUCTS).min(MOST_TASKS).max(few).div_ceil(p.items);
        let tasks = |rows: usize, columns: usize| p.rows.div_ceil(rows) * p.columns.div_ceil(columns);
        let mut chunk = p.depth;
        if p.depth >= 2 * CHUNK_DEPTH && p.depth >= 4 * p.rows.max(p.columns) {
            let partial = p.items * p.rows * p.columns * size;
            let chunks = wanted
                .div_ceil(tasks(rows, columns))
                .min(p.depth / CHUNK_DEPTH)
                .min(SHARED_BYTES / partial.max(1))
                .max(1);
            chunk = p.depth.div_ceil(chunks).next_multiple_of(depth);
        }
        let chunks = p.depth.div_ceil(chunk.max(1));
        // Narrower tasks use each packed number less; two panels are the least. The longer side is
        // cut first: its operand, the larger one, then need not be packed for all tasks.
        let halved = |lanes: usize, panel: usize| (lanes / panel > 2).then(|| (lanes / panel).div_ceil(2) * panel);
        while tasks(rows, columns) * chunks < wanted {
            let (fewer_rows, fewer_columns) = (halved(rows, panel_rows), halved(columns, panel_columns));
            match (fewer_rows, fewer_columns) {
                (Some(fewer), other) if p.rows > p.columns || other.is_none() => rows = fewer,
                (_, Some(fewer)) => columns = fewer,
                _ => break,
            }
        }
        let fits = |lanes: usize| p.items * lanes * p.depth * size <= SHARED_BYTES;
        let a_in_place = !kept(Side::Left) && p.a.in_place().is_some_and(|a| left_serves_in_place(&a, p.columns));
        let share_a = kept(Side::Left) || !a_in_place && p.columns > columns && fits(p.rows);
        let share_b = kept(Side::Right) || !b_in_place && p.rows > rows && fits(p.columns);
        let stream =
            p.depth <= depth && !matches!(p.start, Start::Existing) && p.c.streams(p.items * p.rows * p.columns);
        let row_major = p.a.lane_major();
        Self {
            shape,
            row_major,
            panel_rows,
            panel_columns,
            rows,
            columns,
            chunk,
            depth,
            share_a,
            share_b,
            a_in_place,
            b_in_place,
            stream,
            b_in_memory: p.items * p.columns * p.depth * size > CACHED_BYTES,
        }
    }

    fn part_a<T>(&self, item: usize, lanes: Range<usize>, depth: Range<usize>) -> Part {
        let form = if self.row_major {
            Form::LaneMajor { stride: row_stride::<T>(), lanes: self.shape.rows }
        } else {
            Form::DepthMajor { width: self.shape.rows }
        };
        Part { item, lanes, depth, panel_lanes: self.panel_rows, form }
    }

    /// Packed panels of the left operand.
    fn packed_left<T>(&self, start: *const T, panel: usize) -> Left<T> {
        let (row, step) = if self.row_major { (row_stride::<T>(), 1) } else { (1, self.shape.rows) };
        Left { start, panel, row, step }
    }

    fn part<T>(&self, side: Side, item: usize, lanes: Range<usize>, depth: Range<usize>) -> Part {
        match side {
            Side::Left => self.part_a::<T>(item, lanes, depth),
            Side::Right => self.part_b(item, lanes, depth),
        }
    }

    fn part_b(&self, item: usize, lanes: Range<usize>, depth: Range<usize>) -> Part {
        let form = Form::DepthMajor { width: self.panel_columns };
        Part { item, lanes, depth, panel_lanes: self.panel_columns, form }
    }
}

/// Most rows that make it worth while to read a right operand where it lies: with more, each of its
/// numbers is used so often that packing it costs nothing.
const ROWS_IN_PLACE: usize = 256;

/// Fewest columns that make it worth while to pack a left operand whose rows drive each other out.
const COLUMNS_PACKED: usize = 512;

/// The same for a left operand whose steps are contiguous; of its rows a few are read at a time.
fn left_serves_in_place<T>(a: &Strided<T>, columns: usize) -> bool {
    let distance = a.lane_stride * size_of::<T>();
    a.depth_stride == 1 && (columns < COLUMNS_PACKED || !distance.is_multiple_of(1024))
}

/// A right operand of this many bytes may wait in a second-level cache.
const CACHED_BYTES: usize = 1 << 20;

/// Whether a right operand whose lanes are contiguous can be read where it lies without its rows
/// driving each other out of the caches, as they do at distances of whole pages.
fn serves_in_place<T>(b: &Strided<T>, rows: usize) -> bool {
    const WAY: usize = 4096;
    let distance = b.depth_stride * size_of::<T>() % WAY;
    rows <= ROWS_IN_PLACE && distance != 0 && distance.trailing_zeros() < (WAY / 4).trailing_zeros()
}

fn scratch<T: Float>(len: usize) -> (Scratch<T>, Target<T>) {
    let mut numbers = Scratch::new(len);
    let target = Target(numbers.address());
    (numbers, target)
}

fn nth_range(index: usize, size: usize, len: usize) -> Range<usize> {
    (index * size).min(len)..((index + 1) * size).min(len)
}

impl<T: Float> Product<'_, T> {
    /// Computes the products.
    ///
    /// # Safety
    /// Operands and sink must be as large as the sizes say, and the sink not be touched by others.
    pub unsafe fn run(&self, isa: Isa) {
        if self.items * self.rows * self.columns == 0 {
            return;
        }
        let cut = Cut::new(self, isa);
        // SAFETY: passed on from the caller.
        let shared = |side: Side, share: bool| unsafe {
            let kept = self.packed.filter(|(of, _)| *of == side).map(|(_, numbers)| numbers);
            let own = (share && kept.is_none()).then(|| self.pack_whole(isa, &cut, side));
            assert!(kept.is_none_or(|kept| kept.len() == self.packed_len(&cut, side)), "an operand packed for others");
            let start = kept.or(own.as_ref().map(Scratch::as_slice)).map(<[T]>::as_ptr);
            (start.map(|start| self.panels(&cut, side, start)), own)
        };
        let ((packed_a, _own_a), (packed_b, _own_b)) =
            (shared(Side::Left, cut.share_a), shared(Side::Right, cut.share_b));
        let (row_blocks, column_blocks) = (self.rows.div_ceil(cut.rows), self.columns.div_ceil(cut.columns));
        let chunks = self.depth.div_ceil(cut.chunk.max(1)).max(1);
        let blocks = row_blocks * column_blocks;
        let partial_size = self.items * self.rows * self.columns;
        let partial = (chunks > 1).then(|| scratch::<T>(partial_size * chunks));
        let partials = partial.as_ref().map(|p| p.1);
        parallel::run(self.items * blocks * chunks, |task| {
            let (item, task) = (task / (blocks * chunks), task % (blocks * chunks));
            let (chunk, block) = (task / blocks, task % blocks);
            // Neighbours in time share columns: those are what a large left operand is reused for.
            let rows = nth_range(block % row_blocks, cut.rows, self.rows);
            let columns = nth_range(block / row_blocks, cut.columns, self.columns);
            let work = Task {
                item,
                rows,
                columns,
                depth: nth_range(chunk, cut.chunk, self.depth),
                shared_a: packed_a.as_ref(),
                shared_b: packed_b.as_ref(),
                partial: partials.map(|p| p.at(chunk * partial_size)),
            };
            // SAFETY: tasks write to disjoint blocks of the sink or of the partial sums.
            unsafe { self.run_task(isa, &cut, &work) }
        });
        if let Some(partials) = partials {
            // SAFETY: as above, now for rows.
            unsafe { self.add_partials(partials, chunks) }
        }
    }

    /// An operand packed whole, for products of these sizes to come; `None` if such a product does
    /// not pack it.
    ///
    /// # Safety
    /// The operand must be as large as the sizes say.
    pub unsafe fn packed(&self, isa: Isa, side: Side) -> Option<Scratch<T>> {
        if self.items * self.rows * self.columns * self.depth == 0 {
            return None;
        }
        let cut = Cut::new(self, isa);
        let in_place = match side {
            Side::Left => cut.a_in_place,
            Side::Right => cut.b_in_place,
        };
        // SAFETY: passed on from the caller.
        (!in_place).then(|| unsafe { self.pack_whole(isa, &cut, side) })
    }

    fn lanes(&self, side: Side) -> usize {
        match side {
            Side::Left => self.rows,
            Side::Right => self.columns,
        }
    }

    /// How many numbers an operand packed whole has.
    fn packed_len(&self, cut: &Cut, side: Side) -> usize {
        let Packed { blocks, block_size, .. } = self.panels(cut, side, std::ptr::null());
        self.items * blocks * block_size
    }

    /// An operand packed whole, seen as its panels.
    fn panels(&self, cut: &Cut, side: Side, start: *const T) -> Packed<T> {
        let lanes = self.lanes(side);
        let first = cut.part::<T>(side, 0, 0..lanes, 0..cut.depth);
        let blocks = self.depth.div_ceil(cut.depth.max(1));
        let block_size = lanes.div_ceil(first.panel_lanes) * first.panel_size();
        Packed { start: Source(start), blocks, panel_lanes: first.panel_lanes, block_size }
    }

    /// Packs an operand for all tasks: item by item, blocks of the depth one after another, each
    /// with all its panels and in the room of the first.
    unsafe fn pack_whole(&self, isa: Isa, cut: &Cut, side: Side) -> Scratch<T> {
        let (operand, lanes) = match side {
            Side::Left => (self.a, self.rows),
            Side::Right => (self.b, self.columns),
        };
        let Packed { blocks, panel_lanes, block_size, .. } = self.panels(cut, side, std::ptr::null());
        let panels = lanes.div_ceil(panel_lanes);
        let (numbers, start) = scratch::<T>(self.packed_len(cut, side));
        let task_panels = (self.items * blocks * panels).div_ceil(ENOUGH_TASKS).min(BLOCK_LANES / panel_lanes).max(1);
        let task_lanes = task_panels * panel_lanes;
        let groups = lanes.div_ceil(task_lanes);
        parallel::run(self.items * blocks * groups, |task| {
            // Neighbours in time share lanes, as they do where the panels are used.
            let (item, group, block) = (task / (groups * blocks), task / blocks % groups, task % blocks);
            let depth = nth_range(block, cut.depth, self.depth);
            let part = cut.part::<T>(side, item, nth_range(group, task_lanes, lanes), depth);
            let panel = group * task_panels;
            let to = start.at((item * blocks + block) * block_size + panel * part.panel_size());
            // SAFETY: these panels' own place in the buffer.
            unsafe { operand.pack(isa, &part, to) }
        });
        numbers
    }

    unsafe fn run_task(&self, isa: Isa, cut: &Cut, task: &Task<'_, T>) {
        let Task { item, rows, columns, depth, .. } = task;
        let item = *item;
        let room = |part: Part| scratch::<T>(part.lanes.len().div_ceil(part.panel_lanes) * part.panel_size());
        let in_place = self.a.in_place().filter(|_| cut.a_in_place);
        let b_in_place = self.b.in_place().filter(|_| cut.b_in_place);
        let packs_a = task.shared_a.is_none() && in_place.is_none();
        let packs_b = task.shared_b.is_none() && b_in_place.is_none();
        let own_a = packs_a.then(|| room(cut.part_a::<T>(item, rows.clone(), 0..cut.depth)));
        let own_b = packs_b.then(|| room(cut.part_b(item, columns.clone(), 0..cut.depth)));
        let (destinations, _own_c) = self.destinations(cut, task);
        let mut first = true;
        let mut begin = depth.start;
        loop {
            let step = begin..(begin + cut.depth).min(depth.end);
            // SAFETY: the part is inside the operands; buffers have room for it; the block's
            // panels are those just packed, or packed for all tasks from depth 0 on.
            unsafe {
                let a = match (in_place, &own_a, task.shared_a) {
                    (Some(Strided { start, item_stride, lane_stride, .. }), _, _) => Left {
                        start: start.add(item * item_stride + rows.start * lane_stride + begin),
                        panel: cut.panel_rows * lane_stride,
                        row: lane_stride,
                        step: 1,
                    },
                    (None, Some((_, to)), _) => {
                        let part = cut.part_a::<T>(item, rows.clone(), step.clone());
                        self.a.pack(isa, &part, to.at(0));
                        cut.packed_left(to.at(0).cast_const(), part.panel_size())
                    }
                    (None, None, Some(all)) => {
                        let panel_size = cut.part_a::<T>(item, rows.clone(), step.clone()).panel_size();
                        cut.packed_left(all.at(item, rows.start, begin / cut.depth.max(1), panel_size), panel_size)
                    }
                    (None, None, None) => unreachable!("in place, packed by this task, or for all"),
                };
                let packed = |start, panel| Right { start, panel, step: cut.panel_columns, panels: Panels::Packed };
                let b = match (b_in_place, &own_b, task.shared_b) {
                    (Some(Strided { start, item_stride, depth_stride, .. }), _, _) => Right {
                        start: start.add(item * item_stride + begin * depth_stride + columns.start),
                        panel: cut.panel_columns,
                        step: depth_stride,
                        panels: if cut.b_in_memory { Panels::InMemory } else { Panels::InPlace },
                    },
                    (None, Some((_, to)), _) => {
                        let part = cut.part_b(item, columns.clone(), step.clone());
                        self.b.pack(isa, &part, to.at(0));
                        packed(to.at(0).cast_const(), part.panel_size())
                    }
                    (None, None, Some(all)) => {
                        let panel_size = cut.part_b(item, columns.clone(), step.clone()).panel_size();
                        packed(all.at(item, columns.start, begin / cut.depth.max(1), panel_size), panel_size)
                    }
                    (None, None, None) => unreachable!("in place, packed by this task, or for all"),
                };
                let after = step.end..(step.end + cut.depth).min(depth.end);
                let next = if after.is_empty() { [Region::EMPTY; 2] } else { self.wanted(cut, task, after) };
                for to in &destinations {
                    let panel = (to.columns.start - columns.start) / cut.panel_columns;
                    let block = Block {
                        rows: rows.len(),
                        columns: to.columns.len(),
                        depth: step.len(),
                        a,
                        panel_rows: cut.panel_rows,
                        b: Right { start: b.start.add(panel * b.panel), ..b },
                        panel_columns: cut.panel_columns,
                        c: to.c,
                        c_stride: to.stride,
                        stream: cut.stream && to.direct && task.partial.is_none(),
                        next,
                        alpha: self.alpha,
                        start: if first { to.start } else { Start::Existing },
                    };
                    block.run(isa);
                }
            }
            first = false;
            begin = step.end;
            if begin == depth.end {
                break;
            }
        }
        if cut.stream {
            fence_streams();
        }
        for to in destinations.iter().filter(|to| !to.direct) {
            // SAFETY: finished columns of the block.
            unsafe { self.c.store(item, rows.clone(), to.columns.clone(), to.c, to.stride) }
        }
    }

    /// The memory that a task reads for a stretch of the depth, but for what is packed for all tasks.
    fn wanted(&self, cut: &Cut, task: &Task<'_, T>, depth: Range<usize>) -> [Region<T>; 2] {
        let (a, b) = (
            cut.part_a::<T>(task.item, task.rows.clone(), depth.clone()),
            cut.part_b(task.item, task.columns.clone(), depth),
        );
        let mut wanted = [Region::EMPTY; 2];
        // Of a left operand that is read where it lies each row goes on, which the hardware foresees.
        if task.shared_a.is_none() && !cut.a_in_place {
            wanted[0] = self.a.region(&a);
        }
        if task.shared_b.is_none() && (!cut.b_in_place || cut.b_in_memory) {
            wanted[1] = self.b.region(&b);
            if cut.b_in_place {
                // Only the first panel: each asks for the one after it.
                wanted[1].len = wanted[1].len.min(cut.panel_columns);
            }
        }
        wanted
    }

    /// Where the columns of a task's block go, and the memory for those that the sink has to copy.
    /// A block that the sink does not take as it is may have panels that it does.
    fn destinations(&self, cut: &Cut, task: &Task<'_, T>) -> (SmallVec<[Destination<'_, T>; 8]>, Option<Scratch<T>>) {
        let Task { item, rows, columns, .. } = task;
        let start = |columns: &Range<usize>| match self.start {
            Start::Rows(bias) => Start::Rows(&bias[item * self.rows % bias.len()..][rows.clone()]),
            Start::Columns(bias) => Start::Columns(&bias[item * self.columns % bias.len()..][columns.clone()]),
            other => other,
        };
        let direct = |columns: Range<usize>| {
            let (c, stride) = self.c.direct(*item, rows.clone(), columns.clone())?;
            let start = start(&columns);
            Some(Destination { columns, c, stride, direct: true, start })
        };
        if let Some(partial) = task.partial {
            let c = partial.wrapping_add((item * self.rows + rows.start) * self.columns + columns.start);
            let columns = columns.clone();
            let partial = Destination { columns, c, stride: self.columns, direct: true, start: Start::Zero };
            return (smallvec![partial], None);
        }
        if let Some(whole) = direct(columns.clone()) {
            return (smallvec![whole], None);
        }
        let (own, c) = scratch::<T>(rows.len() * columns.len());
        let copied = |copied: Range<usize>| Destination {
            c: c.at(copied.start - columns.start),
            stride: columns.len(),
            direct: false,
            // The sink adds to what exists.
            start: if matches!(self.start, Start::Existing) { Start::Zero } else { start(&copied) },
            columns: copied,
        };
        let mut destinations = SmallVec::<[Destination<'_, T>; 8]>::new();
        for first in columns.clone().step_by(cut.panel_columns) {
            let panel = first..columns.end.min(first + cut.panel_columns);
            match direct(panel.clone()) {
                Some(direct) => destinations.push(direct),
                None => match destinations.last_mut() {
                    Some(last) if !last.direct => last.columns.end = panel.end,
                    _ => destinations.push(copied(panel)),
                },
            }
        }
        // What is copied in several pieces still starts with its own numbers of the columns.
        for to in &mut destinations {
            if !to.direct {
                *to = copied(to.columns.clone());
            }
        }
        (destinations, Some(own))
    }

    /// Adds the partial sums of all chunks, in their order, and hands them to the sink.
    unsafe fn add_partials(&self, partials: Target<T>, chunks: usize) {
        let size = self.items * self.rows * self.columns;
        parallel::run(self.items * self.rows, |task| {
            let (item, row) = (task / self.rows, task % self.rows);
            let start = task * self.columns;
            // SAFETY: this row of the first chunk's sums, which no other task touches.
            let sums = unsafe { std::slice::from_raw_parts_mut(partials.at(start), self.columns) };
            for chunk in 1..chunks {
                // SAFETY: the same row of another chunk's, only read.
                let more = unsafe { std::slice::from_raw_parts(partials.at(chunk * size + start), self.columns) };
                sums.iter_mut().zip(more).for_each(|(sum, &more)| *sum += more);
            }
            match self.start {
                Start::Zero => {}
                Start::Rows(bias) => sums.iter_mut().for_each(|sum| *sum += bias[task % bias.len()]),
                Start::Columns(bias) => {
                    let bias = &bias[item * self.columns % bias.len()..];
                    sums.iter_mut().zip(bias).for_each(|(sum, &bias)| *sum += bias);
                }
                Start::Existing => {
                    if let Some((c, _)) = self.c.direct(item, row..row + 1, 0..self.columns) {
                        // SAFETY: this row of the sink, which no other task touches.
                        let before = unsafe { std::slice::from_raw_parts(c, self.columns) };
                        sums.iter_mut().zip(before).for_each(|(sum, &before)| *sum += before);
                    }
                }
            }
            // SAFETY: this row of the sink, which no other task touches.
            unsafe {
                match self.c.direct(item, row..row + 1, 0..self.columns) {
                    Some((c, _)) => c.copy_from_nonoverlapping(sums.as_ptr(), self.columns),
                    None => self.c.store(item, row..row + 1, 0..self.columns, sums.as_ptr(), self.columns),
                }
            }
        });
    }
}

/// Where some columns of a block are computed.
struct Destination<'a, T> {
    columns: Range<usize>,
    c: *mut T,
    stride: usize,
    /// Whether that is their place, or they are copied there when they are finished.
    direct: bool,
    start: Start<'a, T>,
}

/// An operand packed for all tasks.
struct Packed<T> {
    start: Source<T>,
    /// Blocks of the depth, and numbers from one to the next.
    blocks: usize,
    block_size: usize,
    panel_lanes: usize,
}

impl<T: Copy> Packed<T> {
    /// The panel that starts with a lane, in a block of the depth whose panels have this size.
    fn at(&self, item: usize, lane: usize, block: usize, panel_size: usize) -> *const T {
        self.start.0.wrapping_add((item * self.blocks + block) * self.block_size + lane / self.panel_lanes * panel_size)
    }
}

/// Where tasks read.
#[derive(Clone, Copy)]
struct Source<T>(*const T);

// SAFETY: an address that is only read through, while what it points to is borrowed.
unsafe impl<T: Sync> Send for Source<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Source<T> {}

struct Task<'a, T> {
    item: usize,
    rows: Range<usize>,
    columns: Range<usize>,
    depth: Range<usize>,
    shared_a: Option<&'a Packed<T>>,
    shared_b: Option<&'a Packed<T>>,
    partial: Option<*mut T>,
}
