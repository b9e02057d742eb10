//! The restricted interpreter.
//!
//! Objects live in an arena and refer to one another by number, so that a list can be filled after
//! it was remembered, as pickles do. Nothing here recurses on the input, and every length in the
//! file is checked against the bytes that are there.

use super::op::*;
use flambeau_tensor::{Error, Result};

/// The index of an object in the arena.
type Id = usize;

/// A storage that the archive holds under a key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StorageRef {
    /// The class that names the dtype: `FloatStorage`.
    pub(crate) class: String,
    /// The record's name.
    pub(crate) key: String,
    /// Where it was: `cpu`, `cuda:0`.
    pub(crate) location: String,
    /// Elements.
    pub(crate) numel: usize,
}

/// A tensor: a view of a storage.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TensorRef {
    pub(crate) storage: StorageRef,
    pub(crate) offset: usize,
    pub(crate) size: Vec<usize>,
    pub(crate) stride: Vec<usize>,
    pub(crate) requires_grad: bool,
}

/// An object in the arena.
#[derive(Clone, Debug)]
pub(crate) enum Object {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(String),
    Bytes(Vec<u8>),
    List(Vec<Id>),
    Tuple(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Set(Vec<Id>),
    Global(String, String),
    Storage(StorageRef),
    Tensor(TensorRef),
    DType(String),
    Device(String),
    Mark,
}

/// What a pickle built.
pub(crate) struct Pickle {
    pub(crate) objects: Vec<Object>,
    pub(crate) root: Id,
}

fn damaged(what: impl std::fmt::Display) -> Error {
    Error::file(format!("the checkpoint's pickle is damaged: {what}"))
}

/// PyTorch's refusal of a name that a weights-only file may not use.
fn refused(name: &str) -> Error {
    Error::file(format!(
        "Weights only load failed. Unsupported global: GLOBAL {name} was not an allowed global by default. Nothing in a checkpoint is executed here: the file must hold tensors, numbers, strings and containers of them."
    ))
}

/// Runs a pickle.
///
/// # Errors
/// If it is damaged, or names anything but the parts of tensors and plain containers.
pub(crate) fn read(bytes: &[u8]) -> Result<Pickle> {
    Machine { bytes, at: 0, objects: Vec::new(), stack: Vec::new(), memo: Default::default() }.run()
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    objects: Vec<Object>,
    stack: Vec<Id>,
    memo: std::collections::HashMap<usize, Id>,
}

impl Machine<'_> {
    fn run(mut self) -> Result<Pickle> {
        loop {
            match self.byte()? {
                PROTO => {
                    let version = self.byte()?;
                    if version > 5 {
                        return Err(damaged(format!("unknown protocol {version}")));
                    }
                }
                FRAME => drop(self.take(8)?),
                STOP => {
                    let root = self.pop()?;
                    return Ok(Pickle { objects: self.objects, root });
                }
                opcode => self.step(opcode)?,
            }
        }
    }

    fn step(&mut self, opcode: u8) -> Result<()> {
        match opcode {
            MARK => self.push(Object::Mark),
            POP => drop(self.stack.pop()),
            POP_MARK => drop(self.pop_to_mark()?),
            DUP => {
                let top = *self.stack.last().ok_or_else(|| damaged("an empty stack"))?;
                self.stack.push(top);
            }
            NONE => self.push(Object::None),
            NEWTRUE => self.push(Object::Bool(true)),
            NEWFALSE => self.push(Object::Bool(false)),
            BININT => {
                let v = i32::from_le_bytes(self.array()?);
                self.push(Object::Int(v.into()));
            }
            BININT1 => {
                let v = self.byte()?;
                self.push(Object::Int(v.into()));
            }
            BININT2 => {
                let v = u16::from_le_bytes(self.array()?);
                self.push(Object::Int(v.into()));
            }
            LONG1 => {
                let n = self.byte()?.into();
                self.long(n)?;
            }
            LONG4 => {
                let n = self.length4()?;
                self.long(n)?;
            }
            BINFLOAT => {
                let v = f64::from_be_bytes(self.array()?);
                self.push(Object::Float(v));
            }
            SHORT_BINUNICODE | SHORT_BINSTRING => {
                let n = self.byte()?.into();
                self.text(n)?;
            }
            BINUNICODE | BINSTRING => {
                let n = self.length4()?;
                self.text(n)?;
            }
            BINUNICODE8 => {
                let n = self.length8()?;
                self.text(n)?;
            }
            SHORT_BINBYTES => {
                let n = self.byte()?.into();
                self.raw(n)?;
            }
            BINBYTES => {
                let n = self.length4()?;
                self.raw(n)?;
            }
            BINBYTES8 => {
                let n = self.length8()?;
                self.raw(n)?;
            }
            EMPTY_LIST => self.push(Object::List(Vec::new())),
            EMPTY_TUPLE => self.push(Object::Tuple(Vec::new())),
            EMPTY_DICT => self.push(Object::Dict(Vec::new())),
            EMPTY_SET => self.push(Object::Set(Vec::new())),
            LIST => {
                let items = self.pop_to_mark()?;
                self.push(Object::List(items));
            }
            TUPLE => {
                let items = self.pop_to_mark()?;
                self.push(Object::Tuple(items));
            }
            TUPLE1 | TUPLE2 | TUPLE3 => {
                let n = usize::from(opcode - TUPLE1) + 1;
                let from = self.stack.len().checked_sub(n).ok_or_else(|| damaged("an empty stack"))?;
                let items = self.stack.split_off(from);
                self.push(Object::Tuple(items));
            }
            DICT => {
                let entries = pairs(self.pop_to_mark()?)?;
                self.push(Object::Dict(entries));
            }
            APPEND => {
                let item = self.pop()?;
                self.extend_list(vec![item])?;
            }
            APPENDS => {
                let items = self.pop_to_mark()?;
                self.extend_list(items)?;
            }
            SETITEM => {
                let value = self.pop()?;
                let key = self.pop()?;
                self.extend_dict(vec![(key, value)])?;
            }
            SETITEMS => {
                let entries = pairs(self.pop_to_mark()?)?;
                self.extend_dict(entries)?;
            }
            ADDITEMS => {
                let items = self.pop_to_mark()?;
                match self.top_mut()? {
                    Object::Set(set) => set.extend(items),
                    _ => return Err(damaged("items added to what is no set")),
                }
            }
            BINPUT => {
                let n = self.byte()?.into();
                self.memoize(n)?;
            }
            LONG_BINPUT => {
                let n = u32::from_le_bytes(self.array()?) as usize;
                self.memoize(n)?;
            }
            MEMOIZE => self.memoize(self.memo.len())?,
            BINGET => {
                let n = self.byte()?.into();
                self.recall(n)?;
            }
            LONG_BINGET => {
                let n = u32::from_le_bytes(self.array()?) as usize;
                self.recall(n)?;
            }
            GLOBAL => {
                let (module, name) = (self.line()?, self.line()?);
                self.global(module, name)?;
            }
            STACK_GLOBAL => {
                let (name, module) = (self.pop_text()?, self.pop_text()?);
                self.global(module, name)?;
            }
            BINPERSID => {
                let id = self.pop()?;
                let storage = self.storage(id)?;
                self.push(Object::Storage(storage));
            }
            REDUCE | NEWOBJ => {
                let (arguments, callee) = (self.pop()?, self.pop()?);
                let made = self.call(callee, arguments)?;
                self.push(made);
            }
            // State set on an object: an OrderedDict's `_metadata`, a parameter's attributes.
            // The object itself is already complete without it.
            BUILD => drop(self.pop()?),
            other => return Err(damaged(format!("unknown opcode {other:#04x}"))),
        }
        Ok(())
    }

    fn take(&mut self, n: usize) -> Result<&[u8]> {
        let end = self
            .at
            .checked_add(n)
            .filter(|&end| end <= self.bytes.len())
            .ok_or_else(|| damaged("it ends too early"))?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    fn length4(&mut self) -> Result<usize> {
        Ok(u32::from_le_bytes(self.array()?) as usize)
    }

    fn length8(&mut self) -> Result<usize> {
        usize::try_from(u64::from_le_bytes(self.array()?)).map_err(|_| damaged("a length beyond all memory"))
    }

    fn line(&mut self) -> Result<String> {
        let rest = &self.bytes[self.at..];
        let n = rest.iter().position(|&b| b == b'\n').ok_or_else(|| damaged("it ends too early"))?;
        let text = String::from_utf8(rest[..n].to_vec()).map_err(|_| damaged("a name that is not text"))?;
        self.at += n + 1;
        Ok(text)
    }

    fn push(&mut self, object: Object) {
        self.objects.push(object);
        self.stack.push(self.objects.len() - 1);
    }

    fn pop(&mut self) -> Result<Id> {
        let id = self.stack.pop().ok_or_else(|| damaged("an empty stack"))?;
        if matches!(self.objects[id], Object::Mark) { Err(damaged("a mark where a value should be")) } else { Ok(id) }
    }

    fn pop_text(&mut self) -> Result<String> {
        let id = self.pop()?;
        match &self.objects[id] {
            Object::Str(text) => Ok(text.clone()),
            _ => Err(damaged("a name that is not text")),
        }
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Id>> {
        let mark = self.stack.iter().rposition(|&id| matches!(self.objects[id], Object::Mark));
        let items = self.stack.split_off(mark.ok_or_else(|| damaged("no mark"))? + 1);
        self.stack.pop();
        Ok(items)
    }

    fn top_mut(&mut self) -> Result<&mut Object> {
        let id = *self.stack.last().ok_or_else(|| damaged("an empty stack"))?;
        Ok(&mut self.objects[id])
    }

    fn extend_list(&mut self, items: Vec<Id>) -> Result<()> {
        match self.top_mut()? {
            Object::List(list) => list.extend(items),
            _ => return Err(damaged("items appended to what is no list")),
        }
        Ok(())
    }

    fn extend_dict(&mut self, entries: Vec<(Id, Id)>) -> Result<()> {
        match self.top_mut()? {
            Object::Dict(dict) => dict.extend(entries),
            _ => return Err(damaged("entries set on what is no dict")),
        }
        Ok(())
    }

    fn memoize(&mut self, n: usize) -> Result<()> {
        let top = *self.stack.last().ok_or_else(|| damaged("an empty stack"))?;
        self.memo.insert(n, top);
        Ok(())
    }

    fn recall(&mut self, n: usize) -> Result<()> {
        let id = *self.memo.get(&n).ok_or_else(|| damaged("something recalled that was never remembered"))?;
        self.stack.push(id);
        Ok(())
    }

    fn text(&mut self, n: usize) -> Result<()> {
        let text = String::from_utf8(self.take(n)?.to_vec()).map_err(|_| damaged("text that is not UTF-8"))?;
        self.push(Object::Str(text));
        Ok(())
    }

    fn raw(&mut self, n: usize) -> Result<()> {
        let bytes = self.take(n)?.to_vec();
        self.push(Object::Bytes(bytes));
        Ok(())
    }

    fn long(&mut self, n: usize) -> Result<()> {
        let bytes = self.take(n)?;
        let fill = if bytes.last().is_some_and(|b| b & 0x80 != 0) { 0xff } else { 0 };
        if bytes.iter().skip(8).any(|&b| b != fill) {
            return Err(damaged("an integer of more than 64 bits"));
        }
        let mut wide = [fill; 8];
        wide.iter_mut().zip(bytes).for_each(|(w, &b)| *w = b);
        self.push(Object::Int(i64::from_le_bytes(wide)));
        Ok(())
    }

    /// Names that stand for data; all others are refused before anything is done with them.
    fn global(&mut self, module: String, name: String) -> Result<()> {
        let object = match (module.as_str(), name.as_str()) {
            ("collections", "OrderedDict")
            | ("torch", "Size" | "device")
            | ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2" | "_rebuild_parameter")
            | ("torch._utils", "_rebuild_parameter_with_state")
            | ("builtins" | "__builtin__", "set") => Object::Global(module, name),
            ("torch", storage) if storage.ends_with("Storage") => Object::Global(module, name),
            ("torch.storage", "UntypedStorage" | "TypedStorage") => Object::Global(module, name),
            ("torch", dtype) if DTYPES.contains(&dtype) => Object::DType(name),
            _ => return Err(refused(&format!("{module}.{name}"))),
        };
        self.push(object);
        Ok(())
    }

    fn items(&self, id: Id) -> Result<&[Id]> {
        match &self.objects[id] {
            Object::Tuple(items) | Object::List(items) => Ok(items),
            _ => Err(damaged("arguments that are no tuple")),
        }
    }

    fn string(&self, id: Id) -> Result<String> {
        match &self.objects[id] {
            Object::Str(text) => Ok(text.clone()),
            _ => Err(damaged("a string was expected")),
        }
    }

    fn count(&self, id: Id) -> Result<usize> {
        match self.objects[id] {
            Object::Int(n) => usize::try_from(n).map_err(|_| damaged(format!("a negative size {n}"))),
            _ => Err(damaged("a size was expected")),
        }
    }

    fn counts(&self, id: Id) -> Result<Vec<usize>> {
        self.items(id)?.iter().map(|&i| self.count(i)).collect()
    }

    /// `("storage", class, key, location, numel)`.
    fn storage(&self, id: Id) -> Result<StorageRef> {
        let parts = self.items(id)?.to_vec();
        let [kind, class, key, location, numel] = parts[..] else {
            return Err(damaged("a persistent id that is no storage"));
        };
        let Object::Global(_, class) = &self.objects[class] else {
            return Err(damaged("a storage without a class"));
        };
        if self.string(kind)? != "storage" {
            return Err(damaged("a persistent id that is no storage"));
        }
        Ok(StorageRef {
            class: class.clone(),
            key: self.string(key)?,
            location: self.string(location)?,
            numel: self.count(numel)?,
        })
    }

    fn call(&self, callee: Id, arguments: Id) -> Result<Object> {
        let Object::Global(module, name) = &self.objects[callee] else {
            return Err(damaged("a call of what is no function"));
        };
        let arguments = self.items(arguments)?.to_vec();
        match (name.as_str(), &arguments[..]) {
            ("OrderedDict", []) => Ok(Object::Dict(Vec::new())),
            ("OrderedDict", &[entries]) => {
                let entries = self.items(entries)?.iter().map(|&pair| match *self.items(pair)? {
                    [key, value] => Ok((key, value)),
                    _ => Err(damaged("an entry that is no pair")),
                });
                Ok(Object::Dict(entries.collect::<Result<_>>()?))
            }
            ("set", &[items]) => Ok(Object::Set(self.items(items)?.to_vec())),
            ("Size", &[sizes]) => Ok(Object::Tuple(self.items(sizes)?.to_vec())),
            ("device", &[kind]) => Ok(Object::Device(self.string(kind)?)),
            ("device", &[kind, index]) => Ok(Object::Device(format!("{}:{}", self.string(kind)?, self.count(index)?))),
            ("_rebuild_tensor" | "_rebuild_tensor_v2", &[storage, offset, size, stride, ..]) => {
                let Object::Storage(storage) = &self.objects[storage] else {
                    return Err(damaged("a tensor without a storage"));
                };
                let requires_grad = arguments.get(4).is_some_and(|&id| matches!(self.objects[id], Object::Bool(true)));
                let (size, stride) = (self.counts(size)?, self.counts(stride)?);
                if size.len() != stride.len() {
                    return Err(damaged("a tensor with more sizes than strides"));
                }
                Ok(Object::Tensor(TensorRef {
                    storage: storage.clone(),
                    offset: self.count(offset)?,
                    size,
                    stride,
                    requires_grad,
                }))
            }
            ("_rebuild_parameter" | "_rebuild_parameter_with_state", &[data, requires_grad, ..]) => {
                let Object::Tensor(tensor) = &self.objects[data] else {
                    return Err(damaged("a parameter that is no tensor"));
                };
                let requires_grad = matches!(self.objects[requires_grad], Object::Bool(true));
                Ok(Object::Tensor(TensorRef { requires_grad, ..tensor.clone() }))
            }
            _ => Err(refused(&format!("{module}.{name} with {} arguments", arguments.len()))),
        }
    }
}

const DTYPES: [&str; 16] = [
    "float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool", "float", "double",
    "half", "long", "int", "short",
];

fn pairs(items: Vec<Id>) -> Result<Vec<(Id, Id)>> {
    if !items.len().is_multiple_of(2) {
        return Err(damaged("a key without a value"));
    }
    Ok(items.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect())
}
