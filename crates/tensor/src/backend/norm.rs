//! Primitive operations of normalisation: means and variances of groups of channels, and the maps
//! that use them.

use crate::{Array, Result};

/// Which numbers of `(N, C, …)` images share a mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NormShape {
    /// Parts of the batch with means of their own: 1 (batch normalisation) or `N`.
    pub samples: usize,
    /// Images in each sample.
    pub batch: usize,
    /// Channels of an image.
    pub channels: usize,
    /// Groups of neighbouring channels that share a mean.
    pub groups: usize,
    /// Positions of an image.
    pub area: usize,
}

impl NormShape {
    /// How many means there are: mean `sample * groups + group`.
    pub fn means(&self) -> usize {
        self.samples * self.groups
    }

    /// How many numbers share a mean.
    pub fn numbers(&self) -> usize {
        self.batch * self.area * (self.channels / self.groups.max(1))
    }
}

/// What a normalisation reads beside its input.
#[derive(Clone, Copy)]
pub struct NormParameters<'a> {
    /// The means that are subtracted.
    pub mean: &'a Array,
    /// 1 over the standard deviations.
    pub inverse_std: &'a Array,
    /// A factor for each channel.
    pub weight: Option<&'a Array>,
    /// A number added to each channel.
    pub bias: Option<&'a Array>,
}

/// Which gradients a normalisation's backward pass writes.
#[derive(Clone, Copy, Default)]
pub struct NormGradients<'a> {
    /// Of the input, shaped as it.
    pub input: Option<&'a Array>,
    /// Of the weight.
    pub weight: Option<&'a Array>,
    /// Of the bias.
    pub bias: Option<&'a Array>,
}

/// What a backend computes for normalisation, for floats. Statistics and parameters may be of
/// another floating-point dtype than the images; sums are accurate to the wider one. Output
/// images are dense in some memory format and alias no input.
pub trait Norm {
    /// The sum of all numbers of each channel of `(N, C, …)`, into an array of `C` numbers.
    ///
    /// # Errors
    /// If there is not enough memory.
    fn channel_sum(&self, input: &Array, output: &Array) -> Result<()>;

    /// Means and biased variances.
    ///
    /// # Errors
    /// If there is not enough memory.
    fn moments(&self, shape: NormShape, input: &Array, mean: &Array, variance: &Array) -> Result<()>;

    /// `output = (input - mean) · inverse_std · weight + bias`.
    ///
    /// # Errors
    /// If there is not enough memory.
    fn normalize(&self, shape: NormShape, input: &Array, parameters: NormParameters<'_>, output: &Array) -> Result<()>;

    /// The gradients of [`Norm::normalize`]; with `through_statistics` the means and deviations are
    /// the input's own and pass gradients on to it.
    ///
    /// # Errors
    /// If there is not enough memory.
    fn normalize_backward(
        &self,
        shape: NormShape,
        through_statistics: bool,
        grad_output: &Array,
        input: &Array,
        parameters: NormParameters<'_>,
        gradients: NormGradients<'_>,
    ) -> Result<()>;

    /// Normalises rows: the last numbers, as many as `weight` and `bias` would have, share a mean.
    /// Writes the output and each row's mean and `1 / sqrt(variance + eps)`.
    ///
    /// # Errors
    /// If there is not enough memory.
    fn normalize_rows(&self, rows: Rows<'_>, eps: f64, outputs: [&Array; 3]) -> Result<()>;

    /// The gradients of [`Norm::normalize_rows`], given its `[grad_output, mean, inverse_std]`.
    ///
    /// # Errors
    /// If there is not enough memory.
    fn normalize_rows_backward(&self, rows: Rows<'_>, given: [&Array; 3], gradients: NormGradients<'_>) -> Result<()>;
}

/// Rows that are normalised each by itself.
#[derive(Clone, Copy)]
pub struct Rows<'a> {
    /// Numbers in a row.
    pub width: usize,
    /// The rows.
    pub input: &'a Array,
    /// A factor for each place in a row.
    pub weight: Option<&'a Array>,
    /// A number added to each place in a row.
    pub bias: Option<&'a Array>,
}
