//! Checkpoints in several files, with a JSON index that says which tensor is in which:
//! `model.safetensors.index.json` beside `model-00001-of-00002.safetensors`, or the same with
//! PyTorch's files.

use crate::describe::Description;
use crate::source::Source;
use crate::{Format, LoadOptions, NamedTensors, describe as describe_file, load_with};
use flambeau_tensor::{Error, Result};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

/// How many bytes an index may have: a hundred for each of a million tensors.
const MAX_INDEX: u64 = 100_000_000;

#[derive(Deserialize)]
struct Index {
    #[serde(default)]
    metadata: BTreeMap<String, serde_json::Value>,
    weight_map: BTreeMap<String, String>,
}

impl Index {
    fn of(source: &Source) -> Result<Self> {
        if source.len() > MAX_INDEX {
            return Err(Error::file(format!("an index of {} bytes; at most {MAX_INDEX} are expected", source.len())));
        }
        let text = source.bytes(0, source.len() as usize)?;
        serde_json::from_slice(&text)
            .map_err(|e| Error::file(format!("JSON, but no index of a checkpoint's files: {e}")))
    }

    /// The files, and the tensors that each must have.
    fn files(self, index: &Path) -> Result<Vec<(PathBuf, BTreeSet<String>)>> {
        let mut files: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (tensor, file) in self.weight_map {
            files.entry(file).or_default().insert(tensor);
        }
        let folder = index.parent().unwrap_or(Path::new(""));
        let place = |(file, tensors): (String, BTreeSet<String>)| {
            // An index from elsewhere must not make us read other files of this machine.
            let mut parts = Path::new(&file).components();
            match (parts.next(), parts.next()) {
                (Some(Component::Normal(name)), None) if name == file.as_str() => Ok((folder.join(name), tensors)),
                _ => Err(Error::file(format!("the index names {file:?}, which is no file beside it"))),
            }
        };
        files.into_iter().map(place).collect()
    }
}

/// One of the files, which may not be an index itself.
fn checked(path: &Path) -> Result<()> {
    match Format::of_source(&Source::open(path)?) {
        Ok(Format::Index) => Err(Error::file(format!("{}: an index inside an index", path.display()))),
        Ok(_) => Ok(()),
        Err(error) => Err(crate::in_file(path, &error)),
    }
}

pub(crate) fn load(source: &Source, path: &Path, options: &LoadOptions) -> Result<NamedTensors> {
    let mut all = Vec::new();
    for (file, mut wanted) in Index::of(source)?.files(path)? {
        checked(&file)?;
        let tensors = load_with(&file, options)?;
        all.extend(tensors.into_iter().filter(|(name, _)| wanted.remove(name)));
        if let Some(missing) = wanted.first() {
            return Err(Error::file(format!("{} lacks the tensor {missing:?} of the index", file.display())));
        }
    }
    Ok(all)
}

pub(crate) fn describe(source: &Source, path: &Path) -> Result<Description> {
    let index = Index::of(source)?;
    let mut description = Description::new(Format::Index, source.len());
    description.metadata = index.metadata.iter().map(|(key, value)| (key.clone(), text(value))).collect();
    let mut storages = 0;
    for (file, wanted) in index.files(path)? {
        checked(&file)?;
        let part = describe_file(&file)?;
        description.file_bytes = description.file_bytes.saturating_add(part.file_bytes);
        let first = storages;
        for mut tensor in part.tensors {
            tensor.placed.storage += first;
            storages = storages.max(tensor.placed.storage + 1);
            if wanted.contains(&tensor.name) {
                description.tensors.push(tensor);
            }
        }
    }
    Ok(description)
}

fn text(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
