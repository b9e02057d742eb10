//! Images, or any axes, of another size.
//!
//! Each output of a resized axis is a weighted sum of a few elements. They are found in float64,
//! once for each axis, and axes are resized one after another. The cases that PyTorch has an
//! operator for go to that one.

use crate::compute::{Compute, Inputs, axes, check_numel, numbers, size};
use flambeau_tensor::ops::{Resize as Fused, ResizeTarget, where_};
use flambeau_tensor::{DType, Error, Result, Tensor};

/// What is found between elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interpolation {
    /// The nearest element.
    Nearest,
    /// A straight line.
    Linear,
    /// Keys' cubic convolution (1981).
    Cubic,
}

/// Which place in the input an output comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coordinates {
    /// Outer edges keep their places.
    HalfPixel,
    /// The same around the image's centre, if the size was rounded.
    HalfPixelSymmetric,
    /// The same, but a single output comes from the first element.
    PytorchHalfPixel,
    /// The centres of the outermost elements keep their places.
    AlignCorners,
    /// The centre of the first element keeps its place.
    Asymmetric,
    /// As outer edges, but without half an element's offset.
    TfHalfPixelForNn,
    /// A part of the image, in shares of its size.
    TfCropAndResize,
}

/// Which element is the nearest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NearestRounding {
    /// Of two at the same distance the first.
    PreferFloor,
    /// Of two at the same distance the second.
    PreferCeil,
    /// The one before.
    Floor,
    /// The one after.
    Ceil,
}

/// What sizes mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AspectPolicy {
    /// The result has them.
    Stretch,
    /// The largest result of the same aspect that fits in them.
    NotLarger,
    /// The smallest result of the same aspect that they fit in.
    NotSmaller,
}

/// Resizes. Inputs: `X`, `roi` (for `TfCropAndResize`), `scales` or `sizes`.
#[derive(Clone, Debug, PartialEq)]
pub struct Resize {
    /// What is found between elements.
    pub interpolation: Interpolation,
    /// Which place an output comes from.
    pub coordinates: Coordinates,
    /// Which element is the nearest.
    pub rounding: NearestRounding,
    /// The cubic's parameter.
    pub cubic_coeff_a: f64,
    /// Whether to widen the filter where the image shrinks.
    pub antialias: bool,
    /// Whether elements beyond the border have no weight; else the outermost ones continue there.
    pub exclude_outside: bool,
    /// What is beyond the border, for `TfCropAndResize`.
    pub extrapolation_value: f64,
    /// What sizes mean.
    pub policy: AspectPolicy,
    /// The axes that scales and sizes are about; all if absent.
    pub axes: Option<Vec<i64>>,
}

impl Resize {
    /// What is by default: the nearest element, half a pixel's offset.
    pub fn new(interpolation: Interpolation) -> Self {
        Resize {
            interpolation,
            coordinates: Coordinates::HalfPixel,
            rounding: NearestRounding::PreferFloor,
            cubic_coeff_a: -0.75,
            antialias: false,
            exclude_outside: false,
            extrapolation_value: 0.0,
            policy: AspectPolicy::Stretch,
            axes: None,
        }
    }
}

/// One axis to be resized.
#[derive(Clone, Copy, Debug)]
struct Axis {
    dim: usize,
    input: usize,
    output: usize,
    scale: f64,
    /// The part of the axis that is shown, in shares.
    roi: (f64, f64),
}

/// Elements and their weights.
type Taps = Vec<(i64, f64)>;

/// Keys' cubic at a distance.
fn cubic(x: f64, a: f64) -> f64 {
    let x = x.abs();
    if x <= 1.0 {
        ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * a
    } else {
        0.0
    }
}

impl Resize {
    /// Where output `o` comes from.
    fn place(&self, axis: &Axis, o: usize) -> f64 {
        let (o, n) = (o as f64, axis.input as f64);
        // The size before it was rounded.
        let exact = axis.scale * n;
        match self.coordinates {
            Coordinates::HalfPixel => (o + 0.5) / axis.scale - 0.5,
            Coordinates::PytorchHalfPixel if axis.output <= 1 => -0.5,
            Coordinates::PytorchHalfPixel => (o + 0.5) / axis.scale - 0.5,
            Coordinates::HalfPixelSymmetric => {
                n / 2.0 * (1.0 - axis.output as f64 / exact) + (o + 0.5) / axis.scale - 0.5
            }
            Coordinates::AlignCorners if axis.output <= 1 || exact == 1.0 => 0.0,
            Coordinates::AlignCorners => o * (n - 1.0) / (exact - 1.0),
            Coordinates::Asymmetric => o / axis.scale,
            Coordinates::TfHalfPixelForNn => (o + 0.5) / axis.scale,
            Coordinates::TfCropAndResize => {
                let (start, end) = axis.roi;
                let within = if axis.output <= 1 {
                    (end - start) * (n - 1.0) / 2.0
                } else {
                    o * (end - start) * (n - 1.0) / (exact - 1.0)
                };
                start * (n - 1.0) + within
            }
        }
    }

    /// The elements around a place. Their indices may lie beyond the border.
    fn taps(&self, axis: &Axis, at: f64) -> Taps {
        let low = at.floor();
        let shrink = if self.antialias { axis.scale.min(1.0) } else { 1.0 };
        let filtered = |radius: f64, filter: &dyn Fn(f64) -> f64| {
            let reach = radius / shrink;
            // Beyond the border, elements are counted once for each place where they would be.
            let (first, last) = ((at - reach).ceil() as i64, (at + reach).floor() as i64);
            let mut taps: Taps = (first..=last).map(|i| (i, filter((i as f64 - at) * shrink))).collect();
            let total: f64 = taps.iter().map(|&(_, weight)| weight).sum();
            if shrink != 1.0 && total != 0.0 {
                taps.iter_mut().for_each(|(_, weight)| *weight /= total);
            }
            taps
        };
        match self.interpolation {
            Interpolation::Nearest => {
                let nearest = match self.rounding {
                    NearestRounding::PreferFloor => (at - 0.5).ceil(),
                    NearestRounding::PreferCeil => (at + 0.5).floor(),
                    NearestRounding::Floor => low,
                    NearestRounding::Ceil => at.ceil(),
                };
                vec![(nearest as i64, 1.0)]
            }
            Interpolation::Linear if shrink == 1.0 => vec![(low as i64, 1.0 - (at - low)), (low as i64 + 1, at - low)],
            Interpolation::Linear => filtered(1.0, &|x| (1.0 - x.abs()).max(0.0)),
            Interpolation::Cubic => filtered(2.0, &|x| cubic(x, self.cubic_coeff_a)),
        }
    }

    /// Resizes one axis.
    fn along(&self, x: &Tensor, axis: &Axis) -> Result<Tensor> {
        // What is known about each output takes more than the output itself.
        flambeau_tensor::memory::check(axis.output.saturating_mul(size_of::<Taps>() + size_of::<(i64, f64)>() * 4))?;
        let last = axis.input as i64 - 1;
        let places: Vec<f64> = (0..axis.output).map(|o| self.place(axis, o)).collect();
        let outside = |at: f64| self.coordinates == Coordinates::TfCropAndResize && !(0.0..=last as f64).contains(&at);
        // A place is bounded by what any element can be reached from, so that it fits an integer.
        let bounded = |at: f64| if at.is_nan() { 0.0 } else { at.clamp(-1e15, 1e15) };
        let mut taps: Vec<Taps> = places.iter().map(|&at| self.taps(axis, bounded(at))).collect();
        for list in &mut taps {
            if self.exclude_outside {
                list.iter_mut().filter(|(i, _)| !(0..=last).contains(i)).for_each(|(_, weight)| *weight = 0.0);
                let total: f64 = list.iter().map(|&(_, weight)| weight).sum();
                if total != 0.0 {
                    list.iter_mut().for_each(|(_, weight)| *weight /= total);
                }
            }
            list.iter_mut().for_each(|(i, _)| *i = (*i).clamp(0, last));
        }
        let dim = axis.dim as isize;
        let mut along = vec![1; x.ndim()];
        along[axis.dim] = axis.output;
        let rank = taps.iter().map(Vec::len).max().unwrap_or(1);
        let mut result: Option<Tensor> = None;
        for k in 0..rank {
            let nth: Taps = taps.iter().map(|list| list.get(k).copied().unwrap_or((0, 0.0))).collect();
            let index: Vec<i64> = nth.iter().map(|&(i, _)| i).collect();
            let part = x.index_select(dim, &Tensor::from_slice(&index, [index.len()])?)?;
            if self.interpolation == Interpolation::Nearest {
                result = Some(part);
                continue;
            }
            let weights: Vec<f64> = nth.iter().map(|&(_, weight)| weight).collect();
            let part = part.mul(&Tensor::from_slice(&weights, along.clone())?.to_dtype(x.dtype())?)?;
            result = Some(match result {
                Some(sum) => sum.add(&part)?,
                None => part,
            });
        }
        let result = result.map_or_else(|| Ok(x.clone()), Ok::<_, Error>)?;
        let mask: Vec<u8> = places.iter().map(|&at| u8::from(outside(at))).collect();
        if mask.contains(&1) {
            let mask = Tensor::from_slice(&mask, along)?.to_dtype(DType::Bool)?;
            return where_(&mask, self.extrapolation_value, &result)?.to_dtype(x.dtype());
        }
        Ok(result)
    }

    /// The axes that change, from scales or sizes.
    fn axes(&self, x: &Tensor, inputs: &Inputs<'_>) -> Result<Vec<Axis>> {
        let shape = x.shape();
        let dims = match &self.axes {
            Some(given) => axes(given, shape.len())?,
            None => (0..shape.len()).collect(),
        };
        let list = |index, name: &str| -> Result<Option<Vec<f64>>> {
            match inputs.optional(index) {
                // An empty list stands for an absent one.
                Some(tensor) if tensor.numel() > 0 => Ok(Some(numbers(tensor, name)?)),
                _ => Ok(None),
            }
        };
        let check = |name: &str, list: &[f64], n: usize| {
            if list.len() != n || !list.iter().all(|v| v.is_finite()) {
                return Err(Error::value(format!("{name} should be {n} numbers, but got {list:?}")));
            }
            Ok(())
        };
        let roi = list(1, "roi")?.filter(|_| self.coordinates == Coordinates::TfCropAndResize);
        if let Some(roi) = &roi {
            check("roi", roi, 2 * dims.len())?;
        } else if self.coordinates == Coordinates::TfCropAndResize {
            return Err(Error::value("input 1 (roi) is missing"));
        }
        let (scales, sizes) = (list(2, "scales")?, list(3, "sizes")?);
        let targets: Vec<(f64, i128)> = match (scales, sizes) {
            (Some(scales), _) => {
                check("scales", &scales, dims.len())?;
                if let Some(bad) = scales.iter().find(|&&s| s <= 0.0) {
                    return Err(Error::value(format!("scales should be positive, but got {bad}")));
                }
                scales.iter().zip(&dims).map(|(&s, &d)| (s, (s * shape[d] as f64).floor() as i128)).collect()
            }
            (None, Some(sizes)) => {
                check("sizes", &sizes, dims.len())?;
                let ratios: Vec<f64> = sizes.iter().zip(&dims).map(|(&n, &d)| n / shape[d] as f64).collect();
                let common = match self.policy {
                    AspectPolicy::Stretch => None,
                    AspectPolicy::NotLarger => ratios.iter().copied().reduce(f64::min),
                    AspectPolicy::NotSmaller => ratios.iter().copied().reduce(f64::max),
                };
                let target = |((&n, &ratio), &d): ((&f64, &f64), &usize)| match common {
                    Some(scale) => (scale, (scale * shape[d] as f64 + 0.5).floor() as i128),
                    None => (ratio, n as i128),
                };
                sizes.iter().zip(&ratios).zip(&dims).map(target).collect()
            }
            (None, None) => return Err(Error::value("neither scales nor sizes are given")),
        };
        let n = dims.len();
        let axis = |(i, (&dim, &(scale, output))): (usize, (&usize, &(f64, i128)))| {
            let roi = roi.as_ref().map_or((0.0, 1.0), |roi| (roi[i], roi[n + i]));
            Ok(Axis { dim, input: shape[dim], output: size(output, "a resized axis")?, scale, roi })
        };
        let all = dims.iter().zip(&targets).enumerate().map(axis).collect::<Result<Vec<_>>>()?;
        Ok(all.into_iter().filter(|a| a.output != a.input || a.scale != 1.0 || a.roi != (0.0, 1.0)).collect())
    }

    /// The tensor library's operator that does the same, with its argument `align_corners`.
    fn fused(&self, x: &Tensor, axes: &[Axis]) -> Option<(Fused, bool)> {
        let images = (3..=5).contains(&x.ndim()) && axes.iter().all(|a| a.dim >= 2 && a.output > 1);
        if !images || x.shape().contains(&0) || self.antialias || self.exclude_outside {
            return None;
        }
        let exact = axes.iter().all(|a| a.scale * a.input as f64 == a.output as f64);
        match (self.interpolation, self.coordinates) {
            (Interpolation::Linear, Coordinates::HalfPixel | Coordinates::PytorchHalfPixel) => {
                Some((Fused::Linear, false))
            }
            (Interpolation::Linear, Coordinates::AlignCorners) if exact => Some((Fused::Linear, true)),
            // For whole factors, the pixel before and the nearest one are the same.
            (Interpolation::Nearest, Coordinates::Asymmetric)
                if self.rounding == NearestRounding::Floor && exact && axes.iter().all(|a| a.scale.fract() == 0.0) =>
            {
                Some((Fused::Nearest, false))
            }
            _ => None,
        }
    }
}

impl Compute for Resize {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let x = inputs.get(0, "X")?;
        if self.antialias && self.interpolation == Interpolation::Nearest {
            return Err(Error::value("there is no antialiased nearest element"));
        }
        let axes = self.axes(x, inputs)?;
        let mut shape = x.shape().to_vec();
        for axis in &axes {
            if axis.input == 0 && axis.output > 0 {
                return Err(Error::shape(format!("axis {} of shape {} is empty and cannot grow", axis.dim, x.shape())));
            }
            shape[axis.dim] = axis.output;
        }
        check_numel(&shape, x.dtype())?;
        let dtype = x.dtype();
        let exact = self.interpolation == Interpolation::Nearest || matches!(dtype, DType::F32 | DType::F64);
        let mut result = if exact { x.clone() } else { x.to_dtype(DType::F32)? };
        if axes.is_empty() || shape.contains(&0) {
            return Ok(vec![if axes.is_empty() { x.clone() } else { Tensor::zeros(shape, dtype)? }]);
        }
        if let Some((how, align_corners)) = self.fused(&result, &axes).filter(|_| result.dtype().is_floating_point()) {
            let of = |d: usize| axes.iter().find(|a| a.dim == d);
            let sizes = (2..shape.len()).map(|d| shape[d] as isize).collect();
            let scales = (2..shape.len()).map(|d| Some(of(d).map_or(1.0, |a| a.scale))).collect();
            result = result.resize(how, &ResizeTarget::Size(sizes, scales), align_corners)?;
        } else {
            for axis in &axes {
                result = self.along(&result, axis)?;
            }
        }
        if !exact && !dtype.is_floating_point() {
            let (low, high) = match dtype {
                DType::U8 => (0.0, 255.0),
                DType::I8 => (-128.0, 127.0),
                _ => (f64::NEG_INFINITY, f64::INFINITY),
            };
            result = result.round()?.clamp(Some(low.into()), Some(high.into()))?;
        }
        Ok(vec![result.to_dtype(dtype)?])
    }
}
