//! Functions of elements, reductions, softmax, random zeros.

use super::Translation;
use crate::attributes::Attributes;
use flambeau_graph::ops::{Activation, Binary, Reduction, Unary, Variadic};
use flambeau_graph::{Operator, ops};
use flambeau_tensor::ops::Reduction as LossReduction;
use flambeau_tensor::{DType, Error, Result, Tensor};

/// Functions of one element that have no attributes.
const UNARY: [(&str, Unary); 33] = [
    ("Identity", Unary::Identity),
    ("Abs", Unary::Abs),
    ("Neg", Unary::Neg),
    ("Sign", Unary::Sign),
    ("Floor", Unary::Floor),
    ("Ceil", Unary::Ceil),
    ("Round", Unary::Round),
    ("Reciprocal", Unary::Reciprocal),
    ("Sqrt", Unary::Sqrt),
    ("Exp", Unary::Exp),
    ("Log", Unary::Log),
    ("Erf", Unary::Erf),
    ("Sin", Unary::Sin),
    ("Cos", Unary::Cos),
    ("Tan", Unary::Tan),
    ("Asin", Unary::Asin),
    ("Acos", Unary::Acos),
    ("Atan", Unary::Atan),
    ("Sinh", Unary::Sinh),
    ("Cosh", Unary::Cosh),
    ("Asinh", Unary::Asinh),
    ("Acosh", Unary::Acosh),
    ("Atanh", Unary::Atanh),
    ("Tanh", Unary::Tanh),
    ("Sigmoid", Unary::Sigmoid),
    ("Relu", Unary::Relu),
    ("Softplus", Unary::Softplus),
    ("Softsign", Unary::Softsign),
    ("HardSwish", Unary::HardSwish),
    ("Mish", Unary::Mish),
    ("Not", Unary::Not),
    ("BitwiseNot", Unary::BitwiseNot),
    ("IsNaN", Unary::IsNaN),
];

/// Functions of two elements that have no attributes.
const BINARY: [(&str, Binary); 16] = [
    ("Add", Binary::Add),
    ("Sub", Binary::Sub),
    ("Mul", Binary::Mul),
    ("Div", Binary::Div),
    ("Pow", Binary::Pow),
    ("And", Binary::And),
    ("Or", Binary::Or),
    ("Xor", Binary::Xor),
    ("Equal", Binary::Equal),
    ("Greater", Binary::Greater),
    ("GreaterOrEqual", Binary::GreaterOrEqual),
    ("Less", Binary::Less),
    ("LessOrEqual", Binary::LessOrEqual),
    ("BitwiseAnd", Binary::BitwiseAnd),
    ("BitwiseOr", Binary::BitwiseOr),
    ("BitwiseXor", Binary::BitwiseXor),
];

const VARIADIC: [(&str, Variadic); 4] =
    [("Min", Variadic::Min), ("Max", Variadic::Max), ("Sum", Variadic::Sum), ("Mean", Variadic::Mean)];

const REDUCTIONS: [(&str, Reduction); 10] = [
    ("ReduceSum", Reduction::Sum),
    ("ReduceMean", Reduction::Mean),
    ("ReduceMax", Reduction::Max),
    ("ReduceMin", Reduction::Min),
    ("ReduceProd", Reduction::Prod),
    ("ReduceL1", Reduction::L1),
    ("ReduceL2", Reduction::L2),
    ("ReduceLogSum", Reduction::LogSum),
    ("ReduceLogSumExp", Reduction::LogSumExp),
    ("ReduceSumSquare", Reduction::SumSquare),
];

fn find<T: Copy>(table: &[(&str, T)], name: &str) -> Option<T> {
    table.iter().find(|(n, _)| *n == name).map(|&(_, value)| value)
}

pub(super) fn translate(t: &mut Translation<'_>) -> Result<Option<Operator>> {
    if let Some(function) = find(&UNARY, t.op_type) {
        return Ok(Some(function.into()));
    }
    if let Some(function) = find(&BINARY, t.op_type) {
        return Ok(Some(function.into()));
    }
    if let Some(function) = find(&VARIADIC, t.op_type) {
        return Ok(Some(function.into()));
    }
    if let Some(reduction) = find(&REDUCTIONS, t.op_type) {
        let keepdims = t.attributes.flag("keepdims", true)?;
        let noop_with_empty_axes = t.attributes.flag("noop_with_empty_axes", false)?;
        t.input_from_ints("axes", 1)?;
        return Ok(Some(ops::Reduce { reduction, keepdims, noop_with_empty_axes }.into()));
    }
    if let Some(activation) = activation(t)? {
        return Ok(Some(activation.into()));
    }
    let a = &t.attributes;
    Ok(Some(match t.op_type {
        "IsInf" => {
            if !(a.flag("detect_negative", true)? && a.flag("detect_positive", true)?) {
                return Err(Error::not_implemented("infinities of one sign alone are not told apart"));
            }
            Unary::IsInf.into()
        }
        "Mod" => Binary::Mod { fmod: a.flag("fmod", false)? }.into(),
        "BitShift" => {
            Binary::BitShift { right: a.choice("direction", "", &[("RIGHT", true), ("LEFT", false)])? }.into()
        }
        "PRelu" => ops::PRelu.into(),
        "Clip" => {
            if t.opset < 11 {
                let (min, max) = (a.float("min", f32::MIN)?, a.float("max", f32::MAX)?);
                t.set_input(1, "min", Tensor::from_slice(&[min], [])?);
                t.set_input(2, "max", Tensor::from_slice(&[max], [])?);
            }
            ops::Clip.into()
        }
        "Where" => ops::Where.into(),
        "Cast" => {
            a.ignore(&["saturate", "round_mode"]);
            let to = a.dtype("to")?.ok_or_else(|| Error::file("attribute \"to\" is missing"))?;
            ops::Cast { to }.into()
        }
        "CastLike" => {
            a.ignore(&["saturate", "round_mode"]);
            ops::CastLike.into()
        }
        "Softmax" | "LogSoftmax" | "Hardmax" => {
            let kind = match t.op_type {
                "Softmax" => ops::SoftmaxKind::Softmax,
                "LogSoftmax" => ops::SoftmaxKind::LogSoftmax,
                _ => ops::SoftmaxKind::Hardmax,
            };
            let flattened = t.opset < 13;
            ops::Softmax { kind, axis: a.int("axis", if flattened { 1 } else { -1 })?, flattened }.into()
        }
        "NegativeLogLikelihoodLoss" => loss(a)?.into(),
        "SoftmaxCrossEntropyLoss" => ops::SoftmaxCrossEntropyLoss(loss(a)?).into(),
        "ArgMax" | "ArgMin" => ops::ArgExtreme {
            largest: t.op_type == "ArgMax",
            axis: a.int("axis", 0)?,
            keepdims: a.flag("keepdims", true)?,
            last: a.flag("select_last_index", false)?,
        }
        .into(),
        "TopK" => {
            // Results are always sorted, which is one of the orders that are allowed where no order is asked for.
            a.ignore(&["sorted"]);
            let topk = ops::TopK { axis: a.int("axis", -1)?, largest: a.flag("largest", true)? };
            if let Some(k) = a.optional_int("k")? {
                t.set_input(1, "k", Tensor::from_slice(&[k], [1])?);
            }
            topk.into()
        }
        "CumSum" => ops::CumSum { exclusive: a.flag("exclusive", false)?, reverse: a.flag("reverse", false)? }.into(),
        "Dropout" => {
            let seed = a.optional_int("seed")?.map(|seed| seed as u64);
            ops::Dropout { ratio: a.float("ratio", 0.5)?, seed }.into()
        }
        "ConstantOfShape" => {
            let value = match a.tensor("value", t.folder)? {
                Some(value) if value.numel() == 1 => value,
                Some(_) => return Err(Error::file("attribute \"value\" is not one number")),
                None => Tensor::zeros([1], DType::F32)?,
            };
            ops::ConstantOfShape { value: value.item()?, dtype: value.dtype() }.into()
        }
        "Range" => ops::Range.into(),
        "OneHot" => ops::OneHot { axis: a.int("axis", -1)? }.into(),
        "EyeLike" => ops::EyeLike { k: a.int("k", 0)?, dtype: a.dtype("dtype")? }.into(),
        "Trilu" => ops::Trilu { upper: a.flag("upper", true)? }.into(),
        _ => return Ok(None),
    }))
}

fn activation(t: &Translation<'_>) -> Result<Option<Activation>> {
    let a = &t.attributes;
    Ok(Some(match t.op_type {
        "LeakyRelu" => Activation::LeakyRelu { alpha: a.float("alpha", 0.01)? },
        "Elu" => Activation::Elu { alpha: a.float("alpha", 1.0)? },
        // The defaults are the constants of self-normalising networks (Klambauer et al. 2017).
        "Selu" => Activation::Selu { alpha: a.float("alpha", 1.673_263_2)?, gamma: a.float("gamma", 1.050_701)? },
        "Celu" => Activation::Celu { alpha: a.float("alpha", 1.0)? },
        "HardSigmoid" => Activation::HardSigmoid { alpha: a.float("alpha", 0.2)?, beta: a.float("beta", 0.5)? },
        "ThresholdedRelu" => Activation::ThresholdedRelu { alpha: a.float("alpha", 1.0)? },
        "Gelu" => Activation::Gelu { tanh: a.choice("approximate", "none", &[("none", false), ("tanh", true)])? },
        "Swish" => Activation::Swish { alpha: a.float("alpha", 1.0)? },
        "Shrink" => Activation::Shrink { lambd: a.float("lambd", 0.5)?, bias: a.float("bias", 0.0)? },
        _ => return Ok(None),
    }))
}

fn loss(a: &Attributes<'_>) -> Result<ops::NegativeLogLikelihoodLoss> {
    let reductions = [("none", LossReduction::None), ("mean", LossReduction::Mean), ("sum", LossReduction::Sum)];
    Ok(ops::NegativeLogLikelihoodLoss {
        reduction: a.choice("reduction", "mean", &reductions)?,
        ignore_index: a.optional_int("ignore_index")?,
    })
}
