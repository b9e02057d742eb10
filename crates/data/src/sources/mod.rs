//! Where images come from: published sets by name, and files of the user's own.
//!
//! | source | what is read |
//! | --- | --- |
//! | `digits` | the set that this library carries |
//! | `mnist`, `fashion-mnist`, `kmnist`, `emnist` (or `emnist-letters`, …) | IDX files, packed by gzip or not ([`idx`]) |
//! | `cifar10`, `cifar100` | the binary files or Python's pickles, which are never executed |
//! | a `.csv` file, packed by gzip or not | rows of pixels with a label ([`csv`]), or names of files with one |
//! | a folder | the same files, or a picture each in the folders of its classes |
//!
//! Nothing is fetched from a network: an error says which files are expected where, and how to get them.

mod cifar;
pub mod csv;
mod digits;
mod folder;
pub mod idx;
mod mnist;

pub use folder::{folder, image_folders};

use crate::Images;
use crate::picture::Color;
use flambeau_tensor::{Error, Result};
use std::path::{Path, PathBuf};

/// Names that [`open`] knows.
pub const NAMES: [&str; 7] = ["digits", "mnist", "fashion-mnist", "kmnist", "emnist", "cifar10", "cifar100"];

/// Images to learn from, and images to test with.
#[derive(Clone, Debug)]
pub struct Splits {
    /// To learn from.
    pub train: Images,
    /// To test with.
    pub test: Images,
}

/// How a source is opened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// The folder in which published sets are looked for; `data` by default, or what the environment variable
    /// `FLAMBEAU_DATA` names. Under it, files may lie as torchvision puts them.
    pub root: PathBuf,
    /// Channels of pictures.
    pub color: Color,
    /// The share of images held out to test with, where a source has no such part of its own.
    pub hold_out: f64,
    /// Where the label stands in a row of a CSV file whose columns have no names.
    pub label: csv::Label,
}

impl Default for Options {
    fn default() -> Self {
        let root = std::env::var_os("FLAMBEAU_DATA").filter(|root| !root.is_empty());
        Self {
            root: root.map_or_else(|| PathBuf::from("data"), PathBuf::from),
            color: Color::Rgb,
            hold_out: 0.2,
            label: csv::Label::First,
        }
    }
}

impl Options {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// The folder in which published sets are looked for.
    #[must_use]
    pub fn root(mut self, root: impl Into<PathBuf>) -> Self {
        self.root = root.into();
        self
    }

    /// Channels of pictures.
    #[must_use]
    pub fn color(mut self, color: Color) -> Self {
        self.color = color;
        self
    }

    /// The share of images held out to test with, where a source has no such part of its own.
    #[must_use]
    pub fn hold_out(mut self, share: f64) -> Self {
        self.hold_out = share;
        self
    }

    /// Where the label stands in a row of a CSV file whose columns have no names.
    #[must_use]
    pub fn label(mut self, label: csv::Label) -> Self {
        self.label = label;
        self
    }
}

/// Opens a source: one of [`NAMES`], or the path of a folder with pictures in folders named after their classes
/// (under `train` and `test` or `val`, if it has such), of a folder with a published set's files, or of a CSV file.
///
/// ```
/// use flambeau_data::{Dataset, sources};
///
/// let digits = sources::open("digits", &sources::Options::default())?;
/// assert_eq!((digits.train.len(), digits.test.len()), (1438, 359));
/// assert_eq!(digits.train.shape(), Some([1, 8, 8]));
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
///
/// # Errors
/// If there is no such source, a file of it is missing or damaged.
pub fn open(name: &str, options: &Options) -> Result<Splits> {
    if name == "digits" {
        return digits::open();
    }
    if let Some(set) = mnist::Set::named(name) {
        return set.open(&options.root);
    }
    if let Some(set) = cifar::Set::named(name) {
        return set.open(&options.root);
    }
    let path = Path::new(name);
    if !path.exists() {
        return Err(Error::value(format!(
            "'{name}' is neither a known set ({}) nor a file or folder",
            NAMES.join(", ")
        )));
    }
    if mnist::Set::lies_in(path) {
        return mnist::Set::numbered().open(path);
    }
    if let Some(set) = cifar::Set::lying_in(path) {
        return set.open(path);
    }
    if path.is_dir() { image_folders(path, options) } else { split(&csv::read(path, options)?, options) }
}

/// A part of the images held out.
fn split(images: &Images, options: &Options) -> Result<Splits> {
    let (train, test) = images.hold_out(options.hold_out)?;
    Ok(Splits { train, test })
}

/// What is said of a set whose files are not there.
fn missing(name: &str, files: &[String], form: &str, folders: &[PathBuf], advice: &str) -> Error {
    let folders: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
    Error::file(format!(
        "{name}: not found. It is the files {} ({form}), looked for in {}. To get them, {advice}.",
        files.join(", "),
        folders.join(", ")
    ))
}
