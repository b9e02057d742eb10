//! Distances and angles between vectors.

use crate::autograd::no_grad;
use crate::ops::{Operand, broadcast_tensors, result_type};
use crate::{DType, Error, Result, Tensor};

impl Tensor {
    /// The p-norm of `self - other + eps` along the last dimension.
    ///
    /// # Errors
    /// If the shapes cannot be broadcast.
    pub fn pairwise_distance(&self, other: &Tensor, p: f64, eps: f64, keepdim: bool) -> Result<Tensor> {
        self.sub(other)?.add(eps)?.vector_norm(p, &[-1], keepdim, None)
    }

    /// The cosine of the angle between vectors that lie along a dimension; lengths below `eps` count
    /// as `eps`.
    ///
    /// # Errors
    /// If the shapes cannot be broadcast, the dimension does not exist, or both are of integers.
    pub fn cosine_similarity(&self, other: &Tensor, dim: isize, eps: f64) -> Result<Tensor> {
        let dtype = result_type([&Operand::from(self), &Operand::from(other)]);
        if !dtype.is_floating_point() {
            return Err(Error::runtime(format!(
                "expected common dtype to be floating point, yet common dtype is {}",
                dtype.scalar_type_name()
            )));
        }
        let pair = broadcast_tensors(&[self, other])?;
        let unit = |x: &Tensor| -> Result<Tensor> {
            let x = x.to_dtype(dtype)?;
            let length = x.vector_norm(2.0, &[dim], true, None)?;
            // The bound moves the value, and lets the length's gradient through.
            let missing = no_grad(|| length.clamp_min(eps)?.sub(&length))?;
            x.div(&length.add(&missing)?)
        };
        unit(&pair[0])?.mul(&unit(&pair[1])?)?.sum_dims(&[dim], false, None)
    }

    /// The p-norm distances of all pairs of rows of `(n, m)`, the pairs in order: `(n (n - 1) / 2)`.
    ///
    /// # Errors
    /// If there are not two dimensions, `p` is negative, or the dtype is no floating-point type.
    pub fn pdist(&self, p: f64) -> Result<Tensor> {
        if self.ndim() != 2 {
            return Err(Error::runtime(format!("pdist only supports 2D tensors, got: {}D", self.ndim())));
        }
        if !self.dtype().is_floating_point() {
            return Err(Error::runtime("pdist only supports floating-point dtypes"));
        }
        if p < 0.0 || p.is_nan() {
            return Err(Error::runtime("pdist only supports non-negative p values"));
        }
        let n = self.shape()[0] as i64;
        let pairs = crate::ops::triu_indices(n, n, 1, DType::I64)?;
        let (first, second) = (pairs.select(0, 0)?, pairs.select(0, 1)?);
        self.index_select(0, &first)?.sub(&self.index_select(0, &second)?)?.vector_norm(p, &[1], false, None)
    }

    /// p-norm distances between the rows of `(…, p, m)` and of `(…, r, m)`: `(…, p, r)`.
    ///
    /// # Errors
    /// If `p` is negative, and as [`Tensor::cdist`].
    pub fn cdist_p(&self, other: &Tensor, p: f64) -> Result<Tensor> {
        if p < 0.0 || p.is_nan() {
            return Err(Error::runtime("cdist only supports non-negative p values"));
        }
        let fits = self.ndim() >= 2 && other.ndim() >= 2 && self.size(-1)? == other.size(-1)?;
        if p == 2.0 || !fits {
            return self.cdist(other);
        }
        self.unsqueeze(-2)?.sub(other.unsqueeze(-3)?)?.vector_norm(p, &[-1], false, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autograd::{gradcheck, gradgradcheck};

    fn sample(values: &[f64], shape: &[usize]) -> Tensor {
        Tensor::from_slice(values, shape).unwrap().requires_grad_(true).unwrap()
    }

    #[test]
    fn distances_of_rows() {
        let a = sample(&[0.0, 3.0, 1.0, 0.5, -2.0, 0.25], &[3, 2]);
        let b = sample(&[4.0, 0.0, 1.5, 0.75, 2.0, -0.5], &[3, 2]);
        let d = a.pairwise_distance(&b, 2.0, 0.0, true).unwrap();
        assert!(d.shape() == [3, 1] && (d.detach().to_vec::<f64>().unwrap()[0] - 5.0).abs() < 1e-12);
        let inputs = [a, b];
        gradcheck(|x| x[0].pairwise_distance(&x[1], 3.0, 1e-6, false), &inputs).unwrap();
        gradcheck(|x| x[0].pdist(2.0), &inputs[..1]).unwrap();
        gradcheck(|x| x[0].cdist_p(&x[1], 1.5), &inputs).unwrap();
        gradgradcheck(|x| x[0].cosine_similarity(&x[1], 1, 1e-8), &inputs).unwrap();
    }

    #[test]
    fn short_vectors_are_not_divided_by_zero() {
        let zero = Tensor::zeros([1, 3], DType::F64).unwrap();
        let one = Tensor::ones([1, 3], DType::F64).unwrap();
        assert_eq!(zero.cosine_similarity(&one, 1, 1e-8).unwrap().to_vec::<f64>().unwrap(), [0.0]);
        assert!(
            one.to_dtype(DType::I64).unwrap().cosine_similarity(&one.to_dtype(DType::I64).unwrap(), 1, 0.0).is_err()
        );
        assert_eq!(one.pdist(2.0).unwrap().shape(), [0]);
    }
}
