//! Convolution layers.

use super::Sizes;
use crate::{Forward, Module, Parameter, init, precision, watch};
use flambeau_tensor::ops::{ConvolutionOptions, PadMode, Padding};
use flambeau_tensor::{DType, Error, Result, Tensor};

/// A convolution over images of `D` spatial dimensions: [`Conv1d`], [`Conv2d`], [`Conv3d`].
///
/// Input `(N, in_channels, …)` or `(in_channels, …)`, output `(N, out_channels, …)` with
/// `size = (size + 2 padding - dilation (kernel - 1) - 1) / stride + 1`.
///
/// ```
/// use flambeau::prelude::*;
///
/// let conv = Conv2d::builder(3, 64, 3).stride(2).padding(1).bias(false).build()?;
/// let output = conv.forward(&Tensor::randn([1, 3, 28, 28], DType::F32)?)?;
/// assert_eq!(output.shape(), [1, 64, 14, 14]);
/// # Ok::<(), flambeau::Error>(())
/// ```
#[derive(Debug, Module)]
pub struct Conv<const D: usize> {
    weight: Parameter,
    bias: Option<Parameter>,
    #[module(skip)]
    options: ConvolutionOptions,
    #[module(skip)]
    padding_mode: PadMode,
}

/// A convolution over signals `(N, C, L)`.
pub type Conv1d = Conv<1>;
/// A convolution over images `(N, C, H, W)`.
pub type Conv2d = Conv<2>;
/// A convolution over volumes `(N, C, D, H, W)`.
pub type Conv3d = Conv<3>;

/// Options of a [`Conv`].
#[derive(Clone, Debug)]
pub struct ConvBuilder<const D: usize> {
    in_channels: usize,
    out_channels: usize,
    kernel_size: [usize; D],
    options: ConvolutionOptions,
    padding_mode: PadMode,
    bias: bool,
    dtype: DType,
}

fn all<const D: usize>(sizes: impl Sizes<D>) -> Vec<isize> {
    sizes.sizes().iter().map(|&n| isize::try_from(n).unwrap_or(isize::MAX)).collect()
}

macro_rules! shared_options {
    () => {
        /// Steps between two positions of the kernel (1 by default).
        #[must_use]
        pub fn stride(mut self, stride: impl Sizes<D>) -> Self {
            self.options.stride = all(stride);
            self
        }

        /// Positions around the image, on both sides (0 by default).
        #[must_use]
        pub fn padding(mut self, padding: impl Sizes<D>) -> Self {
            self.options.padding = Padding::Zeros(all(padding));
            self
        }

        /// Distance between two elements of the kernel (1 by default).
        #[must_use]
        pub fn dilation(mut self, dilation: impl Sizes<D>) -> Self {
            self.options.dilation = all(dilation);
            self
        }

        /// Shares of the channels that do not see each other (1 by default).
        #[must_use]
        pub fn groups(mut self, groups: usize) -> Self {
            self.options.groups = isize::try_from(groups).unwrap_or(isize::MAX);
            self
        }

        /// Whether a bias is added (by default it is).
        #[must_use]
        pub fn bias(mut self, bias: bool) -> Self {
            self.bias = bias;
            self
        }

        /// The parameters' dtype (the default dtype unless set).
        #[must_use]
        pub fn dtype(mut self, dtype: DType) -> Self {
            self.dtype = dtype;
            self
        }

        fn check(&self) -> Result<usize> {
            let groups = usize::try_from(self.options.groups).unwrap_or(0);
            if groups == 0 {
                return Err(Error::value("groups must be a positive integer"));
            }
            if self.in_channels % groups != 0 {
                return Err(Error::value("in_channels must be divisible by groups"));
            }
            if self.out_channels % groups != 0 {
                return Err(Error::value("out_channels must be divisible by groups"));
            }
            Ok(groups)
        }
    };
}

impl<const D: usize> Conv<D> {
    /// Begins a layer from `in_channels` to `out_channels` with a kernel of this size.
    pub fn builder(in_channels: usize, out_channels: usize, kernel_size: impl Sizes<D>) -> ConvBuilder<D> {
        ConvBuilder {
            in_channels,
            out_channels,
            kernel_size: kernel_size.sizes(),
            options: ConvolutionOptions::default(),
            padding_mode: PadMode::Zeros,
            bias: true,
            dtype: flambeau_tensor::get_default_dtype(),
        }
    }

    /// A layer with PyTorch's defaults: stride 1, no padding, a bias.
    ///
    /// # Errors
    /// If the weight is larger than memory.
    pub fn new(in_channels: usize, out_channels: usize, kernel_size: impl Sizes<D>) -> Result<Self> {
        Self::builder(in_channels, out_channels, kernel_size).build()
    }

    /// The weight `(out_channels, in_channels / groups, kernel…)`.
    pub fn weight(&self) -> &Tensor {
        &self.weight
    }

    /// The bias `(out_channels)`.
    pub fn bias(&self) -> Option<&Tensor> {
        self.bias.as_deref()
    }

    /// Stride, padding, dilation and groups.
    pub fn options(&self) -> &ConvolutionOptions {
        &self.options
    }

    /// What is around the image.
    pub fn padding_mode(&self) -> PadMode {
        self.padding_mode
    }

    /// How many positions come before and after each spatial dimension, the last dimension first.
    fn sides(&self) -> Result<Vec<isize>> {
        let one_or_each = |list: &[isize], d: usize| if list.len() == 1 { list[0] } else { list[d] };
        let kernel = self.weight.shape();
        let pair = |d: usize| match &self.options.padding {
            Padding::Zeros(padding) => {
                let padding = one_or_each(padding, d);
                Ok([padding, padding])
            }
            Padding::Valid => Ok([0, 0]),
            Padding::Same => {
                // Where the total is odd, the surplus is at the end.
                let reach = one_or_each(&self.options.dilation, d).checked_mul(kernel[2 + d] as isize - 1);
                let total = reach.ok_or_else(|| Error::value("dilation is too large"))?;
                Ok([total / 2, total - total / 2])
            }
        };
        Ok((0..D).rev().map(pair).collect::<Result<Vec<_>>>()?.concat())
    }
}

impl<const D: usize> ConvBuilder<D> {
    shared_options!();

    /// Padding that makes the output as large as the input.
    #[must_use]
    pub fn same_padding(mut self) -> Self {
        self.options.padding = Padding::Same;
        self
    }

    /// What is around the image (zeros by default).
    ///
    /// ```
    /// use flambeau::ops::PadMode;
    /// use flambeau::prelude::*;
    ///
    /// let conv = Conv2d::builder(1, 1, 3).padding(1).padding_mode(PadMode::Reflect).build()?;
    /// let image = Tensor::randn([1, 1, 8, 8], DType::F32)?;
    /// let padded = image.pad(&[1, 1, 1, 1], PadMode::Reflect)?;
    /// let expected = functional::conv2d(&padded, conv.weight(), conv.bias(), &Default::default())?;
    /// assert!(conv.forward(&image)?.allclose(&expected, 1e-5, 1e-6, false)?);
    ///
    /// let same = Conv2d::builder(1, 1, (2, 3)).same_padding().padding_mode(PadMode::Circular).build()?;
    /// assert_eq!(same.forward(&image)?.shape(), [1, 1, 8, 8]);
    /// # Ok::<(), flambeau::Error>(())
    /// ```
    #[must_use]
    pub fn padding_mode(mut self, padding_mode: PadMode) -> Self {
        self.padding_mode = padding_mode;
        self
    }

    /// Makes the layer, with PyTorch's initial values.
    ///
    /// # Errors
    /// If the channels cannot be divided into the groups, or the weight is larger than memory.
    pub fn build(self) -> Result<Conv<D>> {
        let groups = self.check()?;
        let mut shape = vec![self.out_channels, self.in_channels / groups];
        shape.extend(self.kernel_size);
        let (weight, bias) = parameters(shape, self.bias.then_some(self.out_channels), self.dtype)?;
        Ok(Conv { weight, bias, options: self.options, padding_mode: self.padding_mode })
    }
}

impl<const D: usize> Forward for Conv<D> {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let (weight, bias) = (&*self.weight, self.bias());
        let (mut padded, mut options) = (input.clone(), self.options.clone());
        if self.padding_mode != PadMode::Zeros {
            padded = input.pad(&self.sides()?, self.padding_mode)?;
            options.padding = Padding::Zeros(vec![0]);
        }
        let (input, options) = (&padded, &options);
        let kind = ["Conv", "Conv1d", "Conv2d", "Conv3d"].get(D).copied().unwrap_or("Conv");
        watch::layer(kind, Some(weight), Some(options), input, || {
            precision::product(input, weight, bias, |input, weight, bias| match D {
                1 => input.conv1d(weight, bias, options),
                2 => input.conv2d(weight, bias, options),
                3 => input.conv3d(weight, bias, options),
                _ => input.convolution(weight, bias, options, false),
            })
        })
    }
}

/// A transposed convolution: the gradient of a [`Conv`] with respect to its input, as a layer.
///
/// `size = (size - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1`.
#[derive(Debug, Module)]
pub struct ConvTranspose<const D: usize> {
    weight: Parameter,
    bias: Option<Parameter>,
    #[module(skip)]
    options: ConvolutionOptions,
}

/// A transposed convolution over signals `(N, C, L)`.
pub type ConvTranspose1d = ConvTranspose<1>;
/// A transposed convolution over images `(N, C, H, W)`.
pub type ConvTranspose2d = ConvTranspose<2>;
/// A transposed convolution over volumes `(N, C, D, H, W)`.
pub type ConvTranspose3d = ConvTranspose<3>;

/// Options of a [`ConvTranspose`].
#[derive(Clone, Debug)]
pub struct ConvTransposeBuilder<const D: usize> {
    in_channels: usize,
    out_channels: usize,
    kernel_size: [usize; D],
    options: ConvolutionOptions,
    bias: bool,
    dtype: DType,
}

impl<const D: usize> ConvTranspose<D> {
    /// Begins a layer from `in_channels` to `out_channels` with a kernel of this size.
    pub fn builder(in_channels: usize, out_channels: usize, kernel_size: impl Sizes<D>) -> ConvTransposeBuilder<D> {
        ConvTransposeBuilder {
            in_channels,
            out_channels,
            kernel_size: kernel_size.sizes(),
            options: ConvolutionOptions::default(),
            bias: true,
            dtype: flambeau_tensor::get_default_dtype(),
        }
    }

    /// The weight `(in_channels, out_channels / groups, kernel…)`.
    pub fn weight(&self) -> &Tensor {
        &self.weight
    }

    /// The bias `(out_channels)`.
    pub fn bias(&self) -> Option<&Tensor> {
        self.bias.as_deref()
    }
}

impl<const D: usize> ConvTransposeBuilder<D> {
    shared_options!();

    /// Added to one side of the output (0 by default); less than the stride or the dilation.
    #[must_use]
    pub fn output_padding(mut self, output_padding: impl Sizes<D>) -> Self {
        self.options.output_padding = all(output_padding);
        self
    }

    /// Makes the layer, with PyTorch's initial values.
    ///
    /// # Errors
    /// If the channels cannot be divided into the groups, or the weight is larger than memory.
    pub fn build(self) -> Result<ConvTranspose<D>> {
        let groups = self.check()?;
        let mut shape = vec![self.in_channels, self.out_channels / groups];
        shape.extend(self.kernel_size);
        let (weight, bias) = parameters(shape, self.bias.then_some(self.out_channels), self.dtype)?;
        Ok(ConvTranspose { weight, bias, options: self.options })
    }
}

impl<const D: usize> Forward for ConvTranspose<D> {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let (weight, bias, options) = (&*self.weight, self.bias(), &self.options);
        let kind = ["ConvTranspose", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"];
        let kind = kind.get(D).copied().unwrap_or(kind[0]);
        watch::layer(kind, Some(weight), Some(options), input, || {
            precision::product(input, weight, bias, |input, weight, bias| match D {
                1 => input.conv_transpose1d(weight, bias, options),
                2 => input.conv_transpose2d(weight, bias, options),
                3 => input.conv_transpose3d(weight, bias, options),
                _ => input.convolution(weight, bias, options, true),
            })
        })
    }
}

fn parameters(weight: Vec<usize>, bias: Option<usize>, dtype: DType) -> Result<(Parameter, Option<Parameter>)> {
    let weight = Tensor::empty(weight, dtype)?;
    let bias = bias.map(|n| Tensor::empty([n], dtype)).transpose()?;
    init::layer(&weight, bias.as_ref())?;
    Ok((Parameter::new(&weight)?, bias.as_ref().map(Parameter::new).transpose()?))
}
