//! Functions of one tensor.

use super::{float_dtype, not_implemented, unary_raw};
use crate::autograd::Recorder;
use crate::backend::UnaryOp;
use crate::{DType, Error, Result, Scalar, Tensor};

/// How a gradient is made from what the forward pass left.
pub(crate) enum Derivative {
    /// From (grad, input).
    OfInput(fn(&Tensor, &Tensor) -> Result<Tensor>),
    /// From (grad, output).
    OfOutput(fn(&Tensor, &Tensor) -> Result<Tensor>),
    /// Zero everywhere.
    Zero,
}

/// A function that takes integers to the default floating-point type, with its derivative.
pub(crate) fn float_function(
    a: &Tensor,
    op: UnaryOp,
    name: &str,
    parameters: [Scalar; 2],
    derivative: Derivative,
) -> Result<Tensor> {
    let dtype = float_dtype(a.dtype());
    let out = unary_raw(a, op, dtype, dtype, parameters)?;
    record(a, &out, name, derivative);
    Ok(out)
}

/// A function that keeps the dtype, with its derivative.
pub(crate) fn same_function(
    a: &Tensor,
    op: UnaryOp,
    name: &str,
    parameters: [Scalar; 2],
    derivative: Derivative,
) -> Result<Tensor> {
    let out = unary_raw(a, op, a.dtype(), a.dtype(), parameters)?;
    record(a, &out, name, derivative);
    Ok(out)
}

fn record(a: &Tensor, out: &Tensor, name: &str, derivative: Derivative) {
    let Some(mut r) = Recorder::new(name, &[a]) else { return };
    match derivative {
        Derivative::OfInput(f) => {
            let saved = r.save(a);
            r.finish(out, move |ctx, grad| Ok(vec![Some(f(grad, &ctx.saved(saved)?)?)]));
        }
        Derivative::OfOutput(f) => {
            let saved = r.save_output(out, 0);
            r.finish(out, move |ctx, grad| Ok(vec![Some(f(grad, &ctx.saved(saved)?)?)]));
        }
        Derivative::Zero => r.finish(out, |_, grad| Ok(vec![Some(super::zeros_like(grad)?)])),
    }
}

const NONE: [Scalar; 2] = [Scalar::Int(0); 2];

macro_rules! float_functions {
    ($($(#[$doc:meta])* $name:ident, $op:ident, $node:literal, $derivative:expr;)*) => {
        impl Tensor {$(
            $(#[$doc])*
            #[doc = ""]
            #[doc = "Integers give the default floating-point type."]
            ///
            /// # Errors
            /// If there is not enough memory.
            pub fn $name(&self) -> Result<Tensor> {
                float_function(self, UnaryOp::$op, $node, NONE, $derivative)
            }
        )*}
    };
}
use Derivative::{OfInput, OfOutput, Zero};
float_functions! {
    #[doc = "e to the power of each element."]
    exp, Exp, "ExpBackward0", OfOutput(|g, y| g.mul(y));
    #[doc = "2 to the power of each element."]
    exp2, Exp2, "Exp2Backward0", OfOutput(|g, y| g.mul(y)?.mul(std::f64::consts::LN_2));
    #[doc = "e to the power of each element, less 1."]
    expm1, Expm1, "Expm1Backward0", OfOutput(|g, y| g.mul(&y.add(1)?));
    #[doc = "Natural logarithm."]
    log, Log, "LogBackward0", OfInput(|g, x| g.div(x));
    #[doc = "Logarithm to base 2."]
    log2, Log2, "Log2Backward0", OfInput(|g, x| g.div(&x.mul(std::f64::consts::LN_2)?));
    #[doc = "Logarithm to base 10."]
    log10, Log10, "Log10Backward0", OfInput(|g, x| g.div(&x.mul(std::f64::consts::LN_10)?));
    #[doc = "Natural logarithm of 1 + x."]
    log1p, Log1p, "Log1PBackward0", OfInput(|g, x| g.div(&x.add(1)?));
    #[doc = "Square root."]
    sqrt, Sqrt, "SqrtBackward0", OfOutput(|g, y| g.div(&y.mul(2)?));
    #[doc = "1 over the square root."]
    rsqrt, Rsqrt, "RsqrtBackward0", OfOutput(|g, y| g.mul(-0.5)?.mul(&y.pow(3)?));
    #[doc = "1 over each element."]
    reciprocal, Reciprocal, "ReciprocalBackward0", OfOutput(|g, y| g.neg()?.mul(&y.mul(y)?));
    #[doc = "Sine."]
    sin, Sin, "SinBackward0", OfInput(|g, x| g.mul(&x.cos()?));
    #[doc = "Cosine."]
    cos, Cos, "CosBackward0", OfInput(|g, x| g.mul(&x.sin()?.neg()?));
    #[doc = "Tangent."]
    tan, Tan, "TanBackward0", OfOutput(|g, y| g.mul(&y.pow(2)?.add(1)?));
    #[doc = "Inverse sine."]
    asin, Asin, "AsinBackward0", OfInput(|g, x| g.mul(&one_minus(&x.square()?)?.rsqrt()?));
    #[doc = "Inverse cosine."]
    acos, Acos, "AcosBackward0", OfInput(|g, x| g.mul(&one_minus(&x.square()?)?.rsqrt()?.neg()?));
    #[doc = "Inverse tangent."]
    atan, Atan, "AtanBackward0", OfInput(|g, x| g.div(&x.square()?.add(1)?));
    #[doc = "Hyperbolic sine."]
    sinh, Sinh, "SinhBackward0", OfInput(|g, x| g.mul(&x.cosh()?));
    #[doc = "Hyperbolic cosine."]
    cosh, Cosh, "CoshBackward0", OfInput(|g, x| g.mul(&x.sinh()?));
    #[doc = "Hyperbolic tangent."]
    tanh, Tanh, "TanhBackward0", OfOutput(super::tanh_backward);
    #[doc = "Inverse hyperbolic sine."]
    asinh, Asinh, "AsinhBackward0", OfInput(|g, x| g.mul(&x.square()?.add(1)?.rsqrt()?));
    #[doc = "Inverse hyperbolic cosine."]
    acosh, Acosh, "AcoshBackward0", OfInput(|g, x| g.mul(&x.square()?.sub(1)?.rsqrt()?));
    #[doc = "Inverse hyperbolic tangent."]
    atanh, Atanh, "AtanhBackward0", OfInput(|g, x| g.div(&one_minus(&x.square()?)?));
    #[doc = "1/(1 + e^-x)."]
    sigmoid, Sigmoid, "SigmoidBackward0", OfOutput(super::sigmoid_backward);
    #[doc = "Error function."]
    erf, Erf, "ErfBackward0", OfInput(|g, x| g.mul(&gauss(x)?));
    #[doc = "1 less the error function."]
    erfc, Erfc, "ErfcBackward0", OfInput(|g, x| g.mul(&gauss(x)?.neg()?));
    #[doc = "Inverse of the error function."]
    erfinv, Erfinv, "ErfinvBackward0",
        OfOutput(|g, y| g.mul(&y.square()?.exp()?.mul(std::f64::consts::PI.sqrt() / 2.0)?));
    #[doc = "Logarithm of the absolute value of the gamma function."]
    lgamma, Lgamma, "LgammaBackward0", OfInput(|g, x| g.mul(&x.digamma()?));
    #[doc = "Derivative of lgamma."]
    digamma, Digamma, "DigammaBackward0", OfInput(|g, x| g.mul(&x.polygamma(1)?));
    #[doc = "sin(πx)/(πx), 1 at 0."]
    sinc, Sinc, "SincBackward0", OfInput(sinc_backward);
}

fn one_minus(x: &Tensor) -> Result<Tensor> {
    x.rsub(1, 1)
}

/// 2/sqrt(π)·e^(-x²).
fn gauss(x: &Tensor) -> Result<Tensor> {
    x.square()?.neg()?.exp()?.mul(std::f64::consts::FRAC_2_SQRT_PI)
}

fn sinc_backward(grad: &Tensor, x: &Tensor) -> Result<Tensor> {
    let y = x.mul(std::f64::consts::PI)?;
    let slope = y.mul(&y.cos()?)?.sub(&y.sin()?)?.div(&y.mul(x)?)?;
    super::where_(&x.eq(0)?, 0.0, &grad.mul(&slope)?)
}

macro_rules! same_functions {
    ($($(#[$doc:meta])* $name:ident, $op:ident, $node:literal, $bool:expr, $derivative:expr;)*) => {
        impl Tensor {$(
            $(#[$doc])*
            ///
            /// # Errors
            /// For dtypes without this function, or if there is not enough memory.
            pub fn $name(&self) -> Result<Tensor> {
                if self.dtype() == DType::Bool
                    && let Some(kernel) = $bool
                {
                    return Err(not_implemented(kernel, DType::Bool));
                }
                same_function(self, UnaryOp::$op, $node, NONE, $derivative)
            }
        )*}
    };
}
const fn none() -> Option<&'static str> {
    None
}
same_functions! {
    /// Absolute value of a real number.
    real_abs, Abs, "AbsBackward0", Some("abs_cpu"), OfInput(|g, x| g.mul(&x.sign()?));
    /// -1, 0 or 1.
    sign, Sign, "SignBackward0", none(), Zero;
    /// The largest integer not above.
    floor, Floor, "FloorBackward0", Some("floor_vml_cpu"), Zero;
    /// The smallest integer not below.
    ceil, Ceil, "CeilBackward0", Some("ceil_vml_cpu"), Zero;
    /// The nearest integer, ties to even.
    round, Round, "RoundBackward0", Some("round_vml_cpu"), Zero;
    /// The integer part.
    trunc, Trunc, "TruncBackward0", Some("trunc_vml_cpu"), Zero;
    /// What is left of an element without its integer part.
    frac, Frac, "FracBackward0", Some("frac_cpu"), OfInput(|g, _| Ok(g.clone()));
}

impl Tensor {
    /// The square (integers stay integers).
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn square(&self) -> Result<Tensor> {
        self.pow(2)
    }
}

impl Tensor {
    /// Elements below zero become zero.
    ///
    /// # Errors
    /// For truth values.
    pub fn relu(&self) -> Result<Tensor> {
        if self.dtype() == DType::Bool {
            return Err(Error::not_implemented("Boolean inputs not supported for relu"));
        }
        same_function(self, UnaryOp::Relu, "ReluBackward0", NONE, OfOutput(|g, y| super::threshold_backward(g, y, 0)))
    }

    /// Rounded to a number of decimal places (negative ones round to tens, hundreds, …).
    ///
    /// # Errors
    /// For integers and truth values.
    pub fn round_decimals(&self, decimals: i64) -> Result<Tensor> {
        if !self.dtype().is_floating_point() {
            return Err(not_implemented("round_cpu", self.dtype()));
        }
        same_function(self, UnaryOp::RoundDecimals, "RoundBackward1", [Scalar::Int(decimals); 2], Zero)
    }

    /// The tensor itself.
    ///
    /// # Errors
    /// For truth values.
    pub fn positive(&self) -> Result<Tensor> {
        if self.dtype() == DType::Bool {
            return Err(Error::not_implemented("The `+` operator, on a bool tensor is not supported."));
        }
        Ok(self.clone())
    }

    /// Every bit turned; of truth values the negation.
    ///
    /// # Errors
    /// For floating-point types.
    pub fn bitwise_not(&self) -> Result<Tensor> {
        let dtype = self.dtype();
        match dtype {
            DType::Bool => self.logical_not(),
            d if d.is_floating_point() => Err(not_implemented("bitwise_not_cpu", d)),
            _ => unary_raw(self, UnaryOp::BitwiseNot, dtype, dtype, NONE),
        }
    }

    /// Degrees as radians.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn deg2rad(&self) -> Result<Tensor> {
        const FACTOR: f64 = std::f64::consts::PI / 180.0;
        scaled(self, "Deg2RadBackward0", FACTOR)
    }

    /// Radians as degrees.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn rad2deg(&self) -> Result<Tensor> {
        const FACTOR: f64 = 180.0 / std::f64::consts::PI;
        scaled(self, "Rad2DegBackward0", FACTOR)
    }

    /// ln(x/(1 - x)), of x between `eps` and 1 - `eps` if given.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn logit(&self, eps: Option<f64>) -> Result<Tensor> {
        let x = self.detach().to_dtype(float_dtype(self.dtype()))?;
        let x = match eps {
            None => x,
            Some(e) => x.clamp(Some(e.into()), Some((1.0 - e).into()))?,
        };
        let out = x.div(&one_minus(&x)?)?.log()?;
        if let Some(mut r) = Recorder::new("LogitBackward0", &[self]) {
            let saved = r.save(self);
            r.finish(&out, move |ctx, grad| {
                let x = ctx.saved(saved)?;
                let slope = grad.div(&x.mul(&one_minus(&x)?)?)?;
                let (low, high, outside) = match eps {
                    Some(e) => (e, 1.0 - e, 0.0),
                    None => (0.0, 1.0, f64::NAN),
                };
                let inside = x.ge(low)?.logical_and(&x.le(high)?)?;
                Ok(vec![Some(super::where_(&inside, &slope, outside)?)])
            });
        }
        Ok(out)
    }
}

fn scaled(x: &Tensor, name: &str, factor: f64) -> Result<Tensor> {
    let out = x.detach().mul(factor)?;
    if let Some(r) = Recorder::new(name, &[x]) {
        r.finish(&out, move |_, grad| Ok(vec![Some(grad.mul(factor)?)]));
    }
    Ok(out)
}
