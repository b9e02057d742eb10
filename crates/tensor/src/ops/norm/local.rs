//! Normalisation by neighbouring channels, and by a norm.

use crate::ops::PoolOptions;
use crate::{Error, Result, Tensor};

impl Tensor {
    /// Divides each number by `(k + alpha · mean of the squares of size neighbouring channels)^beta`.
    ///
    /// # Errors
    /// If the input has fewer than three dimensions.
    pub fn local_response_norm(&self, size: usize, alpha: f64, beta: f64, k: f64) -> Result<Tensor> {
        let ndim = self.ndim();
        if ndim < 3 {
            return Err(Error::value(format!("Expected 3D or higher dimensionality input (got {ndim} dimensions)")));
        }
        if self.numel() == 0 {
            return Ok(self.clone());
        }
        let shape = self.shape();
        // Channels as rows of an image, so that neighbours are a window.
        let rest: usize = shape[2..].iter().product();
        let squares = self.mul(self)?.reshape_to(&[shape[0], 1, shape[1], rest])?;
        let pad = [0, 0, (size / 2) as isize, (size.saturating_sub(1) / 2) as isize];
        let window = PoolOptions { kernel_size: vec![size as isize, 1], stride: vec![1], ..Default::default() };
        let mean = squares.constant_pad_nd(&pad, 0)?.avg_pool2d(&window)?.reshape_to(&shape)?;
        self.div(&mean.mul(alpha)?.add(k)?.pow(beta)?)
    }
}
