//! What a pickle builds.

use std::sync::Arc;

/// The index of an object in the arena.
pub(crate) type Id = usize;

/// A storage that the file holds under a key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StorageRef {
    /// The class that names the dtype: `FloatStorage`.
    pub(crate) class: Arc<str>,
    /// The record's name.
    pub(crate) key: Arc<str>,
    /// Where it was: `cpu`, `cuda:0`.
    pub(crate) location: Arc<str>,
    /// Elements, of the whole storage.
    pub(crate) numel: usize,
    /// The part that is meant, in files older than PyTorch 0.4.
    pub(crate) view: Option<StorageView>,
}

/// A part of a storage, in elements.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StorageView {
    pub(crate) offset: usize,
    pub(crate) numel: usize,
}

/// A tensor: a view of a storage.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TensorRef {
    pub(crate) storage: Arc<StorageRef>,
    /// The dtype's name where the storage is untyped.
    pub(crate) dtype: Option<Arc<str>>,
    pub(crate) offset: usize,
    pub(crate) size: Vec<usize>,
    pub(crate) stride: Vec<usize>,
    pub(crate) requires_grad: bool,
    pub(crate) parameter: bool,
}

/// A NumPy array, as its pickle spells it.
#[derive(Clone, Debug, Default)]
pub(crate) struct NumpyArray {
    pub(crate) shape: Vec<usize>,
    /// NumPy's name of the dtype, without the byte order: `u1`.
    pub(crate) kind: Arc<str>,
    pub(crate) big_endian: bool,
    /// Whether the first dimension's neighbours lie next to one another.
    pub(crate) fortran: bool,
    pub(crate) bytes: Arc<[u8]>,
}

/// An object in the arena.
#[derive(Clone, Debug)]
pub(crate) enum Object {
    None,
    Bool(bool),
    Int(i64),
    /// An integer beyond 64 bits: two's complement, the lowest byte first.
    BigInt(Arc<[u8]>),
    Float(f64),
    Complex(f64, f64),
    Str(Arc<str>),
    Bytes(Arc<[u8]>),
    List(Vec<Id>),
    Tuple(Vec<Id>),
    Size(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    OrderedDict {
        entries: Vec<(Id, Id)>,
        /// Its attributes, as a dict.
        attributes: Option<Id>,
    },
    Set(Vec<Id>),
    Global(Arc<(String, String)>),
    Storage(Arc<StorageRef>),
    Tensor(Arc<TensorRef>),
    DType(Arc<str>),
    Device(Arc<str>),
    /// Empty until its state is set.
    NumpyArray(Arc<NumpyArray>),
    NumpyType {
        kind: Arc<str>,
        big_endian: bool,
    },
    Mark,
}

impl Object {
    /// The name of its type in Python, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Object::None => "NoneType",
            Object::Bool(_) => "bool",
            Object::Int(_) | Object::BigInt(_) => "int",
            Object::Float(_) => "float",
            Object::Complex(..) => "complex",
            Object::Str(_) => "str",
            Object::Bytes(_) => "bytes",
            Object::List(_) => "list",
            Object::Tuple(_) => "tuple",
            Object::Size(_) => "torch.Size",
            Object::Dict(_) => "dict",
            Object::OrderedDict { .. } => "collections.OrderedDict",
            Object::Set(_) => "set",
            Object::Global(_) => "type",
            Object::Storage(_) => "torch.storage.TypedStorage",
            Object::Tensor(_) => "torch.Tensor",
            Object::DType(_) => "torch.dtype",
            Object::Device(_) => "torch.device",
            Object::NumpyArray(_) => "numpy.ndarray",
            Object::NumpyType { .. } => "numpy.dtype",
            Object::Mark => "mark",
        }
    }
}

/// What a pickle built.
pub(crate) struct Pickle {
    pub(crate) objects: Vec<Object>,
    pub(crate) root: Id,
}
