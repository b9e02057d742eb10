//! Activation layers.

use crate::{Forward, Module};
use flambeau_tensor::ops::GeluApproximation;
use flambeau_tensor::{Result, Tensor};

macro_rules! layers {
    ($($(#[$doc:meta])* $name:ident: $compute:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, Module)]
        pub struct $name;

        impl $name {
            /// The layer.
            pub fn new() -> Self {
                Self
            }
        }

        impl Forward for $name {
            fn forward(&self, input: &Tensor) -> Result<Tensor> {
                let compute: fn(&Tensor) -> Result<Tensor> = $compute;
                compute(input)
            }
        }
    )*};
}

layers! {
    /// `max(x, 0)`.
    Relu: Tensor::relu;
    /// `min(max(x, 0), 6)`.
    Relu6: Tensor::relu6;
    /// `1 / (1 + exp(-x))`.
    Sigmoid: Tensor::sigmoid;
    /// The hyperbolic tangent.
    Tanh: Tensor::tanh;
    /// `x · sigmoid(x)`.
    Silu: Tensor::silu;
    /// `x · relu6(x + 3) / 6`.
    Hardswish: Tensor::hardswish;
    /// `relu6(x + 3) / 6`.
    Hardsigmoid: Tensor::hardsigmoid;
    /// `x` times the standard normal distribution function of `x`.
    Gelu: |x| x.gelu(GeluApproximation::None);
}

/// `x` where it is positive, else `negative_slope · x`.
#[derive(Clone, Copy, Debug, Module)]
pub struct LeakyRelu(#[module(skip)] f64);

impl LeakyRelu {
    /// A layer of this slope (PyTorch's default is 0.01).
    pub fn new(negative_slope: f64) -> Self {
        Self(negative_slope)
    }
}

impl Forward for LeakyRelu {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        input.leaky_relu(self.0)
    }
}

/// Exponentials that add up to 1 along a dimension.
#[derive(Clone, Copy, Debug, Module)]
pub struct Softmax(#[module(skip)] isize);

impl Softmax {
    /// Along this dimension.
    pub fn new(dim: isize) -> Self {
        Self(dim)
    }
}

impl Forward for Softmax {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        input.softmax(self.0)
    }
}

/// The logarithm of [`Softmax`].
#[derive(Clone, Copy, Debug, Module)]
pub struct LogSoftmax(#[module(skip)] isize);

impl LogSoftmax {
    /// Along this dimension.
    pub fn new(dim: isize) -> Self {
        Self(dim)
    }
}

impl Forward for LogSoftmax {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        input.log_softmax(self.0)
    }
}
