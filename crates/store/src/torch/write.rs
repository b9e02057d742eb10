//! From values to a file.

use super::{MAGIC, MAX_DEPTH, failed};
use crate::dtypes::class_of;
use crate::pickle::{StorageRef, Writer};
use crate::{Value, archive};
use flambeau_tensor::{DType, Error, Result, Storage, Tensor};
use std::collections::HashMap;
use std::io::{Seek, Write};
use std::sync::Arc;

/// Writes a zip archive whose records are in the folder `name`.
pub(super) fn archive<W: Write + Seek>(to: W, name: &str, value: &Value) -> Result<W> {
    let (pickle, storages) = Writing::new(false).finish(value)?;
    let mut archive = archive::Writer::new(to);
    archive.add(&format!("{name}/data.pkl"), &[&pickle])?;
    archive.add(&format!("{name}/byteorder"), &[if cfg!(target_endian = "big") { b"big" } else { b"little" }])?;
    for (key, (storage, _)) in storages.iter().enumerate() {
        storage.with_bytes(|bytes| archive.add(&format!("{name}/data/{key}"), &[bytes]))?;
    }
    archive.add(&format!("{name}/version"), &[b"3\n"])?;
    archive.finish()
}

/// Writes the format before PyTorch 1.6.
pub(super) fn legacy(mut to: impl Write, value: &Value) -> Result<()> {
    let (pickle, storages) = Writing::new(true).finish(value)?;
    let mut head = Writer::new();
    head.big_int(&MAGIC);
    to.write_all(&head.finish()).map_err(failed)?;
    let mut version = Writer::new();
    version.int(1001);
    to.write_all(&version.finish()).map_err(failed)?;
    let mut machine = Writer::new();
    machine.empty_dict();
    machine.mark();
    machine.str("protocol_version");
    machine.int(1001);
    machine.str("little_endian");
    machine.bool(true);
    machine.str("type_sizes");
    machine.empty_dict();
    machine.mark();
    for (name, bytes) in [("short", 2), ("int", 4), ("long", 4)] {
        machine.str(name);
        machine.int(bytes);
    }
    machine.set_items();
    machine.set_items();
    to.write_all(&machine.finish()).map_err(failed)?;
    to.write_all(&pickle).map_err(failed)?;
    let mut keys = Writer::new();
    keys.empty_list();
    keys.mark();
    (0..storages.len()).for_each(|key| keys.str(&key.to_string()));
    keys.appends();
    to.write_all(&keys.finish()).map_err(failed)?;
    for (storage, dtype) in &storages {
        storage.with_bytes(|bytes| {
            let numel = bytes.len() / dtype.size();
            to.write_all(&(numel as u64).to_le_bytes()).map_err(failed)?;
            let whole = &bytes[..numel * dtype.size()];
            if cfg!(target_endian = "little") {
                return to.write_all(whole).map_err(failed);
            }
            let mut swapped = whole.to_vec();
            swapped.chunks_exact_mut(dtype.to_real().size()).for_each(<[u8]>::reverse);
            to.write_all(&swapped).map_err(failed)
        })?;
    }
    Ok(())
}

/// Storages in the order of their keys, and what their elements are.
type Stored = Vec<(Arc<Storage>, DType)>;

/// A pickle being written, and the storages that it names.
struct Writing {
    out: Writer,
    legacy: bool,
    storages: Stored,
    /// A storage's number by its address.
    numbers: HashMap<usize, usize>,
}

impl Writing {
    fn new(legacy: bool) -> Self {
        Writing { out: Writer::new(), legacy, storages: Vec::new(), numbers: HashMap::new() }
    }

    fn finish(mut self, value: &Value) -> Result<(Vec<u8>, Stored)> {
        self.value(value, 0)?;
        Ok((self.out.finish(), self.storages))
    }

    fn value(&mut self, value: &Value, depth: usize) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(Error::file("the value to be saved is nested too deeply"));
        }
        let out = &mut self.out;
        match value {
            Value::None => out.none(),
            Value::Bool(b) => out.bool(*b),
            Value::Int(i) => out.int(*i),
            Value::BigInt(bytes) => out.big_int(bytes),
            Value::Float(f) => out.float(*f),
            Value::Complex(re, im) => {
                // The name that Python 2 gave the module, as protocol 2 has it.
                out.global("__builtin__", "complex");
                out.mark();
                out.float(*re);
                out.float(*im);
                out.tuple();
                out.reduce();
            }
            Value::Str(s) => out.str(check_length(s.as_bytes()).map(|_| s)?),
            Value::Bytes(b) => out.bytes(check_length(b)?),
            Value::List(items) => {
                out.empty_list();
                out.mark();
                self.all(items, depth)?;
                self.out.appends();
            }
            Value::Tuple(items) => {
                out.mark();
                self.all(items, depth)?;
                self.out.tuple();
            }
            Value::Size(sizes) => {
                out.global("torch", "Size");
                out.mark();
                out.ints(sizes);
                out.tuple();
                out.reduce();
            }
            Value::Set(items) => {
                out.global("__builtin__", "set");
                out.mark();
                out.empty_list();
                out.mark();
                self.all(items, depth)?;
                self.out.appends();
                self.out.tuple();
                self.out.reduce();
            }
            Value::Dict(entries) => {
                out.empty_dict();
                self.entries(entries, depth)?;
            }
            Value::OrderedDict(dict) => {
                out.ordered_dict();
                self.entries(&dict.entries, depth)?;
                if !dict.attributes.is_empty() {
                    self.out.empty_dict();
                    self.entries(&dict.attributes, depth)?;
                    self.out.build();
                }
            }
            Value::DType(name) => out.global("torch", one_line(name)?),
            Value::Device(name) => {
                out.global("torch", "device");
                out.mark();
                out.str(name);
                out.tuple();
                out.reduce();
            }
            Value::Tensor(tensor) => self.tensor(tensor)?,
            Value::Parameter(tensor) => {
                out.global("torch._utils", "_rebuild_parameter");
                out.mark();
                self.tensor(&tensor.detach())?;
                self.out.bool(tensor.requires_grad());
                self.out.ordered_dict();
                self.out.tuple();
                self.out.reduce();
            }
        }
        Ok(())
    }

    fn all(&mut self, items: &[Value], depth: usize) -> Result<()> {
        items.iter().try_for_each(|item| self.value(item, depth + 1))
    }

    fn entries(&mut self, entries: &[(Value, Value)], depth: usize) -> Result<()> {
        self.out.mark();
        for (key, value) in entries {
            self.value(key, depth + 1)?;
            self.value(value, depth + 1)?;
        }
        self.out.set_items();
        Ok(())
    }

    fn tensor(&mut self, tensor: &Tensor) -> Result<()> {
        let array = tensor.array();
        let address = Arc::as_ptr(array.storage()) as usize;
        let key = *self.numbers.entry(address).or_insert_with(|| {
            self.storages.push((array.storage().clone(), array.dtype()));
            self.storages.len() - 1
        });
        if self.storages[key].1 != array.dtype() {
            return Err(Error::file(
                "Cannot save multiple tensors or storages that view the same data as different types",
            ));
        }
        let out = &mut self.out;
        out.global("torch._utils", "_rebuild_tensor_v2");
        out.mark();
        let storage = StorageRef {
            class: class_of(array.dtype()).into(),
            key: key.to_string().into(),
            location: "cpu".into(),
            numel: array.storage().len() / array.dtype().size(),
            view: None,
        };
        out.storage(&storage, self.legacy);
        out.int(array.layout().offset() as i64);
        out.ints(array.shape());
        out.ints(array.strides());
        out.bool(tensor.requires_grad() && tensor.is_leaf());
        out.ordered_dict();
        out.tuple();
        out.reduce();
        Ok(())
    }
}

/// Protocol 2 has four bytes for a length.
fn check_length(bytes: &[u8]) -> Result<&[u8]> {
    // Bytes are written as text, where half of them take two.
    if bytes.len() > u32::MAX as usize / 2 {
        return Err(Error::file("a string of more than 2 GiB has no place in a checkpoint: make it a tensor"));
    }
    Ok(bytes)
}

fn one_line(name: &str) -> Result<&str> {
    if name.contains('\n') { Err(Error::file("a dtype's name is one line")) } else { Ok(name) }
}
