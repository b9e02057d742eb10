//! The Python operators of the family `conv`.

use super::Table;
use crate::args::Args;
use crate::error::warn_from_library;
use flambeau_tensor::ops::{self, ConvolutionOptions, Padding};
use flambeau_tensor::{Error, Result, Tensor};

/// Positions of `stride, padding, dilation, groups` and of a transposed convolution's output padding.
struct Positions {
    stride: usize,
    padding: usize,
    dilation: usize,
    groups: usize,
    output_padding: Option<usize>,
}

const ORDINARY: Positions = Positions { stride: 3, padding: 4, dilation: 5, groups: 6, output_padding: None };
const TRANSPOSED: Positions = Positions { stride: 3, padding: 4, dilation: 7, groups: 6, output_padding: Some(5) };

fn options(a: &Args, at: &Positions, padding: Padding) -> ConvolutionOptions {
    ConvolutionOptions {
        stride: a.dims(at.stride),
        padding,
        dilation: a.dims(at.dilation),
        groups: a.dim(at.groups),
        output_padding: at.output_padding.map_or_else(|| vec![0], |i| a.dims(i)),
    }
}

type Convolve = fn(&Tensor, &Tensor, Option<&Tensor>, &ConvolutionOptions) -> Result<Tensor>;

fn zeros(a: &Args, at: &Positions, convolve: Convolve) -> Result<Tensor> {
    let options = options(a, at, Padding::Zeros(a.dims(at.padding)));
    convolve(a.tensor(0), a.tensor(1), a.opt_tensor(2), &options)
}

fn named(a: &Args, convolve: Convolve) -> Result<Tensor> {
    let options = options(a, &ORDINARY, Padding::named(a.str(4))?);
    if options.padding == Padding::Same {
        let kernel = a.tensor(1).shape();
        let uneven = |(i, &size): (usize, &usize)| {
            let dilation = options.dilation.get(i).or(options.dilation.first()).copied().unwrap_or(1);
            size % 2 == 0 && dilation % 2 != 0
        };
        if kernel.iter().skip(2).enumerate().any(uneven) {
            warn_from_library(
                "Using padding='same' with even kernel lengths and odd dilation may require a zero-padded copy of the input be created",
            )?;
        }
    }
    convolve(a.tensor(0), a.tensor(1), a.opt_tensor(2), &options)
}

/// Adds the family's operators.
pub(super) fn register(table: &mut Table<'_>) {
    table.function(
        "conv1d(Tensor input, Tensor weight, Tensor bias=None, int[1] stride=1, int[1] padding=0, int[1] dilation=1, int groups=1)",
        |a| zeros(a, &ORDINARY, Tensor::conv1d),
    );
    table.function(
        "conv1d(Tensor input, Tensor weight, Tensor bias=None, int[1] stride=1, str padding=\"valid\", int[1] dilation=1, int groups=1)",
        |a| named(a, Tensor::conv1d),
    );
    table.function(
        "conv2d(Tensor input, Tensor weight, Tensor bias=None, int[2] stride=1, int[2] padding=0, int[2] dilation=1, int groups=1)",
        |a| zeros(a, &ORDINARY, Tensor::conv2d),
    );
    table.function(
        "conv2d(Tensor input, Tensor weight, Tensor bias=None, int[2] stride=1, str padding=\"valid\", int[2] dilation=1, int groups=1)",
        |a| named(a, Tensor::conv2d),
    );
    table.function(
        "conv3d(Tensor input, Tensor weight, Tensor bias=None, int[3] stride=1, int[3] padding=0, int[3] dilation=1, int groups=1)",
        |a| zeros(a, &ORDINARY, Tensor::conv3d),
    );
    table.function(
        "conv3d(Tensor input, Tensor weight, Tensor bias=None, int[3] stride=1, str padding=\"valid\", int[3] dilation=1, int groups=1)",
        |a| named(a, Tensor::conv3d),
    );
    table.function(
        "conv_transpose1d(Tensor input, Tensor weight, Tensor bias=None, int[1] stride=1, int[1] padding=0, int[1] output_padding=0, int groups=1, int[1] dilation=1)",
        |a| zeros(a, &TRANSPOSED, Tensor::conv_transpose1d),
    );
    table.function(
        "conv_transpose2d(Tensor input, Tensor weight, Tensor bias=None, int[2] stride=1, int[2] padding=0, int[2] output_padding=0, int groups=1, int[2] dilation=1)",
        |a| zeros(a, &TRANSPOSED, Tensor::conv_transpose2d),
    );
    table.function(
        "conv_transpose3d(Tensor input, Tensor weight, Tensor bias=None, int[3] stride=1, int[3] padding=0, int[3] output_padding=0, int groups=1, int[3] dilation=1)",
        |a| zeros(a, &TRANSPOSED, Tensor::conv_transpose3d),
    );
    table.function(
        "convolution(Tensor input, Tensor weight, Tensor? bias, int[] stride, int[] padding, int[] dilation, bool transposed, int[] output_padding, int groups)",
        |a| {
            let options = ConvolutionOptions {
                stride: a.dims(3),
                padding: Padding::Zeros(a.dims(4)),
                dilation: a.dims(5),
                groups: a.dim(8),
                output_padding: a.dims(7),
            };
            a.tensor(0).convolution(a.tensor(1), a.opt_tensor(2), &options, a.bool(6))
        },
    );
    table.function(
        "convolution_backward(Tensor grad_output, Tensor input, Tensor weight, int[]? bias_sizes, int[] stride, int[] padding, int[] dilation, bool transposed, int[] output_padding, int groups, bool[] output_mask)",
        |a| {
            let options = ConvolutionOptions {
                stride: a.dims(4),
                padding: Padding::Zeros(a.dims(5)),
                dilation: a.dims(6),
                groups: a.dim(9),
                output_padding: a.dims(8),
            };
            let &[input, weight, bias] = a.ints(10) else {
                return Err(Error::runtime(format!("expected 3 truth values in output_mask, but got {}", a.ints(10).len())));
            };
            let wanted = [input, weight, bias].map(|flag| flag != 0);
            let [input, weight, bias] =
                ops::convolution_backward(a.tensor(0), a.tensor(1), a.tensor(2), (&options, a.bool(7)), wanted)?;
            Ok((input, weight, bias))
        },
    );
    conv_tbc(table);
}

/// The convolution of sequences whose channels come last: time, batch, channel.
fn conv_tbc(table: &mut Table<'_>) {
    table.both("conv_tbc(Tensor input, Tensor weight, Tensor bias, int pad=0)", |a| {
        let (input, weight, bias) = (a.tensor(0), a.tensor(1), a.tensor(2));
        let error = |text: &str| Err(Error::runtime(text));
        if input.ndim() != 3 {
            return error("Input must have 3 dims: time, batch, in_channel");
        }
        if weight.ndim() != 3 {
            return error("Weight tensor must have 3 dims: kernel_width, in_channels, out_channels.");
        }
        if bias.ndim() != 1 {
            return error("Bias must be 1-D");
        }
        if input.size(2)? != weight.size(1)? {
            return error("Input dim 2 (input channels) is not == dim 1 in the weight tensor");
        }
        if weight.size(2)? != bias.size(0)? {
            return error("Bias size must equal dim 2 in the weight tensor (output channels).");
        }
        let options = ConvolutionOptions { padding: Padding::Zeros(vec![a.dim(3)]), ..Default::default() };
        let weight = weight.permute(&[2, 1, 0])?;
        input.permute(&[1, 2, 0])?.conv1d(&weight, Some(bias), &options)?.permute(&[2, 0, 1])?.contiguous()
    });
}
