//! Convolutions.

use super::quantize::{per_axis, quantized};
use super::window::{Axis, Padding, Window, list};
use crate::compute::{Compute, Inputs, integers};
use flambeau_tensor::ops::{ConvolutionOptions, Padding as Zeros};
use flambeau_tensor::{DType, Error, Result, Tensor};

/// Convolution of `(N, C, …)` with `(M, C / groups, …)` and a bias `(M)`, which may be absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conv {
    /// Strides, dilations, border.
    pub window: Window,
    /// Shares of the channels that do not see each other; 0 counts as 1.
    pub groups: i64,
    /// The size of the kernel, if it is to be checked against that of the weight.
    pub kernel_shape: Vec<i64>,
}

/// The pads of a list of axes as `constant_pad_nd` takes them: the last axis first.
pub(super) fn pads(axes: &[(isize, isize)]) -> Vec<isize> {
    axes.iter().rev().flat_map(|&(begin, end)| [begin, end]).collect()
}

fn as_list(values: impl Iterator<Item = usize>) -> Vec<isize> {
    values.map(|v| v as isize).collect()
}

/// The spatial sizes of images and of a kernel, checked to be as many.
fn spatial<'s>(input: &'s [usize], weight: &'s [usize], kernel_shape: &[i64]) -> Result<(&'s [usize], &'s [usize])> {
    if input.len() < 3 || input.len() > 5 || input.len() != weight.len() {
        return Err(Error::shape(format!(
            "images (N, C, …) with one to three spatial axes and weights of as many are expected, but got {input:?} and {weight:?}"
        )));
    }
    let kernel = list("kernel_shape", kernel_shape, input.len() - 2, 0, 1)?;
    if !kernel_shape.is_empty() && kernel != weight[2..] {
        return Err(Error::shape(format!("kernel_shape is {kernel_shape:?}, but the weight has the shape {weight:?}")));
    }
    Ok((&input[2..], &weight[2..]))
}

fn groups(groups: i64) -> Result<isize> {
    isize::try_from(groups.max(1)).map_err(|_| Error::value(format!("there cannot be {groups} groups")))
}

impl Conv {
    /// The convolution. A border that is not the same on both sides is made beforehand.
    fn convolve(&self, input: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
        let (input_shape, weight_shape) = (input.shape(), weight.shape());
        let (sizes, kernel) = spatial(&input_shape, &weight_shape, &self.kernel_shape)?;
        let axes = self.window.axes(sizes, kernel)?;
        let groups = groups(self.groups)?;
        let options = |padding| ConvolutionOptions {
            stride: as_list(axes.iter().map(|a| a.stride)),
            padding: Zeros::Zeros(padding),
            dilation: as_list(axes.iter().map(|a| a.dilation)),
            groups,
            ..ConvolutionOptions::default()
        };
        if axes.iter().all(|a| a.begin == a.end) {
            return input.convolution(weight, bias, &options(as_list(axes.iter().map(|a| a.begin))), false);
        }
        let sides: Vec<_> = axes.iter().map(|a| (a.begin as isize, a.end as isize)).collect();
        let padded = input.constant_pad_nd(&pads(&sides), 0)?;
        padded.convolution(weight, bias, &options(vec![0]), false)
    }
}

impl Compute for Conv {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        Ok(vec![self.convolve(inputs.get(0, "X")?, inputs.get(1, "W")?, inputs.optional(2))?])
    }
}

/// Transposed convolution of `(N, C, …)` with `(C, M / groups, …)` and a bias `(M)`, which may be
/// absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConvTranspose {
    /// Strides, dilations, border (which is cut off).
    pub window: Window,
    /// Shares of the channels that do not see each other; 0 counts as 1.
    pub groups: i64,
    /// The size of the kernel, if it is to be checked against that of the weight.
    pub kernel_shape: Vec<i64>,
    /// Positions added after each axis of the result.
    pub output_padding: Vec<i64>,
    /// The size of the result, from which the border follows; by default it follows from the rest.
    pub output_shape: Vec<i64>,
}

impl ConvTranspose {
    /// What is cut off before and after each axis of the full result.
    fn crops(&self, axes: &[Axis], added: &[usize]) -> Result<Vec<(i128, i128)>> {
        let n = axes.len();
        let wanted = match self.output_shape.len() {
            len if len == n + 2 => &self.output_shape[2..],
            _ => &self.output_shape,
        };
        let same = matches!(self.window.padding, Padding::SameUpper | Padding::SameLower);
        let outputs = if !wanted.is_empty() {
            list("output_shape", wanted, n, 0, 1)?.into_iter().map(|o| o as i128).collect()
        } else if same {
            axes.iter().map(|a| a.input as i128 * a.stride as i128).collect()
        } else {
            return Ok(axes.iter().map(|a| (a.begin as i128, a.end as i128)).collect());
        };
        let crop = |((axis, &added), output): ((&Axis, &usize), i128)| {
            let total = axis.length(axis.input) + added as i128 - output;
            if total < 0 {
                // The result is larger than what the kernel reaches: the rest comes at the end.
                return (0, total);
            }
            let half = total / 2;
            if self.window.padding == Padding::SameUpper { (half, total - half) } else { (total - half, half) }
        };
        Ok(axes.iter().zip(added).zip::<Vec<i128>>(outputs).map(crop).collect())
    }
}

impl Compute for ConvTranspose {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let (input, weight, bias) = (inputs.get(0, "X")?, inputs.get(1, "W")?, inputs.optional(2));
        let (input_shape, weight_shape) = (input.shape(), weight.shape());
        let (sizes, kernel) = spatial(&input_shape, &weight_shape, &self.kernel_shape)?;
        // What SAME means here is the size of the result; the window's own rule is of no use.
        let same = matches!(self.window.padding, Padding::SameUpper | Padding::SameLower);
        let plain = Window { padding: Padding::Valid, ..self.window.clone() };
        let axes = if same { plain.axes(sizes, kernel)? } else { self.window.axes(sizes, kernel)? };
        let added = list("output_padding", &self.output_padding, axes.len(), 0, 0)?;
        let crops = self.crops(&axes, &added)?;
        let groups = groups(self.groups)?;
        let options = |padding, output_padding| ConvolutionOptions {
            stride: as_list(axes.iter().map(|a| a.stride)),
            dilation: as_list(axes.iter().map(|a| a.dilation)),
            groups,
            padding: Zeros::Zeros(padding),
            output_padding,
        };
        let direct = axes
            .iter()
            .zip(&added)
            .zip(&crops)
            .all(|((axis, &added), &(begin, end))| begin == end && (added < axis.stride || added < axis.dilation));
        if direct {
            let padding = crops.iter().map(|&(begin, _)| begin as isize).collect();
            let options = options(padding, as_list(added.iter().copied()));
            return Ok(vec![input.convolution(weight, bias, &options, true)?]);
        }
        let full = input.convolution(weight, None, &options(vec![0], vec![0]), true)?;
        let mut sides = Vec::with_capacity(axes.len());
        for ((&(begin, end), &added), size) in crops.iter().zip(&added).zip(&full.shape()[2..]) {
            let end = end - added as i128;
            if *size as i128 - begin - end < 0 {
                return Err(Error::shape(format!(
                    "{begin} and {end} positions cannot be cut off an axis of size {size}"
                )));
            }
            sides.push((-(begin as isize), -(end as isize)));
        }
        let mut result = full.constant_pad_nd(&pads(&sides), 0)?;
        if let Some(bias) = bias {
            let mut shape = vec![1; axes.len() + 2];
            shape[1] = bias.numel() as isize;
            result = result.add(&bias.reshape(&shape)?)?;
        }
        Ok(vec![result])
    }
}

/// A tensor of integers less its zero point (one, or one for each index along `axis`), in a type
/// in which sums of products of bytes are exact.
pub(super) fn centred(tensor: &Tensor, zero_point: Option<&Tensor>, axis: usize) -> Result<Tensor> {
    let wide = tensor.to_dtype(DType::F64)?;
    match zero_point {
        Some(zero_point) => wide.sub(&per_axis(&zero_point.to_dtype(DType::F64)?, axis, tensor.ndim())?),
        None => Ok(wide),
    }
}

/// Convolution of bytes into int32: `x`, `w`, and their zero points, which may be absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConvInteger(pub Conv);

impl Compute for ConvInteger {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let input = centred(inputs.get(0, "x")?, inputs.optional(2), 1)?;
        let weight = centred(inputs.get(1, "w")?, inputs.optional(3), 0)?;
        Ok(vec![self.0.convolve(&input, &weight, None)?.to_dtype(DType::I32)?])
    }
}

/// Convolution of quantised numbers: `x`, its scale and zero point, the same of `w` and of the
/// result, and a bias in the scale of the products, which may be absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QLinearConv(pub Conv);

impl Compute for QLinearConv {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let (x, w) = (inputs.get(0, "x")?, inputs.get(3, "w")?);
        let input = centred(x, inputs.optional(2), 1)?;
        let weight = centred(w, inputs.optional(5), 0)?;
        let bias = inputs.optional(8).map(|bias| integers(bias, "B")).transpose()?;
        let bias = bias
            .map(|bias| Tensor::from_slice(&bias.iter().map(|&b| b as f64).collect::<Vec<_>>(), [bias.len()]))
            .transpose()?;
        let sums = self.0.convolve(&input, &weight, bias.as_ref())?;
        let scale = inputs.get(1, "x_scale")?.mul(inputs.get(4, "w_scale")?)?.to_dtype(DType::F64)?;
        let real = sums.mul(&per_axis(&scale, 1, sums.ndim())?)?;
        let zero_point = inputs.get(7, "y_zero_point")?;
        Ok(vec![quantized(&real, &inputs.get(6, "y_scale")?.to_dtype(DType::F64)?, zero_point)?])
    }
}
