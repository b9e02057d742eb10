//! [`Indexing`] on the CPU.

use super::Cpu;
use crate::backend::{IndexedDims, Indexing, Scatter};
use crate::{Access, Array, DType, Error, Layout, Number, Result, Scalar};
use flambeau_kernels::element::{Bool, Complex, Element, bf16, f16};
use flambeau_kernels::indexing::{self, Axis};

/// The numbers that an array's layout spans, gaps included.
///
/// # Safety
/// No mutable slice of overlapping memory may be in use.
unsafe fn span<'a, T: Number>(access: &'a Access<'_>, array: &Array) -> &'a [T] {
    let len = array.layout().end().unwrap_or(0).saturating_sub(array.layout().offset());
    if array.numel() == 0 {
        return &[];
    }
    // SAFETY: the layout lies inside its storage, which `access` holds; the caller rules out aliasing.
    unsafe { std::slice::from_raw_parts(access.pointer::<T>(array), len) }
}

/// The numbers that an array's layout spans, for writing.
///
/// # Safety
/// No other slice of overlapping memory may be in use.
#[expect(clippy::mut_from_ref, reason = "the caller promises that no other slice overlaps")]
unsafe fn span_mut<'a, T: Number>(access: &'a Access<'_>, array: &Array) -> &'a mut [T] {
    let len = array.layout().end().unwrap_or(0).saturating_sub(array.layout().offset());
    if array.numel() == 0 {
        return &mut [];
    }
    // SAFETY: as in `span`, the storage being held for writing.
    unsafe { std::slice::from_raw_parts_mut(access.pointer_mut::<T>(array), len) }
}

/// The array as integers of the same width: moving numbers about depends on nothing else.
fn bits(array: &Array) -> Result<Array> {
    let dtype = match array.dtype().size() {
        1 => DType::I8,
        2 => DType::I16,
        4 => DType::I32,
        8 => DType::I64,
        _ => DType::C128,
    };
    Array::new(array.storage().clone(), array.layout().clone(), dtype)
}

macro_rules! by_width {
    ($dtype:expr, $t:ident => $body:expr) => {
        match $dtype.size() {
            1 => {
                type $t = i8;
                $body
            }
            2 => {
                type $t = i16;
                $body
            }
            4 => {
                type $t = i32;
                $body
            }
            8 => {
                type $t = i64;
                $body
            }
            _ => {
                type $t = Complex<f64>;
                $body
            }
        }
    };
}

/// Calls `f` with the offset of each element in row-major order.
fn for_each_offset(shape: &[usize], strides: &[usize], mut f: impl FnMut(usize)) {
    if shape.contains(&0) {
        return;
    }
    let (inner, stride) = (shape.last().copied().unwrap_or(1), strides.last().copied().unwrap_or(0));
    let outer = shape.len().saturating_sub(1);
    let mut index = vec![0; outer];
    let mut at = 0;
    'rows: loop {
        (0..inner).for_each(|i| f(at + i * stride));
        for dim in (0..outer).rev() {
            index[dim] += 1;
            at += strides[dim];
            if index[dim] < shape[dim] {
                continue 'rows;
            }
            at -= strides[dim] * index[dim];
            index[dim] = 0;
        }
        return;
    }
}

/// Adds the offsets that `index` stands for in a dimension to a table.
fn add_offsets(
    table: &mut [usize],
    access: &Access<'_>,
    index: &Array,
    (size, stride): (usize, usize),
    negative: bool,
    error: impl Fn(i64) -> Error,
) -> Result<()> {
    let mut wrong = None;
    crate::dispatch!(index.dtype(), T => {
        // SAFETY: index arrays are only read while this access lives.
        let values = unsafe { span::<T>(access, index) };
        let mut entries = table.iter_mut();
        for_each_offset(index.shape(), index.strides(), |at| {
            let value = values[at].to_i64();
            let place = if value < 0 && negative { value + size as i64 } else { value };
            if let Some(entry) = entries.next() {
                if place < 0 || place >= size as i64 {
                    wrong.get_or_insert(value);
                } else {
                    *entry += place as usize * stride;
                }
            }
        });
    });
    match wrong {
        None => Ok(()),
        Some(value) => Err(error(value)),
    }
}

/// The table of offsets and the nest for `indexed` dimensions of an array, `other` being the strides
/// of the other side.
fn indexed_nest(
    access: &Access<'_>,
    array: &Array,
    index: &IndexedDims<'_>,
    other: &[usize],
) -> Result<(Vec<usize>, Vec<Axis>)> {
    let Some(model) = index.indices.first() else {
        return Err(Error::runtime("indexing needs at least one index"));
    };
    let mut table = vec![0; model.numel()];
    for (number, array_of) in index.indices.iter().enumerate() {
        let dim = index.first + number;
        let extent = (array.shape()[dim], array.strides()[dim]);
        add_offsets(&mut table, access, array_of, extent, index.negative, |at| (index.error)(at, number, extent.0))?;
    }
    let plain = |dim: usize| Axis { size: array.shape()[dim], indexed: array.strides()[dim], table: 0, other: 0 };
    let steps = Layout::contiguous(model.shape());
    let mut axes: Vec<Axis> = (0..index.first).map(plain).collect();
    axes.extend(steps.shape().iter().zip(steps.strides()).map(|(&size, &table)| Axis {
        size,
        indexed: 0,
        table,
        other: 0,
    }));
    axes.extend((index.first + index.indices.len()..array.shape().len()).map(plain));
    axes.iter_mut().zip(other).for_each(|(axis, &other)| axis.other = other);
    Ok((table, axes))
}

/// The table of offsets and the nest for an index that stands in dimension `dim`.
fn line_nest(
    access: &Access<'_>,
    array: &Array,
    dim: usize,
    index: &Array,
    other: &[usize],
) -> Result<(Vec<usize>, Vec<Axis>)> {
    let mut table = vec![0; index.numel()];
    // A 0-d array is indexed as if it had one dimension.
    let (size, stride) = (array.shape().get(dim).map_or(1, |&n| n), array.strides().get(dim).map_or(1, |&s| s));
    add_offsets(&mut table, access, index, (size, stride), false, |at| {
        Error::runtime(format!("index {at} is out of bounds for dimension {dim} with size {size}"))
    })?;
    let steps = Layout::contiguous(index.shape());
    let axes = (0..index.shape().len())
        .map(|d| Axis {
            size: index.shape()[d],
            indexed: if d == dim { 0 } else { array.strides()[d] },
            table: steps.strides()[d],
            other: other[d],
        })
        .collect();
    Ok((table, axes))
}

fn run_gather(access: &Access<'_>, from: &Array, table: &[usize], axes: &[Axis], to: &Array) -> Result<()> {
    // A dense block is filled in the order of its memory.
    let mut axes = axes.to_vec();
    axes.sort_by_key(|axis| std::cmp::Reverse(axis.other));
    by_width!(from.dtype(), T => {
        // SAFETY: outputs overlap no input (the trait's contract).
        let (from, to) = unsafe { (span::<T>(access, from), span_mut::<T>(access, to)) };
        indexing::gather(from, table, &axes, to);
    });
    Ok(())
}

/// How two numbers of a type meet in one element.
trait Meet: Element {
    fn add(self, other: Self) -> Self;
    fn multiply(self, other: Self) -> Self;
    fn is_nan(self) -> bool;

    fn minimum(self, other: Self) -> Self {
        if self.is_nan() || self < other { self } else { other }
    }

    fn maximum(self, other: Self) -> Self {
        if self.is_nan() || self > other { self } else { other }
    }
}

macro_rules! meet {
    (integers $($t:ty)*) => {$(
        impl Meet for $t {
            fn add(self, other: Self) -> Self { self.wrapping_add(other) }
            fn multiply(self, other: Self) -> Self { self.wrapping_mul(other) }
            fn is_nan(self) -> bool { false }
        }
    )*};
    (floats $($t:ty)*) => {$(
        impl Meet for $t {
            fn add(self, other: Self) -> Self { self + other }
            fn multiply(self, other: Self) -> Self { self * other }
            fn is_nan(self) -> bool { <$t>::is_nan(self) }
        }
    )*};
}
meet!(integers u8 i8 i16 i32 i64);
meet!(floats f32 f64 f16 bf16);

impl Meet for Bool {
    fn add(self, other: Self) -> Self {
        (self.get() || other.get()).into()
    }
    fn multiply(self, other: Self) -> Self {
        (self.get() && other.get()).into()
    }
    fn is_nan(self) -> bool {
        false
    }
}

/// Whether no element of the storage is shown twice. (May be wrong in saying that one is.)
fn is_disjoint(layout: &Layout) -> bool {
    let mut dims: Vec<usize> = (0..layout.ndim()).filter(|&d| layout.shape()[d] > 1).collect();
    dims.sort_by_key(|&d| layout.strides()[d]);
    let mut reach = 0;
    dims.iter().all(|&d| {
        let beyond = layout.strides()[d] > reach;
        reach += (layout.shape()[d] - 1) * layout.strides()[d];
        beyond
    })
}

fn run_scatter(
    access: &Access<'_>,
    to: &Array,
    table: &[usize],
    axes: &[Axis],
    values: &Array,
    how: Scatter,
) -> Result<()> {
    let disjoint = is_disjoint(to.layout());
    macro_rules! go {
        ($t:ty, $combine:expr) => {{
            // SAFETY: outputs overlap no input (the trait's contract), and loops beside the table
            // reach different elements of a layout that shows none twice.
            unsafe {
                let (to, values) = (span_mut::<$t>(access, to), span::<$t>(access, values));
                indexing::scatter(to, table, axes, values, disjoint, $combine);
            }
        }};
    }
    match how {
        Scatter::Replace => by_width!(to.dtype(), T => go!(T, |_, new| new)),
        Scatter::Add => {
            crate::dispatch!(reals to.dtype(), T => go!(T, Meet::add), else return Err(super::unsupported(to.dtype())))
        }
        Scatter::Multiply => {
            crate::dispatch!(reals to.dtype(), T => go!(T, Meet::multiply), else return Err(super::unsupported(to.dtype())))
        }
        Scatter::Minimum => {
            crate::dispatch!(reals to.dtype(), T => go!(T, Meet::minimum), else return Err(super::unsupported(to.dtype())))
        }
        Scatter::Maximum => {
            crate::dispatch!(reals to.dtype(), T => go!(T, Meet::maximum), else return Err(super::unsupported(to.dtype())))
        }
    }
    Ok(())
}

impl Indexing for Cpu {
    fn index(&self, from: &Array, index: &IndexedDims<'_>, to: &Array) -> Result<()> {
        let (from, to) = (bits(from)?, bits(to)?);
        let mut reads: Vec<&Array> = index.indices.iter().collect();
        reads.push(&from);
        let access = Access::new(&reads, &[&to])?;
        let (table, axes) = indexed_nest(&access, &from, index, to.strides())?;
        run_gather(&access, &from, &table, &axes, &to)
    }

    fn index_put(&self, to: &Array, index: &IndexedDims<'_>, values: &Array, how: Scatter) -> Result<()> {
        let (to, values) =
            if how == Scatter::Replace { (bits(to)?, bits(values)?) } else { (to.clone(), values.clone()) };
        let mut reads: Vec<&Array> = index.indices.iter().collect();
        reads.push(&values);
        let access = Access::new(&reads, &[&to])?;
        let (table, axes) = indexed_nest(&access, &to, index, values.strides())?;
        run_scatter(&access, &to, &table, &axes, &values, how)
    }

    fn gather(&self, from: &Array, dim: usize, index: &Array, to: &Array) -> Result<()> {
        let (from, to) = (bits(from)?, bits(to)?);
        let access = Access::new(&[&from, index], &[&to])?;
        let (table, axes) = line_nest(&access, &from, dim, index, to.strides())?;
        run_gather(&access, &from, &table, &axes, &to)
    }

    fn scatter(&self, to: &Array, dim: usize, index: &Array, values: &Array, how: Scatter) -> Result<()> {
        let (to, values) =
            if how == Scatter::Replace { (bits(to)?, bits(values)?) } else { (to.clone(), values.clone()) };
        let access = Access::new(&[&values, index], &[&to])?;
        let (table, axes) = line_nest(&access, &to, dim, index, values.strides())?;
        run_scatter(&access, &to, &table, &axes, &values, how)
    }

    fn flip(&self, from: &Array, dims: &[usize], to: &Array) -> Result<()> {
        let (from, to) = (bits(from)?, bits(to)?);
        let access = Access::new(&[&from], &[&to])?;
        // The reversed dimensions are indexed by a table of their own, in reverse order.
        let flipped: Vec<usize> = (0..from.shape().len()).filter(|d| dims.contains(d)).collect();
        let steps = Layout::contiguous(flipped.iter().map(|&d| from.shape()[d]).collect::<crate::Shape>());
        let mut table = Vec::with_capacity(steps.numel());
        let strides: Vec<usize> = flipped.iter().map(|&d| from.strides()[d]).collect();
        for_each_offset(steps.shape(), &strides, |at| table.push(at));
        table.reverse();
        let axes: Vec<Axis> = (0..from.shape().len())
            .map(|d| {
                let (size, other) = (from.shape()[d], to.strides()[d]);
                match flipped.iter().position(|&f| f == d) {
                    Some(i) => Axis { size, indexed: 0, table: steps.strides()[i], other },
                    None => Axis { size, indexed: from.strides()[d], table: 0, other },
                }
            })
            .collect();
        run_gather(&access, &from, &table, &axes, &to)
    }

    fn masked_fill(&self, to: &Array, mask: &Array, value: Scalar) -> Result<()> {
        let access = Access::new(&[mask], &[to])?;
        crate::dispatch!(to.dtype(), T => {
            // SAFETY: outputs overlap no input (the trait's contract). A truth value is one byte.
            let (numbers, flags) = unsafe { (span_mut::<T>(&access, to), span::<Bool>(&access, mask)) };
            let flags = Bool::as_bytes(flags);
            indexing::masked_fill(numbers, to.strides(), flags, mask.strides(), to.shape(), value.to::<T>());
        });
        Ok(())
    }

    fn nonzero(&self, from: &Array) -> Result<Array> {
        let (count, indices) = {
            let access = Access::new(&[from], &[])?;
            crate::dispatch!(from.dtype(), T => {
                // SAFETY: nothing is written.
                let numbers = unsafe { span::<T>(&access, from) };
                indexing::nonzero(numbers, from.shape(), from.strides())
            })
        };
        let out = Array::uninit(Layout::contiguous([count, from.shape().len()]), DType::I64)?;
        let access = Access::new(&[], &[&out])?;
        // SAFETY: the only slice of a storage that nobody else has.
        unsafe { access.slice_mut::<i64>(&out) }.copy_from_slice(&indices);
        drop(access);
        Ok(out)
    }

    fn zero_triangle(&self, matrices: &Array, k: isize, upper: bool) -> Result<()> {
        let array = bits(matrices)?;
        let access = Access::new(&[], &[&array])?;
        let (rows, columns) = (array.shape()[array.shape().len() - 2], array.shape()[array.shape().len() - 1]);
        by_width!(array.dtype(), T => {
            // SAFETY: the only slice in use.
            let numbers = unsafe { access.slice_mut::<T>(&array) };
            // All bits 0 is the number 0 in every dtype.
            indexing::zero_triangle(numbers, rows, columns, k, upper, T::default());
        });
        Ok(())
    }

    fn is_in(&self, elements: &Array, set: &Array, to: &Array, invert: bool) -> Result<()> {
        let access = Access::new(&[elements, set], &[to])?;
        crate::dispatch!(reals elements.dtype(), T => {
            // SAFETY: outputs overlap no input (the trait's contract).
            let (elements, set) = unsafe { (access.slice::<T>(elements), access.slice::<T>(set)) };
            // SAFETY: as above.
            let out = Bool::as_bytes_mut(unsafe { access.slice_mut::<Bool>(to) });
            indexing::is_in(elements, set, out, invert);
        }, else return Err(super::unsupported(elements.dtype())));
        Ok(())
    }
}
