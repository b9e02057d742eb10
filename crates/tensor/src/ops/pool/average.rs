//! Average pooling.

use super::sizes::{Axis, PoolOptions, Pooling, output_format, with_spatial};
use crate::ops::linear_map::{Direction, LinearMap};
use crate::{DType, Error, Result, Shape, Tensor};
use flambeau_kernels::resample::AxisMap;

/// Runs a separable linear map of the last `spatial` dimensions and records it.
pub(crate) fn resample(name: &'static str, input: &Tensor, spatial: usize, maps: [AxisMap; 3]) -> Result<Tensor> {
    let (from, format) = (input.shape(), output_format(&input.layout(), spatial));
    let sizes: Vec<usize> = maps[3 - spatial..].iter().map(AxisMap::outputs).collect();
    let to = with_spatial(&from, &sizes);
    let adjoint = std::sync::OnceLock::new();
    LinearMap::new(name, move |operand, direction| {
        let (shape, maps): (&Shape, &[AxisMap; 3]) = match direction {
            Direction::Forward => (&to, &maps),
            Direction::Adjoint => (&from, adjoint.get_or_init(|| maps.each_ref().map(AxisMap::transposed))),
        };
        let result = Tensor::empty_in_format(shape, operand.dtype(), format)?;
        if operand.numel() == 0 {
            return Tensor::zeros(shape, operand.dtype());
        }
        operand.backend().resample(spatial, maps, &operand.array(), &result.array())?;
        Ok(result)
    })
    .apply(input)
}

/// The window of each output along an axis: clipped to the image, and its size with padding.
fn averages(axis: Axis, options: &PoolOptions) -> AxisMap {
    let mut divisors = Vec::with_capacity(axis.output);
    let windows: Vec<_> = (0..axis.output)
        .map(|o| {
            let start = (o * axis.stride) as isize - axis.padding as isize;
            let end = start.saturating_add_unsigned(axis.kernel).min((axis.input + axis.padding) as isize);
            let clipped = start.max(0) as usize..end.clamp(0, axis.input as isize) as usize;
            divisors.push(if options.divisor_override.is_some() {
                1.0
            } else if options.count_include_pad {
                (end - start) as f64
            } else {
                clipped.len() as f64
            });
            clipped.map(|i| (i, 1.0)).collect()
        })
        .collect();
    AxisMap::new(axis.input, windows).divided(divisors)
}

fn average(input: &Tensor, pooling: Pooling, node: &'static str, options: &PoolOptions) -> Result<Tensor> {
    let axes = pooling.axes(input, options)?;
    let spatial = pooling.spatial;
    let dtype = input.dtype();
    let unsupported = match spatial {
        3 => (!matches!(dtype, DType::F32 | DType::F64 | DType::I64)).then_some("avg_pool3d_out_frame"),
        _ => (!dtype.is_floating_point() && dtype != DType::I64).then_some("avg_pool2d"),
    };
    if let Some(kernel) = unsupported {
        return Err(Error::not_implemented(format!("\"{kernel}\" not implemented for '{}'", dtype.scalar_type_name())));
    }
    let mut maps = axes.map(|axis| averages(axis, options));
    if let Some(divisor) = options.divisor_override {
        let width = maps[2].outputs();
        maps[2] = maps[2].clone().divided(vec![divisor as f64; width]);
    }
    if dtype == DType::I64 {
        let sizes: Vec<usize> = maps[3 - spatial..].iter().map(AxisMap::outputs).collect();
        let shape = with_spatial(&input.shape(), &sizes);
        let result = Tensor::empty_in_format(shape, dtype, output_format(&input.layout(), spatial))?;
        if result.numel() != 0 {
            input.backend().integer_average(spatial, &maps, &input.array(), &result.array())?;
        }
        return Ok(result);
    }
    resample(node, input, spatial, maps)
}

/// One number of a list that must have just one.
pub(super) fn one(list: &[isize], operator: &str, argument: &str) -> Result<isize> {
    match list {
        [one] => Ok(*one),
        _ => Err(Error::runtime(format!(
            "{operator}() argument '{argument}' should contain one int (got {})",
            list.len()
        ))),
    }
}

/// PyTorch's check of a one-dimensional image that may lack the batch dimension.
pub(super) fn check_1d(input: &Tensor, operator: &str) -> Result<()> {
    match input.ndim() {
        2 | 3 => Ok(()),
        n => Err(Error::shape(format!(
            "Expected 2 to 3 dimensions, but got {n}-dimensional tensor for argument #1 'self' (while checking arguments for {operator})"
        ))),
    }
}

impl Tensor {
    /// The mean of each window of `(N, C, L)` or `(C, L)`.
    ///
    /// # Errors
    /// PyTorch's, for options that do not fit the shape, and for dtypes other than floats and I64.
    pub fn avg_pool1d(&self, options: &PoolOptions) -> Result<Tensor> {
        let kernel = one(&options.kernel_size, "avg_pool1d", "kernel_size")?;
        let stride = match options.stride.as_slice() {
            [] => kernel,
            list => one(list, "avg_pool1d", "stride")?,
        };
        let padding = one(&options.padding, "avg_pool1d", "padding")?;
        check_1d(self, "avg_pool1d")?;
        let options = PoolOptions {
            kernel_size: vec![1, kernel],
            stride: vec![1, stride],
            padding: vec![0, padding],
            ..options.clone()
        };
        self.unsqueeze(-2)?.avg_pool2d(&options)?.squeeze_dim(-2)
    }

    /// The mean of each window of `(N, C, H, W)` or `(C, H, W)`.
    ///
    /// # Errors
    /// PyTorch's, for options that do not fit the shape, and for dtypes other than floats and I64.
    pub fn avg_pool2d(&self, options: &PoolOptions) -> Result<Tensor> {
        average(self, Pooling { name: "avg_pool2d", spatial: 2 }, "AvgPool2DBackward0", options)
    }

    /// The mean of each window of `(N, C, D, H, W)` or `(C, D, H, W)`.
    ///
    /// # Errors
    /// PyTorch's, for options that do not fit the shape, and for dtypes other than F32, F64, I64.
    pub fn avg_pool3d(&self, options: &PoolOptions) -> Result<Tensor> {
        average(self, Pooling { name: "avg_pool3d", spatial: 3 }, "AvgPool3DBackward0", options)
    }
}
