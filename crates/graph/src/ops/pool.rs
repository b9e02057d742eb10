//! Pooling.

use super::conv::pads;
use super::window::{Axis, Window, list};
use crate::compute::{Compute, Inputs, check_numel, size};
use flambeau_tensor::ops::{ConvolutionOptions, PoolOptions};
use flambeau_tensor::{DType, Error, Result, Scalar, Tensor};

/// The spatial sizes of images `(N, C, …)`.
fn spatial(input: &Tensor) -> Result<Vec<usize>> {
    match &input.shape()[..] {
        [_, _, sizes @ ..] if (1..=3).contains(&sizes.len()) => Ok(sizes.to_vec()),
        shape => {
            Err(Error::shape(format!("images (N, C, …) with one to three spatial axes are expected, got {shape:?}")))
        }
    }
}

fn axes(window: &Window, input: &Tensor, kernel_shape: &[i64]) -> Result<Vec<Axis>> {
    let sizes = spatial(input)?;
    if kernel_shape.is_empty() {
        return Err(Error::value("kernel_shape is missing"));
    }
    window.axes(&sizes, &list("kernel_shape", kernel_shape, sizes.len(), 1, 1)?)
}

/// Continues images so that they have just so many windows without further padding.
fn framed(input: &Tensor, axes: &[Axis], outputs: &[usize], fill: Scalar) -> Result<Tensor> {
    let sides = axes.iter().zip(outputs).map(|(axis, &outputs)| {
        let end = axis.length(outputs) - axis.input as i128 - axis.begin as i128;
        Ok((
            axis.begin as isize,
            isize::try_from(end).map_err(|_| Error::shape(format!("windows reach {end} too far")))?,
        ))
    });
    input.constant_pad_nd(&pads(&sides.collect::<Result<Vec<_>>>()?), fill)
}

fn signed(axes: &[Axis], field: impl Fn(&Axis) -> usize) -> Vec<isize> {
    axes.iter().map(|axis| field(axis) as isize).collect()
}

/// Whether the tensor library's own padding (the same on both sides, at most half of the window)
/// will do.
fn is_plain(axes: &[Axis]) -> bool {
    axes.iter().all(|a| a.begin == a.end && a.begin as i128 <= a.reach() / 2)
}

/// How many windows there are along each axis, and the shape of the result.
fn outputs(input: &Tensor, axes: &[Axis], ceil: bool) -> Result<(Vec<usize>, Vec<usize>)> {
    let outputs = axes.iter().map(|axis| axis.outputs(ceil)).collect::<Result<Vec<_>>>()?;
    let mut shape = input.shape()[..2].to_vec();
    shape.extend(&outputs);
    check_numel(&shape, input.dtype())?;
    Ok((outputs, shape))
}

/// The least number of a dtype.
fn lowest(dtype: DType) -> Scalar {
    match dtype {
        DType::U8 | DType::Bool => Scalar::Int(0),
        DType::I8 => Scalar::Int(i8::MIN.into()),
        DType::I16 => Scalar::Int(i16::MIN.into()),
        DType::I32 => Scalar::Int(i32::MIN.into()),
        DType::I64 => Scalar::Int(i64::MIN),
        _ => Scalar::Float(f64::NEG_INFINITY),
    }
}

/// The maximum of each window of `(N, C, …)`, and its place in the whole tensor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MaxPool {
    /// Strides, dilations, border (which is never the maximum).
    pub window: Window,
    /// The size of a window.
    pub kernel_shape: Vec<i64>,
    /// Whether a last window may reach beyond the border.
    pub ceil_mode: bool,
    /// Whether places are asked for.
    pub with_indices: bool,
    /// Whether places are counted with the first spatial axis running fastest.
    pub column_major: bool,
}

impl MaxPool {
    /// Places in single, framed planes as places in the whole tensor.
    fn places(&self, places: &Tensor, input: &Tensor, axes: &[Axis], frames: &[usize]) -> Result<Tensor> {
        let n = axes.len();
        let mut rest = places.clone();
        // Coordinates, the last axis first.
        let mut coordinates = Vec::with_capacity(n);
        for (axis, &frame) in axes.iter().zip(frames).rev() {
            coordinates.push(rest.remainder(frame as i64)?.sub(axis.begin as i64)?);
            rest = floor_divided(&rest, frame as i64)?;
        }
        let mut flat = Tensor::zeros(places.shape(), DType::I64)?;
        let ordered: Box<dyn Iterator<Item = (&Tensor, &Axis)>> = if self.column_major {
            Box::new(coordinates.iter().zip(axes.iter().rev()))
        } else {
            Box::new(coordinates.iter().rev().zip(axes))
        };
        for (coordinate, axis) in ordered {
            flat = flat.mul(axis.input as i64)?.add(coordinate)?;
        }
        let planes = places.shape()[0] * places.shape()[1];
        let area: usize = axes.iter().map(|a| a.input).product();
        debug_assert_eq!(planes * area, input.numel());
        let mut shape = vec![1; n + 2];
        (shape[0], shape[1]) = (places.shape()[0] as isize, places.shape()[1] as isize);
        let offsets = Tensor::arange(0i64, planes as i64, 1i64, DType::I64)?.mul(area as i64)?;
        flat.add(&offsets.reshape(&shape)?)
    }
}

fn floor_divided(tensor: &Tensor, by: i64) -> Result<Tensor> {
    tensor.div_rounded(by, Some(flambeau_tensor::ops::RoundingMode::Floor))
}

impl Compute for MaxPool {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let input = inputs.get(0, "X")?;
        let axes = axes(&self.window, input, &self.kernel_shape)?;
        let (outputs, shape) = outputs(input, &axes, self.ceil_mode)?;
        if shape.contains(&0) {
            return Ok(vec![Tensor::zeros(shape.clone(), input.dtype())?, Tensor::zeros(shape, DType::I64)?]);
        }
        let plain = is_plain(&axes);
        let framed = if plain { input.clone() } else { framed(input, &axes, &outputs, lowest(input.dtype()))? };
        let options = PoolOptions {
            kernel_size: signed(&axes, |a| a.kernel),
            stride: signed(&axes, |a| a.stride),
            padding: if plain { signed(&axes, |a| a.begin) } else { vec![0] },
            dilation: signed(&axes, |a| a.dilation),
            ceil_mode: plain && self.ceil_mode,
            ..PoolOptions::default()
        };
        if !self.with_indices {
            return Ok(vec![match axes.len() {
                // The one-dimensional operator takes floats only; this one is all the same.
                1 => framed.max_pool1d_with_indices(&options)?.0,
                2 => framed.max_pool2d(&options)?,
                _ => framed.max_pool3d(&options)?,
            }]);
        }
        let (values, places) = match axes.len() {
            1 => framed.max_pool1d_with_indices(&options)?,
            2 => framed.max_pool2d_with_indices(&options)?,
            _ => framed.max_pool3d_with_indices(&options)?,
        };
        let begins: Vec<Axis> = axes.iter().map(|&a| Axis { begin: if plain { 0 } else { a.begin }, ..a }).collect();
        let places = self.places(&places, input, &begins, &framed.shape()[2..])?;
        Ok(vec![values, places])
    }
}

/// What [`MaxPool`] does, undone: `(N, C, …)`, the places of the maxima, and the size of the
/// result, which may be absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MaxUnpool {
    /// Strides, dilations, border.
    pub window: Window,
    /// The size of a window.
    pub kernel_shape: Vec<i64>,
}

impl Compute for MaxUnpool {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let (input, places) = (inputs.get(0, "X")?, inputs.get(1, "I")?);
        let axes = axes(&self.window, input, &self.kernel_shape)?;
        // Places count in the image that these windows would have been taken from.
        let mut shape = input.shape()[..2].to_vec();
        for axis in &axes {
            shape.push(size(axis.length(axis.input) - axis.begin as i128 - axis.end as i128, "the output")?);
        }
        let flat = Tensor::zeros(shape.clone(), input.dtype())?.reshape(&[-1])?;
        let result = flat.scatter(0, &places.reshape(&[-1])?, &input.reshape(&[-1])?)?;
        let result = result.reshape(&crate::compute::signed(&shape))?;
        let Some(given) = inputs.optional_integers(2, "output_shape")? else { return Ok(vec![result]) };
        // A larger image has these windows in its first corner.
        let wanted = list("output_shape", &given, input.ndim(), 0, 0)?;
        let sides: Vec<_> = wanted.iter().zip(&shape).map(|(&w, &n)| (0, w as isize - n as isize)).collect();
        Ok(vec![result.constant_pad_nd(&pads(&sides), 0)?])
    }
}

/// The mean of each window of `(N, C, …)`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AveragePool {
    /// Strides, dilations, border.
    pub window: Window,
    /// The size of a window.
    pub kernel_shape: Vec<i64>,
    /// Whether a last window may reach beyond the border.
    pub ceil_mode: bool,
    /// Whether the border counts.
    pub count_include_pad: bool,
}

/// The sums of windows, as a convolution with ones of each plane for itself.
fn sums(input: &Tensor, axes: &[Axis], outputs: &[usize]) -> Result<Tensor> {
    let framed = framed(input, axes, outputs, Scalar::Int(0))?;
    let shape = framed.shape();
    let mut planes = vec![-1, 1];
    planes.extend(shape[2..].iter().map(|&n| n as isize));
    let mut kernel = vec![1, 1];
    kernel.extend(axes.iter().map(|a| a.kernel));
    let options = ConvolutionOptions {
        stride: signed(axes, |a| a.stride),
        dilation: signed(axes, |a| a.dilation),
        ..ConvolutionOptions::default()
    };
    let sums = framed.reshape(&planes)?.convolution(&Tensor::ones(kernel, input.dtype())?, None, &options, false)?;
    let mut result = vec![shape[0] as isize, shape[1] as isize];
    result.extend(outputs.iter().map(|&n| n as isize));
    sums.reshape(&result)
}

impl AveragePool {
    /// How many elements each window along an axis has inside the image (and, if they count, in the
    /// border).
    fn counts(&self, axis: &Axis, outputs: usize) -> Vec<f64> {
        let count = |o: usize| {
            let start = (o * axis.stride) as i128;
            let (low, high) = if self.count_include_pad {
                (0, (axis.begin + axis.input + axis.end) as i128)
            } else {
                (axis.begin as i128, (axis.begin + axis.input) as i128)
            };
            // Elements start + k·dilation with low <= … < high, k below the kernel's size.
            let dilation = axis.dilation as i128;
            let before = |bound: i128| {
                (bound - start).max(0).div_euclid(dilation) + i128::from((bound - start).max(0) % dilation != 0)
            };
            let kernel = axis.kernel as i128;
            (before(high).min(kernel) - before(low).min(kernel)).max(0) as f64
        };
        (0..outputs).map(count).collect()
    }
}

impl Compute for AveragePool {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let input = inputs.get(0, "X")?;
        let axes = axes(&self.window, input, &self.kernel_shape)?;
        let (outputs, shape) = outputs(input, &axes, self.ceil_mode)?;
        if shape.contains(&0) {
            return Ok(vec![Tensor::zeros(shape, input.dtype())?]);
        }
        if is_plain(&axes) && axes.iter().all(|a| a.dilation == 1 && a.kernel <= a.input + 2 * a.begin) {
            let options = PoolOptions {
                kernel_size: signed(&axes, |a| a.kernel),
                stride: signed(&axes, |a| a.stride),
                padding: signed(&axes, |a| a.begin),
                ceil_mode: self.ceil_mode,
                count_include_pad: self.count_include_pad,
                ..PoolOptions::default()
            };
            return Ok(vec![match axes.len() {
                1 => input.avg_pool1d(&options)?,
                2 => input.avg_pool2d(&options)?,
                _ => input.avg_pool3d(&options)?,
            }]);
        }
        let mut result = sums(input, &axes, &outputs)?;
        for (i, (axis, &n)) in axes.iter().zip(&outputs).enumerate() {
            let mut shape = vec![1; axes.len()];
            shape[i] = n;
            let counts = Tensor::from_slice(&self.counts(axis, n), shape)?.to_dtype(input.dtype())?;
            result = result.div(&counts)?;
        }
        Ok(vec![result])
    }
}

/// The `p`-norm of each window of `(N, C, …)`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LpPool {
    /// Strides, dilations, border.
    pub window: Window,
    /// The size of a window.
    pub kernel_shape: Vec<i64>,
    /// Whether a last window may reach beyond the border.
    pub ceil_mode: bool,
    /// Which norm.
    pub p: i64,
}

impl Compute for LpPool {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let input = inputs.get(0, "X")?;
        let axes = axes(&self.window, input, &self.kernel_shape)?;
        let (outputs, shape) = outputs(input, &axes, self.ceil_mode)?;
        if shape.contains(&0) {
            return Ok(vec![Tensor::zeros(shape, input.dtype())?]);
        }
        let p = self.p as f64;
        Ok(vec![sums(&input.abs()?.pow(p)?, &axes, &outputs)?.pow(1.0 / p)?])
    }
}

/// One number for each plane of `(N, C, …)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GlobalPool {
    /// The mean.
    GlobalAveragePool,
    /// The maximum.
    GlobalMaxPool,
    /// The `p`-norm.
    GlobalLpPool {
        /// Which norm.
        p: i64,
    },
}

impl Compute for GlobalPool {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let input = inputs.get(0, "X")?;
        if input.ndim() < 3 {
            return Err(Error::shape(format!("images (N, C, …) are expected, but got {}", input.shape())));
        }
        let dims: Vec<isize> = (2..input.ndim() as isize).collect();
        Ok(vec![match self {
            GlobalPool::GlobalAveragePool => input.mean_dims(&dims, true, None)?,
            GlobalPool::GlobalMaxPool => input.amax(&dims, true)?,
            GlobalPool::GlobalLpPool { p } => input.vector_norm(*p as f64, &dims, true, None)?,
        }])
    }
}
