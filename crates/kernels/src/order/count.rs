//! How often numbers occur.

use crate::element::Element;

/// Adds 1 to `counts[value]` for every value.
///
/// # Panics
/// If a value is negative or beyond the counts.
pub fn bin_counts(values: &[i64], counts: &mut [i64]) {
    for &value in values {
        counts[usize::try_from(value).expect("a value that is not negative")] += 1;
    }
}

/// Adds its weight to `sums[value]` for every value, in order.
///
/// # Panics
/// If a value is negative or beyond the sums.
pub fn weighted_counts<T: Element + std::ops::AddAssign>(values: &[i64], weights: &[T], sums: &mut [T]) {
    for (&value, &weight) in values.iter().zip(weights) {
        sums[usize::try_from(value).expect("a value that is not negative")] += weight;
    }
}

/// Counts numbers in `counts.len()` bins of the same width between `low` and `high`, both inclusive;
/// others are left out. Every operation is rounded to the numbers' type.
pub fn histogram<T: Element>(numbers: &[T], low: f64, high: f64, counts: &mut [i64]) {
    let round = |x: f64| T::from_f64(x).to_f64();
    let (low, high) = (round(low), round(high));
    let (bins, range) = (round(counts.len() as f64), round(high - low));
    for x in numbers {
        let x = x.to_f64();
        if (low..=high).contains(&x) {
            let bin = round(round(round(x - low) * bins) / range) as usize;
            let last = counts.len() - 1;
            counts[bin.min(last)] += 1;
        }
    }
}
