//! Filling with samples in place.

use super::{generator_or_default, streamed};
use crate::backend::Distribution;
use crate::ops::elementwise::not_implemented;
use crate::{DType, Error, Generator, Result, Tensor};

/// The largest number of a floating-point type.
fn largest(dtype: DType) -> f64 {
    match dtype {
        DType::F16 => 65_504.0,
        DType::BF16 => 3.389_531_389_251_535_5e38,
        DType::F32 => f64::from(f32::MAX),
        _ => f64::MAX,
    }
}

/// The integers that a dtype may be filled with: from the smallest to the largest; floating-point
/// types take what they hold exactly.
fn integer_bounds(dtype: DType) -> (i64, i64) {
    match dtype {
        DType::Bool => (0, 1),
        DType::U8 => (0, 255),
        DType::I8 => (i64::from(i8::MIN), i64::from(i8::MAX)),
        DType::I16 => (i64::from(i16::MIN), i64::from(i16::MAX)),
        DType::I32 => (i64::from(i32::MIN), i64::from(i32::MAX)),
        DType::F16 => (-65_504, 65_504),
        _ => (i64::MIN, i64::MAX),
    }
}

impl Tensor {
    /// Fills this tensor with samples, and its history with nothing.
    fn fill_samples(&self, name: &str, distribution: Distribution, generator: Option<&Generator>) -> Result<Tensor> {
        self.check_in_place(false)?;
        self.backend().sample(distribution, &generator_or_default(generator), &self.array())?;
        self.bump_version();
        self.rebase_history(name, self.data());
        Ok(self.clone())
    }

    /// Fills with samples uniform in `[from, to)`.
    ///
    /// # Errors
    /// If the bounds are not in order or not in the dtype's range, the dtype is no floating-point
    /// type, and the errors of in-place operators.
    pub fn uniform_(&self, from: f64, to: f64, generator: Option<&Generator>) -> Result<Tensor> {
        let dtype = self.dtype();
        if dtype.is_complex() {
            self.view_as_real()?.uniform_(from, to, generator)?;
            return Ok(self.clone());
        }
        if !dtype.is_floating_point() {
            return Err(not_implemented("check_uniform_bounds", dtype));
        }
        let limit = largest(dtype);
        for (name, bound) in [("from", from), ("to", to)] {
            if !(-limit..=limit).contains(&bound) {
                return Err(Error::runtime(format!("{name} is out of bounds for {}", dtype.c_name())));
            }
        }
        if from > to {
            return Err(Error::runtime(format!(
                "uniform_ expects to return a [from, to) range, but found from={} > to={}",
                streamed(from),
                streamed(to)
            )));
        }
        if to - from > limit {
            return Err(Error::runtime(format!(
                "uniform_ expects to-from <= std::numeric_limits<{}>::max(), but found to={} and from={} which result in to-from to exceed the limit",
                dtype.scalar_type_name(),
                streamed(to),
                streamed(from)
            )));
        }
        self.fill_samples("uniform_", Distribution::Uniform { from, to }, generator)
    }

    /// Fills with samples of a normal distribution; complex numbers, with parts of half the variance.
    ///
    /// # Errors
    /// If `std` is negative, the dtype is no floating-point type, and the errors of in-place
    /// operators.
    pub fn normal_(&self, mean: f64, std: f64, generator: Option<&Generator>) -> Result<Tensor> {
        if std < 0.0 {
            return Err(Error::runtime(format!("normal expects std >= 0.0, but found std {}", streamed(std))));
        }
        if self.dtype().is_complex() {
            // The parts are independent, and their variances add up.
            self.view_as_real()?.normal_(0.0, std * std::f64::consts::FRAC_1_SQRT_2, generator)?;
            if mean != 0.0 {
                self.real()?.add_(mean)?;
            }
            return Ok(self.clone());
        }
        if !self.dtype().is_floating_point() {
            return Err(not_implemented("normal_kernel_cpu", self.dtype()));
        }
        self.fill_samples("normal_", Distribution::Normal { mean, std }, generator)
    }

    /// Fills with 1 where a sample falls under `p`, else with 0.
    ///
    /// # Errors
    /// If `p` is no probability, and the errors of in-place operators.
    pub fn bernoulli_(&self, p: f64, generator: Option<&Generator>) -> Result<Tensor> {
        if !(0.0..=1.0).contains(&p) {
            return Err(Error::runtime(format!("bernoulli_ expects p to be in [0, 1], but got p={}", streamed(p))));
        }
        self.fill_samples("BernoulliBackward2", Distribution::Bernoulli { p }, generator)
    }

    /// Fills with 1 or 0, with a probability for each element (broadcast to this shape).
    ///
    /// # Errors
    /// If there is no floating-point tensor of probabilities, and the errors of in-place operators.
    pub fn bernoulli_tensor_(&self, p: &Tensor, generator: Option<&Generator>) -> Result<Tensor> {
        let p = p.detach();
        self.write_in_place("BernoulliBackward1", |x| {
            super::sample::bernoulli_of(&p.expand_to(&x.shape())?, x.dtype(), generator)
        })
    }

    /// Fills with integers of `[from, to)`; without `to`, up to the largest that the dtype holds;
    /// without both, from 0.
    ///
    /// # Errors
    /// If the bounds are not in order or not in the dtype's range, and the errors of in-place
    /// operators.
    pub fn random_(&self, from: Option<i64>, to: Option<i64>, generator: Option<&Generator>) -> Result<Tensor> {
        let dtype = self.dtype();
        let (smallest, largest) = integer_bounds(dtype);
        let (from, to) = match (from, to) {
            (None, None) => return self.fill_samples("RandomBackward2", Distribution::AllIntegers, generator),
            (from, to) => (from.unwrap_or(0), to),
        };
        let range = match to {
            Some(to) => {
                if from >= to {
                    return Err(Error::runtime(format!(
                        "random_ expects 'from' to be less than 'to', but got from={from} >= to={to}"
                    )));
                }
                for (name, bound) in [("from", from), ("to - 1", to - 1)] {
                    if !(smallest..=largest).contains(&bound) {
                        return Err(Error::runtime(format!("{name} is out of bounds for {}", dtype.c_name())));
                    }
                }
                to.wrapping_sub(from) as u64
            }
            // Up to and with the largest; all 2^64 when that is the whole of int64.
            None => largest.wrapping_sub(from).wrapping_add(1) as u64,
        };
        self.fill_samples("random_", Distribution::Integers { base: from, range }, generator)
    }

    /// Fills with samples of an exponential distribution.
    ///
    /// # Errors
    /// If the rate is not positive, the dtype is no floating-point type, and the errors of in-place
    /// operators.
    pub fn exponential_(&self, lambda: f64, generator: Option<&Generator>) -> Result<Tensor> {
        if !self.dtype().is_floating_point() {
            return Err(Error::runtime(format!(
                "Exponential distribution is a continuous probability distribution. dtype must be a floating point but you specified {}",
                self.dtype().scalar_type_name()
            )));
        }
        positive("exponential_", "lambda", lambda)?;
        self.fill_samples("exponential_", Distribution::Exponential { lambda }, generator)
    }

    /// Fills with samples of a Cauchy distribution.
    ///
    /// # Errors
    /// If `sigma` is not positive, the dtype is no floating-point type, and the errors of in-place
    /// operators.
    pub fn cauchy_(&self, median: f64, sigma: f64, generator: Option<&Generator>) -> Result<Tensor> {
        if !self.dtype().is_floating_point() {
            let name = if self.dtype() == DType::I64 { "long int" } else { self.dtype().c_name() };
            return Err(Error::runtime(format!(
                "Cauchy distribution is a continuous probability distribution. dtype must be a floating point but you specified {name}"
            )));
        }
        positive("cauchy_", "sigma", sigma)?;
        self.fill_samples("cauchy_", Distribution::Cauchy { median, sigma }, generator)
    }

    /// Fills with numbers of trials up to the first success.
    ///
    /// # Errors
    /// If `p` is not between 0 and 1, and the errors of in-place operators.
    pub fn geometric_(&self, p: f64, generator: Option<&Generator>) -> Result<Tensor> {
        if p <= 0.0 || p >= 1.0 || p.is_nan() {
            return Err(Error::runtime(format!("geometric_ expects p to be in (0, 1), but got p={}", streamed(p))));
        }
        self.fill_samples("geometric_", Distribution::Geometric { p }, generator)
    }

    /// Fills with samples whose logarithms are normally distributed.
    ///
    /// # Errors
    /// If `std` is not positive, the dtype is no floating-point type, and the errors of in-place
    /// operators.
    pub fn log_normal_(&self, mean: f64, std: f64, generator: Option<&Generator>) -> Result<Tensor> {
        positive("log_normal_", "std", std)?;
        if !self.dtype().is_floating_point() {
            return Err(not_implemented("log_normal_cpu", self.dtype()));
        }
        self.fill_samples("log_normal_", Distribution::LogNormal { mean, std }, generator)
    }
}

fn positive(operator: &str, name: &str, value: f64) -> Result<()> {
    if value > 0.0 {
        return Ok(());
    }
    Err(Error::runtime(format!("{operator} expects {name} > 0.0, but found {name}={}", streamed(value))))
}
