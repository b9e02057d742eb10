//! `flambeau train`.

mod data;
mod evaluate;
mod find_lr;
mod freeze;
mod layers;
mod model;
mod objective;
mod options;
mod progress;
mod recipe;
mod record;
mod run;

pub use data::{Data, for_pictures};
pub use evaluate::{Evaluation, evaluate};
pub use model::make;
pub use options::{Augment, Options, Settings};
pub use run::Run;

use crate::interrupt;
use flambeau::data::Dataset;
use flambeau::nn::lr_scheduler::{CosineAnnealingLr, ExponentialLr, LrScheduler, OneCycleLr, StepLr};
use flambeau::prelude::*;
use flambeau::train::{Checkpoint, EarlyStopping, Every, Goal, Scores, Trainer};
use freeze::Frozen;
use objective::Objective;
use options::{OptimizerKind, SchedulerKind};
use progress::Console;
use record::{Record, Shared};
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Instant;

pub const ABOUT: &str = "\
Train a network to tell images apart.

Without options, a network of two convolutions learns to read the handwritten
digits that are part of the program, and digits.safetensors and digits.pt are
written. Other data comes from files: the named sets as they are published, or a
folder of pictures in folders named after their classes. Each has a recipe of its
own, of which every part can be chosen.

Such a training has a folder (runs/NAME, or --run) with its configuration, its
checkpoints, what the epochs came to (JSON lines, CSV, TensorBoard's events), and
report.html. It can be interrupted at any moment, by Ctrl-C or worse: --resume
goes on where the last checkpoint was written, and ends with the very weights of a
training that was never interrupted.";

pub const EXAMPLES: &str = "Examples:
  flambeau train                                     read digits (a few seconds)
  flambeau train --data fashion-mnist                clothes, with its own recipe
  flambeau train --data flowers/ --size 96 --model resnet18 --epochs 30
  flambeau train --data flowers/ --init-from resnet18.pth --model resnet18 \\
      --freeze conv1 --freeze layer1 --size 128      fine-tune
  flambeau train --resume runs/flowers               go on after an interruption
  flambeau train --data mnist --find-lr              which learning rate?
  flambeau train --config runs/flowers/config.toml --lr 0.01 --run runs/slow
  flambeau train --model layers.toml                 a network of your own

A file of layers:
  [[layers]]
  type = \"conv2d\"        # batch_norm2d, relu, max_pool2d, residual, linear, ...
  channels = 32
  kernel = 3
  padding = 1";

/// The command line of `flambeau train`.
#[derive(clap::Args)]
pub struct Command {
    #[command(flatten)]
    options: Options,
    /// Go on with the training in a folder; options that are given win over those it was begun with.
    #[arg(long, value_name = "RUN", conflicts_with_all = ["run", "config", "init_from", "find_lr"], help_heading = "Files")]
    resume: Option<PathBuf>,
    /// The folder of the run [default: runs/NAME; of digits none].
    #[arg(long, value_name = "FOLDER", help_heading = "Files")]
    run: Option<PathBuf>,
    /// A TOML file of options; those of the command line win.
    #[arg(long, value_name = "FILE", help_heading = "Files")]
    config: Option<PathBuf>,
    /// Only try learning rates, from low to high, and show how the loss takes them.
    #[arg(long, help_heading = "Learning")]
    find_lr: bool,
}

/// Trains, tests and saves.
pub fn run(command: &Command) -> Result<ExitCode> {
    interrupt::listen()?;
    let resumed = command.resume.as_deref().map(Run::open).transpose()?;
    let base = match (&resumed, &command.config) {
        (Some(run), _) => run.options()?,
        (None, Some(file)) => Options::read(file)?,
        (None, None) => Options::default(),
    };
    let settings = command.options.clone().over(base).settle();
    // Interrupted before its first checkpoint, a training begins again.
    let last = resumed.as_ref().map(Run::last).filter(|path| path.is_file());
    let checkpoint = last.map(Checkpoint::load).transpose()?;
    if let Some(threads) = settings.threads {
        flambeau::set_num_threads(threads);
    }
    flambeau::manual_seed(settings.seed);
    let data = Data::open(&settings)?;
    let net = make(&settings.model, data.train.shape(), data.classes().len())?;
    if let Some(path) = settings.init_from.as_ref().filter(|_| checkpoint.is_none()) {
        let (count, anew) = model::begin_with(&*net, path)?;
        let others = if anew.is_empty() { String::new() } else { format!("; anew: {}", anew.join(", ")) };
        println!("{count} tensors of {}{others}", path.display());
    }
    println!(
        "{} images to learn from, {} to test with; {} parameters; {} thread(s)",
        data.train.len(),
        data.test.len(),
        net.num_parameters(),
        flambeau::get_num_threads()
    );
    if command.find_lr {
        return find_lr::run(&settings, &net, &data);
    }
    let run = match (resumed, &command.run) {
        (Some(run), _) => Some(run),
        (None, Some(folder)) => Some(Run::create(folder, &settings)?),
        (None, None) if settings.data == "digits" => None,
        (None, None) => Some(Run::create(&Run::unused(&settings.data), &settings)?),
    };
    train(&settings, &*net, &data, run.as_ref(), checkpoint.as_ref())
}

/// An optimiser of some parameters.
fn optimizer(settings: &Settings, parameters: Vec<Tensor>) -> Result<Box<dyn Optimizer>> {
    let Settings { lr, weight_decay, .. } = *settings;
    Ok(match settings.optimizer {
        OptimizerKind::Sgd => {
            Box::new(Sgd::builder(parameters).lr(lr).momentum(0.9).nesterov(true).weight_decay(weight_decay).build()?)
        }
        OptimizerKind::Adam => Box::new(Adam::builder(parameters).lr(lr).weight_decay(weight_decay).build()?),
        OptimizerKind::Adamw => Box::new(AdamW::builder(parameters).lr(lr).weight_decay(weight_decay).build()?),
    })
}

fn scheduler(settings: &Settings, optimizer: &mut dyn Optimizer, steps: u64) -> Option<(Box<dyn LrScheduler>, Every)> {
    let epochs = u64::from(settings.epochs);
    match settings.scheduler {
        SchedulerKind::None => None,
        SchedulerKind::Cosine => Some((Box::new(CosineAnnealingLr::new(optimizer, steps, 0.0)), Every::Step)),
        SchedulerKind::Onecycle => Some((Box::new(OneCycleLr::new(optimizer, settings.lr, steps)), Every::Step)),
        SchedulerKind::Step => Some((Box::new(StepLr::new(optimizer, epochs.div_ceil(3), 0.1)), Every::Epoch)),
        SchedulerKind::Exponential => {
            let gamma = 0.01f64.powf(1.0 / epochs as f64);
            Some((Box::new(ExponentialLr::new(optimizer, gamma)), Every::Epoch))
        }
    }
}

fn train(
    settings: &Settings,
    net: &dyn Layer,
    data: &Data,
    run: Option<&Run>,
    checkpoint: Option<&Checkpoint>,
) -> Result<ExitCode> {
    let start = Instant::now();
    let loader = data.loader(settings)?;
    let (frozen, parameters) = Frozen::new(net, &settings.freeze)?;
    let mut optimizer = optimizer(settings, parameters)?;
    let steps = loader.len().div_ceil(settings.accumulate) as u64 * u64::from(settings.epochs);
    let scheduler = scheduler(settings, &mut optimizer, steps);
    let record = match (run, checkpoint) {
        (Some(run), Some(checkpoint)) => {
            Some(Record::resume(run.folder(), settings, checkpoint.epoch, checkpoint.step)?)
        }
        (Some(run), None) => Some(Record::begin(run.folder(), settings, net, data)?),
        (None, _) => None,
    };
    let record = record.map(|record| Shared(Rc::new(RefCell::new(record))));

    let mut builder = Trainer::builder(net, optimizer)
        .epochs(u64::from(settings.epochs))
        .accumulate(settings.accumulate)
        .watch("accuracy", Goal::Highest)
        .callback(frozen)
        .callback(Console::new())
        .validate(|net| {
            let evaluation = evaluate(*net, data.scored(), false)?;
            let scores = Scores::new().with("loss", evaluation.loss).with("accuracy", evaluation.accuracy);
            Ok(evaluation.top_5.into_iter().fold(scores, |scores, share| scores.with("top-5 accuracy", share)))
        });
    if let Some((scheduler, every)) = scheduler {
        builder = builder.scheduler(scheduler, every);
    }
    if let Some(norm) = settings.clip_norm {
        builder = builder.clip_norm(norm);
    }
    if settings.amp.is_some() {
        builder = builder.amp(DType::BF16);
    }
    if let Some(decay) = settings.ema {
        builder = builder.ema(decay);
    }
    if let Some(epochs) = settings.early_stop {
        builder = builder.callback(EarlyStopping::new("accuracy", Goal::Highest, epochs));
    }
    if let Some(record) = &record {
        builder = builder.callback(record.clone());
    }
    if let Some(run) = run {
        builder = builder.checkpoints(run.folder());
    }
    if let Some(steps) = settings.checkpoint_every {
        builder = builder.checkpoint_every(steps);
    }
    let mut trainer = builder.build()?;
    if let Some(checkpoint) = checkpoint {
        trainer.resume(checkpoint)?;
        println!("going on after step {} in epoch {}", checkpoint.step, checkpoint.epoch + 1);
    }
    let objective = Objective::new(settings);
    let history = trainer.fit(&loader, |net, (images, labels)| objective.of(*net, images, labels))?;
    if history.stopped && interrupt::asked() {
        match run {
            Some(run) => {
                eprintln!("interrupted; to go on: flambeau train --resume {}", run.folder().display());
            }
            None => eprintln!("interrupted: no file was written"),
        }
        return Ok(ExitCode::from(130));
    }

    // The best epoch is known without having looked at the test images only where others were kept apart.
    if let (Some(run), Some(_)) = (run, &data.validation)
        && run.best().is_file()
    {
        trainer.resume(&Checkpoint::load(run.best())?)?;
    }
    let seconds = start.elapsed().as_secs_f64();
    let finish = |net: &dyn Layer| finish(settings, net, data, run, record.as_ref(), seconds);
    match trainer.ema() {
        Some(ema) => ema.with_mean(trainer.net(), |net| finish(*net)),
        None => finish(net),
    }
}

/// Tests the trained network and writes it.
fn finish(
    settings: &Settings,
    net: &dyn Layer,
    data: &Data,
    run: Option<&Run>,
    record: Option<&Shared>,
    seconds: f64,
) -> Result<ExitCode> {
    let test = evaluate(net, &data.test, false)?;
    println!("trained in {seconds:.1} s; test accuracy {:.2} %", 100.0 * test.accuracy);
    let name = match (&settings.out, run) {
        (Some(out), _) => out.clone(),
        (None, Some(run)) => run.model(),
        (None, None) => PathBuf::from("digits"),
    };
    let state = net.state_dict();
    for ending in ["safetensors", "pt"] {
        let path = with_ending(&name, ending);
        flambeau::store::save(&path, state.iter())?;
        println!("wrote {}", path.display());
    }
    if let Some(Shared(record)) = record {
        let scored = match &data.validation {
            Some(images) => evaluate(net, images, false)?,
            None => test,
        };
        let mut record = record.borrow_mut();
        let page = record.end(net, data, &scored)?;
        println!("wrote {}; all epochs took {:.1} s", page.display(), record.time().as_secs_f64());
    }
    Ok(ExitCode::SUCCESS)
}

/// A name with another ending after whatever it has: `a.b` becomes `a.b.pt`.
fn with_ending(name: &Path, ending: &str) -> PathBuf {
    PathBuf::from(format!("{}.{ending}", name.display()))
}
