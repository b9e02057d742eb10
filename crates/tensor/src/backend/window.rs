//! Primitive operations over windows of images: pooling, unfolding, resampling, padding.

use crate::{Array, Result};
use flambeau_kernels::pool::Windows;
use flambeau_kernels::resample::AxisMap;

/// How numbers move within their image by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaneMove {
    /// `output[i] = input[indices[i]]`
    Gather,
    /// `output[indices[i]] += input[i]`, from zero
    ScatterAdd,
    /// `output[indices[i]] = input[i]`, zero elsewhere
    Scatter,
}

/// Which of the passes over the taps of points: images are `(N, C, pixels)`, numbers at points
/// `(N, C, points)`, weights and places `(N, taps, points)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// Of an image and weights: the numbers at points, sums over taps of a pixel times its weight.
    Gather,
    /// Of numbers at points and weights: the image to which each number is added, times weights.
    Scatter,
    /// Of numbers at points and an image: for each tap the sum over channels of the number times
    /// the pixel.
    Products,
}

/// What a backend computes over windows of images.
///
/// Images end in `spatial` (one to three) dimensions; maps and windows are for depth, height and
/// width, of which the missing ones have size 1. Outputs are dense in some memory format, alias no
/// input and share its dtype. Inputs may have any strides.
pub trait Window {
    /// Maps each axis linearly, for floats.
    ///
    /// # Errors
    /// If there is not enough memory.
    fn resample(&self, spatial: usize, maps: &[AxisMap; 3], input: &Array, output: &Array) -> Result<()>;

    /// The mean of each window for 64-bit integers, rounded towards zero: sums by maps whose
    /// weights are 1, then divided.
    ///
    /// # Errors
    /// If there is not enough memory.
    fn integer_average(&self, spatial: usize, maps: &[AxisMap; 3], input: &Array, output: &Array) -> Result<()>;

    /// The maximum of each window and, if asked for, its flat index in the image (an I64 array laid
    /// out as the output).
    ///
    /// # Errors
    /// If there is not enough memory.
    fn max_windows(
        &self,
        spatial: usize,
        windows: &[Windows; 3],
        input: &Array,
        output: &Array,
        indices: Option<&Array>,
    ) -> Result<()>;

    /// Moves numbers within their images. Indices have the shape of the smaller images: the input
    /// of a scatter, the output of a gather.
    ///
    /// # Errors
    /// If there is not enough memory, or an index lies outside its image.
    fn move_in_planes(
        &self,
        spatial: usize,
        how: PlaneMove,
        indices: &Array,
        input: &Array,
        output: &Array,
    ) -> Result<()>;

    /// One of the passes over taps, for contiguous float32 or float64; places are I64, below the number
    /// of pixels, and negative where there is no pixel.
    ///
    /// # Errors
    /// If there is not enough memory.
    fn sample_pixels(&self, how: Sampling, places: &Array, operands: [&Array; 2], output: &Array) -> Result<()>;
}
