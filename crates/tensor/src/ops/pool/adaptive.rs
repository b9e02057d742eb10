//! Adaptive pooling: as many windows as there are outputs, of about equal size, overlapping where
//! the sizes do not divide.

use super::average::{check_1d, one};
use super::max::max_of;
use super::sizes::{empty_dimension, non_empty};
use crate::autograd::Recorder;
use crate::ops::resample::{output_format, resample};
use crate::{DType, Error, Result, Tensor};
use flambeau_kernels::pool::Windows;
use flambeau_kernels::resample::AxisMap;

/// The first and one past the last input of output `o`.
fn bin(o: usize, inputs: usize, outputs: usize) -> std::ops::Range<usize> {
    let (o, n, m) = (o as u128, inputs as u128, outputs as u128);
    (o * n / m) as usize..((o + 1) * n).div_ceil(m) as usize
}

fn mean_map(inputs: usize, outputs: usize) -> AxisMap {
    let bins = (0..outputs).map(|o| bin(o, inputs, outputs));
    let divisors = bins.clone().map(|bin| bin.len() as f64).collect();
    AxisMap::new(inputs, bins.map(|bin| bin.map(|i| (i, 1.0)).collect())).divided(divisors)
}

fn max_windows(inputs: usize, outputs: usize) -> Windows {
    Windows::new(inputs, 1, (0..outputs).map(|o| bin(o, inputs, outputs)).map(|bin| (bin.start, bin.len())).collect())
}

/// The three sizes of input and output, given the last `spatial` of each.
fn triples(input: &[usize], output: &[isize]) -> [(usize, usize); 3] {
    let mut sizes = [(1, 1); 3];
    let first = 3 - input.len();
    for (i, (&n, &m)) in input.iter().zip(output).enumerate() {
        sizes[first + i] = (n, m as usize);
    }
    sizes
}

fn check_rank(name: &str, input: &Tensor, spatial: usize, colon: &str) -> Result<()> {
    let n = input.ndim();
    if n == spatial + 1 || n == spatial + 2 {
        return Ok(());
    }
    Err(Error::shape(format!(
        "{name}(): Expected {}D or {}D tensor, but got{colon} {}",
        spatial + 1,
        spatial + 2,
        input.shape()
    )))
}

fn unsupported(kernel: &str, input: &Tensor) -> Result<()> {
    if input.dtype().is_floating_point() {
        return Ok(());
    }
    let dtype = input.dtype().scalar_type_name();
    Err(Error::not_implemented(format!("\"{kernel}\" not implemented for '{dtype}'")))
}

/// Whether the outputs are memory that can exist.
fn check_output(input: &Tensor, output_size: &[isize]) -> Result<()> {
    let lead = input.ndim() - output_size.len();
    let mut shape = input.shape().to_vec();
    shape.truncate(lead);
    shape.extend(output_size.iter().map(|&size| size as usize));
    crate::Shape::from(shape).checked_numel().map(|_| ())
}

fn average(input: &Tensor, output_size: &[isize], spatial: usize) -> Result<Tensor> {
    let (name, kernel, node) = match spatial {
        2 => ("adaptive_avg_pool2d", "adaptive_avg_pool2d", "AdaptiveAvgPool2DBackward0"),
        _ => ("adaptive_avg_pool3d", "adaptive_avg_pool3d_cpu", "AdaptiveAvgPool3DBackward0"),
    };
    if output_size.len() != spatial {
        return Err(Error::runtime(format!("{name}: output_size must be {spatial}")));
    }
    if output_size.iter().any(|&size| size < 0) {
        let sizes: Vec<String> = output_size.iter().map(ToString::to_string).collect();
        // The three-dimensional text lacks a blank.
        let sizes = if spatial == 3 { format!("{}, {},{}", sizes[0], sizes[1], sizes[2]) } else { sizes.join(", ") };
        return Err(Error::runtime(format!(
            "{name}: elements of output_size must be greater than or equal to 0 but received {{{sizes}}}"
        )));
    }
    // PyTorch looks the spatial dimensions up first.
    input.size(-(spatial as isize))?;
    check_rank(name, input, spatial, "")?;
    let first = if spatial == 2 { input.ndim() - 2 } else { input.ndim() - 4 };
    non_empty(name, &input.shape(), first)?;
    unsupported(kernel, input)?;
    check_output(input, output_size)?;
    if output_size.contains(&0) {
        return nothing(name, node, input, output_size);
    }
    let shape = input.shape();
    let maps = triples(&shape[shape.len() - spatial..], output_size).map(|(n, m)| mean_map(n, m));
    resample(node, input, output_format(&input.layout(), spatial), maps, spatial)
}

/// An output without elements, from which PyTorch gives no gradient.
fn nothing(name: &'static str, node: &str, input: &Tensor, output_size: &[isize]) -> Result<Tensor> {
    let shape = input.shape();
    let lead = shape.len() - output_size.len();
    let sizes: Vec<usize> =
        shape[..lead].iter().copied().chain(output_size.iter().map(|&size| size as usize)).collect();
    let empty = output_size.iter().position(|&size| size == 0).map_or(lead, |at| lead + at);
    let out = Tensor::empty(sizes, input.dtype())?;
    if let Some(recorder) = Recorder::new(node, &[input]) {
        recorder.finish(&out, move |_, grad| {
            Err(Error::shape(format!(
                "{name}_backward(): Expected grad_output to have non-zero size for non-batch dimensions, but grad_output has sizes {} with dimension {empty} being empty",
                grad.shape()
            )))
        });
    }
    Ok(out)
}

fn maximum(input: &Tensor, output_size: &[isize], spatial: usize) -> Result<(Tensor, Tensor)> {
    let (name, kernel, node) = match spatial {
        2 => ("adaptive_max_pool2d", "adaptive_max_pool2d", "AdaptiveMaxPool2DBackward0"),
        _ => ("adaptive_max_pool3d", "adaptive_max_pool3d_cpu", "AdaptiveMaxPool3DBackward0"),
    };
    check_rank(name, input, spatial, ":")?;
    let shape = input.shape();
    non_empty(name, &shape, if shape.len() == spatial + 2 { 1 } else { 0 })?;
    if shape.len() == spatial + 1 && shape[0] == 0 {
        return Err(empty_dimension(name, &shape, 0));
    }
    if output_size.len() != spatial {
        return Err(Error::runtime(format!("{name}(): internal error: output_size.size() must be {spatial}")));
    }
    if let Some(&negative) = output_size.iter().find(|&&size| size < 0) {
        let mut sizes: Vec<isize> = shape[..shape.len() - spatial].iter().map(|&size| size as isize).collect();
        sizes.extend(output_size);
        return Err(Error::runtime(format!("Trying to create tensor with negative dimension {negative}: {sizes:?}")));
    }
    unsupported(kernel, input)?;
    check_output(input, output_size)?;
    if output_size.contains(&0) {
        let values = nothing(name, node, input, output_size)?;
        let indices = Tensor::empty(values.shape(), DType::I64)?;
        return Ok((values, indices));
    }
    let windows = triples(&shape[shape.len() - spatial..], output_size).map(|(n, m)| max_windows(n, m));
    let format = output_format(&input.layout(), spatial);
    let (values, indices) = max_of(node, input, spatial, &windows, format, true)?;
    let indices = indices.ok_or_else(|| Error::runtime("maximum pooling gave no indices"))?;
    Ok((values, indices))
}

impl Tensor {
    /// The means of `output_size` bins of `(N, C, L)` or `(C, L)`.
    ///
    /// # Errors
    /// PyTorch's, for shapes and sizes that do not fit and dtypes that are no floats.
    pub fn adaptive_avg_pool1d(&self, output_size: &[isize]) -> Result<Tensor> {
        check_1d(self, "adaptive_avg_pool1d")?;
        let size = one(output_size, "adaptive_avg_pool1d", "output_size")?;
        self.unsqueeze(-2)?.adaptive_avg_pool2d(&[1, size])?.squeeze_dim(-2)
    }

    /// The means of `output_size` bins of `(N, C, H, W)` or `(C, H, W)`.
    ///
    /// # Errors
    /// As [`Tensor::adaptive_avg_pool1d`].
    pub fn adaptive_avg_pool2d(&self, output_size: &[isize]) -> Result<Tensor> {
        average(self, output_size, 2)
    }

    /// The means of `output_size` bins of `(N, C, D, H, W)` or `(C, D, H, W)`.
    ///
    /// # Errors
    /// As [`Tensor::adaptive_avg_pool1d`].
    pub fn adaptive_avg_pool3d(&self, output_size: &[isize]) -> Result<Tensor> {
        average(self, output_size, 3)
    }

    /// The maxima of `output_size` bins of `(N, C, L)` or `(C, L)`, and their places.
    ///
    /// # Errors
    /// As [`Tensor::adaptive_avg_pool1d`].
    pub fn adaptive_max_pool1d(&self, output_size: &[isize]) -> Result<(Tensor, Tensor)> {
        check_1d(self, "adaptive_max_pool1d")?;
        let size = one(output_size, "adaptive_max_pool1d", "output_size")?;
        let shape = self.shape();
        non_empty("adaptive_max_pool1d", &shape, shape.len() - 2)?;
        let (values, indices) = self.unsqueeze(-2)?.adaptive_max_pool2d(&[1, size])?;
        Ok((values.squeeze_dim(-2)?, indices.squeeze_dim(-2)?))
    }

    /// The maxima of `output_size` bins of `(N, C, H, W)` or `(C, H, W)`, and their places.
    ///
    /// # Errors
    /// As [`Tensor::adaptive_avg_pool1d`].
    pub fn adaptive_max_pool2d(&self, output_size: &[isize]) -> Result<(Tensor, Tensor)> {
        maximum(self, output_size, 2)
    }

    /// The maxima of `output_size` bins of `(N, C, D, H, W)` or `(C, D, H, W)`, and their places.
    ///
    /// # Errors
    /// As [`Tensor::adaptive_avg_pool1d`].
    pub fn adaptive_max_pool3d(&self, output_size: &[isize]) -> Result<(Tensor, Tensor)> {
        maximum(self, output_size, 3)
    }
}
