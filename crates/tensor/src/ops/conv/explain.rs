//! A convolution's sizes and plans, without the convolution.

use super::check::{self, Rank};
use super::{ConvolutionOptions, Padding};
use crate::autograd::is_grad_enabled;
use crate::{DType, Error, MemoryFormat, Result, Tensor};
use flambeau_kernels::conv::planner::{Pass, Problem};
use flambeau_kernels::conv::{self, Description, Geometry, ImageLayout};

/// The sizes of a convolution: checked as `conv1d`, `conv2d` or `conv3d` would (the weight says
/// which), computed not at all. Of the tensors only shapes and dtypes matter, so they may be
/// [expanded](Tensor::expand_to) from single numbers.
///
/// # Errors
/// PyTorch's, for shapes, dtypes and options that do not fit each other.
pub fn convolution_geometry(
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    options: &ConvolutionOptions,
) -> Result<Geometry> {
    if matches!(options.padding, Padding::Zeros(_)) {
        check::bias_dtype(input, bias)?;
    }
    let rank = match weight.ndim() {
        3 => Some(Rank { name: "conv1d", spatial: 1 }),
        4 => Some(Rank { name: "conv2d", spatial: 2 }),
        5 => Some(Rank { name: "conv3d", spatial: 3 }),
        _ => None,
    };
    let unbatched = rank.map(|rank| rank.is_unbatched(input)).transpose()?;
    let batched = if unbatched == Some(true) { input.unsqueeze(0)? } else { input.clone() };
    let geometry = check::plan(&batched, weight, bias, options, false)?.geometry;
    if weight.ndim() > 5 {
        return Err(Error::not_implemented(format!("a convolution of {} dimensions", weight.ndim() - 2)));
    }
    Ok(geometry)
}

/// How the passes of a convolution of these tensors would be done, here and now.
///
/// 16-bit floats are convolved in float32, and described so.
///
/// # Errors
/// PyTorch's, for shapes, dtypes and options that do not fit each other; and for integers, which
/// have no plans: they are convolved by the definition.
pub fn explain_convolution(
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    options: &ConvolutionOptions,
    passes: &[Pass],
) -> Result<Vec<Description>> {
    let geometry = convolution_geometry(input, weight, bias, options)?;
    let channels_last = |tensor: &Tensor| {
        matches!(tensor.suggested_format(), MemoryFormat::ChannelsLast | MemoryFormat::ChannelsLast3d)
    };
    let layout = |pass| match pass {
        // As the passes choose the order of their images.
        Pass::WeightGradient if channels_last(input) => ImageLayout::ChannelsLast,
        Pass::Forward | Pass::DataGradient if channels_last(input) || channels_last(weight) => {
            ImageLayout::ChannelsLast
        }
        _ => ImageLayout::ChannelsFirst,
    };
    // As the passes judge it: the gradient's is computed for a weight that is being learnt.
    let stays = |pass| match pass {
        Pass::Forward => !(is_grad_enabled() && weight.requires_grad()),
        Pass::DataGradient => !weight.requires_grad(),
        Pass::WeightGradient => false,
    };
    let describe = |&pass: &Pass| {
        let mut problem = Problem::new(&geometry, layout(pass), pass);
        if stays(pass) {
            problem = problem.with_constant_weight();
        }
        let mut description = match input.dtype() {
            DType::F64 => conv::plan::<f64>(problem).describe(),
            DType::F32 | DType::BF16 | DType::F16 => conv::plan::<f32>(problem).describe(),
            other => {
                return Err(Error::not_implemented(format!(
                    "convolutions of {} have no plans: they are computed by the definition",
                    other.name()
                )));
            }
        };
        description.spatial = weight.ndim() - 2;
        Ok(description)
    };
    passes.iter().map(describe).collect()
}
