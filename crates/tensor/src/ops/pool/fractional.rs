//! Maximum pooling with windows at random places (Graham 2014): as many as were asked for, spread
//! over the image by one random number for each image, channel and axis.

use super::max::pick;
use super::sizes::cross;
use crate::autograd::no_grad;
use crate::ops::resample::with_spatial;
use crate::{DType, Error, MemoryFormat, Result, Shape, Tensor};

/// Where the windows along an axis begin, for a random number between 0 and 1.
fn starts(sample: f64, input: usize, outputs: usize, kernel: usize, dtype: DType) -> Vec<usize> {
    let last = input - kernel;
    // In the arithmetic of the dtype, as rounding decides.
    let round = |x: f64| match dtype {
        DType::F64 => x,
        DType::F32 => f64::from(x as f32),
        DType::F16 => f64::from(half::f16::from_f64(x)),
        _ => f64::from(half::bf16::from_f64(x)),
    };
    let alpha = round(last as f64 / (outputs.max(2) - 1) as f64);
    let offset = round(sample * alpha) as i32;
    let start = |i: usize| {
        let at = round(round(i as f64 + sample) * alpha) as i32;
        (at.wrapping_sub(offset)).clamp(0, i32::try_from(last).unwrap_or(i32::MAX)) as usize
    };
    (0..outputs).map(|i| if i + 1 == outputs { last } else { start(i) }).collect()
}

/// The sizes of a pooling, checked.
struct Sizes {
    input: Vec<usize>,
    output: Vec<usize>,
    kernel: Vec<usize>,
}

fn check(input: &Tensor, kernel: &[isize], output: &[isize], samples: &Tensor) -> Result<Sizes> {
    let n = kernel.len();
    let shape = input.shape();
    let name = if n == 2 { "fractional_max_pool2d" } else { "fractional_max_pool3d_out" };
    if kernel.iter().any(|&k| k <= 0) {
        return Err(Error::runtime(format!(
            "fractional_max_pool{n}d(): kernel size should be greater than zero, but got {}",
            cross(kernel.iter())
        )));
    }
    if shape.len() != n + 1 && shape.len() != n + 2 {
        return Err(Error::shape(format!("{name}(): Expected {}D or {}D tensor, but got: {shape}", n + 1, n + 2)));
    }
    let batched = shape.len() == n + 2;
    if let Some(dim) = (usize::from(batched)..shape.len()).find(|&dim| shape[dim] == 0) {
        return Err(Error::shape(format!(
            "{name}(): Expected input to have non-zero size for non-batch dimensions, but got{shape} with dimension {dim} being empty."
        )));
    }
    let first = shape.len() - n;
    let labels = &["time", "height", "width"][3 - n..];
    for d in 0..n {
        let (size, k, o) = (shape[first + d] as i128, kernel[d] as i128, output[d] as i128);
        // Windows of a volume may not reach as far as those of an image.
        let fits = if n == 2 { o + k - 1 <= size } else { o + k - 1 < size };
        if !fits {
            let label = labels[d];
            return Err(Error::shape(format!("{name}(): pool {label} {k} too large relative to input {label} {size}")));
        }
    }
    if let Some(negative) = output.iter().find(|&&o| o < 0) {
        let mut sizes: Vec<isize> = shape[..first].iter().map(|&s| s as isize).collect();
        sizes.extend(output);
        return Err(Error::runtime(format!("Trying to create tensor with negative dimension {negative}: {sizes:?}")));
    }
    if !input.dtype().is_floating_point() {
        let dtype = input.dtype().scalar_type_name();
        return Err(Error::not_implemented(format!(
            "\"fractional_max_pool{n}d_out_frame\" not implemented for '{dtype}'"
        )));
    }
    if samples.dtype() != input.dtype() {
        return Err(Error::runtime("Expect _random_samples to have the same dtype as input"));
    }
    let places = samples.shape();
    if places.len() != 3 {
        return Err(Error::runtime(format!("Expect _random_samples to have 3 dimensions, got {}", places.len())));
    }
    if places[0] < if batched { shape[0] } else { 1 } {
        return Err(Error::runtime("Expect _random_samples.size(0) no less then input batch size."));
    }
    if places[1] != shape[first - 1] {
        return Err(Error::runtime("Expect _random_samples.size(1) equals to input channel size."));
    }
    if places[2] != n {
        return Err(Error::runtime(format!("Expect _random_samples.size(2) equals to {n}; got {}.", places[2])));
    }
    let unsigned = |list: &[isize]| list.iter().map(|&x| x as usize).collect();
    Ok(Sizes { input: shape[first..].to_vec(), output: unsigned(output), kernel: unsigned(kernel) })
}

impl Sizes {
    /// The flat index in its image of each element of each window: `(planes, windows, elements)`.
    fn places(&self, samples: &[f64], planes: usize, dtype: DType) -> Result<Vec<i64>> {
        let n = self.input.len();
        let (windows, elements) = (self.output.iter().product::<usize>(), self.kernel.iter().product::<usize>());
        let shape = Shape::from([planes, windows, elements]);
        let mut places = Vec::new();
        places.try_reserve_exact(shape.checked_numel()?).map_err(|_| {
            Error::memory(format!(
                "not enough memory for the {elements} elements of {windows} windows of {planes} images"
            ))
        })?;
        // The flat index of a position, given the sizes of the grid that it counts in.
        let digits = |mut i: usize, sizes: &[usize]| {
            let mut at = [0; 3];
            for d in (0..sizes.len()).rev() {
                at[d] = i % sizes[d];
                i /= sizes[d];
            }
            at
        };
        for plane in 0..planes {
            let starts: Vec<Vec<usize>> = (0..n)
                .map(|d| {
                    // In two dimensions the first number is for the width.
                    let sample = samples[plane * n + if n == 2 { 1 - d } else { d }];
                    starts(sample, self.input[d], self.output[d], self.kernel[d], dtype)
                })
                .collect();
            for window in 0..windows {
                let o = digits(window, &self.output);
                for element in 0..elements {
                    let k = digits(element, &self.kernel);
                    let place = (0..n).fold(0, |place, d| place * self.input[d] + starts[d][o[d]] + k[d]);
                    places.push(place as i64);
                }
            }
        }
        Ok(places)
    }
}

fn pooled(
    input: &Tensor,
    (kernel, output): (&[isize], &[isize]),
    samples: &Tensor,
    node: &'static str,
) -> Result<(Tensor, Tensor)> {
    let sizes = check(input, kernel, output, samples)?;
    let (shape, n) = (input.shape(), sizes.input.len());
    let to = with_spatial(&shape, &sizes.output);
    if to.checked_numel()? == 0 {
        let indices = Tensor::empty(&to, DType::I64)?;
        let values = pick(node, &indices, n, (shape, MemoryFormat::Contiguous)).apply(input)?;
        return Ok((values, indices));
    }
    let (pixels, planes) = (sizes.input.iter().product::<usize>(), shape[..shape.len() - n].iter().product::<usize>());
    let (windows, elements) = (sizes.output.iter().product::<usize>(), sizes.kernel.iter().product::<usize>());
    let (values, indices) = no_grad(|| {
        let numbers = samples.to_dtype(DType::F64)?.to_vec::<f64>()?;
        let places = sizes.places(&numbers, planes, input.dtype())?;
        let places = Tensor::from_slice(&places, [planes, windows * elements])?;
        let image = input.reshape_to(&[planes, pixels])?;
        let candidates = image.gather(1, &places)?.reshape_to(&[planes, windows, elements])?;
        let (values, which) = candidates.max_dim(-1, true)?;
        let indices = places.reshape_to(&[planes, windows, elements])?.gather(2, &which)?;
        Ok::<_, Error>((values.reshape_to(&to)?.detach(), indices.reshape_to(&to)?.detach()))
    })?;
    pick(node, &indices, n, (shape, MemoryFormat::Contiguous)).record_forward(input, &values);
    Ok((values, indices))
}

fn expanded(list: &[isize], n: usize, name: &str, what: &str) -> Result<Vec<isize>> {
    if list.len() == n {
        return Ok(list.to_vec());
    }
    let ints = if n == 2 { "Ints" } else { "three Ints" };
    Err(Error::runtime(format!("{name}: {what} must either be a single Int or tuple of {ints}")))
}

impl Tensor {
    /// The maxima of `output_size` windows of `(N, C, H, W)` or `(C, H, W)` and their flat indices.
    /// `random_samples` `(N, C, 2)` holds numbers between 0 and 1 that place the windows.
    ///
    /// # Errors
    /// PyTorch's, if sizes or dtypes do not fit each other.
    pub fn fractional_max_pool2d(
        &self,
        kernel_size: &[isize],
        output_size: &[isize],
        random_samples: &Tensor,
    ) -> Result<(Tensor, Tensor)> {
        let name = "fractional_max_pool2d";
        let kernel = expanded(kernel_size, 2, name, "kernel_size")?;
        let output = expanded(output_size, 2, name, "output_size")?;
        pooled(self, (&kernel, &output), random_samples, "FractionalMaxPool2DBackward0")
    }

    /// [`Tensor::fractional_max_pool2d`] for volumes `(N, C, D, H, W)` or `(C, D, H, W)`, with
    /// `random_samples` `(N, C, 3)`.
    ///
    /// # Errors
    /// As [`Tensor::fractional_max_pool2d`].
    pub fn fractional_max_pool3d(
        &self,
        kernel_size: &[isize],
        output_size: &[isize],
        random_samples: &Tensor,
    ) -> Result<(Tensor, Tensor)> {
        let name = "fractional_max_pool3d";
        let kernel = expanded(kernel_size, 3, name, "kernel_size")?;
        let output = expanded(output_size, 3, name, "output_size")?;
        pooled(self, (&kernel, &output), random_samples, "FractionalMaxPool3DBackward0")
    }
}
