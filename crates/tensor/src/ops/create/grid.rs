//! Coordinates: of grids, of triangles of matrices, of combinations.

use crate::ops::elementwise::not_implemented;
use crate::ops::stack;
use crate::{DType, Error, Result, Tensor};

/// Which coordinate of a grid changes along its first dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum MeshIndexing {
    /// The first tensor's, as rows and columns of a matrix.
    #[default]
    Matrix,
    /// The second tensor's, as in a plot.
    Cartesian,
}

impl MeshIndexing {
    /// PyTorch's name of an order.
    ///
    /// # Errors
    /// If there is no such order.
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "ij" => Ok(Self::Matrix),
            "xy" => Ok(Self::Cartesian),
            _ => Err(Error::runtime(format!(
                "torch.meshgrid: indexing must be one of \"xy\" or \"ij\", but received: {name}"
            ))),
        }
    }
}

/// For each one-dimensional tensor its coordinate at every point of the grid that all of them span.
///
/// # Errors
/// If there are no tensors, one has more than one dimension, or dtypes differ.
pub fn meshgrid(tensors: &[&Tensor], indexing: MeshIndexing) -> Result<Vec<Tensor>> {
    let Some(first) = tensors.first() else {
        return Err(Error::runtime("meshgrid expects a non-empty TensorList"));
    };
    if tensors.iter().any(|t| t.dtype() != first.dtype()) {
        return Err(Error::runtime("torch.meshgrid expects all tensors to have the same dtype"));
    }
    if let Some(tensor) = tensors.iter().find(|t| t.ndim() > 1) {
        return Err(Error::runtime(format!(
            "torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: [ torch.{}Tensor{{{}}} ]",
            tensor.dtype().scalar_type_name(),
            tensor.shape().iter().map(usize::to_string).collect::<Vec<_>>().join(",")
        )));
    }
    let mut axes: Vec<usize> = (0..tensors.len()).collect();
    if indexing == MeshIndexing::Cartesian && axes.len() > 1 {
        axes.swap(0, 1);
    }
    let mut shape = vec![1; tensors.len()];
    for (tensor, &axis) in tensors.iter().zip(&axes) {
        shape[axis] = tensor.numel();
    }
    let along = |(tensor, &axis): (&&Tensor, &usize)| {
        let mut alone = vec![1isize; shape.len()];
        alone[axis] = -1;
        if tensor.numel() == 0 {
            alone[axis] = 0;
        }
        tensor.view(&alone)?.expand_to(&shape)
    };
    tensors.iter().zip(&axes).map(along).collect()
}

/// All combinations of one element of each one-dimensional tensor, a row for each.
///
/// # Errors
/// If a tensor is not one-dimensional, and as [`meshgrid`].
pub fn cartesian_prod(tensors: &[&Tensor]) -> Result<Tensor> {
    if let Some(tensor) = tensors.iter().find(|t| t.ndim() != 1) {
        return Err(Error::runtime(format!("Expect a 1D vector, but got shape {}", tensor.shape())));
    }
    if let [only] = tensors {
        return Ok((*only).clone());
    }
    let columns = meshgrid(tensors, MeshIndexing::Matrix)?;
    let columns = columns.iter().map(Tensor::ravel).collect::<Result<Vec<_>>>()?;
    stack(&columns.iter().collect::<Vec<_>>(), 1)
}

fn triangle_indices(
    name: &str,
    (rows, columns): (i64, i64),
    dtype: DType,
    inside: impl Fn(i64, i64) -> bool,
) -> Result<Tensor> {
    for (axis, size) in [("row", rows), ("col", columns)] {
        if size < 0 {
            return Err(Error::runtime(format!("{axis} must be non-negative, got{size}")));
        }
    }
    if !matches!(dtype, DType::I64 | DType::I32) {
        return Err(not_implemented(name, dtype));
    }
    let (mut down, mut across) = (Vec::new(), Vec::new());
    for row in 0..rows {
        for column in (0..columns).filter(|&column| inside(row, column)) {
            down.push(row);
            across.push(column);
        }
    }
    let count = down.len();
    down.append(&mut across);
    Tensor::from_slice(&down, [2, count])?.to_dtype(dtype)
}

/// Row and column numbers of the elements on and below diagonal `offset` of a matrix: `(2, n)`.
///
/// # Errors
/// If a size is negative, or the dtype is neither int64 nor int32.
pub fn tril_indices(rows: i64, columns: i64, offset: i64, dtype: DType) -> Result<Tensor> {
    triangle_indices("tril_indices", (rows, columns), dtype, |row, column| column - row <= offset)
}

/// Row and column numbers of the elements on and above diagonal `offset` of a matrix: `(2, n)`.
///
/// # Errors
/// If a size is negative, or the dtype is neither int64 nor int32.
pub fn triu_indices(rows: i64, columns: i64, offset: i64, dtype: DType) -> Result<Tensor> {
    triangle_indices("triu_indices", (rows, columns), dtype, |row, column| column - row >= offset)
}

impl Tensor {
    /// All ways to choose `r` elements of a vector, with or without choosing one again, a row for each.
    ///
    /// # Errors
    /// If the tensor is not one-dimensional or `r` is negative.
    pub fn combinations(&self, r: i64, with_replacement: bool) -> Result<Tensor> {
        if self.ndim() != 1 {
            return Err(Error::runtime(format!("Expect a 1D vector, but got shape {}", self.shape())));
        }
        if r < 0 {
            return Err(Error::runtime(format!("Expect a non-negative number, but got {r}")));
        }
        if r == 0 {
            return Tensor::empty([0], self.dtype());
        }
        let (n, r) = (self.numel(), r as usize);
        let least = usize::from(!with_replacement);
        let mut rows: Vec<i64> = Vec::new();
        // Odometer over non-decreasing (or increasing) positions.
        let mut places: Vec<usize> = (0..r).map(|i| i * least).collect();
        let top = |i: usize| n as isize - 1 - ((r - 1 - i) * least) as isize;
        while (0..r).all(|i| places[i] as isize <= top(i)) {
            rows.extend(places.iter().map(|&p| p as i64));
            let Some(i) = (0..r).rev().find(|&i| (places[i] as isize) < top(i)) else { break };
            places[i] += 1;
            for j in i + 1..r {
                places[j] = places[j - 1] + least;
            }
        }
        let count = rows.len() / r;
        let index = Tensor::from_slice(&rows, [rows.len()])?;
        self.index_select(0, &index)?.reshape(&[count as isize, r as isize])
    }

    /// The powers of a vector's elements as rows: from the highest down, or from 0 up if `increasing`.
    ///
    /// # Errors
    /// If the tensor is not one-dimensional or the number of columns is negative.
    pub fn vander(&self, columns: Option<i64>, increasing: bool) -> Result<Tensor> {
        if self.ndim() != 1 {
            return Err(Error::runtime("x must be a one-dimensional tensor."));
        }
        let n = columns.unwrap_or(self.numel() as i64);
        if n < 0 {
            return Err(Error::runtime("N must be non-negative."));
        }
        // Integers are int64 from here on, as in a product.
        let dtype = if self.dtype().is_floating_point() { self.dtype() } else { DType::I64 };
        let first = Tensor::ones([self.numel(), usize::from(n > 0)], dtype)?;
        let powers = if n > 1 {
            let bases = self.to_dtype(dtype)?.unsqueeze(-1)?.expand(&[self.numel() as isize, n as isize - 1])?;
            crate::ops::cat(&[&first, &bases.cumprod(-1, None)?], 1)?
        } else {
            first
        };
        if increasing { Ok(powers) } else { powers.flip(&[1]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autograd::gradcheck;

    #[test]
    fn grids_in_both_orders() {
        let (a, b) =
            (Tensor::from_slice(&[1.0, 2.0], [2]).unwrap(), Tensor::from_slice(&[3.0, 4.0, 5.0], [3]).unwrap());
        let grids = meshgrid(&[&a, &b], MeshIndexing::Matrix).unwrap();
        assert_eq!(grids[0].shape(), [2, 3]);
        assert_eq!(grids[1].to_vec::<f64>().unwrap(), [3.0, 4.0, 5.0, 3.0, 4.0, 5.0]);
        let grids = meshgrid(&[&a, &b], MeshIndexing::Cartesian).unwrap();
        assert_eq!(grids[0].to_vec::<f64>().unwrap(), [1.0, 2.0, 1.0, 2.0, 1.0, 2.0]);
        assert!(MeshIndexing::named("ji").is_err());
        let inputs = [a.requires_grad_(true).unwrap(), b.requires_grad_(true).unwrap()];
        gradcheck(|x| cartesian_prod(&[&x[0], &x[1]]), &inputs).unwrap();
    }

    #[test]
    fn triangles_and_combinations() {
        let lower = tril_indices(3, 2, 0, DType::I64).unwrap();
        assert_eq!(lower.to_vec::<i64>().unwrap(), [0, 1, 1, 2, 2, 0, 0, 1, 0, 1]);
        let upper = triu_indices(2, 3, 1, DType::I64).unwrap();
        assert_eq!(upper.to_vec::<i64>().unwrap(), [0, 0, 1, 1, 2, 2]);
        let x = Tensor::from_slice(&[1i64, 2, 3], [3]).unwrap();
        assert_eq!(x.combinations(2, false).unwrap().to_vec::<i64>().unwrap(), [1, 2, 1, 3, 2, 3]);
        assert_eq!(x.combinations(2, true).unwrap().shape(), [6, 2]);
        assert_eq!(x.combinations(4, false).unwrap().shape(), [0, 4]);
        assert_eq!(x.vander(None, false).unwrap().to_vec::<i64>().unwrap(), [1, 1, 1, 4, 2, 1, 9, 3, 1]);
    }
}
