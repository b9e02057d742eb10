//! The training loop.

use crate::checkpoint::{Best, Checkpoint, RandomState};
use crate::{Batch, Callback, Ema, Epoch, Flow, Goal, History, Loader, Outcome, Progress, Scores};
use flambeau_nn::Module;
use flambeau_nn::lr_scheduler::LrScheduler;
use flambeau_nn::optim::Optimizer;
use flambeau_nn::utils::clip_grad_norm_;
use flambeau_tensor::{DType, Error, Result, Tensor, autocast, autograd::no_grad, default_generator};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// How often a scheduler is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Every {
    /// After every step of the optimiser.
    Step,
    /// After every epoch.
    Epoch,
}

type Validate<'a, M> = Box<dyn FnMut(&M) -> Result<Scores> + 'a>;

struct Watch {
    score: String,
    goal: Goal,
}

struct Checkpoints {
    folder: PathBuf,
    every: Option<u64>,
}

/// Where a run stands between two steps.
#[derive(Clone, Debug, Default)]
struct Position {
    epoch: u64,
    batch: u64,
    samples: u64,
    sums: Scores,
    step: u64,
    best: Option<Best>,
}

/// Trains a network.
///
/// ```
/// use flambeau::nn::lr_scheduler::OneCycleLr;
/// use flambeau::prelude::*;
/// use flambeau::train::{EarlyStopping, Every, Goal, Scores, Trainer};
///
/// let folder = tempfile::tempdir()?;
/// let input = Tensor::randn([64, 3], DType::F32)?;
/// let target = input.sum_dims(&[1], true, None)?;
/// let batches = [(input, target)];
///
/// let net = Linear::new(3, 1)?;
/// let mut optimizer = AdamW::builder(net.parameters()).build()?;
/// let scheduler = OneCycleLr::new(&mut optimizer, 0.1, 20);
/// let mut trainer = Trainer::builder(&net, optimizer)
///     .epochs(20)
///     .scheduler(scheduler, Every::Step)
///     .clip_norm(1.0)
///     .ema(0.99)
///     .validate(|net| {
///         let loss = functional::mse_loss(&net.forward(&batches[0].0)?, &batches[0].1)?;
///         Ok(Scores::new().with("loss", loss.item()?.to_f64()))
///     })
///     .watch("loss", Goal::Lowest)
///     .callback(EarlyStopping::new("loss", Goal::Lowest, 5))
///     .checkpoints(folder.path())
///     .build()?;
/// trainer.fit(&batches[..], |net, (input, target)| functional::mse_loss(&net.forward(input)?, target))?;
/// assert!(folder.path().join("best.pt").exists());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Trainer<'a, M, O> {
    net: M,
    optimizer: O,
    epochs: u64,
    scheduler: Option<(Box<dyn LrScheduler + 'a>, Every)>,
    clip_norm: Option<f64>,
    accumulate: usize,
    amp: Option<DType>,
    ema: Option<Ema>,
    validate: Option<Validate<'a, M>>,
    watch: Option<Watch>,
    callbacks: Vec<Box<dyn Callback<M> + 'a>>,
    checkpoints: Option<Checkpoints>,
    position: Position,
    /// Random states at the beginning of the epoch under way and now, of a run that goes on.
    resumed: Option<[RandomState; 2]>,
}

/// Options of a [`Trainer`].
pub struct TrainerBuilder<'a, M, O> {
    trainer: Trainer<'a, M, O>,
    ema_decay: Option<f64>,
}

impl<'a, M: Module, O: Optimizer> Trainer<'a, M, O> {
    /// Begins with a network, or a reference to one, and an optimiser of its parameters.
    pub fn builder(net: M, optimizer: O) -> TrainerBuilder<'a, M, O> {
        let trainer = Trainer {
            net,
            optimizer,
            epochs: 1,
            scheduler: None,
            clip_norm: None,
            accumulate: 1,
            amp: None,
            ema: None,
            validate: None,
            watch: None,
            callbacks: Vec::new(),
            checkpoints: None,
            position: Position::default(),
            resumed: None,
        };
        TrainerBuilder { trainer, ema_decay: None }
    }

    /// The network.
    pub fn net(&self) -> &M {
        &self.net
    }

    /// The optimiser.
    pub fn optimizer(&self) -> &O {
        &self.optimizer
    }

    pub(crate) fn parts(&mut self) -> (&M, &mut O) {
        (&self.net, &mut self.optimizer)
    }

    /// The running mean of the weights, if one is kept.
    pub fn ema(&self) -> Option<&Ema> {
        self.ema.as_ref()
    }

    /// The best score so far, if one is watched.
    pub fn best(&self) -> Option<&Best> {
        self.position.best.as_ref()
    }

    /// The network again.
    pub fn into_net(self) -> M {
        self.net
    }

    /// Takes over a checkpoint: [`Trainer::fit`] then goes on where it was written. With the same data and options, weights
    /// come out that are bit for bit those of a run that was never interrupted.
    ///
    /// # Errors
    /// If the checkpoint is of another network or optimiser.
    pub fn resume(&mut self, checkpoint: &Checkpoint) -> Result<()> {
        self.net.load_state_dict(&checkpoint.model)?;
        self.optimizer.load_state_dict(&checkpoint.optimizer)?;
        match (&mut self.scheduler, &checkpoint.scheduler) {
            (Some((scheduler, _)), Some(state)) => scheduler.load_state_dict(state)?,
            (None, None) => (),
            _ => return Err(Error::value("either the checkpoint or the trainer has a scheduler, and not the other")),
        }
        match (&mut self.ema, &checkpoint.ema) {
            (Some(ema), Some(state)) => ema.restore(state)?,
            (None, None) => (),
            _ => {
                return Err(Error::value(
                    "either the checkpoint or the trainer has a mean of weights, and not the other",
                ));
            }
        }
        for callback in &mut self.callbacks {
            let name = callback.state().map(|(name, _)| name);
            if let Some((_, state)) = checkpoint.callbacks.iter().find(|(known, _)| Some(known) == name.as_ref()) {
                callback.restore(state)?;
            }
        }
        self.position = Position {
            epoch: checkpoint.epoch,
            batch: checkpoint.batch,
            samples: checkpoint.samples,
            sums: checkpoint.sums.clone(),
            step: checkpoint.step,
            best: checkpoint.best.clone(),
        };
        self.resumed = Some([checkpoint.epoch_random.clone(), checkpoint.random.clone()]);
        Ok(())
    }

    /// Trains for the epochs that are left. `compute` gives the loss of a batch, or an [`Outcome`] with more numbers.
    ///
    /// # Errors
    /// Whatever the loader, the loss, a callback or a file gives.
    pub fn fit<L: Loader + ?Sized, R: Into<Outcome>>(
        &mut self,
        loader: &L,
        mut compute: impl FnMut(&M, &L::Batch) -> Result<R>,
    ) -> Result<History> {
        let mut history = History::default();
        let mut progress = self.progress(loader.batches());
        for callback in &mut self.callbacks {
            callback.train_begins(&self.net, &progress)?;
        }
        while self.position.epoch < self.epochs && !history.stopped {
            progress = self.progress(loader.batches());
            if self.steps_of_epoch(loader, &mut compute, &mut progress)? == Flow::Stop {
                history.stopped = true;
                break;
            }
            if self.end_epoch(loader, &mut progress)? == Flow::Stop {
                history.stopped = true;
            }
            history.epochs.push(Epoch {
                epoch: progress.epoch,
                step: progress.step,
                train: progress.train.clone(),
                validation: progress.validation.clone(),
            });
        }
        for callback in &mut self.callbacks {
            callback.train_ends(&self.net, &progress)?;
        }
        Ok(history)
    }

    fn progress(&self, batches: usize) -> Progress {
        Progress {
            epoch: self.position.epoch + 1,
            epochs: self.epochs,
            batch: self.position.batch as usize,
            batches,
            step: self.position.step,
            samples: self.position.samples,
            learning_rate: self.optimizer.learning_rates().first().copied().unwrap_or(0.0),
            ..Progress::default()
        }
    }

    /// The batches of one epoch.
    fn steps_of_epoch<L: Loader + ?Sized, R: Into<Outcome>>(
        &mut self,
        loader: &L,
        compute: &mut impl FnMut(&M, &L::Batch) -> Result<R>,
        progress: &mut Progress,
    ) -> Result<Flow> {
        self.net.train(true);
        let resumed = self.resumed.take();
        if let Some([begin, _]) = &resumed {
            restore(loader, begin)?;
        }
        let begin = RandomState::now(loader.state()?)?;
        // Callbacks and the loader draw what they drew when the epoch began.
        for callback in &mut self.callbacks {
            callback.epoch_begins(&self.net, progress)?;
        }
        let mut batches = loader.epoch(self.position.batch as usize)?;
        if let Some([_, now]) = resumed.filter(|_| self.position.batch > 0) {
            // The batches that are left out were made from the loader's own state, not from this one.
            default_generator().set_state(&now.generator)?;
        }
        let start = Instant::now();
        loop {
            let left = progress.batches.saturating_sub(self.position.batch as usize);
            let Some(done) = self.one_step(&mut batches, left, compute, progress)? else { break };
            progress.elapsed = start.elapsed();
            progress.samples_since += done;
            let mut flow = Flow::Continue;
            for callback in &mut self.callbacks {
                if callback.step_ends(&self.net, progress)? == Flow::Stop {
                    flow = Flow::Stop;
                }
            }
            let due =
                |checkpoints: &Checkpoints| checkpoints.every.is_some_and(|n| self.position.step.is_multiple_of(n));
            if flow == Flow::Stop || self.checkpoints.as_ref().is_some_and(due) {
                self.save("last.pt", Some(begin.clone()), loader.state()?)?;
            }
            if flow == Flow::Stop {
                return Ok(flow);
            }
        }
        Ok(Flow::Continue)
    }

    /// A step of the optimiser, of as many batches as one takes, or fewer where an epoch ends. Gives how many samples they
    /// had; none if there was no batch.
    fn one_step<B: Batch, R: Into<Outcome>>(
        &mut self,
        batches: &mut impl Iterator<Item = Result<B>>,
        left: usize,
        compute: &mut impl FnMut(&M, &B) -> Result<R>,
        progress: &mut Progress,
    ) -> Result<Option<u64>> {
        let count = self.accumulate.min(left.max(1));
        self.optimizer.zero_grad();
        let (mut done, mut samples, mut total) = (0u64, 0u64, 0.0);
        for batch in batches.take(count) {
            let batch = batch?;
            let outcome = match self.amp {
                Some(dtype) => autocast::with(dtype, || compute(&self.net, &batch)),
                None => compute(&self.net, &batch),
            };
            let Outcome { loss, scores } = outcome?.into();
            // The mean over all batches of the step.
            let share = if count > 1 { loss.div(count as f64)? } else { loss.clone() };
            share.backward()?;
            let (loss, weight) = (loss.item()?.to_f64(), batch.samples() as f64);
            let sums = &mut self.position.sums;
            for (name, value) in std::iter::once(("loss", loss)).chain(scores.iter()) {
                sums.set(name, sums.get(name).unwrap_or(0.0) + value * weight);
            }
            total += loss;
            done += 1;
            samples += batch.samples() as u64;
        }
        if done == 0 {
            return Ok(None);
        }
        progress.gradient_norm =
            self.clip_norm.map(|norm| clip_grad_norm_(&self.optimizer.params(), norm)).transpose()?;
        progress.learning_rate = self.optimizer.learning_rates().first().copied().unwrap_or(0.0);
        self.optimizer.step()?;
        if let Some(ema) = &mut self.ema {
            ema.update(&self.net)?;
        }
        if let Some((scheduler, Every::Step)) = &mut self.scheduler {
            scheduler.step(&mut self.optimizer);
        }
        let position = &mut self.position;
        position.step += 1;
        position.batch += done;
        position.samples += samples;
        progress.batch = position.batch as usize;
        progress.step = position.step;
        progress.samples = position.samples;
        progress.loss = total / done as f64;
        progress.train = means(&position.sums, position.samples);
        Ok(Some(samples))
    }

    /// Validation, the best score, checkpoints.
    fn end_epoch<L: Loader + ?Sized>(&mut self, loader: &L, progress: &mut Progress) -> Result<Flow> {
        if let Some((scheduler, Every::Epoch)) = &mut self.scheduler {
            scheduler.step(&mut self.optimizer);
        }
        progress.train = means(&self.position.sums, self.position.samples);
        if let Some(validate) = &mut self.validate {
            self.net.eval();
            progress.validation = no_grad(|| match &self.ema {
                Some(ema) => ema.with_mean(&self.net, |net| validate(net)),
                None => validate(&self.net),
            })?;
        }
        self.position = Position {
            epoch: self.position.epoch + 1,
            step: self.position.step,
            best: self.position.best.take(),
            ..Position::default()
        };
        if let Some(Watch { score, goal }) = &self.watch {
            let value = progress.validation.get(score).or_else(|| progress.train.get(score));
            let old = self.position.best.as_ref().map_or(f64::NAN, |best| best.value);
            if let Some(value) = value.filter(|&value| goal.better(value, old, 0.0)) {
                self.position.best = Some(Best { name: score.clone(), value, epoch: progress.epoch });
                progress.improved = true;
            }
        }
        let mut flow = Flow::Continue;
        for callback in &mut self.callbacks {
            if callback.epoch_ends(&self.net, progress)? == Flow::Stop {
                flow = Flow::Stop;
            }
        }
        // The best first: killed in between, the run goes on from the epoch before and finds it again.
        if progress.improved {
            self.save("best.pt", None, loader.state()?)?;
        }
        self.save("last.pt", None, loader.state()?)?;
        Ok(flow)
    }

    /// The state of the run, of which tensors are shared, not copied. `epoch_random` is what random numbers came from when
    /// the epoch under way began; between epochs there is none.
    fn checkpoint(&self, epoch_random: Option<RandomState>, loader: Option<Tensor>) -> Result<Checkpoint> {
        let random = RandomState::now(loader)?;
        let Position { epoch, batch, samples, sums, step, best } = self.position.clone();
        Ok(Checkpoint {
            model: self.net.state_dict(),
            optimizer: self.optimizer.state_dict()?,
            scheduler: self.scheduler.as_ref().map(|(scheduler, _)| scheduler.state_dict()),
            ema: self.ema.as_ref().map(Ema::to_value),
            epoch,
            batch,
            samples,
            sums,
            step,
            best,
            epoch_random: epoch_random.unwrap_or_else(|| random.clone()),
            random,
            callbacks: self.callbacks.iter().filter_map(|callback| callback.state()).collect(),
        })
    }

    fn save(&self, name: &str, epoch_random: Option<RandomState>, loader: Option<Tensor>) -> Result<()> {
        match &self.checkpoints {
            Some(Checkpoints { folder, .. }) => self.checkpoint(epoch_random, loader)?.save(folder.join(name)),
            None => Ok(()),
        }
    }
}

fn means(sums: &Scores, samples: u64) -> Scores {
    let count = samples.max(1) as f64;
    sums.iter().fold(Scores::new(), |means, (name, sum)| means.with(name, sum / count))
}

fn restore<L: Loader + ?Sized>(loader: &L, state: &RandomState) -> Result<()> {
    default_generator().set_state(&state.generator)?;
    state.loader.as_ref().map_or(Ok(()), |state| loader.restore(state))
}

impl<'a, M: Module, O: Optimizer> TrainerBuilder<'a, M, O> {
    /// Passes over the data (1 by default).
    #[must_use]
    pub fn epochs(mut self, epochs: u64) -> Self {
        self.trainer.epochs = epochs;
        self
    }

    /// Changes the learning rate, asked as often as told.
    #[must_use]
    pub fn scheduler(mut self, scheduler: impl LrScheduler + 'a, every: Every) -> Self {
        self.trainer.scheduler = Some((Box::new(scheduler), every));
        self
    }

    /// Scales gradients down to this norm: see [`clip_grad_norm_`].
    #[must_use]
    pub fn clip_norm(mut self, norm: f64) -> Self {
        self.trainer.clip_norm = Some(norm);
        self
    }

    /// Makes one step of so many batches, whose losses are averaged (1 by default). The last step of an epoch has those
    /// that are left.
    #[must_use]
    pub fn accumulate(mut self, batches: usize) -> Self {
        self.trainer.accumulate = batches;
        self
    }

    /// Computes losses in mixed precision: convolutions and products in `dtype`, bfloat16, and the rest as [`autocast`]
    /// says. Weights, gradients, what the optimiser keeps, and validation stay as they are.
    #[must_use]
    pub fn amp(mut self, dtype: DType) -> Self {
        self.trainer.amp = Some(dtype);
        self
    }

    /// Keeps a running mean of the weights, of which this share stays at every step, and validates with it.
    #[must_use]
    pub fn ema(mut self, decay: f64) -> Self {
        self.ema_decay = Some(decay);
        self
    }

    /// Scores the network after every epoch. It is in evaluation mode then, and no gradients are recorded.
    #[must_use]
    pub fn validate(mut self, validate: impl FnMut(&M) -> Result<Scores> + 'a) -> Self {
        self.trainer.validate = Some(Box::new(validate));
        self
    }

    /// Remembers the epoch with the best score of this name, of the validation or else of the training.
    #[must_use]
    pub fn watch(mut self, score: &str, goal: Goal) -> Self {
        self.trainer.watch = Some(Watch { score: score.to_owned(), goal });
        self
    }

    /// Tells a callback what happens, after those that were added before.
    #[must_use]
    pub fn callback(mut self, callback: impl Callback<M> + 'a) -> Self {
        self.trainer.callbacks.push(Box::new(callback));
        self
    }

    /// Writes `last.pt` into a folder, which must be there, after every epoch and when a callback ends training, and
    /// `best.pt` after an epoch with the best watched score.
    #[must_use]
    pub fn checkpoints(mut self, folder: impl AsRef<Path>) -> Self {
        let every = self.trainer.checkpoints.and_then(|checkpoints| checkpoints.every);
        self.trainer.checkpoints = Some(Checkpoints { folder: folder.as_ref().to_owned(), every });
        self
    }

    /// Writes `last.pt` after every so many steps too. Without [`TrainerBuilder::checkpoints`] before, nothing is written.
    #[must_use]
    pub fn checkpoint_every(mut self, steps: u64) -> Self {
        if let Some(checkpoints) = &mut self.trainer.checkpoints {
            checkpoints.every = Some(steps.max(1));
        }
        self
    }

    /// Makes the trainer.
    ///
    /// # Errors
    /// If a step is to have no batch, the decay of the mean weights is not between 0 and 1, or mixed precision is to be
    /// with another dtype than bfloat16, whose gradients would vanish or be none.
    pub fn build(self) -> Result<Trainer<'a, M, O>> {
        let TrainerBuilder { mut trainer, ema_decay } = self;
        if trainer.accumulate == 0 {
            return Err(Error::value("a step takes at least one batch, but accumulate is 0"));
        }
        if let Some(dtype) = trainer.amp.filter(|&dtype| dtype != DType::BF16) {
            return Err(Error::value(format!("mixed precision trains with bfloat16, but got {}", dtype.name())));
        }
        trainer.ema = ema_decay.map(|decay| Ema::new(&trainer.net, decay)).transpose()?;
        Ok(trainer)
    }
}
