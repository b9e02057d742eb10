//! The matrix product with broadcasting, and the layers that are one.

use crate::ops::broadcast_shapes;
use crate::{Error, Result, Tensor};

impl Tensor {
    /// The matrix product of NumPy's `@`: vectors are rows or columns, further dimensions are
    /// batches and broadcast.
    ///
    /// # Errors
    /// If the sizes do not fit or the dtypes differ.
    pub fn matmul(&self, other: &Tensor) -> Result<Tensor> {
        let (a, b) = (self.shape(), other.shape());
        match (a.len(), b.len()) {
            (0, _) | (_, 0) => Err(Error::shape(format!(
                "both arguments to matmul need to be at least 1D, but they are {}D and {}D",
                a.len(),
                b.len()
            ))),
            (1, 1) => self.dot(other),
            (2, 1) => self.mv(other),
            (1, 2) => self.unsqueeze(0)?.mm(other)?.squeeze_dim(0),
            (2, 2) => self.mm(other),
            (n, 1 | 2) => {
                // The batch dimensions become rows of one matrix.
                let rows = self.reshape_to(&[a[..n - 1].iter().product(), a[n - 1]])?;
                let mut shape = a[..n - 1].to_vec();
                if b.len() == 1 {
                    return rows.mv(other)?.reshape_to(&shape);
                }
                shape.push(b[1]);
                rows.mm(other)?.reshape_to(&shape)
            }
            (n, m) => {
                let left = if n == 1 { self.unsqueeze(0)? } else { self.clone() };
                let (sl, sr) = (left.shape(), b.clone());
                let batch = broadcast_shapes(&[(&sl[..sl.len() - 2]), (&sr[..m - 2])])?;
                let spread = |t: &Tensor| {
                    let shape = t.shape();
                    let mut full = batch.to_vec();
                    full.extend_from_slice(&shape[shape.len() - 2..]);
                    t.expand_to(&full)
                };
                let out = spread(&left)?.batched_product(&spread(other)?)?;
                if n == 1 { out.squeeze_dim(-2) } else { Ok(out) }
            }
        }
    }
}

/// `input @ weightᵀ + bias`, for an input of shape `(…, in)` and a weight of shape `(out, in)`.
///
/// # Errors
/// If the sizes do not fit or the dtypes differ.
pub fn linear(input: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let (shape, columns) = (input.shape(), weight.shape());
    if shape.is_empty() || columns.is_empty() {
        return Err(Error::shape(format!(
            "both arguments to linear need to be at least 1D, but they are {}D and {}D",
            shape.len(),
            columns.len()
        )));
    }
    if let Some(bias) = bias
        && input.dtype() != weight.dtype()
        && bias.dtype() == weight.dtype()
    {
        return Err(Error::dtype(format!(
            "mat1 and mat2 must have the same dtype, but got {} and {}",
            input.dtype().scalar_type_name(),
            weight.dtype().scalar_type_name()
        )));
    }
    let transposed = weight.t()?;
    let Some(bias) = bias else { return input.matmul(&transposed) };
    if shape.len() == 2 {
        return bias.addmm(input, &transposed, 1, 1);
    }
    let n = shape.len();
    if columns.len() != 2 || bias.ndim() != 1 {
        return input.matmul(&transposed)?.add(bias);
    }
    let rows = input.reshape_to(&[shape[..n - 1].iter().product(), shape[n - 1]])?;
    let mut out = shape.to_vec();
    out[n - 1] = columns[0];
    bias.addmm(&rows, &transposed, 1, 1)?.reshape_to(&out)
}

/// `input1ᵀ W_o input2 + bias` for every output `o`, for inputs `(…, in1)` and `(…, in2)` and a
/// weight of shape `(out, in1, in2)`.
///
/// # Errors
/// If the sizes do not fit or the dtypes differ.
pub fn bilinear(input1: &Tensor, input2: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let (s1, s2, w) = (input1.shape(), input2.shape(), weight.shape());
    if s1.len() != s2.len() {
        return Err(Error::shape(format!(
            "bilinear(): input dimensions do not match: got {} and {}",
            s1.len(),
            s2.len()
        )));
    }
    if s1.is_empty() || w.len() != 3 {
        return Err(Error::shape("bilinear(): expected inputs of at least one dimension and a weight of three"));
    }
    let n = s1.len();
    if let Some(d) = (0..n - 1).find(|&d| s1[d] != s2[d]) {
        return Err(Error::shape(format!(
            "bilinear(): input batch dimensions do not match at dim {d}: got {} and {}",
            s1[d], s2[d]
        )));
    }
    for (name, size, expected) in [("input1", s1[n - 1], w[1]), ("input2", s2[n - 1], w[2])] {
        if size != expected {
            return Err(Error::shape(format!(
                "bilinear(): {name} size does not match weight size: got {size} but expected {expected}"
            )));
        }
    }
    let rows: usize = s1[..n - 1].iter().product();
    let (a, b) = (input1.reshape_to(&[rows, w[1]])?, input2.reshape_to(&[rows, w[2]])?);
    // (rows, in1) @ (in1, out * in2), then over in2.
    let half = a.mm(&weight.permute(&[1, 0, 2])?.reshape_to(&[w[1], w[0] * w[2]])?)?;
    let out = half.reshape_to(&[rows, w[0], w[2]])?.bmm(&b.unsqueeze(2)?)?;
    let mut shape = s1.to_vec();
    shape[n - 1] = w[0];
    let out = out.reshape_to(&shape)?;
    bias.map_or(Ok(out.clone()), |bias| out.add(bias))
}
