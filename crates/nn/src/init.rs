//! Initial values, drawn as PyTorch draws them from the same seed.
//!
//! Functions fill a tensor in place and return it; nothing is recorded for differentiation.

use flambeau_tensor::ops::where_;
use flambeau_tensor::{Error, Result, Tensor, autograd::no_grad};

/// The slope-dependent factor that keeps the variance through a layer; see [`gain`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Nonlinearity {
    /// None, or a convolution.
    Linear,
    /// The logistic function.
    Sigmoid,
    /// The hyperbolic tangent.
    Tanh,
    /// ReLU.
    Relu,
    /// Leaky ReLU of this slope.
    LeakyRelu(f64),
    /// SELU.
    Selu,
}

/// Which side of a weight keeps its variance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fan {
    /// The forward pass.
    In,
    /// The backward pass.
    Out,
}

/// PyTorch's `calculate_gain`.
pub fn gain(nonlinearity: Nonlinearity) -> f64 {
    match nonlinearity {
        Nonlinearity::Linear | Nonlinearity::Sigmoid => 1.0,
        Nonlinearity::Tanh => 5.0 / 3.0,
        Nonlinearity::Relu => 2f64.sqrt(),
        Nonlinearity::LeakyRelu(slope) => (2.0 / (1.0 + slope * slope)).sqrt(),
        Nonlinearity::Selu => 0.75,
    }
}

/// Inputs of one output, and outputs of one input, of a weight `(out, in, kernel…)`.
///
/// # Errors
/// If the tensor has fewer than two dimensions.
pub fn fans(tensor: &Tensor) -> Result<(usize, usize)> {
    let shape = tensor.shape();
    if shape.len() < 2 {
        return Err(Error::value("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions"));
    }
    let receptive: usize = shape[2..].iter().product();
    Ok((shape[1] * receptive, shape[0] * receptive))
}

/// Fills with numbers drawn evenly from `[low, high)`.
///
/// # Errors
/// If the dtype is no floating-point type.
pub fn uniform_(tensor: &Tensor, low: f64, high: f64) -> Result<Tensor> {
    no_grad(|| tensor.uniform_(low, high, None))
}

/// Fills with normally distributed numbers.
///
/// # Errors
/// If the dtype is no floating-point type, or `std` is negative.
pub fn normal_(tensor: &Tensor, mean: f64, std: f64) -> Result<Tensor> {
    no_grad(|| tensor.normal_(mean, std, None))
}

/// Fills with one number.
///
/// # Errors
/// If the tensor cannot be written.
pub fn constant_(tensor: &Tensor, value: f64) -> Result<Tensor> {
    no_grad(|| tensor.fill_(value))
}

/// He initialisation from a uniform distribution.
///
/// Source: K. He et al., "Delving Deep into Rectifiers", 2015.
///
/// # Errors
/// If the tensor has fewer than two dimensions.
pub fn kaiming_uniform_(tensor: &Tensor, fan: Fan, nonlinearity: Nonlinearity) -> Result<Tensor> {
    if tensor.numel() == 0 {
        return Ok(tensor.clone());
    }
    let bound = 3f64.sqrt() * kaiming_std(tensor, fan, nonlinearity)?;
    uniform_(tensor, -bound, bound)
}

/// He initialisation from a normal distribution.
///
/// # Errors
/// If the tensor has fewer than two dimensions.
pub fn kaiming_normal_(tensor: &Tensor, fan: Fan, nonlinearity: Nonlinearity) -> Result<Tensor> {
    if tensor.numel() == 0 {
        return Ok(tensor.clone());
    }
    normal_(tensor, 0.0, kaiming_std(tensor, fan, nonlinearity)?)
}

fn kaiming_std(tensor: &Tensor, fan: Fan, nonlinearity: Nonlinearity) -> Result<f64> {
    let (fan_in, fan_out) = fans(tensor)?;
    let count = if fan == Fan::In { fan_in } else { fan_out };
    Ok(gain(nonlinearity) / (count as f64).sqrt())
}

/// Glorot initialisation from a uniform distribution.
///
/// Source: X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural
/// networks", 2010.
///
/// # Errors
/// If the tensor has fewer than two dimensions.
pub fn xavier_uniform_(tensor: &Tensor, gain: f64) -> Result<Tensor> {
    let (fan_in, fan_out) = fans(tensor)?;
    let bound = 3f64.sqrt() * gain * (2.0 / (fan_in + fan_out) as f64).sqrt();
    uniform_(tensor, -bound, bound)
}

/// Glorot initialisation from a normal distribution.
///
/// # Errors
/// If the tensor has fewer than two dimensions.
pub fn xavier_normal_(tensor: &Tensor, gain: f64) -> Result<Tensor> {
    let (fan_in, fan_out) = fans(tensor)?;
    normal_(tensor, 0.0, gain * (2.0 / (fan_in + fan_out) as f64).sqrt())
}

/// The distribution function of the standard normal distribution.
fn normal_distribution(x: f64) -> f64 {
    (1.0 + libm::erf(x / std::f64::consts::SQRT_2)) / 2.0
}

/// Fills with normally distributed numbers between `low` and `high`, by rejection: proposals come from the normal
/// distribution where it covers the interval well, else from the uniform one.
///
/// # Errors
/// If the dtype is no floating-point type, or `std` is negative.
pub fn trunc_normal_(tensor: &Tensor, mean: f64, std: f64, low: f64, high: f64) -> Result<Tensor> {
    no_grad(|| {
        // Proposals that pass stay; where one was refused, the next one that passes is taken.
        let redraw = |mut refused: Tensor, propose: &dyn Fn(&Tensor) -> Result<Tensor>| -> Result<Tensor> {
            while refused.any()?.item()?.to_bool() {
                let candidates = Tensor::empty(tensor.shape(), tensor.dtype())?;
                let out = propose(&candidates)?;
                let passed = refused.logical_and(&out.logical_not()?)?;
                tensor.copy_(&where_(&passed, &candidates, tensor)?)?;
                refused = refused.logical_and(&out)?;
            }
            Ok(tensor.clone())
        };
        if normal_distribution((high - mean) / std) - normal_distribution((low - mean) / std) > 0.3 {
            let draw = |candidates: &Tensor| {
                candidates.normal_(mean, std, None)?;
                candidates.lt(low)?.logical_or(&candidates.gt(high)?)
            };
            return redraw(draw(tensor)?, &draw);
        }
        let log_density = |x: &Tensor| x.sub(mean)?.div(std)?.pow(2.0)?.mul(-0.5);
        let peak = (low.max(mean.min(high)) - mean) / std;
        let draw = |candidates: &Tensor| {
            candidates.uniform_(low, high, None)?;
            let chance = Tensor::empty(candidates.shape(), candidates.dtype())?.uniform_(0.0, 1.0, None)?;
            chance.log()?.gt(&log_density(candidates)?.add(0.5 * peak * peak)?)
        };
        redraw(draw(tensor)?, &draw)
    })
}

/// What PyTorch's convolution and linear layers start with: a weight drawn evenly within
/// `1 / sqrt(fan_in)`, and a bias within the same bound.
pub(crate) fn layer(weight: &Tensor, bias: Option<&Tensor>) -> Result<()> {
    kaiming_uniform_(weight, Fan::In, Nonlinearity::LeakyRelu(5f64.sqrt()))?;
    if let Some(bias) = bias {
        let (fan_in, _) = fans(weight)?;
        if fan_in != 0 {
            let bound = 1.0 / (fan_in as f64).sqrt();
            uniform_(bias, -bound, bound)?;
        }
    }
    Ok(())
}
