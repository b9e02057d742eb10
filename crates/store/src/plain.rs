//! Pickles of plain containers and NumPy arrays, such as CIFAR's files.
//!
//! They are read by the interpreter that reads checkpoints, with another list of names: what is not an array, a
//! container, a number or text is refused, and nothing is executed. Python 2's strings become strings where they are
//! UTF-8, else bytes.

use crate::Value;
use crate::npy::dtype_of_kind;
use crate::pickle::{self, Id, Names, NumpyArray, Object};
use crate::source::Source;
use flambeau_tensor::{Array, Error, Layout, Result, Storage, Tensor};
use std::path::Path;

/// How deep containers may nest.
const MAX_DEPTH: usize = 64;

/// Reads a file. Arrays become tensors, as their dtype and shape say.
///
/// # Errors
/// If it cannot be read, is damaged, or holds anything else than containers and arrays.
pub fn load(path: impl AsRef<Path>) -> Result<Value> {
    let path = path.as_ref();
    let read = || from_source(&Source::open(path)?);
    read().map_err(|error| crate::in_file(path, &error))
}

/// Reads the content of a file.
///
/// # Errors
/// As [`load`].
pub fn from_bytes(bytes: Vec<u8>) -> Result<Value> {
    from_source(&Source::Memory(bytes))
}

fn from_source(source: &Source) -> Result<Value> {
    let mut cursor = source.cursor(0);
    let pickle = pickle::read(&mut cursor, Names::Arrays)?;
    // References to one list from many places multiply: what comes out may take a few times what the file has, and
    // what its objects take.
    let left = (source.len() as usize).saturating_mul(4).saturating_add(64 * pickle.objects.len());
    Unfolding { objects: &pickle.objects, left }.value(pickle.root, 0)
}

struct Unfolding<'a> {
    objects: &'a [Object],
    /// Bytes that may still be taken.
    left: usize,
}

impl Unfolding<'_> {
    fn spend(&mut self, bytes: usize, depth: usize) -> Result<()> {
        match self.left.checked_sub(bytes) {
            Some(left) if depth <= MAX_DEPTH => self.left = left,
            _ => return Err(Error::file("the pickle's containers are nested without end")),
        }
        Ok(())
    }

    fn value(&mut self, id: Id, depth: usize) -> Result<Value> {
        self.spend(size_of::<Value>(), depth)?;
        Ok(match &self.objects[id] {
            Object::None => Value::None,
            Object::Bool(b) => Value::Bool(*b),
            Object::Int(i) => Value::Int(*i),
            Object::Float(f) => Value::Float(*f),
            Object::Str(text) => {
                self.spend(text.len(), depth)?;
                Value::Str(text.to_string())
            }
            Object::Bytes(bytes) => {
                self.spend(bytes.len(), depth)?;
                Value::Bytes(bytes.to_vec())
            }
            Object::List(ids) => Value::List(self.all(ids, depth)?),
            Object::Tuple(ids) => Value::Tuple(self.all(ids, depth)?),
            Object::Dict(entries) | Object::OrderedDict { entries, .. } => Value::Dict(
                entries
                    .iter()
                    .map(|&(key, value)| Ok((self.value(key, depth + 1)?, self.value(value, depth + 1)?)))
                    .collect::<Result<_>>()?,
            ),
            Object::NumpyArray(array) => {
                self.spend(array.bytes.len(), depth)?;
                Value::Tensor(tensor(array)?)
            }
            other => return Err(Error::file(format!("the pickle holds a {}, which is no value here", other.kind()))),
        })
    }

    fn all(&mut self, ids: &[Id], depth: usize) -> Result<Vec<Value>> {
        ids.iter().map(|&id| self.value(id, depth + 1)).collect()
    }
}

fn tensor(array: &NumpyArray) -> Result<Tensor> {
    let NumpyArray { shape, kind, big_endian, fortran, bytes } = array;
    let unknown = || Error::file(format!("the pickle holds an array of NumPy's dtype {kind:?}"));
    let dtype = dtype_of_kind(kind).and_then(|found| found.dtype).ok_or_else(unknown)?;
    if *big_endian != cfg!(target_endian = "big") && dtype.size() > 1 {
        return Err(Error::file("the pickle holds an array in another machine's byte order"));
    }
    let wanted = shape.iter().try_fold(dtype.size(), |n, &size| n.checked_mul(size));
    if wanted != Some(bytes.len()) {
        return Err(Error::file(format!(
            "the pickle holds an array of shape {shape:?} and dtype {kind}, and {} bytes for it",
            bytes.len()
        )));
    }
    let of = |shape: Vec<usize>| -> Result<Tensor> {
        Ok(Tensor::from_array(Array::new(Storage::from_bytes(bytes)?, Layout::contiguous(shape), dtype)?))
    };
    if *fortran && shape.len() > 1 {
        let back: Vec<isize> = (0..shape.len() as isize).rev().collect();
        return of(shape.iter().rev().copied().collect())?.permute(&back)?.contiguous();
    }
    of(shape.clone())
}
