//! The inverse of maximum pooling: maxima back in their places, zeros elsewhere.

use crate::backend::PlaneMove;
use crate::ops::linear_map::{Direction, LinearMap};
use crate::ops::resample::{output_format, with_spatial};
use crate::{DType, Error, Result, Tensor};

/// What the messages of one operator say.
struct Words {
    name: &'static str,
    kernel: &'static str,
    node: &'static str,
    ranks: &'static str,
    elements: &'static str,
}

const TWO: Words = Words {
    name: "max_unpooling2d",
    kernel: "max_unpool2d",
    node: "MaxUnpool2DBackward0",
    ranks: "3d or 4d",
    elements: "two elements (height, width)",
};
const THREE: Words = Words {
    name: "max_unpooling3d",
    kernel: "max_unpool3d",
    node: "MaxUnpool3DBackward0",
    ranks: "4d or 5d",
    elements: "three elements (depth, height, width)",
};

fn unpool(input: &Tensor, indices: &Tensor, output_size: &[isize], spatial: usize) -> Result<Tensor> {
    let words = if spatial == 2 { &TWO } else { &THREE };
    let (name, shape) = (words.name, input.shape());
    if indices.dtype() != DType::I64 {
        let dtype = indices.dtype().scalar_type_name();
        return Err(Error::runtime(format!("elements in indices should be type int64 but got: {dtype}")));
    }
    if output_size.len() != spatial {
        return Err(Error::runtime(format!(
            "There should be exactly {} in output_size, but got {} elements.",
            words.elements,
            output_size.len()
        )));
    }
    if output_size.iter().any(|&size| size < 0) {
        return Err(Error::runtime(format!(
            "{name}(): output_size must contain non-negative spatial dimensions, but got output_size={output_size:?}"
        )));
    }
    if shape.len() != spatial + 1 && shape.len() != spatial + 2 {
        return Err(Error::shape(format!(
            "Input to {name} should be a {} Tensor, but got a tensor with {} dimensions.",
            words.ranks,
            shape.len()
        )));
    }
    if shape != indices.shape() {
        return Err(Error::shape(format!(
            "Expected shape of indices to be same as that of the input tensor ({shape}) but got indices tensor with shape: {}",
            indices.shape()
        )));
    }
    if let Some(dim) = (1..shape.len()).find(|&dim| shape[dim] == 0) {
        return Err(Error::shape(format!(
            "{name}_forward_out_cpu(): Expected input to have non-zero size for non-batch dimensions, but input has sizes {shape} with dimension {dim} being empty"
        )));
    }
    if !input.dtype().is_floating_point() {
        let dtype = input.dtype().scalar_type_name();
        return Err(Error::not_implemented(format!("\"{}\" not implemented for '{dtype}'", words.kernel)));
    }
    let sizes: Vec<usize> = output_size.iter().map(|&size| size as usize).collect();
    let to = with_spatial(&shape, &sizes);
    to.checked_numel()?;
    let (format, indices) = (output_format(&input.layout(), spatial), indices.detach());
    LinearMap::new(words.node, move |operand, direction| {
        let (how, to) = match direction {
            Direction::Forward => (PlaneMove::Scatter, &to),
            Direction::Adjoint => (PlaneMove::Gather, &shape),
        };
        if operand.numel() == 0 || to.numel() == 0 {
            return Tensor::zeros(to, operand.dtype());
        }
        let result = Tensor::empty_in_format(to, operand.dtype(), format)?;
        operand.backend().move_in_planes(spatial, how, &indices.array(), &operand.array(), &result.array())?;
        Ok(result)
    })
    .apply(input)
}

impl Tensor {
    /// Puts each number of `(N, C, H, W)` or `(C, H, W)` where `indices`, of the same shape, say: its
    /// flat index in an image of `output_size`. Zeros elsewhere. Of several numbers for one place the
    /// last one stays.
    ///
    /// # Errors
    /// PyTorch's, if shapes or dtypes do not fit, or an index lies outside the image.
    pub fn max_unpool2d(&self, indices: &Tensor, output_size: &[isize]) -> Result<Tensor> {
        unpool(self, indices, output_size, 2)
    }

    /// [`Tensor::max_unpool2d`] for volumes `(N, C, D, H, W)` or `(C, D, H, W)`. Stride and padding are
    /// those of the pooling that is undone; they are checked and change nothing.
    ///
    /// # Errors
    /// As [`Tensor::max_unpool2d`], and if a stride is not positive.
    pub fn max_unpool3d(
        &self,
        indices: &Tensor,
        output_size: &[isize],
        stride: &[isize],
        padding: &[isize],
    ) -> Result<Tensor> {
        for (list, what) in [(stride, "stride"), (padding, "padding")] {
            if list.len() != 3 {
                return Err(Error::runtime(format!(
                    "There should be exactly {} in {what}, but got: {} elements.",
                    THREE.elements,
                    list.len()
                )));
            }
        }
        if stride.iter().any(|&step| step <= 0) {
            return Err(Error::runtime(format!("strides should be greater than zero, but got stride: {stride:?}")));
        }
        unpool(self, indices, output_size, 3)
    }
}
