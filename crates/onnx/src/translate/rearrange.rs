//! Shapes, parts, indices.

use super::Translation;
use flambeau_graph::ops::ScatterReduction;
use flambeau_graph::{Operator, ops};
use flambeau_tensor::{Error, Result};

pub(super) fn translate(t: &mut Translation<'_>) -> Result<Option<Operator>> {
    let a = &t.attributes;
    Ok(Some(match t.op_type {
        "Concat" => ops::Concat { axis: a.int("axis", 0)? }.into(),
        "Split" => {
            let axis = a.int("axis", 0)?;
            let parts = a.int("num_outputs", t.outputs as i64)?;
            if parts != t.outputs as i64 {
                return Err(Error::file(format!("num_outputs is {parts}, but the node has {} results", t.outputs)));
            }
            t.input_from_ints("split", 1)?;
            ops::Split { axis, parts: t.outputs }.into()
        }
        "Slice" => {
            for (index, name) in [(1, "starts"), (2, "ends"), (3, "axes")] {
                t.input_from_ints(name, index)?;
            }
            ops::Slice.into()
        }
        "Reshape" => ops::Reshape { allow_zero: a.flag("allowzero", false)? }.into(),
        "Flatten" => ops::Flatten { axis: a.int("axis", 1)? }.into(),
        "Squeeze" => {
            t.input_from_ints("axes", 1)?;
            ops::Squeeze.into()
        }
        "Unsqueeze" => {
            t.input_from_ints("axes", 1)?;
            ops::Unsqueeze.into()
        }
        "Transpose" => ops::Transpose { permutation: a.ints("perm")? }.into(),
        "Expand" => ops::Expand.into(),
        "Tile" => ops::Tile.into(),
        "Shape" => ops::ShapeOf { start: a.int("start", 0)?, end: a.optional_int("end")? }.into(),
        "Size" => ops::Size.into(),
        "Gather" => ops::Gather { axis: a.int("axis", 0)? }.into(),
        "GatherElements" => ops::GatherElements { axis: a.int("axis", 0)? }.into(),
        "GatherND" => ops::GatherNd { batch_dims: a.int("batch_dims", 0)? }.into(),
        // The old name of the same operator.
        "Scatter" | "ScatterElements" => {
            ops::ScatterElements { axis: a.int("axis", 0)?, reduction: reduction(t)? }.into()
        }
        "ScatterND" => ops::ScatterNd { reduction: reduction(t)? }.into(),
        "NonZero" => ops::NonZero.into(),
        _ => return Ok(None),
    }))
}

fn reduction(t: &Translation<'_>) -> Result<ScatterReduction> {
    t.attributes.choice(
        "reduction",
        "none",
        &[
            ("none", ScatterReduction::None),
            ("add", ScatterReduction::Add),
            ("mul", ScatterReduction::Mul),
            ("min", ScatterReduction::Min),
            ("max", ScatterReduction::Max),
        ],
    )
}
