//! A network of `flambeau::vision` with its weights, as several commands take it.

use flambeau::Result;
use flambeau::nn::StateDict;
use flambeau::vision::models::{self, Loaded};
use std::path::Path;

/// Loads a checkpoint into the network that it belongs to: the one called `arch`, else the one that
/// its tensors look like.
///
/// # Errors
/// If the file cannot be read, or no network here fits it.
pub fn load(weights: &Path, arch: Option<&str>) -> Result<Loaded> {
    let state: StateDict = flambeau::store::load(weights)?.into();
    // DataParallel puts this before every name.
    models::load(&state.strip_prefix("module."), arch).map_err(|error| error.context(weights.display()))
}
