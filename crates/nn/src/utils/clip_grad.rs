//! Gradients that are kept from growing too large.

use flambeau_tensor::{Error, Result, Tensor, autograd::no_grad};

/// Scales the gradients of all parameters so that their norm, taken as one vector, is at most `max_norm`. Gives the
/// norm that it was. A norm of infinity or NaN leaves gradients that are no numbers, as in PyTorch.
///
/// # Errors
/// If `max_norm` is not a number of at least 0.
pub fn clip_grad_norm_(parameters: &[Tensor], max_norm: f64) -> Result<f64> {
    if max_norm.is_nan() || max_norm < 0.0 {
        return Err(Error::value(format!("max_norm must be at least 0, got {max_norm}")));
    }
    no_grad(|| {
        let gradients: Vec<Tensor> = parameters.iter().filter_map(Tensor::grad).collect();
        let mut sum = 0.0;
        for gradient in &gradients {
            sum += gradient.square()?.sum()?.item()?.to_f64();
        }
        let norm = sum.sqrt();
        let factor = (max_norm / (norm + 1e-6)).min(1.0);
        // NaN is not less than 1 and must not pass as a norm that is small enough.
        if factor < 1.0 || norm.is_nan() {
            for gradient in &gradients {
                gradient.mul_(if norm.is_nan() { f64::NAN } else { factor })?;
            }
        }
        Ok(norm)
    })
}

/// Brings every number of every gradient between `-clip_value` and `clip_value`.
///
/// # Errors
/// If `clip_value` is not a number of at least 0.
pub fn clip_grad_value_(parameters: &[Tensor], clip_value: f64) -> Result<()> {
    if clip_value.is_nan() || clip_value < 0.0 {
        return Err(Error::value(format!("clip_value must be at least 0, got {clip_value}")));
    }
    no_grad(|| {
        for gradient in parameters.iter().filter_map(Tensor::grad) {
            gradient.copy_(&gradient.clamp(Some((-clip_value).into()), Some(clip_value.into()))?)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use flambeau_tensor::DType;

    /// Parameters whose gradients are these numbers.
    fn with_gradients(gradients: &[&[f32]]) -> Result<Vec<Tensor>> {
        let one = |gradient: &&[f32]| {
            let parameter = Tensor::zeros([gradient.len()], DType::F32)?;
            parameter.requires_grad_(true)?;
            parameter.mul(&Tensor::from_slice(gradient, [gradient.len()])?)?.sum()?.backward()?;
            Ok(parameter)
        };
        gradients.iter().map(one).collect()
    }

    fn gradients(parameters: &[Tensor]) -> Result<Vec<f32>> {
        let all: Vec<Vec<f32>> =
            parameters.iter().filter_map(Tensor::grad).map(|g| g.to_vec::<f32>()).collect::<Result<_>>()?;
        Ok(all.concat())
    }

    #[test]
    fn the_norm_is_that_of_one_vector() -> Result<()> {
        let mut parameters = with_gradients(&[&[3.0, 0.0], &[-4.0]])?;
        // One that has no gradient does not count.
        parameters.push(Tensor::zeros([2], DType::F32)?);
        assert_eq!(clip_grad_norm_(&parameters, 10.0)?, 5.0);
        assert_eq!(gradients(&parameters)?, [3.0, 0.0, -4.0]);
        assert_eq!(clip_grad_norm_(&parameters, 1.0)?, 5.0);
        for (found, expected) in gradients(&parameters)?.into_iter().zip([0.6, 0.0, -0.8]) {
            assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
        }
        assert!(clip_grad_norm_(&parameters, f64::NAN).is_err());
        assert!(clip_grad_norm_(&with_gradients(&[&[f32::NAN, 1.0]])?, 1.0)?.is_nan());
        Ok(())
    }

    #[test]
    fn values_are_cut() -> Result<()> {
        let parameters = with_gradients(&[&[3.0, 0.25], &[-4.0]])?;
        clip_grad_value_(&parameters, 0.5)?;
        assert_eq!(gradients(&parameters)?, [0.5, 0.25, -0.5]);
        assert!(clip_grad_value_(&parameters, -1.0).is_err());
        Ok(())
    }
}
