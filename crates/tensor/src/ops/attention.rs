//! Scaled dot-product attention.

use crate::autograd::no_grad;
use crate::{DType, Error, Result, Tensor};

/// The options of [`Tensor::scaled_dot_product_attention`].
#[derive(Clone, Debug, Default)]
pub struct AttentionOptions {
    /// Which keys each query sees (truth values), or what is added to their scores.
    pub mask: Option<Tensor>,
    /// The probability that a weight is left out.
    pub dropout: f64,
    /// Whether a query sees no key after its own place.
    pub causal: bool,
    /// What scores are multiplied with; one over the square root of the size of a query by default.
    pub scale: Option<f64>,
    /// Whether groups of queries share the heads (dimension -3) of keys and values.
    pub grouped: bool,
}

fn check(query: &Tensor, key: &Tensor, value: &Tensor, options: &AttentionOptions) -> Result<()> {
    let all = [query, key, value];
    if all.iter().any(|t| t.dtype() != query.dtype()) {
        let [q, k, v] = all.map(|t| t.dtype().c_name());
        return Err(Error::runtime(format!(
            "Expected query, key, and value to have the same dtype, but got query.dtype: {q} key.dtype: {k} and value.dtype: {v} instead."
        )));
    }
    if all.iter().any(|t| t.ndim() < 2) {
        let [q, k, v] = all.map(Tensor::ndim);
        return Err(Error::runtime(format!(
            "Expected query, key, and value to all be  at least 2 dimensional, but got query.dim: {q} key.dim: {k} and value.dim: {v} instead."
        )));
    }
    let Some(mask) = &options.mask else { return Ok(()) };
    if options.causal {
        return Err(Error::runtime(
            "_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True",
        ));
    }
    if mask.dtype() != DType::Bool && mask.dtype() != DType::F32 && mask.dtype() != query.dtype() {
        return Err(Error::runtime(format!(
            "Expected attn_mask dtype to be bool or float or to match query dtype, but got attn_mask.dtype: {} and  query.dtype: {} instead.",
            if mask.dtype() == DType::I64 { "long int" } else { mask.dtype().c_name() },
            query.dtype().c_name()
        )));
    }
    Ok(())
}

impl Tensor {
    /// `softmax(self @ key^T * scale + mask) @ value` of queries `(…, L, E)`, keys `(…, S, E)` and
    /// values `(…, S, V)`. A query that sees no key gets zeros.
    ///
    /// Source: A. Vaswani et al., "Attention Is All You Need", 2017.
    ///
    /// # Errors
    /// PyTorch's, for shapes and dtypes that do not fit.
    pub fn scaled_dot_product_attention(
        &self,
        key: &Tensor,
        value: &Tensor,
        options: &AttentionOptions,
    ) -> Result<Tensor> {
        check(self, key, value, options)?;
        let scale = options.scale.unwrap_or_else(|| 1.0 / (self.shape()[self.ndim() - 1] as f64).sqrt());
        let (mut key, mut value) = (key.clone(), value.clone());
        if options.grouped {
            let heads = |t: &Tensor| t.size(-3);
            let (of_query, of_key, of_value) = (heads(self)?, heads(&key)?, heads(&value)?);
            if of_key == 0 || of_key != of_value || of_query % of_key != 0 {
                return Err(Error::runtime(
                    "Number of heads in key and value must divide the number of heads in query",
                ));
            }
            let times = (of_query / of_key) as i64;
            key = key.repeat_interleave(times, Some(-3), None)?;
            value = value.repeat_interleave(times, Some(-3), None)?;
        }
        // Half of the scale on each side keeps narrow dtypes within their range.
        let half = scale.abs().sqrt();
        let query = self.mul(half * scale.signum())?;
        let mut scores = query.matmul(&key.mul(half)?.transpose(-2, -1)?)?;
        let mask = if options.causal { Some(causal(self, &key)?) } else { options.mask.clone() };
        let mut seen = None;
        match mask {
            Some(mask) if mask.dtype() == DType::Bool => {
                scores = scores.masked_fill(&no_grad(|| mask.logical_not())?, f64::NEG_INFINITY)?;
                seen = Some(mask);
            }
            Some(mask) => scores = scores.add(&mask)?.to_dtype(self.dtype())?,
            None => {}
        }
        let mut weights = scores.softmax(-1)?;
        if let Some(seen) = seen {
            let blind = no_grad(|| seen.any_dims(&[-1], true)?.logical_not())?;
            weights = weights.masked_fill(&blind, 0.0)?;
        }
        if options.dropout > 0.0 {
            weights = weights.dropout(options.dropout, true)?;
        }
        weights.matmul(&value)
    }
}

/// Which key each query sees: none after its own place.
fn causal(query: &Tensor, key: &Tensor) -> Result<Tensor> {
    Tensor::ones([query.size(-2)?, key.size(-2)?], DType::Bool)?.tril(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autograd::{gradcheck, gradgradcheck};

    fn sample(seed: usize, shape: &[usize]) -> Tensor {
        let n: usize = shape.iter().product();
        let values: Vec<f64> = (0..n).map(|i| ((i * 7 + seed * 3) % 11) as f64 / 5.0 - 1.0).collect();
        Tensor::from_slice(&values, shape).unwrap().requires_grad_(true).unwrap()
    }

    #[test]
    fn gradients_and_masks() {
        let inputs = [sample(0, &[2, 3, 4]), sample(1, &[2, 5, 4]), sample(2, &[2, 5, 3])];
        for causal in [false, true] {
            let options = AttentionOptions { causal, ..Default::default() };
            gradcheck(|x| x[0].scaled_dot_product_attention(&x[1], &x[2], &options), &inputs).unwrap();
        }
        let options = AttentionOptions::default();
        gradgradcheck(|x| x[0].scaled_dot_product_attention(&x[1], &x[2], &options), &inputs).unwrap();
        let mask = Some(Tensor::zeros([3, 5], DType::Bool).unwrap());
        let blind =
            inputs[0].scaled_dot_product_attention(&inputs[1], &inputs[2], &AttentionOptions { mask, ..options });
        assert!(blind.unwrap().detach().to_vec::<f64>().unwrap().iter().all(|&x| x == 0.0));
    }
}
