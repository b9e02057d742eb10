//! Batches, made on worker threads and handed over in order.

use crate::dataset::named;
use crate::{Collate, Dataset, EpochSeed, RandomSampler, Sampler, SequentialSampler};
use flambeau_tensor::{Error, ErrorKind, Generator, Result, Tensor, default_generator};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// Iterates over a dataset in batches.
///
/// ```
/// use flambeau_data::{DataLoader, digits};
///
/// let loader = DataLoader::builder(digits::train()?).batch_size(64).shuffle(true).build()?;
/// for batch in loader.iter()? {
///     let (images, labels) = batch?;
///     assert_eq!(images.shape()[1..], [1, 8, 8]);
///     assert_eq!(labels.shape()[0], images.shape()[0]);
/// }
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub struct DataLoader<D: Dataset> {
    source: Arc<Source<D>>,
    sampler: Box<dyn Sampler>,
    batch_size: usize,
    drop_last: bool,
    workers: usize,
    prefetch: usize,
    generator: Option<Generator>,
}

/// What is done about samples that cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnCorrupt {
    /// The batch is an error that names the sample.
    #[default]
    Stop,
    /// The sample is left out of its batch, and listed by [`DataLoader::skipped`].
    Skip,
}

/// A sample that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Its number.
    pub index: usize,
    /// Why it could not be read, with its name.
    pub error: Error,
}

/// What workers share.
struct Source<D> {
    dataset: D,
    on_corrupt: OnCorrupt,
    /// In the order in which workers met them.
    skipped: Mutex<Vec<Skipped>>,
}

/// Where an epoch is: enough to go on in the middle of it, in another process too.
#[derive(Clone, Debug)]
pub struct EpochState {
    /// The seed of this epoch's augmentation.
    pub seed: u64,
    /// The state of the generator that the order was drawn from, before it was; see [`Generator::get_state`].
    pub generator: Tensor,
    /// How many batches were handed over.
    pub position: usize,
    /// How many samples a batch has, with which the position makes sense.
    pub batch_size: usize,
    /// How many samples the dataset has.
    pub samples: usize,
}

/// Options of a [`DataLoader`].
pub struct DataLoaderBuilder<D: Dataset> {
    dataset: D,
    sampler: Box<dyn Sampler>,
    batch_size: usize,
    drop_last: bool,
    workers: usize,
    prefetch: usize,
    generator: Option<Generator>,
    on_corrupt: OnCorrupt,
}

impl<D: Dataset + 'static> DataLoader<D> {
    /// A loader of single samples in order, without workers, until told otherwise.
    pub fn builder(dataset: D) -> DataLoaderBuilder<D> {
        DataLoaderBuilder {
            dataset,
            sampler: Box::new(SequentialSampler),
            batch_size: 1,
            drop_last: false,
            workers: 0,
            prefetch: 2,
            generator: None,
            on_corrupt: OnCorrupt::Stop,
        }
    }

    /// How many batches an epoch has.
    pub fn len(&self) -> usize {
        let samples = self.source.dataset.len();
        if self.drop_last { samples / self.batch_size } else { samples.div_ceil(self.batch_size) }
    }

    /// Whether an epoch has no batch.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The dataset.
    pub fn dataset(&self) -> &D {
        &self.source.dataset
    }

    /// The samples that were left out so far, where [`OnCorrupt::Skip`] was asked for; each as often as it was met.
    pub fn skipped(&self) -> Vec<Skipped> {
        self.source.skipped.lock().unwrap_or_else(|e| e.into_inner()).clone()
    }

    /// The source of the random order, if the loader was given one.
    pub fn generator(&self) -> Option<&Generator> {
        self.generator.as_ref()
    }

    /// Begins an epoch.
    ///
    /// # Errors
    /// If the sampler gives no order.
    pub fn iter(&self) -> Result<Batches<D>> {
        // PyTorch's loader draws a seed for its workers first, and one for this epoch's order unless
        // it was given a generator for both.
        let (seed, generator) = match &self.generator {
            Some(generator) => (generator.random64(), generator.clone()),
            None => {
                let default = default_generator();
                (default.random64(), Generator::seeded(default.random64()))
            }
        };
        self.start(seed, &generator, 0)
    }

    /// Goes on in the epoch that `state` is of. The loader's own generator, if it has one, is put where that epoch
    /// had it; the default generator is left alone.
    ///
    /// ```
    /// use flambeau_data::{DataLoader, digits};
    /// use flambeau_tensor::Generator;
    ///
    /// let loader = |seed| {
    ///     let generator = Generator::seeded(seed);
    ///     DataLoader::builder(digits::test()?).batch_size(64).shuffle(true).generator(generator).build()
    /// };
    /// let (first, second) = (loader(1)?, loader(2)?);
    /// let mut whole = first.iter()?;
    /// whole.next();
    /// let mut rest = second.resume(&whole.state())?;
    /// let labels = |batch: Option<flambeau_tensor::Result<(_, flambeau_tensor::Tensor)>>| {
    ///     batch.expect("a batch")?.1.to_vec::<i64>()
    /// };
    /// assert_eq!(labels(whole.next())?, labels(rest.next())?);
    /// # Ok::<(), flambeau_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the state is that of a loader with other batches, or the sampler gives no order.
    pub fn resume(&self, state: &EpochState) -> Result<Batches<D>> {
        let (batch_size, samples) = (self.batch_size, self.source.dataset.len());
        if (state.batch_size, state.samples) != (batch_size, samples) {
            return Err(Error::value(format!(
                "the epoch to go on with has batches of {} from {} samples, and this loader has batches of {batch_size} from {samples}",
                state.batch_size, state.samples
            )));
        }
        let generator = self.generator.clone().unwrap_or_default();
        generator.set_state(&state.generator)?;
        self.start(state.seed, &generator, state.position)
    }

    fn start(&self, seed: u64, generator: &Generator, position: usize) -> Result<Batches<D>> {
        let samples = self.source.dataset.len();
        let state =
            EpochState { seed, generator: generator.get_state()?, position, batch_size: self.batch_size, samples };
        let order = self.sampler.order(samples, generator)?;
        let mut batches: Vec<Vec<usize>> = order.chunks(self.batch_size).map(<[usize]>::to_vec).collect();
        if self.drop_last && batches.last().is_some_and(|b| b.len() < self.batch_size) {
            batches.pop();
        }
        Batches::start(self.source.clone(), batches, state, self.workers, self.prefetch)
    }
}

impl<D: Dataset + 'static> DataLoaderBuilder<D> {
    /// Samples in a batch.
    #[must_use]
    pub fn batch_size(mut self, samples: usize) -> Self {
        self.batch_size = samples;
        self
    }

    /// Whether every epoch has another random order.
    #[must_use]
    pub fn shuffle(mut self, shuffle: bool) -> Self {
        self.sampler = if shuffle { Box::new(RandomSampler) } else { Box::new(SequentialSampler) };
        self
    }

    /// An order of your own.
    #[must_use]
    pub fn sampler(mut self, sampler: impl Sampler + 'static) -> Self {
        self.sampler = Box::new(sampler);
        self
    }

    /// Whether a last batch with fewer samples is left out.
    #[must_use]
    pub fn drop_last(mut self, drop_last: bool) -> Self {
        self.drop_last = drop_last;
        self
    }

    /// Threads that prepare batches ahead of time; with 0, batches are made when asked for.
    #[must_use]
    pub fn workers(mut self, threads: usize) -> Self {
        self.workers = threads;
        self
    }

    /// Batches that each worker prepares ahead (2 by default).
    #[must_use]
    pub fn prefetch(mut self, batches: usize) -> Self {
        self.prefetch = batches;
        self
    }

    /// The source of the random order and of augmentation, instead of the default generator.
    #[must_use]
    pub fn generator(mut self, generator: Generator) -> Self {
        self.generator = Some(generator);
        self
    }

    /// What is done about samples that cannot be read.
    #[must_use]
    pub fn on_corrupt(mut self, on_corrupt: OnCorrupt) -> Self {
        self.on_corrupt = on_corrupt;
        self
    }

    /// Makes the loader.
    ///
    /// # Errors
    /// If the batch size is 0.
    pub fn build(self) -> Result<DataLoader<D>> {
        if self.batch_size == 0 {
            return Err(Error::value("batch_size should be a positive integer value, but got batch_size=0"));
        }
        let source = Source { dataset: self.dataset, on_corrupt: self.on_corrupt, skipped: Mutex::default() };
        Ok(DataLoader {
            source: Arc::new(source),
            sampler: self.sampler,
            batch_size: self.batch_size,
            drop_last: self.drop_last,
            workers: self.workers,
            prefetch: self.prefetch,
            generator: self.generator,
        })
    }
}

type Batch<D> = <<D as Dataset>::Sample as Collate>::Batch;

impl<D: Dataset> Source<D> {
    fn batch(&self, indices: &[usize], epoch: EpochSeed) -> Result<Batch<D>> {
        match self.dataset.batch_in(indices, epoch) {
            Err(error) if self.on_corrupt == OnCorrupt::Skip && error.kind() == ErrorKind::File => {
                self.readable(indices, epoch)
            }
            batch => batch,
        }
    }

    /// The batch of those samples that can be read.
    fn readable(&self, indices: &[usize], epoch: EpochSeed) -> Result<Batch<D>> {
        let mut samples = Vec::with_capacity(indices.len());
        let mut skipped = Vec::new();
        for &index in indices {
            match self.dataset.fetch(index, epoch) {
                Ok(sample) => samples.push(sample),
                Err(error) => {
                    let error = named(error, &self.dataset.name(index));
                    if error.kind() != ErrorKind::File {
                        return Err(error);
                    }
                    skipped.push(Skipped { index, error });
                }
            }
        }
        let first = skipped.first().map(|sample| sample.error.clone());
        self.skipped.lock().unwrap_or_else(|e| e.into_inner()).append(&mut skipped);
        match first {
            Some(error) if samples.is_empty() => {
                Err(error.context(format!("none of the {} samples of a batch can be read", indices.len())))
            }
            _ => D::Sample::collate(samples),
        }
    }
}

/// The batches of one epoch, in order. Dropping it ends the workers, once each has finished the batch in its hands.
pub struct Batches<D: Dataset> {
    source: Arc<Source<D>>,
    batches: Arc<Vec<Vec<usize>>>,
    state: EpochState,
    /// Batch `i` comes from worker `i % workers`.
    workers: Vec<Worker<D>>,
}

struct Worker<D: Dataset> {
    made: Receiver<Result<Batch<D>>>,
    thread: JoinHandle<()>,
}

impl<D: Dataset + 'static> Batches<D> {
    fn start(
        source: Arc<Source<D>>,
        batches: Vec<Vec<usize>>,
        state: EpochState,
        workers: usize,
        prefetch: usize,
    ) -> Result<Self> {
        let batches = Arc::new(batches);
        let first = state.position;
        let workers = workers.min(batches.len().saturating_sub(first));
        let mut epoch = Self { source, batches, state, workers: Vec::with_capacity(workers) };
        for number in 0..workers {
            let (sender, made) = sync_channel(prefetch.max(1));
            let (source, batches) = (epoch.source.clone(), epoch.batches.clone());
            let seed = EpochSeed(epoch.state.seed);
            // Every worker has the batches whose numbers leave its own when they are divided by how many there are.
            let start = first + (number + workers - first % workers) % workers;
            let thread = std::thread::Builder::new()
                .name(format!("loader {number}"))
                .spawn(move || work(&source, seed, batches.iter().skip(start).step_by(workers), &sender))
                .map_err(|error| Error::runtime(format!("starting DataLoader worker {number}: {error}")))?;
            epoch.workers.push(Worker { made, thread });
        }
        Ok(epoch)
    }

    /// Where this epoch is: what was handed over counts, not what workers have prepared.
    pub fn state(&self) -> EpochState {
        self.state.clone()
    }
}

fn work<'a, D: Dataset>(
    source: &Source<D>,
    seed: EpochSeed,
    batches: impl Iterator<Item = &'a Vec<usize>>,
    sender: &SyncSender<Result<Batch<D>>>,
) {
    for indices in batches {
        // A send fails when the consumer is gone: nobody wants the rest.
        if sender.send(source.batch(indices, seed)).is_err() {
            return;
        }
    }
}

impl<D: Dataset + 'static> Iterator for Batches<D> {
    type Item = Result<Batch<D>>;

    fn next(&mut self) -> Option<Self::Item> {
        let number = self.state.position;
        let indices = self.batches.get(number)?;
        self.state.position += 1;
        if self.workers.is_empty() {
            return Some(self.source.batch(indices, EpochSeed(self.state.seed)));
        }
        let worker = number % self.workers.len();
        Some(self.workers[worker].made.recv().unwrap_or_else(|_| {
            Err(Error::runtime(format!("DataLoader worker {worker} panicked while it made batch {number}")))
        }))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.batches.len().saturating_sub(self.state.position);
        (left, Some(left))
    }
}

impl<D: Dataset + 'static> ExactSizeIterator for Batches<D> {}

impl<D: Dataset> Drop for Batches<D> {
    fn drop(&mut self) {
        let (channels, threads): (Vec<_>, Vec<_>) =
            self.workers.drain(..).map(|worker| (worker.made, worker.thread)).unzip();
        // Workers that wait for room learn that nobody will make it.
        drop(channels);
        for thread in threads {
            // A panic was reported where the batch was asked for; here it is over.
            let _ = thread.join();
        }
    }
}
