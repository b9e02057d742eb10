//! Where batches come from.

use flambeau_data::{Collate, DataLoader, Dataset, EpochState};
use flambeau_tensor::{Result, Tensor};

/// What is learned from at once.
pub trait Batch {
    /// How many samples it has.
    fn samples(&self) -> usize;
}

/// Samples are the parts of the first dimension.
impl Batch for Tensor {
    fn samples(&self) -> usize {
        self.shape().first().copied().unwrap_or(1)
    }
}

impl<T> Batch for Vec<T> {
    fn samples(&self) -> usize {
        self.len()
    }
}

impl<A: Batch, B> Batch for (A, B) {
    fn samples(&self) -> usize {
        self.0.samples()
    }
}

impl<A: Batch, B, C> Batch for (A, B, C) {
    fn samples(&self) -> usize {
        self.0.samples()
    }
}

/// Gives batches, epoch after epoch.
///
/// For a run to be resumed bit for bit, an epoch's batches may depend on nothing but the state of the default generator
/// when the epoch begins, and on [`Loader::state`].
pub trait Loader {
    /// What it gives.
    type Batch: Batch;

    /// How many batches an epoch has.
    fn batches(&self) -> usize;

    /// Begins an epoch; the first `skip` batches have been used already.
    ///
    /// # Errors
    /// If there is no order of the samples.
    fn epoch(&self, skip: usize) -> Result<impl Iterator<Item = Result<Self::Batch>>>;

    /// Random state of its own, as it is between epochs.
    ///
    /// # Errors
    /// If there is not enough memory.
    fn state(&self) -> Result<Option<Tensor>> {
        Ok(None)
    }

    /// Takes over what [`Loader::state`] gave.
    ///
    /// # Errors
    /// If it is no such state.
    fn restore(&self, _state: &Tensor) -> Result<()> {
        Ok(())
    }
}

impl<D: Dataset + 'static> Loader for DataLoader<D>
where
    <D::Sample as Collate>::Batch: Batch,
{
    type Batch = <D::Sample as Collate>::Batch;

    fn batches(&self) -> usize {
        self.len()
    }

    fn epoch(&self, skip: usize) -> Result<impl Iterator<Item = Result<Self::Batch>>> {
        let batches = self.iter()?;
        if skip == 0 {
            return Ok(batches);
        }
        let state = EpochState { position: skip, ..batches.state() };
        drop(batches);
        self.resume(&state)
    }

    fn state(&self) -> Result<Option<Tensor>> {
        self.generator().map(|generator| generator.get_state()).transpose()
    }

    fn restore(&self, state: &Tensor) -> Result<()> {
        self.generator().map_or(Ok(()), |generator| generator.set_state(state))
    }
}

/// The same batches every epoch.
impl<B: Batch + Clone> Loader for [B] {
    type Batch = B;

    fn batches(&self) -> usize {
        self.len()
    }

    fn epoch(&self, skip: usize) -> Result<impl Iterator<Item = Result<B>>> {
        Ok(self.iter().skip(skip).cloned().map(Ok))
    }
}
