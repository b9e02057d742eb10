//! [`Softmax`] on the CPU.

use super::Cpu;
use crate::backend::Softmax;
use crate::{Access, Array, DType, Error, Result};
use flambeau_kernels::softmax::{self as kernel, Extents, SoftmaxFloat};

fn extents(array: &Array, dim: usize) -> Extents {
    let shape = array.shape();
    Extents { outer: shape[..dim].iter().product(), length: shape[dim], inner: shape[dim + 1..].iter().product() }
}

fn unsupported(dtype: DType) -> Error {
    Error::not_implemented(format!("softmax is not implemented for {dtype}"))
}

fn forward<T: SoftmaxFloat + crate::Number>(log: bool, dim: usize, input: &Array, out: &Array) -> Result<()> {
    let access = Access::new(&[input], &[out])?;
    // SAFETY: the output is memory of its own.
    let (x, y) = unsafe { (access.slice::<T>(input), access.slice_mut::<T>(out)) };
    kernel::forward(extents(input, dim), log, x, y);
    Ok(())
}

fn backward<T: SoftmaxFloat + crate::Number>(log: bool, dim: usize, inputs: [&Array; 2], out: &Array) -> Result<()> {
    let access = Access::new(&inputs, &[out])?;
    // SAFETY: the output is memory of its own.
    let (y, grad, dx) =
        unsafe { (access.slice::<T>(inputs[0]), access.slice::<T>(inputs[1]), access.slice_mut::<T>(out)) };
    kernel::backward(extents(out, dim), log, y, grad, dx);
    Ok(())
}

impl Softmax for Cpu {
    fn softmax(&self, log: bool, dim: usize, input: &Array, out: &Array) -> Result<()> {
        match input.dtype() {
            DType::F32 => forward::<f32>(log, dim, input, out),
            DType::F64 => forward::<f64>(log, dim, input, out),
            other => Err(unsupported(other)),
        }
    }

    fn softmax_gradient(&self, log: bool, dim: usize, inputs: [&Array; 2], out: &Array) -> Result<()> {
        match out.dtype() {
            DType::F32 => backward::<f32>(log, dim, inputs, out),
            DType::F64 => backward::<f64>(log, dim, inputs, out),
            other => Err(unsupported(other)),
        }
    }
}
