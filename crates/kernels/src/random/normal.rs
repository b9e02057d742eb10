//! Normal samples in blocks: what PyTorch does for contiguous tensors of sixteen elements or more.
//!
//! The tensor is filled with uniform samples first. In each block of sixteen, elements `j` and
//! `j + 8` are a pair for the transformation of Box and Muller. What does not fill a block at the
//! end is drawn anew, as the last sixteen elements.

use super::Generator;

/// Elements of a block.
pub(super) const BLOCK: usize = 16;

/// Fills with float32 samples. `drawn_at_once` says whether the uniform samples of the part at the
/// end are drawn with the others, to be thrown away; they are for float32, not for 16-bit floats.
///
/// # Panics
/// If there are fewer than sixteen.
pub(super) fn fill_f32(generator: &mut Generator, [mean, std]: [f32; 2], drawn_at_once: bool, out: &mut [f32]) {
    let whole = out.len() / BLOCK * BLOCK;
    let drawn = if drawn_at_once { out.len() } else { whole };
    out[..drawn].iter_mut().for_each(|x| *x = generator.uniform_f32());
    out[..whole].chunks_exact_mut(BLOCK).for_each(|b| block_f32(b, mean, std));
    if whole < out.len() {
        let start = out.len() - BLOCK;
        out[start..].iter_mut().for_each(|x| *x = generator.uniform_f32());
        block_f32(&mut out[start..], mean, std);
    }
}

fn block_f32(block: &mut [f32], mean: f32, std: f32) {
    let (first, second) = block.split_at_mut(BLOCK / 2);
    for (a, b) in first.iter_mut().zip(second) {
        // Each function is correctly rounded: made in float64 and rounded once.
        let log = f64::from(1.0 - *a).ln() as f32;
        let radius = (-2.0 * log).sqrt();
        let theta = f64::from(2.0 * std::f32::consts::PI * *b);
        let (sin, cos) = theta.sin_cos();
        *a = (radius * cos as f32).mul_add(std, mean);
        *b = (radius * sin as f32).mul_add(std, mean);
    }
}

/// Fills with float64 samples.
///
/// # Panics
/// If there are fewer than sixteen.
pub(super) fn fill_f64(generator: &mut Generator, mean: f64, std: f64, out: &mut [f64]) {
    out.iter_mut().for_each(|x| *x = generator.uniform_f64());
    let whole = out.len() / BLOCK * BLOCK;
    out[..whole].chunks_exact_mut(BLOCK).for_each(|b| block_f64(b, mean, std));
    if whole < out.len() {
        let start = out.len() - BLOCK;
        out[start..].iter_mut().for_each(|x| *x = generator.uniform_f64());
        block_f64(&mut out[start..], mean, std);
    }
}

fn block_f64(block: &mut [f64], mean: f64, std: f64) {
    let (first, second) = block.split_at_mut(BLOCK / 2);
    for (a, b) in first.iter_mut().zip(second) {
        let radius = (-2.0 * (1.0 - *a).ln()).sqrt();
        let (sin, cos) = (2.0 * std::f64::consts::PI * *b).sin_cos();
        *a = radius * cos * std + mean;
        *b = radius * sin * std + mean;
    }
}
