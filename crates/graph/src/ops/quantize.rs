//! Real numbers as small integers: `q = saturate(round(x / scale) + zero_point)`.

use crate::compute::{Compute, Inputs, axis};
use flambeau_tensor::{DType, Error, Result, Tensor};

/// A vector that goes along one axis of a tensor of `ndim` dimensions; a single number stays what
/// it is, and so does what already has as many dimensions.
pub(super) fn per_axis(vector: &Tensor, axis: usize, ndim: usize) -> Result<Tensor> {
    if vector.numel() == 1 {
        return vector.reshape(&[]);
    }
    if vector.ndim() != 1 || axis >= ndim {
        return Ok(vector.clone());
    }
    let mut shape = vec![1; ndim];
    shape[axis] = -1;
    vector.reshape(&shape)
}

/// The range of an integer type.
fn range(dtype: DType) -> Result<(f64, f64)> {
    Ok(match dtype {
        DType::U8 => (0.0, 255.0),
        DType::I8 => (-128.0, 127.0),
        DType::I16 => (-32768.0, 32767.0),
        DType::I32 => (i32::MIN.into(), i32::MAX.into()),
        _ => return Err(Error::dtype(format!("numbers cannot be quantised to {dtype}"))),
    })
}

/// Quantises to the zero point's dtype. Scale and zero point broadcast.
pub(super) fn quantized(real: &Tensor, scale: &Tensor, zero_point: &Tensor) -> Result<Tensor> {
    let (low, high) = range(zero_point.dtype())?;
    let scale = if scale.numel() == 1 { scale.reshape(&[])? } else { scale.clone() };
    let zero = if zero_point.numel() == 1 { zero_point.reshape(&[])? } else { zero_point.clone() };
    let steps = real.div(&scale)?.round()?.add(&zero.to_dtype(real.dtype())?)?;
    steps.clamp(Some(low.into()), Some(high.into()))?.to_dtype(zero_point.dtype())
}

/// A scale or zero point for a tensor: one number, one for each index along an axis, or one for
/// each block of `block_size` indices.
fn spread(parameter: &Tensor, of: &Tensor, along: i64, block_size: i64) -> Result<Tensor> {
    if parameter.numel() == 1 && block_size == 0 {
        return parameter.reshape(&[]);
    }
    let along = axis(along, of.ndim())?;
    if block_size > 0 {
        if parameter.ndim() != of.ndim() {
            return Err(Error::shape(format!(
                "blocks of a tensor of shape {} have scales of as many dimensions, but got {}",
                of.shape(),
                parameter.shape()
            )));
        }
        // Each block's number, for each of its elements.
        let size = of.shape()[along];
        let index = Tensor::arange(0i64, size as i64, 1i64, DType::I64)?;
        let index = index.div_rounded(block_size, Some(flambeau_tensor::ops::RoundingMode::Floor))?;
        return parameter.index_select(along as isize, &index);
    }
    per_axis(parameter, along, of.ndim())
}

/// Floats as small integers. Inputs: `x`, `y_scale`, `y_zero_point` (may be absent).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuantizeLinear {
    /// The axis of scales that are a vector.
    pub axis: i64,
    /// How many elements along the axis share a scale, if scales are for blocks; else 0.
    pub block_size: i64,
    /// The dtype of the result, if there is no zero point.
    pub output_dtype: DType,
}

impl Compute for QuantizeLinear {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let (x, scale) = (inputs.get(0, "x")?, inputs.get(1, "y_scale")?);
        // Division in float32, as the definition has it, whatever the dtypes.
        let real = if x.dtype() == DType::F64 { x.clone() } else { x.to_dtype(DType::F32)? };
        let scale = spread(&scale.to_dtype(real.dtype())?, x, self.axis, self.block_size)?;
        let zero_point = match inputs.optional(2) {
            Some(zero_point) => spread(zero_point, x, self.axis, self.block_size)?,
            None => Tensor::zeros([], self.output_dtype)?,
        };
        Ok(vec![quantized(&real, &scale, &zero_point)?])
    }
}

/// Small integers as floats. Inputs: `x`, `x_scale`, `x_zero_point` (may be absent).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DequantizeLinear {
    /// The axis of scales that are a vector.
    pub axis: i64,
    /// How many elements along the axis share a scale, if scales are for blocks; else 0.
    pub block_size: i64,
}

impl Compute for DequantizeLinear {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let (x, given) = (inputs.get(0, "x")?, inputs.get(1, "x_scale")?);
        let scale = spread(&given.to_dtype(DType::F32)?, x, self.axis, self.block_size)?;
        // Differences of small integers are exact in int32.
        let mut steps = x.to_dtype(DType::I32)?;
        if let Some(zero_point) = inputs.optional(2) {
            steps = steps.sub(&spread(&zero_point.to_dtype(DType::I32)?, x, self.axis, self.block_size)?)?;
        }
        Ok(vec![steps.to_dtype(DType::F32)?.mul(&scale)?.to_dtype(given.dtype())?])
    }
}

/// Floats as bytes, with the scale and the zero point that just cover them and zero; these are the
/// second and third results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DynamicQuantizeLinear;

impl Compute for DynamicQuantizeLinear {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let x = inputs.get(0, "x")?;
        let (low, high) = (x.min()?.clamp_max(0.0)?, x.max()?.clamp_min(0.0)?);
        let scale = high.sub(&low)?.div(255.0)?;
        let scale = scale.masked_fill(&scale.eq(0)?, 1.0)?;
        let zero_point = low.neg()?.div(&scale)?.round()?.clamp(Some(0.0.into()), Some(255.0.into()))?;
        let zero_point = zero_point.to_dtype(DType::U8)?;
        Ok(vec![quantized(x, &scale, &zero_point)?, scale, zero_point])
    }
}
