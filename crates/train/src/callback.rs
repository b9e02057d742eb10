//! What sees training pass.

use crate::Progress;
use flambeau_store::Value;
use flambeau_tensor::Result;

/// Whether training goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flow {
    /// It does.
    #[default]
    Continue,
    /// It ends here, in order: a checkpoint is written, and [`Callback::train_ends`] is called.
    Stop,
}

/// Is told what happens in [`crate::Trainer::fit`]. All methods do nothing unless overridden; an error ends training.
#[expect(unused_variables, reason = "the names say what an implementation is given")]
pub trait Callback<M: ?Sized> {
    /// Training begins, or goes on from a checkpoint.
    ///
    /// # Errors
    /// Whatever the callback cannot do.
    fn train_begins(&mut self, net: &M, progress: &Progress) -> Result<()> {
        Ok(())
    }

    /// An epoch begins, or goes on from a checkpoint; the network is in training mode.
    ///
    /// # Errors
    /// Whatever the callback cannot do.
    fn epoch_begins(&mut self, net: &M, progress: &Progress) -> Result<()> {
        Ok(())
    }

    /// The optimiser has made a step. Gradients are still there.
    ///
    /// # Errors
    /// Whatever the callback cannot do.
    fn step_ends(&mut self, net: &M, progress: &Progress) -> Result<Flow> {
        Ok(Flow::Continue)
    }

    /// An epoch has ended, and was validated. The checkpoint is written after this.
    ///
    /// # Errors
    /// Whatever the callback cannot do.
    fn epoch_ends(&mut self, net: &M, progress: &Progress) -> Result<Flow> {
        Ok(Flow::Continue)
    }

    /// Training has ended.
    ///
    /// # Errors
    /// Whatever the callback cannot do.
    fn train_ends(&mut self, net: &M, progress: &Progress) -> Result<()> {
        Ok(())
    }

    /// What a checkpoint keeps of the callback, under a name of its own.
    fn state(&self) -> Option<(String, Value)> {
        None
    }

    /// Takes over what a checkpoint kept under the name that [`Callback::state`] gives.
    ///
    /// # Errors
    /// If it is something else.
    fn restore(&mut self, state: &Value) -> Result<()> {
        Ok(())
    }
}
