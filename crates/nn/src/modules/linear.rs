//! The fully connected layer.

use crate::{Forward, Module, Parameter, init, precision, watch};
use flambeau_tensor::{Result, Tensor, get_default_dtype};

/// `output = input · weightᵀ + bias`, from `(…, in_features)` to `(…, out_features)`.
#[derive(Debug, Module)]
pub struct Linear {
    weight: Parameter,
    bias: Option<Parameter>,
}

impl Linear {
    /// A layer with a bias and PyTorch's initial values.
    ///
    /// # Errors
    /// If the weight is larger than memory.
    pub fn new(in_features: usize, out_features: usize) -> Result<Self> {
        Self::make(in_features, out_features, true)
    }

    /// A layer without a bias.
    ///
    /// # Errors
    /// If the weight is larger than memory.
    pub fn without_bias(in_features: usize, out_features: usize) -> Result<Self> {
        Self::make(in_features, out_features, false)
    }

    fn make(in_features: usize, out_features: usize, bias: bool) -> Result<Self> {
        let weight = Tensor::empty([out_features, in_features], get_default_dtype())?;
        let bias = bias.then(|| Tensor::empty([out_features], get_default_dtype())).transpose()?;
        init::layer(&weight, bias.as_ref())?;
        Ok(Self { weight: Parameter::new(&weight)?, bias: bias.as_ref().map(Parameter::new).transpose()? })
    }

    /// The weight `(out_features, in_features)`.
    pub fn weight(&self) -> &Tensor {
        &self.weight
    }

    /// The bias `(out_features)`.
    pub fn bias(&self) -> Option<&Tensor> {
        self.bias.as_deref()
    }
}

impl Forward for Linear {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        watch::layer("Linear", Some(&self.weight), None, input, || {
            precision::product(input, &self.weight, self.bias(), flambeau_tensor::ops::linear)
        })
    }
}
