//! A run that is interrupted and goes on ends with the weights of one that was not, bit for bit.

use flambeau::data::{DataLoader, TensorDataset, digits};
use flambeau::nn::lr_scheduler::{CosineAnnealingLr, OneCycleLr};
use flambeau::prelude::*;
use flambeau::tensor::{Generator, default_generator};
use flambeau::train::{
    Callback, Checkpoint, EarlyStopping, Epoch, Every, Flow, Goal, History, Outcome, Progress, Scores, Trainer,
    metrics::Accuracy,
};
use std::path::Path;
use std::sync::Mutex;

type TestResult = std::result::Result<(), Box<dyn std::error::Error>>;

/// All draw from the generator that the process has.
static ALONE: Mutex<()> = Mutex::new(());

#[derive(flambeau::nn::Module)]
struct Net {
    conv: Conv2d,
    norm: BatchNorm2d,
    dropout: Dropout,
    linear: Linear,
}

impl Net {
    fn new() -> Result<Self> {
        Ok(Self {
            conv: Conv2d::builder(1, 4, 3).padding(1).build()?,
            norm: BatchNorm2d::new(4)?,
            dropout: Dropout::new(0.25),
            linear: Linear::new(4 * 16, 10)?,
        })
    }
}

impl Forward for Net {
    fn forward(&self, images: &Tensor) -> Result<Tensor> {
        let x = self.norm.forward(&self.conv.forward(images)?)?.relu()?;
        self.linear.forward(&self.dropout.forward(&functional::max_pool2d(&x, 2)?.flatten(1, -1)?)?)
    }
}

/// Ends training after so many steps, as somebody who presses Ctrl-C.
struct StopAt(Option<u64>);

impl<M> Callback<M> for StopAt {
    fn step_ends(&mut self, _: &M, progress: &Progress) -> Result<Flow> {
        Ok(if Some(progress.step) == self.0 { Flow::Stop } else { Flow::Continue })
    }
}

/// How a run is made.
#[derive(Clone, Copy)]
struct Run {
    adam: bool,
    own_generator: bool,
    workers: usize,
    accumulate: usize,
}

const EPOCHS: u64 = 3;

impl Run {
    fn loader(self, data: &TensorDataset) -> Result<DataLoader<TensorDataset>> {
        let mut builder = DataLoader::builder(data.clone()).batch_size(32).shuffle(true).workers(self.workers);
        if self.own_generator {
            builder = builder.generator(Generator::seeded(5));
        }
        builder.build()
    }

    /// Trains from the beginning or from a folder's last checkpoint, to the end or to a step.
    fn train(self, folder: &Path, resume: bool, until: Option<u64>) -> Result<(Net, History)> {
        // What was before must not matter to a run that goes on.
        flambeau::manual_seed(if resume { 999 } else { 7 });
        let data = few()?;
        let loader = self.loader(&data)?;
        let net = Net::new()?;
        let steps = EPOCHS * loader.len().div_ceil(self.accumulate) as u64;
        let parameters = net.parameters();
        let mut optimizer: Box<dyn Optimizer> = if self.adam {
            Box::new(AdamW::builder(parameters).lr(0.01).build()?)
        } else {
            Box::new(Sgd::builder(parameters).lr(0.05).momentum(0.9).nesterov(true).weight_decay(1e-4).build()?)
        };
        let one_cycle = OneCycleLr::new(&mut optimizer, 0.02, steps);
        let cosine = CosineAnnealingLr::new(&optimizer, EPOCHS, 0.0);
        let mut builder = Trainer::builder(net, optimizer).epochs(EPOCHS).accumulate(self.accumulate).clip_norm(5.0);
        builder =
            if self.adam { builder.scheduler(one_cycle, Every::Step) } else { builder.scheduler(cosine, Every::Epoch) };
        let test = digits::test()?;
        let mut trainer = builder
            .ema(0.9)
            .validate(move |net| {
                let share = Accuracy::new().update(&net.forward(test.inputs())?, test.targets())?;
                Ok(Scores::new().with("accuracy", share))
            })
            .watch("accuracy", Goal::Highest)
            .callback(EarlyStopping::new("accuracy", Goal::Highest, 50))
            .callback(StopAt(until))
            .checkpoints(folder)
            .checkpoint_every(3)
            .build()?;
        if resume {
            trainer.resume(&Checkpoint::load(folder.join("last.pt"))?)?;
        }
        let history = trainer.fit(&loader, |net, (images, labels)| {
            let scores = net.forward(images)?;
            let right = Accuracy::new().update(&scores, labels)?;
            Ok(Outcome::from(functional::cross_entropy(&scores, labels)?).with("accuracy", right))
        })?;
        Ok((trainer.into_net(), history))
    }
}

/// Ten batches of digits, the last one smaller.
fn few() -> Result<TensorDataset> {
    let all = digits::train()?;
    TensorDataset::new(all.inputs().narrow(0, 0, 300)?, all.targets().narrow(0, 0, 300)?)
}

fn weights(net: &Net) -> Result<Vec<u8>> {
    Ok(net.state_dict().tensors().map(Tensor::to_bytes).collect::<Result<Vec<_>>>()?.concat())
}

#[test]
fn going_on_is_as_not_having_stopped() -> TestResult {
    let _alone = ALONE.lock();
    let runs = [
        Run { adam: false, own_generator: false, workers: 0, accumulate: 1 },
        Run { adam: true, own_generator: true, workers: 2, accumulate: 1 },
        Run { adam: true, own_generator: false, workers: 2, accumulate: 3 },
    ];
    for run in runs {
        let folder = tempfile::tempdir()?;
        let (net, whole) = run.train(folder.path(), false, None)?;
        assert_eq!(whole.epochs.len() as u64, EPOCHS);
        let expected = weights(&net)?;
        let per_epoch = 10usize.div_ceil(run.accumulate) as u64;
        // In an epoch, at its last step, in the first step of another, and twice.
        for stops in [&[2][..], &[per_epoch], &[per_epoch + 1], &[1, per_epoch + 2, 2 * per_epoch + 1]] {
            let folder = tempfile::tempdir()?;
            let mut epochs: Vec<Epoch> = Vec::new();
            for (number, stop) in stops.iter().enumerate() {
                let (_, history) = run.train(folder.path(), number > 0, Some(*stop))?;
                assert!(history.stopped);
                epochs.extend(history.epochs);
            }
            let (net, history) = run.train(folder.path(), true, None)?;
            epochs.extend(history.epochs);
            assert!(weights(&net)? == expected, "stopped at {stops:?}");
            // What was told of the epochs is the same too, losses included.
            assert_eq!(epochs, whole.epochs, "stopped at {stops:?}");
        }
    }
    Ok(())
}

#[test]
fn the_default_generator_is_where_it_would_have_been() -> TestResult {
    let _alone = ALONE.lock();
    let run = Run { adam: false, own_generator: false, workers: 0, accumulate: 1 };
    let folder = tempfile::tempdir()?;
    run.train(folder.path(), false, None)?;
    let expected = default_generator().random64();
    run.train(folder.path(), false, Some(13))?;
    run.train(folder.path(), true, None)?;
    assert_eq!(default_generator().random64(), expected);
    Ok(())
}

#[test]
fn a_checkpoint_of_something_else_is_refused() -> TestResult {
    let _alone = ALONE.lock();
    let run = Run { adam: true, own_generator: false, workers: 0, accumulate: 1 };
    let folder = tempfile::tempdir()?;
    run.train(folder.path(), false, Some(1))?;
    let checkpoint = Checkpoint::load(folder.path().join("last.pt"))?;
    let net = Net::new()?;
    let adam = Adam::builder(net.parameters()).build()?;
    let mut trainer = Trainer::builder(&net, adam).build()?;
    let error = trainer.resume(&checkpoint).err().map(|error| error.message().to_owned()).unwrap_or_default();
    assert_eq!(error, "either the checkpoint or the trainer has a scheduler, and not the other");
    let other = Linear::new(3, 2)?;
    let sgd = Sgd::builder(other.parameters()).build()?;
    let error = Trainer::builder(&other, sgd).build()?.resume(&checkpoint).err().map(|e| e.message().to_owned());
    assert!(error.is_some_and(|error| error.contains("Missing key(s) in state_dict: \"weight\", \"bias\"")));
    Ok(())
}

#[test]
fn the_file_is_one_that_other_readers_know() -> TestResult {
    let _alone = ALONE.lock();
    let run = Run { adam: true, own_generator: false, workers: 0, accumulate: 1 };
    let folder = tempfile::tempdir()?;
    let (net, _) = run.train(folder.path(), false, None)?;
    // The weights are found by those who know nothing of training.
    let state = flambeau::store::load(folder.path().join("last.pt"))?;
    let names: Vec<&str> = state.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, net.state_dict().keys().collect::<Vec<_>>());
    // The optimiser's part is laid out as PyTorch's.
    let value = flambeau::store::torch::load(folder.path().join("last.pt"))?;
    let optimizer = value.get("optimizer").ok_or("an optimiser")?;
    let first = optimizer.get("state").and_then(|state| state.entries()).ok_or("a state")?;
    assert!(matches!(first[0].0, flambeau::store::Value::Int(0)));
    for name in ["step", "exp_avg", "exp_avg_sq"] {
        assert!(first[0].1.get(name).is_some(), "{name}");
    }
    Ok(())
}
