//! Norms of matrices.

use crate::{DType, Error, Result, Tensor};

/// A norm of matrices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MatrixNorm {
    /// The root of the sum of squares.
    Frobenius,
    /// The sum of the singular values.
    Nuclear,
    /// 1 and infinity: the greatest sum of a column or row; 2: the greatest singular value; negative:
    /// the smallest.
    Order(f64),
}

impl std::str::FromStr for MatrixNorm {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "fro" => Ok(Self::Frobenius),
            "nuc" => Ok(Self::Nuclear),
            _ => Err(Error::runtime(format!("linalg.matrix_norm: Order {name} not supported."))),
        }
    }
}

impl Tensor {
    /// The norm of the matrices in two dimensions, of the input converted to a dtype.
    ///
    /// # Errors
    /// If there are no such dimensions or no such norm, and for dtypes that are no floats.
    pub fn matrix_norm(&self, norm: MatrixNorm, dims: &[isize], keepdim: bool, dtype: Option<DType>) -> Result<Tensor> {
        let error = |text: String| Err(Error::runtime(format!("linalg.matrix_norm: {text}")));
        if !self.dtype().is_floating_point() {
            return Err(Error::not_implemented(format!(
                "linalg.matrix_norm: Expected a floating point or complex tensor as input. Got {}",
                self.dtype().scalar_type_name()
            )));
        }
        if self.ndim() < 2 {
            return error("The input tensor A must have at least 2 dimensions.".to_owned());
        }
        let &[first, second] = dims else {
            let list: Vec<String> = dims.iter().map(isize::to_string).collect();
            return error(format!("dim must be a 2-tuple. Got {}", list.join(", ")));
        };
        let (rows, columns) = (self.dim(first)?, self.dim(second)?);
        if rows == columns {
            return error(format!("dims must be different. Got ({first}, {second})"));
        }
        let input = match dtype {
            Some(dtype) => self.to_dtype(dtype)?,
            None => self.clone(),
        };
        let pair = [rows as isize, columns as isize];
        let order = match norm {
            MatrixNorm::Frobenius => return input.vector_norm(2.0, &pair, keepdim, None),
            MatrixNorm::Nuclear => None,
            MatrixNorm::Order(order) => Some(order),
        };
        let along = |summed: usize, left: usize, greatest: bool| -> Result<Tensor> {
            let sums = input.vector_norm(1.0, &[summed as isize], true, None)?;
            let dims = [left as isize];
            let result = if greatest { sums.amax(&dims, true)? } else { sums.amin(&dims, true)? };
            if keepdim { Ok(result) } else { result.squeeze_dims(&pair) }
        };
        let singular = |counts: fn(usize, usize) -> bool| -> Result<Tensor> {
            let result = input.movedim(&pair, &[-2, -1])?.singular_norm(counts)?;
            if !keepdim {
                return Ok(result);
            }
            let (low, high) = (pair[0].min(pair[1]), pair[0].max(pair[1]));
            result.unsqueeze(low)?.unsqueeze(high)
        };
        match order {
            None => singular(|_, _| true),
            Some(order) if order.abs() == 1.0 => along(rows, columns, order > 0.0),
            Some(order) if order.is_infinite() => along(columns, rows, order > 0.0),
            Some(2.0) => singular(|i, _| i == 0),
            Some(-2.0) => singular(|i, count| i + 1 == count),
            Some(order) => error(format!("Order {order} not supported.")),
        }
    }

    /// The parts along a dimension, each scaled down to a p-norm of at most `max_norm`.
    ///
    /// # Errors
    /// If there are fewer than two dimensions, `p` is not positive or `max_norm` is negative.
    pub fn renorm(&self, p: f64, dim: isize, max_norm: f64) -> Result<Tensor> {
        if p <= 0.0 || p.is_nan() {
            return Err(Error::runtime("renorm: non-positive-norm not supported"));
        }
        if max_norm < 0.0 || max_norm.is_nan() {
            return Err(Error::runtime(format!("renorm: expected maxnorm to be >= 0 but got {max_norm}")));
        }
        let ndim = self.ndim();
        if ndim < 2 {
            return Err(Error::runtime(format!("renorm: input needs at least 2 dimensions, got {ndim} dimensions")));
        }
        let dim = self.dim(dim)?;
        let others: Vec<isize> = (0..ndim).filter(|&d| d != dim).map(|d| d as isize).collect();
        let norm = self.vector_norm(p, &others, true, None)?;
        let long = crate::autograd::no_grad(|| norm.gt(max_norm))?;
        let factor = norm.add(1e-7)?.reciprocal()?.mul(max_norm)?;
        self.mul(&crate::ops::where_(&long, &factor, 1.0)?.to_dtype(self.dtype())?)
    }

    /// [`Tensor::renorm`] in place.
    ///
    /// # Errors
    /// As [`Tensor::renorm`] and for every write in place.
    pub fn renorm_(&self, p: f64, dim: isize, max_norm: f64) -> Result<Tensor> {
        self.write_in_place("renorm_", |x| x.renorm(p, dim, max_norm))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autograd::{gradcheck, gradgradcheck};

    #[test]
    fn norms_of_a_matrix() {
        let x = Tensor::from_slice(&[1.0, -2.0, 3.0, -4.0], [2, 2]).unwrap();
        let norm = |norm| x.matrix_norm(norm, &[-2, -1], false, None).unwrap().item().unwrap().to_f64();
        assert!((norm(MatrixNorm::Frobenius) - 30f64.sqrt()).abs() < 1e-12);
        assert_eq!(norm(MatrixNorm::Order(1.0)), 6.0);
        assert_eq!(norm(MatrixNorm::Order(f64::INFINITY)), 7.0);
        assert_eq!(norm(MatrixNorm::Order(f64::NEG_INFINITY)), 3.0);
        let (largest, smallest) = (norm(MatrixNorm::Order(2.0)), norm(MatrixNorm::Order(-2.0)));
        assert!((largest * smallest - 2.0).abs() < 1e-12);
        assert!((norm(MatrixNorm::Nuclear) - largest - smallest).abs() < 1e-12);
        assert!(x.matrix_norm(MatrixNorm::Order(3.0), &[-2, -1], false, None).is_err());
        let inputs = [x.requires_grad_(true).unwrap()];
        gradcheck(|x| x[0].matrix_norm(MatrixNorm::Nuclear, &[0, 1], true, None), &inputs).unwrap();
        gradcheck(|x| x[0].renorm(2.0, 0, 3.0), &inputs).unwrap();
        gradgradcheck(|x| x[0].renorm(2.0, 1, 3.0), &inputs).unwrap();
    }
}
