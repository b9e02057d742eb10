//! Separable linear maps of the last dimensions: what pooling by averages, resizing, padding by
//! pixels and sliding windows have in common.

use crate::ops::linear_map::{Direction, LinearMap};
use crate::{DType, Error, Layout, MemoryFormat, Result, Shape, Tensor};
use flambeau_kernels::resample::AxisMap;
use std::sync::OnceLock;

/// The shape with other spatial sizes.
pub(crate) fn with_spatial(shape: &Shape, spatial: &[usize]) -> Shape {
    let lead = shape.len() - spatial.len();
    shape[..lead].iter().chain(spatial).copied().collect()
}

/// The format that pooling and resampling give their results: the input's, if it is one. Without a
/// batch there is none but the contiguous one, even where the strides look like another.
pub(crate) fn output_format(layout: &Layout, spatial: usize) -> MemoryFormat {
    if layout.ndim() == spatial + 2 { layout.suggested_format() } else { MemoryFormat::Contiguous }
}

/// One direction of the map, not recorded.
pub(crate) fn mapped(
    operand: &Tensor,
    shape: &Shape,
    format: MemoryFormat,
    maps: &[AxisMap; 3],
    spatial: usize,
) -> Result<Tensor> {
    if operand.numel() == 0 {
        return Tensor::zeros(shape, operand.dtype());
    }
    let result = Tensor::empty_in_format(shape, operand.dtype(), format)?;
    if result.numel() != 0 {
        operand.backend().resample(spatial, maps, &operand.array(), &result.array())?;
    }
    Ok(result)
}

/// Runs a separable linear map of the last `spatial` dimensions of floats and records it.
pub(crate) fn resample(
    name: &'static str,
    input: &Tensor,
    format: MemoryFormat,
    maps: [AxisMap; 3],
    spatial: usize,
) -> Result<Tensor> {
    let from = input.shape();
    let sizes: Vec<usize> = maps[3 - spatial..].iter().map(AxisMap::outputs).collect();
    let to = with_spatial(&from, &sizes);
    let adjoint = OnceLock::new();
    LinearMap::new(name, move |operand, direction| match direction {
        Direction::Forward => mapped(operand, &to, format, &maps, spatial),
        Direction::Adjoint => {
            let maps = adjoint.get_or_init(|| maps.each_ref().map(AxisMap::transposed));
            mapped(operand, &from, format, maps, spatial)
        }
    })
    .apply(input)
}

/// [`resample`] to sizes that the user asked for. The maps are made once it is known that there is
/// memory for the result and for them (`taps` entries for each output of an axis), and not at all
/// for an empty one.
pub(crate) fn resample_to(
    name: &'static str,
    input: &Tensor,
    format: MemoryFormat,
    sizes: &[usize],
    taps: usize,
    maps: impl FnOnce() -> [AxisMap; 3],
) -> Result<Tensor> {
    let (from, to) = (input.shape(), with_spatial(&input.shape(), sizes));
    if to.checked_numel()? == 0 || input.numel() == 0 {
        return LinearMap::new(name, move |operand, direction| {
            Tensor::zeros(if direction == Direction::Forward { &to } else { &from }, operand.dtype())
        })
        .apply(input);
    }
    affordable(&to, input.dtype(), sizes, taps)?;
    resample(name, input, format, maps(), sizes.len())
}

/// Whether there is memory for a result and the maps that lead to it.
pub(crate) fn affordable(shape: &Shape, dtype: DType, sizes: &[usize], taps: usize) -> Result<()> {
    Tensor::empty(shape, dtype)?;
    // A list for each output, its entries while they are gathered, and the entries of the map and of
    // its adjoint.
    let each = size_of::<Vec<(usize, f64)>>() + 4 * taps.max(1) * size_of::<(usize, f64)>();
    let bytes = sizes.iter().map(|&size| size as u128 * each as u128).sum::<u128>();
    let reserved = usize::try_from(bytes).is_ok_and(|bytes| Vec::<u8>::new().try_reserve_exact(bytes).is_ok());
    if reserved { Ok(()) } else { Err(Error::memory(format!("not enough memory to map to sizes {shape}"))) }
}

/// The maps of depth, height and width, given those of the last dimensions.
pub(crate) fn padded_maps(maps: Vec<AxisMap>) -> [AxisMap; 3] {
    let mut all = [const { None }; 3];
    let first = 3 - maps.len();
    for (slot, map) in all[first..].iter_mut().zip(maps) {
        *slot = Some(map);
    }
    all.map(|map| map.unwrap_or_else(|| AxisMap::identity(1)))
}
