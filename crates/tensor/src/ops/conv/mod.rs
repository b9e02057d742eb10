//! Convolution and transposed convolution.
//!
//! [`ConvolutionOptions`] are what the user says, [`check`] turns them into a
//! [`flambeau_kernels::conv::Geometry`] or PyTorch's error, and [`pass`] runs and records one of
//! the three passes that every convolution and each of its gradients is made of.

mod check;
mod engine;
mod explain;
mod grad;
mod pass;

use crate::{Result, Tensor};
use check::Rank;
pub use explain::{convolution_geometry, explain_convolution};
pub use grad::{conv_input_gradient, conv_weight_gradient, convolution_backward};

/// How far the image is continued with zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Padding {
    /// So many zeros on both sides: one number for all spatial dimensions, or one for each.
    Zeros(Vec<isize>),
    /// As many as make the output as large as the input; an odd one goes after the image.
    Same,
    /// None.
    Valid,
}

impl Padding {
    /// PyTorch's name of a padding.
    ///
    /// # Errors
    /// If there is no such padding.
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "same" => Ok(Padding::Same),
            "valid" => Ok(Padding::Valid),
            _ => Err(crate::Error::runtime(format!("Invalid padding string: '{name}'"))),
        }
    }
}

/// The numbers of a convolution. Lists hold one number for all spatial dimensions or one for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConvolutionOptions {
    /// Steps between two positions of the kernel.
    pub stride: Vec<isize>,
    /// Zeros around the image.
    pub padding: Padding,
    /// Distance between two elements of the kernel.
    pub dilation: Vec<isize>,
    /// Shares of the channels that do not see each other.
    pub groups: isize,
    /// Added to one side of a transposed convolution's output.
    pub output_padding: Vec<isize>,
}

impl Default for ConvolutionOptions {
    fn default() -> Self {
        ConvolutionOptions {
            stride: vec![1],
            padding: Padding::Zeros(vec![0]),
            dilation: vec![1],
            groups: 1,
            output_padding: vec![0],
        }
    }
}

macro_rules! convolutions {
    ($($name:ident, $transposed:literal, $spatial:literal, $images:literal;)*) => {$(
        #[doc = concat!("PyTorch's `", stringify!($name), "` of ", $images, " images, which may lack the batch dimension.")]
        ///
        /// # Errors
        /// PyTorch's, for shapes, dtypes and options that do not fit each other.
        pub fn $name(
            &self,
            weight: &Tensor,
            bias: Option<&Tensor>,
            options: &ConvolutionOptions,
        ) -> Result<Tensor> {
            let rank = Rank { name: stringify!($name), spatial: $spatial };
            batched(self, rank, weight, bias, options, $transposed)
        }
    )*};
}

impl Tensor {
    convolutions! {
        conv1d, false, 1, "`(N, C, L)`";
        conv2d, false, 2, "`(N, C, H, W)`";
        conv3d, false, 3, "`(N, C, D, H, W)`";
        conv_transpose1d, true, 1, "`(N, C, L)`";
        conv_transpose2d, true, 2, "`(N, C, H, W)`";
        conv_transpose3d, true, 3, "`(N, C, D, H, W)`";
    }

    /// The general convolution: as many spatial dimensions as the weight has, a batch dimension,
    /// ordinary or `transposed`.
    ///
    /// # Errors
    /// PyTorch's, for shapes, dtypes and options that do not fit each other.
    pub fn convolution(
        &self,
        weight: &Tensor,
        bias: Option<&Tensor>,
        options: &ConvolutionOptions,
        transposed: bool,
    ) -> Result<Tensor> {
        let plan = check::plan(self, weight, bias, options, transposed)?;
        if self.dtype().is_complex() {
            return super::complex::convolve(self, weight, bias, options, transposed);
        }
        pass::convolve(self, weight, bias, plan)
    }
}

/// A convolution of images that may lack the batch dimension.
fn batched(
    input: &Tensor,
    rank: Rank,
    weight: &Tensor,
    bias: Option<&Tensor>,
    options: &ConvolutionOptions,
    transposed: bool,
) -> Result<Tensor> {
    if matches!(options.padding, Padding::Zeros(_)) {
        check::bias_dtype(input, bias)?;
    }
    if rank.is_unbatched(input)? {
        return input.unsqueeze(0)?.convolution(weight, bias, options, transposed)?.squeeze_dim(0);
    }
    input.convolution(weight, bias, options, transposed)
}

#[cfg(test)]
mod tests;
