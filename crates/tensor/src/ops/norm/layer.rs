//! Normalisation of rows: layer and root-mean-square normalisation.

use super::check_dtypes;
use super::formula::Formula;
use crate::autograd::{Recorder, is_grad_enabled};
use crate::backend::{NormGradients, Rows};
use crate::{DType, Error, Result, Shape, Tensor};

/// Checks that the input ends in `normalized_shape`, and that parameters have it. `star` is what
/// stands for the other dimensions in the message.
fn check_shapes(
    input: &Tensor,
    normalized_shape: &[usize],
    parameters: [(&str, Option<&Tensor>); 2],
    star: &str,
) -> Result<()> {
    if normalized_shape.is_empty() {
        return Err(Error::shape(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got normalized_shape = []",
        ));
    }
    for (name, parameter) in parameters {
        if let Some(shape) = parameter.map(Tensor::shape)
            && shape != *normalized_shape
        {
            return Err(Error::shape(format!(
                "Expected {name} to be of same shape as normalized_shape, but got {name} of shape {shape} and normalized_shape = {normalized_shape:?}"
            )));
        }
    }
    let shape = input.shape();
    if shape.len() < normalized_shape.len() || shape[shape.len() - normalized_shape.len()..] != *normalized_shape {
        let sizes: Vec<String> = normalized_shape.iter().map(ToString::to_string).collect();
        return Err(Error::shape(format!(
            "Given normalized_shape={normalized_shape:?}, expected input with shape [{star}{}], but got input of size{shape}",
            sizes.join(", ")
        )));
    }
    Ok(())
}

impl Tensor {
    /// Normalises the last dimensions, those of `normalized_shape`.
    ///
    /// # Errors
    /// PyTorch's, for shapes and dtypes that do not fit.
    pub fn layer_norm(
        &self,
        normalized_shape: &[usize],
        weight: Option<&Tensor>,
        bias: Option<&Tensor>,
        eps: f64,
    ) -> Result<Tensor> {
        Ok(self.native_layer_norm(normalized_shape, weight, bias, eps)?.0)
    }

    /// [`Tensor::layer_norm`], and each row's mean and `1 / sqrt(variance + eps)`.
    ///
    /// # Errors
    /// See [`Tensor::layer_norm`].
    pub fn native_layer_norm(
        &self,
        normalized_shape: &[usize],
        weight: Option<&Tensor>,
        bias: Option<&Tensor>,
        eps: f64,
    ) -> Result<(Tensor, Tensor, Tensor)> {
        check_shapes(self, normalized_shape, [("weight", weight), ("bias", bias)], "*, ")?;
        let dtype = check_dtypes("LayerNormKernelImpl", self, &[weight, bias])?;
        let precise = if dtype == DType::F64 { DType::F64 } else { DType::F32 };
        let shape = self.shape();
        let lead = shape.len() - normalized_shape.len();
        let width: usize = normalized_shape.iter().product();
        let mut reduced = shape.to_vec();
        reduced[lead..].fill(1);
        let output = Tensor::empty(&shape, self.dtype())?;
        let (mean, scale) = (Tensor::zeros(reduced.clone(), precise)?, Tensor::zeros(reduced, precise)?);
        if self.numel() != 0 {
            let (x, w, b) = (self.array(), weight.map(Tensor::array), bias.map(Tensor::array));
            let rows = Rows { width, input: &x, weight: w.as_ref(), bias: b.as_ref() };
            let (out, m, s) = (output.array(), mean.array(), scale.array());
            self.backend().normalize_rows(rows, eps, [&out, &m, &s])?;
        }
        record(self, weight, bias, &output, Statistics { mean: mean.clone(), scale: scale.clone(), width, eps });
        Ok((output, mean.to_dtype(dtype)?, scale.to_dtype(dtype)?))
    }

    /// Divides the last dimensions, those of `normalized_shape`, by their root mean square. Without
    /// `eps`, the dtype's machine epsilon.
    ///
    /// # Errors
    /// PyTorch's, for shapes and dtypes that do not fit.
    pub fn rms_norm(&self, normalized_shape: &[usize], weight: Option<&Tensor>, eps: Option<f64>) -> Result<Tensor> {
        check_shapes(self, normalized_shape, [("weight", weight), ("bias", None)], "*")?;
        let dtype = self.dtype();
        if !dtype.is_floating_point() {
            return Err(crate::ops::elementwise::not_implemented("rms_norm", dtype));
        }
        let precise = if dtype == DType::F64 { DType::F64 } else { DType::F32 };
        let eps = eps.unwrap_or(if precise == DType::F64 { f64::EPSILON } else { f64::from(f32::EPSILON) });
        let dims: Vec<isize> = (1..=normalized_shape.len() as isize).map(|d| -d).collect();
        let x = self.to_dtype(precise)?;
        let scale = x.mul(&x)?.mean_dims(&dims, true, None)?.add(eps)?.rsqrt()?;
        let mut result = x.mul(&scale)?;
        if let Some(weight) = weight {
            result = result.mul(weight)?;
        }
        result.to_dtype(dtype)
    }
}

struct Statistics {
    mean: Tensor,
    scale: Tensor,
    width: usize,
    eps: f64,
}

fn record(input: &Tensor, weight: Option<&Tensor>, bias: Option<&Tensor>, output: &Tensor, s: Statistics) {
    let none = Tensor::from_array(s.mean.array());
    let inputs = [input, weight.unwrap_or(&none), bias.unwrap_or(&none)];
    let Some(mut recorder) = Recorder::new("NativeLayerNormBackward0", &inputs) else { return };
    let saved_input = recorder.save(input);
    let saved_weight = weight.map(|w| recorder.save(w));
    let shapes: [Shape; 2] = [inputs[1].shape(), inputs[2].shape()];
    let dtypes = [inputs[1].dtype(), inputs[2].dtype()];
    recorder.finish(output, move |ctx, grad| {
        let input = ctx.saved(saved_input)?;
        let weight = saved_weight.map(|w| ctx.saved(w)).transpose()?;
        if is_grad_enabled() && input.numel() != 0 {
            let flat = [input.numel() / s.width, s.width];
            let (x, g) = (input.reshape_to(&flat)?, grad.reshape_to(&flat)?);
            let w = weight.as_ref().map(|w| w.reshape_to(&[1, s.width])).transpose()?;
            let formula = Formula { input: &x, dims: &[1], weight: w.as_ref(), constants: None, eps: s.eps };
            let (of_input, products) = formula.backward(&g)?;
            let total = |t: &Tensor, shape: &Shape| t.sum_dims(&[0], false, None)?.reshape_to(shape);
            return Ok(vec![
                Some(of_input.reshape_to(&input.shape())?),
                ctx.needs(1).then(|| total(&products, &shapes[0])).transpose()?,
                ctx.needs(2).then(|| total(&g, &shapes[1])).transpose()?,
            ]);
        }
        let of_input = ctx.needs(0).then(|| Tensor::empty(input.shape(), input.dtype())).transpose()?;
        let of_weight = ctx.needs(1).then(|| Tensor::zeros(&shapes[0], dtypes[0])).transpose()?;
        let of_bias = ctx.needs(2).then(|| Tensor::zeros(&shapes[1], dtypes[1])).transpose()?;
        if input.numel() != 0 {
            let arrays = [&of_input, &of_weight, &of_bias].map(|t| t.as_ref().map(Tensor::array));
            let gradients =
                NormGradients { input: arrays[0].as_ref(), weight: arrays[1].as_ref(), bias: arrays[2].as_ref() };
            let weight = weight.as_ref().map(Tensor::array);
            let (x, g, m, r) = (input.array(), grad.array(), s.mean.array(), s.scale.array());
            let rows = Rows { width: s.width, input: &x, weight: weight.as_ref(), bias: None };
            input.backend().normalize_rows_backward(rows, [&g, &m, &r], gradients)?;
        }
        Ok(vec![of_input, of_weight, of_bias])
    });
}
