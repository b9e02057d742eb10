//! Group normalisation.

use super::check_dtypes;
use super::formula::Formula;
use crate::autograd::{Recorder, is_grad_enabled, no_grad};
use crate::backend::{NormGradients, NormParameters, NormShape};
use crate::{DType, Error, Result, Tensor};

fn check_vector(name: &str, parameter: Option<&Tensor>, input: &Tensor) -> Result<()> {
    match parameter.map(Tensor::shape) {
        Some(shape) if shape != [input.shape()[1]] => Err(Error::shape(format!(
            "Expected {name} to be a vector of size equal to the number of channels in input, but got {name} of shape {shape} and input of shape {}",
            input.shape()
        ))),
        _ => Ok(()),
    }
}

/// Images of which each group of channels has a mean, for each image of the batch.
fn norm_shape(input: &Tensor, groups: usize) -> NormShape {
    let s = input.shape();
    NormShape { samples: s[0], batch: 1, channels: s[1], groups, area: s[2..].iter().product() }
}

impl Tensor {
    /// Normalises groups of neighbouring channels of each image of `(N, C, …)`.
    ///
    /// # Errors
    /// PyTorch's, if the channels do not divide into groups, and for parameters of other sizes or
    /// dtypes.
    pub fn group_norm(
        &self,
        num_groups: isize,
        weight: Option<&Tensor>,
        bias: Option<&Tensor>,
        eps: f64,
    ) -> Result<Tensor> {
        if self.ndim() < 2 {
            return Err(Error::shape(format!(
                "Expected at least 2 dimensions for input tensor but received {}",
                self.ndim()
            )));
        }
        if num_groups <= 0 {
            return Err(Error::runtime(format!("Expected num groups to be greater than 0, got {num_groups}")));
        }
        let groups = num_groups as usize;
        if !self.shape()[1].is_multiple_of(groups) {
            return Err(Error::shape(format!(
                "Expected number of channels in input to be divisible by num_groups, but got input of shape {} and num_groups={groups}",
                self.shape()
            )));
        }
        if self.shape()[1] == 0 {
            return Err(Error::shape("Expected number of channels to be greater than 0, got 0"));
        }
        let area: usize = self.shape()[2..].iter().product();
        if area == 0 {
            return Err(Error::shape("Expected HxW to be greater than 0, got 0"));
        }
        check_vector("weight", weight, self)?;
        check_vector("bias", bias, self)?;
        let dtype = check_dtypes("GroupNormKernelImpl", self, &[weight, bias])?;
        let precise = if dtype == DType::F64 { DType::F64 } else { DType::F32 };
        let output = Tensor::empty_in_format(self.shape(), self.dtype(), self.suggested_format())?;
        let shape = norm_shape(self, groups);
        let (mean, scale) = no_grad(|| -> Result<_> {
            let count = shape.means();
            let (mean, variance) = (Tensor::empty([count], precise)?, Tensor::empty([count], precise)?);
            if self.numel() != 0 {
                self.backend().moments(shape, &self.array(), &mean.array(), &variance.array())?;
            }
            let scale = variance.add(eps)?.rsqrt()?;
            let (weight, bias) = (weight.map(Tensor::array), bias.map(Tensor::array));
            let (mean_array, scale_array) = (mean.array(), scale.array());
            let parameters = NormParameters {
                mean: &mean_array,
                inverse_std: &scale_array,
                weight: weight.as_ref(),
                bias: bias.as_ref(),
            };
            if self.numel() != 0 {
                self.backend().normalize(shape, &self.array(), parameters, &output.array())?;
            }
            Ok((mean, scale))
        })?;
        record(self, weight, bias, &output, Statistics { mean, scale, groups, eps });
        Ok(output)
    }
}

struct Statistics {
    mean: Tensor,
    scale: Tensor,
    groups: usize,
    eps: f64,
}

fn record(input: &Tensor, weight: Option<&Tensor>, bias: Option<&Tensor>, output: &Tensor, s: Statistics) {
    let none = Tensor::from_array(s.mean.array());
    let inputs = [input, weight.unwrap_or(&none), bias.unwrap_or(&none)];
    let Some(mut recorder) = Recorder::new("NativeGroupNormBackward0", &inputs) else { return };
    let saved_input = recorder.save(input);
    let saved_weight = weight.map(|w| recorder.save(w));
    let dtypes = [inputs[1].dtype(), inputs[2].dtype()];
    recorder.finish(output, move |ctx, grad| {
        let input = ctx.saved(saved_input)?;
        let weight = saved_weight.map(|w| ctx.saved(w)).transpose()?;
        let shape = norm_shape(&input, s.groups);
        if is_grad_enabled() && input.numel() != 0 {
            let (n, c) = (shape.samples, shape.channels);
            let grouped = [n, s.groups, c / s.groups, shape.area];
            let (x, g) = (input.reshape_to(&grouped)?, grad.reshape_to(&grouped)?);
            let w = weight.as_ref().map(|w| w.reshape_to(&[1, s.groups, c / s.groups, 1])).transpose()?;
            let formula = Formula { input: &x, dims: &[2, 3], weight: w.as_ref(), constants: None, eps: s.eps };
            let (of_input, products) = formula.backward(&g)?;
            let total = |t: &Tensor| t.reshape_to(&[n, c, shape.area])?.sum_channels();
            return Ok(vec![
                Some(of_input.reshape_to(&input.shape())?),
                ctx.needs(1).then(|| total(&products)).transpose()?,
                ctx.needs(2).then(|| total(grad)).transpose()?,
            ]);
        }
        let of_input = ctx
            .needs(0)
            .then(|| Tensor::empty_in_format(input.shape(), input.dtype(), input.suggested_format()))
            .transpose()?;
        let channels = |wanted: bool, dtype| wanted.then(|| Tensor::zeros([shape.channels], dtype)).transpose();
        let of_weight = channels(ctx.needs(1), dtypes[0])?;
        let of_bias = channels(ctx.needs(2), dtypes[1])?;
        if input.numel() != 0 {
            let arrays = [&of_input, &of_weight, &of_bias].map(|t| t.as_ref().map(Tensor::array));
            let gradients =
                NormGradients { input: arrays[0].as_ref(), weight: arrays[1].as_ref(), bias: arrays[2].as_ref() };
            let weight = weight.as_ref().map(Tensor::array);
            let (mean, scale) = (s.mean.array(), s.scale.array());
            let parameters = NormParameters { mean: &mean, inverse_std: &scale, weight: weight.as_ref(), bias: None };
            let (g, x) = (grad.array(), input.array());
            input.backend().normalize_backward(shape, true, &g, &x, parameters, gradients)?;
        }
        Ok(vec![of_input, of_weight, of_bias])
    });
}
