//! Training: a loop that one does not have to write, and what one that is written by hand is made of.
//!
//! ```
//! use flambeau::data::{DataLoader, digits};
//! use flambeau::prelude::*;
//! use flambeau::train::Trainer;
//!
//! let net = Sequential::new().push(Flatten::new()).push(Linear::new(64, 10)?);
//! let optimizer = Adam::builder(net.parameters()).lr(0.01).build()?;
//! let loader = DataLoader::builder(digits::train()?).batch_size(64).shuffle(true).build()?;
//! let mut trainer = Trainer::builder(net, optimizer).epochs(2).build()?;
//! let history = trainer.fit(&loader, |net, (images, labels)| {
//!     functional::cross_entropy(&net.forward(images)?, labels)
//! })?;
//! let [first, last] = &history.epochs[..] else { panic!("two epochs") };
//! assert!(last.train.get("loss") < first.train.get("loss"));
//! # Ok::<(), flambeau::Error>(())
//! ```
//!
//! - [`Trainer`]: any [`flambeau_nn::Module`], any optimiser, a loss as a closure; gradients clipped and accumulated, a
//!   running mean of the weights, schedulers, validation.
//! - [`Callback`]: what sees the loop pass, and may end it: [`EarlyStopping`].
//! - [`Checkpoint`]: all that a run needs to go on as if it had never been interrupted, in a file that `torch.load` reads.
//! - [`metrics`]: how good the answers are.
//! - [`LrFinder`]: a learning rate to begin with.

mod callback;
mod checkpoint;
mod early_stopping;
mod ema;
mod loader;
mod lr_finder;
pub mod metrics;
mod progress;
mod trainer;
mod value;

pub use callback::{Callback, Flow};
pub use checkpoint::{Best, Checkpoint, RandomState};
pub use early_stopping::EarlyStopping;
pub use ema::Ema;
pub use loader::{Batch, Loader};
pub use lr_finder::{Curve, LrFinder};
pub use progress::{Epoch, Goal, History, Outcome, Progress, Scores};
pub use trainer::{Every, Trainer, TrainerBuilder};
