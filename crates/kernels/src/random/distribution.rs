//! What is made of random words.

use super::{Generator, normal};
use crate::element::{Element, bf16, f16};
use std::any::TypeId;

/// A distribution of numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Distribution {
    /// Uniform in `[from, to)`.
    Uniform {
        /// The lower bound.
        from: f64,
        /// The upper bound.
        to: f64,
    },
    /// Normal.
    Normal {
        /// The mean.
        mean: f64,
        /// The standard deviation.
        std: f64,
    },
    /// 1 with probability `p`, else 0.
    Bernoulli {
        /// The probability of 1.
        p: f64,
    },
    /// Integers `base`, `base + 1`, … `base + range - 1`; a range of 0 stands for 2^64.
    Integers {
        /// The smallest.
        base: i64,
        /// How many there are.
        range: u64,
    },
    /// All integers from 0 that the type holds (for floating-point types: holds exactly).
    AllIntegers,
    /// Exponential with a rate.
    Exponential {
        /// The rate.
        lambda: f64,
    },
    /// Cauchy.
    Cauchy {
        /// The median.
        median: f64,
        /// The half-width at half the maximum.
        sigma: f64,
    },
    /// The number of trials up to the first success.
    Geometric {
        /// The probability of success.
        p: f64,
    },
    /// The exponential of a normal distribution.
    LogNormal {
        /// The mean of the logarithm.
        mean: f64,
        /// The standard deviation of the logarithm.
        std: f64,
    },
}

/// From this range on, integers are drawn from 64 bits.
const WIDE: u64 = 1 << 28;

fn is<T: 'static, U: 'static>() -> bool {
    TypeId::of::<T>() == TypeId::of::<U>()
}

/// Bits of a type's significand, or of the positive half of its integers.
fn digits<T: 'static>() -> u32 {
    match () {
        () if is::<T, f64>() => 53,
        () if is::<T, f32>() => 24,
        () if is::<T, f16>() => 11,
        () if is::<T, bf16>() => 8,
        () if is::<T, u8>() => 8,
        () if is::<T, i8>() => 7,
        () if is::<T, i16>() => 15,
        () if is::<T, i32>() => 31,
        () if is::<T, i64>() => 63,
        () => 1,
    }
}

fn is_float<T: 'static>() -> bool {
    is::<T, f64>() || is::<T, f32>() || is::<T, f16>() || is::<T, bf16>()
}

/// Fills with samples. `in_blocks` says whether normal samples may be made in blocks, which PyTorch
/// does for contiguous tensors; the numbers are others then.
pub fn fill<T: Element>(distribution: Distribution, generator: &mut Generator, in_blocks: bool, out: &mut [T]) {
    match distribution {
        Distribution::Uniform { from, to } => uniform(generator, from, to, out),
        Distribution::Normal { mean, std } if in_blocks && out.len() >= normal::BLOCK => {
            normal_blocks(generator, mean, std, out);
        }
        Distribution::Normal { mean, std } => each(generator, out, |g| g.normal_f64() * std + mean),
        Distribution::Bernoulli { p } => {
            out.iter_mut().for_each(|x| *x = T::from_i64(i64::from(generator.uniform_f64() < p)));
        }
        Distribution::Integers { base, range } => {
            let mut word = |wide: bool| if wide { generator.random64() } else { u64::from(generator.random()) };
            let wide = range == 0 || range >= WIDE;
            out.iter_mut().for_each(|x| {
                let drawn = word(wide);
                let drawn = if range == 0 { drawn } else { drawn % range };
                *x = T::from_i64((drawn as i64).wrapping_add(base));
            });
        }
        Distribution::AllIntegers => {
            let count = (1u64 << digits::<T>()) + u64::from(is_float::<T>());
            let wide = is::<T, i64>() || is::<T, f64>();
            out.iter_mut().for_each(|x| {
                let drawn = if wide { generator.random64() } else { u64::from(generator.random()) };
                *x = T::from_i64((drawn % count) as i64);
            });
        }
        Distribution::Exponential { lambda } => each(generator, out, |g| -1.0 / lambda * (-g.uniform_f64()).ln_1p()),
        Distribution::Cauchy { median, sigma } => {
            each(generator, out, |g| median + sigma * (std::f64::consts::PI * (g.uniform_f64() - 0.5)).tan());
        }
        Distribution::Geometric { p } => {
            let denominator = (-p).ln_1p();
            each(generator, out, |g| (g.uniform_f64().ln() / denominator).ceil());
        }
        Distribution::LogNormal { mean, std } => each(generator, out, |g| (g.normal_f64() * std + mean).exp()),
    }
}

fn each<T: Element>(generator: &mut Generator, out: &mut [T], mut sample: impl FnMut(&mut Generator) -> f64) {
    out.iter_mut().for_each(|x| *x = T::from_f64(sample(generator)));
}

fn uniform<T: Element>(generator: &mut Generator, from: f64, to: f64, out: &mut [T]) {
    // The bounds and their distance are rounded to the type; the sample is made in float64.
    let from = T::from_f64(from).to_f64();
    let width = T::from_f64(T::from_f64(to).to_f64() - from).to_f64();
    if is::<T, f64>() {
        out.iter_mut().for_each(|x| *x = T::from_f64(generator.uniform_f64() * width + from));
    } else {
        out.iter_mut().for_each(|x| *x = T::from_f64(f64::from(generator.uniform_f32()) * width + from));
    }
}

fn normal_blocks<T: Element>(generator: &mut Generator, mean: f64, std: f64, out: &mut [T]) {
    if is::<T, f64>() {
        let mut samples = vec![0.0; out.len()];
        normal::fill_f64(generator, mean, std, &mut samples);
        out.iter_mut().zip(samples).for_each(|(x, s)| *x = T::from_f64(s));
    } else {
        let mut samples = vec![0.0; out.len()];
        normal::fill_f32(generator, [mean as f32, std as f32], is::<T, f32>(), &mut samples);
        out.iter_mut().zip(samples).for_each(|(x, s)| *x = T::from_f64(f64::from(s)));
    }
}

/// One draw for each probability: 1 with that probability, else 0.
///
/// # Panics
/// If there are not as many outputs as probabilities.
pub fn bernoulli<P: Element, T: Element>(generator: &mut Generator, probabilities: &[P], out: &mut [T]) {
    assert_eq!(probabilities.len(), out.len(), "an output for each probability");
    for (x, p) in out.iter_mut().zip(probabilities) {
        let drawn = if is::<P, f64>() { generator.uniform_f64() } else { f64::from(generator.uniform_f32()) };
        *x = T::from_i64(i64::from(drawn < p.to_f64()));
    }
}

/// The numbers from 0 in random order (Fisher and Yates, from the front).
pub fn permutation(generator: &mut Generator, out: &mut [i64]) {
    let n = out.len();
    out.iter_mut().zip(0..).for_each(|(x, i)| *x = i);
    // Below this length the bias of a 32-bit remainder does not show.
    let wide = n as u64 >= u64::from(u32::MAX) / 20;
    for i in 0..n.saturating_sub(1) {
        let left = (n - i) as u64;
        let drawn = if wide { generator.random64() } else { u64::from(generator.random()) };
        out.swap(i, i + (drawn % left) as usize);
    }
}
