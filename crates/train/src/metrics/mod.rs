//! How good a network's answers are.
//!
//! ```
//! use flambeau::prelude::*;
//! use flambeau::train::metrics::{Confusion, predictions};
//!
//! let scores = Tensor::from_slice(&[0.9f32, 0.1, 0.2, 0.8, 0.6, 0.4], [3, 2])?;
//! let mut confusion = Confusion::new(2);
//! confusion.update(&scores, &Tensor::from_slice(&[0i64, 1, 1], [3])?)?;
//! assert_eq!(predictions(&scores)?, [0, 1, 0]);
//! assert_eq!(confusion.accuracy(), Some(2.0 / 3.0));
//! assert_eq!(confusion.class(0).precision, Some(0.5));
//! # Ok::<(), flambeau::Error>(())
//! ```

mod confusion;
mod mean;
mod top_k;

pub use confusion::{ClassScore, Confusion};
pub use mean::Mean;
pub use top_k::{Accuracy, predictions};

use flambeau_tensor::{DType, Error, Result, Tensor};

/// Scores `(N, C)` and labels `(N,)` as numbers: rows of scores, how long a row is, and the labels.
fn rows(scores: &Tensor, labels: &Tensor) -> Result<(Vec<f32>, usize, Vec<i64>)> {
    let (values, classes) = table(scores)?;
    let (images, count) = (scores.shape()[0], labels.numel());
    if labels.ndim() != 1 || count != images {
        return Err(Error::shape(format!(
            "scores of shape {} go with {images} labels, not with a tensor of shape {}",
            scores.shape(),
            labels.shape()
        )));
    }
    Ok((values, classes, labels.to_dtype(DType::I64)?.to_vec::<i64>()?))
}

/// The rows of scores `(N, C)`, and `C`.
fn table(scores: &Tensor) -> Result<(Vec<f32>, usize)> {
    match scores.shape()[..] {
        [_, classes] if classes > 0 => Ok((scores.detach().to_dtype(DType::F32)?.to_vec::<f32>()?, classes)),
        _ => Err(Error::shape(format!("scores have the shape (images, classes), not {}", scores.shape()))),
    }
}
