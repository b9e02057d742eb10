//! Batch normalisation.

use crate::{Buffer, Forward, Module, Parameter, Training, watch};
use flambeau_tensor::ops::BatchNormOptions;
use flambeau_tensor::{DType, Error, Result, Tensor, autograd::no_grad, get_default_dtype};

/// Normalises each channel by its mean and variance over the batch and all `D` spatial dimensions
/// (in evaluation, by running means of them), then scales and shifts it.
///
/// Source: S. Ioffe, C. Szegedy, "Batch Normalization", 2015.
#[derive(Debug, Module)]
pub struct BatchNorm<const D: usize> {
    weight: Option<Parameter>,
    bias: Option<Parameter>,
    running_mean: Option<Buffer>,
    running_var: Option<Buffer>,
    num_batches_tracked: Option<Buffer>,
    training: Training,
    #[module(skip)]
    eps: f64,
    #[module(skip)]
    momentum: Option<f64>,
}

/// Batch normalisation of `(N, C)` or `(N, C, L)`.
pub type BatchNorm1d = BatchNorm<1>;
/// Batch normalisation of `(N, C, H, W)`.
pub type BatchNorm2d = BatchNorm<2>;
/// Batch normalisation of `(N, C, D, H, W)`.
pub type BatchNorm3d = BatchNorm<3>;

/// Options of a [`BatchNorm`].
#[derive(Clone, Copy, Debug)]
pub struct BatchNormBuilder<const D: usize> {
    num_features: usize,
    eps: f64,
    momentum: Option<f64>,
    affine: bool,
    track_running_stats: bool,
}

impl<const D: usize> BatchNorm<D> {
    /// A layer for so many channels, with PyTorch's defaults.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn new(num_features: usize) -> Result<Self> {
        Self::builder(num_features).build()
    }

    /// Begins a layer for so many channels.
    pub fn builder(num_features: usize) -> BatchNormBuilder<D> {
        BatchNormBuilder { num_features, eps: 1e-5, momentum: Some(0.1), affine: true, track_running_stats: true }
    }
}

impl<const D: usize> BatchNormBuilder<D> {
    /// Added to the variance (1e-5 by default).
    #[must_use]
    pub fn eps(mut self, eps: f64) -> Self {
        self.eps = eps;
        self
    }

    /// The share of a new batch in the running statistics (0.1 by default); `None` averages over
    /// all batches alike.
    #[must_use]
    pub fn momentum(mut self, momentum: Option<f64>) -> Self {
        self.momentum = momentum;
        self
    }

    /// Whether there are a learned scale and shift (by default there are).
    #[must_use]
    pub fn affine(mut self, affine: bool) -> Self {
        self.affine = affine;
        self
    }

    /// Whether running statistics are kept (by default they are).
    #[must_use]
    pub fn track_running_stats(mut self, track: bool) -> Self {
        self.track_running_stats = track;
        self
    }

    /// Makes the layer.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn build(self) -> Result<BatchNorm<D>> {
        let dtype = get_default_dtype();
        let shape = [self.num_features];
        let ones = || Tensor::ones(shape, dtype);
        let zeros = || Tensor::zeros(shape, dtype);
        let track = self.track_running_stats;
        Ok(BatchNorm {
            weight: self.affine.then(|| Parameter::new(&ones()?)).transpose()?,
            bias: self.affine.then(|| Parameter::new(&zeros()?)).transpose()?,
            running_mean: track.then(|| zeros().map(Buffer::new)).transpose()?,
            running_var: track.then(|| ones().map(Buffer::new)).transpose()?,
            num_batches_tracked: track.then(|| Tensor::zeros([], DType::I64).map(Buffer::new)).transpose()?,
            training: Training::default(),
            eps: self.eps,
            momentum: self.momentum,
        })
    }
}

impl<const D: usize> Forward for BatchNorm<D> {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let ndim = input.ndim();
        let (valid, expected) = match D {
            1 => (ndim == 2 || ndim == 3, "2D or 3D".to_owned()),
            _ => (ndim == D + 2, format!("{}D", D + 2)),
        };
        if !valid {
            return Err(Error::value(format!("expected {expected} input (got {ndim}D input)")));
        }
        let training = self.training.get();
        let mut share = self.momentum.unwrap_or(0.0);
        if let (true, Some(count)) = (training, &self.num_batches_tracked) {
            no_grad(|| count.add_(1))?;
            if self.momentum.is_none() {
                share = 1.0 / count.item()?.to_f64();
            }
        }
        let options = BatchNormOptions {
            weight: self.weight.as_deref(),
            bias: self.bias.as_deref(),
            running_mean: self.running_mean.as_deref(),
            running_var: self.running_var.as_deref(),
            // Without running statistics, the batch's are used in evaluation too.
            training: training || self.running_mean.is_none(),
            momentum: share,
            eps: self.eps,
        };
        let kind = ["BatchNorm", "BatchNorm1d", "BatchNorm2d", "BatchNorm3d"].get(D).copied().unwrap_or("BatchNorm");
        watch::layer(kind, self.weight.as_deref(), None, input, || input.batch_norm(&options))
    }
}
