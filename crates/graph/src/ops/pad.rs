//! Continued tensors.

use super::conv::pads;
use crate::compute::{Compute, Inputs, axes, check_numel, number, size};
use flambeau_tensor::{Error, Result, Scalar, Tensor};

/// What a tensor is continued with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PadMode {
    /// A number.
    Constant,
    /// The tensor mirrored at its outermost elements.
    Reflect,
    /// The outermost elements.
    Edge,
    /// The other end.
    Wrap,
}

/// Elements added before and after each axis; negative numbers cut off. Inputs: `data`, `pads`,
/// `constant_value` and `axes`, of which the last two may be absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pad {
    /// With what.
    pub mode: PadMode,
}

impl PadMode {
    /// The element that position `at`, counted from the first one, shows.
    fn source(self, at: i128, n: i128) -> i128 {
        match self {
            PadMode::Constant | PadMode::Edge => at.clamp(0, n - 1),
            PadMode::Wrap => at.rem_euclid(n),
            PadMode::Reflect if n == 1 => 0,
            PadMode::Reflect => {
                let at = at.rem_euclid(2 * (n - 1));
                at.min(2 * (n - 1) - at)
            }
        }
    }
}

impl Compute for Pad {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let x = inputs.get(0, "data")?;
        let shape = x.shape();
        let list = inputs.integers(1, "pads")?;
        let along = match inputs.optional_integers(3, "axes")? {
            Some(given) => axes(&given, shape.len())?,
            None => (0..shape.len()).collect(),
        };
        if list.len() != 2 * along.len() {
            return Err(Error::value(format!("pads should be {} numbers, but got {list:?}", 2 * along.len())));
        }
        let mut sides = vec![(0i64, 0i64); shape.len()];
        for (i, &a) in along.iter().enumerate() {
            sides[a] = (list[i], list[along.len() + i]);
        }
        let mut sizes = shape.to_vec();
        for (n, &(begin, end)) in sizes.iter_mut().zip(&sides) {
            *n = size(*n as i128 + begin as i128 + end as i128, "a padded axis")?;
        }
        check_numel(&sizes, x.dtype())?;
        if sizes.contains(&0) {
            return Ok(vec![Tensor::zeros(sizes, x.dtype())?]);
        }
        if self.mode == PadMode::Constant {
            let sides: Vec<_> = sides.iter().map(|&(begin, end)| (begin as isize, end as isize)).collect();
            let value = match inputs.optional(2) {
                Some(value) if value.numel() == 1 => value.item()?,
                Some(value) => Scalar::Float(number(value, "constant_value")?),
                None => Scalar::Int(0),
            };
            return Ok(vec![x.constant_pad_nd(&pads(&sides), value)?]);
        }
        let mut result = x.clone();
        for (dim, &(begin, end)) in sides.iter().enumerate().filter(|(_, side)| **side != (0, 0)) {
            let n = shape[dim] as i128;
            if n == 0 {
                return Err(Error::shape(format!("axis {dim} of shape {shape} has no element to continue it with")));
            }
            let count = n + begin as i128 + end as i128;
            let places: Vec<i64> = (0..count).map(|o| self.mode.source(o - begin as i128, n) as i64).collect();
            result = result.index_select(dim as isize, &Tensor::from_slice(&places, [places.len()])?)?;
        }
        Ok(vec![result])
    }
}
