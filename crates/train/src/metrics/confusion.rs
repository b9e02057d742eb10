//! Which class is taken for which.

use super::{predictions, rows};
use flambeau_tensor::{Error, Result, Tensor};

/// How often each class was taken for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confusion {
    classes: usize,
    /// A row for each true class, a column for each answer.
    counts: Vec<u64>,
}

/// How well a class is told from the others. Quotients without a denominator are `None`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassScore {
    /// Of the answers with this class, the share that is right.
    pub precision: Option<f64>,
    /// Of the images of this class, the share that is found.
    pub recall: Option<f64>,
    /// The harmonic mean of the two.
    pub f1: Option<f64>,
    /// How many images of this class there are.
    pub support: u64,
}

impl Confusion {
    /// Of nothing yet.
    pub fn new(classes: usize) -> Self {
        Self { classes, counts: vec![0; classes * classes] }
    }

    /// How many classes there are.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Takes one image into account.
    ///
    /// # Errors
    /// If one of the two is no class.
    pub fn add(&mut self, label: usize, answer: usize) -> Result<()> {
        let classes = self.classes;
        if label >= classes || answer >= classes {
            return Err(Error::index(format!(
                "label {label} and answer {answer} are not both among {classes} classes"
            )));
        }
        self.counts[label * classes + answer] += 1;
        Ok(())
    }

    /// Takes scores `(N, C)` with their labels `(N,)` into account.
    ///
    /// # Errors
    /// If the shapes are others, or a label is no class.
    pub fn update(&mut self, scores: &Tensor, labels: &Tensor) -> Result<()> {
        let (_, _, labels) = rows(scores, labels)?;
        for (label, answer) in labels.into_iter().zip(predictions(scores)?) {
            let label = usize::try_from(label).map_err(|_| Error::index(format!("label {label} is no class")))?;
            self.add(label, answer)?;
        }
        Ok(())
    }

    /// How often images of class `label` were taken for `answer`; 0 of what is no class.
    pub fn count(&self, label: usize, answer: usize) -> u64 {
        if answer < self.classes { self.counts.get(label * self.classes + answer).copied().unwrap_or(0) } else { 0 }
    }

    /// The share of right answers, if there are any.
    pub fn accuracy(&self) -> Option<f64> {
        let right: u64 = (0..self.classes).map(|class| self.count(class, class)).sum();
        let all: u64 = self.counts.iter().sum();
        (all > 0).then(|| right as f64 / all as f64)
    }

    /// How well one class is told.
    pub fn class(&self, class: usize) -> ClassScore {
        let hits = self.count(class, class);
        let support = (0..self.classes).map(|answer| self.count(class, answer)).sum();
        let answers: u64 = (0..self.classes).map(|label| self.count(label, class)).sum();
        let quotient = |of: u64| (of > 0).then(|| hits as f64 / of as f64);
        let both = support + answers;
        ClassScore {
            precision: quotient(answers),
            recall: quotient(support),
            f1: (both > 0).then(|| 2.0 * hits as f64 / both as f64),
            support,
        }
    }

    /// The mean F1 of the classes that have images or answers, each counting alike.
    pub fn macro_f1(&self) -> Option<f64> {
        let scores: Vec<f64> = (0..self.classes).filter_map(|class| self.class(class).f1).collect();
        (!scores.is_empty()).then(|| scores.iter().sum::<f64>() / scores.len() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_of_classes() -> Result<()> {
        let mut confusion = Confusion::new(3);
        assert_eq!((confusion.accuracy(), confusion.macro_f1()), (None, None));
        for (label, answer, times) in [(0, 0, 8), (0, 1, 2), (1, 1, 5), (1, 0, 1)] {
            for _ in 0..times {
                confusion.add(label, answer)?;
            }
        }
        let first = confusion.class(0);
        assert_eq!((first.precision, first.recall, first.support), (Some(8.0 / 9.0), Some(0.8), 10));
        assert_eq!(first.f1, Some(16.0 / 19.0));
        assert_eq!(confusion.class(2), ClassScore { precision: None, recall: None, f1: None, support: 0 });
        assert_eq!(confusion.accuracy(), Some(13.0 / 16.0));
        assert_eq!(confusion.macro_f1(), Some((16.0 / 19.0 + 10.0 / 13.0) / 2.0));
        assert_eq!((confusion.count(0, 1), confusion.count(3, 0), confusion.count(0, 3)), (2, 0, 0));
        assert!(confusion.add(0, 3).is_err() && confusion.add(3, 0).is_err());
        Ok(())
    }

    #[test]
    fn labels_that_are_no_class_are_refused() -> Result<()> {
        let scores = Tensor::from_slice(&[0.1f32, 0.7], [1, 2])?;
        let mut confusion = Confusion::new(2);
        assert!(confusion.update(&scores, &Tensor::from_slice(&[-1i64], [1])?).is_err());
        assert!(confusion.update(&scores, &Tensor::from_slice(&[2i64], [1])?).is_err());
        confusion.update(&scores, &Tensor::from_slice(&[0i64], [1])?)?;
        assert_eq!(confusion.count(0, 1), 1);
        Ok(())
    }
}
