//! Maximum pooling.

use super::sizes::{Axis, PoolOptions, Pooling};
use crate::backend::PlaneMove;
use crate::ops::linear_map::{Direction, LinearMap};
use crate::ops::resample::{output_format, with_spatial};
use crate::{DType, Error, MemoryFormat, Result, Shape, Tensor};
use flambeau_kernels::pool::Windows;

/// The map that picks the numbers at `indices` out of images of shape `from`.
pub(super) fn pick(
    name: &'static str,
    indices: &Tensor,
    spatial: usize,
    (from, format): (Shape, MemoryFormat),
) -> LinearMap {
    let (indices, to) = (indices.detach(), indices.shape());
    LinearMap::new(name, move |operand, direction| {
        let (how, shape) = match direction {
            Direction::Forward => (PlaneMove::Gather, &to),
            Direction::Adjoint => (PlaneMove::ScatterAdd, &from),
        };
        if operand.numel() == 0 {
            return Tensor::zeros(shape, operand.dtype());
        }
        let result = Tensor::empty_in_format(shape, operand.dtype(), format)?;
        operand.backend().move_in_planes(spatial, how, &indices.array(), &operand.array(), &result.array())?;
        Ok(result)
    })
}

/// The maxima of windows, and their indices.
pub(super) fn max_of(
    name: &'static str,
    input: &Tensor,
    spatial: usize,
    windows: &[Windows; 3],
    with_indices: bool,
) -> Result<(Tensor, Option<Tensor>)> {
    let format = output_format(&input.layout(), spatial);
    let sizes: Vec<usize> = windows[3 - spatial..].iter().map(Windows::outputs).collect();
    let shape = with_spatial(&input.shape(), &sizes);
    let recorded = crate::autograd::is_grad_enabled() && input.requires_grad();
    if input.shape()[input.ndim() - spatial..].iter().product::<usize>() > u32::MAX as usize {
        return Err(Error::not_implemented("images of more than 2^32 positions have no maximum pooling"));
    }
    let output = Tensor::empty_in_format(&shape, input.dtype(), format)?;
    let indices =
        (with_indices || recorded).then(|| Tensor::empty_in_format(&shape, DType::I64, format)).transpose()?;
    if output.numel() != 0 {
        let places = indices.as_ref().map(Tensor::array);
        input.backend().max_windows(spatial, windows, &input.array(), &output.array(), places.as_ref())?;
    }
    if let (true, Some(indices)) = (recorded, &indices) {
        pick(name, indices, spatial, (input.shape(), format)).record_forward(input, &output);
    }
    Ok((output, indices))
}

/// The elements of each window inside the image.
fn windows(axis: Axis) -> Result<Windows> {
    let spans: Vec<_> = (0..axis.output)
        .map(|o| {
            let start = (o * axis.stride) as isize - axis.padding as isize;
            let skipped = if start < 0 { start.unsigned_abs().div_ceil(axis.dilation) } else { 0 };
            let first = (start + (skipped * axis.dilation) as isize) as usize;
            let inside = (axis.input.saturating_sub(first)).div_ceil(axis.dilation);
            (first, inside.min(axis.kernel - skipped))
        })
        .collect();
    if spans.iter().any(|&(_, count)| count == 0) {
        return Err(Error::not_implemented("maximum pooling with a window whose elements all lie outside the image"));
    }
    Ok(Windows::new(axis.input, axis.dilation, spans))
}

fn pooled(
    input: &Tensor,
    pooling: Pooling,
    node: &'static str,
    options: &PoolOptions,
    with_indices: bool,
) -> Result<(Tensor, Option<Tensor>)> {
    let axes = pooling.axes(input, options)?;
    if input.dtype() == DType::Bool {
        return Err(Error::not_implemented(format!("\"{}\" not implemented for 'Bool'", pooling.name)));
    }
    let [depth, height, width] = axes.map(windows);
    max_of(node, input, pooling.spatial, &[depth?, height?, width?], with_indices)
}

fn both((values, indices): (Tensor, Option<Tensor>)) -> Result<(Tensor, Tensor)> {
    let indices = indices.ok_or_else(|| Error::runtime("maximum pooling gave no indices"))?;
    Ok((values, indices))
}

const MAX_2D: Pooling = Pooling { name: "max_pool2d", spatial: 2 };
const MAX_3D: Pooling = Pooling { name: "max_pool3d", spatial: 3 };

impl Tensor {
    /// The maximum of each window of `(N, C, H, W)` or `(C, H, W)`. Padding never is the maximum; a
    /// NaN always is.
    ///
    /// # Errors
    /// PyTorch's, for options that do not fit the shape, and for truth values.
    pub fn max_pool2d(&self, options: &PoolOptions) -> Result<Tensor> {
        Ok(pooled(self, MAX_2D, "MaxPool2DWithIndicesBackward0", options, false)?.0)
    }

    /// [`Tensor::max_pool2d`], and the place of each maximum: its flat index in the image.
    ///
    /// # Errors
    /// As [`Tensor::max_pool2d`].
    pub fn max_pool2d_with_indices(&self, options: &PoolOptions) -> Result<(Tensor, Tensor)> {
        pooled(self, MAX_2D, "MaxPool2DWithIndicesBackward0", options, true).and_then(both)
    }

    /// The maximum of each window of `(N, C, D, H, W)` or `(C, D, H, W)`.
    ///
    /// # Errors
    /// PyTorch's, for options that do not fit the shape, and for truth values.
    pub fn max_pool3d(&self, options: &PoolOptions) -> Result<Tensor> {
        Ok(pooled(self, MAX_3D, "MaxPool3DWithIndicesBackward0", options, false)?.0)
    }

    /// [`Tensor::max_pool3d`], and the place of each maximum: its flat index in the image.
    ///
    /// # Errors
    /// As [`Tensor::max_pool3d`].
    pub fn max_pool3d_with_indices(&self, options: &PoolOptions) -> Result<(Tensor, Tensor)> {
        pooled(self, MAX_3D, "MaxPool3DWithIndicesBackward0", options, true).and_then(both)
    }

    /// The maximum of each window of `(N, C, L)` or `(C, L)`.
    ///
    /// # Errors
    /// PyTorch's, for options that do not fit the shape, and for dtypes that are no floats.
    pub fn max_pool1d(&self, options: &PoolOptions) -> Result<Tensor> {
        check_max_1d(self, options)?;
        if !self.dtype().is_floating_point() {
            let dtype = self.dtype().scalar_type_name();
            return Err(Error::not_implemented(format!("\"max_pool1d_impl\" not implemented for '{dtype}'")));
        }
        Ok(self.max_pool1d_with_indices(options)?.0)
    }

    /// [`Tensor::max_pool1d`], and the place of each maximum.
    ///
    /// # Errors
    /// As [`Tensor::max_pool1d`].
    pub fn max_pool1d_with_indices(&self, options: &PoolOptions) -> Result<(Tensor, Tensor)> {
        if !(2..=3).contains(&self.ndim()) {
            return Err(Error::shape(format!(
                "Expected 2 to 3 dimensions, but got {}-dimensional tensor for argument #1 'self' (while checking arguments for max_pool1d)",
                self.ndim()
            )));
        }
        let [kernel, stride, padding, dilation] = numbers_1d(options)?;
        let options = PoolOptions {
            kernel_size: vec![1, kernel],
            stride: vec![1, stride],
            padding: vec![0, padding],
            dilation: vec![1, dilation],
            ..options.clone()
        };
        let (values, indices) = self.unsqueeze(-2)?.max_pool2d_with_indices(&options)?;
        Ok((values.squeeze_dim(-2)?, indices.squeeze_dim(-2)?))
    }
}

/// Kernel size, stride, padding and dilation of the one-dimensional case.
fn numbers_1d(options: &PoolOptions) -> Result<[isize; 4]> {
    let one = |list: &[isize], what: &str, kind: &str| match list {
        [one] => Ok(*one),
        _ => Err(Error::runtime(format!(
            "max_pool1d() {what} must be {kind}an int, list of ints{} tuple of ints of size 1 but got size {}",
            if matches!(what, "stride" | "padding") { ", or" } else { " or" },
            list.len()
        ))),
    };
    let kernel = one(&options.kernel_size, "kernel_size", "")?;
    let stride = if options.stride.is_empty() { kernel } else { one(&options.stride, "stride", "None, ")? };
    let padding = one(&options.padding, "padding", "")?;
    let dilation = one(&options.dilation, "dilation", "")?;
    Ok([kernel, stride, padding, dilation])
}

/// The checks of the one-dimensional case without indices, which has texts of its own.
fn check_max_1d(input: &Tensor, options: &PoolOptions) -> Result<()> {
    let shape = input.shape();
    if !(2..=3).contains(&shape.len()) || shape[shape.len() - 2..].contains(&0) {
        return Err(Error::shape(format!(
            "max_pool1d: Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size for input, but got:{shape}"
        )));
    }
    let [kernel, stride, padding, dilation] = numbers_1d(options)?;
    for (what, value) in [("kernel_size", kernel), ("stride", stride)] {
        if value <= 0 {
            return Err(Error::runtime(format!("max_pool1d() {what} must be greater than zero, but got {value}")));
        }
    }
    if padding < 0 {
        return Err(Error::runtime(format!("max_pool1d() padding must be non-negative, but got {padding}")));
    }
    if padding > kernel / 2 {
        return Err(Error::runtime(format!(
            "max_pool1d() padding should be at most half of kernel size, but got padding={padding} and kernel_size={kernel}"
        )));
    }
    if dilation <= 0 {
        return Err(Error::runtime(format!("max_pool1d() dilation must be greater than zero, but got {dilation}")));
    }
    if (kernel - 1).checked_mul(dilation).and_then(|reach| reach.checked_add(1)).is_none() {
        return Err(Error::runtime(format!(
            "effective kernel size overflows, but got kernel_size={kernel} and dilation={dilation}"
        )));
    }
    let padded = shape[shape.len() - 1] as i128 + 2 * padding as i128;
    let rounding = if options.ceil_mode { stride as i128 - 1 } else { 0 };
    let output = (padded - dilation as i128 * (kernel as i128 - 1) - 1 + rounding).div_euclid(stride as i128) + 1;
    if output <= 0 {
        return Err(Error::shape(format!("max_pool1d() Invalid computed output size: {output}")));
    }
    Ok(())
}
