//! CIFAR-10 and CIFAR-100 (A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009): 32 by 32
//! pixels, three channels, in binary files or in Python's pickles.

use super::{Splits, missing};
use crate::Images;
use crate::files::{self, Content};
use crate::images::with_bytes;
use flambeau_store::{Value, plain};
use flambeau_tensor::{DType, Error, Result};
use std::path::{Path, PathBuf};

const SHAPE: [usize; 3] = [3, 32, 32];
const PIXELS: usize = 3 * 32 * 32;

/// One of the two sets in one of its two forms.
pub(super) struct Set {
    name: &'static str,
    /// The folder that its archive unpacks to.
    folder: &'static str,
    train: &'static [&'static str],
    test: &'static str,
    names: &'static str,
    form: Form,
}

enum Form {
    /// Records of labels, of which the last counts, and pixels.
    Binary { labels: usize },
    /// A dict with the labels under one key; names of classes under another, in a file of their own.
    Pickle { labels: &'static str, names: &'static str },
}

const CIFAR10: [Set; 2] = [
    Set {
        name: "cifar10",
        folder: "cifar-10-batches-py",
        train: &["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"],
        test: "test_batch",
        names: "batches.meta",
        form: Form::Pickle { labels: "labels", names: "label_names" },
    },
    Set {
        name: "cifar10",
        folder: "cifar-10-batches-bin",
        train: &["data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"],
        test: "test_batch.bin",
        names: "batches.meta.txt",
        form: Form::Binary { labels: 1 },
    },
];

const CIFAR100: [Set; 2] = [
    Set {
        name: "cifar100",
        folder: "cifar-100-python",
        train: &["train"],
        test: "test",
        names: "meta",
        form: Form::Pickle { labels: "fine_labels", names: "fine_label_names" },
    },
    Set {
        name: "cifar100",
        folder: "cifar-100-binary",
        train: &["train.bin"],
        test: "test.bin",
        names: "fine_label_names.txt",
        form: Form::Binary { labels: 2 },
    },
];

/// A set in both of its forms.
pub(super) struct Forms(&'static [Set; 2]);

impl Set {
    /// The set of this name.
    pub(super) fn named(name: &str) -> Option<Forms> {
        match name {
            "cifar10" => Some(Forms(&CIFAR10)),
            "cifar100" => Some(Forms(&CIFAR100)),
            _ => None,
        }
    }

    /// The set whose files lie in a folder.
    pub(super) fn lying_in(folder: &Path) -> Option<Forms> {
        [&CIFAR10, &CIFAR100].into_iter().find(|forms| forms.iter().any(|set| set.is_in(folder))).map(Forms)
    }

    fn is_in(&self, folder: &Path) -> bool {
        // The names of CIFAR-100's files are common ones: the third tells.
        [self.train[0], self.test, self.names].iter().all(|name| folder.join(name).is_file())
    }

    fn read(&self, folder: &Path) -> Result<Splits> {
        let classes = self.classes(&folder.join(self.names))?;
        let images = |names: &[&str]| {
            let (mut pixels, mut labels) = (Vec::new(), Vec::new());
            for name in names {
                let path = folder.join(name);
                let before = labels.len();
                match &self.form {
                    Form::Binary { labels: count } => read_records(&path, *count, &mut pixels, &mut labels)?,
                    Form::Pickle { labels: key, .. } => read_pickle(&path, key, &mut pixels, &mut labels)?,
                }
                if let Some(label) = labels[before..].iter().find(|label| !(0..classes.len() as i64).contains(*label)) {
                    let classes = classes.len();
                    return Err(Error::file(format!("{}: label {label} of {classes} classes", path.display())));
                }
            }
            Images::packed(pixels, SHAPE, labels, classes.clone())
        };
        Ok(Splits { train: images(self.train)?, test: images(&[self.test])? })
    }

    fn classes(&self, path: &Path) -> Result<Vec<String>> {
        let Form::Pickle { names, .. } = self.form else {
            let text = String::from_utf8(files::read(path, 1 << 20)?)
                .map_err(|_| Error::file(format!("{}: not UTF-8 text", path.display())))?;
            return Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect());
        };
        let meta = plain::load(path)?;
        let wrong = || Error::file(format!("{}: no list of names under '{names}'", path.display()));
        let Some(Value::List(names)) = entry(&meta, names) else { return Err(wrong()) };
        let name = |value: &Value| match value {
            Value::Str(name) => Ok(name.clone()),
            Value::Bytes(name) => String::from_utf8(name.clone()).map_err(|_| wrong()),
            _ => Err(wrong()),
        };
        names.iter().map(name).collect()
    }
}

impl Forms {
    /// Reads whichever form lies in `root` or in its folder under it.
    pub(super) fn open(&self, root: &Path) -> Result<Splits> {
        let folders = |set: &Set| [root.to_owned(), root.join(set.folder), root.join(set.name).join(set.folder)];
        for set in self.0 {
            if let Some(folder) = folders(set).iter().find(|folder| set.is_in(folder)) {
                return set.read(folder);
            }
        }
        let [pickles, binary] = self.0;
        let mut names: Vec<String> = pickles.train.iter().map(|&name| name.to_owned()).collect();
        names.extend([pickles.test, pickles.names].map(str::to_owned));
        let looked: Vec<PathBuf> =
            std::iter::once(root.to_owned()).chain(self.0.iter().map(|set| root.join(set.folder))).collect();
        Err(missing(
            pickles.name,
            &names,
            &format!("or those of the binary version: {}, …", binary.train[0]),
            &looked,
            "download the archive of either version from https://www.cs.toronto.edu/~kriz/cifar.html and unpack it",
        ))
    }
}

fn read_records(path: &Path, label_bytes: usize, pixels: &mut Vec<u8>, labels: &mut Vec<i64>) -> Result<()> {
    let record = label_bytes + PIXELS;
    let mut file = Content::open(path)?;
    let length = std::fs::metadata(path).map_err(|error| file.error(error))?.len();
    if !length.is_multiple_of(record as u64) {
        return Err(file.error(format!("the file is cut: {length} bytes are no whole number of records of {record}")));
    }
    let bytes = file.bytes(length)?;
    for record in bytes.chunks_exact(record) {
        labels.push(i64::from(record[label_bytes - 1]));
        pixels.extend_from_slice(&record[label_bytes..]);
    }
    Ok(())
}

fn read_pickle(path: &Path, key: &str, pixels: &mut Vec<u8>, labels: &mut Vec<i64>) -> Result<()> {
    let wrong = |what: &str| Error::file(format!("{}: {what}", path.display()));
    let batch = plain::load(path)?;
    let Some(Value::Tensor(data)) = entry(&batch, "data") else { return Err(wrong("no array under 'data'")) };
    let Some(Value::List(numbers)) = entry(&batch, key) else {
        return Err(wrong(&format!("no list under '{key}'")));
    };
    if data.dtype() != DType::U8 || data.shape() != [numbers.len(), PIXELS] {
        return Err(wrong(&format!(
            "{} labels, and images of shape {} and dtype {}",
            numbers.len(),
            data.shape(),
            data.dtype().name()
        )));
    }
    for number in numbers {
        let Value::Int(label) = number else { return Err(wrong("a label that is no number")) };
        labels.push(*label);
    }
    with_bytes(data, |bytes| pixels.extend_from_slice(bytes))
}

/// The entry of a dict under a key that may be text or bytes.
fn entry<'a>(dict: &'a Value, key: &str) -> Option<&'a Value> {
    dict.get(key).or_else(|| {
        dict.entries()?.iter().find_map(|(k, v)| match k {
            Value::Bytes(k) if k == key.as_bytes() => Some(v),
            _ => None,
        })
    })
}
