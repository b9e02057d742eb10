//! Broadcasting: dimensions of size 1 shown as larger ones.

use crate::ops::elementwise::broadcast_pair;
use crate::{DType, Error, Layout, Result, Shape, Tensor};

/// The shape that tensors of these shapes broadcast to.
///
/// # Errors
/// If two sizes of a dimension differ and neither is 1.
pub fn broadcast_shapes(shapes: &[&[usize]]) -> Result<Shape> {
    let mut common = Shape::new(&[]);
    for (at, shape) in shapes.iter().enumerate() {
        let mismatch = common.iter().rev().zip(shape.iter().rev()).position(|(&a, &b)| a != b && a != 1 && b != 1);
        if let Some(from_end) = mismatch {
            let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
            let comma = if sizes.len() == 1 { "," } else { "" };
            return Err(Error::runtime(format!(
                "Attempting to broadcast a dimension of length {} at {}! Mismatching argument at index {at} had ({}{comma}); but expected shape should be broadcastable to {common}",
                shape[shape.len() - 1 - from_end],
                -(from_end as isize) - 1,
                sizes.join(", ")
            )));
        }
        common = broadcast_pair(&common, &Shape::new(shape))?;
    }
    Ok(common)
}

/// All tensors expanded to the shape they broadcast to.
///
/// # Errors
/// If two sizes of a dimension differ and neither is 1.
pub fn broadcast_tensors(tensors: &[&Tensor]) -> Result<Vec<Tensor>> {
    let shape = tensors.iter().try_fold(Shape::new(&[]), |shape, t| broadcast_pair(&shape, &t.shape()))?;
    tensors.iter().map(|t| if t.shape() == shape { Ok((*t).clone()) } else { t.expand_to(&shape) }).collect()
}

/// The layout with dimensions of size 1 repeated to fill a shape; -1 in `sizes` keeps a size.
fn expanded(layout: &Layout, dtype: DType, sizes: &[isize]) -> Result<Layout> {
    let old = layout.shape();
    if sizes.len() < old.len() {
        return Err(Error::runtime(format!(
            "expand(torch.{}Tensor{{{old}}}, size={sizes:?}): the number of sizes provided ({}) must be greater or equal to the number of dimensions in the tensor ({})",
            dtype.scalar_type_name(),
            sizes.len(),
            old.len()
        )));
    }
    let new_dims = sizes.len() - old.len();
    let mut shape = vec![0; sizes.len()];
    let mut strides = vec![0; sizes.len()];
    for dim in (0..sizes.len()).rev() {
        let (size, stride) = match dim.checked_sub(new_dims) {
            Some(d) => (old[d], layout.strides()[d]),
            // A new dimension lies outside those already there.
            None => (1, shape.get(dim + 1).map_or(1, |s| s * strides[dim + 1])),
        };
        let target = match sizes[dim] {
            -1 if dim < new_dims => {
                return Err(Error::runtime(format!(
                    "The expanded size of the tensor (-1) isn't allowed in a leading, non-existing dimension {dim}"
                )));
            }
            -1 => size,
            target => target as usize,
        };
        if sizes[dim] < -1 && size == 1 {
            return Err(Error::runtime("numel: integer multiplication overflow"));
        }
        if sizes[dim] < -1 || (size != target && size != 1) {
            let message = format!(
                "The expanded size of the tensor ({}) must match the existing size ({size}) at non-singleton dimension {dim}.  Target sizes: {sizes:?}.  Tensor sizes: {old}",
                sizes[dim]
            );
            return Err(Error::shape(message));
        }
        shape[dim] = target;
        strides[dim] = if size == target { stride } else { 0 };
    }
    Ok(Layout::strided(shape, &strides, layout.offset()))
}

impl Tensor {
    /// Dimensions of size 1 shown as larger ones, and new ones put in front, without a copy. A
    /// size of -1 is kept.
    ///
    /// # Errors
    /// If a dimension of another size than 1 would change, or there are too few sizes.
    pub fn expand(&self, sizes: &[isize]) -> Result<Tensor> {
        let shape = self.shape();
        let layout = expanded(&self.layout(), self.dtype(), sizes)?;
        layout.shape().checked_numel()?;
        self.recorded_view("ExpandBackward0", layout, move |grad| grad.sum_to_size(shape.clone()))
    }

    /// [`Tensor::expand`] to a shape without unknown sizes.
    ///
    /// # Errors
    /// As [`Tensor::expand`].
    pub fn expand_to(&self, shape: &[usize]) -> Result<Tensor> {
        self.expand(&super::shape::signed(shape))
    }

    /// [`Tensor::expand`] to another tensor's shape.
    ///
    /// # Errors
    /// As [`Tensor::expand`].
    pub fn expand_as(&self, other: &Tensor) -> Result<Tensor> {
        self.expand_to(&other.shape())
    }

    /// [`Tensor::expand`] under NumPy's name.
    ///
    /// # Errors
    /// As [`Tensor::expand`].
    pub fn broadcast_to(&self, sizes: &[isize]) -> Result<Tensor> {
        self.expand(sizes)
    }
}
