//! How well a network tells images it has not learned from.

use super::data::in_order;
use crate::interrupt;
use flambeau::autograd::no_grad;
use flambeau::data::Prepared;
use flambeau::prelude::*;
use flambeau::train::metrics::{Accuracy, Confusion, Mean, predictions};

/// What a network made of some images.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// The mean loss.
    pub loss: f64,
    /// The share that was right.
    pub accuracy: f64,
    /// The share whose class is among the five with the highest scores, where there are more classes than that.
    pub top_5: Option<f64>,
    /// Which class was taken for which.
    pub confusion: Confusion,
    /// The worst mistakes: the network was surest of the wrong class.
    pub mistakes: Vec<Mistake>,
}

/// An image that was taken for another class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mistake {
    /// Its number.
    pub index: usize,
    /// Its class.
    pub label: usize,
    /// The class that it was taken for.
    pub answer: usize,
    /// How sure the network was, 0 to 1.
    pub probability: f32,
}

/// How many mistakes are remembered.
const MISTAKES: usize = 24;
/// How many images the network sees at once.
const BATCH: usize = 250;

/// Shows all images to a network, which is in evaluation mode afterwards.
///
/// # Errors
/// If an image cannot be read, or Ctrl-C was pressed meanwhile and `interruptible` says that this counts.
pub fn evaluate(net: &dyn Layer, images: &Prepared, interruptible: bool) -> Result<Evaluation> {
    net.eval();
    let classes = images.images().classes().len();
    let (mut loss, mut first, mut five) = (Mean::new(), Accuracy::new(), Accuracy::top(5));
    let mut confusion = Confusion::new(classes);
    let mut mistakes: Vec<Mistake> = Vec::new();
    let mut begin = 0;
    for batch in in_order(images, BATCH)?.iter()? {
        if interruptible && interrupt::asked() {
            return Err(Error::runtime("interrupted"));
        }
        let (images, labels) = batch?;
        no_grad(|| {
            let scores = net.forward(&images)?;
            loss.update(functional::cross_entropy(&scores, &labels)?.item()?.to_f64(), labels.numel() as f64);
            first.update(&scores, &labels)?;
            five.update(&scores, &labels)?;
            confusion.update(&scores, &labels)?;
            let shares = scores.softmax(1)?.to_vec::<f32>()?;
            for (row, (answer, label)) in predictions(&scores)?.into_iter().zip(labels.to_vec::<i64>()?).enumerate() {
                let label = label as usize;
                if answer != label {
                    let probability = shares[row * classes + answer];
                    mistakes.push(Mistake { index: begin + row, label, answer, probability });
                }
            }
            Ok::<_, Error>(())
        })?;
        mistakes.sort_by(|a, b| b.probability.total_cmp(&a.probability).then(a.index.cmp(&b.index)));
        mistakes.truncate(MISTAKES);
        begin += labels.numel();
    }
    Ok(Evaluation {
        loss: loss.get().unwrap_or(f64::NAN),
        accuracy: first.get().unwrap_or(0.0),
        top_5: five.get().filter(|_| classes > 5),
        confusion,
        mistakes,
    })
}
