//! Functions of matrices.

use crate::autograd::{Recorder, no_grad};
use crate::ops::elementwise::not_implemented;
use crate::ops::{TensorOptions, stack, where_};
use crate::{DType, Error, Result, Tensor};

impl Tensor {
    /// The sum of a matrix's diagonal.
    ///
    /// # Errors
    /// If this is no matrix.
    pub fn trace(&self) -> Result<Tensor> {
        if self.ndim() != 2 {
            return Err(Error::shape(format!("trace: expected a matrix, but got tensor with dim {}", self.ndim())));
        }
        if self.dtype() == DType::Bool {
            return Err(not_implemented("trace", DType::Bool));
        }
        self.diagonal(0, 0, 1)?.sum()
    }

    /// The Kronecker product: each element of self times the whole of `other`.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn kron(&self, other: &Tensor) -> Result<Tensor> {
        let n = self.ndim().max(other.ndim());
        let padded = |t: &Tensor| {
            let shape = t.shape();
            let mut full = vec![1; n - shape.len()];
            full.extend_from_slice(&shape);
            full
        };
        let (a, b) = (padded(self), padded(other));
        let between = |s: &[usize], first: bool| {
            s.iter().flat_map(|&size| if first { [size, 1] } else { [1, size] }).collect::<Vec<usize>>()
        };
        let product = self.reshape_to(&between(&a, true))?.mul(other.reshape_to(&between(&b, false))?)?;
        product.reshape_to(&a.iter().zip(&b).map(|(x, y)| x * y).collect::<Vec<usize>>())
    }

    /// The vector product along a dimension of size 3.
    ///
    /// # Errors
    /// If the dimension has another size, or the tensors do not broadcast.
    pub fn cross(&self, other: &Tensor, dim: isize) -> Result<Tensor> {
        if self.ndim() != other.ndim() {
            return Err(Error::shape("linalg.cross: inputs must have the same number of dimensions."));
        }
        let (a, b) = (self.size(dim)?, other.size(dim)?);
        if a != 3 || b != 3 {
            return Err(Error::shape(format!(
                "linalg.cross: inputs dimension {dim} must have length 3. Got {a} and {b}"
            )));
        }
        let at = |t: &Tensor, i: isize| t.select(dim, i);
        let component = |i: isize, j: isize| at(self, i)?.mul(at(other, j)?)?.sub(at(self, j)?.mul(at(other, i)?)?);
        let (x, y, z) = (component(1, 2)?, component(2, 0)?, component(0, 1)?);
        stack(&[&x, &y, &z], self.dim(dim)? as isize)
    }

    /// A square matrix (or each of a batch) multiplied with itself `n` times; 0 gives the identity.
    ///
    /// # Errors
    /// If the matrices are not square, or `n` is negative.
    pub fn matrix_power(&self, n: i64) -> Result<Tensor> {
        let shape = self.shape();
        if shape.len() < 2 {
            return Err(Error::shape(
                "linalg.matrix_power: The input tensor A must have at least 2 dimensions.".to_string(),
            ));
        }
        let (rows, columns) = (shape[shape.len() - 2], shape[shape.len() - 1]);
        if rows != columns {
            return Err(Error::shape(format!(
                "linalg.matrix_power: A must be batches of square matrices, but they are {rows} by {columns} matrices"
            )));
        }
        if n < 0 {
            return Err(Error::not_implemented("linalg.matrix_power: negative powers are not available"));
        }
        if n == 0 {
            let identity = no_grad(|| {
                let identity = Tensor::zeros(&shape, self.dtype())?;
                identity.diagonal(0, -2, -1)?.fill_(1)?;
                Ok(identity)
            })?;
            return Ok(identity);
        }
        let (mut result, mut power, mut rest): (Option<Tensor>, Tensor, i64) = (None, self.clone(), n);
        loop {
            if rest & 1 == 1 {
                result = Some(match result {
                    Some(r) => r.matmul(&power)?,
                    None => power.clone(),
                });
            }
            rest >>= 1;
            if rest == 0 {
                break;
            }
            power = power.matmul(&power)?;
        }
        Ok(result.unwrap_or(power))
    }

    /// Euclidean distances between the rows of `(…, p, m)` and of `(…, r, m)`: `(…, p, r)`. The
    /// gradient at distance 0 is 0.
    ///
    /// # Errors
    /// If the tensors have fewer than two dimensions, rows of different sizes, or do not broadcast.
    pub fn cdist(&self, other: &Tensor) -> Result<Tensor> {
        for (name, t) in [("X1", self), ("X2", other)] {
            if t.ndim() < 2 {
                return Err(Error::shape(format!(
                    "cdist only supports at least 2D tensors, {name} got: {}D",
                    t.ndim()
                )));
            }
        }
        let (a, b) = (self.size(-1)?, other.size(-1)?);
        if a != b {
            return Err(Error::shape(format!("X1 and X2 must have the same number of columns. X1: {a} X2: {b}")));
        }
        let difference = |x: &Tensor, y: &Tensor| x.unsqueeze(-2)?.sub(y.unsqueeze(-3)?);
        let out = no_grad(|| difference(self, other)?.square()?.sum_dims(&[-1], false, None)?.sqrt())?;
        if let Some(mut r) = Recorder::new("CdistBackward0", &[self, other]) {
            let (x, y, d) = (r.save(self), r.save(other), r.save_output(&out, 0));
            r.finish(&out, move |ctx, grad| {
                let (x, y, d) = (ctx.saved(x)?, ctx.saved(y)?, ctx.saved(d)?);
                let zero = d.eq(0)?;
                let slope =
                    where_(&zero, grad.zeros_like(TensorOptions::default())?, grad.div(where_(&zero, 1.0, d)?)?)?;
                let each = difference(&x, &y)?.mul(slope.unsqueeze(-1)?)?;
                let gx = ctx.needs(0).then(|| each.sum_dims(&[-2], false, None)?.sum_to_size(x.shape())).transpose()?;
                let gy = ctx
                    .needs(1)
                    .then(|| each.sum_dims(&[-3], false, None)?.neg()?.sum_to_size(y.shape()))
                    .transpose()?;
                Ok(vec![gx, gy])
            });
        }
        Ok(out)
    }
}

/// The product of several matrices, in the order that costs the fewest multiplications.
///
/// # Errors
/// If there are none, or their sizes do not fit.
pub fn chain_matmul(matrices: &[&Tensor]) -> Result<Tensor> {
    let Some(first) = matrices.first() else {
        return Err(Error::runtime("chain_matmul(): Expected one or more matrices"));
    };
    for (i, m) in matrices.iter().enumerate() {
        if m.ndim() != 2 {
            return Err(Error::shape(format!("chain_matmul: Tensor {i} must be a matrix, but got {}-D", m.ndim())));
        }
    }
    if matrices.len() == 1 {
        return Ok((*first).clone());
    }
    // Dynamic programming over spans (Cormen et al., "Introduction to Algorithms", 15.2).
    let n = matrices.len();
    let sizes: Vec<usize> = std::iter::once(first.shape()[0]).chain(matrices.iter().map(|m| m.shape()[1])).collect();
    let mut cost = vec![vec![0f64; n]; n];
    let mut cut = vec![vec![0usize; n]; n];
    for length in 1..n {
        for i in 0..n - length {
            let j = i + length;
            cost[i][j] = f64::INFINITY;
            for k in i..j {
                let total = cost[i][k] + cost[k + 1][j] + sizes[i] as f64 * sizes[k + 1] as f64 * sizes[j + 1] as f64;
                if total < cost[i][j] {
                    cost[i][j] = total;
                    cut[i][j] = k;
                }
            }
        }
    }
    multiply_span(matrices, &cut, 0, n - 1)
}

fn multiply_span(matrices: &[&Tensor], cut: &[Vec<usize>], i: usize, j: usize) -> Result<Tensor> {
    if i == j {
        return Ok(matrices[i].clone());
    }
    let k = cut[i][j];
    multiply_span(matrices, cut, i, k)?.mm(&multiply_span(matrices, cut, k + 1, j)?)
}
