//! Pictures in folders that are named after their classes.

use super::{Options, Splits, split};
use crate::Images;
use crate::picture::{self, Color, EXTENSIONS};
use flambeau_tensor::{Error, Result};
use std::path::{Path, PathBuf};

/// How deep folders may nest below a class.
const MAX_DEPTH: usize = 32;

/// A folder with `train` and `test` (or `val`) in it, or one with the classes' folders, of which a part is held out.
///
/// # Errors
/// As [`folder`], or if the two parts have different classes.
pub fn image_folders(path: &Path, options: &Options) -> Result<Splits> {
    let train = path.join("train");
    let test = ["test", "val", "valid", "validation"].map(|name| path.join(name)).into_iter().find(|p| p.is_dir());
    match test {
        Some(test) if train.is_dir() => {
            let (train, test) = (folder(&train, options.color)?, folder(&test, options.color)?);
            if train.classes() != test.classes() {
                return Err(Error::file(format!(
                    "{}: the classes to learn, {:?}, are not those to test, {:?}",
                    path.display(),
                    train.classes(),
                    test.classes()
                )));
            }
            Ok(Splits { train, test })
        }
        _ if train.is_dir() => split(&folder(&train, options.color)?, options),
        _ => split(&folder(path, options.color)?, options),
    }
}

/// The pictures in the folders of one folder, each of which is a class; classes and files in the order of their names.
///
/// # Errors
/// If the folder cannot be read, has no folders in it, or one of those has no pictures.
pub fn folder(path: &Path, color: Color) -> Result<Images> {
    let mut classes: Vec<PathBuf> = entries(path)?.into_iter().filter(|entry| entry.is_dir()).collect();
    classes.retain(|class| !class.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')));
    if classes.is_empty() {
        return Err(Error::file(format!("{}: couldn't find any class folder", path.display())));
    }
    let (mut paths, mut labels, mut names) = (Vec::new(), Vec::new(), Vec::new());
    let mut empty = Vec::new();
    for (number, class) in classes.iter().enumerate() {
        let name = class.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let before = paths.len();
        pictures(class, MAX_DEPTH, &mut paths)?;
        if paths.len() == before {
            empty.push(name.clone());
        }
        labels.resize(paths.len(), number as i64);
        names.push(name);
    }
    if !empty.is_empty() {
        return Err(Error::file(format!(
            "{}: found no pictures for the classes {}; their names end in {}",
            path.display(),
            empty.join(", "),
            EXTENSIONS.map(|e| format!(".{e}")).join(", ")
        )));
    }
    Images::from_files(paths, color, labels, names)
}

/// What is in a folder, in the order of names.
fn entries(path: &Path) -> Result<Vec<PathBuf>> {
    let failed = |error: std::io::Error| Error::file(format!("{}: {error}", path.display()));
    let mut entries = std::fs::read_dir(path)
        .map_err(failed)?
        .map(|entry| Ok(entry.map_err(failed)?.path()))
        .collect::<Result<Vec<_>>>()?;
    entries.sort();
    Ok(entries)
}

fn pictures(path: &Path, depth: usize, to: &mut Vec<PathBuf>) -> Result<()> {
    // A link may lead back to where it lies.
    if depth == 0 {
        return Err(Error::file(format!("{}: folders nest deeper than {MAX_DEPTH}", path.display())));
    }
    for entry in entries(path)? {
        if entry.is_dir() {
            pictures(&entry, depth - 1, to)?;
        } else if picture::is_named_so(&entry) && entry.is_file() {
            to.push(entry);
        }
    }
    Ok(())
}
