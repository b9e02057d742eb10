//! The Python operators of the family `conv`.

use super::Table;
use crate::args::Args;
use flambeau_tensor::ops::{ConvolutionOptions, Padding};
use flambeau_tensor::{Result, Tensor};

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
        "convolution(Tensor input, Tensor weight, Tensor bias, int[] stride, int[] padding, int[] dilation, bool transposed, int[] output_padding, int groups)",
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
}
