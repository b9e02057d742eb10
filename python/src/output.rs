//! Results of operators as Python objects.

use crate::objects::PyDType;
use crate::tensor::wrap;
use flambeau_tensor::{DType, Result, Scalar, Shape, Tensor};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyComplex, PyTuple};

/// What an operator returns.
#[derive(Clone, Debug)]
pub enum Output {
    /// Nothing.
    None,
    /// A tensor.
    Tensor(Tensor),
    /// A tuple.
    Tuple(Vec<Output>),
    /// A number.
    Scalar(Scalar),
    /// A complex number.
    Complex(f64, f64),
    /// A string.
    Str(String),
    /// A dtype.
    DType(DType),
    /// A `Size`.
    Shape(Shape),
}

/// What an operator's closure may return.
pub trait IntoOutput {
    /// The type of the Python object, as annotations write it.
    fn annotation() -> String;

    /// The result, or the error.
    ///
    /// # Errors
    /// The operator's.
    fn into_output(self) -> Result<Output>;
}

impl IntoOutput for Output {
    fn annotation() -> String {
        "Any".to_owned()
    }

    fn into_output(self) -> Result<Output> {
        Ok(self)
    }
}

impl IntoOutput for () {
    fn annotation() -> String {
        "None".to_owned()
    }

    fn into_output(self) -> Result<Output> {
        Ok(Output::None)
    }
}

impl<T: IntoOutput> IntoOutput for Result<T> {
    fn annotation() -> String {
        T::annotation()
    }

    fn into_output(self) -> Result<Output> {
        self?.into_output()
    }
}

impl<T: IntoOutput> IntoOutput for Option<T> {
    fn annotation() -> String {
        format!("{} | None", T::annotation())
    }

    fn into_output(self) -> Result<Output> {
        self.map_or(Ok(Output::None), T::into_output)
    }
}

/// A vector is a tuple in Python: what PyTorch's operators return several tensors in.
impl<T: IntoOutput> IntoOutput for Vec<T> {
    fn annotation() -> String {
        format!("tuple[{}, ...]", T::annotation())
    }

    fn into_output(self) -> Result<Output> {
        Ok(Output::Tuple(self.into_iter().map(T::into_output).collect::<Result<_>>()?))
    }
}

macro_rules! tuples {
    ($(($($t:ident $i:tt),*);)*) => {$(
        impl<$($t: IntoOutput),*> IntoOutput for ($($t,)*) {
            fn annotation() -> String {
                format!("tuple[{}]", [$($t::annotation()),*].join(", "))
            }

            fn into_output(self) -> Result<Output> {
                Ok(Output::Tuple(vec![$(self.$i.into_output()?),*]))
            }
        }
    )*};
}
tuples! {
    (A 0, B 1);
    (A 0, B 1, C 2);
    (A 0, B 1, C 2, D 3);
    (A 0, B 1, C 2, D 3, E 4);
}

macro_rules! plain {
    ($($t:ty, $annotation:literal: $value:ident => $output:expr;)*) => {$(
        impl IntoOutput for $t {
            fn annotation() -> String {
                $annotation.to_owned()
            }

            fn into_output(self) -> Result<Output> {
                let $value = self;
                Ok($output)
            }
        }
    )*};
}
plain! {
    Tensor, "Tensor": t => Output::Tensor(t);
    Scalar, "_Number": s => Output::Scalar(s);
    bool, "_bool": b => Output::Scalar(Scalar::Bool(b));
    i64, "_int": i => Output::Scalar(Scalar::Int(i));
    usize, "_int": i => Output::Scalar(Scalar::Int(i as i64));
    f64, "_float": f => Output::Scalar(Scalar::Float(f));
    String, "str": s => Output::Str(s);
    DType, "_dtype": d => Output::DType(d);
    Shape, "_Size": s => Output::Shape(s);
}

/// The Python object of a result. `fields` is the class of a named tuple.
///
/// # Errors
/// If Python objects cannot be made.
pub fn to_object(py: Python<'_>, output: Output, fields: Option<&Py<PyAny>>) -> PyResult<Py<PyAny>> {
    Ok(match output {
        Output::Tensor(tensor) => wrap(py, tensor)?,
        Output::None => py.None(),
        Output::Scalar(Scalar::Bool(b)) => b.into_py_any(py)?,
        Output::Scalar(Scalar::Int(i)) => i.into_py_any(py)?,
        Output::Scalar(Scalar::Float(f)) => f.into_py_any(py)?,
        Output::Complex(re, im) => PyComplex::from_doubles(py, re, im).into_any().unbind(),
        Output::Str(text) => text.into_py_any(py)?,
        Output::DType(dtype) => PyDType::of(py, dtype).clone_ref(py).into_any(),
        Output::Shape(shape) => crate::size::size(py, &shape)?,
        Output::Tuple(items) => {
            let items = items.into_iter().map(|item| to_object(py, item, None)).collect::<PyResult<Vec<_>>>()?;
            match fields {
                Some(class) => class.call1(py, (PyTuple::new(py, items)?,))?,
                None => PyTuple::new(py, items)?.into_any().unbind(),
            }
        }
    })
}

/// The class of the named tuple that operator `name` returns.
///
/// # Errors
/// If Python objects cannot be made.
pub fn named_tuple(py: Python<'_>, name: &str, fields: &[&str]) -> PyResult<Py<PyAny>> {
    crate::size::python_parts(py)?.getattr("named_tuple")?.call1((name, PyTuple::new(py, fields)?)).map(Bound::unbind)
}
