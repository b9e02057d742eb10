//! From a user's arguments to a geometry, in PyTorch's order of checks and in its words.

use super::engine::{backend_checks, is_for_onednn, transposed_sizes};
use super::{ConvolutionOptions, Padding};
use crate::{DType, Error, Result, Shape, Tensor};
use flambeau_kernels::conv::Geometry;

/// A convolution that was checked: what to compute.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// Of the convolution that is not transposed.
    pub(super) geometry: Geometry,
    /// The passes' images are its output and input in the other order.
    pub(super) transposed: bool,
    /// Shape of the result.
    pub(super) output: Shape,
    /// Zeros to append to each spatial dimension of a transposed convolution's result, where no
    /// position of the kernel reaches.
    pub(super) unreached: Vec<usize>,
}

/// A convolution whose number of dimensions its name says.
#[derive(Clone, Copy)]
pub(super) struct Rank {
    pub(super) name: &'static str,
    pub(super) spatial: usize,
}

impl Rank {
    /// Whether the batch dimension is missing.
    pub(super) fn is_unbatched(self, input: &Tensor) -> Result<bool> {
        let (unbatched, batched) = (self.spatial + 1, self.spatial + 2);
        match input.ndim() {
            n if n == batched => Ok(false),
            n if n == unbatched => Ok(true),
            _ => Err(Error::shape(format!(
                "Expected {unbatched}D (unbatched) or {batched}D (batched) input to {}, but got input of size: {}",
                self.name,
                input.shape()
            ))),
        }
    }
}

/// The name of a dtype's C++ type, in the message about a bias.
fn c_name(dtype: DType) -> &'static str {
    match dtype {
        DType::I64 => "long int",
        DType::I8 => "signed char",
        other => other.c_name(),
    }
}

/// The legacy name of a tensor type.
fn type_name(dtype: DType) -> String {
    match dtype {
        DType::BF16 | DType::Bool | DType::C64 | DType::C128 => format!("CPU{}Type", dtype.scalar_type_name()),
        _ => format!("torch.{}Tensor", dtype.scalar_type_name()),
    }
}

/// The first of all checks.
pub(super) fn bias_dtype(input: &Tensor, bias: Option<&Tensor>) -> Result<()> {
    match bias {
        Some(bias) if bias.dtype() != input.dtype() => Err(Error::dtype(format!(
            "Input type ({}) and bias type ({}) should be the same",
            c_name(input.dtype()),
            c_name(bias.dtype())
        ))),
        _ => Ok(()),
    }
}

/// One number for each spatial dimension.
fn expand(list: &[isize], name: &str, spatial: usize) -> Result<Vec<isize>> {
    match list.len() {
        1 => Ok(vec![list[0]; spatial]),
        n if n == spatial => Ok(list.to_vec()),
        _ => Err(Error::shape(format!(
            "expected {name} to be a single integer value or a list of {spatial} values to match the convolution dimensions, but got {name}={list:?}"
        ))),
    }
}

/// The options, one number for each spatial dimension.
pub(super) struct Expanded {
    pub(super) stride: Vec<isize>,
    pub(super) begin: Vec<isize>,
    pub(super) end: Vec<isize>,
    pub(super) dilation: Vec<isize>,
    pub(super) output_padding: Vec<isize>,
}

fn expand_all(input: &Tensor, weight: &Tensor, options: &ConvolutionOptions) -> Result<Expanded> {
    let spatial = weight.ndim().saturating_sub(2);
    if spatial == 0 {
        return Err(Error::shape("weight should have at least three dimensions"));
    }
    if options.groups <= 0 {
        return Err(Error::runtime("non-positive groups is not supported"));
    }
    if options.padding == Padding::Same {
        return same(input, weight, options);
    }
    let stride = expand(&options.stride, "stride", spatial)?;
    let begin = match &options.padding {
        Padding::Zeros(padding) => expand(padding, "padding", spatial)?,
        _ => vec![0; spatial],
    };
    let dilation = expand(&options.dilation, "dilation", spatial)?;
    let output_padding = expand(&options.output_padding, "output_padding", spatial)?;
    Ok(Expanded { stride, end: begin.clone(), begin, dilation, output_padding })
}

/// `padding='same'`: the rest goes after the image.
fn same(input: &Tensor, weight: &Tensor, options: &ConvolutionOptions) -> Result<Expanded> {
    let (k, spatial) = (weight.ndim(), weight.ndim() - 2);
    if input.ndim() != k {
        return Err(Error::shape(format!(
            "Expected {k}-dimensional input for {k}-dimensional weight{}, but got {}-dimensional input of size {} instead",
            weight.shape(),
            input.ndim(),
            input.shape()
        )));
    }
    let broadcast = |list: &[isize], name: &str| match list.len() {
        1 => Ok(vec![list[0]; spatial]),
        n if n == spatial => Ok(list.to_vec()),
        _ => Err(Error::shape(format!("{name} cannot broadcast to {spatial} dimensions"))),
    };
    let stride = broadcast(&options.stride, "stride")?;
    let dilation = broadcast(&options.dilation, "dilation")?;
    if stride.iter().any(|&s| s != 1) {
        return Err(Error::runtime("padding='same' is not supported for strided convolutions"));
    }
    let total = |i: usize| dilation[i].wrapping_mul(weight.shape()[i + 2] as isize - 1);
    // Division rounds down: a negative dilation must show up as a negative padding.
    let begin: Vec<isize> = (0..spatial).map(|i| total(i).div_euclid(2)).collect();
    let end = (0..spatial).map(|i| total(i).wrapping_sub(begin[i])).collect();
    Ok(Expanded { stride, begin, end, dilation, output_padding: vec![0; spatial] })
}

/// Checks a convolution.
pub(super) fn plan(
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    options: &ConvolutionOptions,
    transposed: bool,
) -> Result<Plan> {
    let sizes = expand_all(input, weight, options)?;
    let groups = options.groups as usize;
    signs(&sizes)?;
    channels(input, weight, bias, &sizes, (groups, transposed))?;
    let spatial = weight.ndim() - 2;
    if !transposed {
        kernel_fits(input, weight, &sizes)?;
    }
    if input.shape()[0] != 0 && input.shape()[1] != 0 && input.numel() == 0 {
        return Err(Error::shape(format!(
            "Only zero batch or zero channel inputs are supported, but got input shape: {}",
            input.shape()
        )));
    }
    dtypes(input, weight, bias, transposed)?;
    backend_checks(input, weight, &sizes, groups, transposed)?;
    let mut plan = if transposed {
        transposed_plan(input, weight, &sizes, groups)?
    } else {
        ordinary_plan(input, weight, &sizes, groups)?
    };
    if input.shape()[1] == 0 {
        // PyTorch's oddity: without input channels there are no output channels.
        let mut shape = plan.output.to_vec();
        shape[1] = 0;
        plan.output = Shape::from(shape);
    }
    debug_assert_eq!(plan.output.len(), spatial + 2);
    Ok(plan)
}

fn signs(sizes: &Expanded) -> Result<()> {
    let negative = |list: &[isize]| list.iter().any(|&n| n < 0);
    if negative(&sizes.begin) || negative(&sizes.end) {
        return Err(Error::runtime("negative padding is not supported"));
    }
    if negative(&sizes.output_padding) {
        return Err(Error::runtime("negative output_padding is not supported"));
    }
    if sizes.stride.iter().any(|&n| n <= 0) {
        return Err(Error::runtime("non-positive stride is not supported"));
    }
    if negative(&sizes.dilation) {
        return Err(Error::runtime("dilation should be greater than zero"));
    }
    Ok(())
}

fn channels(
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    sizes: &Expanded,
    (groups, transposed): (usize, bool),
) -> Result<()> {
    let (x, w) = (input.shape(), weight.shape());
    if x.len() != w.len() {
        let k = w.len();
        return Err(Error::shape(format!(
            "Expected {k}-dimensional input for {k}-dimensional weight {w}, but got {}-dimensional input of size {x} instead",
            x.len()
        )));
    }
    if w[0] < groups {
        return Err(Error::shape(format!(
            "Given groups={groups}, expected weight to be at least {groups} at dimension 0, but got weight of size {w} instead"
        )));
    }
    if w[0] % groups != 0 {
        return Err(Error::shape(format!(
            "Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, but got weight of size [{w}] instead"
        )));
    }
    let (given, expected, out) = if transposed {
        ("transposed=1".to_owned(), w[0], w[1].checked_mul(groups))
    } else {
        (format!("groups={groups}"), w[1].saturating_mul(groups), Some(w[0]))
    };
    if x[1] != expected {
        // What 'same' adds on one side only is there already.
        let mut seen = x.clone();
        for (size, (begin, end)) in seen[2..].iter_mut().zip(sizes.begin.iter().zip(&sizes.end)) {
            *size = size.saturating_add_signed(end - begin);
        }
        return Err(Error::shape(format!(
            "Given {given}, weight of size {w}, expected input{seen} to have {expected} channels, but got {} channels instead",
            x[1]
        )));
    }
    let out = out.ok_or_else(too_large)?;
    if let Some(bias) = bias.map(Tensor::shape)
        && *bias != [out]
    {
        let given = if transposed { "Given transposed=1, weight" } else { "Given weight" };
        return Err(Error::shape(format!(
            "{given} of size {w}, expected bias to be 1-dimensional with {out} elements, but got bias of size {bias} instead"
        )));
    }
    Ok(())
}

fn times(sizes: impl Iterator<Item = String>) -> String {
    sizes.collect::<Vec<_>>().join(" x ")
}

fn kernel_fits(input: &Tensor, weight: &Tensor, sizes: &Expanded) -> Result<()> {
    let (x, w) = (input.shape(), weight.shape());
    let spatial = w.len() - 2;
    for (i, &padding) in sizes.begin.iter().enumerate() {
        let most = isize::MAX / 2;
        if padding > most {
            return Err(Error::shape(format!(
                "Given padding={padding} at dimension {i} , expected padding to be at most {most}"
            )));
        }
    }
    let padded = |i: usize| x[i + 2] as i128 + sizes.begin[i] as i128 + sizes.end[i] as i128;
    let reach = |i: usize| sizes.dilation[i] as i128 * (w[i + 2] as i128 - 1) + 1;
    if (0..spatial).any(|i| padded(i) < reach(i)) {
        return Err(Error::shape(format!(
            "Calculated padded input size per channel: ({}). Kernel size: ({}). Kernel size can't be greater than actual input size",
            times((0..spatial).map(|i| padded(i).to_string())),
            times((0..spatial).map(|i| reach(i).to_string()))
        )));
    }
    Ok(())
}

fn dtypes(input: &Tensor, weight: &Tensor, bias: Option<&Tensor>, transposed: bool) -> Result<()> {
    let x = input.dtype();
    let kernel = match (transposed, weight.ndim()) {
        (true, 5) => "slow_conv_transpose3d_out_cpu",
        (true, _) => "slow_conv_transpose2d_out_cpu",
        (false, 5) => "slow_conv3d_cpu",
        (false, _) => "slow_conv2d_cpu",
    };
    if x == DType::Bool || (transposed && x.is_integral(false) && x != DType::I64) {
        return Err(Error::not_implemented(format!("\"{kernel}\" not implemented for '{}'", x.scalar_type_name())));
    }
    for (tensor, what) in [(Some(weight), "weight"), (bias, "bias")] {
        let Some(dtype) = tensor.map(Tensor::dtype).filter(|&dtype| dtype != x) else { continue };
        return Err(Error::dtype(if matches!(x, DType::F32 | DType::BF16) {
            format!(
                "Input type ({}) and {what} type ({}) should be the same or input should be a MKLDNN tensor and {what} is a dense tensor",
                type_name(x),
                type_name(dtype)
            )
        } else if x.is_complex() {
            format!("Input type ({}) and {what} type ({}) should be the same", type_name(x), type_name(dtype))
        } else {
            format!("expected scalar type {} but found {}", x.scalar_type_name(), dtype.scalar_type_name())
        }));
    }
    Ok(())
}

/// Sizes that no memory holds; oneDNN's words, which PyTorch passes on.
pub(super) fn too_large() -> Error {
    Error::memory("could not construct a memory descriptor using a format tag")
}

/// The three axes of a geometry from the last one, two or three.
fn axes(values: &[usize], fill: usize) -> [usize; 3] {
    let mut axes = [fill; 3];
    axes[3 - values.len()..].copy_from_slice(values);
    axes
}

fn unsigned(values: &[isize]) -> Vec<usize> {
    values.iter().map(|&v| v as usize).collect()
}

/// A size that kernels can count in without overflow.
fn bounded(size: i128) -> Result<usize> {
    usize::try_from(size).ok().filter(|&n| n <= 1 << 40).ok_or_else(too_large)
}

fn ordinary_plan(input: &Tensor, weight: &Tensor, sizes: &Expanded, groups: usize) -> Result<Plan> {
    let (x, w) = (input.shape(), weight.shape());
    let mut output = vec![x[0], w[0]];
    let mut stride = Vec::new();
    for i in 0..w.len() - 2 {
        let padded = bounded(x[i + 2] as i128 + sizes.begin[i] as i128 + sizes.end[i] as i128)?;
        let reach = bounded(sizes.dilation[i] as i128 * (w[i + 2] as i128 - 1) + 1)?;
        // A stride beyond the image is the same as one that just leaves it.
        stride.push((sizes.stride[i] as usize).min(padded + 1));
        output.push((padded - reach) / stride[i] + 1);
    }
    let dilation = (0..w.len() - 2).map(|i| if w[i + 2] == 1 { 1 } else { sizes.dilation[i] as usize });
    let geometry = Geometry {
        batch: x[0],
        in_channels: x[1],
        out_channels: w[0],
        groups,
        input: axes(&x[2..], 1),
        kernel: axes(&w[2..], 1),
        stride: axes(&stride, 1),
        padding_begin: axes(&unsigned(&sizes.begin), 0),
        padding_end: axes(&unsigned(&sizes.end), 0),
        dilation: axes(&dilation.collect::<Vec<_>>(), 1),
    };
    let output = Shape::from(output);
    output.checked_numel()?;
    Ok(Plan { geometry, transposed: false, output, unreached: vec![0; w.len() - 2] })
}

fn transposed_plan(input: &Tensor, weight: &Tensor, sizes: &Expanded, groups: usize) -> Result<Plan> {
    let (x, w) = (input.shape(), weight.shape());
    let spatial = w.len() - 2;
    let mut output = vec![x[0], w[1] * groups];
    let calculated = transposed_sizes(input, weight, sizes);
    let (mut padding_end, mut unreached) = (Vec::new(), Vec::new());
    for i in 0..spatial {
        let most = isize::MAX / 2;
        if sizes.begin[i] > most {
            return Err(Error::shape(format!(
                "Given padding={} at dimension {i} , expected padding to be at most {most}",
                sizes.begin[i]
            )));
        }
        // What a stride leaves over is reached by no kernel; more than that is appended as zeros.
        let reachable = sizes.output_padding[i].min(sizes.stride[i] - 1);
        let beyond = sizes.output_padding[i] - reachable;
        let within = beyond.min(sizes.begin[i]);
        padding_end.push((sizes.begin[i] - within) as usize);
        unreached.push((beyond - within) as usize);
    }
    if input.numel() == 0 {
        // Where there is nothing to compute, PyTorch only gives the result this shape.
        let shape: Vec<isize> =
            output.iter().map(|&n| n as isize).chain(calculated.iter().map(|&n| n as isize)).collect();
        if calculated.iter().any(|&n| n < 0) {
            crate::ops::infer_sizes(&shape, 0)?;
        }
    }
    // oneDNN makes a result without elements, PyTorch's own kernels refuse to.
    let least = if is_for_onednn(input, weight, sizes, groups) { 0 } else { 1 };
    if calculated.iter().any(|&n| n < least) && input.numel() != 0 {
        let (mut from, mut to): (Vec<String>, Vec<String>) =
            (x[2..].iter().map(ToString::to_string).collect(), calculated.iter().map(ToString::to_string).collect());
        if spatial == 1 {
            from.insert(0, "1".to_owned());
            to.insert(0, "1".to_owned());
        }
        return Err(Error::shape(format!(
            "Given input size per channel: ({}). Calculated output size per channel: ({}). Output size is too small",
            times(from.into_iter()),
            times(to.into_iter())
        )));
    }
    for &size in &calculated {
        output.push(bounded(size)?);
    }
    for i in 0..spatial {
        bounded(sizes.dilation[i] as i128 * w[i + 2] as i128 + sizes.stride[i] as i128)?;
    }
    let image: Vec<usize> = output[2..].iter().zip(&unreached).map(|(&n, &u)| n.saturating_sub(u)).collect();
    let geometry = Geometry {
        batch: x[0],
        in_channels: output[1],
        out_channels: w[0],
        groups,
        input: axes(&image, 1),
        kernel: axes(&w[2..], 1),
        stride: axes(&unsigned(&sizes.stride), 1),
        padding_begin: axes(&unsigned(&sizes.begin), 0),
        padding_end: axes(&padding_end, 0),
        dilation: axes(&unsigned(&sizes.dilation), 1),
    };
    let output = Shape::from(output);
    output.checked_numel()?;
    Ok(Plan { geometry, transposed: true, output, unreached })
}
