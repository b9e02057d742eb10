//! [`Contraction`] on the CPU.

use super::Cpu;
use crate::backend::{Contraction, Elementwise};
use crate::{Access, Array, DType, Layout, Number, Result, dispatch};
use flambeau_kernels::gemm::{MatrixMut, MatrixRef, gemm, gemm_integers};
use flambeau_kernels::parallel;

impl Contraction for Cpu {
    fn matmul(&self, factors: [f64; 2], a: &Array, b: &Array, out: &Array) -> Result<()> {
        let n = out.shape().len();
        assert!(n >= 2 && a.shape().len() == n && b.shape().len() == n, "matrices of as many dimensions");
        let (rows, columns, depth) = (out.shape()[n - 2], out.shape()[n - 1], a.shape()[n - 1]);
        assert_eq!(
            (a.shape()[n - 2], b.shape()[n - 2], b.shape()[n - 1]),
            (rows, depth, columns),
            "sizes of a product"
        );
        assert_eq!(
            (&a.shape()[..n - 2], &b.shape()[..n - 2]),
            (&out.shape()[..n - 2], &out.shape()[..n - 2]),
            "batches"
        );
        if out.numel() == 0 {
            return Ok(());
        }
        match out.dtype() {
            DType::F32 => batches(a, b, out, |a, b, c| gemm(factors[0] as f32, a, b, factors[1] as f32, c)),
            DType::F64 => batches(a, b, out, |a, b, c| gemm(factors[0], a, b, factors[1], c)),
            DType::F16 | DType::BF16 => {
                // Half precision is multiplied in float32 and rounded once.
                let (a, b) = (self.widened(a)?, self.widened(b)?);
                let wide = Array::uninit(Layout::contiguous(out.shape()), DType::F32)?;
                if factors[1] != 0.0 {
                    self.copy(out, &wide)?;
                }
                self.matmul(factors, &a, &b, &wide)?;
                self.copy(&wide, out)
            }
            dtype => {
                assert_eq!(factors, [1.0, 0.0], "integers are not scaled");
                dispatch!(integers dtype, T => batches::<T>(a, b, out, gemm_integers), else Ok(()))
            }
        }
    }
}

impl Cpu {
    /// A dense float32 copy; what is repeated along a batch dimension stays repeated.
    fn widened(&self, array: &Array) -> Result<Array> {
        let (shape, strides) = (array.shape(), array.strides());
        let batch = shape.len() - 2;
        let repeats = |d: usize| d < batch && strides[d] == 0;
        let once: Vec<usize> = (0..shape.len()).map(|d| if repeats(d) { shape[d].min(1) } else { shape[d] }).collect();
        let source = array.with_layout(Layout::strided(once.clone(), strides, array.layout().offset()))?;
        let dense = Array::uninit(Layout::contiguous(once), DType::F32)?;
        self.copy(&source, &dense)?;
        let spread: Vec<usize> = (0..shape.len()).map(|d| if repeats(d) { 0 } else { dense.strides()[d] }).collect();
        dense.with_layout(Layout::strided(shape, &spread, 0))
    }
}

/// Products of fewer multiplications than this are cheaper to share out whole than to cut.
const SMALL: usize = 1 << 18;

struct Place<T>(*mut T);
// SAFETY: each task writes a matrix of its own.
unsafe impl<T: Send> Sync for Place<T> {}
struct Source<T>(*const T);
// SAFETY: only read.
unsafe impl<T: Sync> Sync for Source<T> {}

impl<T> Place<T> {
    fn at(&self, offset: usize) -> *mut T {
        self.0.wrapping_add(offset)
    }
}
impl<T> Source<T> {
    fn at(&self, offset: usize) -> *const T {
        self.0.wrapping_add(offset)
    }
}

/// Calls `product` for each matrix of the batch.
fn batches<T: Number>(
    a: &Array,
    b: &Array,
    out: &Array,
    product: impl Fn(MatrixRef<'_, T>, MatrixRef<'_, T>, &mut MatrixMut<'_, T>) + Sync,
) -> Result<()> {
    let access = Access::new(&[a, b], &[out])?;
    let n = out.shape().len();
    let batch = &out.shape()[..n - 2];
    let count: usize = batch.iter().product();
    let (from_a, from_b) = (Source(access.pointer::<T>(a)), Source(access.pointer::<T>(b)));
    let to = Place(access.pointer_mut::<T>(out));
    let offset = |array: &Array, item: usize| {
        let (mut rest, mut offset) = (item, 0);
        for (&size, &stride) in batch.iter().zip(array.strides()).rev() {
            offset += rest % size * stride;
            rest /= size;
        }
        offset
    };
    let span = |array: &Array| {
        let (shape, strides) = (&array.shape()[n - 2..], &array.strides()[n - 2..]);
        if shape.contains(&0) { 0 } else { (shape[0] - 1) * strides[0] + (shape[1] - 1) * strides[1] + 1 }
    };
    let one = |item: usize| {
        let matrix = |array: &Array, source: &Source<T>| {
            let length = span(array);
            // An empty matrix may lie beyond its storage's end.
            let pointer = if length == 0 {
                std::ptr::NonNull::dangling().as_ptr()
            } else {
                source.at(offset(array, item)).cast_mut()
            };
            // SAFETY: the matrix lies inside the array's layout, whose storage is locked.
            (
                unsafe { std::slice::from_raw_parts(pointer.cast_const(), length) },
                array.strides()[n - 2],
                array.strides()[n - 1],
            )
        };
        let (data_a, row_a, column_a) = matrix(a, &from_a);
        let (data_b, row_b, column_b) = matrix(b, &from_b);
        // SAFETY: as above; the output is dense, so that its matrices are apart, and each is
        // written by one call.
        let data = unsafe { std::slice::from_raw_parts_mut(to.at(offset(out, item)), span(out)) };
        let (rows, columns, depth) = (out.shape()[n - 2], out.shape()[n - 1], a.shape()[n - 1]);
        product(
            MatrixRef { data: data_a, rows, columns: depth, row_stride: row_a, column_stride: column_a },
            MatrixRef { data: data_b, rows: depth, columns, row_stride: row_b, column_stride: column_b },
            &mut MatrixMut::row_major(data, rows, columns),
        );
    };
    let work = out.shape()[n - 2] * out.shape()[n - 1] * a.shape()[n - 1].max(1);
    if count > 1 && work <= SMALL {
        let each = (SMALL / work.max(1)).clamp(1, count);
        parallel::run(count.div_ceil(each), |task| (task * each..((task + 1) * each).min(count)).for_each(one));
    } else {
        (0..count).for_each(one);
    }
    Ok(())
}
