//! Fits the arguments of a Python call to a signature, by PyTorch's rules.

use crate::args::{Args, Value};
use crate::generator::PyGenerator;
use crate::message::type_name;
use crate::objects::{PyDType, PyDevice, PyLayout, PyMemoryFormat};
use crate::schema::{Kind, Param, Schema};
use crate::tensor::PyTensor;
use flambeau_tensor::{DType, Scalar, Tensor};
use pyo3::Borrowed;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyComplex, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple, PyType};
use smallvec::SmallVec;

/// What a call was given.
pub struct Call<'a, 'py> {
    /// The tensor whose method is called.
    pub receiver: Option<&'a Bound<'py, PyAny>>,
    /// The positional arguments.
    pub args: &'a Bound<'py, PyTuple>,
    /// How many of them come before the operator's own (the receiver, in an unbound call).
    pub skip: usize,
    /// The named arguments.
    pub kwargs: Option<&'a Bound<'py, PyDict>>,
}

impl<'a, 'py> Call<'a, 'py> {
    /// How many positional arguments there are.
    pub fn len(&self) -> usize {
        self.args.len() - self.skip
    }

    /// The positional arguments.
    pub fn positional(&self) -> impl Iterator<Item = Bound<'py, PyAny>> + 'a {
        self.args.iter().skip(self.skip)
    }

    /// The named arguments.
    pub fn keywords(&self) -> Vec<(String, Bound<'py, PyAny>)> {
        self.kwargs.map_or_else(Vec::new, |kwargs| {
            kwargs.iter().map(|(key, value)| (key.extract().unwrap_or_default(), value)).collect()
        })
    }

    fn item(&self, i: usize) -> PyResult<Borrowed<'a, 'py, PyAny>> {
        self.args.get_borrowed_item(i + self.skip)
    }
}

/// How a value fits a parameter.
enum Fit {
    Yes(Value),
    No,
    /// A list whose element at this position is of the wrong type.
    Element(usize),
}

/// Fits a call to a signature. `Ok(None)` when it does not fit and `explain` is off; otherwise
/// the error says why not.
///
/// # Errors
/// PyTorch's `TypeError`s.
pub fn bind(call: &Call<'_, '_>, schema: &Schema, name: &str, explain: bool) -> PyResult<Option<Args>> {
    let skip = usize::from(call.receiver.is_some());
    let given = call.len();
    let max_positional = schema.max_positional() - skip;
    let variadic = max_positional == 1 && matches!(schema.params[skip].kind, Kind::Ints(_));
    if given > max_positional && !variadic {
        return if explain { Err(too_many(schema, skip, name, given)) } else { Ok(None) };
    }
    let mut named_left = call.kwargs.map_or(0, |k| k.len());
    let mut values: SmallVec<[Value; 8]> = SmallVec::with_capacity(schema.params.len());
    if let Some(receiver) = call.receiver {
        match PyTensor::extract(receiver.as_borrowed()) {
            Some(tensor) => values.push(Value::Tensor(tensor.clone())),
            None => return Ok(None),
        }
    }
    let mut position = 0;
    for (i, param) in schema.params.iter().enumerate().skip(skip) {
        if skip > 0 && schema.out == Some(i) {
            values.push(Value::None);
            continue;
        }
        if position < given {
            if param.keyword_only {
                return if explain { Err(too_many(schema, skip, name, given)) } else { Ok(None) };
            }
            let object = call.item(position)?;
            match fit(object, param, i, explain)? {
                Fit::Yes(value) => values.push(value),
                Fit::No | Fit::Element(_) if variadic && position == 0 && is_integer_like(object) => {
                    let Some(value) = integers(call.args.as_any().as_borrowed(), param, call.skip)? else {
                        return Ok(None);
                    };
                    values.push(value);
                    position = given;
                    continue;
                }
                misfit if explain => return Err(wrong_type(name, param, Some(position + 1), object, &misfit)),
                _ => return Ok(None),
            }
            position += 1;
            continue;
        }
        let object = if named_left > 0 { named(call, param)? } else { None };
        match object {
            Some(object) => {
                named_left -= 1;
                match fit(object.as_borrowed(), param, i, explain)? {
                    Fit::Yes(value) => values.push(value),
                    misfit if explain => return Err(wrong_type(name, param, None, object.as_borrowed(), &misfit)),
                    _ => return Ok(None),
                }
            }
            None => match &param.default {
                Some(default) => values.push(default.clone()),
                None if explain => return Err(missing(schema, name, i, call)?),
                None => return Ok(None),
            },
        }
    }
    if position < given || named_left > 0 {
        return if explain { Err(unexpected(schema, skip, name, call, given)) } else { Ok(None) };
    }
    Ok(Some(Args { values }))
}

/// The named argument for a parameter, under its name or NumPy's.
fn named<'py>(call: &Call<'_, 'py>, param: &Param) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Some(kwargs) = call.kwargs else { return Ok(None) };
    if let Some(object) = kwargs.get_item(param.key.bind(call.args.py()))? {
        return Ok(Some(object));
    }
    for alias in numpy_names(param.name) {
        if let Some(object) = kwargs.get_item(alias)? {
            return Ok(Some(object));
        }
    }
    Ok(None)
}

fn numpy_names(name: &str) -> &'static [&'static str] {
    match name {
        "dim" => &["axis"],
        "keepdim" => &["keepdims"],
        "input" => &["x", "a", "x1"],
        "other" => &["x2"],
        _ => &[],
    }
}

/// Whether this is an integer (of Python's or NumPy's) and not a truth value.
pub fn is_int(object: &Bound<'_, PyAny>) -> bool {
    if object.is_instance_of::<PyInt>() {
        return !object.is_instance_of::<PyBool>();
    }
    is_numpy(object, "iu")
}

/// Whether an object of an unknown type is a NumPy scalar of one of these kinds.
fn is_numpy(object: &Bound<'_, PyAny>, kinds: &str) -> bool {
    numpy_kind(object).is_some_and(|kind| kinds.contains(kind))
}

/// NumPy's letter for the kind of a NumPy scalar.
pub fn numpy_kind(object: &Bound<'_, PyAny>) -> Option<char> {
    let module = object.get_type().getattr("__module__").ok()?;
    if module.cast::<PyString>().ok()?.to_cow().ok()? != "numpy" || object.hasattr("__array_interface__").is_err() {
        return None;
    }
    // Arrays have a length or at least dimensions; scalars are instances of `numpy.generic`.
    let generic = object.py().import("numpy").ok()?.getattr("generic").ok()?;
    if !object.is_instance(&generic).ok()? {
        return None;
    }
    object.getattr("dtype").ok()?.getattr("kind").ok()?.extract().ok()
}

fn is_integer_like(object: Borrowed<'_, '_, PyAny>) -> bool {
    is_int(&object) || integral_tensor(object).is_some()
}

fn integral_tensor<'a>(object: Borrowed<'a, '_, PyAny>) -> Option<&'a Tensor> {
    PyTensor::extract(object).filter(|t| t.ndim() == 0 && t.dtype().is_integral(false) && !t.requires_grad())
}

/// An integer, for places where nothing else will do. `Ok(None)` if it is none.
fn integer(object: Borrowed<'_, '_, PyAny>, allow_bool: bool) -> PyResult<Option<i64>> {
    if let Some(tensor) = integral_tensor(object) {
        return crate::error::run(object.py(), || tensor.item()).map(|s| Some(s.to_i64()));
    }
    let accepted = is_int(&object) || (allow_bool && object.is_instance_of::<PyBool>());
    if !accepted {
        return Ok(None);
    }
    object.extract().map(Some).map_err(|_| PyValueError::new_err("Overflow when unpacking long long"))
}

/// The integers of a tuple or list from `skip` on. `None` if the first is none.
fn integers(list: Borrowed<'_, '_, PyAny>, param: &Param, skip: usize) -> PyResult<Option<Value>> {
    let mut values = SmallVec::new();
    let mut push = |i: usize, item: Borrowed<'_, '_, PyAny>| -> PyResult<bool> {
        match integer(item, i > 0) {
            Ok(Some(value)) => values.push(value),
            Ok(None) if i == 0 => return Ok(false),
            Ok(None) => {
                return Err(PyTypeError::new_err(format!(
                    "argument '{}' failed to unpack the object at pos {} with error \"type must be tuple of ints,but got {}\"",
                    param.name,
                    i + 1,
                    type_name(&item)
                )));
            }
            Err(error) => return Err(error),
        }
        Ok(true)
    };
    if let Ok(tuple) = list.cast::<PyTuple>() {
        for i in skip..tuple.len() {
            if !push(i - skip, tuple.get_borrowed_item(i)?)? {
                return Ok(None);
            }
        }
    } else {
        for (i, item) in list.cast::<PyList>()?.iter().enumerate() {
            if !push(i, item.as_borrowed())? {
                return Ok(None);
            }
        }
    }
    Ok(Some(Value::Ints(values)))
}

/// A number, or `None`.
pub fn number(object: Borrowed<'_, '_, PyAny>) -> PyResult<Option<Scalar>> {
    if object.is_instance_of::<PyFloat>() {
        return Ok(Some(Scalar::Float(object.extract()?)));
    }
    if object.is_instance_of::<PyBool>() {
        return Ok(Some(Scalar::Bool(object.is_truthy()?)));
    }
    if object.is_instance_of::<PyInt>() {
        return Ok(Some(Scalar::Int(object.extract()?)));
    }
    if object.is_instance_of::<PyString>() || object.is_none() {
        return Ok(None);
    }
    Ok(match numpy_kind(&object) {
        Some('f') => Some(Scalar::Float(object.call_method0("__float__")?.extract()?)),
        Some('i' | 'u') => Some(Scalar::Int(object.call_method0("__int__")?.extract()?)),
        Some('b') => Some(Scalar::Bool(object.is_truthy()?)),
        _ => None,
    })
}

/// A number, or a 0-d tensor in a number's place.
fn number_or_tensor(object: Borrowed<'_, '_, PyAny>) -> PyResult<Option<Scalar>> {
    if let Some(tensor) = PyTensor::extract(object) {
        if tensor.ndim() == 0 && !tensor.requires_grad() {
            return crate::error::run(object.py(), || tensor.item()).map(Some);
        }
        return Ok(None);
    }
    number(object)
}

/// A complex number as a tensor without dimensions, which takes part in promotion as the number does.
fn complex_number(number: &Bound<'_, PyComplex>) -> PyResult<Tensor> {
    let part = flambeau_tensor::get_default_dtype().to_complex().to_real();
    let part = |value: f64| Tensor::scalar(value, part);
    crate::error::run(number.py(), {
        let (re, im) = (number.real(), number.imag());
        move || flambeau_tensor::ops::complex(&part(re)?, &part(im)?)
    })
}

/// A dtype: an object of ours, or one of Python's number types.
pub fn dtype(object: &Bound<'_, PyAny>) -> PyResult<Option<DType>> {
    if let Ok(object) = object.cast::<PyDType>() {
        return object.get().dtype().map(Some);
    }
    let Ok(class) = object.cast::<PyType>() else { return Ok(None) };
    let py = class.py();
    Ok(if class.is(py.get_type::<PyFloat>()) {
        Some(DType::F64)
    } else if class.is(py.get_type::<PyComplex>()) {
        Some(flambeau_tensor::get_default_dtype().to_complex())
    } else if class.is(py.get_type::<PyBool>()) {
        Some(DType::Bool)
    } else if class.is(py.get_type::<PyInt>()) {
        Some(DType::I64)
    } else {
        None
    })
}

/// The items of a tuple or list.
fn items<'py>(object: Borrowed<'_, 'py, PyAny>) -> Option<Vec<Bound<'py, PyAny>>> {
    if let Ok(tuple) = object.cast::<PyTuple>() {
        Some(tuple.iter().collect())
    } else {
        object.cast::<PyList>().ok().map(|list| list.iter().collect())
    }
}

fn tensors(object: Borrowed<'_, '_, PyAny>, param: &Param, i: usize, explain: bool) -> PyResult<Fit> {
    let Some(items) = items(object) else { return Ok(Fit::No) };
    let optional = param.kind == Kind::OptionalTensors;
    let mut list = Vec::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        match PyTensor::extract(item.as_borrowed()) {
            Some(tensor) => list.push(Some(tensor.clone())),
            None if optional && item.is_none() => list.push(None),
            None if !explain && at == 0 => return Ok(Fit::No),
            None => {
                return Err(PyTypeError::new_err(format!(
                    "expected Tensor as element {at} in argument {i}, but got {}",
                    type_name(item)
                )));
            }
        }
    }
    Ok(Fit::Yes(if optional {
        Value::OptionalTensors(list)
    } else {
        Value::Tensors(list.into_iter().flatten().collect())
    }))
}

/// The floating-point numbers of a tuple or list.
fn floats(object: Borrowed<'_, '_, PyAny>) -> PyResult<Fit> {
    let Some(items) = items(object) else { return Ok(Fit::No) };
    let mut list = Vec::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        match number_or_tensor(item.as_borrowed())? {
            Some(number) => list.push(number.to_f64()),
            None => return Ok(Fit::Element(at)),
        }
    }
    Ok(Fit::Yes(Value::Floats(list)))
}

fn fit(object: Borrowed<'_, '_, PyAny>, param: &Param, i: usize, explain: bool) -> PyResult<Fit> {
    if object.is_none() {
        return Ok(if param.nullable { Fit::Yes(Value::None) } else { Fit::No });
    }
    let value = match param.kind {
        // A tuple of results to be written: more than one output.
        Kind::Tensor => PyTensor::extract(object).map(|t| Value::Tensor(t.clone())),
        Kind::Operand => match PyTensor::extract(object) {
            Some(tensor) => Some(Value::Tensor(tensor.clone())),
            None => match object.cast::<PyComplex>() {
                Ok(number) => Some(Value::Tensor(complex_number(&number)?)),
                Err(_) => number(object)?.map(Value::Scalar),
            },
        },
        Kind::Tensors | Kind::OptionalTensors => return tensors(object, param, i, explain),
        Kind::Scalar => number_or_tensor(object)?.map(Value::Scalar),
        Kind::Int => integer(object, false)?.map(Value::Int),
        Kind::Ints(length) => {
            if object.is_instance_of::<PyTuple>() || object.is_instance_of::<PyList>() {
                return Ok(integers(object, param, 0)?.map_or(Fit::Element(0), Fit::Yes));
            }
            match length {
                Some(n) => integer(object, false)?.map(|v| Value::Ints(SmallVec::from_elem(v, n))),
                None => None,
            }
        }
        Kind::Float => match number_or_tensor(object)? {
            Some(Scalar::Bool(_)) if !object.is_instance_of::<PyBool>() => None,
            Some(number) => Some(Value::Float(number.to_f64())),
            None => None,
        },
        Kind::Floats => return floats(object),
        Kind::Bool => {
            if object.is_instance_of::<PyBool>() || is_bool_like(&object) {
                Some(Value::Bool(object.is_truthy()?))
            } else {
                None
            }
        }
        Kind::Bools => match items(object) {
            Some(list) if list.iter().all(|item| item.is_instance_of::<PyBool>()) => {
                let flags = list.iter().map(|item| item.is_truthy().map(i64::from)).collect::<PyResult<_>>()?;
                Some(Value::Ints(flags))
            }
            _ => None,
        },
        Kind::Str => match object.cast::<PyString>() {
            Ok(text) => Some(Value::Str(text.to_cow()?.into_owned())),
            Err(_) => None,
        },
        Kind::DType => dtype(&object)?.map(Value::DType),
        Kind::Layout => match object.cast::<PyLayout>() {
            Ok(layout) => {
                layout.get().require()?;
                Some(Value::None)
            }
            Err(_) => None,
        },
        Kind::Device => match PyDevice::from_object(&object)? {
            Some(device) => {
                device.require()?;
                Some(Value::None)
            }
            None => None,
        },
        Kind::MemoryFormat => {
            object.cast::<PyMemoryFormat>().ok().map(|format| Value::MemoryFormat(format.get().format))
        }
        Kind::Generator => object.cast::<PyGenerator>().ok().map(|g| Value::Generator(g.get().generator().clone())),
    };
    Ok(value.map_or(Fit::No, Fit::Yes))
}

/// NumPy truth values, and 0-d tensors of them.
fn is_bool_like(object: &Bound<'_, PyAny>) -> bool {
    if object.is_instance_of::<PyInt>() || object.is_instance_of::<PyString>() || object.is_instance_of::<PyFloat>() {
        return false;
    }
    match PyTensor::extract(object.as_borrowed()) {
        Some(tensor) => tensor.ndim() == 0 && tensor.dtype() == DType::Bool && !tensor.requires_grad(),
        None => is_numpy(object, "b"),
    }
}

fn wrong_type(
    name: &str,
    param: &Param,
    position: Option<usize>,
    object: Borrowed<'_, '_, PyAny>,
    misfit: &Fit,
) -> PyErr {
    let place = position.map_or(String::new(), |p| format!(" (position {p})"));
    let what = match misfit {
        Fit::Element(at) => {
            let element = object.get_item(*at).map_or_else(|_| "object".to_owned(), |e| type_name(&e));
            format!("but found element of type {element} at pos {at}")
        }
        _ => format!("not {}", type_name(&object)),
    };
    PyTypeError::new_err(format!("{name}(): argument '{}'{place} must be {}, {what}", param.name, param.kind.name()))
}

fn too_many(schema: &Schema, skip: usize, name: &str, given: usize) -> PyErr {
    let max = schema.max_positional() - skip;
    let min = schema.min_args(skip);
    let were = if given == 1 { "was" } else { "were" };
    PyTypeError::new_err(if min == max {
        format!("{name}() takes {max} positional argument{} but {given} {were} given", if max == 1 { "" } else { "s" })
    } else {
        format!("{name}() takes from {min} to {max} positional arguments but {given} {were} given")
    })
}

fn missing(schema: &Schema, name: &str, from: usize, call: &Call<'_, '_>) -> PyResult<PyErr> {
    let mut names = Vec::new();
    for param in &schema.params[from..] {
        if param.default.is_none() && named(call, param)?.is_none() {
            names.push(param.name);
        }
    }
    // PyTorch has the plural where Python has the singular, and the other way round.
    let plural = if names.len() == 1 { "s" } else { "" };
    Ok(PyTypeError::new_err(format!(
        "{name}() missing {} required positional argument{plural}: \"{}\"",
        names.len(),
        names.join("\", \"")
    )))
}

fn unexpected(schema: &Schema, skip: usize, name: &str, call: &Call<'_, '_>, given: usize) -> PyErr {
    for (key, _) in call.keywords() {
        let at = schema.params.iter().skip(skip).position(|p| p.name == key);
        match at {
            None => {
                return PyTypeError::new_err(format!("{name}() got an unexpected keyword argument '{key}'"));
            }
            Some(at) if at < given => {
                return PyTypeError::new_err(format!("{name}() got multiple values for argument '{key}'"));
            }
            Some(_) => {}
        }
    }
    PyTypeError::new_err(format!("{name}() got unexpected arguments"))
}
