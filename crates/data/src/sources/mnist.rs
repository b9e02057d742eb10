//! MNIST and the sets made after it: 28 by 28 pixels, one channel, four IDX files.

use super::{Splits, idx, missing};
use crate::Images;
use flambeau_tensor::{Error, Result};
use std::path::{Path, PathBuf};

/// One of the sets.
pub(super) struct Set {
    /// Its name here.
    name: String,
    /// What the names of its files begin with: `emnist-letters-`.
    prefix: String,
    /// Folders under the root, as torchvision and people name them.
    folders: &'static [&'static str],
    /// Where a package of the system puts it.
    installed: Option<&'static str>,
    classes: Vec<String>,
    /// How to get it, as an imperative sentence.
    advice: &'static str,
}

const FASHION: [&str; 10] =
    ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];
const KMNIST: [&str; 10] = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"];
/// The letters whose small and large forms EMNIST's smaller splits do not tell apart.
const MERGED: &str = "cijklmopsuvwxyz";

fn digits() -> Vec<String> {
    (0..10).map(|digit| digit.to_string()).collect()
}

fn named(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// The classes of a split of EMNIST.
fn emnist(split: &str) -> Option<Vec<String>> {
    let upper = ('A'..='Z').map(String::from);
    let lower = |merged: &str| {
        let merged = merged.to_owned();
        ('a'..='z').filter(move |&letter| !merged.contains(letter)).map(String::from)
    };
    match split {
        "byclass" => Some(digits().into_iter().chain(upper).chain(lower("")).collect()),
        "bymerge" | "balanced" => Some(digits().into_iter().chain(upper).chain(lower(MERGED)).collect()),
        // Its labels begin with 1.
        "letters" => Some(std::iter::once("N/A".to_owned()).chain(lower("")).collect()),
        "digits" | "mnist" => Some(digits()),
        _ => None,
    }
}

impl Set {
    /// The set of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        let set = |folders, installed, classes, advice| {
            Some(Set { name: name.to_owned(), prefix: String::new(), folders, installed, classes, advice })
        };
        match name {
            "mnist" => set(
                &["MNIST/raw", "mnist"],
                None,
                digits(),
                "download them, for instance from https://ossci-datasets.s3.amazonaws.com/mnist/",
            ),
            "fashion-mnist" => set(
                &["FashionMNIST/raw", "fashion-mnist"],
                Some("/usr/share/datasets/fashion-mnist"),
                named(&FASHION),
                "install Debian's package dataset-fashion-mnist, or download them from https://github.com/zalandoresearch/fashion-mnist",
            ),
            "kmnist" => set(
                &["KMNIST/raw", "kmnist"],
                None,
                named(&KMNIST),
                "download them from http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
            ),
            _ => {
                let split = match name.strip_prefix("emnist")? {
                    "" => "balanced",
                    split => split.strip_prefix('-')?,
                };
                Some(Set {
                    name: name.to_owned(),
                    prefix: format!("emnist-{split}-"),
                    folders: &["EMNIST/raw", "emnist", "gzip"],
                    installed: None,
                    classes: emnist(split)?,
                    advice: "unpack gzip.zip from https://biometrics.nist.gov/cs_links/EMNIST/",
                })
            }
        }
    }

    /// A set of these files whose classes are only numbers.
    pub(super) fn numbered() -> Self {
        Set {
            name: "the IDX files".to_owned(),
            prefix: String::new(),
            folders: &[],
            installed: None,
            classes: Vec::new(),
            advice: "put all four there",
        }
    }

    /// Whether a folder has the images of such a set.
    pub(super) fn lies_in(folder: &Path) -> bool {
        Self::numbered().file(folder, "train-images-idx3-ubyte").is_some()
    }

    /// A file under its name, packed or not, with the dot that some unpackers put before `idx`.
    fn file(&self, folder: &Path, name: &str) -> Option<PathBuf> {
        let name = format!("{}{name}", self.prefix);
        let names = [name.clone(), format!("{name}.gz"), name.replace("-idx", ".idx")];
        names.into_iter().map(|name| folder.join(name)).find(|path| path.is_file())
    }

    /// Reads the set from `root`, a folder under it, or where the system has it.
    pub(super) fn open(&self, root: &Path) -> Result<Splits> {
        let mut folders = vec![root.to_owned()];
        folders.extend(self.folders.iter().map(|folder| root.join(folder)));
        folders.extend(self.installed.map(PathBuf::from));
        let test = if self.prefix.is_empty() { "t10k" } else { "test" };
        let names =
            ["train", test].map(|part| [format!("{part}-images-idx3-ubyte"), format!("{part}-labels-idx1-ubyte")]);
        let Some(folder) = folders.iter().find(|folder| self.file(folder, &names[0][0]).is_some()) else {
            return Err(self.missing(&names.concat(), &folders));
        };
        let part = |[images, labels]: &[String; 2]| match (self.file(folder, images), self.file(folder, labels)) {
            (Some(images), Some(labels)) => self.read(&images, &labels),
            _ => Err(self.missing(&names.concat(), std::slice::from_ref(folder))),
        };
        Ok(Splits { train: part(&names[0])?, test: part(&names[1])? })
    }

    fn read(&self, images: &Path, labels: &Path) -> Result<Images> {
        let (pixels, numbers) = (idx::read(images)?, idx::read(labels)?);
        let &[count, height, width] = &pixels.shape[..] else {
            return Err(Error::file(format!("{}: no images, but an array {:?}", images.display(), pixels.shape)));
        };
        if numbers.shape != [count] {
            return Err(Error::file(format!(
                "{}: labels of shape {:?} for the {count} images of {}",
                labels.display(),
                numbers.shape,
                images.display()
            )));
        }
        let classes = if self.classes.is_empty() {
            (0..=numbers.bytes.iter().copied().max().unwrap_or(0)).map(|class| class.to_string()).collect()
        } else {
            self.classes.clone()
        };
        let numbers = numbers.bytes.into_iter().map(i64::from).collect();
        Images::packed(pixels.bytes, [1, height, width], numbers, classes)
            .map_err(|error| Error::file(format!("{}: {}", labels.display(), error.message())))
    }

    fn missing(&self, names: &[String], folders: &[PathBuf]) -> Error {
        let names: Vec<String> = names.iter().map(|name| format!("{}{name}", self.prefix)).collect();
        missing(&self.name, &names, "with or without .gz", folders, self.advice)
    }
}
