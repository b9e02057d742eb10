//! Normalisation.
//!
//! Forward and backward passes are fused primitives. A backward pass that is itself recorded
//! (for second derivatives) is written in differentiable operators instead ([`formula`]).

mod batch;
mod channels;
mod formula;
mod group;
mod layer;
mod local;

pub use batch::BatchNormOptions;

use crate::{DType, Error, Result, Tensor};

/// Checks the dtypes of an input and of the parameters that go with it: all the same, or 16-bit
/// images with float32 parameters. `kernel` names PyTorch's kernel in the message for other dtypes.
/// Gives the dtype of statistics.
fn check_dtypes(kernel: &str, input: &Tensor, parameters: &[Option<&Tensor>]) -> Result<DType> {
    let dtype = input.dtype();
    if !dtype.is_floating_point() {
        return Err(crate::ops::elementwise::not_implemented(kernel, dtype));
    }
    let mut given = parameters.iter().flatten().map(|t| t.dtype());
    let Some(first) = given.next() else { return Ok(dtype) };
    let parameter = parameters.iter().flatten().map(|t| t.dtype()).find(|&other| other != dtype).unwrap_or(first);
    if parameter == dtype {
        return Ok(dtype);
    }
    let narrow = matches!(dtype, DType::F16 | DType::BF16);
    if parameter != DType::F32 {
        return Err(Error::dtype("mixed dtype (CPU): expect parameter to have scalar type of Float"));
    }
    if !narrow {
        return Err(Error::dtype("mixed dtype (CPU): all inputs must share same datatype."));
    }
    if let Some(other) = parameters.iter().flatten().map(|t| t.dtype()).find(|&other| other != DType::F32) {
        return Err(Error::dtype(format!(
            "expected scalar type {} but found {}",
            other.scalar_type_name(),
            parameter.scalar_type_name()
        )));
    }
    Ok(DType::F32)
}

#[cfg(test)]
mod tests;
