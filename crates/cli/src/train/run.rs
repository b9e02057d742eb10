//! Where a run's files are.

use super::options::{Options, Settings};
use crate::numbers;
use flambeau::{Error, Result};
use std::path::{Path, PathBuf};

/// The folder of a run.
///
/// | file | what is in it |
/// | --- | --- |
/// | `config.toml` | all options |
/// | `model.toml` | the layers, where a file described them |
/// | `last.pt`, `best.pt` | checkpoints |
/// | `model.safetensors`, `model.pt` | the trained weights |
/// | `metrics.jsonl`, `metrics.csv`, `story.json` | what the epochs came to: see [`crate::report`] |
/// | `events.out.tfevents.…` | the same for TensorBoard |
/// | `report.html` | the same for people |
#[derive(Clone, Debug)]
pub struct Run(PathBuf);

impl Run {
    /// A folder that is there.
    ///
    /// # Errors
    /// If no run is in it.
    pub fn open(folder: &Path) -> Result<Self> {
        let run = Self(folder.to_owned());
        if !run.config().is_file() {
            return Err(Error::file(format!("{}: no folder of a training: it has no config.toml", folder.display())));
        }
        Ok(run)
    }

    /// Makes a new one, with the settings in it.
    ///
    /// # Errors
    /// If there is a run in it, or it cannot be written.
    pub fn create(folder: &Path, settings: &Settings) -> Result<Self> {
        let run = Self(folder.to_owned());
        if run.config().exists() {
            return Err(Error::file(format!(
                "{} has a training in it: go on with it by --resume, or choose another --run",
                folder.display()
            )));
        }
        let failed = |path: &Path, error: std::io::Error| Error::file(format!("{}: {error}", path.display()));
        std::fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
        if settings.model.ends_with(".toml") {
            let layers = Path::new(&settings.model);
            std::fs::copy(layers, run.layers()).map_err(|error| failed(layers, error))?;
        }
        // Last, so that a folder with a configuration has all else.
        numbers::write(&run.config(), &settings.to_toml()?)?;
        Ok(run)
    }

    /// A folder that is not there yet: `runs/NAME`, `runs/NAME-2`, …
    pub fn unused(name: &str) -> PathBuf {
        let base = Path::new(name).file_name().map_or_else(|| "run".into(), |name| name.to_string_lossy());
        let numbered = (2u64..).map(|number| PathBuf::from(format!("runs/{base}-{number}")));
        let mut all = std::iter::once(PathBuf::from(format!("runs/{base}"))).chain(numbered);
        all.find(|folder| !folder.exists()).unwrap_or_default()
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// The options that it was made with.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn options(&self) -> Result<Options> {
        let mut options = Options::read(&self.config())?;
        // The network's own copy is still there when the folder or the file has moved.
        if self.layers().is_file() {
            options.model = Some(self.layers().display().to_string());
        }
        Ok(options)
    }

    fn config(&self) -> PathBuf {
        self.0.join("config.toml")
    }

    fn layers(&self) -> PathBuf {
        self.0.join("model.toml")
    }

    /// The checkpoint of the last step that was written.
    pub fn last(&self) -> PathBuf {
        self.0.join("last.pt")
    }

    /// The checkpoint of the best epoch.
    pub fn best(&self) -> PathBuf {
        self.0.join("best.pt")
    }

    /// Where the trained weights go, without an ending.
    pub fn model(&self) -> PathBuf {
        self.0.join("model")
    }

    /// The weights: those of the trained network, or else of the last checkpoint.
    ///
    /// # Errors
    /// If there are none yet.
    pub fn weights(&self) -> Result<PathBuf> {
        let candidates = [self.model().with_extension("safetensors"), self.last()];
        let found = candidates.into_iter().find(|path| path.is_file());
        found.ok_or_else(|| Error::file(format!("{} has no weights yet", self.0.display())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::options;

    #[test]
    fn a_folder_has_one_run() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a/b");
        let settings = options::<Options>("--data mnist --epochs 3").settle();
        assert!(Run::open(&path).is_err());
        let run = Run::create(&path, &settings).expect("a run");
        assert!(run.weights().is_err());
        assert_eq!(Run::open(&path).and_then(|run| run.options()).expect("options").settle(), settings);
        let error = Run::create(&path, &settings).expect_err("it is there").message().to_owned();
        assert!(error.contains("go on with it by --resume"), "{error}");
    }

    #[test]
    fn names_are_those_of_the_data() {
        assert_eq!(Run::unused("/somewhere/flowers/"), Path::new("runs/flowers"));
        assert_eq!(Run::unused("/"), Path::new("runs/run"));
    }
}
