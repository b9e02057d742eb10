//! Arguments of a call, already converted, as an operator's closure reads them.

use flambeau_tensor::autocast::{self, Policy};
use flambeau_tensor::ops::Operand;
use flambeau_tensor::{DType, Error, Generator, MemoryFormat, Result, Scalar, Tensor};
use smallvec::SmallVec;

/// One argument.
#[derive(Clone, Debug)]
pub enum Value {
    /// `None`, or not given and without a default.
    None,
    /// A tensor.
    Tensor(Tensor),
    /// Several tensors.
    Tensors(Vec<Tensor>),
    /// Several tensors, some of which may be missing.
    OptionalTensors(Vec<Option<Tensor>>),
    /// A number.
    Scalar(Scalar),
    /// An integer.
    Int(i64),
    /// Several integers.
    Ints(SmallVec<[i64; 6]>),
    /// A floating-point number.
    Float(f64),
    /// Several floating-point numbers.
    Floats(Vec<f64>),
    /// A truth value.
    Bool(bool),
    /// A string.
    Str(String),
    /// A dtype.
    DType(DType),
    /// A memory format.
    MemoryFormat(MemoryFormat),
    /// A random generator.
    Generator(Generator),
}

/// The arguments of a call in the order of its schema. Every getter takes the parameter's position.
///
/// # Panics
/// A getter panics when the schema does not give that position that type; the `opt_` getters are
/// for parameters that may be `None`.
#[derive(Debug, Default)]
pub struct Args {
    pub(crate) values: SmallVec<[Value; 8]>,
}

macro_rules! getters {
    ($($(#[$doc:meta])* $name:ident, $opt:ident: $variant:ident => $t:ty;)*) => {$(
        $(#[$doc])*
        pub fn $name(&self, i: usize) -> $t {
            self.$opt(i).unwrap_or_else(|| self.mismatch(i, stringify!($variant)))
        }

        $(#[$doc])*
        /// `None` if it was not given.
        pub fn $opt(&self, i: usize) -> Option<$t> {
            match &self.values[i] {
                Value::None => None,
                Value::$variant(value) => Some(*value),
                _ => self.mismatch(i, stringify!($variant)),
            }
        }
    )*};
}

impl Args {
    #[cold]
    fn mismatch(&self, i: usize, wanted: &str) -> ! {
        panic!("argument {i} is {:?}, not {wanted}", self.values[i])
    }

    /// Whether the argument is there (and not `None`).
    pub fn given(&self, i: usize) -> bool {
        !matches!(self.values[i], Value::None)
    }

    /// A tensor.
    pub fn tensor(&self, i: usize) -> &Tensor {
        self.opt_tensor(i).unwrap_or_else(|| self.mismatch(i, "Tensor"))
    }

    /// A tensor that may be `None`.
    pub fn opt_tensor(&self, i: usize) -> Option<&Tensor> {
        match &self.values[i] {
            Value::None => None,
            Value::Tensor(tensor) => Some(tensor),
            _ => self.mismatch(i, "Tensor"),
        }
    }

    /// A tensor, or a 0-d tensor made of the number that was given in its place.
    ///
    /// # Errors
    /// If there is no memory for the latter.
    pub fn tensor_of(&self, i: usize) -> Result<Tensor> {
        match &self.values[i] {
            Value::Tensor(tensor) => Ok(tensor.clone()),
            Value::Scalar(number) => scalar_tensor(*number, number.dtype()),
            _ => self.mismatch(i, "Operand"),
        }
    }

    /// A tensor or a number.
    pub fn operand(&self, i: usize) -> Operand {
        self.opt_operand(i).unwrap_or_else(|| self.mismatch(i, "Operand"))
    }

    /// A tensor or a number, or `None`.
    pub fn opt_operand(&self, i: usize) -> Option<Operand> {
        match &self.values[i] {
            Value::None => None,
            Value::Tensor(tensor) => Some(Operand::Tensor(tensor.clone())),
            Value::Scalar(number) => Some(Operand::Scalar(*number)),
            _ => self.mismatch(i, "Operand"),
        }
    }

    /// The tensors of a list.
    pub fn tensors(&self, i: usize) -> &[Tensor] {
        match &self.values[i] {
            Value::Tensors(tensors) => tensors,
            _ => self.mismatch(i, "Tensors"),
        }
    }

    /// References to the tensors of a list.
    pub fn tensor_refs(&self, i: usize) -> Vec<&Tensor> {
        self.tensors(i).iter().collect()
    }

    /// The tensors of a list in which some may be `None`.
    pub fn opt_tensors(&self, i: usize) -> &[Option<Tensor>] {
        match &self.values[i] {
            Value::OptionalTensors(tensors) => tensors,
            _ => self.mismatch(i, "OptionalTensors"),
        }
    }

    /// The integers of a list (or of a single integer, where the schema gives a length).
    pub fn ints(&self, i: usize) -> &[i64] {
        self.opt_ints(i).unwrap_or_else(|| self.mismatch(i, "Ints"))
    }

    /// The integers of a list that may be `None`.
    pub fn opt_ints(&self, i: usize) -> Option<&[i64]> {
        match &self.values[i] {
            Value::None => None,
            Value::Ints(ints) => Some(ints),
            _ => self.mismatch(i, "Ints"),
        }
    }

    /// The floating-point numbers of a list that may be `None`.
    pub fn opt_floats(&self, i: usize) -> Option<&[f64]> {
        match &self.values[i] {
            Value::None => None,
            Value::Floats(floats) => Some(floats),
            _ => self.mismatch(i, "Floats"),
        }
    }

    /// A dimension, which may be negative.
    pub fn dim(&self, i: usize) -> isize {
        self.int(i) as isize
    }

    /// A dimension that may be `None`.
    pub fn opt_dim(&self, i: usize) -> Option<isize> {
        self.opt_int(i).map(|d| d as isize)
    }

    /// Dimensions, which may be negative.
    pub fn dims(&self, i: usize) -> Vec<isize> {
        self.ints(i).iter().map(|&d| d as isize).collect()
    }

    /// Dimensions that may be `None`.
    pub fn opt_dims(&self, i: usize) -> Option<Vec<isize>> {
        self.opt_ints(i).map(|dims| dims.iter().map(|&d| d as isize).collect())
    }

    /// Sizes of a new tensor.
    ///
    /// # Errors
    /// PyTorch's, if one is negative.
    pub fn sizes(&self, i: usize) -> Result<Vec<usize>> {
        let ints = self.ints(i);
        ints.iter()
            .map(|&size| {
                usize::try_from(size).map_err(|_| {
                    Error::runtime(format!(
                        "Trying to create tensor with negative dimension {size}: [{}]",
                        ints.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")
                    ))
                })
            })
            .collect()
    }

    getters! {
        /// A number.
        scalar, opt_scalar: Scalar => Scalar;
        /// An integer.
        int, opt_int: Int => i64;
        /// A floating-point number.
        float, opt_float: Float => f64;
        /// A truth value.
        bool, opt_bool: Bool => bool;
        /// A dtype.
        dtype_of, dtype: DType => DType;
        /// A memory format.
        format_of, format: MemoryFormat => MemoryFormat;
    }

    /// The dtype of a new tensor: the one given, or the default one.
    pub fn dtype_or_default(&self, i: usize) -> DType {
        self.dtype(i).unwrap_or_else(flambeau_tensor::get_default_dtype)
    }

    /// A generator, if one was given.
    pub fn generator(&self, i: usize) -> Option<&Generator> {
        match &self.values[i] {
            Value::None => None,
            Value::Generator(generator) => Some(generator),
            _ => self.mismatch(i, "Generator"),
        }
    }

    /// A string.
    pub fn str(&self, i: usize) -> &str {
        self.opt_str(i).unwrap_or_else(|| self.mismatch(i, "Str"))
    }

    /// A string that may be `None`.
    pub fn opt_str(&self, i: usize) -> Option<&str> {
        match &self.values[i] {
            Value::None => None,
            Value::Str(text) => Some(text),
            _ => self.mismatch(i, "Str"),
        }
    }

    /// Converts the tensors among the arguments, `out` excepted, as mixed precision asks.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub(crate) fn convert(&mut self, policy: Policy, out: Option<usize>) -> Result<()> {
        let Some(target) = policy.target(self.tensor_arguments(out).map(Tensor::dtype)) else { return Ok(()) };
        for (i, value) in self.values.iter_mut().enumerate() {
            let tensors: Vec<&mut Tensor> = match value {
                _ if Some(i) == out => Vec::new(),
                Value::Tensor(tensor) => vec![tensor],
                Value::Tensors(tensors) => tensors.iter_mut().collect(),
                Value::OptionalTensors(tensors) => tensors.iter_mut().flatten().collect(),
                _ => Vec::new(),
            };
            for tensor in tensors {
                *tensor = autocast::convert(tensor, target)?;
            }
        }
        Ok(())
    }

    /// Every tensor among the arguments, `out` excepted.
    pub(crate) fn tensor_arguments(&self, out: Option<usize>) -> impl Iterator<Item = &Tensor> {
        self.values.iter().enumerate().filter(move |(i, _)| Some(*i) != out).flat_map(|(_, value)| {
            let list: Vec<&Tensor> = match value {
                Value::Tensor(tensor) => vec![tensor],
                Value::Tensors(tensors) => tensors.iter().collect(),
                Value::OptionalTensors(tensors) => tensors.iter().flatten().collect(),
                _ => Vec::new(),
            };
            list
        })
    }
}

/// A 0-d tensor of this number.
///
/// # Errors
/// If there is no memory.
pub fn scalar_tensor(number: Scalar, dtype: DType) -> Result<Tensor> {
    flambeau_tensor::dispatch!(dtype, T => Tensor::from_slice::<T>(&[number.to::<T>()], []))
}
