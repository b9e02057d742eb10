//! Quantiles.

use crate::autograd::no_grad;
use crate::{DType, Error, Result, Tensor};

/// What a quantile between two elements is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Interpolation {
    /// A number between them.
    #[default]
    Linear,
    /// The lower one.
    Lower,
    /// The higher one.
    Higher,
    /// The middle of both.
    Midpoint,
    /// The nearer one; the even one of two that are equally near.
    Nearest,
}

impl std::str::FromStr for Interpolation {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Ok(match name {
            "linear" => Self::Linear,
            "lower" => Self::Lower,
            "higher" => Self::Higher,
            "midpoint" => Self::Midpoint,
            "nearest" => Self::Nearest,
            _ => {
                return Err(Error::runtime(format!(
                    "quantile() interpolation must be one of linear, lower, higher, midpoint or nearest, but got {name}"
                )));
            }
        })
    }
}

/// The options of [`Tensor::quantile`].
#[derive(Clone, Copy, Debug, Default)]
pub struct QuantileOptions {
    /// The dimension; all elements at once by default.
    pub dim: Option<isize>,
    /// Whether the dimension stays, with size 1.
    pub keepdim: bool,
    /// What lies between two elements.
    pub interpolation: Interpolation,
    /// Whether NaN is left out; otherwise it makes the quantile NaN.
    pub ignore_nan: bool,
}

fn check(input: &Tensor, q: &Tensor) -> Result<()> {
    let error = |what: &str| Err(Error::runtime(format!("quantile() {what}")));
    if q.ndim() > 1 {
        return error("q must be a scalar or 1D tensor");
    }
    if !matches!(input.dtype(), DType::F32 | DType::F64) {
        return error("input tensor must be either float or double dtype");
    }
    if q.dtype() != input.dtype() {
        return error("q tensor must be same dtype as the input tensor");
    }
    if no_grad(|| q.to_dtype(DType::F64)?.to_vec::<f64>())?.iter().any(|q| !(0.0..=1.0).contains(q)) {
        return error("q values must be in the range [0, 1]");
    }
    if input.numel() == 0 {
        return error("input tensor must be non-empty");
    }
    Ok(())
}

impl Tensor {
    /// The elements below which shares `q` (a number or a vector of them) of all elements lie. A
    /// vector's quantiles are the first dimension of the result.
    ///
    /// # Errors
    /// PyTorch's, for shares outside 0 to 1, no elements, other dtypes than float32 and float64, or
    /// a dimension that does not exist.
    pub fn quantile(&self, q: &Tensor, options: QuantileOptions) -> Result<Tensor> {
        check(self, q)?;
        let ndim = self.ndim();
        let axis = options.dim.map(|dim| self.dim(dim)).transpose()?;
        let lines = match axis {
            Some(_) if ndim == 0 => self.reshape(&[1])?,
            Some(axis) => self.movedim(&[axis as isize], &[-1])?,
            None => self.flatten(0, -1)?,
        };
        let sorted = lines.sort(-1, false)?.0;
        let size = sorted.size(-1)?;
        let (below, above, weight) = places(&sorted.detach(), q, options, size)?;
        let mut values = sorted.gather(-1, &below)?;
        if matches!(options.interpolation, Interpolation::Linear | Interpolation::Midpoint) {
            values = values.lerp(&sorted.gather(-1, &above)?, &weight)?;
        }
        let mut values = values.movedim(&[-1], &[0])?;
        if options.keepdim {
            values = match axis {
                Some(_) if ndim == 0 => values,
                Some(axis) => values.unsqueeze(axis as isize + 1)?,
                None => values.reshape(&[vec![-1], vec![1; ndim]].concat())?,
            };
        }
        if q.ndim() == 0 { values.squeeze_dim(0) } else { Ok(values) }
    }
}

/// For each line and share: the places of the elements around the quantile, and how far it is on
/// the way from one to the other.
fn places(sorted: &Tensor, q: &Tensor, options: QuantileOptions, size: usize) -> Result<(Tensor, Tensor, Tensor)> {
    let q = q.reshape(&[-1])?;
    let missing = sorted.isnan()?;
    let ranks = if options.ignore_nan {
        let known = missing.logical_not()?.sum_dims(&[-1], true, None)?.to_dtype(sorted.dtype())?;
        known.sub(1.0)?.mul(&q)?.clamp_min(0.0)?
    } else {
        let ranks = q.mul((size - 1) as f64)?;
        let any = missing.any_dims(&[-1], true)?;
        crate::ops::where_(&any, (size - 1) as f64, &ranks)?.to_dtype(sorted.dtype())?
    };
    let chosen = no_grad(|| match options.interpolation {
        Interpolation::Lower => ranks.floor(),
        Interpolation::Higher => ranks.ceil(),
        Interpolation::Nearest => ranks.round(),
        Interpolation::Linear | Interpolation::Midpoint => Ok(ranks.detach()),
    })?;
    let below = chosen.to_dtype(DType::I64)?;
    let weight = match options.interpolation {
        Interpolation::Midpoint => chosen.full_like(0.5, None)?,
        _ => ranks.sub(&below)?,
    };
    Ok((below, chosen.ceil()?.to_dtype(DType::I64)?, weight))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autograd::gradcheck;

    #[test]
    fn quantiles_along_a_dimension() {
        let x = Tensor::from_slice(&[1.0, 4.0, 2.0, 8.0, 5.0, 6.0], [2, 3]).unwrap();
        let half = Tensor::scalar(0.5, DType::F64).unwrap();
        let along = QuantileOptions { dim: Some(1), ..Default::default() };
        assert_eq!(x.quantile(&half, along).unwrap().to_vec::<f64>().unwrap(), [2.0, 6.0]);
        let all = x.quantile(&half, QuantileOptions::default()).unwrap();
        assert_eq!(all.item().unwrap().to_f64(), 4.5);
        let several = Tensor::from_slice(&[0.25, 0.75, 1.0], [3]).unwrap();
        let kept = x.quantile(&several, QuantileOptions { keepdim: true, ..along }).unwrap();
        assert_eq!(kept.shape(), [3, 2, 1]);
        let inputs = [x.requires_grad_(true).unwrap()];
        gradcheck(|x| x[0].quantile(&several, along), &inputs).unwrap();
        assert!(x.quantile(&Tensor::scalar(2.0, DType::F64).unwrap(), along).is_err());
    }

    #[test]
    fn missing_numbers_are_left_out_or_spread() {
        let x = Tensor::from_slice(&[1.0, f64::NAN, 3.0], [3]).unwrap();
        let half = Tensor::scalar(0.5, DType::F64).unwrap();
        assert!(x.quantile(&half, QuantileOptions::default()).unwrap().item().unwrap().to_f64().is_nan());
        let ignored = QuantileOptions { ignore_nan: true, ..Default::default() };
        assert_eq!(x.quantile(&half, ignored).unwrap().item().unwrap().to_f64(), 2.0);
    }
}
