//! Complex convolution, by real ones.

use super::complex;
use crate::ops::ConvolutionOptions;
use crate::{Result, Tensor};

/// The convolution of complex images with a complex kernel, checked already. It is linear in both, so
/// four real ones give its parts.
pub(crate) fn convolve(
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    options: &ConvolutionOptions,
    transposed: bool,
) -> Result<Tensor> {
    let run = |x: &Tensor, w: &Tensor, b: Option<Tensor>| x.convolution(w, b.as_ref(), options, transposed);
    let (xr, xi, wr, wi) = (input.real()?, input.imag()?, weight.real()?, weight.imag()?);
    let bias_re = bias.map(Tensor::real).transpose()?;
    let bias_im = bias.map(Tensor::imag).transpose()?;
    let re = run(&xr, &wr, bias_re)?.sub(&run(&xi, &wi, None)?)?;
    let im = run(&xr, &wi, bias_im)?.add(&run(&xi, &wr, None)?)?;
    complex(&re, &im)
}
