//! The sizes of pooling windows, and PyTorch's checks of them.

use crate::{Error, Result, Shape, Tensor};

/// The numbers of a pooling. Lists hold one number for all spatial dimensions or one for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolOptions {
    /// Size of a window.
    pub kernel_size: Vec<isize>,
    /// Steps between windows; the size of a window if empty.
    pub stride: Vec<isize>,
    /// Positions added on both sides.
    pub padding: Vec<isize>,
    /// Distance between two elements of a window (maximum pooling only).
    pub dilation: Vec<isize>,
    /// Whether a last window may reach beyond the padding.
    pub ceil_mode: bool,
    /// Whether the padding counts in an average.
    pub count_include_pad: bool,
    /// What an average is divided by, in place of the count.
    pub divisor_override: Option<i64>,
}

impl Default for PoolOptions {
    fn default() -> Self {
        PoolOptions {
            kernel_size: vec![2],
            stride: Vec::new(),
            padding: vec![0],
            dilation: vec![1],
            ceil_mode: false,
            count_include_pad: true,
            divisor_override: None,
        }
    }
}

/// One axis of a pooling, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Axis {
    pub(super) input: usize,
    pub(super) output: usize,
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) padding: usize,
    pub(super) dilation: usize,
}

impl Axis {
    /// An axis that is not pooled.
    pub(super) const ONE: Axis = Axis { input: 1, output: 1, kernel: 1, stride: 1, padding: 0, dilation: 1 };
}

/// An operator with so many spatial dimensions.
#[derive(Clone, Copy)]
pub(super) struct Pooling {
    pub(super) name: &'static str,
    pub(super) spatial: usize,
}

/// `(2 x 3)`-like lists in messages.
pub(super) fn cross(sizes: impl Iterator<Item = impl ToString>) -> String {
    sizes.map(|size| size.to_string()).collect::<Vec<_>>().join("x")
}

/// `kH: 2 kW: 2`
fn labelled(prefix: &str, values: &[isize]) -> String {
    let axes = ["T", "H", "W"];
    let first = 3 - values.len();
    values.iter().enumerate().map(|(i, v)| format!("{prefix}{}: {v}", axes[first + i])).collect::<Vec<_>>().join(" ")
}

/// One number for each of `n` dimensions.
fn expand(list: &[isize], n: usize) -> Option<Vec<isize>> {
    match list.len() {
        1 => Some(vec![list[0]; n]),
        len if len == n => Some(list.to_vec()),
        _ => None,
    }
}

/// PyTorch's output size of one axis.
fn output_size(
    input: usize,
    kernel: isize,
    stride: isize,
    padding: isize,
    dilation: isize,
    ceil: bool,
) -> Result<i128> {
    if stride == 0 {
        return Err(Error::runtime("stride should not be zero"));
    }
    if padding < 0 {
        return Err(Error::runtime(format!("pad must be non-negative, but got pad: {padding}")));
    }
    let reach = (kernel as i128 - 1) * dilation as i128 + 1;
    if padding as i128 > reach / 2 {
        return Err(Error::runtime(format!(
            "pad should be at most half of effective kernel size, but got pad={padding}, kernel_size={kernel} and dilation={dilation}"
        )));
    }
    let (input, stride, padding) = (input as i128, stride as i128, padding as i128);
    let room = input + 2 * padding - dilation as i128 * (kernel as i128 - 1) - 1;
    let mut output = (room + if ceil { stride - 1 } else { 0 }).div_euclid(stride) + 1;
    if ceil && (output - 1) * stride >= input + padding {
        // The last window starts in the image or in the padding before it.
        output -= 1;
    }
    Ok(output)
}

impl Pooling {
    fn lists(self, options: &PoolOptions) -> Result<[Vec<isize>; 4]> {
        let (name, n) = (self.name, self.spatial);
        let number = if n == 2 { "two" } else { "three" };
        // The average in three dimensions says it a little differently.
        let either = if name == "avg_pool3d" { "" } else { "either " };
        let wrong = |what: &str, may: &str| {
            Err(Error::runtime(format!("{name}: {what} must {may}a single int, or a tuple of {number} ints")))
        };
        let Some(kernel) = expand(&options.kernel_size, n) else {
            return wrong("kernel_size", &format!("{either}be "));
        };
        let stride = if options.stride.is_empty() { Some(kernel.clone()) } else { expand(&options.stride, n) };
        let Some(stride) = stride else {
            return wrong("stride", if either.is_empty() { "be omitted, " } else { "either be omitted, " });
        };
        let Some(padding) = expand(&options.padding, n) else {
            return wrong("padding", &format!("{either}be "));
        };
        let Some(dilation) = expand(&options.dilation, n) else {
            return wrong("dilation", "be either ");
        };
        Ok([kernel, stride, padding, dilation])
    }

    /// Whether the input may have this rank.
    fn check_rank(self, input: &Tensor) -> Result<()> {
        let (name, n) = (self.name, self.spatial);
        let shape = input.shape();
        if name == "avg_pool2d" {
            if shape.len() < 3 {
                return Err(Error::dimension(-3, shape.len()));
            }
            return Ok(());
        }
        if shape.len() != n + 1 && shape.len() != n + 2 {
            return Err(Error::shape(format!(
                "non-empty {}D or {}D (batch mode) tensor expected for input",
                n + 1,
                n + 2
            )));
        }
        if n == 3 {
            let name = if name == "max_pool3d" { "max_pool3d_with_indices_out_cpu_template" } else { name };
            if shape.len() == 4 && shape[0] == 0 {
                return Err(empty_dimension(name, &shape, 0));
            }
            non_empty(name, &shape, 1)?;
        }
        Ok(())
    }

    /// The axes of depth, height and width.
    pub(super) fn axes(self, input: &Tensor, options: &PoolOptions) -> Result<[Axis; 3]> {
        let n = self.spatial;
        let [kernel, stride, padding, dilation] = self.lists(options)?;
        if options.divisor_override == Some(0) {
            return Err(Error::runtime("divisor must be not zero"));
        }
        self.check_rank(input)?;
        let shape = input.shape();
        let lead = shape.len().saturating_sub(n);
        let mut outputs = Vec::with_capacity(n);
        for i in 0..n {
            let ceil = options.ceil_mode;
            outputs.push(output_size(shape[lead + i], kernel[i], stride[i], padding[i], dilation[i], ceil)?);
        }
        if kernel.iter().any(|&k| k <= 0) {
            let sizes = labelled("k", &kernel);
            return Err(Error::runtime(format!("kernel size should be greater than zero, but got {sizes}")));
        }
        if stride.iter().any(|&s| s <= 0) {
            let sizes = labelled("d", &stride);
            return Err(Error::runtime(format!("stride should be greater than zero, but got {sizes}")));
        }
        if dilation.iter().any(|&d| d <= 0) {
            let sizes = labelled("dilation", &dilation);
            return Err(Error::runtime(format!("dilation should be greater than zero, but got {sizes}")));
        }
        if n == 2 && (!(3..=4).contains(&shape.len()) || shape[shape.len() - 3..].contains(&0)) {
            return Err(Error::shape(format!(
                "Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, but got:{shape}"
            )));
        }
        if (0..n).any(|i| padding[i] > kernel[i] / 2) {
            let list = |name: &str, of: &[isize]| match of {
                [height, width] => format!("{name}W = {width}, {name}H = {height}"),
                [depth, height, width] => format!("{name}T: {depth} {name}W: {width} {name}H: {height}"),
                _ => labelled(name, of),
            };
            let both = match n {
                2 => format!("{}, {}", list("pad", &padding), list("k", &kernel)),
                _ => format!("{} {}", list("k", &kernel), list("pad", &padding)),
            };
            return Err(Error::runtime(format!(
                "pad should be smaller than or equal to half of kernel size, but got {both}"
            )));
        }
        let sizes = &shape[lead..];
        if self.name == "avg_pool3d" && (0..n).any(|i| sizes[i] as i128 + 2 * (padding[i] as i128) < kernel[i] as i128)
        {
            let sizes: Vec<isize> = sizes.iter().map(|&s| s as isize).collect();
            return Err(Error::shape(format!(
                "input image ({}) smaller than kernel size ({})",
                labelled("", &sizes),
                labelled("k", &kernel)
            )));
        }
        if outputs.iter().any(|&o| o < 1) {
            let channels = shape[lead - 1];
            return Err(Error::shape(format!(
                "Given input size: ({channels}x{}). Calculated output size: ({channels}x{}). Output size is too small",
                cross(sizes.iter()),
                cross(outputs.iter())
            )));
        }
        let mut axes = [Axis::ONE; 3];
        for i in 0..n {
            // Outputs are bounded by the input's size and paddings by the kernel's, but a kernel may be
            // anything: what it reaches beyond the image does not matter.
            let output = usize::try_from(outputs[i]).map_err(|_| too_large(&outputs))?;
            axes[3 - n + i] = Axis {
                input: sizes[i],
                output,
                kernel: kernel[i] as usize,
                stride: stride[i] as usize,
                padding: padding[i] as usize,
                dilation: dilation[i] as usize,
            };
        }
        Ok(axes)
    }
}

fn too_large(outputs: &[i128]) -> Error {
    Error::memory(format!("Storage size calculation overflowed with sizes={outputs:?}"))
}

/// Checks that no dimension from `first` on is empty.
pub(super) fn non_empty(name: &str, shape: &Shape, first: usize) -> Result<()> {
    // The batch may be empty.
    for dim in first..shape.len() {
        if shape[dim] == 0 && !(dim == 0 && first == 0) {
            return Err(empty_dimension(name, shape, dim));
        }
    }
    Ok(())
}

/// The error for an input without elements for another reason than an empty batch.
pub(super) fn empty_dimension(name: &str, shape: &Shape, dim: usize) -> Error {
    Error::shape(format!(
        "{name}(): Expected input to have non-zero size for non-batch dimensions, but input has sizes {shape} with dimension {dim} being empty"
    ))
}
