//! Special functions that are computed in float64, one element at a time.

use super::float_dtype;
use crate::autograd::{Recorder, no_grad};
use crate::{DType, Error, Result, Tensor};

/// A function of every element, without a record; integers become floats.
fn mapped(x: &Tensor, f: impl Fn(f64) -> f64) -> Result<Tensor> {
    let dtype = float_dtype(x.dtype());
    no_grad(|| {
        let values: Vec<f64> = x.detach().to_dtype(DType::F64)?.to_vec::<f64>()?.into_iter().map(f).collect();
        Tensor::from_slice(&values, x.shape())?.to_dtype(dtype)
    })
}

/// The sum of `(q + k)^-s` over all `k >= 0`, for an integer `s >= 2`; NaN far below zero, where
/// too many terms would have to be added one by one.
///
/// Source: Euler and Maclaurin's summation, with the first Bernoulli numbers.
fn zeta(s: i32, q: f64) -> f64 {
    /// B(2j) / (2j)! for j from 1.
    const COEFFICIENTS: [f64; 8] = [
        1.0 / 12.0,
        -1.0 / 720.0,
        1.0 / 30_240.0,
        -1.0 / 1_209_600.0,
        1.0 / 47_900_160.0,
        -691.0 / 1_307_674_368_000.0,
        1.0 / 74_724_249_600.0,
        -3617.0 / 10_670_622_842_880_000.0,
    ];
    if q <= 0.0 && q == q.floor() {
        return f64::INFINITY;
    }
    if q.is_nan() || q < -1e6 {
        return f64::NAN;
    }
    if q == f64::INFINITY {
        return 0.0;
    }
    let (mut sum, mut at) = (0.0, q);
    // For a large exponent the series needs a later start.
    let start = 10.0 + f64::from(s);
    while at < start {
        sum += at.powi(-s);
        at += 1.0;
    }
    sum += at.powi(1 - s) / f64::from(s - 1) + 0.5 * at.powi(-s);
    let mut factor = f64::from(s) * at.powi(-s - 1);
    for (j, coefficient) in COEFFICIENTS.iter().enumerate() {
        sum += coefficient * factor;
        let next = f64::from(s) + 2.0 * j as f64;
        factor *= (next + 1.0) * (next + 2.0) / (at * at);
    }
    sum
}

/// The modified Bessel function of order 0 or 1, by its power series, whose terms are all positive.
fn bessel(order: i32, x: f64) -> f64 {
    if !x.is_finite() {
        return if x.is_nan() {
            x
        } else if order == 0 {
            f64::INFINITY
        } else {
            x
        };
    }
    // Beyond this the result is too large for float64.
    if x.abs() > 720.0 {
        return if order == 0 { f64::INFINITY } else { f64::INFINITY.copysign(x) };
    }
    let quarter = x * x / 4.0;
    let mut term = if order == 0 { 1.0 } else { x / 2.0 };
    let (mut sum, mut k) = (term, 1.0);
    while term.abs() > sum.abs() * f64::EPSILON / 4.0 {
        term *= quarter / (k * (k + f64::from(order)));
        sum += term;
        k += 1.0;
    }
    sum
}

impl Tensor {
    /// The `n`-th derivative of [`Tensor::digamma`].
    ///
    /// # Errors
    /// If `n` is negative or above 169, beyond which factorials overflow.
    pub fn polygamma(&self, n: i64) -> Result<Tensor> {
        if n == 0 {
            return self.digamma();
        }
        if n < 0 {
            return Err(Error::runtime("polygamma(n, x) does not support negative n."));
        }
        let Some(order) = i32::try_from(n).ok().filter(|&n| n < 170) else {
            return Err(Error::not_implemented(format!("polygamma is not available for n={n}, only for n below 170")));
        };
        let factorial: f64 = (1..=order).map(f64::from).product();
        let scale = if order % 2 == 0 { -factorial } else { factorial };
        let out = mapped(self, |x| scale * zeta(order + 1, x))?;
        if let Some(mut recorder) = Recorder::new("PolygammaBackward0", &[self]) {
            let input = recorder.save(self);
            recorder.finish(&out, move |ctx, grad| Ok(vec![Some(grad.mul(&ctx.saved(input)?.polygamma(n + 1)?)?)]));
        }
        Ok(out)
    }

    /// The modified Bessel function of the first kind, of order 0.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn i0(&self) -> Result<Tensor> {
        let out = mapped(self, |x| bessel(0, x))?;
        if let Some(mut recorder) = Recorder::new("I0Backward0", &[self]) {
            let input = recorder.save(self);
            recorder.finish(&out, move |ctx, grad| Ok(vec![Some(grad.mul(&ctx.saved(input)?.i1()?)?)]));
        }
        Ok(out)
    }

    /// The modified Bessel function of the first kind, of order 1.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn i1(&self) -> Result<Tensor> {
        let out = mapped(self, |x| bessel(1, x))?;
        if let Some(mut recorder) = Recorder::new("SpecialI1Backward0", &[self]) {
            let (input, output) = (recorder.save(self), recorder.save_output(&out, 0));
            recorder.finish(&out, move |ctx, grad| {
                let (x, y) = (ctx.saved(input)?, ctx.saved(output)?);
                // i0 - i1 / x, which tends to 1/2 at 0.
                let zero = no_grad(|| x.eq(0))?;
                let slope = x.i0()?.sub(&y.div(&super::where_(&zero, 1.0, &x)?)?)?;
                Ok(vec![Some(grad.mul(&super::where_(&zero, 0.5, &slope)?)?)])
            });
        }
        Ok(out)
    }

    /// The logarithm of the multivariate gamma function of dimension `p`.
    ///
    /// # Errors
    /// If `p` is less than 1, and for truth values.
    pub fn mvlgamma(&self, p: i64) -> Result<Tensor> {
        if p < 1 {
            return Err(Error::runtime("p has to be greater than or equal to 1"));
        }
        if self.dtype() == DType::Bool {
            return Err(Error::runtime("The input tensor may not be a boolean tensor."));
        }
        let dtype = float_dtype(self.dtype());
        let steps = Tensor::arange(0.5 - p as f64 / 2.0, 0.5, 0.5, dtype)?;
        let constant = (p * (p - 1)) as f64 * std::f64::consts::PI.ln() / 4.0;
        self.to_dtype(dtype)?.unsqueeze(-1)?.add(&steps)?.lgamma()?.sum_dims(&[-1], false, None)?.add(constant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autograd::{gradcheck, gradgradcheck};

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() <= 1e-13 * b.abs(), "{a} {b}");
    }

    #[test]
    fn known_values() {
        let squares = std::f64::consts::PI.powi(2) / 6.0;
        close(zeta(2, 1.0), squares);
        close(zeta(4, 1.0), std::f64::consts::PI.powi(4) / 90.0);
        close(zeta(2, 2.0), squares - 1.0);
        close(zeta(2, -0.5), zeta(2, 0.5) + 4.0);
        close(zeta(60, 1.0), 1.0 + 2f64.powi(-60));
        assert!(zeta(2, -3.0).is_infinite() && zeta(3, f64::INFINITY) == 0.0);
        close(bessel(0, 1.0), 1.266_065_877_752_008_4);
        close(bessel(1, -1.0), -0.565_159_103_992_485);
        close(bessel(0, 30.0), 781_672_297_823.977_5);
        assert!(bessel(0, 1e9).is_infinite() && bessel(1, f64::NAN).is_nan());
    }

    #[test]
    fn gradients() {
        let x = Tensor::from_slice(&[0.7, 1.3, 2.5, 4.1], [4]).unwrap().requires_grad_(true).unwrap();
        let inputs = [x];
        gradcheck(|x| x[0].digamma(), &inputs).unwrap();
        gradgradcheck(|x| x[0].digamma(), &inputs).unwrap();
        gradcheck(|x| x[0].polygamma(2), &inputs).unwrap();
        gradgradcheck(|x| x[0].i0(), &inputs).unwrap();
        gradgradcheck(|x| x[0].i1(), &inputs).unwrap();
        gradcheck(|x| x[0].add(1.0)?.mvlgamma(3), &inputs).unwrap();
        assert!(inputs[0].polygamma(-1).is_err() && inputs[0].mvlgamma(0).is_err());
    }
}
