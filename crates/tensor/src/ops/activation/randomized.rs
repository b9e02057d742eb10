//! The leaky rectifier with a random slope.

use super::in_place;
use crate::autograd::no_grad;
use crate::ops::elementwise::not_implemented;
use crate::{Error, Generator, Result, Tensor, default_generator};

/// What elements below zero are multiplied with: in training a sample for each, else the mean slope.
#[derive(Clone, Copy, Debug)]
pub struct RandomSlope {
    /// The smallest slope.
    pub lower: f64,
    /// The greatest slope.
    pub upper: f64,
    /// Whether slopes are sampled.
    pub training: bool,
}

impl Default for RandomSlope {
    fn default() -> Self {
        RandomSlope { lower: 1.0 / 8.0, upper: 1.0 / 3.0, training: false }
    }
}

impl Tensor {
    /// x where it is positive, else x times a slope.
    ///
    /// Source: B. Xu et al., "Empirical Evaluation of Rectified Activations in Convolutional
    /// Network", 2015.
    ///
    /// # Errors
    /// If the lower slope is above the upper one or one is not finite, and for dtypes that are no floats.
    pub fn rrelu(&self, slope: RandomSlope, generator: Option<&Generator>) -> Result<Tensor> {
        let RandomSlope { lower, upper, training } = slope;
        if lower > upper || lower.is_nan() || upper.is_nan() {
            return Err(Error::runtime("Lower bound should be less than or equal to the upper bound"));
        }
        if !lower.is_finite() || !upper.is_finite() {
            let (name, bound) = if lower.is_finite() { ("upper", upper) } else { ("lower", lower) };
            return Err(Error::runtime(format!(
                "rrelu: {name} bound must be finite, got {}",
                bound.to_string().to_lowercase()
            )));
        }
        if !training {
            return self.leaky_relu((lower + upper) / 2.0);
        }
        if !self.dtype().is_floating_point() {
            return Err(not_implemented("rrelu_with_noise_out_cpu", self.dtype()));
        }
        let noise = no_grad(|| self.slopes(slope, generator))?;
        self.mul(&noise)
    }

    /// [`Tensor::rrelu`] in place.
    ///
    /// # Errors
    /// As [`Tensor::rrelu`] and for every write in place.
    pub fn rrelu_(&self, slope: RandomSlope, generator: Option<&Generator>) -> Result<Tensor> {
        in_place(self, "rrelu_", |x| x.rrelu(slope, generator))
    }

    /// A slope for each element: a sample for those that are not positive, 1 for the others, for
    /// which no sample is drawn.
    fn slopes(&self, slope: RandomSlope, generator: Option<&Generator>) -> Result<Tensor> {
        let generator = generator.cloned().unwrap_or_else(default_generator);
        crate::dispatch!(self.dtype(), T => {
            use crate::element::Element;
            let inputs = self.detach().to_vec::<T>()?;
            let slopes: Vec<T> = generator.with(|g| {
                inputs
                    .iter()
                    .map(|x| {
                        let positive = x.to_f64() > 0.0;
                        let value = if positive { 1.0 } else { g.uniform_f64() * (slope.upper - slope.lower) + slope.lower };
                        <T as Element>::from_f64(value)
                    })
                    .collect()
            });
            Tensor::from_slice(&slopes, self.shape())
        })
    }
}
