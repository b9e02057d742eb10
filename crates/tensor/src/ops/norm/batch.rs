//! Batch and instance normalisation.

use super::check_dtypes;
use super::formula::Formula;
use crate::autograd::{Recorder, is_grad_enabled, no_grad};
use crate::backend::{NormGradients, NormParameters, NormShape};
use crate::{DType, Error, MemoryFormat, Result, Tensor};

/// What batch normalisation takes beside its input.
#[derive(Clone, Copy, Debug)]
pub struct BatchNormOptions<'a> {
    /// A factor for each channel.
    pub weight: Option<&'a Tensor>,
    /// A number added to each channel.
    pub bias: Option<&'a Tensor>,
    /// The running mean of each channel: updated in training, used otherwise.
    pub running_mean: Option<&'a Tensor>,
    /// The running (unbiased) variance of each channel: updated in training, used otherwise.
    pub running_var: Option<&'a Tensor>,
    /// Whether to normalise by the batch's own mean and variance.
    pub training: bool,
    /// The share of a new batch in the running statistics.
    pub momentum: f64,
    /// Added to the variance.
    pub eps: f64,
}

impl Default for BatchNormOptions<'_> {
    fn default() -> Self {
        BatchNormOptions {
            weight: None,
            bias: None,
            running_mean: None,
            running_var: None,
            training: false,
            momentum: 0.1,
            eps: 1e-5,
        }
    }
}

fn check_size(name: &str, channels: usize, parameter: Option<&Tensor>) -> Result<()> {
    match parameter.map(Tensor::numel) {
        Some(n) if n != channels => Err(Error::shape(format!("{name} should contain {channels} elements not {n}"))),
        _ => Ok(()),
    }
}

impl BatchNormOptions<'_> {
    fn check(&self, input: &Tensor) -> Result<DType> {
        let channels = if input.ndim() < 2 { 0 } else { input.shape()[1] };
        for (name, running) in [("running_mean", self.running_mean), ("running_var", self.running_var)] {
            if running.is_none() && !self.training {
                return Err(Error::runtime(format!("{name} must be defined in evaluation mode")));
            }
            check_size(name, channels, running)?;
        }
        check_size("weight", channels, self.weight)?;
        check_size("bias", channels, self.bias)?;
        if input.ndim() < 2 && input.numel() > 0 {
            return Err(Error::dimension(1, input.ndim()));
        }
        check_dtypes("batch_norm", input, &[self.weight, self.bias, self.running_mean, self.running_var])
    }

    /// Moves the running statistics towards a batch's.
    fn update(&self, mean: &Tensor, variance: &Tensor, count: usize) -> Result<()> {
        let unbiased = count as f64 / (count as f64 - 1.0);
        for (running, batch, factor) in [(self.running_mean, mean, 1.0), (self.running_var, variance, unbiased)] {
            let Some(running) = running else { continue };
            let share = batch.mul(self.momentum * factor)?.to_dtype(running.dtype())?;
            let updated = running.mul(1.0 - self.momentum)?.add(&share)?;
            running.copy_raw(&updated)?;
            running.bump_version();
        }
        Ok(())
    }
}

/// Images of which each channel has a mean.
fn norm_shape(input: &Tensor) -> NormShape {
    let s = input.shape();
    NormShape { samples: 1, batch: s[0], channels: s[1], groups: s[1], area: s[2..].iter().product() }
}

/// A number for each channel, shaped to broadcast with the images.
fn per_channel(parameter: &Tensor, ndim: usize) -> Result<Tensor> {
    let mut shape = vec![1; ndim];
    shape[1] = parameter.numel();
    parameter.reshape_to(&shape)
}

fn output_format(input: &Tensor) -> MemoryFormat {
    input.suggested_format()
}

impl Tensor {
    /// Normalises each channel of `(N, C, …)`: by its own mean and biased variance in training (and
    /// then updates the running statistics, with the unbiased variance), else by the running ones.
    ///
    /// # Errors
    /// PyTorch's, for statistics that are missing in evaluation, and parameters of other sizes or
    /// dtypes.
    pub fn batch_norm(&self, options: &BatchNormOptions<'_>) -> Result<Tensor> {
        Ok(self.native_batch_norm(options)?.0)
    }

    /// [`Tensor::batch_norm`], and the mean and `1 / sqrt(variance + eps)` of each channel that it used
    /// in training (empty otherwise).
    ///
    /// # Errors
    /// See [`Tensor::batch_norm`].
    pub fn native_batch_norm(&self, options: &BatchNormOptions<'_>) -> Result<(Tensor, Tensor, Tensor)> {
        let statistics_dtype = options.check(self)?;
        // Statistics keep all bits between the passes whatever dtype they are shown in.
        let precise = if statistics_dtype == DType::F64 { DType::F64 } else { DType::F32 };
        let output = Tensor::empty_in_format(self.shape(), self.dtype(), output_format(self))?;
        if self.numel() == 0 {
            return empty(self, options, output, statistics_dtype);
        }
        let shape = norm_shape(self);
        let (mean, scale) = no_grad(|| -> Result<_> {
            let (mean, variance) = match (options.training, options.running_mean, options.running_var) {
                (false, Some(mean), Some(variance)) => (mean.to_dtype(precise)?, variance.to_dtype(precise)?),
                _ => {
                    let (mean, variance) =
                        (Tensor::empty([shape.channels], precise)?, Tensor::empty([shape.channels], precise)?);
                    self.backend().moments(shape, &self.array(), &mean.array(), &variance.array())?;
                    options.update(&mean, &variance, shape.numbers())?;
                    (mean, variance)
                }
            };
            Ok((mean.detach(), variance.add(options.eps)?.rsqrt()?))
        })?;
        let (weight, bias) = (options.weight.map(Tensor::array), options.bias.map(Tensor::array));
        let (mean_array, scale_array) = (mean.array(), scale.array());
        let parameters = NormParameters {
            mean: &mean_array,
            inverse_std: &scale_array,
            weight: weight.as_ref(),
            bias: bias.as_ref(),
        };
        self.backend().normalize(shape, &self.array(), parameters, &output.array())?;
        record(self, options, (&mean, &scale), &output);
        let shown = if options.training {
            (mean.to_dtype(statistics_dtype)?, scale.to_dtype(statistics_dtype)?)
        } else {
            (Tensor::empty([0], statistics_dtype)?, Tensor::empty([0], statistics_dtype)?)
        };
        Ok((output, shown.0, shown.1))
    }
}

/// Nothing to normalise, but still a place in the graph.
fn empty(
    input: &Tensor,
    options: &BatchNormOptions<'_>,
    output: Tensor,
    statistics: DType,
) -> Result<(Tensor, Tensor, Tensor)> {
    let mut output = if input.requires_grad() { input.copy()? } else { output };
    for (parameter, product) in [(options.weight, true), (options.bias, false)] {
        if let Some(parameter) = parameter.filter(|p| p.numel() > 0) {
            let first = parameter.reshape_to(&[parameter.numel()])?.select(0, 0)?;
            output = if product { output.mul(&first)? } else { output.add(&first)? };
        }
    }
    Ok((output, Tensor::empty([0], statistics)?, Tensor::empty([0], statistics)?))
}

fn record(input: &Tensor, options: &BatchNormOptions<'_>, (mean, scale): (&Tensor, &Tensor), output: &Tensor) {
    let none = Tensor::from_array(mean.array());
    let (weight, bias) = (options.weight.unwrap_or(&none), options.bias.unwrap_or(&none));
    let Some(mut recorder) = Recorder::new("NativeBatchNormBackward0", &[input, weight, bias]) else { return };
    let saved_input = recorder.save(input);
    let saved_weight = options.weight.map(|w| recorder.save(w));
    let (training, eps) = (options.training, options.eps);
    let bias_dtype = bias.dtype();
    let (mean, scale) = (mean.clone(), scale.clone());
    recorder.finish(output, move |ctx, grad| {
        let input = ctx.saved(saved_input)?;
        let weight = saved_weight.map(|w| ctx.saved(w)).transpose()?;
        let ndim = input.ndim();
        if is_grad_enabled() {
            let dims: Vec<isize> = (0..ndim as isize).filter(|&d| d != 1).collect();
            let shaped = weight.as_ref().map(|w| per_channel(w, ndim)).transpose()?;
            let (mean, scale) = (per_channel(&mean, ndim)?, per_channel(&scale, ndim)?);
            let constants = (!training).then_some((&mean, &scale));
            let formula = Formula { input: &input, dims: &dims, weight: shaped.as_ref(), constants, eps };
            let (of_input, products) = formula.backward(grad)?;
            let of_weight = ctx.needs(1).then(|| products.sum_channels()).transpose()?;
            return Ok(vec![Some(of_input), of_weight, ctx.needs(2).then(|| grad.sum_channels()).transpose()?]);
        }
        let shape = norm_shape(&input);
        let channels = |dtype| Tensor::empty([shape.channels], dtype);
        let of_input = ctx
            .needs(0)
            .then(|| Tensor::empty_in_format(input.shape(), input.dtype(), output_format(&input)))
            .transpose()?;
        let weight_dtype = weight.as_ref().map_or(bias_dtype, Tensor::dtype);
        let of_weight = ctx.needs(1).then(|| channels(weight_dtype)).transpose()?;
        let of_bias = ctx.needs(2).then(|| channels(bias_dtype)).transpose()?;
        let arrays = [&of_input, &of_weight, &of_bias].map(|t| t.as_ref().map(Tensor::array));
        let gradients =
            NormGradients { input: arrays[0].as_ref(), weight: arrays[1].as_ref(), bias: arrays[2].as_ref() };
        let weight = weight.as_ref().map(Tensor::array);
        let (mean, scale) = (mean.array(), scale.array());
        let parameters = NormParameters { mean: &mean, inverse_std: &scale, weight: weight.as_ref(), bias: None };
        let (grad, input) = (grad.array(), input.array());
        crate::backend::of(crate::Device::Cpu)
            .normalize_backward(shape, training, &grad, &input, parameters, gradients)?;
        Ok(vec![of_input, of_weight, of_bias])
    });
}

impl Tensor {
    /// Normalises each channel of each image of `(N, C, …)` by itself. `training` of the options is
    /// PyTorch's `use_input_stats`.
    ///
    /// # Errors
    /// PyTorch's, for statistics that are missing, and parameters of other sizes or dtypes.
    pub fn instance_norm(&self, options: &BatchNormOptions<'_>) -> Result<Tensor> {
        if !options.training && (options.running_mean.is_none() || options.running_var.is_none()) {
            return Err(Error::runtime(
                "Expected running_mean and running_var to be defined when use_input_stats is false",
            ));
        }
        if self.ndim() < 2 {
            return Err(Error::dimension(1, self.ndim()));
        }
        let shape = self.shape();
        let (batch, channels) = (shape[0], shape[1]);
        // Every image of the batch becomes channels of one image.
        let repeated = |parameter: &Tensor| {
            parameter.unsqueeze(0)?.expand_to(&[batch, parameter.numel()])?.reshape_to(&[batch * parameter.numel()])
        };
        let repeat = |parameter: Option<&Tensor>| parameter.map(repeated).transpose();
        let (weight, bias) = (repeat(options.weight)?, repeat(options.bias)?);
        // The running statistics of each image are updated apart, then averaged.
        let running = |parameter: Option<&Tensor>| no_grad(|| repeat(parameter)?.map(|t| t.copy()).transpose());
        let (mean, variance) = (running(options.running_mean)?, running(options.running_var)?);
        let mut merged = shape.to_vec();
        merged[0] = 1;
        merged[1] = batch * channels;
        let output = self.contiguous()?.view_to(&merged)?.batch_norm(&BatchNormOptions {
            weight: weight.as_ref(),
            bias: bias.as_ref(),
            running_mean: mean.as_ref(),
            running_var: variance.as_ref(),
            ..*options
        })?;
        for (running, updated) in [(options.running_mean, mean), (options.running_var, variance)] {
            if let (Some(running), Some(updated)) = (running, updated) {
                let average = no_grad(|| updated.reshape_to(&[batch, channels])?.mean_dims(&[0], false, None))?;
                running.copy_raw(&average)?;
                running.bump_version();
            }
        }
        output.view_to(&shape)
    }

    fn view_to(&self, shape: &[usize]) -> Result<Tensor> {
        self.view(&shape.iter().map(|&size| size as isize).collect::<Vec<_>>())
    }
}
