//! Orthogonal decompositions of matrices, in float64.
//!
//! Matrices are small here (an orthogonal initialisation, a norm), so the textbook algorithms do.

use crate::autograd::{Recorder, no_grad};
use crate::{DType, Error, Result, Shape, Tensor};

/// Which factors [`Tensor::qr`] gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum QrMode {
    /// `(m, k)` and `(k, n)`, where `k` is the smaller of `m` and `n`.
    #[default]
    Reduced,
    /// `(m, m)` and `(m, n)`.
    Complete,
    /// Nothing, and `(k, n)`.
    R,
}

impl std::str::FromStr for QrMode {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "reduced" => Ok(Self::Reduced),
            "complete" => Ok(Self::Complete),
            "r" => Ok(Self::R),
            _ => Err(Error::runtime(format!(
                "qr received unrecognized mode '{name}' but expected one of 'reduced' (default), 'r', or 'complete'"
            ))),
        }
    }
}

/// A matrix by rows.
#[derive(Clone)]
struct Matrix {
    rows: usize,
    columns: usize,
    values: Vec<f64>,
}

impl Matrix {
    fn zeros(rows: usize, columns: usize) -> Self {
        Matrix { rows, columns, values: vec![0.0; rows * columns] }
    }

    fn identity(size: usize) -> Self {
        let mut matrix = Matrix::zeros(size, size);
        (0..size).for_each(|i| *matrix.at_mut(i, i) = 1.0);
        matrix
    }

    fn at(&self, row: usize, column: usize) -> f64 {
        self.values[row * self.columns + column]
    }

    fn at_mut(&mut self, row: usize, column: usize) -> &mut f64 {
        &mut self.values[row * self.columns + column]
    }

    fn transposed(&self) -> Self {
        let mut matrix = Matrix::zeros(self.columns, self.rows);
        for row in 0..self.rows {
            for column in 0..self.columns {
                *matrix.at_mut(column, row) = self.at(row, column);
            }
        }
        matrix
    }

    /// `self - factor · v · (vᵀ · self)`, where `v` begins in row `first`.
    fn reflect(&mut self, v: &[f64], first: usize, factor: f64) {
        for column in 0..self.columns {
            let dot: f64 = v.iter().enumerate().map(|(i, v)| v * self.at(first + i, column)).sum();
            for (i, v) in v.iter().enumerate() {
                *self.at_mut(first + i, column) -= factor * v * dot;
            }
        }
    }

    /// Full factors by Householder's reflections, with the signs that LAPACK gives.
    ///
    /// Source: G. H. Golub and C. F. Van Loan, "Matrix Computations", 5.2.
    fn qr(mut self) -> (Matrix, Matrix) {
        let mut reflections = Vec::new();
        for column in 0..self.rows.min(self.columns) {
            let x: Vec<f64> = (column..self.rows).map(|row| self.at(row, column)).collect();
            let rest: f64 = x[1..].iter().map(|x| x * x).sum();
            if rest == 0.0 {
                continue;
            }
            let length = (x[0] * x[0] + rest).sqrt();
            let image = if x[0] > 0.0 { -length } else { length };
            let mut v = x;
            v[0] -= image;
            let factor = 2.0 / v.iter().map(|v| v * v).sum::<f64>();
            self.reflect(&v, column, factor);
            for row in column + 1..self.rows {
                *self.at_mut(row, column) = 0.0;
            }
            reflections.push((v, column, factor));
        }
        let mut q = Matrix::identity(self.rows);
        for (v, first, factor) in reflections.iter().rev() {
            q.reflect(v, *first, *factor);
        }
        (q, self)
    }

    /// The leading rows and columns.
    fn cut(&self, rows: usize, columns: usize) -> Matrix {
        let mut matrix = Matrix::zeros(rows, columns);
        for row in 0..rows {
            for column in 0..columns {
                *matrix.at_mut(row, column) = self.at(row, column);
            }
        }
        matrix
    }

    /// Singular values in descending order, with the rows of `Uᵀ` and `Vᵀ`, by one-sided rotations.
    ///
    /// Source: M. R. Hestenes, "Inversion of Matrices by Biorthogonalization and Related Results", 1958.
    fn svd(&self) -> (Vec<f64>, Vec<Vec<f64>>, Vec<Vec<f64>>) {
        if self.rows < self.columns {
            let (values, u, v) = self.transposed().svd();
            return (values, v, u);
        }
        let columns = |matrix: &Matrix| -> Vec<Vec<f64>> {
            (0..matrix.columns).map(|c| (0..matrix.rows).map(|r| matrix.at(r, c)).collect()).collect()
        };
        let (mut a, mut v) = (columns(self), columns(&Matrix::identity(self.columns)));
        let dot = |x: &[f64], y: &[f64]| -> f64 { x.iter().zip(y).map(|(x, y)| x * y).sum() };
        for _ in 0..60 {
            let mut turned = false;
            for p in 0..self.columns {
                for q in p + 1..self.columns {
                    let (alpha, beta, gamma) = (dot(&a[p], &a[p]), dot(&a[q], &a[q]), dot(&a[p], &a[q]));
                    if gamma == 0.0 || gamma.abs() <= 1e-15 * (alpha * beta).sqrt() {
                        continue;
                    }
                    turned = true;
                    let zeta = (beta - alpha) / (2.0 * gamma);
                    let t = zeta.signum() / (zeta.abs() + (1.0 + zeta * zeta).sqrt());
                    let c = 1.0 / (1.0 + t * t).sqrt();
                    for matrix in [&mut a, &mut v] {
                        let (left, right) = matrix.split_at_mut(q);
                        for (x, y) in left[p].iter_mut().zip(&mut right[0]) {
                            (*x, *y) = (c * (*x - t * *y), c * (t * *x + *y));
                        }
                    }
                }
            }
            if !turned {
                break;
            }
        }
        let mut order: Vec<(f64, usize)> = a.iter().enumerate().map(|(i, x)| (dot(x, x).sqrt(), i)).collect();
        order.sort_by(|x, y| y.0.total_cmp(&x.0));
        let values = order.iter().map(|&(value, _)| value).collect();
        let unit =
            |&(value, i): &(f64, usize)| a[i].iter().map(|x| if value > 0.0 { x / value } else { 0.0 }).collect();
        let u = order.iter().map(unit).collect();
        let v = order.iter().map(|&(_, i)| v[i].clone()).collect();
        (values, u, v)
    }
}

/// The last two dimensions of a tensor as matrices.
fn matrices(tensor: &Tensor) -> Result<Vec<Matrix>> {
    let shape = tensor.shape();
    let (rows, columns) = (shape[shape.len() - 2], shape[shape.len() - 1]);
    let values = no_grad(|| tensor.detach().to_dtype(DType::F64)?.to_vec::<f64>())?;
    if rows * columns == 0 {
        let count: usize = shape[..shape.len() - 2].iter().product();
        return Ok(vec![Matrix::zeros(rows, columns); count]);
    }
    Ok(values.chunks_exact(rows * columns).map(|m| Matrix { rows, columns, values: m.to_vec() }).collect())
}

fn joined(matrices: &[Matrix], batch: &[usize], [rows, columns]: [usize; 2], dtype: DType) -> Result<Tensor> {
    let values: Vec<f64> = matrices.iter().flat_map(|m| m.values.iter().copied()).collect();
    let shape: Shape = batch.iter().copied().chain([rows, columns]).collect();
    Tensor::from_slice(&values, shape)?.to_dtype(dtype)
}

fn check(name: &str, tensor: &Tensor) -> Result<()> {
    if tensor.ndim() < 2 {
        return Err(Error::runtime(format!("linalg.{name}: The input tensor A must have at least 2 dimensions.")));
    }
    if !tensor.dtype().is_floating_point() {
        return Err(Error::not_implemented(format!(
            "linalg.{name}: Expected a floating point or complex tensor as input. Got {}",
            tensor.dtype().scalar_type_name()
        )));
    }
    Ok(())
}

/// What is recorded of factors whose gradients there are no formulas for.
fn without_gradient(name: &'static str, node: &str, input: &Tensor, outputs: &[&Tensor]) {
    if let Some(recorder) = Recorder::new(node, &[input]) {
        recorder.finish_many(outputs, move |_, _| {
            Err(Error::not_implemented(format!("the derivative for '{name}' is not implemented.")))
        });
    }
}

impl Tensor {
    /// An orthogonal and an upper triangular factor of matrices `(…, m, n)`.
    ///
    /// # Errors
    /// If there are fewer than two dimensions or the dtype is no floating-point type.
    pub fn qr(&self, mode: QrMode) -> Result<(Tensor, Tensor)> {
        check("qr", self)?;
        let shape = self.shape();
        let (batch, sizes) = shape.split_at(shape.len() - 2);
        let (m, n) = (sizes[0], sizes[1]);
        let k = if mode == QrMode::Complete { m } else { m.min(n) };
        let factors: Vec<(Matrix, Matrix)> = matrices(self)?.into_iter().map(Matrix::qr).collect();
        let q: Vec<Matrix> = factors.iter().map(|(q, _)| q.cut(m, k)).collect();
        let r: Vec<Matrix> = factors.iter().map(|(_, r)| r.cut(k, n)).collect();
        let q = match mode {
            QrMode::R => Tensor::empty([0], self.dtype())?,
            _ => joined(&q, batch, [m, k], self.dtype())?,
        };
        let r = joined(&r, batch, [k, n], self.dtype())?;
        without_gradient("linalg_qr", "LinalgQrBackward0", self, &[&q, &r]);
        Ok((q, r))
    }

    /// A norm of the singular values of matrices `(…, m, n)` and its gradient, by how much each
    /// singular value counts.
    pub(super) fn singular_norm(&self, counts: impl Fn(usize, usize) -> bool) -> Result<Tensor> {
        let shape = self.shape();
        let (batch, sizes) = shape.split_at(shape.len() - 2);
        let mut norms = Vec::new();
        let mut slopes = Vec::new();
        for matrix in matrices(self)? {
            let (values, u, v) = matrix.svd();
            let chosen: Vec<usize> = (0..values.len()).filter(|&i| counts(i, values.len())).collect();
            norms.push(chosen.iter().map(|&i| values[i]).sum::<f64>());
            let mut slope = Matrix::zeros(sizes[0], sizes[1]);
            for &i in chosen.iter().filter(|&&i| values[i] > 0.0) {
                for (row, of_row) in u[i].iter().enumerate() {
                    for (column, of_column) in v[i].iter().enumerate() {
                        *slope.at_mut(row, column) += of_row * of_column;
                    }
                }
            }
            slopes.push(slope);
        }
        let out = Tensor::from_slice(&norms, batch)?.to_dtype(self.dtype())?;
        if let Some(recorder) = Recorder::new("LinalgSvdBackward0", &[self]) {
            let slope = joined(&slopes, batch, [sizes[0], sizes[1]], self.dtype())?;
            recorder.finish(&out, move |_, grad| {
                if grad.requires_grad() && crate::autograd::is_grad_enabled() {
                    return Err(Error::not_implemented(
                        "the second derivative of a norm of singular values is not implemented.",
                    ));
                }
                Ok(vec![Some(grad.unsqueeze(-1)?.unsqueeze(-1)?.mul(&slope)?)])
            });
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autograd::gradcheck;

    fn sample(rows: usize, columns: usize) -> Tensor {
        let values: Vec<f64> = (0..rows * columns).map(|i| ((i * 7 + 2) % 11) as f64 / 5.0 - 1.0).collect();
        Tensor::from_slice(&values, [rows, columns]).unwrap()
    }

    fn close(a: &Tensor, b: &Tensor) -> bool {
        a.sub(b).unwrap().abs().unwrap().max().unwrap().item().unwrap().to_f64() < 1e-12
    }

    #[test]
    fn factors_multiply_to_the_matrix() {
        for (rows, columns) in [(4, 3), (3, 4), (1, 1), (5, 5)] {
            let x = sample(rows, columns);
            for mode in [QrMode::Reduced, QrMode::Complete] {
                let (q, r) = x.qr(mode).unwrap();
                assert!(close(&q.mm(&r).unwrap(), &x));
                let identity = q.t().unwrap().mm(&q).unwrap();
                let size = identity.shape()[0];
                assert!(close(&identity, &Tensor::ones([size], DType::F64).unwrap().diag(0).unwrap()));
            }
        }
    }

    #[test]
    fn singular_values_and_their_gradient() {
        let x = sample(4, 3);
        let squares = x.singular_norm(|_, _| true).unwrap();
        assert!(
            squares.item().unwrap().to_f64() > x.vector_norm(2.0, &[], false, None).unwrap().item().unwrap().to_f64()
        );
        let diagonal = Tensor::from_slice(&[3.0, -4.0], [2]).unwrap().diag(0).unwrap();
        assert!((diagonal.singular_norm(|_, _| true).unwrap().item().unwrap().to_f64() - 7.0).abs() < 1e-12);
        let inputs = [x.requires_grad_(true).unwrap()];
        gradcheck(|x| x[0].singular_norm(|_, _| true), &inputs).unwrap();
        gradcheck(|x| x[0].t()?.singular_norm(|i, _| i == 0), &inputs).unwrap();
    }
}
