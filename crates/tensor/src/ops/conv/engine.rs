//! The checks that PyTorch leaves to the libraries behind it, each with texts of its own.

use super::check::{Expanded, too_large};
use crate::{DType, Error, Result, Tensor};

/// Whether PyTorch gives a convolution to oneDNN, whose texts are others than those of its own
/// kernels. The rules are those of PyTorch's choice on a CPU.
pub(super) fn is_for_onednn(input: &Tensor, weight: &Tensor, sizes: &Expanded, groups: usize) -> bool {
    let (x, w) = (input.shape(), weight.shape());
    match input.dtype() {
        DType::BF16 => true,
        DType::F32 => {
            let kernel = |least: usize| w[w.len() - 2..].iter().filter(|&&size| size >= least).count();
            let plain = sizes.stride.iter().chain(&sizes.dilation).all(|&n| n == 1);
            let pointwise = plain && x[0] < 16 && w[2..].iter().all(|&size| size == 1) && threads() == 1;
            let large = x.iter().take(4).product::<usize>() > 20480;
            !pointwise && (groups > 1 || kernel(4) == 2 || x[0] > 1 || large)
        }
        _ => false,
    }
}

fn threads() -> usize {
    flambeau_kernels::parallel::threads()
}

fn no_primitive(kind: &str) -> Error {
    Error::runtime(format!(
        "could not create a primitive descriptor for the {kind} forward propagation primitive. Run workload with environment variable ONEDNN_VERBOSE=all to get additional diagnostic information."
    ))
}

/// The names of the last `count` axes.
fn axis_names(count: usize) -> &'static [&'static str] {
    &["depth", "height", "width"][3 - count..]
}

/// `name_height: 1 name_width: 2`. A one-dimensional image is an image of height 1 here.
fn by_axis(name: &str, values: &[isize], missing: isize, separator: &str) -> String {
    let values = if values.len() == 1 { vec![missing, values[0]] } else { values.to_vec() };
    let parts = axis_names(values.len()).iter().zip(values).map(|(axis, v)| format!("{name}_{axis}: {v}"));
    parts.collect::<Vec<_>>().join(separator)
}

/// What PyTorch leaves to its backends, of which each has its own texts.
pub(super) fn backend_checks(
    input: &Tensor,
    weight: &Tensor,
    sizes: &Expanded,
    groups: usize,
    transposed: bool,
) -> Result<()> {
    let (w, spatial) = (weight.shape(), weight.ndim() - 2);
    if input.numel() == 0 {
        // A batch of nothing reaches no backend.
        return Ok(());
    }
    let excessive = |i: usize| sizes.output_padding[i] >= sizes.stride[i].max(sizes.dilation[i]);
    let big_padding = transposed && (0..spatial).any(excessive);
    let onednn = is_for_onednn(input, weight, sizes, groups) && !big_padding;
    let kind = if transposed { "deconvolution" } else { "convolution" };
    let too_small = transposed && onednn && transposed_sizes(input, weight, sizes).iter().any(|&n| n < 0);
    if sizes.dilation.contains(&0) {
        return Err(match (onednn, transposed) {
            (true, true) if too_small => too_large(),
            (true, true) => no_primitive(kind),
            (true, false) => Error::runtime("non-positive dilation is not supported"),
            (false, true) => Error::runtime(format!(
                "dilation should be greater than zero, but got {}",
                by_axis("dilation", &sizes.dilation, 1, ", ")
            )),
            (false, false) => {
                let list = if spatial == 1 { vec![1, sizes.dilation[0]] } else { sizes.dilation.clone() };
                Error::runtime(format!("dilation should be greater than zero, but got {list:?}"))
            }
        });
    }
    if w[0] != 0 && w[2..].contains(&0) {
        if onednn {
            return Err(no_primitive(kind));
        }
        return Err(Error::shape(format!(
            "kernel size should be greater than zero, but got kernel_height: {} kernel_width: {}",
            w[w.len().saturating_sub(2).max(2)],
            w[w.len() - 1]
        )));
    }
    if big_padding {
        let shown = |name: &str, values: &[isize], missing: isize| by_axis(name, values, missing, " ");
        return Err(Error::runtime(format!(
            "output padding must be smaller than either stride or dilation, but got {} {} {}",
            shown("output_padding", &sizes.output_padding, 0),
            shown("stride", &sizes.stride, 1),
            shown("dilation", &sizes.dilation, 1)
        )));
    }
    if too_small { Err(too_large()) } else { Ok(()) }
}

/// The spatial sizes of a transposed convolution's result, as the formula gives them.
pub(super) fn transposed_sizes(input: &Tensor, weight: &Tensor, sizes: &Expanded) -> Vec<i128> {
    let (x, w) = (input.shape(), weight.shape());
    let size = |i: usize| {
        let reach = sizes.dilation[i] as i128 * (w[i + 2] as i128 - 1) + 1;
        let whole = (x[i + 2] as i128 - 1) * sizes.stride[i] as i128 + reach;
        whole - 2 * sizes.begin[i] as i128 + sizes.output_padding[i] as i128
    };
    (0..w.len() - 2).map(size).collect()
}
