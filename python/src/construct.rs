//! Tensors from Python data: `tensor`, `as_tensor`, and the old constructor.

use crate::error::{run, to_python, warn};
use crate::matching::{dtype as dtype_argument, numpy_kind};
use crate::message::type_name;
use crate::objects::PyDevice;
use crate::tensor::{PyTensor, wrap};
use flambeau_tensor::{DType, Scalar, Shape, Tensor, dispatch, get_default_dtype};
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyComplex, PyDict, PyFloat, PyInt, PyList, PySequence, PyString, PyTuple};

/// The deepest nesting of lists that is looked at.
const MAX_DIMS: usize = 128;

/// Python data laid out flat.
struct Flat {
    shape: Vec<usize>,
    values: Vec<Scalar>,
    /// The imaginary parts of complex values, by their place.
    imaginary: Vec<(usize, f64)>,
    /// The dtype that the values have together; `None` while there are none.
    dtype: Option<DType>,
}

/// A leaf of nested data, as a number and the dtype it brings.
fn leaf(object: &Bound<'_, PyAny>) -> PyResult<Option<(Scalar, DType)>> {
    // An instance of a subclass may be NumPy's float64, which brings its own dtype.
    if object.is_exact_instance_of::<PyFloat>() {
        return Ok(Some((Scalar::Float(object.extract()?), get_default_dtype())));
    }
    if let Ok(flag) = object.cast::<PyBool>() {
        return Ok(Some((Scalar::Bool(flag.is_true()), DType::Bool)));
    }
    if object.is_instance_of::<PyInt>() {
        let value = object.extract().map_err(|_| PyValueError::new_err("Overflow when unpacking long long"))?;
        return Ok(Some((Scalar::Int(value), DType::I64)));
    }
    Ok(None)
}

/// As [`leaf`], for what is rarely met: NumPy scalars, 0-d tensors and arrays.
fn rare_leaf(object: &Bound<'_, PyAny>) -> PyResult<Option<(Scalar, DType)>> {
    if let Some(tensor) = PyTensor::extract(object.as_borrowed()) {
        if tensor.ndim() > 0 {
            return Ok(None);
        }
        return Ok(Some((run(object.py(), || tensor.item())?, tensor.dtype())));
    }
    if numpy_kind(object).is_some()
        || (crate::numpy::is_array(object) && object.getattr("ndim")?.extract::<usize>()? == 0)
    {
        let array = object.py().import("numpy")?.call_method1("array", (object,))?;
        let tensor = crate::numpy::from_array(&array)?;
        return Ok(Some((run(object.py(), || tensor.item())?, tensor.dtype())));
    }
    if object.is_instance_of::<PyFloat>() {
        return Ok(Some((Scalar::Float(object.extract()?), get_default_dtype())));
    }
    if let Ok(number) = object.cast::<PyComplex>() {
        return Ok(Some((Scalar::Float(number.real()), get_default_dtype().to_complex())));
    }
    Ok(None)
}

fn not_inferable(object: &Bound<'_, PyAny>) -> PyErr {
    if object.is_instance_of::<PyString>() {
        return PyTypeError::new_err("new(): invalid data type 'str'");
    }
    PyRuntimeError::new_err(format!("Could not infer dtype of {}", type_name(object)))
}

fn is_sequence(object: &Bound<'_, PyAny>) -> bool {
    !object.is_instance_of::<PyString>() && object.cast::<PySequence>().is_ok() && !object.is_instance_of::<PyDict>()
        || PyTensor::extract(object.as_borrowed()).is_some()
        || crate::numpy::is_array(object)
}

impl Flat {
    fn of(data: &Bound<'_, PyAny>) -> PyResult<Self> {
        let mut shape = Vec::new();
        let mut first = data.clone();
        while is_sequence(&first) && rare_leaf(&first)?.is_none() {
            let length = first.len()?;
            shape.push(length);
            if shape.len() > MAX_DIMS {
                return Err(PyValueError::new_err(format!("too many dimensions '{}'", type_name(data))));
            }
            if length == 0 {
                break;
            }
            first = first.get_item(0)?;
        }
        // A string is a sequence of strings without end.
        if !shape.is_empty() && first.cast::<PyString>().is_ok_and(|text| text.len().is_ok_and(|n| n > 0)) {
            return Err(PyValueError::new_err("too many dimensions 'str'"));
        }
        let mut flat = Flat { shape, values: Vec::new(), imaginary: Vec::new(), dtype: None };
        flat.fill(data, 0)?;
        Ok(flat)
    }

    fn push(&mut self, (value, dtype): (Scalar, DType)) {
        self.values.push(value);
        self.dtype = Some(self.dtype.map_or(dtype, |d| if d == dtype { d } else { d.promote(dtype) }));
    }

    fn fill(&mut self, data: &Bound<'_, PyAny>, depth: usize) -> PyResult<()> {
        let found = match leaf(data)? {
            Some(found) => Some(found),
            None => rare_leaf(data)?,
        };
        if depth == self.shape.len() {
            return match found {
                Some(found) => {
                    if let Ok(number) = data.cast::<PyComplex>() {
                        self.imaginary.push((self.values.len(), number.imag()));
                    }
                    self.push(found);
                    Ok(())
                }
                None => Err(match PyTensor::extract(data.as_borrowed()) {
                    Some(_) => PyValueError::new_err("only one element tensors can be converted to Python scalars"),
                    None if is_sequence(data) => PyTypeError::new_err(format!(
                        "'{}' object cannot be interpreted as an integer",
                        type_name(data)
                    )),
                    None => not_inferable(data),
                }),
            };
        }
        if found.is_some() {
            return Err(PyTypeError::new_err("not a sequence"));
        }
        if !is_sequence(data) {
            return Err(not_inferable(data));
        }
        let expected = self.shape[depth];
        let check = |got: usize| {
            if got == expected {
                return Ok(());
            }
            Err(PyValueError::new_err(format!("expected sequence of length {expected} at dim {depth} (got {got})")))
        };
        if let Ok(list) = data.cast::<PyList>() {
            check(list.len())?;
            return list.iter().try_for_each(|item| self.fill(&item, depth + 1));
        }
        if let Ok(tuple) = data.cast::<PyTuple>() {
            check(tuple.len())?;
            return tuple.iter().try_for_each(|item| self.fill(&item, depth + 1));
        }
        if let Some(tensor) = self.dense(data)? {
            let sizes = tensor.shape();
            check(sizes.first().copied().unwrap_or(0))?;
            if sizes[..] != self.shape[depth..] {
                return Err(PyValueError::new_err("expected sequences of equal lengths"));
            }
            let dtype = tensor.dtype();
            let values: Vec<Scalar> = run(data.py(), || scalars(&tensor))?;
            values.into_iter().for_each(|value| self.push((value, dtype)));
            return Ok(());
        }
        check(data.len()?)?;
        (0..expected).try_for_each(|i| self.fill(&data.get_item(i)?, depth + 1))
    }

    /// A tensor or array inside a list.
    fn dense(&self, data: &Bound<'_, PyAny>) -> PyResult<Option<Tensor>> {
        if let Some(tensor) = PyTensor::extract(data.as_borrowed()) {
            if tensor.numel() != 1 {
                return Err(PyValueError::new_err("only one element tensors can be converted to Python scalars"));
            }
            return Ok(Some(tensor.clone()));
        }
        if crate::numpy::is_array(data) {
            static ONCE: std::sync::Once = std::sync::Once::new();
            let mut result = Ok(());
            ONCE.call_once(|| {
                result = warn(data.py(), "Creating a tensor from a list of numpy.ndarrays is extremely slow. Please consider converting the list to a single numpy.ndarray with numpy.array() before converting to a tensor.");
            });
            result?;
            let copy = data.call_method0("copy")?;
            return crate::numpy::from_array(&copy).map(Some);
        }
        Ok(None)
    }

    fn into_tensor(self, dtype: Option<DType>) -> PyResult<Tensor> {
        let dtype = dtype.or(self.dtype).unwrap_or_else(get_default_dtype);
        for value in &self.values {
            check_range(*value, dtype)?;
        }
        let shape = Shape::from(self.shape);
        if !self.imaginary.is_empty() && !dtype.is_complex() {
            return Err(PyTypeError::new_err("must be real number, not complex"));
        }
        let mut imaginary = vec![0.0; if self.imaginary.is_empty() { 0 } else { self.values.len() }];
        for &(at, part) in &self.imaginary {
            imaginary[at] = part;
        }
        if !imaginary.is_empty() {
            let real: Vec<f64> = self.values.iter().map(|v| v.to_f64()).collect();
            return Tensor::from_slice(&real, &shape)
                .and_then(|re| {
                    flambeau_tensor::ops::complex(&re, &Tensor::from_slice(&imaginary, &shape)?)?.to_dtype(dtype)
                })
                .map_err(to_python);
        }
        dispatch!(dtype, T => {
            let values: Vec<T> = self.values.iter().map(|v| v.to::<T>()).collect();
            Tensor::from_slice(&values, shape)
        })
        .map_err(to_python)
    }
}

fn scalars(tensor: &Tensor) -> flambeau_tensor::Result<Vec<Scalar>> {
    use flambeau_tensor::element::Element;
    let dtype = tensor.dtype();
    if dtype.is_complex() {
        return Err(flambeau_tensor::Error::dtype("complex tensors inside lists have to be stacked instead"));
    }
    dispatch!(dtype, T => Ok(tensor.to_vec::<T>()?.into_iter().map(|v| match dtype {
        DType::Bool => Scalar::Bool(v.to_i64() != 0),
        d if d.is_floating_point() => Scalar::Float(v.to_f64()),
        _ => Scalar::Int(v.to_i64()),
    }).collect()))
}

fn check_range(value: Scalar, dtype: DType) -> PyResult<()> {
    let (low, high): (i64, i64) = match dtype {
        DType::U8 => (-255, 255),
        DType::I8 => (i64::from(i8::MIN), i64::from(i8::MAX)),
        DType::I16 => (i64::from(i16::MIN), i64::from(i16::MAX)),
        DType::I32 => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => return Ok(()),
    };
    if value.to_f64() >= low as f64 && value.to_f64() <= high as f64 || value.to_f64().is_nan() {
        return Ok(());
    }
    Err(PyRuntimeError::new_err(format!("value cannot be converted to type {} without overflow", type_text(dtype))))
}

fn type_text(dtype: DType) -> &'static str {
    match dtype {
        DType::U8 => "uint8",
        DType::I8 => "int8",
        DType::I16 => "int16",
        _ => "int",
    }
}

/// The arguments that the constructors share.
struct Options {
    dtype: Option<DType>,
    requires_grad: bool,
}

/// Reads `data` and the keyword arguments of a constructor.
fn arguments<'py>(
    name: &str,
    args: &Bound<'py, PyTuple>,
    kwargs: Option<&Bound<'py, PyDict>>,
    positional: &[&str],
) -> PyResult<(Bound<'py, PyAny>, Options)> {
    let mut given: Vec<Option<Bound<'py, PyAny>>> = vec![None; positional.len()];
    if args.len() > positional.len() {
        let max = positional.len();
        let (were, got) = ("were", args.len());
        return Err(PyTypeError::new_err(if max == 1 {
            format!("{name}() takes 1 positional argument but {got} {were} given")
        } else {
            format!("{name}() takes from 1 to {max} positional arguments but {got} {were} given")
        }));
    }
    for (slot, object) in given.iter_mut().zip(args.iter()) {
        *slot = Some(object);
    }
    let mut options = Options { dtype: None, requires_grad: false };
    let wrong = |key: &str, kind: &str, value: &Bound<'_, PyAny>| {
        PyTypeError::new_err(format!("{name}(): argument '{key}' must be {kind}, not {}", type_name(value)))
    };
    let mut extra = Vec::new();
    for (key, value) in kwargs.into_iter().flat_map(|k| k.iter()) {
        let key: String = key.extract()?;
        if let Some(at) = positional.iter().position(|p| *p == key) {
            if given[at].is_some() {
                return Err(PyTypeError::new_err(format!("{name}() got multiple values for argument '{key}'")));
            }
            given[at] = Some(value);
            continue;
        }
        if !matches!(key.as_str(), "dtype" | "device" | "requires_grad" | "pin_memory" | "copy" | "names") {
            return Err(PyTypeError::new_err(format!("{name}() got an unexpected keyword argument '{key}'")));
        }
        extra.push((key, value));
    }
    for (key, at) in [("dtype", 1), ("device", 2)] {
        if let Some(Some(value)) = given.get(at) {
            extra.push((key.to_owned(), value.clone()));
        }
    }
    let data = given.into_iter().next().flatten().ok_or_else(|| {
        PyTypeError::new_err(format!("{name}() missing 1 required positional arguments: \"{}\"", positional[0]))
    })?;
    for (key, value) in extra {
        if value.is_none() {
            continue;
        }
        match key.as_str() {
            "dtype" => {
                options.dtype = Some(dtype_argument(&value)?.ok_or_else(|| wrong("dtype", "torch.dtype", &value))?);
            }
            "device" => match PyDevice::from_object(&value)? {
                Some(device) => device.require()?,
                None => return Err(wrong("device", "torch.device", &value)),
            },
            "requires_grad" => match value.cast::<PyBool>() {
                Ok(flag) => options.requires_grad = flag.is_true(),
                Err(_) => return Err(wrong("requires_grad", "bool", &value)),
            },
            _ => {}
        }
    }
    Ok((data, options))
}

fn copied(data: &Bound<'_, PyAny>, dtype: Option<DType>) -> PyResult<Tensor> {
    if let Some(tensor) = PyTensor::extract(data.as_borrowed()) {
        return cast_copy(data.py(), &tensor.detach(), dtype);
    }
    if crate::numpy::is_array(data) {
        // A copy by NumPy takes what tensors cannot show: negative strides, read-only memory.
        let copy = data.call_method0("copy")?;
        let tensor = crate::numpy::from_array(&copy)?;
        return cast_copy(data.py(), &tensor, dtype);
    }
    if data.is_instance_of::<PyString>() {
        return Err(not_inferable(data));
    }
    Flat::of(data)?.into_tensor(dtype)
}

fn cast_copy(py: Python<'_>, tensor: &Tensor, dtype: Option<DType>) -> PyResult<Tensor> {
    run(py, || match dtype {
        Some(dtype) if dtype != tensor.dtype() => tensor.to_dtype(dtype),
        _ => tensor.copy(),
    })
}

fn finish(py: Python<'_>, tensor: Tensor, requires_grad: bool) -> PyResult<Py<PyAny>> {
    if requires_grad {
        if !tensor.dtype().is_differentiable() {
            return Err(PyRuntimeError::new_err(
                "Only Tensors of floating point and complex dtype can require gradients",
            ));
        }
        tensor.requires_grad_(true).map_err(to_python)?;
    }
    wrap(py, tensor)
}

/// A tensor that holds a copy of Python data.
#[pyfunction]
#[pyo3(signature = (*args, **kwargs))]
pub fn tensor(args: &Bound<'_, PyTuple>, kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<Py<PyAny>> {
    let (data, options) = arguments("tensor", args, kwargs, &["data"])?;
    if PyTensor::extract(data.as_borrowed()).is_some() {
        warn(
            data.py(),
            "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or sourceTensor.detach().clone().requires_grad_(True), rather than torch.tensor(sourceTensor).",
        )?;
    }
    finish(args.py(), copied(&data, options.dtype)?, options.requires_grad)
}

/// A tensor of Python data that shares memory where it can.
#[pyfunction]
#[pyo3(signature = (*args, **kwargs))]
pub fn as_tensor(args: &Bound<'_, PyTuple>, kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<Py<PyAny>> {
    let (data, options) = arguments("as_tensor", args, kwargs, &["data", "dtype", "device"])?;
    shared(&data, options, None)
}

/// As `as_tensor`, with a say in whether memory is shared.
#[pyfunction]
#[pyo3(signature = (*args, **kwargs))]
pub fn asarray(args: &Bound<'_, PyTuple>, kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<Py<PyAny>> {
    let (data, options) = arguments("asarray", args, kwargs, &["obj"])?;
    let copy = match kwargs.map(|k| k.get_item("copy")).transpose()?.flatten() {
        Some(flag) if !flag.is_none() => Some(flag.is_truthy()?),
        _ => None,
    };
    shared(&data, options, copy)
}

fn shared(data: &Bound<'_, PyAny>, options: Options, copy: Option<bool>) -> PyResult<Py<PyAny>> {
    let py = data.py();
    let Options { dtype, requires_grad } = options;
    if copy == Some(true) {
        return finish(py, copied(data, dtype)?, requires_grad);
    }
    let seen = if let Some(tensor) = PyTensor::extract(data.as_borrowed()) {
        tensor.clone()
    } else if crate::numpy::is_array(data) {
        crate::numpy::from_array(data)?
    } else if copy == Some(false) {
        return Err(PyValueError::new_err("can't alias arbitrary sequence into a tensor."));
    } else {
        return finish(py, copied(data, dtype)?, requires_grad);
    };
    let tensor = match dtype {
        Some(dtype) if dtype != seen.dtype() => {
            if copy == Some(false) {
                return Err(PyValueError::new_err(format!(
                    "can't alias tensor with dtype '{}' into dtype '{}'.",
                    seen.dtype().c_name(),
                    dtype.c_name()
                )));
            }
            run(py, || seen.to_dtype(dtype))?
        }
        _ => seen,
    };
    finish(py, tensor, requires_grad)
}

/// A 0-d tensor of a number.
#[pyfunction]
#[pyo3(signature = (s, *, dtype=None, layout=None, device=None, pin_memory=None, requires_grad=false))]
pub fn scalar_tensor(
    s: &Bound<'_, PyAny>,
    dtype: Option<&Bound<'_, PyAny>>,
    layout: Option<&Bound<'_, PyAny>>,
    device: Option<&Bound<'_, PyAny>>,
    pin_memory: Option<bool>,
    requires_grad: bool,
) -> PyResult<Py<PyAny>> {
    let _ = (layout, pin_memory);
    if let Some(device) = device.map(PyDevice::from_object).transpose()?.flatten() {
        device.require()?;
    }
    let Some(number) = crate::matching::number(s.as_borrowed())? else {
        return Err(PyTypeError::new_err(format!(
            "scalar_tensor(): argument 's' (position 1) must be Number, not {}",
            type_name(s)
        )));
    };
    let dtype = dtype.map(dtype_argument).transpose()?.flatten().unwrap_or_else(get_default_dtype);
    check_range(number, dtype)?;
    let tensor = crate::args::scalar_tensor(number, dtype).map_err(to_python)?;
    finish(s.py(), tensor, requires_grad)
}

/// The old constructor `Tensor(…)`: sizes, a sequence of numbers, another tensor, or nothing.
///
/// # Errors
/// PyTorch's, for anything else.
pub fn legacy(args: &Bound<'_, PyTuple>, kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<Tensor> {
    let dtype = get_default_dtype();
    let named = kwargs.map(|k| k.get_item("data")).transpose()?.flatten();
    let first = match (args.len(), &named) {
        (0, None) => return Tensor::empty([0], dtype).map_err(to_python),
        (0, Some(data)) => data.clone(),
        _ => args.get_item(0)?,
    };
    if let Some(tensor) = PyTensor::extract(first.as_borrowed())
        && args.len() <= 1
    {
        return Ok(tensor.detach());
    }
    let sizes =
        if args.len() == 1 && crate::size::is_size(&first) { first.cast::<PyTuple>()?.clone() } else { args.clone() };
    if sizes.iter().all(|item| crate::matching::is_int(&item)) && named.is_none() {
        let sizes = sizes.iter().map(|item| item.extract::<i64>()).collect::<PyResult<Vec<_>>>()?;
        let shape: Option<Vec<usize>> = sizes.iter().map(|&n| usize::try_from(n).ok()).collect();
        let shape = shape.ok_or_else(|| {
            let negative = sizes.iter().find(|n| **n < 0).copied().unwrap_or(0);
            PyRuntimeError::new_err(format!(
                "Trying to create tensor with negative dimension {negative}: [{}]",
                sizes.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")
            ))
        })?;
        return Tensor::empty(shape, dtype).map_err(to_python);
    }
    if first.is_instance_of::<PyString>() {
        return Err(not_inferable(&first));
    }
    if !is_sequence(&first) || args.len() > 1 {
        return Err(PyTypeError::new_err(format!("new(): data must be a sequence (got {})", type_name(&first))));
    }
    copied(&first, Some(dtype))
}

/// A new tensor of Python data, with the dtype that the data has.
///
/// # Errors
/// PyTorch's, for data that no tensor can hold.
pub fn from_data(data: &Bound<'_, PyAny>) -> PyResult<Tensor> {
    copied(data, None)
}
