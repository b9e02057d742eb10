//! Distinct elements and slices.

use crate::autograd::Recorder;
use crate::{Error, Result, Tensor};

/// What is wanted beside the distinct elements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UniqueOptions {
    /// The place of each element in the result.
    pub inverse: bool,
    /// How often each element of the result occurs.
    pub counts: bool,
}

/// Distinct elements. What was not asked for is an empty tensor.
#[derive(Clone, Debug)]
pub struct Unique {
    /// The elements, or slices.
    pub values: Tensor,
    /// For each element of the input, its place in `values` (int64).
    pub inverse: Tensor,
    /// For each element of `values`, how often it occurs (int64).
    pub counts: Tensor,
}

fn integers(wanted: bool, values: &[i64]) -> Result<Tensor> {
    let values = if wanted { values } else { &[] };
    Tensor::from_slice(values, [values.len()])
}

impl Tensor {
    /// The distinct elements in ascending order. NaN equals nothing.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn unique(&self, options: UniqueOptions) -> Result<Unique> {
        self.unique_flat("_unique2", "Unique2Backward0", options, false)
    }

    /// [`Tensor::unique`] under the name of PyTorch's older form.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn unique_old(&self, options: UniqueOptions) -> Result<Unique> {
        self.unique_flat("_unique", "UniqueBackward0", options, false)
    }

    /// The elements without those that equal the one before: of the flattened tensor, or slices along
    /// a dimension, for which inverse and counts are always there.
    ///
    /// # Errors
    /// If there is no such dimension, or another one is empty.
    pub fn unique_consecutive(&self, options: UniqueOptions, dim: Option<isize>) -> Result<Unique> {
        let names = ("unique_consecutive", "UniqueConsecutiveBackward0");
        match dim {
            None => self.unique_flat(names.0, names.1, options, true),
            Some(dim) => self.unique_slices(names, dim, true),
        }
    }

    /// The distinct slices along a dimension, in lexicographic order, with inverse and counts.
    ///
    /// # Errors
    /// If there is no such dimension, or another one is empty.
    pub fn unique_dim(&self, dim: isize) -> Result<Unique> {
        self.unique_slices(("unique_dim", "UniqueDimBackward0"), dim, false)
    }

    fn unique_flat(&self, name: &'static str, node: &str, options: UniqueOptions, consecutive: bool) -> Result<Unique> {
        let flat = self.detach().contiguous()?.reshape(&[-1])?;
        let rows = flat.unsqueeze(1)?;
        let groups = self.backend().distinct(&rows.array(), consecutive)?;
        let values = flat.index_select(0, &integers(true, &groups.first)?)?;
        let inverse =
            if options.inverse { Tensor::from_slice(&groups.inverse, self.shape())? } else { integers(false, &[])? };
        let counts = integers(options.counts, &groups.counts)?;
        self.record_unique(name, node, &values);
        Ok(Unique { values, inverse, counts })
    }

    fn unique_slices(&self, (name, node): (&'static str, &str), dim: isize, consecutive: bool) -> Result<Unique> {
        let dim = self.dim(dim)?;
        if self.ndim() == 0 {
            return Err(Error::index(format!("Dimension specified as {dim} but tensor has no dimensions")));
        }
        let shape = self.shape();
        let empty = shape.iter().filter(|&&n| n == 0).count();
        let size = shape.get(dim).map_or(1, |&n| n);
        if size == 0 {
            if empty > 1 {
                return Err(Error::runtime(
                    "Number of zero sized dimensions is more than one, so unique cannot be applied ",
                ));
            }
            let values = Tensor::empty(shape, self.dtype())?;
            return Ok(Unique { values, inverse: integers(true, &[])?, counts: integers(true, &[])? });
        }
        if empty > 0 {
            return Err(Error::runtime(
                "There are 0 sized dimensions, and they aren't selected, so unique cannot be applied",
            ));
        }
        let source = self.detach();
        let rows = source.movedim(&[dim as isize], &[0])?.contiguous()?.reshape(&[size as isize, -1])?;
        let groups = self.backend().distinct(&rows.array(), consecutive)?;
        let values = source.index_select(dim as isize, &integers(true, &groups.first)?)?;
        self.record_unique(name, node, &values);
        Ok(Unique { values, inverse: integers(true, &groups.inverse)?, counts: integers(true, &groups.counts)? })
    }

    fn record_unique(&self, name: &'static str, node: &str, values: &Tensor) {
        if let Some(recorder) = Recorder::new(node, &[self]) {
            recorder.finish(values, move |_, _| {
                Err(Error::not_implemented(format!("the derivative for '{name}' is not implemented.")))
            });
        }
    }
}
