//! Other sizes for the same elements: `view`, `reshape` and what is made of them.

use crate::{Array, DType, Error, Layout, Result, Shape, Strides, Tensor, wrap_dim};

/// Sizes with at most one -1 filled in so that they hold `numel` elements.
///
/// # Errors
/// PyTorch's: two unknown sizes, a negative size, or a number of elements that does not fit.
pub fn infer_sizes(sizes: &[isize], numel: usize) -> Result<Shape> {
    let mut unknown = None;
    let mut known = Some(1usize);
    for (dim, &size) in sizes.iter().enumerate() {
        match size {
            -1 if unknown.is_some() => return Err(Error::runtime("only one dimension can be inferred")),
            -1 => unknown = Some(dim),
            size if size < 0 => {
                return Err(Error::runtime(format!(
                    "invalid shape dimension {size} at index {dim} of shape {sizes:?}"
                )));
            }
            size => known = known.and_then(|n| n.checked_mul(size as usize)),
        }
    }
    let mut shape: Shape = sizes.iter().map(|&size| size.max(0) as usize).collect();
    match (unknown, known) {
        (None, Some(n)) if n == numel => return Ok(shape),
        (Some(dim), Some(n)) if n > 0 && numel.is_multiple_of(n) => {
            shape[dim] = numel / n;
            return Ok(shape);
        }
        (Some(_), Some(0)) if numel == 0 => {
            return Err(Error::runtime(format!(
                "cannot reshape tensor of 0 elements into shape {sizes:?} because the unspecified dimension size -1 can be any value and is ambiguous"
            )));
        }
        _ => {}
    }
    Err(Error::shape(format!("shape '{sizes:?}' is invalid for input of size {numel}")))
}

/// Strides that show the elements of a strided tensor in another shape of as many elements;
/// `None` when only a copy can.
///
/// The dimensions fall into runs that are contiguous among themselves. A new dimension may take
/// part of a run, or all of it, but not reach over the gap between two.
fn view_strides(layout: &Layout, shape: &[usize]) -> Option<Strides> {
    let (old_shape, old_strides) = (layout.shape(), layout.strides());
    if layout.numel() == 0 {
        let same = old_shape == shape;
        return Some(if same { Strides::from_slice(old_strides) } else { crate::layout::contiguous_strides(shape) });
    }
    let mut strides = Strides::from_elem(1, shape.len());
    let mut rest = shape.len();
    let mut run_numel = 1;
    let mut run_stride = old_strides.last().copied().unwrap_or(1);
    for dim in (0..old_shape.len()).rev() {
        run_numel *= old_shape[dim];
        let run_ends = dim == 0 || (old_shape[dim - 1] != 1 && old_strides[dim - 1] != run_numel * run_stride);
        if !run_ends {
            continue;
        }
        let mut taken = 1;
        while rest > 0 && (taken < run_numel || shape[rest - 1] == 1) {
            rest -= 1;
            strides[rest] = taken * run_stride;
            taken *= shape[rest];
        }
        if taken != run_numel {
            return None;
        }
        if dim > 0 {
            run_stride = old_strides[dim - 1];
            run_numel = 1;
        }
    }
    // Only a 0-d tensor leaves sizes over, and they are all 1.
    Some(strides)
}

impl Tensor {
    /// The same numbers in another shape; one size may be -1.
    ///
    /// # Errors
    /// If the number of elements differs, or the strides allow no such view.
    pub fn view(&self, sizes: &[isize]) -> Result<Tensor> {
        let shape = infer_sizes(sizes, self.numel())?;
        let layout = self.layout();
        let Some(strides) = view_strides(&layout, &shape) else {
            return Err(Error::shape(
                "view size is not compatible with input tensor's size and stride (at least one dimension spans across two contiguous subspaces). Use .reshape(...) instead.",
            ));
        };
        self.view_as_sizes("ViewBackward0", Layout::strided(shape, &strides, layout.offset()))
    }

    fn view_as_sizes(&self, name: &str, layout: Layout) -> Result<Tensor> {
        let shape = self.shape();
        self.recorded_view(name, layout, move |grad| grad.reshape_to(&shape))
    }

    /// The same elements in another shape: a view where strides allow, else a copy. One size may
    /// be -1.
    ///
    /// # Errors
    /// If the number of elements differs.
    pub fn reshape(&self, sizes: &[isize]) -> Result<Tensor> {
        self.reshape_to(&infer_sizes(sizes, self.numel())?)
    }

    /// [`Tensor::reshape`] to a shape that is known to fit.
    pub(crate) fn reshape_to(&self, shape: &[usize]) -> Result<Tensor> {
        let layout = self.layout();
        if let Some(strides) = view_strides(&layout, shape) {
            return self.view_as_sizes("ViewBackward0", Layout::strided(shape, &strides, layout.offset()));
        }
        let dense = self.clone_in(crate::MemoryFormat::Contiguous)?;
        let out = Tensor::from_array(dense.array().with_layout(Layout::contiguous(shape))?);
        if let Some(recorder) = crate::autograd::Recorder::new("UnsafeViewBackward0", &[&dense]) {
            let shape = self.shape();
            recorder.finish(&out, move |_, grad| Ok(vec![Some(grad.reshape_to(&shape)?)]));
        }
        Ok(out)
    }

    /// [`Tensor::view`] in another tensor's shape.
    ///
    /// # Errors
    /// As [`Tensor::view`].
    pub fn view_as(&self, other: &Tensor) -> Result<Tensor> {
        self.view(&signed(&other.shape()))
    }

    /// [`Tensor::reshape`] to another tensor's shape.
    ///
    /// # Errors
    /// As [`Tensor::reshape`].
    pub fn reshape_as(&self, other: &Tensor) -> Result<Tensor> {
        self.reshape(&signed(&other.shape()))
    }

    /// The bytes as numbers of another dtype. Where sizes of elements differ, the last dimension
    /// shrinks or grows.
    ///
    /// # Errors
    /// If the last dimension, its stride or the offset do not divide accordingly.
    pub fn view_dtype(&self, dtype: DType) -> Result<Tensor> {
        let array = self.array();
        if array.dtype() == dtype {
            return self.alias();
        }
        let layout = viewed_bytes(array.layout(), array.dtype(), dtype)?;
        let array = Array::new(array.storage().clone(), layout, dtype)?;
        Ok(self.view_of_array(array))
    }

    /// Dimensions `start` to `end` (both included) as one.
    ///
    /// # Errors
    /// If a dimension does not exist or the end is before the start.
    pub fn flatten(&self, start: isize, end: isize) -> Result<Tensor> {
        let (start, end) = (self.dim(start)?, self.dim(end)?);
        if start > end {
            return Err(Error::runtime("flatten() has invalid args: start_dim cannot come after end_dim"));
        }
        if self.ndim() == 0 {
            return self.reshape(&[1]);
        }
        if start == end {
            return Ok(self.clone());
        }
        let shape = self.shape();
        let mut sizes = shape[..start].to_vec();
        sizes.push(shape[start..=end].iter().product());
        sizes.extend_from_slice(&shape[end + 1..]);
        self.reshape_to(&sizes)
    }

    /// All elements in one dimension.
    ///
    /// # Errors
    /// If memory for a copy is short.
    pub fn ravel(&self) -> Result<Tensor> {
        self.contiguous()?.view(&[-1])
    }

    /// One dimension as several; one of their sizes may be -1.
    ///
    /// # Errors
    /// If the dimension does not exist or the sizes do not multiply to its own.
    pub fn unflatten(&self, dim: isize, sizes: &[isize]) -> Result<Tensor> {
        let dim = wrap_dim(dim, self.ndim())?;
        if sizes.is_empty() {
            return Err(Error::runtime("unflatten: sizes must be non-empty"));
        }
        let shape = self.shape();
        let Some(&size) = shape.get(dim) else {
            return Err(Error::runtime(format!("unflatten got an unexpected error:\n{}", no_dimensions(dim as isize))));
        };
        let parts = infer_sizes(sizes, size).map_err(|error| {
            if error.kind() != crate::ErrorKind::Shape {
                return Error::runtime(format!("unflatten got an unexpected error:\n{error}"));
            }
            Error::runtime(format!("unflatten: Provided sizes {sizes:?} don't multiply up to the size of dim {dim} ({size}) in the input tensor"))
        })?;
        let full = [&shape[..dim], &parts, &shape[dim + 1..]].concat();
        self.view(&signed(&full))
    }
}

/// PyTorch's error for a dimension of a tensor that has none, where a 0-d tensor does not pass for
/// a 1-d one.
pub(crate) fn no_dimensions(dim: isize) -> Error {
    Error::index(format!("Dimension specified as {dim} but tensor has no dimensions"))
}

/// Sizes as the signed numbers that an operator with a -1 takes.
pub(crate) fn signed(sizes: &[usize]) -> Vec<isize> {
    sizes.iter().map(|&size| size as isize).collect()
}

fn viewed_bytes(layout: &Layout, from: DType, to: DType) -> Result<Layout> {
    let (from_size, to_size) = (from.size(), to.size());
    if from_size == to_size {
        return Ok(layout.clone());
    }
    let ndim = layout.ndim();
    if ndim == 0 {
        return Err(Error::runtime(
            "self.dim() cannot be 0 to view ".to_owned()
                + &format!("{} as {} (different element sizes)", from.scalar_type_name(), to.scalar_type_name()),
        ));
    }
    let (mut shape, mut strides) = (layout.shape().clone(), Strides::from_slice(layout.strides()));
    let last = ndim - 1;
    if strides[last] != 1 {
        return Err(Error::runtime(format!(
            "self.stride(-1) must be 1 to view {} as {} (different element sizes), but got {}",
            from.scalar_type_name(),
            to.scalar_type_name(),
            strides[last]
        )));
    }
    if from_size > to_size {
        let ratio = from_size / to_size;
        shape[last] *= ratio;
        strides[..last].iter_mut().for_each(|s| *s *= ratio);
        return Ok(Layout::strided(shape, &strides, layout.offset() * ratio));
    }
    let ratio = to_size / from_size;
    let (from, to) = (from.scalar_type_name(), to.scalar_type_name());
    if shape[last] % ratio != 0 {
        return Err(Error::runtime(format!(
            "self.size(-1) must be divisible by {ratio} to view {from} as {to} (different element sizes), but got {}",
            shape[last]
        )));
    }
    if !layout.offset().is_multiple_of(ratio) {
        return Err(Error::runtime(format!(
            "self.storage_offset() must be divisible by {ratio} to view {from} as {to} (different element sizes), but got {}",
            layout.offset()
        )));
    }
    for (dim, stride) in strides[..last].iter_mut().enumerate() {
        if *stride % ratio != 0 {
            return Err(Error::runtime(format!(
                "self.stride({dim}) must be divisible by {ratio} to view {from} as {to} (different element sizes), but got {stride}"
            )));
        }
        *stride /= ratio;
    }
    shape[last] /= ratio;
    Ok(Layout::strided(shape, &strides, layout.offset() / ratio))
}
