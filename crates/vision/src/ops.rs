//! Blocks that several families of networks share.

use flambeau_nn::modules::{BatchNorm2d, Conv2d, Gelu, Hardsigmoid, Hardswish, Relu, Relu6, Sequential, Sigmoid, Silu};
use flambeau_nn::{Forward, Layer, Module, Parameter, Path, Training, Visitor, functional, watch};
use flambeau_tensor::{Error, Result, Tensor, autograd::no_grad, get_default_dtype};

/// An activation function, where a table of layers says which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, 0), 6)`.
    Relu6,
    /// `x · sigmoid(x)`.
    Silu,
    /// `x · relu6(x + 3) / 6`.
    Hardswish,
    /// `relu6(x + 3) / 6`.
    Hardsigmoid,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// `x` times the normal distribution function of `x`.
    Gelu,
}

impl Activation {
    /// The layer.
    pub fn layer(self) -> Box<dyn Layer> {
        match self {
            Self::Relu => Box::new(Relu),
            Self::Relu6 => Box::new(Relu6),
            Self::Silu => Box::new(Silu),
            Self::Hardswish => Box::new(Hardswish),
            Self::Hardsigmoid => Box::new(Hardsigmoid),
            Self::Sigmoid => Box::new(Sigmoid),
            Self::Gelu => Box::new(Gelu),
        }
    }
}

/// The constants of a network's batch normalisations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Norm {
    /// Added to the variance.
    pub eps: f64,
    /// The share of a new batch in the running statistics.
    pub momentum: f64,
}

impl Default for Norm {
    fn default() -> Self {
        Self { eps: 1e-5, momentum: 0.1 }
    }
}

impl Norm {
    /// The layer for so many channels.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn layer(self, channels: usize) -> Result<BatchNorm2d> {
        BatchNorm2d::builder(channels).eps(self.eps).momentum(Some(self.momentum)).build()
    }
}

/// torchvision's `Conv2dNormActivation`: a convolution without bias that keeps the image's size at stride 1, batch
/// normalisation, and an activation unless there is none.
#[derive(Clone, Copy, Debug)]
pub struct ConvNormActivation {
    in_channels: usize,
    out_channels: usize,
    kernel_size: usize,
    stride: usize,
    dilation: usize,
    groups: usize,
    norm: Norm,
    activation: Option<Activation>,
}

impl ConvNormActivation {
    /// Begins a block with ReLU.
    pub fn builder(in_channels: usize, out_channels: usize, kernel_size: usize) -> Self {
        Self {
            in_channels,
            out_channels,
            kernel_size,
            stride: 1,
            dilation: 1,
            groups: 1,
            norm: Norm::default(),
            activation: Some(Activation::Relu),
        }
    }

    /// Steps between two positions of the kernel (1 by default).
    #[must_use]
    pub fn stride(mut self, stride: usize) -> Self {
        self.stride = stride;
        self
    }

    /// Distance between two elements of the kernel (1 by default).
    #[must_use]
    pub fn dilation(mut self, dilation: usize) -> Self {
        self.dilation = dilation;
        self
    }

    /// Shares of the channels that do not see each other (1 by default).
    #[must_use]
    pub fn groups(mut self, groups: usize) -> Self {
        self.groups = groups;
        self
    }

    /// The constants of the normalisation.
    #[must_use]
    pub fn norm(mut self, norm: Norm) -> Self {
        self.norm = norm;
        self
    }

    /// The activation, or none.
    #[must_use]
    pub fn activation(mut self, activation: Option<Activation>) -> Self {
        self.activation = activation;
        self
    }

    /// Makes the layers.
    ///
    /// # Errors
    /// As [`flambeau_nn::modules::ConvBuilder::build`].
    pub fn build(self) -> Result<Sequential> {
        let conv = Conv2d::builder(self.in_channels, self.out_channels, self.kernel_size)
            .stride(self.stride)
            .padding((self.kernel_size - 1) / 2 * self.dilation)
            .dilation(self.dilation)
            .groups(self.groups)
            .bias(false)
            .build()?;
        let layers = Sequential::new().push(conv).push(self.norm.layer(self.out_channels)?);
        Ok(match self.activation {
            Some(activation) => layers.push(activation.layer()),
            None => layers,
        })
    }
}

/// Layers that run one after the other under names of their own: PyTorch's `Sequential(OrderedDict(…))`.
#[derive(Default)]
pub struct NamedSequential(Vec<(String, Box<dyn Layer>)>);

impl NamedSequential {
    /// No layers: the identity.
    pub fn new() -> Self {
        Self::default()
    }

    /// With another layer at the end.
    #[must_use]
    pub fn push(mut self, name: impl Into<String>, layer: impl Layer + 'static) -> Self {
        self.0.push((name.into(), Box::new(layer)));
        self
    }
}

impl Module for NamedSequential {
    fn visit(&self, path: &Path<'_>, visitor: &mut dyn Visitor) {
        for (name, layer) in &self.0 {
            layer.visit(&path.child(name), visitor);
        }
    }
}

impl Forward for NamedSequential {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        self.0.iter().try_fold(input.clone(), |x, (_, layer)| layer.forward(&x))
    }
}

/// Scales channels by what the whole image says.
///
/// Source: J. Hu et al., "Squeeze-and-Excitation Networks", 2018.
#[derive(Module)]
pub struct SqueezeExcitation {
    fc1: Conv2d,
    fc2: Conv2d,
    #[module(skip)]
    activation: Box<dyn Layer>,
    #[module(skip)]
    scale_activation: Box<dyn Layer>,
}

impl SqueezeExcitation {
    /// A block of `channels`, with `squeezed` between its two convolutions.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn new(channels: usize, squeezed: usize, activation: Activation, scale: Activation) -> Result<Self> {
        Ok(Self {
            fc1: Conv2d::new(channels, squeezed, 1)?,
            fc2: Conv2d::new(squeezed, channels, 1)?,
            activation: activation.layer(),
            scale_activation: scale.layer(),
        })
    }
}

impl Forward for SqueezeExcitation {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let squeezed = self.fc1.forward(&functional::adaptive_avg_pool2d(input, 1)?)?;
        let scale = self.fc2.forward(&self.activation.forward(&squeezed)?)?;
        self.scale_activation.forward(&scale)?.mul(input)
    }
}

/// In training, leaves out each sample's branch with probability `p` and divides the rest by `1 - p`.
///
/// Source: G. Huang et al., "Deep Networks with Stochastic Depth", 2016; torchvision's mode "row".
#[derive(Debug, Module)]
pub struct StochasticDepth {
    #[module(skip)]
    p: f64,
    training: Training,
}

impl StochasticDepth {
    /// A layer that leaves out this share.
    pub fn new(p: f64) -> Self {
        Self { p, training: Training::default() }
    }
}

impl Forward for StochasticDepth {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        if !(0.0..=1.0).contains(&self.p) {
            return Err(Error::value(format!("drop probability has to be between 0 and 1, but got {}", self.p)));
        }
        if !self.training.get() || self.p == 0.0 {
            return Ok(input.clone());
        }
        let mut shape = vec![1; input.ndim()];
        shape[0] = input.shape()[0];
        let survival = 1.0 - self.p;
        let noise = no_grad(|| {
            let noise = Tensor::empty(shape, input.dtype())?.bernoulli_(survival, None)?;
            if survival > 0.0 { noise.div_(survival) } else { Ok(noise) }
        })?;
        input.mul(&noise)
    }
}

/// Layer normalisation over the last dimension, or over the channels of an image.
///
/// Source: J. Ba et al., "Layer Normalization", 2016.
#[derive(Debug, Module)]
pub struct LayerNorm {
    weight: Parameter,
    bias: Parameter,
    #[module(skip)]
    eps: f64,
    #[module(skip)]
    channels_first: bool,
}

impl LayerNorm {
    /// Over the last dimension, of this size.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn new(size: usize, eps: f64) -> Result<Self> {
        let dtype = get_default_dtype();
        Ok(Self {
            weight: Parameter::new(&Tensor::ones([size], dtype)?)?,
            bias: Parameter::new(&Tensor::zeros([size], dtype)?)?,
            eps,
            channels_first: false,
        })
    }

    /// Over the channels of images `(N, channels, H, W)`.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn of_channels(channels: usize, eps: f64) -> Result<Self> {
        Ok(Self { channels_first: true, ..Self::new(channels, eps)? })
    }
}

impl Forward for LayerNorm {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let normalize = |x: &Tensor| x.layer_norm(&self.weight.shape(), Some(&self.weight), Some(&self.bias), self.eps);
        watch::layer("LayerNorm", Some(&self.weight), None, input, || {
            if self.channels_first {
                normalize(&input.permute(&[0, 2, 3, 1])?)?.permute(&[0, 3, 1, 2])
            } else {
                normalize(input)
            }
        })
    }
}

/// The dimensions in another order, as a view.
#[derive(Clone, Debug, Module)]
pub struct Permute(#[module(skip)] pub Vec<isize>);

impl Forward for Permute {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        input.permute(&self.0)
    }
}

/// The multiple of `divisor` nearest to `value`, but not less than 0.9 of it.
pub(crate) fn make_divisible(value: f64, divisor: usize) -> usize {
    let rounded = ((value + divisor as f64 / 2.0) as usize / divisor * divisor).max(divisor);
    if (rounded as f64) < 0.9 * value { rounded + divisor } else { rounded }
}
