//! Dimensions in another order, dimensions of size 1 put in and taken out.

use crate::{Error, Layout, Result, Shape, Strides, Tensor, wrap_dim};

/// The layout with its dimensions in the order of `dims`.
fn permuted(layout: &Layout, dims: &[usize]) -> Layout {
    let shape: Shape = dims.iter().map(|&d| layout.shape()[d]).collect();
    let strides: Strides = dims.iter().map(|&d| layout.strides()[d]).collect();
    Layout::strided(shape, &strides, layout.offset())
}

impl Tensor {
    /// Dimensions in another order: dimension `i` of the result is dimension `dims[i]` of this.
    ///
    /// # Errors
    /// If `dims` does not name every dimension once.
    pub fn permute(&self, dims: &[isize]) -> Result<Tensor> {
        let ndim = self.ndim();
        if dims.len() != ndim {
            return Err(Error::runtime(format!(
                "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired ordering of dimensions i.e. input.dim() = {ndim} is not equal to len(dims) = {}",
                dims.len()
            )));
        }
        let mut order = Vec::with_capacity(ndim);
        for &dim in dims {
            let dim = wrap_dim(dim, ndim)?;
            if order.contains(&dim) {
                return Err(Error::runtime("permute(): duplicate dims are not allowed."));
            }
            order.push(dim);
        }
        self.permute_to("PermuteBackward0", &order)
    }

    fn permute_to(&self, name: &str, order: &[usize]) -> Result<Tensor> {
        let mut inverse = vec![0isize; order.len()];
        order.iter().enumerate().for_each(|(to, &from)| inverse[from] = to as isize);
        self.recorded_view(name, permuted(&self.layout(), order), move |grad| grad.permute(&inverse))
    }

    /// Two dimensions exchanged.
    ///
    /// # Errors
    /// If a dimension does not exist.
    pub fn transpose(&self, dim0: isize, dim1: isize) -> Result<Tensor> {
        let ndim = self.ndim();
        let (a, b) = (wrap_dim(dim0, ndim)?, wrap_dim(dim1, ndim)?);
        if ndim == 0 {
            return self.alias();
        }
        let mut order: Vec<usize> = (0..ndim).collect();
        order.swap(a, b);
        self.recorded_view("TransposeBackward0", permuted(&self.layout(), &order), move |grad| {
            grad.transpose(a as isize, b as isize)
        })
    }

    /// The transpose of a matrix; a tensor of fewer dimensions as it is.
    ///
    /// # Errors
    /// If there are more than two dimensions.
    pub fn t(&self) -> Result<Tensor> {
        let ndim = self.ndim();
        if ndim > 2 {
            return Err(Error::runtime(format!("t() expects a tensor with <= 2 dimensions, but self is {ndim}D")));
        }
        let order: Vec<usize> = (0..ndim).rev().collect();
        self.recorded_view("TBackward0", permuted(&self.layout(), &order), |grad| grad.t())
    }

    /// All dimensions in reverse order (PyTorch's `T`).
    ///
    /// # Errors
    /// None in practice.
    pub fn reversed_dims(&self) -> Result<Tensor> {
        let order: Vec<usize> = (0..self.ndim()).rev().collect();
        self.permute_to("PermuteBackward0", &order)
    }

    /// The last two dimensions exchanged (PyTorch's `mT`).
    ///
    /// # Errors
    /// If there are fewer than two dimensions.
    pub fn mt(&self) -> Result<Tensor> {
        self.matrices_transposed("tensor.mT is only supported on matrices or batches of matrices. Got 1-D tensor.")
    }

    /// The transposed matrix or batch of matrices; real numbers have no conjugate.
    ///
    /// # Errors
    /// If there are fewer than two dimensions.
    pub fn adjoint(&self) -> Result<Tensor> {
        self.matrices_transposed(
            "tensor.adjoint() is only supported on matrices or batches of matrices. Got 1-D tensor.",
        )
    }

    fn matrices_transposed(&self, message: &str) -> Result<Tensor> {
        match self.ndim() {
            1 => Err(Error::runtime(message)),
            _ => self.transpose(-2, -1),
        }
    }

    /// Some dimensions moved to other places, the rest kept in order.
    ///
    /// # Errors
    /// If the lists differ in length, repeat a dimension, or name one that does not exist.
    pub fn movedim(&self, source: &[isize], destination: &[isize]) -> Result<Tensor> {
        if source.len() != destination.len() {
            return Err(Error::runtime(format!(
                "movedim: Invalid source or destination dims: source ({source:?} dims) should contain the same number of dims as destination ({destination:?} dims)"
            )));
        }
        let ndim = self.ndim();
        let wrap = |dims: &[isize], which: &str| {
            let wrapped = dims.iter().map(|&d| wrap_dim(d, ndim)).collect::<Result<Vec<_>>>()?;
            let repeated = (1..wrapped.len()).any(|i| wrapped[..i].contains(&wrapped[i]));
            if repeated {
                return Err(Error::runtime(format!("movedim: repeated dim in `{which}` ({dims:?})")));
            }
            Ok(wrapped)
        };
        let from = wrap(source, "source")?;
        let to = wrap(destination, "destination")?;
        if ndim == 0 {
            return self.alias();
        }
        let mut order = vec![usize::MAX; ndim];
        to.iter().zip(&from).for_each(|(&to, &from)| order[to] = from);
        let mut rest = (0..ndim).filter(|d| !from.contains(d));
        for place in order.iter_mut().filter(|place| **place == usize::MAX) {
            *place = rest.next().unwrap_or_default();
        }
        self.permute_to("PermuteBackward0", &order)
    }

    /// [`Tensor::transpose`] under NumPy's name.
    ///
    /// # Errors
    /// As [`Tensor::transpose`].
    pub fn swapaxes(&self, axis0: isize, axis1: isize) -> Result<Tensor> {
        self.transpose(axis0, axis1)
    }

    /// All dimensions of size 1 taken out.
    ///
    /// # Errors
    /// None in practice.
    pub fn squeeze(&self) -> Result<Tensor> {
        let dims: Vec<usize> = self.shape().iter().enumerate().filter(|(_, s)| **s == 1).map(|(d, _)| d).collect();
        self.without_dims("SqueezeBackward0", &dims)
    }

    /// One dimension taken out, if it is of size 1.
    ///
    /// # Errors
    /// If the dimension does not exist.
    pub fn squeeze_dim(&self, dim: isize) -> Result<Tensor> {
        let dim = self.dim(dim)?;
        let taken = self.shape().get(dim) == Some(&1);
        self.without_dims("SqueezeBackward1", if taken { std::slice::from_ref(&dim) } else { &[] })
    }

    /// Those of some dimensions that are of size 1 taken out.
    ///
    /// # Errors
    /// If a dimension does not exist or is named twice.
    pub fn squeeze_dims(&self, dims: &[isize]) -> Result<Tensor> {
        let shape = self.shape();
        let mut named = Vec::with_capacity(dims.len());
        for &dim in dims {
            let dim = self.dim(dim)?;
            if named.contains(&dim) {
                return Err(Error::runtime(format!("dim {dim} appears multiple times in the list of dims")));
            }
            named.push(dim);
        }
        named.retain(|&d| shape.get(d) == Some(&1));
        self.without_dims("SqueezeBackward2", &named)
    }

    fn without_dims(&self, name: &str, dims: &[usize]) -> Result<Tensor> {
        let layout = self.layout();
        let kept = (0..layout.ndim()).filter(|d| !dims.contains(d)).collect::<Vec<_>>();
        let mut dims = dims.to_vec();
        dims.sort_unstable();
        self.recorded_view(name, permuted(&layout, &kept), move |grad| {
            dims.iter().try_fold(grad.clone(), |grad, &dim| grad.unsqueeze(dim as isize))
        })
    }

    /// A dimension of size 1 put in before dimension `dim`.
    ///
    /// # Errors
    /// If `dim` is not in `-ndim-1..=ndim`.
    pub fn unsqueeze(&self, dim: isize) -> Result<Tensor> {
        let layout = self.layout();
        let dim = wrap_dim(dim, layout.ndim() + 1)?;
        let (mut shape, mut strides) = (layout.shape().to_vec(), layout.strides().to_vec());
        let stride = if dim < shape.len() { shape[dim] * strides[dim] } else { 1 };
        shape.insert(dim, 1);
        strides.insert(dim, stride);
        self.recorded_view("UnsqueezeBackward0", Layout::strided(shape, &strides, layout.offset()), move |grad| {
            grad.squeeze_dim(dim as isize)
        })
    }
}
