//! The Poisson distribution.

use super::Generator;

/// A Poisson sample: by multiplication of uniform samples for small rates (Knuth), by transformed
/// rejection for rates from 10 on (Hörmann, "The transformed rejection method for generating
/// Poisson random variables", 1993, algorithm PTRS).
pub fn poisson(generator: &mut Generator, rate: f64) -> f64 {
    if rate >= 10.0 {
        return transformed_rejection(generator, rate);
    }
    if rate == 0.0 {
        return 0.0;
    }
    let limit = (-rate).exp();
    let (mut count, mut product) = (0u64, 1.0);
    loop {
        product *= generator.uniform_f64();
        // A rate that is no number ends at once.
        if product.partial_cmp(&limit) != Some(std::cmp::Ordering::Greater) {
            return count as f64;
        }
        count += 1;
    }
}

fn transformed_rejection(generator: &mut Generator, rate: f64) -> f64 {
    let log_rate = rate.ln();
    let b = 0.931 + 2.53 * rate.sqrt();
    let a = -0.059 + 0.024_83 * b;
    let inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
    let v_r = 0.9277 - 3.6224 / (b - 2.0);
    loop {
        let u = generator.uniform_f64() - 0.5;
        let v = generator.uniform_f64();
        let us = 0.5 - u.abs();
        let k = ((2.0 * a / us + b) * u + rate + 0.43).floor();
        if us >= 0.07 && v <= v_r {
            return k;
        }
        if k < 0.0 || (us < 0.013 && v > us) {
            continue;
        }
        let accepted = v.ln() + inverse_alpha.ln() - (a / (us * us) + b).ln();
        if accepted <= -rate + k * log_rate - libm::lgamma(k + 1.0) || !rate.is_finite() {
            return k;
        }
    }
}
