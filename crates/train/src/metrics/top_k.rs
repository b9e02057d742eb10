//! Answers, and how many are right.

use super::{rows, table};
use flambeau_tensor::{Result, Tensor};

/// The class with the highest score, for each row of scores `(N, C)`; of equal ones the first.
///
/// # Errors
/// If the scores have another shape.
pub fn predictions(scores: &Tensor) -> Result<Vec<usize>> {
    let (values, classes) = table(scores)?;
    Ok(values.chunks_exact(classes).map(best).collect())
}

/// Where the highest of some numbers is; what is no number is lower than all.
fn best(row: &[f32]) -> usize {
    (1..row.len()).fold(0, |best, at| if row[at] > row[best] || row[best].is_nan() { at } else { best })
}

/// How many classes of a row come before this one.
fn rank(row: &[f32], label: usize) -> usize {
    let own = row[label];
    let before = |&(at, &score): &(usize, &f32)| score > own || (at < label && score == own) || own.is_nan();
    row.iter().enumerate().filter(before).count()
}

/// The share of images whose class is among the `k` with the highest scores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Accuracy {
    k: usize,
    right: u64,
    seen: u64,
}

/// Of the one highest score.
impl Default for Accuracy {
    fn default() -> Self {
        Self::top(1)
    }
}

impl Accuracy {
    /// Of the one highest score.
    pub fn new() -> Self {
        Self::default()
    }

    /// Of the `k` highest scores.
    pub fn top(k: usize) -> Self {
        Self { k, right: 0, seen: 0 }
    }

    /// Takes scores `(N, C)` with their labels `(N,)` into account, and gives the share of these. A label that is no
    /// class is never right.
    ///
    /// # Errors
    /// If the shapes are others.
    pub fn update(&mut self, scores: &Tensor, labels: &Tensor) -> Result<f64> {
        let (values, classes, labels) = rows(scores, labels)?;
        let right = values
            .chunks_exact(classes)
            .zip(&labels)
            .filter(|(row, label)| {
                usize::try_from(**label).is_ok_and(|label| label < classes && rank(row, label) < self.k)
            })
            .count() as u64;
        self.right += right;
        self.seen += labels.len() as u64;
        Ok(right as f64 / labels.len().max(1) as f64)
    }

    /// The share of all, if there were any.
    pub fn get(&self) -> Option<f64> {
        (self.seen > 0).then(|| self.right as f64 / self.seen as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flambeau_tensor::DType;

    #[test]
    fn the_right_class_may_come_later() -> Result<()> {
        let scores = Tensor::from_slice(&[0.1f32, 0.7, 0.2, 0.5, 0.3, 0.2], [2, 3])?;
        let labels = Tensor::from_slice(&[2i64, 2], [2])?;
        let mut one = Accuracy::new();
        let mut two = Accuracy::top(2);
        assert_eq!((one.get(), one.update(&scores, &labels)?), (None, 0.0));
        assert_eq!(two.update(&scores, &labels)?, 0.5);
        two.update(&scores, &Tensor::from_slice(&[1i64, 0], [2])?)?;
        assert_eq!(two.get(), Some(0.75));
        assert_eq!(Accuracy::top(3).update(&scores, &labels)?, 1.0);
        assert_eq!(one.update(&scores, &Tensor::from_slice(&[1i64, -100], [2])?)?, 0.5);
        assert!(one.update(&scores, &Tensor::zeros([3], DType::I64)?).is_err());
        assert!(one.update(&Tensor::zeros([3], DType::F32)?, &labels).is_err());
        Ok(())
    }

    #[test]
    fn equal_scores_and_no_numbers() -> Result<()> {
        let nan = f32::NAN;
        let scores = Tensor::from_slice(&[1.0f32, 1.0, 0.0, nan, 0.5, nan], [2, 3])?;
        assert_eq!(predictions(&scores)?, [0, 1]);
        // Of equal scores one alone is first, and what is no number never is.
        let share = |labels: [i64; 2]| Accuracy::new().update(&scores, &Tensor::from_slice(&labels, [2])?);
        assert_eq!(share([0, 1])?, 1.0);
        assert_eq!(share([1, 0])?, 0.0);
        Ok(())
    }
}
