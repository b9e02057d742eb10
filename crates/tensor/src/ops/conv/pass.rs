//! The three passes of a convolution: forward, data gradient, weight gradient.
//!
//! Each is linear in both of its operands, and the gradient with respect to either is another of
//! the three. So recording each of them once makes convolutions, transposed convolutions and all
//! their gradients differentiable any number of times.

use super::check::Plan;
use crate::autograd::{Recorder, is_grad_enabled};
use crate::{MemoryFormat, Result, Shape, Tensor};
use flambeau_kernels::conv::Geometry;

/// A pass and the sizes it is done with.
#[derive(Clone, Debug)]
pub(super) struct Pass {
    pub(super) kind: Kind,
    pub(super) geometry: Geometry,
    pub(super) shapes: Shapes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `(input, weight) → output`
    Forward,
    /// `(grad_output, weight) → grad_input`
    DataGradient,
    /// `(input, grad_output) → grad_weight`
    WeightGradient,
}

/// Shapes of the tensors around a convolution that is not transposed.
#[derive(Clone, Debug)]
pub(super) struct Shapes {
    pub(super) input: Shape,
    pub(super) weight: Shape,
    pub(super) output: Shape,
}

impl Pass {
    fn result_shape(&self) -> &Shape {
        match self.kind {
            Kind::Forward => &self.shapes.output,
            Kind::DataGradient => &self.shapes.input,
            Kind::WeightGradient => &self.shapes.weight,
        }
    }

    fn of_kind(&self, kind: Kind) -> Pass {
        Pass { kind, ..self.clone() }
    }

    /// The gradients of the two operands `(a, b)`, given that of the result.
    fn gradients(&self, wanted: [bool; 2], grad: &Tensor, a: &Tensor, b: &Tensor) -> Result<[Option<Tensor>; 2]> {
        use Kind::{DataGradient, Forward, WeightGradient};
        let run = |wanted: bool, kind: Kind, first: &Tensor, second: &Tensor| {
            let stays = !second.requires_grad();
            wanted.then(|| self.of_kind(kind).run_with(first, second, None, stays)).transpose()
        };
        Ok(match self.kind {
            Forward => [run(wanted[0], DataGradient, grad, b)?, run(wanted[1], WeightGradient, a, grad)?],
            DataGradient => [run(wanted[0], Forward, grad, b)?, run(wanted[1], WeightGradient, grad, a)?],
            WeightGradient => [run(wanted[0], DataGradient, b, grad)?, run(wanted[1], Forward, a, grad)?],
        })
    }

    /// Runs and records the pass. A bias (of the result's channels) may be added to an image.
    pub(super) fn run(&self, a: &Tensor, b: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
        // A weight that is not being learnt is expected to serve again.
        self.run_with(a, b, bias, !(is_grad_enabled() && b.requires_grad()))
    }

    /// As [`Pass::run`], where `stays` says whether the weight `b` is expected to serve again.
    fn run_with(&self, a: &Tensor, b: &Tensor, bias: Option<&Tensor>, stays: bool) -> Result<Tensor> {
        let result = self.compute(a, b, bias, stays)?;
        let mut inputs = vec![a, b];
        inputs.extend(bias);
        if let Some(mut recorder) = Recorder::new("ConvolutionBackward0", &inputs) {
            let (saved_a, saved_b) = (recorder.save(a), recorder.save(b));
            let (pass, with_bias) = (self.clone(), bias.is_some());
            let channels = bias.map_or(0, Tensor::numel);
            recorder.finish(&result, move |ctx, grad| {
                let (a, b) = (ctx.saved(saved_a)?, ctx.saved(saved_b)?);
                let mut gradients = pass.gradients([ctx.needs(0), ctx.needs(1)], grad, &a, &b)?.to_vec();
                if with_bias {
                    gradients.push(ctx.needs(2).then(|| bias_gradient(grad, channels)).transpose()?);
                }
                Ok(gradients)
            });
        }
        Ok(result)
    }

    fn compute(&self, a: &Tensor, b: &Tensor, bias: Option<&Tensor>, stays: bool) -> Result<Tensor> {
        let format = match self.kind {
            Kind::WeightGradient => MemoryFormat::Contiguous,
            // One operand in channels-last order is enough.
            _ => match a.suggested_format() {
                MemoryFormat::Contiguous => b.suggested_format(),
                format => format,
            },
        };
        let result = Tensor::empty_in_format(self.result_shape(), a.dtype(), format)?;
        if result.numel() == 0 {
            return Ok(result);
        }
        if a.numel() == 0 || b.numel() == 0 {
            // A sum over nothing.
            return Tensor::zeros(self.result_shape(), a.dtype());
        }
        let (backend, geometry) = (a.backend(), &self.geometry);
        let (a, b, out) = (a.array(), b.array(), result.array());
        let bias = bias.map(Tensor::array);
        match self.kind {
            Kind::Forward => backend.convolution(geometry, &a, &b, bias.as_ref(), stays, &out)?,
            Kind::DataGradient => backend.convolution_data_gradient(geometry, &a, &b, bias.as_ref(), stays, &out)?,
            Kind::WeightGradient => backend.convolution_weight_gradient(geometry, &a, &b, &out)?,
        }
        Ok(result)
    }
}

/// The gradient of a bias of so many channels. Without input channels the result has none either
/// (PyTorch's oddity), and the bias reaches nothing.
fn bias_gradient(grad: &Tensor, channels: usize) -> Result<Tensor> {
    if grad.shape().get(1) == Some(&channels) { grad.sum_channels() } else { Tensor::zeros([channels], grad.dtype()) }
}

/// The gradients of input, weight and bias, those that are wanted.
pub(super) fn gradients(
    grad: &Tensor,
    input: &Tensor,
    weight: &Tensor,
    plan: Plan,
    wanted: [bool; 3],
) -> Result<[Option<Tensor>; 3]> {
    let Plan { geometry, transposed, unreached, .. } = plan;
    let bias = wanted[2].then(|| grad.sum_channels()).transpose()?;
    let mut reached = grad.clone();
    for (i, &missing) in unreached.iter().enumerate() {
        let dim = i as isize + 2;
        reached = reached.narrow(dim, 0, reached.size(dim)? - missing)?;
    }
    let (kind, image, result) = if transposed {
        (Kind::DataGradient, reached.shape(), input.shape())
    } else {
        (Kind::Forward, input.shape(), reached.shape())
    };
    let shapes = Shapes { input: image, weight: weight.shape(), output: result };
    let pass = Pass { kind, geometry, shapes };
    let [of_input, of_weight] = pass.gradients([wanted[0], wanted[1]], &reached, input, weight)?;
    Ok([of_input, of_weight, bias])
}

/// Runs a convolution that was checked.
pub(super) fn convolve(input: &Tensor, weight: &Tensor, bias: Option<&Tensor>, plan: Plan) -> Result<Tensor> {
    let Plan { geometry, transposed, output, unreached } = plan;
    if !transposed {
        let shapes = Shapes { input: input.shape(), weight: weight.shape(), output };
        return Pass { kind: Kind::Forward, geometry, shapes }.run(input, weight, bias);
    }
    let pass = |output| Pass {
        kind: Kind::DataGradient,
        geometry,
        shapes: Shapes { input: output, weight: weight.shape(), output: input.shape() },
    };
    if unreached.iter().all(|&n| n == 0) {
        return pass(output).run(input, weight, bias);
    }
    let reached: Shape =
        output.iter().enumerate().map(|(i, &n)| if i < 2 { n } else { n - unreached[i - 2] }).collect();
    let mut result = pass(reached).run(input, weight, None)?;
    let pad: Vec<isize> = unreached.iter().rev().flat_map(|&n| [0, n as isize]).collect();
    result = result.constant_pad_nd(&pad, 0.0)?;
    if let Some(bias) = bias {
        let mut shape = vec![1isize; output.len()];
        shape[1] = -1;
        result = result.add(&bias.reshape(&shape)?)?;
    }
    Ok(result)
}
