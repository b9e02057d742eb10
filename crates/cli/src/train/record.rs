//! The run's folder: what is remembered while it goes on.

use super::data::Data;
use super::evaluate::Evaluation;
use super::options::Settings;
use crate::report::{self, Story, picture};
use crate::summary::{algorithm, median};
use flambeau::autograd::no_grad;
use flambeau::data::Dataset;
use flambeau::nn::watch::{Call, watch, watch_values};
use flambeau::prelude::*;
use flambeau::store::events::EventWriter;
use flambeau::train::{Callback, Flow, Progress};
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The points of an epoch that TensorBoard is told of.
const POINTS: u64 = 50;
/// How often the layers are timed.
const PASSES: usize = 9;
/// The layers whose outputs are shown.
const FEATURES: usize = 4;

/// What a run's folder is told, and writes down.
pub struct Record {
    story: Story,
    folder: PathBuf,
    events: EventWriter,
    epoch_began: Instant,
}

impl Record {
    /// Begins the story of a run.
    ///
    /// # Errors
    /// If the folder cannot be written to.
    pub fn begin(folder: &Path, settings: &Settings, net: &dyn Layer, data: &Data) -> Result<Self> {
        let name = Path::new(&settings.data).file_name().map_or(settings.data.clone(), |n| n.to_string_lossy().into());
        let story = Story {
            title: format!("{} on {name}", settings.model),
            command: std::env::args().collect(),
            configuration: settings.table()?,
            began: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs()),
            dataset: report::Dataset {
                name: settings.data.clone(),
                classes: data.classes().to_vec(),
                train: data.train.len(),
                validation: data.scored().len(),
                input: data.train.shape().to_vec(),
            },
            model: report::Model {
                name: settings.model.clone(),
                parameters: net.num_parameters() as u64,
                layers: layers(net, data.train.shape())?,
            },
            machine: report::Machine::here(),
            ..Story::default()
        };
        report::save(&story, folder)?;
        Ok(Self { story, folder: folder.to_owned(), events: EventWriter::create(folder)?, epoch_began: Instant::now() })
    }

    /// Goes on with the story of a run after so many epochs and steps.
    ///
    /// # Errors
    /// If it cannot be read or written.
    pub fn resume(folder: &Path, settings: &Settings, epochs: u64, step: u64) -> Result<Self> {
        let mut story = report::load(folder)?;
        story.epochs.retain(|epoch| u64::from(epoch.epoch) <= epochs);
        story.steps.truncate(step);
        story.configuration = settings.table()?;
        report::save(&story, folder)?;
        Ok(Self { story, folder: folder.to_owned(), events: EventWriter::create(folder)?, epoch_began: Instant::now() })
    }

    fn step(&mut self, progress: &Progress) -> Result<()> {
        self.story.steps.push(progress.step, progress.loss, progress.learning_rate);
        if progress.step.is_multiple_of((progress.batches as u64 / POINTS).max(1)) {
            self.events.add_scalar("loss/step", progress.loss, progress.step)?;
            self.events.add_scalar("learning rate", progress.learning_rate, progress.step)?;
            if let Some(norm) = progress.gradient_norm {
                self.events.add_scalar("gradient norm", norm, progress.step)?;
            }
        }
        Ok(())
    }

    fn epoch(&mut self, progress: &Progress) -> Result<()> {
        let mut epoch = report::Epoch {
            epoch: u32::try_from(progress.epoch).unwrap_or(u32::MAX),
            step: progress.step,
            train_loss: progress.train.get("loss").unwrap_or(f64::NAN),
            train_accuracy: progress.train.get("accuracy"),
            validation_loss: progress.validation.get("loss"),
            validation_accuracy: progress.validation.get("accuracy"),
            learning_rate: progress.learning_rate,
            images_per_second: progress.samples_per_second(),
            seconds: self.epoch_began.elapsed().as_secs_f64(),
            more: Default::default(),
        };
        for (name, value) in progress.validation.iter().filter(|(name, _)| !matches!(*name, "loss" | "accuracy")) {
            epoch.more.insert(name.to_owned(), value);
        }
        for (part, scores) in [("train", &progress.train), ("validation", &progress.validation)] {
            for (name, value) in scores.iter() {
                self.events.add_scalar(&format!("{name}/{part}"), value, progress.step)?;
            }
        }
        self.story.epochs.push(epoch);
        report::save(&self.story, &self.folder)
    }

    /// Writes down what the trained network makes of the images it is scored with, and the report.
    ///
    /// # Errors
    /// If an image cannot be read, or a file cannot be written.
    pub fn end(&mut self, net: &dyn Layer, data: &Data, evaluation: &Evaluation) -> Result<PathBuf> {
        let classes = data.classes().len();
        let mut confusion = report::Confusion::new(classes);
        for (label, answer) in (0..classes).flat_map(|label| (0..classes).map(move |answer| (label, answer))) {
            for _ in 0..evaluation.confusion.count(label, answer) {
                confusion.add(label, answer);
            }
        }
        self.story.confusion = Some(confusion);
        let images = data.scored().images();
        self.story.mistakes.clear();
        for mistake in &evaluation.mistakes {
            let (image, _) = images.get(mistake.index)?;
            let source = images.name(mistake.index);
            self.story.mistakes.push(report::Mistake {
                picture: picture::Picture::new(&image)?,
                label: mistake.label,
                answer: mistake.answer,
                probability: f64::from(mistake.probability),
                // Images that are in no file of their own have numbers.
                source: Path::new(&source).is_file().then_some(source),
            });
        }
        let first = net.parameters().into_iter().find(|parameter| parameter.ndim() == 4);
        self.story.filters = first.map_or(Ok(Vec::new()), |weight| picture::filters(&weight))?;
        self.story.features = Some(features(net, data)?);
        for (layer, seconds) in self.story.model.layers.iter_mut().zip(times(net, data.train.shape())?) {
            layer.seconds = Some(seconds);
        }
        report::save(&self.story, &self.folder)?;
        let page = self.folder.join("report.html");
        report::write(&self.story, &page)?;
        Ok(page)
    }

    /// How long all epochs of the run took, also those of processes before this one.
    pub fn time(&self) -> Duration {
        let seconds = self.story.epochs.iter().map(|epoch| epoch.seconds).sum();
        Duration::try_from_secs_f64(seconds).unwrap_or_default()
    }
}

/// What is known of the layers that learn.
fn layers(net: &dyn Layer, [channels, height, width]: [usize; 3]) -> Result<Vec<report::Layer>> {
    net.eval();
    let image = Tensor::zeros([1, channels, height, width], DType::F32)?;
    let (output, calls) = watch(|| no_grad(|| net.forward(&image)));
    output?;
    net.train(true);
    let parameters = net.named_parameters();
    let layer = |call: &Call| {
        let name = name(call, &parameters);
        let own = |known: &str| known.strip_prefix(name).is_some_and(|part| matches!(part, ".weight" | ".bias"));
        Ok(report::Layer {
            name: name.to_owned(),
            kind: call.kind.to_owned(),
            output: call.output.to_vec(),
            parameters: parameters.iter().filter(|(known, _)| own(known)).map(|(_, p)| p.numel() as u64).sum(),
            // The first pass of a network makes plans and tells nothing about those to come: see `times`.
            seconds: None,
            algorithm: algorithm(call)?.to_owned(),
        })
    };
    calls.iter().map(layer).collect()
}

/// How many seconds each of [`layers`] takes for one image: the middle one of some passes after the first.
fn times(net: &dyn Layer, [channels, height, width]: [usize; 3]) -> Result<Vec<f64>> {
    net.eval();
    let image = Tensor::zeros([1, channels, height, width], DType::F32)?;
    let mut passes = Vec::with_capacity(PASSES + 1);
    for _ in 0..=PASSES {
        let (output, calls) = watch(|| no_grad(|| net.forward(&image)));
        output?;
        passes.push(calls);
    }
    passes.remove(0);
    let calls = passes.iter().map(Vec::len).min().unwrap_or(0);
    Ok((0..calls).map(|at| median(passes.iter().map(|calls| calls[at].elapsed).collect()).as_secs_f64()).collect())
}

/// The layer that a call was of, by its name in the state dict.
fn name<'a>(call: &Call, parameters: &'a [(String, Tensor)]) -> &'a str {
    let found = parameters.iter().find(|(_, p)| call.weight.as_ref().is_some_and(|weight| weight.same(p)));
    found.map_or("", |(name, _)| name.strip_suffix(".weight").unwrap_or(name))
}

/// What the first, the last and some convolutions between them make of the first image that is scored.
fn features(net: &dyn Layer, data: &Data) -> Result<report::Features> {
    net.eval();
    let (prepared, label) = data.scored().get(0)?;
    let (output, mut calls) = watch_values(|| no_grad(|| net.forward(&prepared.unsqueeze(0)?)));
    output?;
    calls.retain(|call| call.value.as_ref().is_some_and(|value| value.ndim() == 4) && call.kind.starts_with("Conv"));
    let parameters = net.named_parameters();
    let last = calls.len().saturating_sub(1);
    let mut shown: Vec<usize> = (0..FEATURES).map(|number| number * last / (FEATURES - 1)).collect();
    shown.dedup();
    let layers = shown.into_iter().filter_map(|at| calls.get(at)).filter_map(|call| {
        let value = call.value.as_ref()?;
        Some(picture::channels(value).map(|channels| (name(call, &parameters).to_owned(), channels)))
    });
    let (image, _) = data.scored().images().get(0)?;
    Ok(report::Features {
        picture: picture::Picture::new(&image)?,
        caption: usize::try_from(label).ok().and_then(|label| data.classes().get(label)).cloned().unwrap_or_default(),
        layers: layers.collect::<Result<_>>()?,
    })
}

/// A record that is also asked when training is over.
#[derive(Clone)]
pub struct Shared(pub Rc<RefCell<Record>>);

impl<M: ?Sized> Callback<M> for Shared {
    fn epoch_begins(&mut self, _: &M, _: &Progress) -> Result<()> {
        self.0.borrow_mut().epoch_began = Instant::now();
        Ok(())
    }

    fn step_ends(&mut self, _: &M, progress: &Progress) -> Result<Flow> {
        self.0.borrow_mut().step(progress).map(|()| Flow::Continue)
    }

    fn epoch_ends(&mut self, _: &M, progress: &Progress) -> Result<Flow> {
        self.0.borrow_mut().epoch(progress).map(|()| Flow::Continue)
    }
}
