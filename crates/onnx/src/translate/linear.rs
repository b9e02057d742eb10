//! Convolution, matrix products, quantised numbers.

use super::Translation;
use crate::attributes::Attributes;
use flambeau_graph::{Operator, ops};
use flambeau_tensor::{DType, Result};

/// The attributes of windows that slide: border, strides, dilations.
pub(super) fn window(attributes: &Attributes<'_>) -> Result<ops::Window> {
    let padding = match attributes.string("auto_pad", "NOTSET")? {
        "SAME_UPPER" => ops::Padding::SameUpper,
        "SAME_LOWER" => ops::Padding::SameLower,
        "VALID" => ops::Padding::Valid,
        _ => ops::Padding::Explicit(Vec::new()),
    };
    let pads = attributes.ints("pads")?;
    Ok(ops::Window {
        strides: attributes.ints("strides")?,
        dilations: attributes.ints("dilations")?,
        padding: if matches!(padding, ops::Padding::Explicit(_)) { ops::Padding::Explicit(pads) } else { padding },
    })
}

fn conv(attributes: &Attributes<'_>) -> Result<ops::Conv> {
    Ok(ops::Conv {
        window: window(attributes)?,
        groups: attributes.int("group", 1)?,
        kernel_shape: attributes.ints("kernel_shape")?,
    })
}

pub(super) fn translate(t: &mut Translation<'_>) -> Result<Option<Operator>> {
    let a = &t.attributes;
    Ok(Some(match t.op_type {
        "Conv" => conv(a)?.into(),
        "ConvInteger" => ops::ConvInteger(conv(a)?).into(),
        "QLinearConv" => ops::QLinearConv(conv(a)?).into(),
        "ConvTranspose" => ops::ConvTranspose {
            window: window(a)?,
            groups: a.int("group", 1)?,
            kernel_shape: a.ints("kernel_shape")?,
            output_padding: a.ints("output_padding")?,
            output_shape: a.ints("output_shape")?,
        }
        .into(),
        "DeformConv" => ops::DeformConv {
            window: window(a)?,
            groups: a.int("group", 1)?,
            offset_groups: a.int("offset_group", 1)?,
            kernel_shape: a.ints("kernel_shape")?,
        }
        .into(),
        "Col2Im" => ops::Col2Im { window: window(a)? }.into(),
        "Gemm" => ops::Gemm {
            alpha: a.float("alpha", 1.0)?,
            beta: a.float("beta", 1.0)?,
            transpose_a: a.flag("transA", false)?,
            transpose_b: a.flag("transB", false)?,
        }
        .into(),
        "MatMul" => ops::MatMul.into(),
        "MatMulInteger" => ops::MatMulInteger.into(),
        "QLinearMatMul" => ops::QLinearMatMul.into(),
        "Einsum" => ops::Einsum { equation: a.string("equation", "")?.to_owned() }.into(),
        "QuantizeLinear" => {
            // How values beyond the range of 8-bit floats are treated; integers always saturate.
            a.ignore(&["saturate", "precision"]);
            let given = a.optional_int("output_dtype")?.filter(|&number| number != 0);
            ops::QuantizeLinear {
                axis: a.int("axis", 1)?,
                block_size: a.int("block_size", 0)?,
                output_dtype: given.map_or(Ok(DType::U8), crate::data::dtype)?,
            }
            .into()
        }
        "DequantizeLinear" => {
            a.ignore(&["output_dtype"]);
            ops::DequantizeLinear { axis: a.int("axis", 1)?, block_size: a.int("block_size", 0)? }.into()
        }
        "DynamicQuantizeLinear" => ops::DynamicQuantizeLinear.into(),
        _ => return Ok(None),
    }))
}
