//! The story of a training run: what is remembered of it, its files, and the page that tells it.

mod axis;
mod chart;
mod classes;
mod command;
mod compare;
mod folder;
mod html;
mod page;
pub mod picture;
mod pictures;
mod story;

pub use command::{ABOUT, EXAMPLES, Options, run};
pub use folder::{load, save};
pub use story::{Confusion, Dataset, Epoch, Features, Layer, Machine, Mistake, Model, Story};

use crate::numbers;
use flambeau::Result;
use std::path::Path;

/// Writes the story as one HTML file that needs nothing else.
///
/// # Errors
/// If a picture is empty, or the file cannot be written.
pub fn write(story: &Story, path: &Path) -> Result<()> {
    numbers::write(path, &page::page(story)?)
}
