//! Pooling, normalisation, resizing: what is done to images.

use super::Translation;
use super::linear::window;
use flambeau_graph::ops::{AspectPolicy, Coordinates, Interpolation, NearestRounding};
use flambeau_graph::{Operator, ops};
use flambeau_tensor::ops::{GridMode, GridOptions, PadMode};
use flambeau_tensor::{Error, Result, Tensor};

pub(super) fn translate(t: &mut Translation<'_>) -> Result<Option<Operator>> {
    let a = &t.attributes;
    Ok(Some(match t.op_type {
        "MaxPool" => ops::MaxPool {
            window: window(a)?,
            kernel_shape: a.ints("kernel_shape")?,
            ceil_mode: a.flag("ceil_mode", false)?,
            with_indices: t.outputs > 1,
            column_major: a.flag("storage_order", false)?,
        }
        .into(),
        "MaxUnpool" => ops::MaxUnpool { window: window(a)?, kernel_shape: a.ints("kernel_shape")? }.into(),
        "AveragePool" => ops::AveragePool {
            window: window(a)?,
            kernel_shape: a.ints("kernel_shape")?,
            ceil_mode: a.flag("ceil_mode", false)?,
            count_include_pad: a.flag("count_include_pad", false)?,
        }
        .into(),
        "LpPool" => ops::LpPool {
            window: window(a)?,
            kernel_shape: a.ints("kernel_shape")?,
            ceil_mode: a.flag("ceil_mode", false)?,
            p: a.int("p", 2)?,
        }
        .into(),
        "GlobalAveragePool" => ops::GlobalPool::GlobalAveragePool.into(),
        "GlobalMaxPool" => ops::GlobalPool::GlobalMaxPool.into(),
        "GlobalLpPool" => ops::GlobalPool::GlobalLpPool { p: a.int("p", 2)? }.into(),
        "BatchNormalization" => batch_normalization(t)?,
        "InstanceNormalization" => ops::InstanceNormalization { epsilon: a.float("epsilon", 1e-5)? }.into(),
        "LayerNormalization" => {
            // Statistics are made in float32 at least, as stash_type asks by default.
            a.ignore(&["stash_type"]);
            ops::LayerNormalization { axis: a.int("axis", -1)?, epsilon: a.float("epsilon", 1e-5)? }.into()
        }
        "RMSNormalization" => {
            a.ignore(&["stash_type"]);
            ops::RmsNormalization { axis: a.int("axis", -1)?, epsilon: a.float("epsilon", 1e-5)? }.into()
        }
        "GroupNormalization" => {
            a.ignore(&["stash_type"]);
            ops::GroupNormalization {
                epsilon: a.float("epsilon", 1e-5)?,
                num_groups: a.int("num_groups", 0)?,
                scale_by_group: t.opset < 21,
            }
            .into()
        }
        "LRN" => ops::Lrn {
            size: a.int("size", 0)?,
            alpha: a.float("alpha", 1e-4)?,
            beta: a.float("beta", 0.75)?,
            bias: a.float("bias", 1.0)?,
        }
        .into(),
        "LpNormalization" => ops::LpNormalization { axis: a.int("axis", -1)?, p: a.int("p", 2)? }.into(),
        "MeanVarianceNormalization" => {
            ops::MeanVarianceNormalization { axes: a.optional_ints("axes")?.unwrap_or_else(|| vec![0, 2, 3]) }.into()
        }
        "Resize" => resize(t)?,
        "Upsample" => upsample(t)?,
        "Pad" => {
            let mode = a.choice(
                "mode",
                "constant",
                &[
                    ("constant", ops::PadMode::Constant),
                    ("reflect", ops::PadMode::Reflect),
                    ("edge", ops::PadMode::Edge),
                    ("wrap", ops::PadMode::Wrap),
                ],
            )?;
            if t.opset < 11 {
                let value = a.float("value", 0.0)?;
                t.input_from_ints("pads", 1)?;
                t.set_input(2, "value", Tensor::from_slice(&[value], [])?);
            }
            ops::Pad { mode }.into()
        }
        "GridSample" => {
            let modes = [
                ("bilinear", GridMode::Bilinear),
                ("linear", GridMode::Bilinear),
                ("nearest", GridMode::Nearest),
                ("bicubic", GridMode::Bicubic),
                ("cubic", GridMode::Bicubic),
            ];
            let paddings =
                [("zeros", PadMode::Zeros), ("border", PadMode::Replicate), ("reflection", PadMode::Reflect)];
            ops::GridSample(GridOptions {
                mode: a.choice("mode", "linear", &modes)?,
                padding: a.choice("padding_mode", "zeros", &paddings)?,
                align_corners: a.flag("align_corners", false)?,
            })
            .into()
        }
        "DepthToSpace" | "SpaceToDepth" => {
            let block_size = a.int("blocksize", 0)?;
            let channels_first = a.choice("mode", "DCR", &[("DCR", false), ("CRD", true)])?;
            if t.op_type == "DepthToSpace" {
                ops::BlockShuffle::DepthToSpace { block_size, channels_first }.into()
            } else {
                ops::BlockShuffle::SpaceToDepth { block_size, channels_first }.into()
            }
        }
        _ => return Ok(None),
    }))
}

fn batch_normalization(t: &Translation<'_>) -> Result<Operator> {
    let a = &t.attributes;
    // Before opset 14, asking for statistics was what made it training.
    let training = if t.opset < 14 { t.outputs > 1 } else { a.flag("training_mode", false)? };
    if training && t.opset < 14 {
        return Err(Error::not_implemented(
            "batch normalisation in training, as it was before opset 14, is not supported",
        ));
    }
    if t.opset < 9 && !a.flag("spatial", true)? {
        return Err(Error::not_implemented(
            "batch normalisation of each pixel for itself (spatial = 0) is not supported",
        ));
    }
    Ok(ops::BatchNormalization { epsilon: a.float("epsilon", 1e-5)?, momentum: a.float("momentum", 0.9)?, training }
        .into())
}

const INTERPOLATIONS: [(&str, Interpolation); 5] = [
    ("nearest", Interpolation::Nearest),
    ("linear", Interpolation::Linear),
    ("bilinear", Interpolation::Linear),
    ("trilinear", Interpolation::Linear),
    ("cubic", Interpolation::Cubic),
];

fn resize(t: &mut Translation<'_>) -> Result<Operator> {
    if t.opset < 11 {
        return upsample(t);
    }
    let a = &t.attributes;
    let coordinates = a.choice(
        "coordinate_transformation_mode",
        "half_pixel",
        &[
            ("half_pixel", Coordinates::HalfPixel),
            ("half_pixel_symmetric", Coordinates::HalfPixelSymmetric),
            ("pytorch_half_pixel", Coordinates::PytorchHalfPixel),
            ("align_corners", Coordinates::AlignCorners),
            ("asymmetric", Coordinates::Asymmetric),
            ("tf_half_pixel_for_nn", Coordinates::TfHalfPixelForNn),
            ("tf_crop_and_resize", Coordinates::TfCropAndResize),
        ],
    )?;
    let rounding = a.choice(
        "nearest_mode",
        "round_prefer_floor",
        &[
            ("round_prefer_floor", NearestRounding::PreferFloor),
            ("round_prefer_ceil", NearestRounding::PreferCeil),
            ("floor", NearestRounding::Floor),
            ("ceil", NearestRounding::Ceil),
        ],
    )?;
    let policy = a.choice(
        "keep_aspect_ratio_policy",
        "stretch",
        &[
            ("stretch", AspectPolicy::Stretch),
            ("not_larger", AspectPolicy::NotLarger),
            ("not_smaller", AspectPolicy::NotSmaller),
        ],
    )?;
    Ok(ops::Resize {
        interpolation: a.choice("mode", "nearest", &INTERPOLATIONS)?,
        coordinates,
        rounding,
        cubic_coeff_a: a.float("cubic_coeff_a", -0.75)?,
        antialias: a.flag("antialias", false)?,
        exclude_outside: a.flag("exclude_outside", false)?,
        extrapolation_value: a.float("extrapolation_value", 0.0)?,
        policy,
        axes: a.optional_ints("axes")?,
    }
    .into())
}

/// `Upsample`, and `Resize` as it was in opset 10: scales are an attribute or the second input, and
/// the first element keeps its place.
fn upsample(t: &mut Translation<'_>) -> Result<Operator> {
    let interpolation = t.attributes.choice("mode", "nearest", &INTERPOLATIONS)?;
    if let Some(scales) = t.attributes.optional_floats("scales")? {
        t.set_input(2, "scales", Tensor::from_slice(&scales, [scales.len()])?);
    } else {
        // The newest version has its region of interest in between.
        t.inputs.insert(1.min(t.inputs.len()), None);
    }
    Ok(ops::Resize {
        coordinates: Coordinates::Asymmetric,
        rounding: NearestRounding::Floor,
        ..ops::Resize::new(interpolation)
    }
    .into())
}
