//! The gradients of a convolution as operators of their own (PyTorch's `torch.nn.grad`).

use super::ConvolutionOptions;
use super::check;
use super::pass::{Kind, Pass, Shapes, gradients};
use crate::{Error, Result, Shape, Tensor};

fn pass(
    input: &Tensor,
    weight: &Tensor,
    grad_output: &Tensor,
    options: &ConvolutionOptions,
    kind: Kind,
) -> Result<Pass> {
    let plan = check::plan(input, weight, None, options, false)?;
    if grad_output.shape() != plan.output {
        return Err(Error::shape(format!(
            "Expected grad_output to have size {}, but got {}",
            plan.output,
            grad_output.shape()
        )));
    }
    let shapes = Shapes { input: input.shape(), weight: weight.shape(), output: plan.output };
    Ok(Pass { kind, geometry: plan.geometry, shapes })
}

/// The gradients of a convolution with respect to its input, its weight and its bias, those that
/// are wanted.
///
/// # Errors
/// PyTorch's, for shapes, dtypes and options that do not fit each other.
pub fn convolution_backward(
    grad_output: &Tensor,
    input: &Tensor,
    weight: &Tensor,
    (options, transposed): (&ConvolutionOptions, bool),
    wanted: [bool; 3],
) -> Result<[Option<Tensor>; 3]> {
    let plan = check::plan(input, weight, None, options, transposed)?;
    if grad_output.shape() != plan.output {
        return Err(Error::shape(format!(
            "Expected grad_output to have size {}, but got {}",
            plan.output,
            grad_output.shape()
        )));
    }
    gradients(grad_output, input, weight, plan, wanted)
}

/// The gradient of a convolution with respect to its input of this shape.
///
/// # Errors
/// PyTorch's, for shapes, dtypes and options that do not fit each other.
pub fn conv_input_gradient(
    input_shape: &Shape,
    weight: &Tensor,
    grad_output: &Tensor,
    options: &ConvolutionOptions,
) -> Result<Tensor> {
    // Only the shape of the input matters: a number seen everywhere costs no memory.
    let input = Tensor::zeros(vec![1; input_shape.len()], weight.dtype())?.expand_to(input_shape)?;
    pass(&input, weight, grad_output, options, Kind::DataGradient)?.run(grad_output, weight, None)
}

/// The gradient of a convolution with respect to its weight of this shape.
///
/// # Errors
/// PyTorch's, for shapes, dtypes and options that do not fit each other.
pub fn conv_weight_gradient(
    input: &Tensor,
    weight_shape: &Shape,
    grad_output: &Tensor,
    options: &ConvolutionOptions,
) -> Result<Tensor> {
    let weight = Tensor::zeros(vec![1; weight_shape.len()], input.dtype())?.expand_to(weight_shape)?;
    pass(input, &weight, grad_output, options, Kind::WeightGradient)?.run(input, grad_output, None)
}
