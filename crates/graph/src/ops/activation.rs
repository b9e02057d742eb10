//! Activations that have parameters, and softmax.

use crate::compute::{Compute, Inputs, axis};
use flambeau_tensor::ops::{GeluApproximation, where_};
use flambeau_tensor::{DType, Error, Result, Tensor};

/// A function of each element that has parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// `alpha · x` below zero.
    LeakyRelu {
        /// The slope.
        alpha: f64,
    },
    /// `alpha · (e^x − 1)` below zero.
    Elu {
        /// The factor.
        alpha: f64,
    },
    /// `gamma · x`, and `gamma · alpha · (e^x − 1)` below zero.
    Selu {
        /// The factor below zero.
        alpha: f64,
        /// The factor of everything.
        gamma: f64,
    },
    /// `max(0, x) + min(0, alpha · (e^(x / alpha) − 1))`.
    Celu {
        /// The factor.
        alpha: f64,
    },
    /// `alpha · x + beta` within 0 and 1.
    HardSigmoid {
        /// The slope.
        alpha: f64,
        /// The value at zero.
        beta: f64,
    },
    /// `x` above `alpha`, else zero.
    ThresholdedRelu {
        /// The threshold.
        alpha: f64,
    },
    /// `x · Φ(x)`, by the error function or, if `tanh`, by an approximation.
    Gelu {
        /// Whether to approximate.
        tanh: bool,
    },
    /// `x · sigmoid(alpha · x)`.
    Swish {
        /// The steepness.
        alpha: f64,
    },
    /// `x ∓ bias` beyond ±`lambd`, else zero.
    Shrink {
        /// The threshold.
        lambd: f64,
        /// What is taken off.
        bias: f64,
    },
}

impl Compute for Activation {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let x = inputs.get(0, "X")?;
        Ok(vec![match *self {
            Activation::LeakyRelu { alpha } => x.leaky_relu(alpha)?,
            Activation::Elu { alpha } => x.elu(alpha, 1.0, 1.0)?,
            Activation::Selu { alpha, gamma } => x.elu(alpha, gamma, 1.0)?,
            Activation::Celu { alpha } => x.celu(alpha)?,
            Activation::HardSigmoid { alpha, beta } => {
                x.mul(alpha)?.add(beta)?.clamp(Some(0.0.into()), Some(1.0.into()))?
            }
            Activation::ThresholdedRelu { alpha } => x.threshold(alpha.into(), 0.0.into())?,
            Activation::Gelu { tanh: false } => x.gelu(GeluApproximation::None)?,
            Activation::Gelu { tanh: true } => x.gelu(GeluApproximation::Tanh)?,
            Activation::Swish { alpha } => x.mul(&x.mul(alpha)?.sigmoid()?)?,
            Activation::Shrink { lambd, bias } => {
                let (above, below) = (x.gt(lambd)?, x.lt(-lambd)?);
                let zero = x.zeros_like(x.dtype())?;
                where_(&above, &x.sub(bias)?, &where_(&below, &x.add(bias)?, &zero)?)?.to_dtype(x.dtype())?
            }
        }])
    }
}

/// `slope · x` below zero. Inputs: `X` and a slope that broadcasts to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PRelu;

impl Compute for PRelu {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let (x, slope) = (inputs.get(0, "X")?, inputs.get(1, "slope")?);
        let slopes = slope.shape();
        let by_channel = slopes.len() + 1 == x.ndim() && slopes[1..].iter().all(|&n| n == 1);
        if x.dtype().is_floating_point() && x.ndim() >= 2 && (slope.numel() == 1 || by_channel) {
            return Ok(vec![x.prelu(&slope.reshape(&[-1])?)?]);
        }
        Ok(vec![where_(&x.lt(0)?, &x.mul(slope)?, x)?])
    }
}

/// What [`Softmax`] computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoftmaxKind {
    /// `e^x` over its sum.
    Softmax,
    /// The logarithm of that.
    LogSoftmax,
    /// 1 at the first maximum, 0 elsewhere.
    Hardmax,
}

/// Softmax and its kin along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Softmax {
    /// Which.
    pub kind: SoftmaxKind,
    /// The axis.
    pub axis: i64,
    /// Whether all axes from `axis` on count as one, as they did before opset 13.
    pub flattened: bool,
}

impl Softmax {
    fn along(&self, x: &Tensor, dim: usize) -> Result<Tensor> {
        match self.kind {
            SoftmaxKind::Softmax => x.softmax(dim as isize),
            SoftmaxKind::LogSoftmax => x.log_softmax(dim as isize),
            SoftmaxKind::Hardmax if x.numel() == 0 => Ok(x.clone()),
            SoftmaxKind::Hardmax => {
                let places = x.argmax(Some(dim as isize), true)?;
                Tensor::zeros(x.shape(), x.dtype())?.scatter(dim as isize, &places, 1.0)
            }
        }
    }
}

impl Compute for Softmax {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let x = inputs.get(0, "input")?;
        if !matches!(x.dtype(), DType::F16 | DType::BF16 | DType::F32 | DType::F64) {
            return Err(Error::dtype(format!("floating-point numbers are expected, but got {}", x.dtype())));
        }
        let shape = x.shape();
        if !self.flattened {
            return Ok(vec![self.along(x, axis(self.axis, shape.len())?)?]);
        }
        let first = if self.axis == shape.len() as i64 { shape.len() } else { axis(self.axis, shape.len())? };
        let rows: usize = shape[..first].iter().product();
        let columns: usize = shape[first..].iter().product();
        let matrix = x.reshape(&[rows as isize, columns as isize])?;
        Ok(vec![self.along(&matrix, 1)?.reshape(&crate::compute::signed(&shape))?])
    }
}
