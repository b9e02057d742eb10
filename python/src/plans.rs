//! What the planner of convolutions decides, and the switches that it obeys.

use crate::error;
use crate::message::type_name;
use crate::tensor::PyTensor;
use flambeau_kernels::conv::planner::{Origin, Pass};
use flambeau_kernels::conv::{Candidate, Description, ImageLayout, Settings};
use flambeau_tensor::ops::{ConvolutionOptions, Padding, explain_convolution};
use flambeau_tensor::{Error, Tensor};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// `(allow_winograd, benchmark)`
#[pyfunction]
pub fn _get_conv_settings() -> (bool, bool) {
    let settings = Settings::current();
    (settings.allow_winograd, settings.benchmark)
}

/// Changes those switches that are given, all at once.
#[pyfunction]
#[pyo3(signature = (*, allow_winograd=None, benchmark=None))]
pub fn _set_conv_settings(allow_winograd: Option<bool>, benchmark: Option<bool>) {
    Settings::update(|settings| {
        settings.allow_winograd = allow_winograd.unwrap_or(settings.allow_winograd);
        settings.benchmark = benchmark.unwrap_or(settings.benchmark);
    });
}

/// A padding by numbers or by name.
#[derive(FromPyObject)]
pub enum AnyPadding {
    /// For all spatial dimensions, or one for each.
    Numbers(Vec<isize>),
    /// `same` or `valid`.
    Name(String),
}

/// Input, weight and bias.
type Operands<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>, Option<Bound<'py, PyAny>>);
/// Stride, padding, dilation and groups.
type Sizes = (Vec<isize>, AnyPadding, Vec<isize>, isize);

fn tensor(object: &Bound<'_, PyAny>, name: &str) -> PyResult<Tensor> {
    PyTensor::extract(object.as_borrowed()).cloned().ok_or_else(|| {
        PyTypeError::new_err(format!("explain(): argument '{name}' must be Tensor, not {}", type_name(object)))
    })
}

/// The text and the facts about a pass of a convolution: `(text, facts)`.
#[pyfunction]
pub fn _explain_convolution<'py>(
    py: Python<'py>,
    operands: Operands<'py>,
    sizes: Sizes,
    direction: &str,
) -> PyResult<(String, Bound<'py, PyDict>)> {
    let (input, weight) = (tensor(&operands.0, "input")?, tensor(&operands.1, "weight")?);
    let bias = operands.2.map(|bias| tensor(&bias, "bias")).transpose()?;
    let named = |pass: &&Pass| pass.to_string().replace(' ', "_") == direction;
    let pass = Pass::ALL.iter().find(named).ok_or_else(|| {
        error::to_python(Error::value(format!(
            "direction must be 'forward', 'data_gradient' or 'weight_gradient', but got '{direction}'"
        )))
    })?;
    let (stride, padding, dilation, groups) = sizes;
    let padding = match padding {
        AnyPadding::Numbers(numbers) => Padding::Zeros(numbers),
        AnyPadding::Name(name) => Padding::named(&name).map_err(error::to_python)?,
    };
    let options = ConvolutionOptions { stride, padding, dilation, groups, ..ConvolutionOptions::default() };
    let descriptions =
        error::run(py, || explain_convolution(&input, &weight, bias.as_ref(), &options, std::slice::from_ref(pass)))?;
    // As many descriptions as passes.
    let description = &descriptions[0];
    Ok((description.to_string(), facts(py, description, input.dtype().name())?))
}

fn facts<'py>(py: Python<'py>, description: &Description, dtype: &str) -> PyResult<Bound<'py, PyDict>> {
    let facts = PyDict::new(py);
    facts.set_item("direction", description.problem.pass.to_string().replace(' ', "_"))?;
    facts.set_item("input_shape", description.input_shape())?;
    facts.set_item("weight_shape", description.weight_shape())?;
    facts.set_item("output_shape", description.output_shape())?;
    facts.set_item("result_shape", description.result_shape())?;
    facts.set_item("dtype", dtype)?;
    facts.set_item("computed_in", description.dtype)?;
    facts.set_item("channels_last", description.problem.layout == ImageLayout::ChannelsLast)?;
    facts.set_item("instructions", description.problem.isa.name())?;
    facts.set_item("algorithm", description.algorithm)?;
    facts.set_item("why", description.why)?;
    facts.set_item("reason", description.reason())?;
    facts.set_item("measured", description.origin == Origin::Measured)?;
    facts.set_item("flops", description.flops)?;
    facts.set_item("bytes", description.bytes)?;
    facts.set_item("intensity", description.intensity())?;
    facts.set_item("scratch", description.scratch)?;
    facts.set_item("expected", description.expected)?;
    let others = description.others.iter().map(|other| candidate(py, other)).collect::<PyResult<Vec<_>>>()?;
    facts.set_item("others", others)?;
    Ok(facts)
}

fn candidate<'py>(py: Python<'py>, candidate: &Candidate) -> PyResult<Bound<'py, PyDict>> {
    let facts = PyDict::new(py);
    facts.set_item("algorithm", candidate.algorithm)?;
    facts.set_item("why", candidate.why)?;
    facts.set_item("expected", candidate.expected)?;
    facts.set_item("scratch", candidate.scratch)?;
    facts.set_item("allowed", candidate.allowed)?;
    Ok(facts)
}
