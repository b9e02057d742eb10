//! What an operator does to tensors.

use flambeau_tensor::{DType, Error, Result, Tensor};

/// The most numbers that a shape, a list of axes or the like may have: far beyond any real one,
/// and little enough to be read without a thought.
const LONGEST_LIST: usize = 1 << 16;

/// An operator with its attributes.
pub trait Compute {
    /// Computes the results, as many as the operator has; a node may use fewer.
    ///
    /// # Errors
    /// If an input is missing, or the inputs do not fit the operator or each other.
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>>;
}

/// The inputs of a node, of which optional ones may be absent.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    tensors: &'a [Option<Tensor>],
}

impl<'a> Inputs<'a> {
    /// Inputs in their order.
    pub fn new(tensors: &'a [Option<Tensor>]) -> Self {
        Inputs { tensors }
    }

    /// An input that must be there; `name` says what it is.
    ///
    /// # Errors
    /// If it is absent.
    pub fn get(&self, index: usize, name: &str) -> Result<&'a Tensor> {
        self.optional(index).ok_or_else(|| Error::value(format!("input {index} ({name}) is missing")))
    }

    /// An input that may be absent.
    pub fn optional(&self, index: usize) -> Option<&'a Tensor> {
        self.tensors.get(index).and_then(Option::as_ref)
    }

    /// All inputs of an operator that takes any number of them, at least one.
    ///
    /// # Errors
    /// If there is none, or one is absent.
    pub fn all(&self) -> Result<Vec<&'a Tensor>> {
        let all = (0..self.tensors.len()).map(|i| self.get(i, "of many")).collect::<Result<Vec<_>>>()?;
        if all.is_empty() { Err(Error::value("there is no input")) } else { Ok(all) }
    }

    /// An input that is a list of integers: a shape, axes.
    ///
    /// # Errors
    /// If it is absent, or no list of integers.
    pub fn integers(&self, index: usize, name: &str) -> Result<Vec<i64>> {
        integers(self.get(index, name)?, name)
    }

    /// [`Inputs::integers`] of an input that may be absent.
    ///
    /// # Errors
    /// If it is there, but no list of integers.
    pub fn optional_integers(&self, index: usize, name: &str) -> Result<Option<Vec<i64>>> {
        self.optional(index).map(|tensor| integers(tensor, name)).transpose()
    }

    /// An input that is one number, as float64.
    ///
    /// # Errors
    /// If it has not exactly one element.
    pub fn optional_number(&self, index: usize, name: &str) -> Result<Option<f64>> {
        self.optional(index).map(|tensor| number(tensor, name)).transpose()
    }
}

/// The elements of a list of integers.
pub(crate) fn integers(tensor: &Tensor, name: &str) -> Result<Vec<i64>> {
    if tensor.ndim() > 1 || tensor.numel() > LONGEST_LIST || !tensor.dtype().is_integral(false) {
        return Err(Error::value(format!(
            "{name} should be a list of integers, but got {} of shape {}",
            tensor.dtype(),
            tensor.shape()
        )));
    }
    tensor.to_dtype(DType::I64)?.to_vec()
}

/// The elements of a list of numbers.
pub(crate) fn numbers(tensor: &Tensor, name: &str) -> Result<Vec<f64>> {
    if tensor.ndim() > 1 || tensor.numel() > LONGEST_LIST {
        return Err(Error::value(format!("{name} should be a list of numbers, but got shape {}", tensor.shape())));
    }
    tensor.to_dtype(DType::F64)?.to_vec()
}

/// The only element of a tensor.
pub(crate) fn number(tensor: &Tensor, name: &str) -> Result<f64> {
    if tensor.numel() != 1 {
        return Err(Error::value(format!("{name} should be one number, but got shape {}", tensor.shape())));
    }
    Ok(tensor.item()?.to_f64())
}

/// Turns an axis that may count from the end into an index.
pub(crate) fn axis(axis: i64, ndim: usize) -> Result<usize> {
    let n = ndim as i64;
    if axis < -n || axis >= n {
        return Err(Error::index(format!("axis {axis} is out of range for a tensor of {ndim} dimensions")));
    }
    Ok(axis.rem_euclid(n) as usize)
}

/// [`axis`] of each of several different axes.
pub(crate) fn axes(list: &[i64], ndim: usize) -> Result<Vec<usize>> {
    let axes = list.iter().map(|&a| axis(a, ndim)).collect::<Result<Vec<_>>>()?;
    let mut seen = vec![false; ndim];
    for &a in &axes {
        if std::mem::replace(&mut seen[a], true) {
            return Err(Error::value(format!("axes {list:?} name dimension {a} twice")));
        }
    }
    Ok(axes)
}

/// A size that is counted in wide integers, because it comes from a file.
pub(crate) fn size(size: i128, what: &str) -> Result<usize> {
    usize::try_from(size)
        .ok()
        .filter(|&n| isize::try_from(n).is_ok())
        .ok_or_else(|| Error::shape(format!("{what} would have the size {size}")))
}

/// Checks that a tensor of this shape would not be larger than what may be allocated; for views,
/// which show more elements than they hold.
pub(crate) fn check_numel(shape: &[usize], dtype: DType) -> Result<()> {
    // Products of some of the sizes are to be numbers, too, also if another size is zero.
    let bytes = shape.iter().filter(|&&n| n > 0).try_fold(dtype.size(), |bytes, &n| bytes.checked_mul(n));
    match bytes.filter(|&bytes| isize::try_from(bytes).is_ok()) {
        Some(bytes) => flambeau_tensor::memory::check(if shape.contains(&0) { 0 } else { bytes }),
        None => Err(Error::memory(format!("no tensor can have the shape {shape:?}"))),
    }
}

/// Sizes as the signed numbers that views take.
pub(crate) fn signed(sizes: &[usize]) -> Vec<isize> {
    sizes.iter().map(|&n| n as isize).collect()
}
