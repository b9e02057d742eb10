//! Resizing images of bytes, in the fixed-point arithmetic that PyTorch has from Pillow: weights of
//! 15 bits and a sign, one axis after the other from the last, each rounded to bytes.

use super::axis::{Axis, Resize};
use crate::autograd::no_grad;
use crate::ops::resample::{affordable, mapped, with_spatial};
use crate::{DType, MemoryFormat, Result, Scalar, Tensor};
use flambeau_kernels::resample::AxisMap;

/// The entries of all outputs of an axis as integers, and the power of two that they are multiples
/// of.
fn fixed_point(axis: &Axis, how: Resize) -> (AxisMap, f64) {
    let outputs: Vec<Vec<(usize, f64)>> = axis.outputs(how).map(merged).collect();
    let largest = outputs.iter().flatten().map(|&(_, w)| w).fold(0.0, f64::max);
    let bits = (0..22).find(|bits| (0.5 + largest * f64::from(1 << (bits + 1))).trunc() >= 32768.0).unwrap_or(22);
    let unit = f64::from(1 << bits);
    let integers = |entries: Vec<(usize, f64)>| {
        entries.into_iter().map(|(i, w)| (i, (w * unit + 0.5f64.copysign(w)).trunc())).collect()
    };
    (AxisMap::new(axis.input, outputs.into_iter().map(integers).collect::<Vec<_>>()), unit)
}

/// One entry for each pixel: beyond the border it is the same pixel again.
fn merged(entries: Vec<(usize, f64)>) -> Vec<(usize, f64)> {
    let mut result: Vec<(usize, f64)> = Vec::with_capacity(entries.len());
    for (i, w) in entries {
        match result.last_mut() {
            Some((last, sum)) if *last == i => *sum += w,
            _ => result.push((i, w)),
        }
    }
    result
}

/// The resized image. The input and its axes have been checked.
pub(super) fn resized(input: &Tensor, how: Resize, axes: &[Axis], format: MemoryFormat) -> Result<Tensor> {
    let n = axes.len();
    let nearest = matches!(how, Resize::Nearest | Resize::NearestExact);
    let axes: Vec<Axis> = axes.iter().map(|&axis| Axis { double: !nearest, ..axis }).collect();
    let sizes: Vec<usize> = axes.iter().map(|axis| axis.output).collect();
    let to = with_spatial(&input.shape(), &sizes);
    if to.checked_numel()? == 0 {
        return Tensor::empty(&to, DType::U8);
    }
    let taps = axes.iter().map(|axis| axis.taps(how)).max().unwrap_or(1);
    affordable(&to, DType::F64, &sizes, taps)?;
    no_grad(|| {
        let mut image = input.to_dtype(if nearest { DType::F32 } else { DType::F64 })?;
        for (i, axis) in axes.iter().enumerate().rev() {
            let mut maps: [AxisMap; 3] = std::array::from_fn(|d| match (d + n).checked_sub(3) {
                Some(d) => AxisMap::identity(image.shape()[2 + d]),
                None => AxisMap::identity(1),
            });
            let (map, unit) = if nearest { (axis.map(how), 1.0) } else { fixed_point(axis, how) };
            maps[3 - n + i] = map;
            let mut shape = image.shape().to_vec();
            shape[2 + i] = axis.output;
            image = mapped(&image, &shape.into(), format, &maps, n)?;
            if !nearest {
                let (low, high) = (Scalar::Float(0.0), Scalar::Float(255.0));
                image =
                    image.add((unit / 2.0).floor())?.div(unit)?.floor()?.clamp(Some(low.into()), Some(high.into()))?;
            }
        }
        image.to_dtype(DType::U8)?.contiguous_in(format)
    })
}
