//! Normalisation.

use crate::compute::{Compute, Inputs, axis};
use flambeau_tensor::ops::{BatchNormOptions, VarianceOptions};
use flambeau_tensor::{DType, Error, Result, Tensor};

/// A vector with an element for each channel, shaped to go with `(N, C, …)`.
fn per_channel(vector: &Tensor, ndim: usize) -> Result<Tensor> {
    let mut shape = vec![1; ndim];
    shape[1] = -1;
    vector.reshape(&shape)
}

fn check_images(input: &Tensor, least: usize) -> Result<()> {
    if input.ndim() < least {
        return Err(Error::shape(format!(
            "a tensor (N, C, …) of at least {least} dimensions is expected, but got {}",
            input.shape()
        )));
    }
    Ok(())
}

/// `(X − mean) / sqrt(var + epsilon) · scale + B` for each channel. Inputs: `X`, `scale`, `B`,
/// mean, variance. In training, those of the batch are used, and the given ones come back moved
/// towards them.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchNormalization {
    /// Added to the variance.
    pub epsilon: f64,
    /// The share of the given statistics in those that come back.
    pub momentum: f64,
    /// Whether to use the batch's statistics.
    pub training: bool,
}

impl Compute for BatchNormalization {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let input = inputs.get(0, "X")?;
        let (weight, bias) = (inputs.get(1, "scale")?, inputs.get(2, "B")?);
        let (mean, variance) = (inputs.get(3, "input_mean")?, inputs.get(4, "input_var")?);
        let options = BatchNormOptions {
            weight: Some(weight),
            bias: Some(bias),
            running_mean: Some(mean),
            running_var: Some(variance),
            eps: self.epsilon,
            ..BatchNormOptions::default()
        };
        if !self.training {
            return Ok(vec![input.batch_norm(&options)?]);
        }
        check_images(input, 2)?;
        let dims: Vec<isize> = (0..input.ndim() as isize).filter(|&d| d != 1).collect();
        let over = VarianceOptions { dims: &dims, correction: 0.0, keepdim: false };
        let (batch_variance, batch_mean) = input.var_mean(over)?;
        let options =
            BatchNormOptions { running_mean: Some(&batch_mean), running_var: Some(&batch_variance), ..options };
        let moved = |old: &Tensor, new: &Tensor| old.mul(self.momentum)?.add(&new.mul(1.0 - self.momentum)?);
        Ok(vec![input.batch_norm(&options)?, moved(mean, &batch_mean)?, moved(variance, &batch_variance)?])
    }
}

/// Each channel of each image gets mean 0 and variance 1, then a scale and a bias. Inputs: `input`,
/// `scale`, `B`.
#[derive(Clone, Debug, PartialEq)]
pub struct InstanceNormalization {
    /// Added to the variance.
    pub epsilon: f64,
}

impl Compute for InstanceNormalization {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let input = inputs.get(0, "input")?;
        check_images(input, 3)?;
        let (weight, bias) = (Some(inputs.get(1, "scale")?), Some(inputs.get(2, "B")?));
        // A group for each channel.
        Ok(vec![input.group_norm(input.shape()[1] as isize, weight, bias, self.epsilon)?])
    }
}

/// The axes from `axis` on get mean 0 and variance 1, then a scale and a bias. Inputs: `X`,
/// `Scale`, `B`, of which the last may be absent; they broadcast. Results: `Y`, the mean, and one
/// over the standard deviation.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerNormalization {
    /// The first axis.
    pub axis: i64,
    /// Added to the variance.
    pub epsilon: f64,
}

impl Compute for LayerNormalization {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let (input, scale) = (inputs.get(0, "X")?, inputs.get(1, "Scale")?);
        let first = axis(self.axis, input.ndim())?;
        let shape = input.shape();
        let bias = inputs.optional(2);
        let narrow = matches!(input.dtype(), DType::F16 | DType::BF16);
        let precise = if narrow { input.to_dtype(DType::F32)? } else { input.clone() };
        let (normal, mean, deviation) = precise.native_layer_norm(&shape[first..], None, None, self.epsilon)?;
        let mut result = normal.to_dtype(input.dtype())?.mul(scale)?;
        if let Some(bias) = bias {
            result = result.add(bias)?;
        }
        Ok(vec![result, mean, deviation])
    }
}

/// Each group of channels of each image gets mean 0 and variance 1, then a scale and a bias.
/// Inputs: `X`, `scale`, `bias`.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupNormalization {
    /// Added to the variance.
    pub epsilon: f64,
    /// How many groups.
    pub num_groups: i64,
    /// Whether scale and bias have an element for each group, not for each channel.
    pub scale_by_group: bool,
}

impl Compute for GroupNormalization {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let input = inputs.get(0, "X")?;
        check_images(input, 3)?;
        let (scale, bias) = (inputs.get(1, "scale")?, inputs.get(2, "bias")?);
        let groups = isize::try_from(self.num_groups).unwrap_or(0);
        if !self.scale_by_group {
            return Ok(vec![input.group_norm(groups, Some(scale), Some(bias), self.epsilon)?]);
        }
        let normal = input.group_norm(groups, None, None, self.epsilon)?;
        let size = input.shape()[1] as i64 / self.num_groups.max(1);
        let spread = |vector: &Tensor| {
            let columns = vector.reshape(&[-1, 1])?.expand(&[-1, size as isize])?;
            per_channel(&columns.reshape(&[-1])?, input.ndim())
        };
        Ok(vec![normal.mul(&spread(scale)?)?.add(&spread(bias)?)?])
    }
}

/// The axes from `axis` on are divided by their root mean square, then scaled. Inputs: `X`, `scale`.
#[derive(Clone, Debug, PartialEq)]
pub struct RmsNormalization {
    /// The first axis.
    pub axis: i64,
    /// Added to the mean square.
    pub epsilon: f64,
}

impl Compute for RmsNormalization {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let (input, scale) = (inputs.get(0, "X")?, inputs.get(1, "scale")?);
        let first = axis(self.axis, input.ndim())?;
        let dims: Vec<isize> = (first as isize..input.ndim() as isize).collect();
        let narrow = matches!(input.dtype(), DType::F16 | DType::BF16);
        let precise = if narrow { input.to_dtype(DType::F32)? } else { input.clone() };
        let factor = precise.square()?.mean_dims(&dims, true, None)?.add(self.epsilon)?.rsqrt()?;
        Ok(vec![precise.mul(&factor)?.to_dtype(input.dtype())?.mul(scale)?])
    }
}

/// Division by `(bias + alpha / size · sum of the squares of size neighbouring channels)^beta`.
#[derive(Clone, Debug, PartialEq)]
pub struct Lrn {
    /// How many channels are neighbours.
    pub size: i64,
    /// The factor of the squares.
    pub alpha: f64,
    /// The power.
    pub beta: f64,
    /// Added to the squares.
    pub bias: f64,
}

impl Compute for Lrn {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let input = inputs.get(0, "X")?;
        check_images(input, 3)?;
        // More neighbours than there are channels on both sides see nothing new, but the mean is over size.
        let size = usize::try_from(self.size).ok().filter(|&n| n > 0 && n <= 1 << 16);
        let Some(size) = size else {
            return Err(Error::value(format!("size should be from 1 to {}, but got {}", 1 << 16, self.size)));
        };
        let normal = |x: &Tensor| x.local_response_norm(size, self.alpha, self.beta, self.bias);
        // Of an even number of neighbours, the odd one comes after a channel; the tensor's operator
        // has it before.
        if size.is_multiple_of(2) {
            return Ok(vec![normal(&input.flip(&[1])?)?.flip(&[1])?]);
        }
        Ok(vec![normal(input)?])
    }
}

/// Division by the 1- or 2-norm along an axis; where that is zero, the result is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LpNormalization {
    /// The axis.
    pub axis: i64,
    /// Which norm.
    pub p: i64,
}

impl Compute for LpNormalization {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let input = inputs.get(0, "input")?;
        let dim = axis(self.axis, input.ndim())? as isize;
        let norm = input.vector_norm(self.p as f64, &[dim], true, None)?;
        Ok(vec![input.div(&norm.masked_fill(&norm.eq(0)?, 1.0)?)?])
    }
}

/// `(X − mean) / standard deviation` over some axes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeanVarianceNormalization {
    /// The axes.
    pub axes: Vec<i64>,
}

impl Compute for MeanVarianceNormalization {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let input = inputs.get(0, "X")?;
        let dims: Vec<isize> = crate::compute::axes(&self.axes, input.ndim())?.iter().map(|&a| a as isize).collect();
        let over = VarianceOptions { dims: &dims, correction: 0.0, keepdim: true };
        let (variance, mean) = input.var_mean(over)?;
        Ok(vec![input.sub(&mean)?.div(&variance.sqrt()?.add(1e-9)?)?])
    }
}
