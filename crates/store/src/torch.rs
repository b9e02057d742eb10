//! PyTorch's `.pt` files since version 1.6: a zip archive with a pickle (`data.pkl`) and a record
//! of raw bytes for each storage (`data/0`, …).

use crate::Value;
use crate::pickle::{self, StorageRef, TensorRef, Writer};
use flambeau_tensor::{Array, DType, Error, Layout, Result, Storage, Tensor};
use std::collections::HashMap;
use std::io::{Cursor, Read, Seek, Write};
use std::path::Path;
use std::sync::Arc;
use zip::ZipArchive;
use zip::write::SimpleFileOptions;

/// How deep containers may nest.
const MAX_DEPTH: usize = 200;
/// How many values a file may unfold to: references to one list from many places multiply.
const MAX_VALUES: usize = 20_000_000;

/// Reads a file.
///
/// # Errors
/// If it cannot be read, is damaged, or names code.
pub fn load(path: impl AsRef<Path>) -> Result<Value> {
    from_bytes(crate::read_file(path.as_ref())?)
}

/// Reads the content of a file.
///
/// # Errors
/// As [`load`].
pub fn from_bytes(bytes: Vec<u8>) -> Result<Value> {
    let mut archive =
        ZipArchive::new(Cursor::new(bytes)).map_err(|e| Error::file(format!("not a whole zip archive: {e}")))?;
    let root = archive
        .file_names()
        .filter_map(|name| name.ok()?.strip_suffix("data.pkl").map(str::to_owned))
        .find(|folder| folder.is_empty() || folder.ends_with('/'))
        .ok_or_else(|| Error::file("the archive holds no data.pkl: not a PyTorch checkpoint"))?;
    let big_endian = record(&mut archive, &format!("{root}byteorder"), None).is_ok_and(|b| b == b"big");
    let pickle = pickle::read(&record(&mut archive, &format!("{root}data.pkl"), None)?)?;
    let mut reader = Reader { archive, root, big_endian, storages: HashMap::new(), values: 0 };
    reader.value(&pickle.objects, pickle.root, 0)
}

/// One record; `expected` bounds its size before anything is allocated for it.
fn record<R: Read + Seek>(archive: &mut ZipArchive<R>, name: &str, expected: Option<usize>) -> Result<Vec<u8>> {
    let damaged = |e: &dyn std::fmt::Display| Error::file(format!("record {name:?} of the checkpoint: {e}"));
    let file = archive.by_name(name).map_err(|e| damaged(&e))?;
    let limit = match expected {
        Some(bytes) if file.size() != bytes as u64 => {
            return Err(damaged(&format!("it has {} bytes where its tensor needs {bytes}", file.size())));
        }
        Some(bytes) => bytes as u64,
        None => file.size().min(1 << 30),
    };
    // A record's claimed size is not believed: memory grows with the bytes that really come.
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(|e| damaged(&e))?;
    if bytes.len() as u64 > limit || expected.is_some_and(|n| n != bytes.len()) {
        return Err(damaged(&"it does not have the size that it claims"));
    }
    Ok(bytes)
}

struct Reader {
    archive: ZipArchive<Cursor<Vec<u8>>>,
    root: String,
    big_endian: bool,
    storages: HashMap<String, (Arc<Storage>, DType)>,
    values: usize,
}

impl Reader {
    fn value(&mut self, objects: &[pickle::Object], id: usize, depth: usize) -> Result<Value> {
        use pickle::Object;
        self.values += 1;
        if depth > MAX_DEPTH || self.values > MAX_VALUES {
            return Err(Error::file("the checkpoint's containers are nested without end"));
        }
        let all = |reader: &mut Self, ids: &[usize]| -> Result<Vec<Value>> {
            ids.iter().map(|&id| reader.value(objects, id, depth + 1)).collect()
        };
        Ok(match &objects[id] {
            Object::None => Value::None,
            Object::Bool(b) => Value::Bool(*b),
            Object::Int(i) => Value::Int(*i),
            Object::Float(f) => Value::Float(*f),
            Object::Str(s) => Value::Str(s.clone()),
            Object::Bytes(b) => Value::Bytes(b.clone()),
            Object::List(ids) => Value::List(all(self, ids)?),
            Object::Tuple(ids) => Value::Tuple(all(self, ids)?),
            Object::Set(ids) => Value::Set(all(self, ids)?),
            Object::Dict(entries) => {
                let mut dict = Vec::with_capacity(entries.len());
                for &(key, value) in entries {
                    dict.push((self.value(objects, key, depth + 1)?, self.value(objects, value, depth + 1)?));
                }
                Value::Dict(dict)
            }
            Object::Tensor(tensor) => Value::Tensor(self.tensor(tensor)?),
            Object::DType(name) => Value::DType(name.clone()),
            Object::Device(name) => Value::Device(name.clone()),
            Object::Storage(_) | Object::Global(..) | Object::Mark => {
                return Err(Error::file("the checkpoint holds a bare storage or class, which is no value here"));
            }
        })
    }

    fn tensor(&mut self, tensor: &TensorRef) -> Result<Tensor> {
        let (storage, dtype) = self.storage(&tensor.storage)?;
        let layout = Layout::strided(tensor.size.clone(), &tensor.stride, tensor.offset);
        // A large view of a small storage (stride 0) is legal, but nothing here may count past usize.
        layout.shape().checked_numel()?;
        let made = Tensor::from_array(Array::new(storage, layout, dtype)?);
        Ok(made)
    }

    fn storage(&mut self, wanted: &StorageRef) -> Result<(Arc<Storage>, DType)> {
        let dtype = dtype_of_class(&wanted.class).ok_or_else(|| {
            Error::file(format!("the checkpoint holds a {}, whose dtype is not supported", wanted.class))
        })?;
        if let Some((storage, first)) = self.storages.get(&wanted.key) {
            if *first != dtype {
                return Err(Error::file(format!(
                    "the checkpoint calls storage {:?} both {first} and {dtype}",
                    wanted.key
                )));
            }
            return Ok((storage.clone(), dtype));
        }
        let bytes = wanted.numel.checked_mul(dtype.size()).ok_or_else(|| Error::file("a storage beyond all memory"))?;
        let mut data = record(&mut self.archive, &format!("{}data/{}", self.root, wanted.key), Some(bytes))?;
        if self.big_endian != cfg!(target_endian = "big") {
            data.chunks_exact_mut(dtype.to_real().size()).for_each(<[u8]>::reverse);
        }
        let storage = Storage::from_bytes(&data)?;
        self.storages.insert(wanted.key.clone(), (storage.clone(), dtype));
        Ok((storage, dtype))
    }
}

/// Storage classes and the dtypes they name.
const CLASSES: [(&str, DType); 12] = [
    ("FloatStorage", DType::F32),
    ("DoubleStorage", DType::F64),
    ("HalfStorage", DType::F16),
    ("BFloat16Storage", DType::BF16),
    ("LongStorage", DType::I64),
    ("IntStorage", DType::I32),
    ("ShortStorage", DType::I16),
    ("CharStorage", DType::I8),
    ("ByteStorage", DType::U8),
    ("BoolStorage", DType::Bool),
    ("ComplexFloatStorage", DType::C64),
    ("ComplexDoubleStorage", DType::C128),
];

fn dtype_of_class(class: &str) -> Option<DType> {
    CLASSES.iter().find(|(name, _)| *name == class).map(|&(_, dtype)| dtype)
}

fn class_of(dtype: DType) -> &'static str {
    CLASSES.iter().find(|&&(_, d)| d == dtype).map_or("FloatStorage", |&(name, _)| name)
}

/// Writes a file that `torch.load(path, weights_only=True)` reads. Tensors that share a storage
/// share it in the file.
///
/// # Errors
/// If it cannot be written, or a value has no place in such a file.
pub fn save(path: impl AsRef<Path>, value: &Value) -> Result<()> {
    let path = path.as_ref();
    let bytes = to_bytes(value)?;
    crate::write_atomically(path, |file| {
        file.write_all(&bytes).map_err(|e| Error::file(format!("{}: {e}", path.display())))
    })
}

/// The content of a file.
///
/// # Errors
/// As [`save`].
pub fn to_bytes(value: &Value) -> Result<Vec<u8>> {
    let mut storages = Vec::new();
    let mut pickle = Writer::new();
    write_value(&mut pickle, value, &mut storages, 0)?;
    let failed = |e: &dyn std::fmt::Display| Error::file(format!("writing a checkpoint: {e}"));
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    // Records are stored as they are, each at a multiple of 64 bytes, so that they can be mapped.
    let options = SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Stored)
        .with_alignment(64)
        .large_file(false);
    let mut add = |name: String, bytes: &[u8]| -> Result<()> {
        let options = options.large_file(bytes.len() >= u32::MAX as usize);
        archive.start_file(name, options).map_err(|e| failed(&e))?;
        archive.write_all(bytes).map_err(|e| failed(&e))
    };
    add("archive/data.pkl".to_owned(), &pickle.finish())?;
    add("archive/byteorder".to_owned(), if cfg!(target_endian = "big") { b"big" } else { b"little" })?;
    for (key, storage) in storages.iter().enumerate() {
        add(format!("archive/data/{key}"), &storage.to_bytes())?;
    }
    add("archive/version".to_owned(), b"3\n")?;
    archive.finish().map(Cursor::into_inner).map_err(|e| failed(&e))
}

fn write_value(out: &mut Writer, value: &Value, storages: &mut Vec<Arc<Storage>>, depth: usize) -> Result<()> {
    if depth > MAX_DEPTH {
        return Err(Error::file("the value to be saved is nested too deeply"));
    }
    match value {
        Value::None => out.none(),
        Value::Bool(b) => out.bool(*b),
        Value::Int(i) => out.int(*i),
        Value::Float(f) => out.float(*f),
        Value::Str(s) => out.str(s),
        Value::Bytes(b) => out.bytes(b),
        Value::List(items) => {
            out.empty_list();
            out.mark();
            items.iter().try_for_each(|v| write_value(out, v, storages, depth + 1))?;
            out.appends();
        }
        Value::Tuple(items) => {
            out.mark();
            items.iter().try_for_each(|v| write_value(out, v, storages, depth + 1))?;
            out.tuple();
        }
        Value::Set(items) => {
            out.global("builtins", "set");
            out.mark();
            write_value(out, &Value::List(items.clone()), storages, depth + 1)?;
            out.tuple();
            out.reduce();
        }
        Value::Dict(entries) => {
            let is_state_dict = !entries.is_empty() && entries.iter().all(|(_, v)| matches!(v, Value::Tensor(_)));
            if is_state_dict {
                out.ordered_dict()
            } else {
                out.empty_dict()
            }
            out.mark();
            for (key, value) in entries {
                write_value(out, key, storages, depth + 1)?;
                write_value(out, value, storages, depth + 1)?;
            }
            out.set_items();
        }
        Value::DType(name) => out.global("torch", name),
        Value::Device(name) => {
            out.global("torch", "device");
            out.mark();
            out.str(name);
            out.tuple();
            out.reduce();
        }
        Value::Tensor(tensor) => write_tensor(out, tensor, storages),
    }
    Ok(())
}

fn write_tensor(out: &mut Writer, tensor: &Tensor, storages: &mut Vec<Arc<Storage>>) {
    let array = tensor.array();
    let key = storages.iter().position(|s| Arc::ptr_eq(s, array.storage())).unwrap_or_else(|| {
        storages.push(array.storage().clone());
        storages.len() - 1
    });
    out.global("torch._utils", "_rebuild_tensor_v2");
    out.mark();
    out.storage(&StorageRef {
        class: class_of(array.dtype()).to_owned(),
        key: key.to_string(),
        location: "cpu".to_owned(),
        numel: array.storage().len() / array.dtype().size(),
    });
    out.int(array.layout().offset() as i64);
    out.ints(array.shape());
    out.ints(array.strides());
    out.bool(tensor.requires_grad() && tensor.is_leaf());
    out.ordered_dict();
    out.tuple();
    out.reduce();
}
