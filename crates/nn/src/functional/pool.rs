//! Pooling.

use crate::modules::Sizes;
use flambeau_tensor::ops::PoolOptions;
use flambeau_tensor::{Result, Tensor};

/// Options of two-dimensional pooling: PyTorch's defaults, changed by methods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool2dOptions(pub(crate) PoolOptions);

fn all(sizes: impl Sizes<2>) -> Vec<isize> {
    sizes.sizes().iter().map(|&n| isize::try_from(n).unwrap_or(isize::MAX)).collect()
}

impl Pool2dOptions {
    /// Windows of this size, side by side.
    pub fn new(kernel_size: impl Sizes<2>) -> Self {
        Self(PoolOptions { kernel_size: all(kernel_size), ..Default::default() })
    }

    /// Steps between windows (the size of a window by default).
    #[must_use]
    pub fn stride(mut self, stride: impl Sizes<2>) -> Self {
        self.0.stride = all(stride);
        self
    }

    /// Positions added on both sides.
    #[must_use]
    pub fn padding(mut self, padding: impl Sizes<2>) -> Self {
        self.0.padding = all(padding);
        self
    }

    /// Distance between two elements of a window (maximum pooling only).
    #[must_use]
    pub fn dilation(mut self, dilation: impl Sizes<2>) -> Self {
        self.0.dilation = all(dilation);
        self
    }

    /// Whether a last window may reach beyond the padding.
    #[must_use]
    pub fn ceil_mode(mut self, ceil_mode: bool) -> Self {
        self.0.ceil_mode = ceil_mode;
        self
    }

    /// Whether the padding counts in an average (by default it does).
    #[must_use]
    pub fn count_include_pad(mut self, count_include_pad: bool) -> Self {
        self.0.count_include_pad = count_include_pad;
        self
    }
}

/// The largest element of each window of an image `(N, C, H, W)`, windows side by side.
///
/// # Errors
/// If a window is larger than the image.
pub fn max_pool2d(input: &Tensor, kernel_size: impl Sizes<2>) -> Result<Tensor> {
    max_pool2d_with(input, &Pool2dOptions::new(kernel_size))
}

/// As [`max_pool2d`], with options.
///
/// # Errors
/// If the windows do not fit the image.
pub fn max_pool2d_with(input: &Tensor, options: &Pool2dOptions) -> Result<Tensor> {
    input.max_pool2d(&options.0)
}

/// The mean of each window of an image `(N, C, H, W)`, windows side by side.
///
/// # Errors
/// If a window is larger than the image.
pub fn avg_pool2d(input: &Tensor, kernel_size: impl Sizes<2>) -> Result<Tensor> {
    avg_pool2d_with(input, &Pool2dOptions::new(kernel_size))
}

/// As [`avg_pool2d`], with options.
///
/// # Errors
/// If the windows do not fit the image.
pub fn avg_pool2d_with(input: &Tensor, options: &Pool2dOptions) -> Result<Tensor> {
    input.avg_pool2d(&options.0)
}

/// Means over as many areas as the output has elements: `(N, C, H, W)` to `(N, C, *output_size)`.
///
/// # Errors
/// If the input is no image.
pub fn adaptive_avg_pool2d(input: &Tensor, output_size: impl Sizes<2>) -> Result<Tensor> {
    input.adaptive_avg_pool2d(&all(output_size))
}

/// Maxima over as many areas as the output has elements.
///
/// # Errors
/// If the input is no image.
pub fn adaptive_max_pool2d(input: &Tensor, output_size: impl Sizes<2>) -> Result<Tensor> {
    Ok(input.adaptive_max_pool2d(&all(output_size))?.0)
}
