//! From a pickle's objects to values, and to a description of them.

use super::MAX_DEPTH;
use super::storages::{self, Storages};
use crate::describe::{Description, Placed, TensorInfo};
use crate::dtypes::FileDType;
use crate::pickle::{Id, Object, Pickle, TensorRef};
use crate::source::Source;
use crate::{Format, OrderedDict, Value};
use flambeau_tensor::{Array, DType, Error, Layout, Result, Storage, Tensor};
use std::collections::HashMap;
use std::sync::Arc;

/// What all values may take: this, and 64 bytes for each object of the pickle. References to one
/// list from many places multiply.
const MAX_UNFOLDED: usize = 256 << 20;

/// An opened file: the pickle is read, the storages are not.
pub(crate) struct Checkpoint<'a> {
    format: Format,
    pickle: Pickle,
    storages: Storages<'a>,
    loaded: HashMap<Arc<str>, (Arc<Storage>, DType)>,
    left: usize,
}

/// Opens a file of either format.
///
/// # Errors
/// If it is neither, is damaged, or names code.
pub(crate) fn open(source: &Source) -> Result<Checkpoint<'_>> {
    let format = Format::of(&source.cursor(0).take(source.len().min(64) as usize).unwrap_or_default());
    let (pickle, storages) = match format {
        Some(Format::Torch) => storages::archive(source)?,
        Some(Format::TorchLegacy) => storages::legacy(source)?,
        _ => return Err(Error::file("not a file of PyTorch: neither a zip archive nor the format before it")),
    };
    let left = MAX_UNFOLDED + 64 * pickle.objects.len();
    let format = format.unwrap_or(Format::Torch);
    Ok(Checkpoint { format, pickle, storages, loaded: HashMap::new(), left })
}

impl Checkpoint<'_> {
    /// The value.
    ///
    /// # Errors
    /// If it refers to itself, or a tensor does not fit its storage.
    pub(crate) fn value(mut self) -> Result<Value> {
        let objects = std::mem::take(&mut self.pickle.objects);
        self.unfold(&objects, self.pickle.root, 0)
    }

    fn spend(&mut self, bytes: usize, depth: usize) -> Result<()> {
        match self.left.checked_sub(bytes) {
            Some(left) if depth <= MAX_DEPTH => self.left = left,
            _ => return Err(Error::file("the checkpoint's containers are nested without end")),
        }
        Ok(())
    }

    fn unfold(&mut self, objects: &[Object], id: Id, depth: usize) -> Result<Value> {
        self.spend(size_of::<Value>(), depth)?;
        Ok(match &objects[id] {
            Object::None => Value::None,
            Object::Bool(b) => Value::Bool(*b),
            Object::Int(i) => Value::Int(*i),
            Object::BigInt(bytes) => {
                self.spend(bytes.len(), depth)?;
                Value::BigInt(bytes.to_vec())
            }
            Object::Float(f) => Value::Float(*f),
            Object::Complex(re, im) => Value::Complex(*re, *im),
            Object::Str(text) => {
                self.spend(text.len(), depth)?;
                Value::Str(text.to_string())
            }
            Object::Bytes(bytes) => {
                self.spend(bytes.len(), depth)?;
                Value::Bytes(bytes.to_vec())
            }
            Object::List(ids) => Value::List(self.all(objects, ids, depth)?),
            Object::Tuple(ids) => Value::Tuple(self.all(objects, ids, depth)?),
            Object::Set(ids) => Value::Set(self.all(objects, ids, depth)?),
            Object::Size(ids) => Value::Size(self.all(objects, ids, depth)?.iter().map(size).collect::<Result<_>>()?),
            Object::Dict(entries) => Value::Dict(self.entries(objects, entries, depth)?),
            Object::OrderedDict { entries, attributes } => {
                let entries = self.entries(objects, entries, depth)?;
                let attributes = match attributes.map(|id| &objects[id]) {
                    Some(Object::Dict(attributes)) => self.entries(objects, attributes, depth)?,
                    _ => Vec::new(),
                };
                Value::OrderedDict(Box::new(OrderedDict { entries, attributes }))
            }
            Object::Tensor(tensor) => {
                self.spend(tensor.size.len() * 2 * size_of::<usize>(), depth)?;
                let loaded = self.tensor(tensor)?;
                if tensor.parameter { Value::Parameter(loaded) } else { Value::Tensor(loaded) }
            }
            Object::DType(name) => Value::DType(name.to_string()),
            Object::Device(name) => Value::Device(name.to_string()),
            Object::Storage(_)
            | Object::Global(..)
            | Object::NumpyArray(_)
            | Object::NumpyType { .. }
            | Object::Mark => {
                return Err(Error::file("the checkpoint holds a bare storage or class, which is no value here"));
            }
        })
    }

    fn all(&mut self, objects: &[Object], ids: &[Id], depth: usize) -> Result<Vec<Value>> {
        ids.iter().map(|&id| self.unfold(objects, id, depth + 1)).collect()
    }

    fn entries(&mut self, objects: &[Object], entries: &[(Id, Id)], depth: usize) -> Result<Vec<(Value, Value)>> {
        let unfolded = entries
            .iter()
            .map(|&(key, value)| Ok((self.unfold(objects, key, depth + 1)?, self.unfold(objects, value, depth + 1)?)));
        Ok(crate::value::unique(unfolded.collect::<Result<_>>()?))
    }

    fn tensor(&mut self, tensor: &TensorRef) -> Result<Tensor> {
        let dtype = dtype_of(tensor)?.supported("a tensor of the checkpoint")?;
        let storage = self.storage(tensor, dtype)?;
        let layout = layout_of(tensor)?;
        let loaded = Tensor::from_array(Array::new(storage, layout, dtype)?);
        if tensor.requires_grad && dtype.is_floating_point() {
            loaded.requires_grad_(true)?;
        }
        Ok(loaded)
    }

    fn storage(&mut self, tensor: &TensorRef, dtype: DType) -> Result<Arc<Storage>> {
        let wanted = &tensor.storage;
        if let Some((storage, first)) = self.loaded.get(&wanted.key) {
            if *first != dtype {
                return Err(Error::file(format!(
                    "the checkpoint calls storage {:?} both {first} and {dtype}",
                    wanted.key
                )));
            }
            return Ok(storage.clone());
        }
        let storage = self.storages.load(wanted, dtype.to_real().size())?;
        self.loaded.insert(wanted.key.clone(), (storage.clone(), dtype));
        Ok(storage)
    }

    /// Names, shapes and places of all tensors, without their numbers.
    ///
    /// # Errors
    /// If a tensor does not fit its storage.
    pub(crate) fn describe(mut self, file_bytes: u64) -> Result<Description> {
        let objects = std::mem::take(&mut self.pickle.objects);
        let mut description = Description::new(self.format, file_bytes);
        let mut places = HashMap::new();
        self.walk(&objects, self.pickle.root, &mut String::new(), 0, &mut places, &mut description)?;
        Ok(description)
    }

    fn walk(
        &mut self,
        objects: &[Object],
        id: Id,
        name: &mut String,
        depth: usize,
        places: &mut HashMap<Arc<str>, usize>,
        to: &mut Description,
    ) -> Result<()> {
        self.spend(size_of::<TensorInfo>() + name.len(), depth)?;
        let mut step = |reader: &mut Self, part: &str, id: Id, name: &mut String| {
            let before = name.len();
            if before != 0 {
                name.push('.');
            }
            name.push_str(part);
            let walked = reader.walk(objects, id, name, depth + 1, places, to);
            name.truncate(before);
            walked
        };
        match &objects[id] {
            Object::Dict(entries) | Object::OrderedDict { entries, .. } => {
                for (key, value) in entries {
                    let key = short(&objects[*key]).unwrap_or_else(|| objects[*key].kind().to_owned());
                    step(self, &key, *value, name)?;
                }
            }
            Object::List(ids) | Object::Tuple(ids) | Object::Set(ids) => {
                // A row of numbers is one fact.
                let row: Option<Vec<String>> =
                    if ids.len() <= 8 { ids.iter().map(|&id| short(&objects[id])).collect() } else { None };
                match row {
                    Some(row) => to.metadata.push((name.clone(), format!("[{}]", row.join(", ")))),
                    None => ids.iter().enumerate().try_for_each(|(i, &id)| step(self, &i.to_string(), id, name))?,
                }
            }
            Object::Tensor(tensor) => {
                let dtype = dtype_of(tensor)?;
                let layout = layout_of(tensor)?;
                let place = match places.get(&tensor.storage.key) {
                    Some(&place) => place,
                    None => {
                        self.storages.check(&tensor.storage)?;
                        places.insert(tensor.storage.key.clone(), places.len());
                        places.len() - 1
                    }
                };
                let class = FileDType::of_class(&tensor.storage.class)?;
                let bytes = tensor.storage.numel.checked_mul(class.bits / 8);
                let end = layout.end().and_then(|end| end.checked_mul(dtype.bits / 8));
                if bytes.is_none() || end.is_none_or(|end| Some(end) > bytes) {
                    return Err(Error::file(format!("tensor {name:?} reaches beyond its storage")));
                }
                to.tensors.push(TensorInfo {
                    name: name.clone(),
                    dtype,
                    shape: tensor.size.clone(),
                    placed: Placed {
                        storage: place,
                        storage_bytes: bytes.unwrap_or(0) as u64,
                        strides: tensor.stride.clone(),
                        offset: layout.offset(),
                        location: tensor.storage.location.to_string(),
                    },
                });
            }
            other => {
                let text = short(other).unwrap_or_else(|| other.kind().to_owned());
                to.metadata.push((name.clone(), text));
            }
        }
        Ok(())
    }
}

fn size(value: &Value) -> Result<usize> {
    match value {
        Value::Int(n) => usize::try_from(*n).map_err(|_| Error::file(format!("the checkpoint holds a size of {n}"))),
        _ => Err(Error::file("the checkpoint holds a torch.Size of something else than numbers")),
    }
}

fn dtype_of(tensor: &TensorRef) -> Result<FileDType> {
    match &tensor.dtype {
        None => FileDType::of_class(&tensor.storage.class),
        Some(name) => FileDType::named(name)
            .ok_or_else(|| Error::file(format!("a tensor of the checkpoint has the unknown dtype {name}"))),
    }
}

fn layout_of(tensor: &TensorRef) -> Result<Layout> {
    // A large view of a small storage (stride 0) is legal, but no product of sizes, those beside a
    // zero included, may leave what can be counted.
    let numel = tensor.size.iter().try_fold(1usize, |n, &size| n.checked_mul(size.max(1)));
    if numel.is_none_or(|n| n > isize::MAX as usize / 16) {
        return Err(Error::file(format!("a tensor of the checkpoint has the impossible shape {:?}", tensor.size)));
    }
    let start = match &tensor.storage.view {
        Some(view) => {
            if view.offset.checked_add(view.numel).is_none_or(|end| end > tensor.storage.numel) {
                return Err(Error::file("a view of a storage reaches beyond it"));
            }
            view.offset
        }
        None => 0,
    };
    let offset = start.checked_add(tensor.offset).ok_or_else(|| Error::file("a tensor beyond all memory"))?;
    let impossible = tensor.stride.iter().any(|&stride| stride > isize::MAX as usize);
    if impossible || offset > isize::MAX as usize {
        return Err(Error::file("a tensor beyond all memory"));
    }
    Ok(Layout::strided(tensor.size.clone(), &tensor.stride, offset))
}

/// A number or a short text in words.
fn short(object: &Object) -> Option<String> {
    Some(match object {
        Object::None => "None".to_owned(),
        Object::Bool(b) => if *b { "True" } else { "False" }.to_owned(),
        Object::Int(i) => i.to_string(),
        Object::Float(f) => format!("{f:?}"),
        Object::Complex(re, im) => format!("({re:?}{im:+?}j)"),
        Object::Str(text) => text.chars().take(200).collect(),
        Object::DType(name) => format!("torch.{name}"),
        Object::Device(name) => name.to_string(),
        _ => return None,
    })
}
