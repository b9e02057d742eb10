//! Vectors as diagonals of matrices.

use crate::{Error, Result, Shape, Tensor, ops::ViewFn, wrap_dim};
use std::sync::Arc;

impl Tensor {
    /// Zeros with the last dimension of this tensor along diagonal `offset` of the two new
    /// dimensions `dim1` and `dim2`.
    ///
    /// # Errors
    /// If a dimension does not exist in the result or both are the same.
    pub fn diag_embed(&self, offset: isize, dim1: isize, dim2: isize) -> Result<Tensor> {
        let shape = self.shape();
        let ndim = shape.len() + 1;
        let (a, b) = (wrap_dim(dim1, ndim)?, wrap_dim(dim2, ndim)?);
        if a == b {
            return Err(Error::runtime(format!("diagonal dimensions cannot be identical {dim1}, {dim2}")));
        }
        let Some((&length, rest)) = shape.split_last() else {
            return Err(Error::dimension(-1, 0));
        };
        let size = length
            .checked_add(offset.unsigned_abs())
            .ok_or_else(|| Error::memory("Storage size calculation overflowed"))?;
        let mut sizes = rest.to_vec();
        for dim in [a.min(b), a.max(b)] {
            sizes.insert(dim, size);
        }
        let sizes = Shape::from(sizes);
        sizes.checked_numel()?;
        let (a, b) = (a as isize, b as isize);
        let part: ViewFn = Arc::new(move |x: &Tensor| x.diagonal(offset, a, b));
        self.embed(&sizes, "DiagEmbedBackward0", &part)
    }

    /// The matrix with this vector along diagonal `offset`, or the diagonal of this matrix.
    ///
    /// # Errors
    /// If there are neither one nor two dimensions.
    pub fn diag(&self, offset: isize) -> Result<Tensor> {
        match self.ndim() {
            1 => self.diag_embed(offset, 0, 1),
            2 => self.diagonal(offset, 0, 1)?.copy(),
            ndim => Err(Error::runtime(format!("diag(): Supports 1D or 2D tensors. Got {ndim}D"))),
        }
    }

    /// The matrix with all elements of this tensor along diagonal `offset`.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn diagflat(&self, offset: isize) -> Result<Tensor> {
        self.reshape(&[-1])?.diag_embed(offset, 0, 1)
    }
}

#[cfg(test)]
mod tests {
    use crate::Tensor;
    use crate::autograd::{gradcheck, gradgradcheck};

    #[test]
    fn diagonals_put_in_and_taken_out() {
        let x = Tensor::from_slice(&[1.0, 2.0], [2]).unwrap();
        let matrix = x.diag(1).unwrap();
        assert_eq!(matrix.to_vec::<f64>().unwrap(), [0.0, 1.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0]);
        assert_eq!(matrix.diag(1).unwrap().to_vec::<f64>().unwrap(), [1.0, 2.0]);
        let x = Tensor::from_slice(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [2, 3]).unwrap();
        assert_eq!(x.diag_embed(-1, 0, -2).unwrap().shape(), [4, 4, 2]);
        assert_eq!(x.diagflat(0).unwrap().shape(), [6, 6]);
        let inputs = [x.requires_grad_(true).unwrap()];
        gradcheck(|x| x[0].diag_embed(1, 2, 0), &inputs).unwrap();
        gradgradcheck(|x| x[0].square()?.diag_embed(0, -2, -1), &inputs).unwrap();
        gradcheck(|x| x[0].diag(1), &inputs).unwrap();
        assert!(x.diag_embed(0, 1, 1).is_err() && Tensor::scalar(1.0, None).unwrap().diag(0).is_err());
    }
}
