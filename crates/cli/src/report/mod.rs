//! The story of a training run: what is remembered of it, its files, and the page that tells it.

mod folder;
mod html;
pub mod picture;
mod story;

pub use folder::{load, save};
pub use story::{ClassScore, Confusion, Dataset, Epoch, Features, Layer, Machine, Mistake, Model, Step, Steps, Story};

use crate::numbers;
use flambeau::Result;
use std::path::Path;

/// Writes the story as one HTML file that needs nothing else.
///
/// # Errors
/// If the file cannot be written.
pub fn write(story: &Story, path: &Path) -> Result<()> {
    numbers::write(path, &html::page(story)?)
}
