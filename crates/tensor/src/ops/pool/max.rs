//! Maximum pooling.

use super::sizes::{Axis, PoolOptions, Pooling};
use crate::backend::PlaneMove;
use crate::ops::linear_map::{Direction, LinearMap};
use crate::ops::resample::{output_format, with_spatial};
use crate::{DType, Error, MemoryFormat, Result, Scalar, Shape, Tensor};
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

/// The maxima of windows, and their indices, in this format.
pub(super) fn max_of(
    name: &'static str,
    input: &Tensor,
    spatial: usize,
    windows: &[Windows; 3],
    format: MemoryFormat,
    with_indices: bool,
) -> Result<(Tensor, Option<Tensor>)> {
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

/// Where the elements of each window inside the image begin, and how many there are: with padding and dilation
/// there may be none.
fn spans(axis: Axis) -> Vec<(usize, usize)> {
    (0..axis.output)
        .map(|o| {
            let start = (o * axis.stride) as isize - axis.padding as isize;
            let skipped = if start < 0 { start.unsigned_abs().div_ceil(axis.dilation) } else { 0 };
            let first = (start + (skipped * axis.dilation) as isize) as usize;
            let inside = (axis.input.saturating_sub(first)).div_ceil(axis.dilation);
            (first, inside.min(axis.kernel - skipped))
        })
        .collect()
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
    // In three dimensions an input without a batch keeps its layout, as in PyTorch; in two it does not.
    if pooling.spatial == 3 && input.ndim() == 4 {
        let batched = input.unsqueeze(0)?;
        let format = MemoryFormat::ChannelsLast3d;
        if batched.is_contiguous_in(format) && !batched.is_contiguous() {
            let (values, indices) = max_within(&batched, pooling.spatial, node, axes, format, with_indices)?;
            return Ok((values.squeeze_dim(0)?, indices.map(|indices| indices.squeeze_dim(0)).transpose()?));
        }
    }
    let format = output_format(&input.layout(), pooling.spatial);
    max_within(input, pooling.spatial, node, axes, format, with_indices)
}

/// The maxima of the windows that have elements inside the image, and the lowest number for those that have none.
fn max_within(
    input: &Tensor,
    spatial: usize,
    node: &'static str,
    axes: [Axis; 3],
    format: MemoryFormat,
    with_indices: bool,
) -> Result<(Tensor, Option<Tensor>)> {
    let spans = axes.map(spans);
    let windows: [Windows; 3] = std::array::from_fn(|axis| {
        let inside = spans[axis].iter().copied().filter(|&(_, count)| count > 0).collect();
        Windows::new(axes[axis].input, axes[axis].dilation, inside)
    });
    let (values, indices) = max_of(node, input, spatial, &windows, format, with_indices)?;
    if spans.iter().flatten().all(|&(_, count)| count > 0) {
        return Ok((values, indices));
    }
    let lowest = Tensor::full([], lowest(input.dtype())?, input.dtype())?;
    let values = spread(&values, spatial, &spans, &lowest)?;
    let Some(indices) = indices.filter(|_| with_indices) else { return Ok((values, None)) };
    // Such a window's index is where its first element would be, as PyTorch has it: it may lie outside the image.
    let nowhere = Tensor::scalar(-1, DType::I64)?;
    let indices = spread(&indices, spatial, &spans, &nowhere)?;
    let [_, height, width] = axes.map(|axis| axis.input as i64);
    let mut firsts = Vec::new();
    for &(d, _) in &spans[0] {
        for &(h, _) in &spans[1] {
            firsts.extend(spans[2].iter().map(|&(w, _)| (d as i64 * height + h as i64) * width + w as i64));
        }
    }
    let sizes: Vec<usize> = spans[3 - spatial..].iter().map(Vec::len).collect();
    let firsts = Tensor::from_slice(&firsts, sizes)?;
    let indices = crate::ops::where_(&indices.eq(&nowhere)?, &firsts, &indices)?;
    Ok((values, Some(indices)))
}

/// Results of the windows with elements, brought to their outputs; `filling` for the outputs of the others.
fn spread(of: &Tensor, spatial: usize, spans: &[Vec<(usize, usize)>; 3], filling: &Tensor) -> Result<Tensor> {
    let mut result = of.clone();
    for (axis, spans) in spans[3 - spatial..].iter().enumerate() {
        if spans.iter().all(|&(_, count)| count > 0) {
            continue;
        }
        let dim = axis as isize - spatial as isize;
        let kept = result.size(dim)?;
        let mut shape = result.shape().to_vec();
        let at = shape.len() - spatial + axis;
        shape[at] = 1;
        let border = filling.expand(&shape.iter().map(|&size| size as isize).collect::<Vec<_>>())?;
        let mut next = 0..kept as i64;
        let from: Vec<i64> =
            spans.iter().map(|&(_, count)| if count > 0 { next.next() } else { None }.unwrap_or(kept as i64)).collect();
        let from = Tensor::from_slice(&from, [spans.len()])?;
        result = crate::ops::cat(&[&result, &border], dim)?.index_select(dim, &from)?;
    }
    Ok(result)
}

/// The lowest number of a dtype.
fn lowest(dtype: DType) -> Result<Scalar> {
    Ok(match dtype {
        dtype if dtype.is_floating_point() => f64::NEG_INFINITY.into(),
        DType::U8 => 0.into(),
        DType::I8 => i8::MIN.into(),
        DType::I16 => i16::MIN.into(),
        DType::I32 => i32::MIN.into(),
        DType::I64 => i64::MIN.into(),
        other => return Err(Error::not_implemented(format!("maximum pooling of {other} has no lowest number"))),
    })
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
