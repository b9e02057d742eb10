//! Activation functions.
//!
//! A function of one number is one primitive with its first two derivatives ([`Function`]); so a
//! backward pass costs one pass over memory, and can itself be differentiated.

mod gated;
mod randomized;
mod simple;

pub use randomized::RandomSlope;
pub use simple::GeluApproximation;

use crate::autograd::Recorder;
use crate::backend::{Activation, Order};
use crate::ops::elementwise::{not_implemented, output_layout};
use crate::{Array, Error, Result, Scalar, Tensor};

/// An activation with its parameters and its names.
#[derive(Clone, Copy)]
pub(super) struct Function {
    activation: Activation,
    parameters: [Scalar; 2],
    node: &'static str,
}

impl Function {
    fn new(activation: Activation, parameters: [f64; 2], node: &'static str) -> Self {
        Function { activation, parameters: parameters.map(Scalar::Float), node }
    }

    /// `f(x)` of floats; `kernel` names PyTorch's kernel in the message for other dtypes.
    fn apply(self, x: &Tensor, kernel: &str) -> Result<Tensor> {
        if !x.dtype().is_floating_point() {
            return Err(not_implemented(kernel, x.dtype()));
        }
        let input = x.array();
        let output = Array::uninit(output_layout(input.shape(), &[input.layout()]), x.dtype())?;
        x.backend().activation(self.activation, self.parameters, &input, &output)?;
        let output = Tensor::from_array(output);
        if let Some(mut recorder) = Recorder::new(self.node, &[x]) {
            // Of the rectifier the output tells as much as the input, and is needed by what follows.
            let saved =
                if self.activation == Activation::Relu { recorder.save_output(&output, 0) } else { recorder.save(x) };
            recorder.finish(&output, move |ctx, grad| {
                Ok(vec![Some(self.derivative(Order::First, grad, &ctx.saved(saved)?)?)])
            });
        }
        Ok(output)
    }

    /// `factor · f'(x)`, or with the second derivative.
    fn derivative(self, order: Order, factor: &Tensor, x: &Tensor) -> Result<Tensor> {
        let (a, b) = (factor.array(), x.array());
        let output = Array::uninit(output_layout(b.shape(), &[b.layout(), a.layout()]), x.dtype())?;
        x.backend().activation_derivative(self.activation, order, self.parameters, [&a, &b], &output)?;
        let output = Tensor::from_array(output);
        if let Some(mut recorder) = Recorder::new(self.node, &[factor, x]) {
            let (saved_factor, saved_x) = (recorder.save(factor), recorder.save(x));
            recorder.finish(&output, move |ctx, grad| {
                let x = ctx.saved(saved_x)?;
                let of_factor = ctx.needs(0).then(|| self.derivative(order, grad, &x)).transpose()?;
                let of_x = match order {
                    Order::First if ctx.needs(1) && self.is_curved() => {
                        let factor = grad.mul(&ctx.saved(saved_factor)?)?;
                        Some(self.derivative(Order::Second, &factor, &x)?)
                    }
                    Order::Second if ctx.needs(1) => {
                        return Err(Error::not_implemented(format!(
                            "the third derivative of {:?} is not implemented",
                            self.activation
                        )));
                    }
                    _ => None,
                };
                Ok(vec![of_factor, of_x])
            });
        }
        Ok(output)
    }

    /// Whether the function is made of more than straight lines.
    fn is_curved(self) -> bool {
        use Activation::{Hardshrink, Hardsigmoid, Hardtanh, LeakyRelu, Relu, Softshrink, Threshold};
        !matches!(self.activation, Relu | LeakyRelu | Hardsigmoid | Hardtanh | Hardshrink | Softshrink | Threshold)
    }
}

/// The in-place form of an operator whose gradient needs its input: the input is copied first where
/// it will be needed.
pub(super) fn in_place(x: &Tensor, name: &str, operator: impl FnOnce(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    x.write_in_place(name, |x| {
        if crate::autograd::is_grad_enabled() && x.requires_grad() { operator(&x.copy()?) } else { operator(x) }
    })
}

#[cfg(test)]
mod tests;
