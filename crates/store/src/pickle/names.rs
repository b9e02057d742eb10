//! The names that a pickle may use, and what a call of each builds.

use super::damaged;
use super::object::{Id, Object, StorageRef, StorageView, TensorRef};
use super::read::{Machine, Names};
use flambeau_tensor::{Error, Result};
use std::sync::Arc;

/// Modules of which PyTorch's own reader says that it blocks them.
const BLOCKED: [&str; 4] = ["sys", "os", "posix", "nt"];

/// Names of dtypes in a pickle, the old aliases included.
const DTYPES: [&str; 33] = [
    "float32",
    "float64",
    "float16",
    "bfloat16",
    "int64",
    "int32",
    "int16",
    "int8",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "bool",
    "complex32",
    "complex64",
    "complex128",
    "float8_e4m3fn",
    "float8_e5m2",
    "float8_e4m3fnuz",
    "float8_e5m2fnuz",
    "float8_e8m0fnu",
    "float4_e2m1fn_x2",
    "float",
    "double",
    "half",
    "long",
    "int",
    "short",
    "cfloat",
    "cdouble",
    "chalf",
    "qint8",
    "quint8",
];

/// PyTorch's refusal of a name that a weights-only file may not use.
fn refused(module: &str, name: &str) -> Error {
    if BLOCKED.contains(&module) {
        return Error::file(format!(
            "Weights only load failed. Trying to load unsupported GLOBAL {module}.{name} whose module {module} is blocked."
        ));
    }
    let name = if module == "builtins" { name.to_owned() } else { format!("{module}.{name}") };
    Error::file(format!(
        "Weights only load failed. Unsupported global: GLOBAL {name} was not an allowed global by default. Nothing in a checkpoint is executed here: save a state_dict, which holds tensors, numbers, strings and containers of them, instead of the object."
    ))
}

impl Machine<'_, '_> {
    /// Names that stand for data; all others are refused before anything is done with them.
    pub(super) fn global(&mut self, module: String, name: String) -> Result<()> {
        // Python 2's name of the module, which protocol 2 still writes.
        let module = if module == "__builtin__" { "builtins".to_owned() } else { module };
        if self.names == Names::Arrays {
            if !super::numpy::is_known(&module, &name) {
                return Err(Error::file(format!(
                    "the pickle names {module}.{name}: only plain containers and NumPy arrays are read, and nothing in a file is executed"
                )));
            }
            return self.push(Object::Global(Arc::new((module, name))));
        }
        let known = match (module.as_str(), name.as_str()) {
            ("torch", dtype) if DTYPES.contains(&dtype) => return self.push(Object::DType(name.into())),
            ("collections", "OrderedDict" | "Counter")
            | ("_codecs", "encode")
            | ("builtins", "set" | "bytearray" | "complex")
            | ("torch", "Size" | "device" | "Tensor")
            | ("torch.nn.parameter", "Parameter")
            | ("torch._tensor", "_rebuild_from_type_v2")
            | ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2" | "_rebuild_tensor_v3")
            | ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state")
            | ("torch.storage", "UntypedStorage" | "TypedStorage") => true,
            ("torch" | "torch.cuda", storage) => storage.ends_with("Storage"),
            _ => false,
        };
        if !known {
            return Err(refused(&module, &name));
        }
        self.push(Object::Global(Arc::new((module, name))))
    }

    /// `("storage", class, key, location, numel)`, and in the older format a view or `None`.
    pub(super) fn storage(&self, id: Id) -> Result<StorageRef> {
        let Object::Tuple(parts) = &self.objects[id] else {
            return Err(damaged(format!(
                "persistent_load id must be tuple or int, but got {}",
                self.objects[id].kind()
            )));
        };
        let (&[kind, class, key, location, numel], rest) =
            parts.split_first_chunk().ok_or_else(|| damaged("a persistent id that is no storage"))?;
        if !matches!(&self.objects[kind], Object::Str(kind) if &**kind == "storage") {
            return Err(damaged(format!(
                "Only persistent_load of storage is allowed, but got {}",
                self.objects[kind].kind()
            )));
        }
        let class: Arc<str> = match &self.objects[class] {
            Object::Global(name) => name.1.as_str().into(),
            _ => return Err(damaged("a storage without a class")),
        };
        let view = match rest {
            [view] if !matches!(self.objects[*view], Object::None) => match *self.items(*view)? {
                [_, offset, numel] => Some(StorageView { offset: self.count(offset)?, numel: self.count(numel)? }),
                _ => return Err(damaged("a view of a storage that has no offset and size")),
            },
            _ => None,
        };
        Ok(StorageRef { class, key: self.text(key)?, location: self.text(location)?, numel: self.count(numel)?, view })
    }

    /// What calling a name with arguments builds.
    pub(super) fn call(&mut self, callee: Id, arguments: Id) -> Result<Object> {
        let Object::Global(callee) = self.objects[callee].clone() else {
            return Err(damaged(format!(
                "Trying to call reduce for unrecognized function {}",
                self.objects[callee].kind()
            )));
        };
        let arguments = self.copied_items(arguments)?;
        if callee.0.starts_with("numpy") {
            return self.numpy_call(&callee.1, &arguments);
        }
        match (callee.1.as_str(), &arguments[..]) {
            ("OrderedDict", []) => Ok(Object::OrderedDict { entries: Vec::new(), attributes: None }),
            ("OrderedDict", &[entries]) => {
                let entries = self.copied_items(entries)?;
                let pair = |&pair: &Id| match *self.items(pair)? {
                    [key, value] => Ok((key, value)),
                    _ => Err(damaged("an entry that is no pair")),
                };
                let entries = entries.iter().map(pair).collect::<Result<_>>()?;
                Ok(Object::OrderedDict { entries, attributes: None })
            }
            ("Counter", []) => Ok(Object::Dict(Vec::new())),
            ("Counter", &[counts]) => match &self.objects[counts] {
                Object::Dict(entries) => {
                    let entries = entries.clone();
                    self.spend(entries.len())?;
                    Ok(Object::Dict(entries))
                }
                other => Err(damaged(format!("a Counter made from a {}", other.kind()))),
            },
            ("set", []) => Ok(Object::Set(Vec::new())),
            ("set", &[items]) => Ok(Object::Set(self.copied_items(items)?)),
            ("Size", &[sizes]) => Ok(Object::Size(self.copied_items(sizes)?)),
            ("complex", &[real, imaginary]) => Ok(Object::Complex(self.number(real)?, self.number(imaginary)?)),
            ("bytearray", []) => Ok(Object::Bytes(Arc::from([]))),
            ("bytearray", &[bytes]) => match &self.objects[bytes] {
                Object::Bytes(bytes) => Ok(Object::Bytes(bytes.clone())),
                other => Err(damaged(format!("a bytearray made from a {}", other.kind()))),
            },
            // Bytes, as protocol 2 spells them: one character for each.
            ("encode", &[text, encoding]) => {
                let (text, encoding) = (self.text(text)?, self.text(encoding)?);
                self.spend(text.len() / size_of::<Object>())?;
                let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
                match bytes {
                    Some(bytes) if &*encoding == "latin1" => Ok(Object::Bytes(bytes.into())),
                    _ => Err(damaged(format!("bytes in the encoding {encoding:?}"))),
                }
            }
            ("device", &[kind]) => Ok(Object::Device(self.text(kind)?)),
            ("device", &[kind, index]) => {
                let kind = self.text(kind)?;
                self.spend(kind.len() / size_of::<Object>())?;
                Ok(Object::Device(format!("{kind}:{}", self.count(index)?).into()))
            }
            ("_rebuild_tensor" | "_rebuild_tensor_v2", &[storage, offset, size, stride, ref rest @ ..]) => {
                self.tensor(storage, offset, size, stride, rest.first().copied(), None)
            }
            ("_rebuild_tensor_v3", &[storage, offset, size, stride, requires_grad, _hooks, dtype, ..]) => {
                let Object::DType(dtype) = &self.objects[dtype] else {
                    return Err(damaged("a tensor without a dtype"));
                };
                let dtype = dtype.clone();
                self.tensor(storage, offset, size, stride, Some(requires_grad), Some(dtype))
            }
            ("_rebuild_parameter" | "_rebuild_parameter_with_state", &[data, requires_grad, ..]) => {
                self.parameter(data, Some(requires_grad))
            }
            ("Parameter", &[data]) => self.parameter(data, None),
            ("Parameter", &[data, requires_grad]) => self.parameter(data, Some(requires_grad)),
            // A tensor with attributes: (function, class, its arguments, attributes).
            ("_rebuild_from_type_v2", &[function, _class, inner, _state]) => {
                if matches!(&self.objects[function], Object::Global(name) if name.1 == "_rebuild_from_type_v2") {
                    return Err(damaged("a tensor's type inside a tensor's type"));
                }
                self.call(function, inner)
            }
            (name, arguments) => Err(damaged(format!("{}.{name} called with {} arguments", callee.0, arguments.len()))),
        }
    }

    fn tensor(
        &mut self,
        storage: Id,
        offset: Id,
        size: Id,
        stride: Id,
        requires_grad: Option<Id>,
        dtype: Option<Arc<str>>,
    ) -> Result<Object> {
        let Object::Storage(storage) = &self.objects[storage] else {
            return Err(damaged("a tensor without a storage"));
        };
        let storage = storage.clone();
        let (size, stride) = (self.counts(size)?, self.counts(stride)?);
        if size.len() != stride.len() {
            return Err(damaged("a tensor with another number of sizes than of strides"));
        }
        Ok(Object::Tensor(Arc::new(TensorRef {
            storage,
            dtype,
            offset: self.count(offset)?,
            size,
            stride,
            requires_grad: requires_grad.is_some_and(|id| matches!(self.objects[id], Object::Bool(true))),
            parameter: false,
        })))
    }

    fn parameter(&mut self, data: Id, requires_grad: Option<Id>) -> Result<Object> {
        let Object::Tensor(tensor) = &self.objects[data] else {
            return Err(damaged("a parameter that is no tensor"));
        };
        let mut tensor = TensorRef::clone(tensor);
        self.spend(tensor.size.len())?;
        tensor.parameter = true;
        tensor.requires_grad = requires_grad.is_none_or(|id| matches!(self.objects[id], Object::Bool(true)));
        Ok(Object::Tensor(Arc::new(tensor)))
    }

    /// The members of a tuple or a list.
    pub(super) fn items(&self, id: Id) -> Result<&[Id]> {
        match &self.objects[id] {
            Object::Tuple(items) | Object::List(items) | Object::Size(items) => Ok(items),
            other => Err(damaged(format!("a {} where a tuple was expected", other.kind()))),
        }
    }

    pub(super) fn copied_items(&mut self, id: Id) -> Result<Vec<Id>> {
        let items = self.items(id)?.to_vec();
        self.spend(items.len())?;
        Ok(items)
    }

    pub(super) fn text(&self, id: Id) -> Result<Arc<str>> {
        match &self.objects[id] {
            Object::Str(text) => Ok(text.clone()),
            other => Err(damaged(format!("a {} where a string was expected", other.kind()))),
        }
    }

    fn number(&self, id: Id) -> Result<f64> {
        match self.objects[id] {
            Object::Float(number) => Ok(number),
            Object::Int(number) => Ok(number as f64),
            ref other => Err(damaged(format!("a {} where a number was expected", other.kind()))),
        }
    }

    pub(super) fn count(&self, id: Id) -> Result<usize> {
        match self.objects[id] {
            Object::Int(n) => usize::try_from(n).map_err(|_| damaged(format!("a negative size {n}"))),
            ref other => Err(damaged(format!("a {} where a size was expected", other.kind()))),
        }
    }

    pub(super) fn counts(&mut self, id: Id) -> Result<Vec<usize>> {
        let counts: Vec<usize> = self.items(id)?.iter().map(|&i| self.count(i)).collect::<Result<_>>()?;
        self.spend(counts.len())?;
        Ok(counts)
    }
}
