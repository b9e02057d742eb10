//! Samples by number.

use crate::{Collate, EpochSeed};
use flambeau_tensor::{Error, Generator, Result, Tensor};
use std::sync::Arc;

/// A collection of samples that can be fetched in any order, from several threads.
pub trait Dataset: Send + Sync {
    /// One sample.
    type Sample: Collate;

    /// How many samples there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Sample number `index`, which is less than [`Dataset::len`].
    ///
    /// # Errors
    /// If the sample cannot be read.
    fn get(&self, index: usize) -> Result<Self::Sample>;

    /// What an error calls sample number `index`: the name of its file, for instance.
    fn name(&self, index: usize) -> String {
        format!("sample {index}")
    }

    /// Sample number `index` as one epoch sees it: a dataset that augments its samples draws from
    /// [`EpochSeed::sample`].
    ///
    /// # Errors
    /// As [`Dataset::get`].
    fn fetch(&self, index: usize, epoch: EpochSeed) -> Result<Self::Sample> {
        let _ = epoch;
        self.get(index)
    }

    /// The batch of these samples, in this order.
    ///
    /// # Errors
    /// If a sample cannot be read, with its name, or the samples do not fit together.
    fn batch(&self, indices: &[usize]) -> Result<<Self::Sample as Collate>::Batch> {
        collate(self, indices, |index| self.get(index))
    }

    /// The batch of these samples as one epoch sees them.
    ///
    /// # Errors
    /// As [`Dataset::batch`].
    fn batch_in(&self, indices: &[usize], epoch: EpochSeed) -> Result<<Self::Sample as Collate>::Batch> {
        collate(self, indices, |index| self.fetch(index, epoch))
    }

    /// This dataset with a function applied to every sample as it is fetched.
    fn map<S: Collate, F: Fn(Self::Sample) -> Result<S> + Send + Sync>(self, function: F) -> Map<Self, F>
    where
        Self: Sized,
    {
        Map { dataset: self, function }
    }
}

/// The same error with a sample's name before it, unless it is there already, as a file's is.
pub(crate) fn named(error: Error, name: &str) -> Error {
    if error.message().starts_with(name) { error } else { error.context(name) }
}

fn collate<D: Dataset + ?Sized>(
    dataset: &D,
    indices: &[usize],
    get: impl Fn(usize) -> Result<D::Sample>,
) -> Result<<D::Sample as Collate>::Batch> {
    D::Sample::collate(
        indices
            .iter()
            .map(|&index| get(index).map_err(|error| named(error, &dataset.name(index))))
            .collect::<Result<_>>()?,
    )
}

impl<D: Dataset + ?Sized> Dataset for Arc<D> {
    type Sample = D::Sample;
    fn len(&self) -> usize {
        (**self).len()
    }
    fn get(&self, index: usize) -> Result<Self::Sample> {
        (**self).get(index)
    }
    fn name(&self, index: usize) -> String {
        (**self).name(index)
    }
    fn fetch(&self, index: usize, epoch: EpochSeed) -> Result<Self::Sample> {
        (**self).fetch(index, epoch)
    }
    fn batch_in(&self, indices: &[usize], epoch: EpochSeed) -> Result<<Self::Sample as Collate>::Batch> {
        (**self).batch_in(indices, epoch)
    }
    fn batch(&self, indices: &[usize]) -> Result<<Self::Sample as Collate>::Batch> {
        (**self).batch(indices)
    }
}

/// Pairs of an input and a target, the rows of two tensors.
#[derive(Clone, Debug)]
pub struct TensorDataset {
    inputs: Tensor,
    targets: Tensor,
}

impl TensorDataset {
    /// Pairs the rows of two tensors.
    ///
    /// # Errors
    /// If their first dimensions differ.
    pub fn new(inputs: Tensor, targets: Tensor) -> Result<Self> {
        match (inputs.shape().first(), targets.shape().first()) {
            (Some(a), Some(b)) if a == b => Ok(Self { inputs, targets }),
            _ => {
                Err(Error::shape(format!("Size mismatch between tensors: {} and {}", inputs.shape(), targets.shape())))
            }
        }
    }

    /// All inputs.
    pub fn inputs(&self) -> &Tensor {
        &self.inputs
    }

    /// All targets.
    pub fn targets(&self) -> &Tensor {
        &self.targets
    }
}

impl Dataset for TensorDataset {
    type Sample = (Tensor, Tensor);

    fn len(&self) -> usize {
        self.inputs.shape().first().copied().unwrap_or(0)
    }

    fn get(&self, index: usize) -> Result<(Tensor, Tensor)> {
        Ok((self.inputs.select(0, index as isize)?, self.targets.select(0, index as isize)?))
    }

    fn batch(&self, indices: &[usize]) -> Result<(Tensor, Tensor)> {
        let indices: Vec<i64> = indices.iter().map(|&i| i as i64).collect();
        let rows = Tensor::from_slice(&indices, [indices.len()])?;
        Ok((self.inputs.index_select(0, &rows)?, self.targets.index_select(0, &rows)?))
    }

    fn batch_in(&self, indices: &[usize], _: EpochSeed) -> Result<(Tensor, Tensor)> {
        self.batch(indices)
    }
}

/// Some of a dataset's samples.
#[derive(Clone, Debug)]
pub struct Subset<D> {
    dataset: D,
    indices: Vec<usize>,
}

impl<D: Dataset> Subset<D> {
    /// The samples of these numbers.
    ///
    /// # Errors
    /// If a number is not less than the dataset's length.
    pub fn new(dataset: D, indices: Vec<usize>) -> Result<Self> {
        match indices.iter().find(|&&i| i >= dataset.len()) {
            Some(i) => {
                Err(Error::index(format!("index {i} is out of range for a dataset of {} samples", dataset.len())))
            }
            None => Ok(Self { dataset, indices }),
        }
    }
}

impl<D: Dataset> Dataset for Subset<D> {
    type Sample = D::Sample;
    fn len(&self) -> usize {
        self.indices.len()
    }
    fn get(&self, index: usize) -> Result<D::Sample> {
        self.dataset.get(self.indices[index])
    }
    fn name(&self, index: usize) -> String {
        self.dataset.name(self.indices[index])
    }
    fn fetch(&self, index: usize, epoch: EpochSeed) -> Result<D::Sample> {
        self.dataset.fetch(self.indices[index], epoch)
    }
    fn batch_in(&self, indices: &[usize], epoch: EpochSeed) -> Result<<Self::Sample as Collate>::Batch> {
        self.dataset.batch_in(&indices.iter().map(|&i| self.indices[i]).collect::<Vec<_>>(), epoch)
    }
    fn batch(&self, indices: &[usize]) -> Result<<D::Sample as Collate>::Batch> {
        self.dataset.batch(&indices.iter().map(|&i| self.indices[i]).collect::<Vec<_>>())
    }
}

/// One dataset after the other.
#[derive(Clone, Debug)]
pub struct Concat<D>(Vec<D>);

impl<D: Dataset> Concat<D> {
    /// Appends datasets to one another.
    pub fn new(datasets: Vec<D>) -> Self {
        Self(datasets)
    }
}

impl<D: Dataset> Concat<D> {
    /// The dataset that has sample `index`, and its number there.
    fn place(&self, mut index: usize) -> Option<(&D, usize)> {
        for dataset in &self.0 {
            match index.checked_sub(dataset.len()) {
                Some(rest) => index = rest,
                None => return Some((dataset, index)),
            }
        }
        None
    }
}

/// What a sample beyond the last one is.
fn beyond() -> Error {
    Error::index("index is beyond the last sample")
}

impl<D: Dataset> Dataset for Concat<D> {
    type Sample = D::Sample;
    fn len(&self) -> usize {
        self.0.iter().map(Dataset::len).sum()
    }
    fn get(&self, index: usize) -> Result<D::Sample> {
        let (dataset, index) = self.place(index).ok_or_else(beyond)?;
        dataset.get(index)
    }
    fn name(&self, index: usize) -> String {
        self.place(index).map_or_else(|| format!("sample {index}"), |(dataset, index)| dataset.name(index))
    }
    fn fetch(&self, index: usize, epoch: EpochSeed) -> Result<D::Sample> {
        // The number among all samples makes the draws: two datasets' first samples are augmented differently only
        // if the datasets' seeds differ.
        let place = self.place(index).ok_or_else(beyond)?;
        let before = (index - place.1) as u64;
        place.0.fetch(place.1, EpochSeed(epoch.0.wrapping_add(before)))
    }
}

/// A dataset with a function over its samples; see [`Dataset::map`].
#[derive(Clone, Debug)]
pub struct Map<D, F> {
    dataset: D,
    function: F,
}

impl<D: Dataset, S: Collate, F: Fn(D::Sample) -> Result<S> + Send + Sync> Dataset for Map<D, F> {
    type Sample = S;
    fn len(&self) -> usize {
        self.dataset.len()
    }
    fn get(&self, index: usize) -> Result<S> {
        (self.function)(self.dataset.get(index)?)
    }
    fn name(&self, index: usize) -> String {
        self.dataset.name(index)
    }
    fn fetch(&self, index: usize, epoch: EpochSeed) -> Result<S> {
        (self.function)(self.dataset.fetch(index, epoch)?)
    }
}

/// Splits a dataset at random into parts of these lengths, as PyTorch does from the same generator.
///
/// # Errors
/// If the lengths do not add up to the dataset's.
pub fn random_split<D: Dataset + 'static>(
    dataset: D,
    lengths: &[usize],
    generator: &Generator,
) -> Result<Vec<Subset<Arc<D>>>> {
    if lengths.iter().sum::<usize>() != dataset.len() {
        return Err(Error::value("Sum of input lengths does not equal the length of the input dataset!"));
    }
    let order = crate::sampler::permutation(dataset.len(), generator)?;
    let dataset = Arc::new(dataset);
    let mut rest = &order[..];
    lengths
        .iter()
        .map(|&length| {
            let (part, after) = rest.split_at(length);
            rest = after;
            Subset::new(dataset.clone(), part.to_vec())
        })
        .collect()
}
