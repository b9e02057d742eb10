//! How variables vary together.

use crate::autograd::no_grad;
use crate::{DType, Error, Result, Tensor};

/// The options of [`Tensor::cov`].
#[derive(Clone, Debug)]
pub struct CovarianceOptions {
    /// What is subtracted from the number of observations before sums are divided by it.
    pub correction: i64,
    /// How often each observation was made.
    pub frequencies: Option<Tensor>,
    /// How much each observation counts.
    pub weights: Option<Tensor>,
}

impl Default for CovarianceOptions {
    fn default() -> Self {
        CovarianceOptions { correction: 1, frequencies: None, weights: None }
    }
}

fn check_weights(name: &str, weights: &Tensor, observations: usize, integral: bool) -> Result<()> {
    let error = |text: String| Err(Error::runtime(format!("cov(): {text}")));
    if weights.ndim() > 1 {
        return error(format!(
            "expected {name} to have one or fewer dimensions but got {name} with {} dimensions",
            weights.ndim()
        ));
    }
    if weights.dtype().is_integral(false) != integral {
        let (kind, dtype) = (if integral { "integral" } else { "floating point" }, weights.dtype().scalar_type_name());
        return error(format!("expected {name} to have {kind} dtype but got {name} with {dtype} dtype"));
    }
    if weights.numel() != observations {
        return error(format!(
            "expected {name} to have the same numel as there are observations in the input but got {} != {observations}",
            weights.numel()
        ));
    }
    let negative = no_grad(|| weights.lt(0)?.any()?.item())?.to_bool();
    if negative && weights.numel() > 0 {
        return error(format!("{name} cannot be negative"));
    }
    Ok(())
}

impl Tensor {
    /// The covariances of variables (rows) whose observations are columns.
    ///
    /// # Errors
    /// If there are more than two dimensions, and for weights that do not fit.
    pub fn cov(&self, options: &CovarianceOptions) -> Result<Tensor> {
        if self.ndim() > 2 {
            return Err(Error::runtime(format!(
                "cov(): expected input to have two or fewer dimensions but got an input with {} dimensions",
                self.ndim()
            )));
        }
        if self.dtype() == DType::Bool {
            return Err(Error::not_implemented("cov(): bool dtype is not supported for input"));
        }
        let input = if self.ndim() < 2 { self.reshape(&[1, -1])? } else { self.clone() };
        let observations = input.size(1)?;
        let mut weights: Option<Tensor> = None;
        if let Some(frequencies) = &options.frequencies {
            check_weights("fweights", frequencies, observations, true)?;
            weights = Some(frequencies.clone());
        }
        if let Some(given) = &options.weights {
            check_weights("aweights", given, observations, false)?;
            weights = Some(match weights {
                Some(frequencies) => frequencies.mul(given)?,
                None => given.clone(),
            });
        }
        let float = if input.dtype().is_floating_point() { input.clone() } else { input.mul(1.0)? };
        let (total, mean) = match &weights {
            None => (None, float.sum_dims(&[1], true, None)?.div(observations as f64)?),
            Some(w) => {
                let total = w.sum()?;
                let mean = float.mul(w)?.sum_dims(&[1], true, None)?.div(&total)?;
                (Some(total), mean)
            }
        };
        let count = match (&total, &options.weights) {
            (None, _) => Tensor::scalar(observations as f64, float.dtype())?.sub(options.correction)?,
            (Some(total), None) => total.sub(options.correction)?,
            (Some(total), Some(given)) if options.correction != 0 => {
                let squares = weights.as_ref().map_or(given.clone(), Clone::clone).mul(given)?.sum()?;
                total.sub(&squares.div(total)?.mul(options.correction)?)?
            }
            (Some(total), _) => total.clone(),
        };
        let count = count.to_dtype(float.dtype())?.clamp_min(0.0)?;
        let centred = float.sub(&mean)?;
        let weighted = match &weights {
            Some(w) => centred.mul(w)?,
            None => centred.clone(),
        };
        let out = centred.mm(&weighted.to_dtype(centred.dtype())?.t()?)?.div(&count)?;
        // A single variable's covariance is a number.
        out.squeeze()
    }

    /// The correlations of variables (rows) whose observations are columns.
    ///
    /// # Errors
    /// If there are more than two dimensions.
    pub fn corrcoef(&self) -> Result<Tensor> {
        if self.ndim() > 2 {
            return Err(Error::runtime(format!(
                "corrcoef(): expected input to have two or fewer dimensions but got an input with {} dimensions",
                self.ndim()
            )));
        }
        let covariances = self.cov(&CovarianceOptions::default())?;
        if covariances.ndim() == 0 {
            return covariances.div(&covariances);
        }
        let deviations = covariances.diagonal(0, 0, 1)?.sqrt()?;
        covariances
            .div(&deviations.unsqueeze(1)?)?
            .div(&deviations.unsqueeze(0)?)?
            .clamp(Some((-1.0).into()), Some(1.0.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autograd::{gradcheck, gradgradcheck};

    #[test]
    fn covariances_and_correlations() {
        let x = Tensor::from_slice(&[0.0, 1.0, 2.0, 2.0, 1.0, 0.5], [2, 3]).unwrap();
        let cov = x.cov(&CovarianceOptions::default()).unwrap().to_vec::<f64>().unwrap();
        assert!((cov[0] - 1.0).abs() < 1e-12 && (cov[1] + 0.75).abs() < 1e-12);
        assert!((x.corrcoef().unwrap().to_vec::<f64>().unwrap()[3] - 1.0).abs() < 1e-12);
        let inputs = [x.requires_grad_(true).unwrap()];
        let options = CovarianceOptions {
            frequencies: Some(Tensor::from_slice(&[1i64, 2, 1], [3]).unwrap()),
            weights: Some(Tensor::from_slice(&[0.5, 1.0, 2.0], [3]).unwrap()),
            ..Default::default()
        };
        gradcheck(|x| x[0].cov(&options), &inputs).unwrap();
        gradgradcheck(|x| x[0].cov(&CovarianceOptions::default()), &inputs).unwrap();
        assert!(x.cov(&CovarianceOptions { frequencies: Some(x.clone()), ..Default::default() }).is_err());
    }
}
