//! What can go wrong, in PyTorch's words.

/// The result of everything that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of mistake an [`Error`] is about. Each kind has one Python exception type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Shapes or sizes that do not fit (Python: `RuntimeError`).
    Shape,
    /// A dtype that an operator does not take (`RuntimeError`).
    DType,
    /// A dimension or an element that does not exist (`IndexError`).
    Index,
    /// An argument out of its range (`ValueError`).
    Value,
    /// An argument of the wrong type (`TypeError`).
    Type,
    /// An operator that is not available for this dtype or device (`NotImplementedError`).
    NotImplemented,
    /// A rule of automatic differentiation (`RuntimeError`).
    Autograd,
    /// Not enough memory, or a size beyond all memory (`RuntimeError`).
    Memory,
    /// A file that is not what it should be, or cannot be read or written (`RuntimeError`).
    File,
    /// A matrix without what was asked of it (`torch.linalg.LinAlgError`).
    Linalg,
    /// Anything else (`RuntimeError`).
    Runtime,
}

/// An error: what kind of mistake, and a sentence that names the shapes, dtypes or values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: ErrorKind,
    message: String,
}

macro_rules! constructors {
    ($($(#[$doc:meta])* $name:ident => $kind:ident;)*) => {$(
        $(#[$doc])*
        pub fn $name(message: impl Into<String>) -> Self {
            Self { kind: ErrorKind::$kind, message: message.into() }
        }
    )*};
}

impl Error {
    constructors! {
        /// An error about shapes.
        shape => Shape;
        /// An error about dtypes.
        dtype => DType;
        /// An error about a dimension or an index.
        index => Index;
        /// An error about an argument's value.
        value => Value;
        /// An error about an argument's type.
        type_ => Type;
        /// An operator that is not there for such an input.
        not_implemented => NotImplemented;
        /// An error about automatic differentiation.
        autograd => Autograd;
        /// An error about memory.
        memory => Memory;
        /// An error about a file.
        file => File;
        /// An error of linear algebra.
        linalg => Linalg;
        /// Any other error.
        runtime => Runtime;
    }

    /// What kind of mistake this is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The sentence.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The same kind of error, which says first where it happened: `"node 'conv1' (Conv): …"`.
    #[must_use]
    pub fn context(self, place: impl std::fmt::Display) -> Self {
        Self { kind: self.kind, message: format!("{place}: {}", self.message) }
    }

    /// PyTorch's error for a dimension that a tensor of `ndim` dimensions does not have.
    pub fn dimension(dim: isize, ndim: usize) -> Self {
        // A 0-d tensor counts as one-dimensional here.
        let n = ndim.max(1) as isize;
        Self::index(format!("Dimension out of range (expected to be in range of [{}, {}], but got {dim})", -n, n - 1))
    }
}
