//! What is told about a training run.

use super::picture::Picture;
use flambeau_kernels::{machine, parallel};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;

/// All that a report shows. Whatever is empty or `None` is left out of the report.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Story {
    /// What was trained on what: "resnet18 on flowers".
    pub title: String,
    /// The command line, word by word.
    pub command: Vec<String>,
    /// Options with their values, defaults filled in, in the order of the table.
    pub configuration: Vec<(String, String)>,
    /// When training began, in seconds since 1970.
    pub began: u64,
    /// What was learned from.
    pub dataset: Dataset,
    /// What learned.
    pub model: Model,
    /// What each epoch came to, the first one first. On a disk they are in files of their own.
    #[serde(skip)]
    pub epochs: Vec<Epoch>,
    /// Losses and learning rates between the epochs.
    pub steps: Steps,
    /// Which class was taken for which, by the last or the best network on the validation images.
    pub confusion: Option<Confusion>,
    /// What the network was surest of and wrong about, the worst first.
    pub mistakes: Vec<Mistake>,
    /// The first convolution's weights, one picture for each filter: see [`super::picture::filters`].
    pub filters: Vec<Picture>,
    /// What layers make of one image: see [`super::picture::channels`].
    pub features: Option<Features>,
    /// Where it ran.
    pub machine: Machine,
}

/// What a network learned from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Dataset {
    /// Its name, or the folder it is in.
    pub name: String,
    /// Names of classes in the order of their numbers; empty where there are none.
    pub classes: Vec<String>,
    /// Images to learn from.
    pub train: usize,
    /// Images that are only looked at to see what was learned.
    pub validation: usize,
    /// The shape of one input, `[C, H, W]`.
    pub input: Vec<usize>,
}

/// The network.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// How many numbers it learns.
    pub parameters: u64,
    /// Layers in the order in which they compute.
    pub layers: Vec<Layer>,
}

/// One layer that learns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Layer {
    /// Its name in the state dict: `layer1.0.conv1`.
    pub name: String,
    /// `Conv2d`, `Linear`, …
    pub kind: String,
    /// The shape of what it gives.
    pub output: Vec<usize>,
    /// How many numbers it learns.
    pub parameters: u64,
    /// The time of one forward pass, if it was measured.
    pub seconds: Option<f64>,
    /// How the planner does it, if it is a convolution.
    pub algorithm: String,
}

/// What one epoch came to. A number that is not finite, as a loss that has run away, stays so on a disk.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Epoch {
    /// From 1.
    pub epoch: u32,
    /// Batches trained on up to its end.
    pub step: u64,
    /// The mean loss of the images, while they were learned.
    #[serde(deserialize_with = "number")]
    pub train_loss: f64,
    /// The share of images told right, 0 to 1, while they were learned.
    pub train_accuracy: Option<f64>,
    /// The mean loss of the validation images at the end.
    #[serde(deserialize_with = "optional_number", skip_serializing_if = "Option::is_none")]
    pub validation_loss: Option<f64>,
    /// The share of validation images told right, 0 to 1, at the end.
    pub validation_accuracy: Option<f64>,
    /// At its end.
    #[serde(deserialize_with = "number")]
    pub learning_rate: f64,
    /// Images that were learned from, a second.
    pub images_per_second: f64,
    /// All of it, validation included.
    pub seconds: f64,
    /// Other numbers by name, such as `top-5 accuracy` or `mean IoU`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub more: BTreeMap<String, f64>,
}

/// JSON has no word for a number that is not finite: it is written as `null`.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

/// As [`number`], where a field that is not there is `None`.
fn optional_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    number(deserializer).map(Some)
}

/// Losses and learning rates batch by batch. However long a run is, no more than
/// [`Steps::MOST`] points are kept: two neighbours become one with their means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Steps {
    /// Batches in one point.
    stride: u64,
    points: Vec<Step>,
    /// The sum of the losses of the batches that are no point yet, and how many they are.
    #[serde(skip)]
    rest: (f64, u64),
}

/// Some batches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Step {
    /// The number of the last one.
    pub step: u64,
    /// Their mean loss.
    #[serde(deserialize_with = "number")]
    pub loss: f64,
    /// The last one's.
    #[serde(deserialize_with = "number")]
    pub learning_rate: f64,
}

impl Default for Steps {
    fn default() -> Self {
        Self { stride: 1, points: Vec::new(), rest: (0.0, 0) }
    }
}

impl Steps {
    /// The most points.
    pub const MOST: usize = 1000;

    /// Adds a batch.
    pub fn push(&mut self, step: u64, loss: f64, learning_rate: f64) {
        self.rest = (self.rest.0 + loss, self.rest.1 + 1);
        if self.rest.1 < self.stride {
            return;
        }
        if self.points.len() >= Self::MOST {
            let merge = |pair: &[Step]| match *pair {
                [first, second] => Step { loss: (first.loss + second.loss) / 2.0, ..second },
                _ => pair[0],
            };
            self.points = self.points.chunks(2).map(merge).collect();
            self.stride *= 2;
            return;
        }
        let (sum, count) = std::mem::take(&mut self.rest);
        self.points.push(Step { step, loss: sum / count as f64, learning_rate });
    }

    /// What is known of them.
    pub fn points(&self) -> &[Step] {
        &self.points
    }

    /// Forgets what came after a batch, as a run does that goes on from a checkpoint.
    pub fn truncate(&mut self, step: u64) {
        self.points.retain(|point| point.step <= step);
        self.rest = (0.0, 0);
    }
}

/// How often each class was taken for each.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Confusion {
    /// A row for each true class, a column for each answer.
    counts: Vec<Vec<u64>>,
}

impl Confusion {
    /// Nothing seen yet.
    pub fn new(classes: usize) -> Self {
        Self { counts: vec![vec![0; classes]; classes] }
    }

    /// Adds one image. A class that does not exist is not counted.
    pub fn add(&mut self, label: usize, answer: usize) {
        if let Some(count) = self.counts.get_mut(label).and_then(|row| row.get_mut(answer)) {
            *count += 1;
        }
    }

    /// The row of a true class.
    pub fn row(&self, label: usize) -> &[u64] {
        self.counts.get(label).map_or(&[], Vec::as_slice)
    }

    /// How many classes there are.
    pub fn classes(&self) -> usize {
        self.counts.len()
    }

    /// How well one class is told. Quotients without a denominator are `None`.
    pub fn class(&self, class: usize) -> ClassScore {
        let hits = self.row(class).get(class).copied().unwrap_or(0);
        let support = self.row(class).iter().sum();
        let answers = self.counts.iter().filter_map(|row| row.get(class)).sum();
        let quotient = |of: u64| (of > 0).then(|| hits as f64 / of as f64);
        let both = support + answers;
        ClassScore {
            precision: quotient(answers),
            recall: quotient(support),
            f1: (both > 0).then(|| 2.0 * hits as f64 / both as f64),
            support,
        }
    }
}

/// How well a class is told from the others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassScore {
    /// Of the answers with this class, the share that is right.
    pub precision: Option<f64>,
    /// Of the images of this class, the share that is found.
    pub recall: Option<f64>,
    /// The harmonic mean of the two.
    pub f1: Option<f64>,
    /// How many images there are.
    pub support: u64,
}

/// An image that the network was wrong about.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mistake {
    /// The image.
    pub picture: Picture,
    /// The number of its class.
    pub label: usize,
    /// The number of the class that the network took it for.
    pub answer: usize,
    /// How sure the network was of that, 0 to 1.
    pub probability: f64,
    /// The file it is from, if it is from one.
    pub source: Option<String>,
}

/// What layers make of one image.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Features {
    /// The image.
    pub picture: Picture,
    /// What it shows.
    pub caption: String,
    /// Layers by name, with one picture for each channel.
    pub layers: Vec<(String, Vec<Picture>)>,
}

/// Where a run ran.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Machine {
    /// Processor and cores.
    pub processor: String,
    /// Threads that computed.
    pub threads: usize,
    /// The operating system and the instruction set's family.
    pub system: String,
    /// flambeau's version.
    pub version: String,
}

impl Machine {
    /// This one, now.
    pub fn here() -> Self {
        Self {
            processor: machine::name().to_owned(),
            threads: parallel::threads(),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_runs_keep_few_steps_and_the_mean_loss() {
        let mut steps = Steps::default();
        let count = 7 * Steps::MOST as u64;
        for step in 1..=count {
            steps.push(step, step as f64, 0.1);
        }
        let points = steps.points();
        assert!(points.len() > Steps::MOST / 2 && points.len() <= Steps::MOST, "{}", points.len());
        assert!(points.windows(2).all(|pair| pair[0].step < pair[1].step));
        let stride = points[1].step - points[0].step;
        assert_eq!(stride, 8);
        // Every point is the mean of the batches up to its own.
        for point in points {
            let expected = point.step as f64 - (stride - 1) as f64 / 2.0;
            assert!((point.loss - expected).abs() < 1e-9, "{point:?}");
        }
        steps.truncate(100);
        assert!(steps.points().iter().all(|point| point.step <= 100));
    }

    #[test]
    fn scores_of_classes() {
        let mut confusion = Confusion::new(3);
        for (label, answer, times) in [(0, 0, 8), (0, 1, 2), (1, 1, 5), (1, 0, 1), (5, 0, 9)] {
            for _ in 0..times {
                confusion.add(label, answer);
            }
        }
        assert_eq!(confusion.row(0), [8, 2, 0]);
        let first = confusion.class(0);
        assert_eq!((first.precision, first.recall, first.support), (Some(8.0 / 9.0), Some(0.8), 10));
        assert_eq!(first.f1, Some(16.0 / 19.0));
        // Never seen and never answered.
        assert_eq!(confusion.class(2), ClassScore { precision: None, recall: None, f1: None, support: 0 });
    }

    #[test]
    fn losses_that_ran_away_are_kept() {
        let epoch = Epoch { epoch: 3, train_loss: f64::NAN, validation_loss: Some(f64::INFINITY), ..Epoch::default() };
        let text = serde_json::to_string(&epoch).expect("JSON");
        let read: Epoch = serde_json::from_str(&text).expect("an epoch");
        assert!(read.train_loss.is_nan() && read.validation_loss.is_some_and(f64::is_nan), "{text}");
        let none: Epoch = serde_json::from_str(r#"{"epoch": 1}"#).expect("an epoch");
        assert_eq!(none.validation_loss, None);
    }
}
