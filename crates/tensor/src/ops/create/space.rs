//! Numbers at equal distances between two bounds, and powers with such exponents.

use super::TensorOptions;
use crate::element::Element;
use crate::ops::elementwise::not_implemented;
use crate::{DType, Error, Number, Result, Scalar, Tensor};

/// What PyTorch computes one step of a sequence in: the dtype itself, or float64 for integers.
/// Every intermediate result is rounded to it.
struct Steps {
    start: f64,
    end: f64,
    step: f64,
    count: usize,
}

impl Steps {
    fn new<T: Number>(start: Scalar, end: Scalar, count: usize, dtype: DType) -> Self {
        let bound = |bound: Scalar| bound.to::<T>().to_f64();
        let (start, end) = (bound(start), bound(end));
        let round = rounding::<T>(dtype);
        let step = round(round(end - start) / round(count.saturating_sub(1) as f64));
        Steps { start, end, step, count }
    }

    /// Element `i`, counted from the nearer bound so that both bounds are exact.
    fn at<T: Number>(&self, i: usize, dtype: DType) -> f64 {
        let round = rounding::<T>(dtype);
        if self.count == 1 {
            self.start
        } else if i < self.count / 2 {
            round(self.start + round(self.step * round(i as f64)))
        } else {
            round(self.end - round(self.step * round((self.count - i - 1) as f64)))
        }
    }
}

/// Rounds to the dtype where it is a floating-point one.
fn rounding<T: Number>(dtype: DType) -> impl Fn(f64) -> f64 {
    let float = dtype.is_floating_point();
    move |x| if float { T::from_f64(x).to_f64() } else { x }
}

fn length(steps: i64) -> Result<usize> {
    let steps = usize::try_from(steps).map_err(|_| Error::runtime("number of steps must be non-negative"))?;
    crate::Shape::from([steps]).checked_numel()
}

impl Tensor {
    /// `steps` numbers at equal distances from `start` to `end`, both included.
    ///
    /// # Errors
    /// If the number of steps is negative or there is not enough memory.
    pub fn linspace(
        start: impl Into<Scalar>,
        end: impl Into<Scalar>,
        steps: i64,
        options: impl Into<TensorOptions>,
    ) -> Result<Tensor> {
        let (start, end, count, options) = (start.into(), end.into(), length(steps)?, options.into());
        let dtype = options.dtype_or_default();
        if dtype == DType::Bool {
            return Err(not_implemented("linspace_cpu", dtype));
        }
        let tensor = crate::dispatch!(dtype, T => {
            let steps = Steps::new::<T>(start, end, count, dtype);
            let values: Vec<T> = (0..count).map(|i| <T as Element>::from_f64(steps.at::<T>(i, dtype))).collect();
            Tensor::from_slice(&values, [count])?
        });
        options.finish(tensor)
    }

    /// `base` to the power of the numbers that [`Tensor::linspace`] gives.
    ///
    /// # Errors
    /// If the number of steps is negative or there is not enough memory.
    pub fn logspace(
        start: impl Into<Scalar>,
        end: impl Into<Scalar>,
        steps: i64,
        base: f64,
        options: impl Into<TensorOptions>,
    ) -> Result<Tensor> {
        let (start, end, count, options) = (start.into(), end.into(), length(steps)?, options.into());
        let dtype = options.dtype_or_default();
        if dtype == DType::Bool {
            return Err(not_implemented("logspace_cpu", dtype));
        }
        let tensor = crate::dispatch!(dtype, T => {
            let steps = Steps::new::<T>(start, end, count, dtype);
            let values: Vec<T> = (0..count).map(|i| <T as Element>::from_f64(base.powf(steps.at::<T>(i, dtype)))).collect();
            Tensor::from_slice(&values, [count])?
        });
        options.finish(tensor)
    }
}

#[cfg(test)]
mod tests {
    use crate::{DType, Tensor};

    #[test]
    fn both_bounds_are_exact_and_integers_are_cut() {
        let x = Tensor::linspace(0.0, 1.0, 11, DType::F32).unwrap().to_vec::<f32>().unwrap();
        assert_eq!((x[0], x[10], x[5]), (0.0, 1.0, 0.5));
        let x = Tensor::linspace(0i64, 5i64, 4, DType::I64).unwrap().to_vec::<i64>().unwrap();
        assert_eq!(x, [0, 1, 3, 5]);
        assert_eq!(Tensor::linspace(3i64, 9i64, 1, DType::F64).unwrap().to_vec::<f64>().unwrap(), [3.0]);
        assert_eq!(Tensor::linspace(3i64, 9i64, 0, DType::F64).unwrap().numel(), 0);
        assert!(Tensor::linspace(0i64, 1i64, -1, DType::F32).is_err());
    }

    #[test]
    fn powers_of_the_base() {
        let x = Tensor::logspace(0i64, 3i64, 4, 10.0, DType::F64).unwrap().to_vec::<f64>().unwrap();
        assert_eq!(x, [1.0, 10.0, 100.0, 1000.0]);
    }
}
