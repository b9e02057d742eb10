//! Sequences.

use super::TensorOptions;
use crate::{Access, Array, DType, Error, Layout, Number, Result, Scalar, Tensor};
use flambeau_kernels::element::Element;

impl Tensor {
    /// The numbers from `start` to before `end` in steps. Without a dtype: int64 if all three are
    /// integers, else the default dtype.
    ///
    /// # Errors
    /// If the step is zero or leads away from the end, or a bound is not finite.
    pub fn arange(
        start: impl Into<Scalar>,
        end: impl Into<Scalar>,
        step: impl Into<Scalar>,
        options: impl Into<TensorOptions>,
    ) -> Result<Tensor> {
        let (start, end, step, options) = (start.into(), end.into(), step.into(), options.into());
        let float = [start, end, step].iter().any(|s| matches!(s, Scalar::Float(_)));
        let dtype = options.dtype.unwrap_or_else(|| if float { crate::get_default_dtype() } else { DType::I64 });
        let count = arange_len(start, end, step, dtype)?;
        let out = Array::uninit(Layout::contiguous([count]), dtype)?;
        crate::dispatch!(dtype, T => {
            let values: &mut [T] = &mut vec![T::default(); count];
            let (a, s) = (start, step);
            for (i, value) in values.iter_mut().enumerate() {
                *value = nth::<T>(dtype, a, s, i);
            }
            let access = Access::new(&[], &[&out])?;
            // SAFETY: the only slice of a storage that nobody else has.
            unsafe { access.slice_mut::<T>(&out) }.copy_from_slice(values);
        });
        options.finish(Tensor::from_array(out))
    }
}

fn nth<T: Number>(dtype: DType, start: Scalar, step: Scalar, i: usize) -> T {
    match dtype {
        DType::F64 | DType::F32 | DType::F16 | DType::BF16 => T::from_f64(start.to_f64() + i as f64 * step.to_f64()),
        _ => <T as Element>::from_i64(start.to_i64().wrapping_add(step.to_i64().wrapping_mul(i as i64))),
    }
}

fn arange_len(start: Scalar, end: Scalar, step: Scalar, dtype: DType) -> Result<usize> {
    let exact = dtype == DType::I64;
    let (a, b, s) = (start.to_f64(), end.to_f64(), step.to_f64());
    let zero = if exact { step.to_i64() == 0 } else { s == 0.0 };
    if zero {
        return Err(Error::runtime("step must be nonzero"));
    }
    if !a.is_finite() || !b.is_finite() {
        return Err(Error::runtime(format!("unsupported range: {a} -> {b}")));
    }
    let ascending = s > 0.0;
    if (ascending && a > b) || (!ascending && a < b) {
        return Err(Error::runtime("upper bound and lower bound inconsistent with step sign"));
    }
    let count = if exact {
        // In 128 bits no difference of two int64 overflows.
        let (a, b, s) = (i128::from(start.to_i64()), i128::from(end.to_i64()), i128::from(step.to_i64()));
        let span = if s > 0 { b - a } else { a - b };
        (span.max(0) as f64 / s.unsigned_abs() as f64).ceil()
    } else {
        ((b - a) / s).ceil()
    };
    if !(count >= 0.0 && count <= i64::MAX as f64) {
        return Err(Error::runtime(format!("invalid size, possible overflow? requested size {count}")));
    }
    Ok(count as usize)
}
