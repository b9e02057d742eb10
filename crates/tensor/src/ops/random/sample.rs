//! Samples whose distribution is given by tensors.

use super::{generator_or_default, streamed};
use crate::autograd::{Recorder, no_grad};
use crate::ops::elementwise::not_implemented;
use crate::ops::{Operand, TensorOptions};
use crate::{Array, DType, Error, Generator, Layout, Result, Tensor};

/// The values of a floating-point tensor as float64, in row-major order.
fn values(tensor: &Tensor) -> Result<Vec<f64>> {
    no_grad(|| tensor.detach().to_dtype(DType::F64)?.to_vec::<f64>())
}

/// 1 or 0 with these probabilities, of a dtype and in the memory order of `p`.
pub(super) fn bernoulli_of(p: &Tensor, dtype: DType, generator: Option<&Generator>) -> Result<Tensor> {
    if !p.dtype().is_floating_point() {
        return Err(not_implemented("bernoulli_tensor_cpu_p_", p.dtype()));
    }
    if !values(p)?.iter().all(|p| (0.0..=1.0).contains(p)) {
        return Err(Error::runtime(
            "Expected p_in >= 0 && p_in <= 1 to be true, but got false.  (Could this error message be improved?  If so, please report an enhancement request to PyTorch.)",
        ));
    }
    in_memory_order(p, dtype, |p, out| p.backend().sample_bernoulli(&p.array(), &generator_or_default(generator), out))
}

/// Samples an output element for each element of `source`, in the order of the source's memory.
fn in_memory_order(
    source: &Tensor,
    dtype: DType,
    sample: impl FnOnce(&Tensor, &Array) -> Result<()>,
) -> Result<Tensor> {
    let layout = source.layout();
    let mut order: Vec<usize> = (0..layout.ndim()).collect();
    order.sort_by_key(|&d| std::cmp::Reverse(layout.strides()[d]));
    let dims: Vec<isize> = order.iter().map(|&d| d as isize).collect();
    let sorted = no_grad(|| source.detach().permute(&dims)?.contiguous())?;
    let out = Array::uninit(Layout::contiguous(sorted.shape()), dtype)?;
    sample(&sorted, &out)?;
    let mut back = vec![0isize; dims.len()];
    for (to, &from) in order.iter().enumerate() {
        back[from] = to as isize;
    }
    let view = no_grad(|| Tensor::from_array(out).permute(&back))?;
    Ok(Tensor::from_array(view.array()))
}

/// Notes that a sample has no gradient but a place in the graph: its inputs get zeros.
fn record_sample(name: &str, input: &Tensor, out: &Tensor) {
    if let Some(r) = Recorder::new(name, &[input]) {
        r.finish(out, |_, grad| Ok(vec![Some(grad.zeros_like(TensorOptions::default())?)]));
    }
}

impl Tensor {
    /// For each probability, 1 with that probability and else 0.
    ///
    /// # Errors
    /// If an element is no probability, or the dtype is no floating-point type.
    pub fn bernoulli(&self, generator: Option<&Generator>) -> Result<Tensor> {
        let out = bernoulli_of(self, self.dtype(), generator)?;
        record_sample("BernoulliBackward0", self, &out);
        Ok(out)
    }

    /// 1 with probability `p` and else 0, of this tensor's shape and dtype.
    ///
    /// # Errors
    /// If `p` is no probability.
    pub fn bernoulli_p(&self, p: f64, generator: Option<&Generator>) -> Result<Tensor> {
        self.detach().empty_like(TensorOptions::default())?.bernoulli_(p, generator)
    }

    /// For each rate, a sample of the Poisson distribution.
    ///
    /// # Errors
    /// If a rate is negative, or the dtype is no floating-point type.
    pub fn poisson(&self, generator: Option<&Generator>) -> Result<Tensor> {
        if !self.dtype().is_floating_point() {
            return Err(not_implemented("poisson_cpu", self.dtype()));
        }
        if values(self)?.iter().any(|&rate| rate < 0.0) {
            return Err(Error::runtime("invalid Poisson rate, expected rate to be non-negative"));
        }
        let out = in_memory_order(self, self.dtype(), |rates, out| {
            rates.backend().sample_poisson(&rates.array(), &generator_or_default(generator), out)
        })?;
        record_sample("PoissonBackward0", self, &out);
        Ok(out)
    }

    /// Indices drawn with the (not normalised) probabilities of each row: `(rows, num_samples)`,
    /// or `(num_samples)` for a tensor of one dimension; int64.
    ///
    /// # Errors
    /// If the probabilities are none, or there are fewer than samples to draw without replacement.
    pub fn multinomial(&self, num_samples: usize, replacement: bool, generator: Option<&Generator>) -> Result<Tensor> {
        let shape = self.shape();
        if shape.is_empty() || shape.len() > 2 {
            return Err(Error::runtime("prob_dist must be 1 or 2 dim"));
        }
        if !self.dtype().is_floating_point() {
            return Err(Error::runtime(format!(
                "multinomial only supports floating-point dtypes for input, got: {}",
                self.dtype().scalar_type_name()
            )));
        }
        if num_samples == 0 {
            return Err(Error::runtime("cannot sample n_sample <= 0 samples"));
        }
        let categories = shape[shape.len() - 1];
        if !replacement && num_samples > categories {
            return Err(Error::runtime("cannot sample n_sample > prob_dist.size(-1) samples without replacement"));
        }
        let weights = values(self)?;
        let generator = generator_or_default(generator);
        let rows: Vec<&[f64]> = if categories == 0 { Vec::new() } else { weights.chunks_exact(categories).collect() };
        let drawn = if replacement && num_samples > 1 {
            with_replacement(&rows, num_samples, self.dtype(), &generator)?
        } else {
            without_replacement(&rows, num_samples, self.dtype(), &generator)?
        };
        let mut out_shape = shape.to_vec();
        out_shape[shape.len() - 1] = num_samples;
        Tensor::from_slice(&drawn, out_shape)
    }
}

/// A number rounded to a dtype's precision.
fn rounded(value: f64, dtype: DType) -> f64 {
    use crate::element::{Element, bf16, f16};
    match dtype {
        DType::F32 => f64::from(value as f32),
        DType::F16 => f16::from_f64(value).to_f64(),
        DType::BF16 => <bf16 as Element>::from_f64(value).to_f64(),
        _ => value,
    }
}

/// The `n` largest of weights divided by exponential samples are a sample without replacement
/// (Efraimidis and Spirakis, 2006).
fn without_replacement(rows: &[&[f64]], n: usize, dtype: DType, generator: &Generator) -> Result<Vec<i64>> {
    for row in rows {
        if row.iter().any(|w| !w.is_finite() || *w < 0.0) {
            return Err(Error::runtime("probability tensor contains either `inf`, `nan` or element < 0"));
        }
        if row.iter().sum::<f64>() == 0.0 {
            return Err(Error::runtime("invalid multinomial distribution (sum of probabilities <= 0)"));
        }
    }
    let mut drawn = Vec::with_capacity(rows.len() * n);
    for row in rows {
        let noise = Tensor::empty([row.len()], dtype)?.exponential_(1.0, Some(generator))?;
        let keys: Vec<f64> = row.iter().zip(values(&noise)?).map(|(w, q)| rounded(w / q, dtype)).collect();
        let mut order: Vec<usize> = (0..row.len()).collect();
        order.sort_by(|&a, &b| keys[b].total_cmp(&keys[a]));
        drawn.extend(order[..n].iter().map(|&i| i as i64));
    }
    Ok(drawn)
}

/// Looks uniform samples up in the cumulative distribution of each row.
fn with_replacement(rows: &[&[f64]], n: usize, dtype: DType, generator: &Generator) -> Result<Vec<i64>> {
    // Half-precision sums are made in float32.
    let sums = if dtype == DType::F64 { DType::F64 } else { DType::F32 };
    let mut drawn = Vec::with_capacity(rows.len() * n);
    for row in rows {
        let mut cumulative = Vec::with_capacity(row.len());
        let mut sum = 0.0;
        for &weight in *row {
            if weight < 0.0 {
                return Err(Error::runtime("invalid multinomial distribution (encountering probability entry < 0)"));
            }
            if weight.is_infinite() {
                return Err(Error::runtime(
                    "invalid multinomial distribution (encountering probability entry = infinity)",
                ));
            }
            if weight.is_nan() {
                return Err(Error::runtime("invalid multinomial distribution (encountering probability entry = NaN)"));
            }
            sum = rounded(sum + weight, sums);
            cumulative.push(sum);
        }
        if sum <= 0.0 {
            return Err(Error::runtime("invalid multinomial distribution (sum of probabilities <= 0)"));
        }
        cumulative.iter_mut().for_each(|c| *c = rounded(*c / sum, sums));
        if let Some(last) = cumulative.last_mut() {
            *last = 1.0;
        }
        generator.with(|g| {
            drawn.extend((0..n).map(|_| {
                let sample = g.uniform_f64();
                cumulative.partition_point(|&c| c < sample) as i64
            }));
        });
    }
    Ok(drawn)
}

/// Normal samples with means and standard deviations from tensors (broadcast) or numbers. At least
/// one of the two must be a tensor.
///
/// # Errors
/// If a standard deviation is negative, the shapes cannot be broadcast, or the dtype is no
/// floating-point type.
pub fn normal(mean: impl Into<Operand>, std: impl Into<Operand>, generator: Option<&Generator>) -> Result<Tensor> {
    let (mean, std) = (mean.into(), std.into());
    match &std {
        Operand::Scalar(s) if s.to_f64() < 0.0 => {
            return Err(Error::runtime(format!("normal expects std >= 0.0, but found std {}", streamed(s.to_f64()))));
        }
        Operand::Tensor(t) if t.dtype().is_floating_point() && values(t)?.iter().any(|&s| s < 0.0) => {
            return Err(Error::runtime("normal expects all elements of std >= 0.0"));
        }
        _ => {}
    }
    let (shape, dtype) = match (&mean, &std) {
        (Operand::Tensor(m), Operand::Tensor(s)) => {
            (crate::ops::broadcast_shapes(&[&m.shape(), &s.shape()])?, m.dtype())
        }
        (Operand::Tensor(t), _) | (_, Operand::Tensor(t)) => (t.shape(), t.dtype()),
        _ => return Err(Error::type_("normal: expected a tensor for the mean or the standard deviation")),
    };
    let samples = Tensor::empty(shape, dtype)?.normal_(0.0, 1.0, generator)?;
    let out = no_grad(|| samples.mul(std.clone())?.add(mean.clone()))?.to_dtype(dtype)?;
    if let Some(mean) = mean.tensor() {
        let name = if std.tensor().is_some() { "NormalBackward3" } else { "NormalBackward1" };
        if out.shape() == mean.shape() {
            record_sample(name, mean, &out);
        }
    }
    Ok(out)
}
