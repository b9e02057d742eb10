//! What is asked for: on the command line, in a file, and by the data's own recipe.

use super::recipe::Recipe;
use crate::numbers::positive;
use clap::ValueEnum;
use flambeau::{Error, Result};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Options of a training. Those that are given win over those of a file, which win over the recipe for the data.
#[derive(Clone, Debug, Default, PartialEq, clap::Args, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Options {
    /// What to learn from: digits, mnist, fashion-mnist, cifar10, cifar100, or a folder with a folder for each class
    /// [default: digits].
    #[arg(long, value_name = "NAME|FOLDER", help_heading = "Data")]
    pub data: Option<String>,
    /// Where files of the named sets lie [default: data, or $FLAMBEAU_DATA].
    #[arg(long, value_name = "FOLDER", help_heading = "Data")]
    pub root: Option<PathBuf>,
    /// Height and width that images are brought to; needed where they differ in size.
    #[arg(long, value_name = "PIXELS", value_parser = positive, help_heading = "Data")]
    pub size: Option<usize>,
    /// The share of the training images that is kept apart: it is scored after every epoch, and the best epoch's weights
    /// are kept. With 0 the test images are scored, and the last weights are kept [default: 0].
    #[arg(long, value_name = "SHARE", value_parser = share, help_heading = "Data")]
    pub val_split: Option<f64>,
    /// How images are varied at random.
    #[arg(long, value_enum, help_heading = "Data")]
    pub augment: Option<Augment>,
    /// Mix pairs of images and their labels; how much, as the parameter of a beta distribution, such as 0.2.
    #[arg(long, value_name = "ALPHA", value_parser = mixup, help_heading = "Data")]
    pub mixup: Option<f64>,

    /// The network: cnn, lenet, one of `flambeau::vision` such as resnet18, or a TOML file that lists layers.
    #[arg(long, value_name = "NAME|FILE", help_heading = "Network")]
    pub model: Option<String>,
    /// Begin with the weights of a checkpoint. Tensors of other names or sizes, such as scores for other classes, begin
    /// anew.
    #[arg(long, value_name = "CHECKPOINT", help_heading = "Network")]
    pub init_from: Option<PathBuf>,
    /// Parts whose names begin so are not changed; may be given several times.
    #[arg(long, value_name = "PREFIX", help_heading = "Network")]
    pub freeze: Vec<String>,

    /// Passes over the training images.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..), help_heading = "Learning")]
    pub epochs: Option<u32>,
    /// Images in a batch.
    #[arg(long, value_name = "N", value_parser = positive, help_heading = "Learning")]
    pub batch_size: Option<usize>,
    /// Batches for one step of the optimizer, so that large batches need little memory [default: 1].
    #[arg(long, value_name = "N", value_parser = positive, help_heading = "Learning")]
    pub accumulate: Option<usize>,
    /// The highest learning rate.
    #[arg(long, value_parser = above_zero, help_heading = "Learning")]
    pub lr: Option<f64>,
    /// How weights follow gradients.
    #[arg(long, value_enum, help_heading = "Learning")]
    pub optimizer: Option<OptimizerKind>,
    /// How the learning rate changes.
    #[arg(long, value_enum, help_heading = "Learning")]
    pub scheduler: Option<SchedulerKind>,
    /// Weight decay.
    #[arg(long, value_parser = zero_or_more, help_heading = "Learning")]
    pub weight_decay: Option<f64>,
    /// Added to the loss: this times the sum of the weights' absolute values [default: 0].
    #[arg(long, value_name = "FACTOR", value_parser = zero_or_more, help_heading = "Learning")]
    pub l1: Option<f64>,
    /// The share of each label that is spread over all classes.
    #[arg(long, value_name = "SHARE", value_parser = share, help_heading = "Learning")]
    pub label_smoothing: Option<f64>,
    /// Scale gradients down to this norm.
    #[arg(long, value_name = "NORM", value_parser = above_zero, help_heading = "Learning")]
    pub clip_norm: Option<f64>,
    /// Keep a running mean of the weights, of which this share stays at each step, such as 0.999; it is what is scored and
    /// written.
    #[arg(long, value_name = "DECAY", value_parser = share, help_heading = "Learning")]
    pub ema: Option<f64>,
    /// End after so many epochs that were not better than the best.
    #[arg(long, value_name = "EPOCHS", value_parser = clap::value_parser!(u64).range(1..), help_heading = "Learning")]
    pub early_stop: Option<u64>,
    /// Mixed precision: convolutions and matrix products of the training are computed in this type of numbers, weights stay
    /// float32.
    #[arg(long, value_enum, help_heading = "Learning")]
    pub amp: Option<Amp>,
    /// Seed of the initial weights, the order of the images and their variations [default: 0].
    #[arg(long, help_heading = "Learning")]
    pub seed: Option<u64>,
    /// Threads that compute; results do not depend on it [default: all cores].
    #[arg(long, value_name = "N", value_parser = positive, help_heading = "Learning")]
    pub threads: Option<usize>,
    /// Where it is computed; there is only the CPU [default: cpu].
    #[arg(long, value_parser = device, hide_possible_values = true, help_heading = "Learning")]
    pub device: Option<Device>,

    /// Where the model goes: NAME.safetensors and NAME.pt [default: digits, or FOLDER/model of the run].
    #[arg(long, value_name = "NAME", help_heading = "Files")]
    pub out: Option<PathBuf>,
    /// Steps of the optimizer between two checkpoints, besides those at the end of epochs.
    #[arg(long, value_name = "STEPS", value_parser = clap::value_parser!(u64).range(1..), help_heading = "Files")]
    pub checkpoint_every: Option<u64>,
}

/// How images are varied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Augment {
    /// Not at all.
    None,
    /// Shifted by a few pixels; photographs: a random part of them.
    Shift,
    /// Shifted, and mirrored half of the time.
    Flip,
    /// Shifted, mirrored, and partly erased half of the time.
    Strong,
}

/// The narrow numbers of mixed precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Amp {
    /// bfloat16: as wide a range as float32, and 8 bits of it.
    Bf16,
}

/// Where networks are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Device {
    /// The processor.
    Cpu,
}

/// Which optimiser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OptimizerKind {
    /// Gradient descent with Nesterov's momentum of 0.9.
    Sgd,
    /// Adam.
    Adam,
    /// Adam with weight decay apart from the gradient.
    Adamw,
}

/// Which scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SchedulerKind {
    /// It does not.
    None,
    /// Falls to zero along a cosine, step by step.
    Cosine,
    /// Rises from a 25th and falls to nearly zero, step by step.
    Onecycle,
    /// A tenth after each third of the epochs.
    Step,
    /// Falls by a factor each epoch, to a hundredth at the end.
    Exponential,
}

fn number(text: &str, wanted: &str, good: impl Fn(f64) -> bool) -> Result<f64, String> {
    text.parse().ok().filter(|&n: &f64| n.is_finite() && good(n)).ok_or_else(|| format!("{wanted} is needed"))
}

fn above_zero(text: &str) -> Result<f64, String> {
    number(text, "a number above zero", |n| n > 0.0)
}

fn device(text: &str) -> Result<Device, String> {
    if text == "cpu" { Ok(Device::Cpu) } else { Err("there is no other device than cpu".to_owned()) }
}

fn zero_or_more(text: &str) -> Result<f64, String> {
    number(text, "a number that is not below zero", |n| n >= 0.0)
}

fn share(text: &str) -> Result<f64, String> {
    number(text, "a share from 0 to less than 1", |n| (0.0..1.0).contains(&n))
}

fn mixup(text: &str) -> Result<f64, String> {
    number(text, "a number from 0 to 4", |n| (0.0..=4.0).contains(&n))
}

impl Options {
    /// Reads a TOML file with the names of the options.
    ///
    /// # Errors
    /// If it cannot be read, or says what is no option.
    pub fn read(path: &Path) -> Result<Self> {
        let failed = |error: &dyn std::fmt::Display| Error::file(format!("{}: {error}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| failed(&error))?;
        let options: Self = toml::from_str(&text).map_err(|error| failed(&error))?;
        options.check().map_err(|error| failed(&error))?;
        Ok(options)
    }

    /// What the command line checks of its words.
    fn check(&self) -> Result<(), String> {
        let all = [
            ("size", self.size.map(|n| positive(&n.to_string()).map(drop))),
            ("batch-size", self.batch_size.map(|n| positive(&n.to_string()).map(drop))),
            ("accumulate", self.accumulate.map(|n| positive(&n.to_string()).map(drop))),
            ("threads", self.threads.map(|n| positive(&n.to_string()).map(drop))),
            ("epochs", self.epochs.map(|n| positive(&n.to_string()).map(drop))),
            ("val-split", self.val_split.map(|n| share(&n.to_string()).map(drop))),
            ("label-smoothing", self.label_smoothing.map(|n| share(&n.to_string()).map(drop))),
            ("ema", self.ema.map(|n| share(&n.to_string()).map(drop))),
            ("mixup", self.mixup.map(|n| mixup(&n.to_string()).map(drop))),
            ("lr", self.lr.map(|n| above_zero(&n.to_string()).map(drop))),
            ("clip-norm", self.clip_norm.map(|n| above_zero(&n.to_string()).map(drop))),
            ("weight-decay", self.weight_decay.map(|n| zero_or_more(&n.to_string()).map(drop))),
            ("l1", self.l1.map(|n| zero_or_more(&n.to_string()).map(drop))),
        ];
        all.into_iter()
            .try_for_each(|(name, checked)| checked.unwrap_or(Ok(())).map_err(|error| format!("{name}: {error}")))
    }

    /// These, and where nothing is said, those of another.
    pub fn over(self, other: Self) -> Self {
        Self {
            data: self.data.or(other.data),
            root: self.root.or(other.root),
            size: self.size.or(other.size),
            val_split: self.val_split.or(other.val_split),
            augment: self.augment.or(other.augment),
            mixup: self.mixup.or(other.mixup),
            model: self.model.or(other.model),
            init_from: self.init_from.or(other.init_from),
            freeze: if self.freeze.is_empty() { other.freeze } else { self.freeze },
            epochs: self.epochs.or(other.epochs),
            batch_size: self.batch_size.or(other.batch_size),
            accumulate: self.accumulate.or(other.accumulate),
            lr: self.lr.or(other.lr),
            optimizer: self.optimizer.or(other.optimizer),
            scheduler: self.scheduler.or(other.scheduler),
            weight_decay: self.weight_decay.or(other.weight_decay),
            l1: self.l1.or(other.l1),
            label_smoothing: self.label_smoothing.or(other.label_smoothing),
            clip_norm: self.clip_norm.or(other.clip_norm),
            ema: self.ema.or(other.ema),
            early_stop: self.early_stop.or(other.early_stop),
            amp: self.amp.or(other.amp),
            seed: self.seed.or(other.seed),
            threads: self.threads.or(other.threads),
            device: self.device.or(other.device),
            out: self.out.or(other.out),
            checkpoint_every: self.checkpoint_every.or(other.checkpoint_every),
        }
    }

    /// With what the recipe for the data says where nothing is said.
    pub fn settle(self) -> Settings {
        let data = self.data.unwrap_or_else(|| "digits".to_owned());
        let recipe = Recipe::of(&data);
        Settings {
            root: self.root,
            size: self.size.or(recipe.size),
            val_split: self.val_split.unwrap_or(0.0),
            augment: self.augment.unwrap_or(recipe.augment),
            mixup: self.mixup.unwrap_or(0.0),
            model: self.model.unwrap_or_else(|| "cnn".to_owned()),
            init_from: self.init_from,
            freeze: self.freeze,
            epochs: self.epochs.unwrap_or(recipe.epochs),
            batch_size: self.batch_size.unwrap_or(recipe.batch_size),
            accumulate: self.accumulate.unwrap_or(1),
            // The recipe's learning rate is for its own optimiser.
            lr: self.lr.unwrap_or(match self.optimizer {
                Some(other) if other != recipe.optimizer => other.usual_lr(),
                _ => recipe.lr,
            }),
            optimizer: self.optimizer.unwrap_or(recipe.optimizer),
            scheduler: self.scheduler.unwrap_or(recipe.scheduler),
            weight_decay: self.weight_decay.unwrap_or(recipe.weight_decay),
            l1: self.l1.unwrap_or(0.0),
            label_smoothing: self.label_smoothing.unwrap_or(recipe.label_smoothing),
            clip_norm: self.clip_norm,
            ema: self.ema,
            early_stop: self.early_stop,
            amp: self.amp,
            seed: self.seed.unwrap_or(0),
            threads: self.threads,
            device: self.device.unwrap_or(Device::Cpu),
            out: self.out,
            checkpoint_every: self.checkpoint_every,
            data,
        }
    }
}

impl OptimizerKind {
    fn usual_lr(self) -> f64 {
        match self {
            OptimizerKind::Sgd => 0.1,
            OptimizerKind::Adam | OptimizerKind::Adamw => 2e-3,
        }
    }
}

/// All options of a training, settled. Written as TOML they are [`Options`].
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Settings {
    pub data: String,
    pub root: Option<PathBuf>,
    pub size: Option<usize>,
    pub val_split: f64,
    pub augment: Augment,
    pub mixup: f64,
    pub model: String,
    pub init_from: Option<PathBuf>,
    pub freeze: Vec<String>,
    pub epochs: u32,
    pub batch_size: usize,
    pub accumulate: usize,
    pub lr: f64,
    pub optimizer: OptimizerKind,
    pub scheduler: SchedulerKind,
    pub weight_decay: f64,
    pub l1: f64,
    pub label_smoothing: f64,
    pub clip_norm: Option<f64>,
    pub ema: Option<f64>,
    pub early_stop: Option<u64>,
    pub amp: Option<Amp>,
    pub seed: u64,
    pub threads: Option<usize>,
    pub device: Device,
    pub out: Option<PathBuf>,
    pub checkpoint_every: Option<u64>,
}

impl Settings {
    /// As a file that [`Options::read`] reads.
    ///
    /// # Errors
    /// If a path is no text.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(self).map_err(|error| Error::value(format!("the configuration: {error}")))
    }

    /// Names and values, for people.
    ///
    /// # Errors
    /// As [`Settings::to_toml`].
    pub fn table(&self) -> Result<Vec<(String, String)>> {
        let text = self.to_toml()?;
        let lines = text.lines().filter_map(|line| line.split_once(" = "));
        Ok(lines.map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::options;

    #[test]
    fn the_command_line_wins_over_the_file_over_the_recipe() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("config.toml");
        std::fs::write(&path, "data = \"fashion-mnist\"\nepochs = 3\nlr = 0.5\nfreeze = [\"a\"]\n").expect("written");
        let line: Options = options("--lr 0.25 --optimizer sgd");
        let settings = line.over(Options::read(&path).expect("options")).settle();
        assert_eq!((settings.data.as_str(), settings.epochs, settings.lr), ("fashion-mnist", 3, 0.25));
        assert_eq!(settings.freeze, ["a"]);
        assert_eq!(settings.batch_size, Recipe::of("fashion-mnist").batch_size);
        // What is written is read as the same.
        std::fs::write(&path, settings.to_toml().expect("TOML")).expect("written");
        assert_eq!(Options::read(&path).expect("options").settle(), settings);
    }

    #[test]
    fn another_optimizer_has_another_learning_rate() {
        let lr = |line: &str| options::<Options>(line).settle().lr;
        assert_eq!(lr("--optimizer adam"), Recipe::of("digits").lr);
        assert_eq!(lr("--optimizer sgd"), 0.1);
        assert_eq!(lr("--optimizer sgd --lr 0.3"), 0.3);
    }

    #[test]
    fn mistakes_in_a_file_are_told_with_its_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("config.toml");
        for (text, words) in [
            ("epoch = 3", "unknown field `epoch`"),
            ("epochs = \"many\"", "invalid type"),
            ("lr = -1.0", "lr: a number above zero is needed"),
            ("batch-size = 0", "batch-size: a whole number above zero is needed"),
            ("device = \"cuda\"", "unknown variant `cuda`"),
            ("optimizer = \"newton\"", "unknown variant `newton`"),
        ] {
            std::fs::write(&path, text).expect("written");
            let message = Options::read(&path).expect_err("a mistake").message().to_owned();
            assert!(message.starts_with(&path.display().to_string()) && message.contains(words), "{message}");
        }
        assert!(Options::read(&folder.path().join("none.toml")).is_err());
    }
}
