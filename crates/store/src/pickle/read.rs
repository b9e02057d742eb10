//! The restricted interpreter.
//!
//! Objects live in an arena and refer to one another by number, so that a list can be filled after
//! it was remembered, as pickles do. Nothing here recurses on the input, every length in the file
//! is checked against the bytes that are there, and what a file builds is counted, because a few
//! bytes can ask for a copy of a long list.

use super::damaged;
use super::object::{Id, Object, Pickle};
use super::op::*;
use crate::source::Cursor;
use flambeau_tensor::Result;
use std::collections::HashMap;
use std::sync::Arc;

/// How many objects, members of copied containers and remembered things a pickle may need. The
/// optimiser state of a network with ten thousand parameters takes a twentieth of it.
const MAX_OBJECTS: usize = 5_000_000;
/// How long a name may be.
const MAX_NAME: u64 = 1 << 12;

/// Which names a pickle may use, beside those of plain containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Names {
    /// The parts of tensors.
    Checkpoint,
    /// The parts of NumPy arrays. Python 2's strings, which many such files have, are bytes where they are no text.
    Arrays,
}

/// Runs a pickle, and leaves the cursor behind it.
///
/// # Errors
/// If it is damaged, or names anything but what `names` allow.
pub(crate) fn read(input: &mut Cursor<'_>, names: Names) -> Result<Pickle> {
    let machine = Machine { input, names, objects: Vec::new(), stack: Vec::new(), memo: HashMap::new(), spent: 0 };
    machine.run()
}

pub(super) struct Machine<'a, 's> {
    input: &'a mut Cursor<'s>,
    pub(super) names: Names,
    pub(super) objects: Vec<Object>,
    stack: Vec<Id>,
    memo: HashMap<usize, Id>,
    spent: usize,
}

impl Machine<'_, '_> {
    fn run(mut self) -> Result<Pickle> {
        loop {
            match self.byte()? {
                PROTO => {
                    let version = self.byte()?;
                    if version > 5 {
                        return Err(damaged(format!("unknown protocol {version}")));
                    }
                }
                FRAME => drop(self.array::<8>()?),
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
            POP => self.pop_any().map(drop),
            POP_MARK => self.pop_to_mark().map(drop),
            DUP => {
                let top = self.top()?;
                self.spend(1)?;
                self.stack.push(top);
                Ok(())
            }
            NONE | NEWTRUE | NEWFALSE | BININT | BININT1 | BININT2 | LONG1 | LONG4 | BINFLOAT => self.scalar(opcode),
            SHORT_BINUNICODE | SHORT_BINSTRING | BINUNICODE | BINSTRING | BINUNICODE8 | SHORT_BINBYTES | BINBYTES
            | BINBYTES8 => self.string(opcode),
            EMPTY_LIST | EMPTY_TUPLE | EMPTY_DICT | EMPTY_SET | LIST | TUPLE | TUPLE1 | TUPLE2 | TUPLE3 | DICT
            | APPEND | APPENDS | SETITEM | SETITEMS | ADDITEMS => self.container(opcode),
            BINPUT | LONG_BINPUT | MEMOIZE | BINGET | LONG_BINGET => self.memory(opcode),
            GLOBAL => {
                let (module, name) = (self.line()?, self.line()?);
                self.global(module, name)
            }
            STACK_GLOBAL => {
                let (name, module) = (self.pop()?, self.pop()?);
                match (&self.objects[module], &self.objects[name]) {
                    (Object::Str(module), Object::Str(name)) if module.len().max(name.len()) as u64 <= MAX_NAME => {
                        let (module, name) = (module.to_string(), name.to_string());
                        self.global(module, name)
                    }
                    _ => Err(damaged("a name that is not text")),
                }
            }
            BINPERSID => {
                let id = self.pop()?;
                let storage = self.storage(id)?;
                self.push(Object::Storage(Arc::new(storage)))
            }
            REDUCE | NEWOBJ => {
                let (arguments, callee) = (self.pop()?, self.pop()?);
                let made = self.call(callee, arguments)?;
                self.push(made)
            }
            // State set on an object: an OrderedDict's `_metadata`, a parameter's attributes. The
            // latter mean nothing to a tensor here.
            BUILD => {
                let state = self.pop()?;
                if matches!(self.objects[self.top()?], Object::NumpyArray(_) | Object::NumpyType { .. }) {
                    return self.numpy_state(state);
                }
                match self.top_mut()? {
                    Object::OrderedDict { attributes, .. } => *attributes = Some(state),
                    Object::Tensor(_) => {}
                    other => {
                        let kind = other.kind();
                        return Err(damaged(format!(
                            "Can only build Tensor, Parameter, OrderedDict or types allowlisted via `add_safe_globals`, but got {kind}"
                        )));
                    }
                }
                Ok(())
            }
            other => Err(damaged(format!("unknown opcode {other:#04x}"))),
        }
    }

    fn scalar(&mut self, opcode: u8) -> Result<()> {
        let object = match opcode {
            NONE => Object::None,
            NEWTRUE => Object::Bool(true),
            NEWFALSE => Object::Bool(false),
            BININT => Object::Int(i32::from_le_bytes(self.array()?).into()),
            BININT1 => Object::Int(self.byte()?.into()),
            BININT2 => Object::Int(u16::from_le_bytes(self.array()?).into()),
            BINFLOAT => Object::Float(f64::from_be_bytes(self.array()?)),
            LONG1 => {
                let n = self.byte()?.into();
                self.long(n)?
            }
            _ => {
                let n = self.length4()?;
                self.long(n)?
            }
        };
        self.push(object)
    }

    fn long(&mut self, n: usize) -> Result<Object> {
        let bytes = self.take(n)?;
        let fill = if bytes.last().is_some_and(|b| b & 0x80 != 0) { 0xff } else { 0 };
        // Eight bytes hold the number if all beyond them repeat its sign.
        let wide = bytes.iter().skip(8).any(|&b| b != fill) || bytes.get(7).is_some_and(|b| (b ^ fill) & 0x80 != 0);
        if wide {
            return Ok(Object::BigInt(Arc::from(&*bytes)));
        }
        let mut number = [fill; 8];
        number.iter_mut().zip(bytes.iter()).for_each(|(to, &b)| *to = b);
        Ok(Object::Int(i64::from_le_bytes(number)))
    }

    fn string(&mut self, opcode: u8) -> Result<()> {
        let n = match opcode {
            SHORT_BINUNICODE | SHORT_BINSTRING | SHORT_BINBYTES => self.byte()?.into(),
            BINUNICODE8 | BINBYTES8 => {
                usize::try_from(u64::from_le_bytes(self.array()?)).map_err(|_| damaged("a length beyond all memory"))?
            }
            _ => self.length4()?,
        };
        let binary_strings = self.names == Names::Arrays;
        let bytes = self.take(n)?;
        let text = std::str::from_utf8(&bytes);
        let object = match text {
            _ if matches!(opcode, SHORT_BINBYTES | BINBYTES | BINBYTES8) => Object::Bytes(Arc::from(&*bytes)),
            Ok(text) => Object::Str(text.into()),
            Err(_) if binary_strings && matches!(opcode, SHORT_BINSTRING | BINSTRING) => {
                Object::Bytes(Arc::from(&*bytes))
            }
            Err(_) => return Err(damaged("text that is not UTF-8")),
        };
        self.push(object)
    }

    fn container(&mut self, opcode: u8) -> Result<()> {
        match opcode {
            EMPTY_LIST => self.push(Object::List(Vec::new())),
            EMPTY_TUPLE => self.push(Object::Tuple(Vec::new())),
            EMPTY_DICT => self.push(Object::Dict(Vec::new())),
            EMPTY_SET => self.push(Object::Set(Vec::new())),
            LIST => {
                let items = self.pop_to_mark()?;
                self.push(Object::List(items))
            }
            TUPLE => {
                let items = self.pop_to_mark()?;
                self.push(Object::Tuple(items))
            }
            TUPLE1 | TUPLE2 | TUPLE3 => {
                let mut items = vec![0; usize::from(opcode - TUPLE1) + 1];
                for item in items.iter_mut().rev() {
                    *item = self.pop()?;
                }
                self.push(Object::Tuple(items))
            }
            DICT => {
                let entries = pairs(self.pop_to_mark()?)?;
                self.push(Object::Dict(entries))
            }
            APPEND => {
                let item = self.pop()?;
                self.extend_list(vec![item])
            }
            APPENDS => {
                let items = self.pop_to_mark()?;
                self.extend_list(items)
            }
            SETITEM => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.extend_dict(vec![(key, value)])
            }
            SETITEMS => {
                let entries = pairs(self.pop_to_mark()?)?;
                self.extend_dict(entries)
            }
            _ => {
                let items = self.pop_to_mark()?;
                match self.top_mut()? {
                    Object::Set(set) => set.extend(items),
                    other => return Err(damaged(format!("items added to a {}", other.kind()))),
                }
                Ok(())
            }
        }
    }

    fn memory(&mut self, opcode: u8) -> Result<()> {
        let n = match opcode {
            BINPUT | BINGET => self.byte()?.into(),
            LONG_BINPUT | LONG_BINGET => self.length4()?,
            _ => self.memo.len(),
        };
        self.spend(1)?;
        if matches!(opcode, BINGET | LONG_BINGET) {
            let id = *self.memo.get(&n).ok_or_else(|| damaged("something recalled that was never remembered"))?;
            self.stack.push(id);
        } else {
            let top = self.top()?;
            self.memo.insert(n, top);
        }
        Ok(())
    }

    fn take(&mut self, n: usize) -> Result<std::borrow::Cow<'_, [u8]>> {
        self.input.take(n).ok_or_else(|| damaged("it ends too early"))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(&self.take(N)?);
        Ok(array)
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    fn length4(&mut self) -> Result<usize> {
        Ok(u32::from_le_bytes(self.array()?) as usize)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = Vec::new();
        loop {
            match self.byte()? {
                b'\n' => return String::from_utf8(line).map_err(|_| damaged("a name that is not text")),
                _ if line.len() as u64 >= MAX_NAME => return Err(damaged("a name without end")),
                byte => line.push(byte),
            }
        }
    }

    /// Counts what the file makes us keep.
    pub(super) fn spend(&mut self, n: usize) -> Result<()> {
        self.spent = self.spent.saturating_add(n);
        if self.spent > MAX_OBJECTS {
            return Err(damaged(format!("it builds more than {MAX_OBJECTS} objects")));
        }
        Ok(())
    }

    pub(super) fn push(&mut self, object: Object) -> Result<()> {
        self.spend(1)?;
        self.objects.push(object);
        self.stack.push(self.objects.len() - 1);
        Ok(())
    }

    fn pop_any(&mut self) -> Result<Id> {
        self.stack.pop().ok_or_else(|| damaged("an empty stack"))
    }

    fn pop(&mut self) -> Result<Id> {
        let id = self.pop_any()?;
        if matches!(self.objects[id], Object::Mark) { Err(damaged("a mark where a value should be")) } else { Ok(id) }
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Id>> {
        let mark = self.stack.iter().rposition(|&id| matches!(self.objects[id], Object::Mark));
        let items = self.stack.split_off(mark.ok_or_else(|| damaged("no mark"))? + 1);
        self.stack.pop();
        Ok(items)
    }

    /// The topmost value.
    fn top(&self) -> Result<Id> {
        match self.stack.last() {
            Some(&id) if !matches!(self.objects[id], Object::Mark) => Ok(id),
            _ => Err(damaged("no value where one should be")),
        }
    }

    pub(super) fn top_mut(&mut self) -> Result<&mut Object> {
        let id = self.top()?;
        Ok(&mut self.objects[id])
    }

    fn extend_list(&mut self, items: Vec<Id>) -> Result<()> {
        match self.top_mut()? {
            Object::List(list) => list.extend(items),
            other => return Err(damaged(format!("Can only append to lists, but got {}", other.kind()))),
        }
        Ok(())
    }

    fn extend_dict(&mut self, new: Vec<(Id, Id)>) -> Result<()> {
        match self.top_mut()? {
            Object::Dict(entries) | Object::OrderedDict { entries, .. } => entries.extend(new),
            other => {
                return Err(damaged(format!(
                    "Can only set items on dict, OrderedDict or Counter, but got {}",
                    other.kind()
                )));
            }
        }
        Ok(())
    }
}

fn pairs(items: Vec<Id>) -> Result<Vec<(Id, Id)>> {
    if !items.len().is_multiple_of(2) {
        return Err(damaged("a key without a value"));
    }
    Ok(items.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect())
}
