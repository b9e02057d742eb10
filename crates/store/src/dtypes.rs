//! PyTorch's names of dtypes, those included that files may hold and tensors here may not.

use flambeau_tensor::{DType, Error, Result};

/// The element type of something in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileDType {
    /// PyTorch's name, without `torch.`: `float32`.
    pub name: &'static str,
    /// Bits of one element.
    pub bits: usize,
    /// The dtype of tensors here, if they have it.
    pub dtype: Option<DType>,
}

const fn known(dtype: DType) -> FileDType {
    FileDType { name: dtype.name(), bits: 8 * dtype.size(), dtype: Some(dtype) }
}

const fn foreign(name: &'static str, bits: usize) -> FileDType {
    FileDType { name, bits, dtype: None }
}

/// All of them; the old aliases come last.
const DTYPES: [FileDType; 27] = [
    known(DType::Bool),
    known(DType::U8),
    known(DType::I8),
    known(DType::I16),
    known(DType::I32),
    known(DType::I64),
    known(DType::F16),
    known(DType::BF16),
    known(DType::F32),
    known(DType::F64),
    known(DType::C64),
    known(DType::C128),
    foreign("uint16", 16),
    foreign("uint32", 32),
    foreign("uint64", 64),
    foreign("complex32", 32),
    foreign("float8_e4m3fn", 8),
    foreign("float8_e5m2", 8),
    foreign("float8_e4m3fnuz", 8),
    foreign("float8_e5m2fnuz", 8),
    foreign("float8_e8m0fnu", 8),
    foreign("float4_e2m1fn_x2", 8),
    foreign("uint4", 4),
    foreign("int4", 4),
    foreign("string", 8),
    foreign("qint8", 8),
    foreign("quint8", 8),
];

/// Storage classes and the dtypes they name.
const CLASSES: [(&str, &str); 17] = [
    ("FloatStorage", "float32"),
    ("DoubleStorage", "float64"),
    ("HalfStorage", "float16"),
    ("BFloat16Storage", "bfloat16"),
    ("LongStorage", "int64"),
    ("IntStorage", "int32"),
    ("ShortStorage", "int16"),
    ("CharStorage", "int8"),
    ("ByteStorage", "uint8"),
    ("BoolStorage", "bool"),
    ("ComplexFloatStorage", "complex64"),
    ("ComplexDoubleStorage", "complex128"),
    ("QInt8Storage", "qint8"),
    ("QUInt8Storage", "quint8"),
    // Bytes, whose meaning the tensor tells.
    ("UntypedStorage", "uint8"),
    ("Float8_e4m3fnStorage", "float8_e4m3fn"),
    ("Float8_e5m2Storage", "float8_e5m2"),
];

impl FileDType {
    /// The dtype of this name.
    pub fn named(name: &str) -> Option<Self> {
        let name = match name {
            "float" => "float32",
            "double" => "float64",
            "half" => "float16",
            "long" => "int64",
            "int" => "int32",
            "short" => "int16",
            "cfloat" => "complex64",
            "cdouble" => "complex128",
            "chalf" => "complex32",
            other => other,
        };
        DTYPES.into_iter().find(|dtype| dtype.name == name)
    }

    /// The dtype of a storage class's elements.
    pub(crate) fn of_class(class: &str) -> Result<Self> {
        let name = CLASSES.iter().find(|(known, _)| *known == class).map(|&(_, name)| name);
        name.and_then(Self::named)
            .ok_or_else(|| Error::file(format!("the checkpoint holds a {class}, whose dtype is not known here")))
    }

    /// The dtype that tensors have for it.
    ///
    /// # Errors
    /// If they have none.
    pub(crate) fn supported(self, what: &str) -> Result<DType> {
        self.dtype.ok_or_else(|| Error::file(format!("{what} has dtype {}, which tensors here do not have", self.name)))
    }
}

impl From<DType> for FileDType {
    fn from(dtype: DType) -> Self {
        known(dtype)
    }
}

/// The storage class of a dtype.
pub(crate) fn class_of(dtype: DType) -> &'static str {
    CLASSES.iter().find(|(_, name)| *name == dtype.name()).map_or("UntypedStorage", |&(class, _)| class)
}
