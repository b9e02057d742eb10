//! Signatures of operators, read once from PyTorch-like text.
//!
//! `"add(Tensor input, Operand other, *, Scalar alpha=1, Tensor out=None)"` names the operator, its
//! parameters, their types and defaults. A `?` after a type (or a default of `None`) lets `None`
//! through. Types are those of PyTorch's schemas, and `Operand`: a tensor, or a number that
//! PyTorch takes in a tensor's place.

use flambeau_tensor::{DType, MemoryFormat};
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::args::Value;

/// What a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A tensor.
    Tensor,
    /// A tensor or a number.
    Operand,
    /// A tuple or list of tensors.
    Tensors,
    /// A tuple or list of tensors and `None`.
    OptionalTensors,
    /// A number.
    Scalar,
    /// An integer.
    Int,
    /// A tuple or list of integers; with a length also a single one, which is repeated.
    Ints(Option<usize>),
    /// A floating-point number.
    Float,
    /// A tuple or list of floating-point numbers.
    Floats,
    /// A truth value.
    Bool,
    /// A tuple or list of truth values, which arrive as the integers 0 and 1.
    Bools,
    /// A string.
    Str,
    /// A dtype.
    DType,
    /// A layout.
    Layout,
    /// A device.
    Device,
    /// A memory format.
    MemoryFormat,
    /// A random generator.
    Generator,
}

impl Kind {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "Tensor" => Kind::Tensor,
            "Operand" => Kind::Operand,
            "Tensor[]" => Kind::Tensors,
            "Tensor?[]" => Kind::OptionalTensors,
            "Scalar" => Kind::Scalar,
            "int" | "SymInt" => Kind::Int,
            "int[]" | "SymInt[]" => Kind::Ints(None),
            "float" => Kind::Float,
            "float[]" => Kind::Floats,
            "bool" => Kind::Bool,
            "bool[]" => Kind::Bools,
            "str" => Kind::Str,
            "ScalarType" => Kind::DType,
            "Layout" => Kind::Layout,
            "Device" => Kind::Device,
            "MemoryFormat" => Kind::MemoryFormat,
            "Generator" => Kind::Generator,
            _ => {
                let length = text.strip_prefix("Sym").unwrap_or(text);
                let length = length.strip_prefix("int[").or_else(|| length.strip_prefix("Int["))?;
                Kind::Ints(Some(length.strip_suffix(']')?.parse().ok()?))
            }
        })
    }

    /// The type of what may be given, as annotations write it.
    pub fn annotation(self) -> String {
        match self {
            Kind::Tensor => "Tensor",
            Kind::Operand => "Tensor | _Number",
            Kind::Tensors => "Sequence[Tensor]",
            Kind::OptionalTensors => "Sequence[Tensor | None]",
            Kind::Scalar => "_Number",
            Kind::Int => "_int",
            Kind::Ints(None) => "Sequence[_int]",
            Kind::Ints(Some(_)) => "_int | Sequence[_int]",
            Kind::Float => "_float",
            Kind::Floats => "Sequence[_float]",
            Kind::Bool => "_bool",
            Kind::Bools => "Sequence[_bool]",
            Kind::Str => "str",
            Kind::DType => "_dtype",
            Kind::Layout => "_layout",
            Kind::Device => "_device | str | _int",
            Kind::MemoryFormat => "_memory_format",
            Kind::Generator => "Generator",
        }
        .to_owned()
    }

    /// The type's name in error messages.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Tensor | Kind::Operand => "Tensor",
            Kind::Tensors | Kind::OptionalTensors => "tuple of Tensors",
            Kind::Scalar => "Number",
            Kind::Int => "int",
            Kind::Ints(_) => "tuple of ints",
            Kind::Float => "float",
            Kind::Floats => "tuple of floats",
            Kind::Bool => "bool",
            Kind::Bools => "tuple of bools",
            Kind::Str => "str",
            Kind::DType => "torch.dtype",
            Kind::Layout => "torch.layout",
            Kind::Device => "torch.device",
            Kind::MemoryFormat => "torch.memory_format",
            Kind::Generator => "torch.Generator",
        }
    }
}

/// One parameter.
#[derive(Debug)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// Its name as an interned Python string.
    pub key: Py<PyString>,
    /// What it takes.
    pub kind: Kind,
    /// Whether `None` is let through.
    pub nullable: bool,
    /// Whether it may only be given by name.
    pub keyword_only: bool,
    /// The default as it was written, if there is one.
    pub default_text: Option<&'static str>,
    /// What it is when it was not given.
    pub default: Option<Value>,
}

/// One signature.
#[derive(Debug)]
pub struct Schema {
    /// The operator's name.
    pub name: &'static str,
    /// The parameters in order.
    pub params: Vec<Param>,
    /// Position of `out`, which the framework fills in.
    pub out: Option<usize>,
    /// Position of `requires_grad`, which the framework sets on the result.
    pub requires_grad: Option<usize>,
}

/// What the token `$options` in a schema stands for: the keyword arguments of every operator that
/// makes a tensor.
const OPTIONS: [&str; 5] = [
    "ScalarType dtype=None",
    "Layout layout=None",
    "Device device=None",
    "bool pin_memory=False",
    "bool requires_grad=False",
];

impl Schema {
    /// Reads a signature.
    ///
    /// # Panics
    /// If the text is not a signature: schemas are part of the source code.
    pub fn parse(py: Python<'_>, text: &'static str) -> Self {
        let malformed = || -> ! { panic!("malformed schema: {text}") };
        let Some((name, rest)) = text.split_once('(') else { malformed() };
        let Some(rest) = rest.strip_suffix(')') else { malformed() };
        let mut params = Vec::new();
        let mut keyword_only = false;
        let pieces = split(rest).into_iter().flat_map(|piece| match piece {
            "$options" => OPTIONS.to_vec(),
            piece => vec![piece],
        });
        for piece in pieces {
            if piece == "*" {
                keyword_only = true;
                continue;
            }
            let (declaration, default_text) = match piece.split_once('=') {
                Some((declaration, default)) => (declaration.trim(), Some(default.trim())),
                None => (piece, None),
            };
            let Some((kind_text, param_name)) = declaration.split_once(' ') else { malformed() };
            let bare = kind_text.strip_suffix('?').unwrap_or(kind_text);
            let Some(kind) = Kind::parse(bare) else { malformed() };
            let default = default_text.map(|t| default(kind, t).unwrap_or_else(|| malformed()));
            params.push(Param {
                name: param_name,
                key: PyString::intern(py, param_name).unbind(),
                kind,
                nullable: bare.len() != kind_text.len() || default_text == Some("None"),
                keyword_only,
                default_text,
                default,
            });
        }
        let position = |name: &str| params.iter().position(|p: &Param| p.name == name && p.keyword_only);
        let (out, requires_grad) = (position("out"), position("requires_grad"));
        Schema { name, params, out, requires_grad }
    }

    /// The most arguments that can be given by position, `self` included.
    pub fn max_positional(&self) -> usize {
        self.params.iter().filter(|p| !p.keyword_only).count()
    }

    /// The fewest arguments there can be.
    pub fn min_args(&self, skip: usize) -> usize {
        self.params[skip..].iter().filter(|p| p.default.is_none()).count()
    }
}

/// Splits at commas that are not inside brackets.
fn split(text: &'static str) -> Vec<&'static str> {
    let mut pieces = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for (at, c) in text.char_indices() {
        match c {
            '[' | '(' => depth += 1,
            ']' | ')' => depth -= 1,
            ',' if depth == 0 => {
                pieces.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    pieces.push(text[start..].trim());
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

fn default(kind: Kind, text: &'static str) -> Option<Value> {
    use flambeau_tensor::Scalar;
    if text == "None" {
        return Some(Value::None);
    }
    Some(match kind {
        Kind::Scalar | Kind::Operand => Value::Scalar(match text.parse::<i64>() {
            Ok(i) => Scalar::Int(i),
            Err(_) => match text {
                "True" => Scalar::Bool(true),
                "False" => Scalar::Bool(false),
                _ => Scalar::Float(text.parse().ok()?),
            },
        }),
        Kind::Int => Value::Int(text.parse().ok()?),
        Kind::Ints(length) => match text.strip_prefix(['[', '(']) {
            Some(list) => Value::Ints(
                list.trim_end_matches([']', ')'])
                    .split(',')
                    .map(str::trim)
                    .filter(|t| !t.is_empty())
                    .map(|t| t.parse().ok())
                    .collect::<Option<_>>()?,
            ),
            None => Value::Ints(std::iter::repeat_n(text.parse().ok()?, length.unwrap_or(1)).collect()),
        },
        Kind::Float => Value::Float(text.parse().ok()?),
        Kind::Bool => Value::Bool(match text {
            "True" => true,
            "False" => false,
            _ => return None,
        }),
        Kind::Str => Value::Str(text.trim_matches(['"', '\'']).to_owned()),
        Kind::DType => {
            let name = text.strip_prefix("torch.").unwrap_or(text);
            Value::DType(DType::ALL.into_iter().find(|d| d.name() == name)?)
        }
        Kind::MemoryFormat => Value::MemoryFormat(match text.strip_prefix("torch.").unwrap_or(text) {
            "contiguous_format" => MemoryFormat::Contiguous,
            "preserve_format" => MemoryFormat::Preserve,
            _ => return None,
        }),
        Kind::Layout => Value::None,
        _ => return None,
    })
}
