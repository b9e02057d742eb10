//! Results written into the tensors that a caller gave as `out`.

use crate::args::Value;
use crate::error::warn_from_library;
use crate::output::Output;
use flambeau_tensor::autograd::check_no_overlap;
use flambeau_tensor::{Error, Result, Tensor};

/// Whether PyTorch's operator of this name moves elements, and so refuses to write where it reads.
fn moves_elements(name: &str) -> bool {
    matches!(name, "cat" | "concat" | "concatenate" | "stack" | "gather" | "take" | "masked_select" | "index_select")
}

fn shares_memory(input: &Tensor, out: &Tensor) -> bool {
    input.array().may_overlap(&out.array())
}

/// Operators that convert no result: `out` must have the result's dtype. Each has a text of its own.
fn check_dtype(name: &str, result: &Tensor, out: &Tensor) -> Result<()> {
    let (from, to) = (result.dtype(), out.dtype());
    if from == to {
        return Ok(());
    }
    let (source, target) = (from.scalar_type_name(), to.scalar_type_name());
    let text = match name {
        "amax" | "amin" => format!(
            "Expected the dtype for input and out to match, but got {source} for input's dtype and {target} for out's dtype."
        ),
        "index_select" | "masked_select" => format!("{name}(): self and result must have the same scalar type"),
        "take" => format!(
            "take(): self and out expected to have the same dtype, but got self.dtype = {source} and out.dtype = {target}"
        ),
        "where" => format!("Expected out type to be {source} but got {target}"),
        "clamp" => format!("Found dtype {target} but expected {source}"),
        "gather" | "matmul" | "mm" | "bmm" | "addmm" | "baddbmm" | "softmax" | "log_softmax" | "max_dim"
        | "min_dim" => {
            format!("Expected out tensor to have dtype {}, but got {} instead", from.c_name(), to.c_name())
        }
        _ => return Ok(()),
    };
    Err(Error::runtime(text))
}

/// Writes results into the tensors that the caller gave as `out`, and returns those.
///
/// # Errors
/// PyTorch's, if a result's dtype cannot be cast to the tensor's, or there are not as many.
pub fn write_out(name: &str, inputs: &[&Tensor], output: Output, out: &Value) -> Result<Output> {
    match (output, out) {
        (Output::Tensor(result), Value::Tensor(out)) => write_one(name, inputs, &result, out).map(Output::Tensor),
        (Output::Tuple(results), Value::Tensors(outs)) => {
            if results.len() != outs.len() {
                return Err(Error::type_(format!(
                    "expected tuple of {} elements but got {}",
                    results.len(),
                    outs.len()
                )));
            }
            let name = match name {
                "max" => "max_dim",
                "min" => "min_dim",
                other => other,
            };
            let written = results.into_iter().zip(outs).map(|(result, out)| match result {
                Output::Tensor(result) => write_one(name, inputs, &result, out).map(Output::Tensor),
                other => Ok(other),
            });
            Ok(Output::Tuple(written.collect::<Result<_>>()?))
        }
        (output, _) => Ok(output),
    }
}

fn write_one(name: &str, inputs: &[&Tensor], result: &Tensor, out: &Tensor) -> Result<Tensor> {
    check_dtype(name, result, out)?;
    if !result.dtype().can_cast(out.dtype()) {
        return Err(Error::runtime(format!(
            "result type {} can't be cast to the desired output type {}",
            result.dtype().scalar_type_name(),
            out.dtype().scalar_type_name()
        )));
    }
    if result.same(out) {
        return Ok(out.clone());
    }
    check_no_overlap(&out.layout())?;
    let resized = result.shape() != out.shape();
    if resized && !out.array().storage().is_resizable() && result.numel() > out.numel() {
        return Err(Error::runtime("Trying to resize storage that is not resizable"));
    }
    if moves_elements(name) && inputs.iter().any(|input| input.same(out) || shares_memory(input, out)) {
        return Err(Error::runtime(
            "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single memory location. Please clone() the tensor before performing the operation.",
        ));
    }
    if resized {
        if out.numel() > 0 {
            warn_resized(result, out)?;
        }
        out.set_data(&result.to_dtype(out.dtype())?)?;
    } else {
        out.backend().copy(&result.array(), &out.array())?;
    }
    out.version_counter().bump();
    Ok(out.clone())
}

fn warn_resized(result: &Tensor, out: &Tensor) -> Result<()> {
    let text = format!(
        "An output with one or more elements was resized since it had shape {}, which does not match the required output shape {}. This behavior is deprecated, and in a future PyTorch release outputs will not be resized unless they have zero elements. You can explicitly reuse an out tensor t by resizing it, inplace, to zero elements with t.resize_(0).",
        out.shape(),
        result.shape()
    );
    warn_from_library(&text)
}
