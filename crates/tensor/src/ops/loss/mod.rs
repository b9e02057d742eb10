//! Losses: how far a result is from what it should be.

mod binary;
mod classes;
mod ctc;
mod margin;
mod ranking;
mod regression;

pub use classes::CrossEntropyOptions;
pub use ctc::CtcOptions;
pub use margin::MultiMarginOptions;
pub use ranking::TripletOptions;

use crate::{Error, Result, Tensor};

/// What becomes of the losses of single elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Reduction {
    /// They are given back as they are.
    None,
    /// Their mean (for losses with class weights, the weighted mean).
    #[default]
    Mean,
    /// Their sum.
    Sum,
}

impl Reduction {
    /// PyTorch's name of a reduction.
    ///
    /// # Errors
    /// If there is no such reduction.
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "none" => Ok(Self::None),
            "mean" => Ok(Self::Mean),
            "sum" => Ok(Self::Sum),
            _ => Err(Error::value(format!("{name} is not a valid value for reduction"))),
        }
    }

    /// The number that PyTorch's native functions take.
    ///
    /// # Errors
    /// If there is no such reduction.
    pub fn from_number(number: i64) -> Result<Self> {
        match number {
            0 => Ok(Self::None),
            1 => Ok(Self::Mean),
            2 => Ok(Self::Sum),
            _ => Err(Error::value(format!("{number} is not a valid value for reduction"))),
        }
    }

    /// Reduces the losses of single elements.
    pub(crate) fn apply(self, losses: &Tensor) -> Result<Tensor> {
        match self {
            Self::None => Ok(losses.clone()),
            Self::Mean => losses.mean(),
            Self::Sum => losses.sum(),
        }
    }
}
