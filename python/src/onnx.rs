//! ONNX models that run.

use crate::error;
use crate::message::type_name;
use crate::numpy;
use crate::objects::PyDType;
use crate::tensor::{PyTensor, wrap};
use flambeau_graph::{Dimension, NodeProfile, Value};
use flambeau_onnx::{AttributeValue, Exported, ExportedNode, Model};
use flambeau_tensor::Tensor;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};
use std::path::PathBuf;

/// A model of an ONNX file.
#[pyclass(frozen, name = "_OnnxModel", module = "flambeau._native")]
pub struct OnnxModel {
    model: Model,
}

/// A size: a number, a name, or `None` for anything.
#[derive(IntoPyObject)]
enum Size {
    Known(usize),
    Named(String),
    Any(Option<usize>),
}

/// Name, dtype and sizes of a value; what is not known is `None`.
type Described = (String, Option<&'static Py<PyDType>>, Option<Vec<Size>>);

fn described(py: Python<'_>, value: &Value) -> Described {
    let size = |dimension: &Dimension| match dimension {
        Dimension::Known(size) => Size::Known(*size),
        Dimension::Named(name) => Size::Named(name.clone()),
        Dimension::Any => Size::Any(None),
    };
    let shape = value.shape.as_ref().map(|shape| shape.iter().map(size).collect());
    (value.name.clone(), value.dtype.map(|dtype| PyDType::of(py, dtype)), shape)
}

/// A tensor, or a NumPy array as one.
fn tensor(object: &Bound<'_, PyAny>) -> PyResult<Tensor> {
    if let Some(tensor) = PyTensor::extract(object.as_borrowed()) {
        return Ok(tensor.clone());
    }
    if numpy::is_array(object) {
        return numpy::from_array(object);
    }
    Err(PyTypeError::new_err(format!("inputs of a model are tensors or NumPy arrays, but got {}", type_name(object))))
}

/// Inputs by position and by name.
type Given = (Vec<Tensor>, Vec<(String, Tensor)>);

fn given(args: &Bound<'_, PyTuple>, named: Option<&Bound<'_, PyDict>>) -> PyResult<Given> {
    let positional = args.iter().map(|object| tensor(&object)).collect::<PyResult<_>>()?;
    let by_name = |(name, object): (Bound<'_, PyAny>, Bound<'_, PyAny>)| -> PyResult<(String, Tensor)> {
        Ok((name.extract()?, tensor(&object)?))
    };
    let named = named.map(|named| named.iter().map(by_name).collect::<PyResult<_>>()).transpose()?;
    Ok((positional, named.unwrap_or_default()))
}

#[pymethods]
impl OnnxModel {
    /// Reads a file.
    #[new]
    #[pyo3(signature = (path, memory_limit=None))]
    fn new(py: Python<'_>, path: PathBuf, memory_limit: Option<usize>) -> PyResult<Self> {
        Self::finished(error::run(py, || Model::load(&path))?, memory_limit)
    }

    /// Reads the content of a file.
    #[staticmethod]
    #[pyo3(signature = (content, memory_limit=None))]
    fn from_bytes(content: &Bound<'_, PyBytes>, memory_limit: Option<usize>) -> PyResult<Self> {
        let bytes = content.as_bytes().to_vec();
        Self::finished(error::run(content.py(), || Model::from_bytes(bytes))?, memory_limit)
    }

    /// The inputs that have to be given.
    #[getter]
    fn inputs(&self, py: Python<'_>) -> Vec<Described> {
        self.model.inputs().into_iter().map(|value| described(py, value)).collect()
    }

    /// The outputs.
    #[getter]
    fn outputs(&self, py: Python<'_>) -> Vec<Described> {
        self.model.outputs().into_iter().map(|value| described(py, value)).collect()
    }

    /// The version of ONNX's operators.
    #[getter]
    fn opset(&self) -> i64 {
        self.model.opset()
    }

    /// What made the file.
    #[getter]
    fn producer(&self) -> &str {
        self.model.producer()
    }

    /// The outputs for some inputs.
    fn run(
        &self,
        py: Python<'_>,
        args: &Bound<'_, PyTuple>,
        named: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Vec<Py<PyAny>>> {
        let (positional, named) = given(args, named)?;
        let outputs = error::run(py, || self.model.run_named(&positional, named))?;
        outputs.into_iter().map(|tensor| wrap(py, tensor)).collect()
    }

    /// The outputs, and for each node its name, its operator, its seconds, and the shapes of what
    /// it made.
    fn profile(
        &self,
        py: Python<'_>,
        args: &Bound<'_, PyTuple>,
        named: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<(Vec<Py<PyAny>>, Vec<Profile>)> {
        let (positional, named) = given(args, named)?;
        let (outputs, profiles) = error::run(py, || self.model.profile(&positional, named))?;
        let outputs = outputs.into_iter().map(|tensor| wrap(py, tensor)).collect::<PyResult<_>>()?;
        Ok((outputs, profiles.iter().map(|profile| self.profiled(profile)).collect()))
    }
}

/// Name, operator, seconds, shapes.
type Profile = (String, String, f64, Vec<Vec<usize>>);

impl OnnxModel {
    fn finished(model: Model, memory_limit: Option<usize>) -> PyResult<Self> {
        let model = match memory_limit {
            Some(bytes) => model.with_memory_limit(bytes),
            None => model,
        };
        Ok(OnnxModel { model })
    }

    fn profiled(&self, profile: &NodeProfile) -> Profile {
        let node = &self.model.executor().graph().nodes()[profile.node];
        let shapes = profile.shapes.iter().map(|shape| shape.to_vec()).collect();
        (node.name.clone(), node.operator.name(), profile.time.as_secs_f64(), shapes)
    }
}

/// An attribute of a node to be written. Texts come first: they are sequences, too.
#[derive(FromPyObject)]
pub enum Attribute<'py> {
    Text(String),
    Int(i64),
    Float(f64),
    Ints(Vec<i64>),
    Floats(Vec<f64>),
    Tensor(Bound<'py, PyAny>),
}

impl Attribute<'_> {
    fn value(self) -> PyResult<AttributeValue> {
        Ok(match self {
            Attribute::Text(text) => AttributeValue::Text(text),
            Attribute::Int(number) => AttributeValue::Int(number),
            Attribute::Float(number) => AttributeValue::Float(number),
            Attribute::Ints(list) => AttributeValue::Ints(list),
            Attribute::Floats(list) => AttributeValue::Floats(list),
            Attribute::Tensor(object) => AttributeValue::Tensor(tensor(&object)?),
        })
    }
}

/// A size of a value to be written.
#[derive(FromPyObject)]
pub enum GivenSize {
    Known(usize),
    Named(String),
}

/// Operator, name, inputs, outputs, attributes of a node.
type GivenNode<'py> = (String, String, Vec<String>, Vec<String>, Vec<(String, Attribute<'py>)>);
/// Name, a tensor of the same dtype, and sizes of a value.
type GivenValue<'py> = (String, Bound<'py, PyAny>, Vec<GivenSize>);

fn value((name, like, sizes): GivenValue<'_>) -> PyResult<Value> {
    let size = |size| match size {
        GivenSize::Known(size) => Dimension::Known(size),
        GivenSize::Named(name) => Dimension::Named(name),
    };
    Ok(Value { name, dtype: Some(tensor(&like)?.dtype()), shape: Some(sizes.into_iter().map(size).collect()) })
}

/// Writes an ONNX file.
#[pyfunction]
pub fn _save_onnx(
    py: Python<'_>,
    path: PathBuf,
    nodes: Vec<GivenNode<'_>>,
    initializers: Vec<(String, Bound<'_, PyAny>)>,
    values: (Vec<GivenValue<'_>>, Vec<GivenValue<'_>>),
    opset: i64,
) -> PyResult<()> {
    let node = |(op_type, name, inputs, outputs, attributes): GivenNode<'_>| -> PyResult<ExportedNode> {
        let attributes = attributes.into_iter().map(|(name, a)| Ok((name, a.value()?))).collect::<PyResult<_>>()?;
        Ok(ExportedNode { op_type, name, inputs, outputs, attributes })
    };
    let exported = Exported {
        nodes: nodes.into_iter().map(node).collect::<PyResult<_>>()?,
        initializers: initializers.into_iter().map(|(name, t)| Ok((name, tensor(&t)?))).collect::<PyResult<_>>()?,
        inputs: values.0.into_iter().map(value).collect::<PyResult<_>>()?,
        outputs: values.1.into_iter().map(value).collect::<PyResult<_>>()?,
        opset,
    };
    error::run(py, || exported.save(&path))
}
