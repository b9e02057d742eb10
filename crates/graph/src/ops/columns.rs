//! Images put together from windows, and convolution whose windows move.

use super::window::Window;
use crate::compute::{Compute, Inputs, check_numel, signed, size};
use flambeau_tensor::ops::{GridMode, GridOptions, PadMode, stack};
use flambeau_tensor::{DType, Error, Result, Tensor};

fn bounded(product: Option<usize>, what: &str) -> Result<usize> {
    product.ok_or_else(|| Error::shape(format!("{what} would have too many elements")))
}

fn product(sizes: impl Iterator<Item = usize>, what: &str) -> Result<usize> {
    bounded(sizes.into_iter().try_fold(1usize, usize::checked_mul), what)
}

/// The sum of windows, each at its place in the image: what undoes taking them out. Inputs: windows
/// `(N, C · |window|, count)`, the spatial sizes of the images, those of a window. Results: images
/// `(N, C, …)`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Col2Im {
    /// Strides, dilations, border (which is cut off).
    pub window: Window,
}

impl Compute for Col2Im {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let input = inputs.get(0, "input")?;
        let sizes = |index, name| -> Result<Vec<usize>> {
            inputs.integers(index, name)?.into_iter().map(|n| size(n.into(), name)).collect()
        };
        let (image, block) = (sizes(1, "image_shape")?, sizes(2, "block_shape")?);
        let axes = self.window.axes(&image, &block)?;
        let windows = axes.iter().map(|axis| axis.outputs(false)).collect::<Result<Vec<_>>>()?;
        let (area, count) =
            (product(block.iter().copied(), "a window")?, product(windows.iter().copied(), "the windows")?);
        let shape = input.shape();
        let &[n, rows, columns] = &shape[..] else {
            return Err(Error::shape(format!("windows (N, C · size, count) are expected, but got {shape}")));
        };
        if !rows.is_multiple_of(area) || columns != count {
            return Err(Error::shape(format!(
                "windows of size {block:?} over images of size {image:?} are {count}, with {area} elements in a channel; \
                 got {shape}"
            )));
        }
        let channels = rows / area;
        let full: Vec<usize> = [n, channels].into_iter().chain(image.iter().copied()).collect();
        check_numel(&full, input.dtype())?;
        if input.numel() == 0 {
            return Ok(vec![Tensor::zeros(full, input.dtype())?]);
        }
        // An index for each element of each window, in images with their borders.
        let framed: Vec<usize> = axes.iter().map(|axis| axis.begin + axis.input + axis.end).collect();
        let pixels = product(framed.iter().copied(), "the images")?;
        check_numel(&[n, channels, pixels], input.dtype())?;
        let mut index = Tensor::zeros([1, 1], DType::I64)?;
        for (axis, (&windows, &frame)) in axes.iter().zip(windows.iter().zip(&framed)) {
            let steps =
                |count: usize, step: usize| Tensor::arange(0i64, count as i64, 1i64, DType::I64)?.mul(step as i64);
            let inner = steps(axis.kernel, axis.dilation)?.reshape(&[1, -1, 1, 1])?;
            let outer = steps(windows, axis.stride)?.reshape(&[1, 1, 1, -1])?;
            let so_far = index.mul(frame as i64)?.unsqueeze(1)?.unsqueeze(3)?;
            let (k, l) = (index.shape()[0] * axis.kernel, index.shape()[1] * windows);
            index = so_far.add(&inner)?.add(&outer)?.reshape(&[k as isize, l as isize])?;
        }
        let planes = input.reshape(&signed(&[n * channels, area * count]))?;
        let sums = Tensor::zeros([n * channels, pixels], input.dtype())?;
        let sums = sums.index_add(1, &index.reshape(&[-1])?, &planes, 1i64)?;
        let mut images = sums.reshape(&signed(&[&[n, channels], &framed[..]].concat()))?;
        for (dim, axis) in axes.iter().enumerate() {
            let (start, end) = (axis.begin as isize, (axis.begin + axis.input) as isize);
            images = images.slice(dim as isize + 2, Some(start), Some(end), 1)?;
        }
        Ok(vec![images.contiguous()?])
    }
}

/// Convolution of images `(N, C, H, W)` whose windows' elements lie where the input says, between
/// pixels if need be (J. Dai et al., "Deformable convolutional networks", 2017). Inputs: `X`; `W`
/// `(M, C / groups, kH, kW)`; offsets `(N, offset groups · kH · kW · 2, H', W')`; and, which may be
/// absent, `B` `(M)` and factors `(N, offset groups · kH · kW, H', W')`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeformConv {
    /// Strides, dilations, border.
    pub window: Window,
    /// Shares of the channels that do not see each other.
    pub groups: i64,
    /// Shares of the channels that have offsets of their own.
    pub offset_groups: i64,
    /// The size of the kernel, if it is to be checked against that of the weight.
    pub kernel_shape: Vec<i64>,
}

impl Compute for DeformConv {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let (input, weight, offset) = (inputs.get(0, "X")?, inputs.get(1, "W")?, inputs.get(2, "offset")?);
        let (shape, weight_shape) = (input.shape(), weight.shape());
        let misfit = || {
            Error::shape(format!(
                "images {shape}, weights {weight_shape} and offsets {} with {} groups and {} groups of offsets do not \
                 fit each other",
                offset.shape(),
                self.groups,
                self.offset_groups
            ))
        };
        let (&[n, c, h, w], &[m, of_group, kh, kw]) = (&shape[..], &weight_shape[..]) else { return Err(misfit()) };
        let (groups, shares) = (size(self.groups.into(), "a group")?, size(self.offset_groups.into(), "a group")?);
        let divides = |count: usize, by: usize| by > 0 && count.is_multiple_of(by);
        let named = self.kernel_shape.is_empty() || self.kernel_shape == [kh as i64, kw as i64];
        if !named || !divides(c, groups) || c / groups != of_group || !divides(m, groups) || !divides(c, shares) {
            return Err(misfit());
        }
        let axes = self.window.axes(&[h, w], &[kh, kw])?;
        let (rows, columns) = (axes[0].outputs(false)?, axes[1].outputs(false)?);
        let taps = product([kh, kw].into_iter(), "a window")?;
        let moved = product([shares, taps, 2].into_iter(), "the offsets")?;
        if offset.shape() != [n, moved, rows, columns] {
            return Err(misfit());
        }
        check_numel(&[n, c, taps, rows, columns], DType::F64)?;
        if [n, c, m, h, w, taps].contains(&0) {
            return Err(misfit());
        }

        // Where the elements lie without offsets: (taps, rows, columns) for each axis, in pixels.
        // In double precision: coordinates of a grid are fractions, and a pixel should stay a pixel.
        let offsets = offset.to_dtype(DType::F64)?.reshape(&signed(&[n * shares, taps, 2, rows, columns]))?;
        let steps = |count: usize, step: usize| Tensor::arange(0i64, count as i64, 1i64, DType::I64)?.mul(step as i64);
        let points = |at: usize, tap: [isize; 4], place: [isize; 4], sides: [usize; 2]| -> Result<Tensor> {
            let axis = &axes[at];
            let inner = steps(axis.kernel, axis.dilation)?.reshape(&tap)?;
            let outer = steps(sides[at], axis.stride)?.sub(axis.begin as i64)?.reshape(&place)?;
            let fixed = Tensor::zeros([kh, kw, rows, columns], DType::I64)?.add(&inner)?.add(&outer)?;
            let fixed = fixed.reshape(&signed(&[taps, rows, columns]))?;
            // The grid's coordinates: -1 and 1 are the outer edges of the first and of the last pixel.
            let pixels = offsets.select(2, at as isize)?.add(&fixed)?;
            pixels.mul(2.0)?.add(1.0)?.div(axis.input as f64)?.sub(1.0)
        };
        let y = points(0, [-1, 1, 1, 1], [1, 1, -1, 1], [rows, columns])?;
        let x = points(1, [1, -1, 1, 1], [1, 1, 1, -1], [rows, columns])?;
        let flat = signed(&[n * shares, taps * rows, columns]);
        let grid = stack(&[&x.reshape(&flat)?, &y.reshape(&flat)?], -1)?;
        let options = GridOptions { mode: GridMode::Bilinear, padding: PadMode::Zeros, align_corners: false };
        let planes = input.to_dtype(DType::F64)?.reshape(&signed(&[n * shares, c / shares, h, w]))?;
        let mut elements = planes.grid_sampler(&grid, options)?.to_dtype(input.dtype())?;
        if let Some(factors) = inputs.optional(4) {
            if factors.shape() != [n, shares * taps, rows, columns] {
                return Err(Error::shape(format!("factors of shape {} do not fit the offsets", factors.shape())));
            }
            elements = elements.mul(&factors.reshape(&signed(&[n * shares, 1, taps * rows, columns]))?)?;
        }
        let elements = elements.reshape(&signed(&[n, groups, of_group * taps, rows * columns]))?;
        let weight = weight.reshape(&signed(&[groups, m / groups, of_group * taps]))?;
        let mut result = weight.matmul(&elements)?.reshape(&signed(&[n, m, rows, columns]))?;
        if let Some(bias) = inputs.optional(3) {
            result = result.add(&bias.reshape(&[-1, 1, 1])?)?;
        }
        Ok(vec![result])
    }
}
