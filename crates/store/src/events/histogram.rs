//! Histograms with TensorBoard's buckets: each limit is a tenth further from zero than the one before.

use super::message::{HISTOGRAM, Message};

/// The limits of the buckets, from the least to infinity.
fn limits() -> Vec<f64> {
    let positive: Vec<f64> =
        std::iter::successors(Some(1e-12), |limit| Some(limit * 1.1)).take_while(|&limit| limit < 1e20).collect();
    let negative = positive.iter().rev().map(|limit| -limit);
    negative.chain([0.0]).chain(positive.iter().copied()).chain([f64::MAX]).collect()
}

/// The value that is a histogram.
pub fn message(values: &[f32]) -> Message {
    let limits = limits();
    let mut counts = vec![0u64; limits.len()];
    let (mut low, mut high, mut number, mut sum, mut squares) = (f64::INFINITY, f64::NEG_INFINITY, 0u64, 0.0, 0.0);
    for value in values.iter().copied().filter(|value| value.is_finite()).map(f64::from) {
        counts[limits.partition_point(|&limit| limit <= value)] += 1;
        (low, high) = (low.min(value), high.max(value));
        (number, sum, squares) = (number + 1, sum + value, squares + value * value);
    }
    if number == 0 {
        (low, high) = (0.0, 0.0);
    }
    // Empty buckets at both ends say nothing; the one before the first gives that one its lower limit.
    let first = counts.iter().position(|&count| count > 0).unwrap_or(0).saturating_sub(1);
    let end = counts.iter().rposition(|&count| count > 0).map_or(1, |last| last + 1);
    let histogram = Message::new()
        .double(1, low)
        .double(2, high)
        .double(3, number as f64)
        .double(4, sum)
        .double(5, squares)
        .doubles(6, limits[first..end].iter().copied())
        .doubles(7, counts[first..end].iter().map(|&count| count as f64));
    Message::new().message(HISTOGRAM, histogram)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_grow() {
        let limits = limits();
        assert!(limits.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(limits.contains(&0.0) && limits.last() == Some(&f64::MAX));
    }

    #[test]
    fn nothing_and_what_is_not_finite_make_a_histogram() {
        for values in [&[][..], &[f32::NAN, f32::INFINITY], &[0.0, -0.0], &[f32::MAX, f32::MIN]] {
            assert!(!message(values).bytes().is_empty());
        }
    }
}
