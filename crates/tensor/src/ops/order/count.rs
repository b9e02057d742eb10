//! How often values occur.

use crate::ops::elementwise::not_implemented;
use crate::{DType, Error, Result, Scalar, Tensor};

impl Tensor {
    /// How often each of the numbers 0, 1, … occurs in a vector of integers, or the sum of the weights
    /// of its occurrences; at least `minlength` of them.
    ///
    /// # Errors
    /// PyTorch's, for inputs that are not a vector of integers from 0 on, weights that do not fit, and
    /// if there is not enough memory.
    pub fn bincount(&self, weights: Option<&Tensor>, minlength: i64) -> Result<Tensor> {
        if !self.dtype().is_integral(false) {
            return Err(not_implemented("bincount_cpu", self.dtype()));
        }
        let length = usize::try_from(minlength).map_err(|_| Error::runtime("minlength should be >= 0"))?;
        let refused = || Error::runtime("bincount only supports 1-d non-negative integral inputs.");
        if self.ndim() == 1 && self.numel() == 0 {
            return Tensor::zeros([length], DType::I64);
        }
        let values = self.detach().to_dtype(DType::I64)?.contiguous()?;
        let numbers = values.to_vec::<i64>()?;
        if self.ndim() != 1 || numbers.iter().any(|&value| value < 0) {
            return Err(refused());
        }
        if weights.is_some_and(|weights| weights.shape() != self.shape()) {
            return Err(Error::runtime("weights should be 1-d and have the same length as input"));
        }
        let bins = numbers.iter().max().map_or(0, |&greatest| (greatest as usize).saturating_add(1)).max(length);
        let weights = weights
            .map(|weights| {
                let dtype = if weights.dtype() == DType::F32 { DType::F32 } else { DType::F64 };
                weights.detach().to_dtype(dtype)?.contiguous()
            })
            .transpose()?;
        let out = Tensor::zeros([bins], weights.as_ref().map_or(DType::I64, |weights| weights.dtype()))?;
        let weights = weights.map(|weights| weights.array());
        self.backend().bin_counts(&values.array(), weights.as_ref(), &out.array())?;
        Ok(out)
    }

    /// How many elements lie in each of `bins` bins of the same width between `min` and `max`, or
    /// between the smallest and the greatest element where these are equal. Others are not counted.
    ///
    /// # Errors
    /// If the elements are not floats, or the range is not one.
    pub fn histc(&self, bins: i64, min: impl Into<Scalar>, max: impl Into<Scalar>) -> Result<Tensor> {
        let dtype = self.dtype();
        if !dtype.is_floating_point() {
            let kernel = if dtype == DType::Bool { "linspace_cpu" } else { "histogram_cpu" };
            return Err(not_implemented(kernel, dtype));
        }
        let count = usize::try_from(bins).ok().filter(|&bins| bins > 0).ok_or_else(|| {
            Error::runtime(format!("torch.histogram(): bins must be > 0, but got {bins} for dimension 0"))
        })?;
        let (mut low, mut high) = (min.into().to_f64(), max.into().to_f64());
        let source = self.detach().contiguous()?;
        if low == high && source.numel() > 0 {
            let numbers = source.to_dtype(DType::F64)?.to_vec::<f64>()?;
            if numbers.iter().any(|x| x.is_nan()) {
                return Err(Error::runtime("torch.histc: range of [-nan, -nan] is not finite"));
            }
            low = numbers.iter().copied().fold(f64::INFINITY, f64::min);
            high = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        }
        if low == high {
            low -= 1.0;
            high += 1.0;
        }
        if !(low.is_finite() && high.is_finite()) {
            let show = |x: f64| if x.is_nan() { "nan".to_owned() } else { (x as f32).to_string() };
            return Err(Error::runtime(format!("torch.histc: range of [{}, {}] is not finite", show(low), show(high))));
        }
        if low > high {
            return Err(Error::runtime("torch.histc: max must be larger than min"));
        }
        let counts = Tensor::zeros([count], DType::I64)?;
        self.backend().histogram(&source.array(), low, high, &counts.array())?;
        counts.to_dtype(dtype)
    }
}
