//! Batches, made on worker threads and handed over in order.

use crate::{Collate, Dataset, RandomSampler, Sampler, SequentialSampler};
use flambeau_tensor::{Error, Generator, Result, default_generator};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

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
    dataset: Arc<D>,
    sampler: Box<dyn Sampler>,
    batch_size: usize,
    drop_last: bool,
    workers: usize,
    prefetch: usize,
    generator: Option<Generator>,
}

/// Options of a [`DataLoader`].
pub struct DataLoaderBuilder<D: Dataset> {
    loader: DataLoader<D>,
}

impl<D: Dataset + 'static> DataLoader<D> {
    /// A loader of single samples in order, without workers, until told otherwise.
    pub fn builder(dataset: D) -> DataLoaderBuilder<D> {
        DataLoaderBuilder {
            loader: DataLoader {
                dataset: Arc::new(dataset),
                sampler: Box::new(SequentialSampler),
                batch_size: 1,
                drop_last: false,
                workers: 0,
                prefetch: 2,
                generator: None,
            },
        }
    }

    /// How many batches an epoch has.
    pub fn len(&self) -> usize {
        let samples = self.dataset.len();
        if self.drop_last { samples / self.batch_size } else { samples.div_ceil(self.batch_size) }
    }

    /// Whether an epoch has no batch.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The dataset.
    pub fn dataset(&self) -> &D {
        &self.dataset
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
        let generator = match &self.generator {
            Some(generator) => {
                generator.random64();
                generator.clone()
            }
            None => {
                let default = default_generator();
                default.random64();
                Generator::seeded(default.random64())
            }
        };
        let order = self.sampler.order(self.dataset.len(), &generator)?;
        let mut batches: Vec<Vec<usize>> = order.chunks(self.batch_size).map(<[usize]>::to_vec).collect();
        if self.drop_last && batches.last().is_some_and(|b| b.len() < self.batch_size) {
            batches.pop();
        }
        Ok(Batches::start(self.dataset.clone(), batches, self.workers, self.prefetch))
    }
}

impl<D: Dataset + 'static> DataLoaderBuilder<D> {
    /// Samples in a batch.
    #[must_use]
    pub fn batch_size(mut self, samples: usize) -> Self {
        self.loader.batch_size = samples;
        self
    }

    /// Whether every epoch has another random order.
    #[must_use]
    pub fn shuffle(mut self, shuffle: bool) -> Self {
        self.loader.sampler = if shuffle { Box::new(RandomSampler) } else { Box::new(SequentialSampler) };
        self
    }

    /// An order of your own.
    #[must_use]
    pub fn sampler(mut self, sampler: impl Sampler + 'static) -> Self {
        self.loader.sampler = Box::new(sampler);
        self
    }

    /// Whether a last batch with fewer samples is left out.
    #[must_use]
    pub fn drop_last(mut self, drop_last: bool) -> Self {
        self.loader.drop_last = drop_last;
        self
    }

    /// Threads that prepare batches ahead of time; with 0, batches are made when asked for.
    #[must_use]
    pub fn workers(mut self, threads: usize) -> Self {
        self.loader.workers = threads;
        self
    }

    /// Batches that each worker prepares ahead (2 by default).
    #[must_use]
    pub fn prefetch(mut self, batches: usize) -> Self {
        self.loader.prefetch = batches;
        self
    }

    /// The source of the random order, instead of the default generator.
    #[must_use]
    pub fn generator(mut self, generator: Generator) -> Self {
        self.loader.generator = Some(generator);
        self
    }

    /// Makes the loader.
    ///
    /// # Errors
    /// If the batch size is 0.
    pub fn build(self) -> Result<DataLoader<D>> {
        if self.loader.batch_size == 0 {
            return Err(Error::value("batch_size should be a positive integer value, but got batch_size=0"));
        }
        Ok(self.loader)
    }
}

type Batch<D> = <<D as Dataset>::Sample as Collate>::Batch;

/// The batches of one epoch, in order. Dropping it ends the workers.
pub struct Batches<D: Dataset> {
    dataset: Arc<D>,
    batches: Arc<Vec<Vec<usize>>>,
    next: usize,
    /// One channel for each worker; batch `i` comes from worker `i % workers`.
    workers: Vec<Receiver<Result<Batch<D>>>>,
}

impl<D: Dataset + 'static> Batches<D> {
    fn start(dataset: Arc<D>, batches: Vec<Vec<usize>>, workers: usize, prefetch: usize) -> Self {
        let batches = Arc::new(batches);
        let workers = workers.min(batches.len());
        let receivers = (0..workers)
            .map(|worker| {
                let (sender, receiver) = sync_channel(prefetch.max(1));
                let (dataset, batches) = (dataset.clone(), batches.clone());
                std::thread::spawn(move || work(&*dataset, &batches, worker, workers, &sender));
                receiver
            })
            .collect();
        Self { dataset, batches, next: 0, workers: receivers }
    }
}

fn work<D: Dataset>(
    dataset: &D,
    batches: &[Vec<usize>],
    worker: usize,
    workers: usize,
    sender: &SyncSender<Result<Batch<D>>>,
) {
    for indices in batches.iter().skip(worker).step_by(workers) {
        // A send fails when the consumer is gone: nobody wants the rest.
        if sender.send(dataset.batch(indices)).is_err() {
            return;
        }
    }
}

impl<D: Dataset + 'static> Iterator for Batches<D> {
    type Item = Result<Batch<D>>;

    fn next(&mut self) -> Option<Self::Item> {
        let indices = self.batches.get(self.next)?;
        let number = self.next;
        self.next += 1;
        if self.workers.is_empty() {
            return Some(self.dataset.batch(indices));
        }
        let worker = number % self.workers.len();
        Some(self.workers[worker].recv().unwrap_or_else(|_| {
            Err(Error::runtime(format!("DataLoader worker {worker} panicked while it made batch {number}")))
        }))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.batches.len() - self.next;
        (left, Some(left))
    }
}

impl<D: Dataset + 'static> ExactSizeIterator for Batches<D> {}
