//! Differences of neighbours, and the area below points.

use crate::ops::{Operand, cat};
use crate::{DType, Error, Result, Tensor};

impl Tensor {
    /// The `n`-th differences of neighbours along a dimension, with tensors put before and after first.
    ///
    /// # Errors
    /// If there are no dimensions, `n` is negative, or the tensors do not fit.
    pub fn diff(&self, n: i64, dim: isize, prepend: Option<&Tensor>, append: Option<&Tensor>) -> Result<Tensor> {
        if self.ndim() == 0 {
            return Err(Error::runtime("diff expects input to be at least one-dimensional"));
        }
        let dim = self.dim(dim)? as isize;
        if n < 0 {
            return Err(Error::runtime(format!("order must be non-negative but got {n}")));
        }
        if n == 0 {
            return self.alias();
        }
        for extra in [prepend, append].into_iter().flatten() {
            if extra.ndim() != self.ndim() {
                return Err(Error::runtime("diff expects prepend or append to be the same dimension as input"));
            }
        }
        let parts: Vec<&Tensor> = [prepend, Some(self), append].into_iter().flatten().collect();
        let mut result = if parts.len() == 1 { self.clone() } else { cat(&parts, dim)? };
        // After as many differences as elements nothing is left.
        for _ in 0..n.min(result.size(dim)? as i64) {
            let size = result.size(dim)?;
            let (later, earlier) = (
                result.narrow(dim, 1.min(size) as isize, size.saturating_sub(1))?,
                result.narrow(dim, 0, size.saturating_sub(1))?,
            );
            result = if result.dtype() == DType::Bool { later.logical_xor(&earlier)? } else { later.sub(&earlier)? };
        }
        Ok(result)
    }

    /// The area below points along a dimension, by the rule of trapezoids; `x` is their distance, a
    /// number, or their places.
    ///
    /// # Errors
    /// If the places do not fit the points.
    pub fn trapezoid(&self, x: impl Into<Operand>, dim: isize) -> Result<Tensor> {
        let slices = self.trapezoids(x.into(), dim, "trapezoid")?;
        slices.sum_dims(&[self.dim(dim)? as isize], false, None)?.div(2.0)
    }

    /// The running sum of the areas that make up [`Tensor::trapezoid`].
    ///
    /// # Errors
    /// As [`Tensor::trapezoid`].
    pub fn cumulative_trapezoid(&self, x: impl Into<Operand>, dim: isize) -> Result<Tensor> {
        let slices = self.trapezoids(x.into(), dim, "cumulative_trapezoid")?;
        slices.cumsum(self.dim(dim)? as isize, None)?.div(2.0)
    }

    /// Twice the areas between neighbours.
    fn trapezoids(&self, x: Operand, dim: isize, name: &str) -> Result<Tensor> {
        let axis = self.dim(dim)?;
        let dim = axis as isize;
        let size = self.size(dim)?;
        let less = size.saturating_sub(1);
        let sums = self.narrow(dim, 1.min(size) as isize, less)?.add(&self.narrow(dim, 0, less)?)?;
        let places = match x {
            Operand::Scalar(distance) => {
                if self.dtype() == DType::Bool {
                    return Err(Error::runtime(format!(
                        "{name}: received a bool input for `x` or `y`, but bool is not supported"
                    )));
                }
                return sums.mul(distance);
            }
            Operand::Tensor(places) => places,
        };
        if self.dtype() == DType::Bool || places.dtype() == DType::Bool {
            return Err(Error::runtime(format!(
                "{name}: received a bool input for `x` or `y`, but bool is not supported"
            )));
        }
        let distances = if places.ndim() == 1 {
            if places.numel() != size {
                return Err(Error::runtime(format!("{name}: There must be one `x` value for each sample point")));
            }
            let mut shape = vec![1isize; self.ndim()];
            shape[axis] = less as isize;
            places.diff(1, 0, None, None)?.reshape(&shape)?
        } else {
            let missing = self.ndim().saturating_sub(places.ndim());
            let mut shape = vec![1isize; missing];
            shape.extend(places.shape().iter().map(|&n| n as isize));
            places.reshape(&shape)?.diff(1, dim, None, None)?
        };
        sums.mul(&distances)
    }
}

#[cfg(test)]
mod tests {
    use crate::Tensor;
    use crate::autograd::gradcheck;

    #[test]
    fn differences_and_areas() {
        let x = Tensor::from_slice(&[1.0, 4.0, 9.0, 16.0], [4]).unwrap();
        assert_eq!(x.diff(2, -1, None, None).unwrap().to_vec::<f64>().unwrap(), [2.0, 2.0]);
        assert_eq!(x.diff(9, 0, None, None).unwrap().shape(), [0]);
        assert_eq!(x.trapezoid(1i64, -1).unwrap().item().unwrap().to_f64(), 21.5);
        let areas = x.cumulative_trapezoid(&x, 0).unwrap().to_vec::<f64>().unwrap();
        assert_eq!(areas, [7.5, 40.0, 127.5]);
        let inputs = [x.requires_grad_(true).unwrap()];
        gradcheck(|x| x[0].diff(1, 0, Some(&x[0]), None), &inputs).unwrap();
        gradcheck(|x| x[0].trapezoid(&x[0], 0), &inputs).unwrap();
        assert!(x.diff(-1, 0, None, None).is_err());
    }
}
