//! Convolutions.

use crate::modules::Sizes;
use crate::precision;
use flambeau_tensor::ops::{ConvolutionOptions, Padding};
use flambeau_tensor::{Result, Tensor};

/// Options of a convolution over `D` spatial dimensions: PyTorch's defaults, changed by methods.
///
/// ```
/// use flambeau::nn::functional::Conv2dOptions;
///
/// let options = Conv2dOptions::new().stride(2).padding((1, 0)).dilation([1, 2]).groups(4);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConvOptions<const D: usize>(ConvolutionOptions);

/// Options of [`conv1d`] and [`conv_transpose1d`].
pub type Conv1dOptions = ConvOptions<1>;
/// Options of [`conv2d`] and [`conv_transpose2d`].
pub type Conv2dOptions = ConvOptions<2>;
/// Options of [`conv3d`] and [`conv_transpose3d`].
pub type Conv3dOptions = ConvOptions<3>;

fn all<const D: usize>(sizes: impl Sizes<D>) -> Vec<isize> {
    sizes.sizes().iter().map(|&n| isize::try_from(n).unwrap_or(isize::MAX)).collect()
}

impl<const D: usize> ConvOptions<D> {
    /// Stride 1, no padding, dilation 1, one group.
    pub fn new() -> Self {
        Self::default()
    }

    /// Steps between two positions of the kernel.
    #[must_use]
    pub fn stride(mut self, stride: impl Sizes<D>) -> Self {
        self.0.stride = all(stride);
        self
    }

    /// Zeros around the image, on both sides.
    #[must_use]
    pub fn padding(mut self, padding: impl Sizes<D>) -> Self {
        self.0.padding = Padding::Zeros(all(padding));
        self
    }

    /// As many zeros as make the output as large as the input (`padding='same'`).
    #[must_use]
    pub fn same_padding(mut self) -> Self {
        self.0.padding = Padding::Same;
        self
    }

    /// Distance between two elements of the kernel.
    #[must_use]
    pub fn dilation(mut self, dilation: impl Sizes<D>) -> Self {
        self.0.dilation = all(dilation);
        self
    }

    /// Shares of the channels that do not see each other.
    #[must_use]
    pub fn groups(mut self, groups: usize) -> Self {
        self.0.groups = isize::try_from(groups).unwrap_or(isize::MAX);
        self
    }

    /// Added to one side of a transposed convolution's output.
    #[must_use]
    pub fn output_padding(mut self, output_padding: impl Sizes<D>) -> Self {
        self.0.output_padding = all(output_padding);
        self
    }
}

macro_rules! convolutions {
    ($($name:ident, $options:ty, $shapes:literal;)*) => {$(
        #[doc = concat!("PyTorch's `F.", stringify!($name), "`: ", $shapes, "; the batch dimension may be left out.")]
        ///
        /// # Errors
        /// PyTorch's, for shapes, dtypes and options that do not fit each other.
        pub fn $name(input: &Tensor, weight: &Tensor, bias: Option<&Tensor>, options: &$options) -> Result<Tensor> {
            precision::product(input, weight, bias, |input, weight, bias| input.$name(weight, bias, &options.0))
        }
    )*};
}

convolutions! {
    conv1d, Conv1dOptions, "input `(N, C, L)`, weight `(K, C / groups, l)`, bias `(K)`";
    conv2d, Conv2dOptions, "input `(N, C, H, W)`, weight `(K, C / groups, h, w)`, bias `(K)`";
    conv3d, Conv3dOptions, "input `(N, C, D, H, W)`, weight `(K, C / groups, d, h, w)`, bias `(K)`";
    conv_transpose1d, Conv1dOptions, "input `(N, C, L)`, weight `(C, K / groups, l)`, bias `(K)`";
    conv_transpose2d, Conv2dOptions, "input `(N, C, H, W)`, weight `(C, K / groups, h, w)`, bias `(K)`";
    conv_transpose3d, Conv3dOptions, "input `(N, C, D, H, W)`, weight `(C, K / groups, d, h, w)`, bias `(K)`";
}
