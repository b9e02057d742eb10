//! [`Activations`] on the CPU.

use super::Cpu;
use super::elementwise::{compute_type, input, number, output};
use crate::backend::{Activation, Activations, Order, Source};
use crate::{Access, Array, Error, Result, Scalar};
use flambeau_kernels::elementwise::{self as kernel, Kernel, Parameters};

fn apply(kernel: Option<Kernel>, numbers: [Scalar; 2], inputs: &[&Array], out: &Array) -> Result<()> {
    let kernel = kernel.ok_or_else(|| {
        Error::not_implemented(format!("activation not implemented for '{}'", out.dtype().scalar_type_name()))
    })?;
    let access = Access::new(inputs, &[out])?;
    let reads = inputs.iter().map(|a| input(&access, Source::Array(a))).collect::<Result<Vec<_>>>()?;
    let output = output(&access, out)?;
    let parameters = Parameters::new(number(numbers[0]), number(numbers[1]));
    // SAFETY: the arrays' layouts lie inside their storages, which are locked; operators write to
    // no array that shows one element twice.
    unsafe { kernel::run(out.shape(), output, &reads, &kernel, &parameters) };
    Ok(())
}

impl Activations for Cpu {
    fn activation(&self, f: Activation, parameters: [Scalar; 2], input: &Array, output: &Array) -> Result<()> {
        apply(kernel::activation(f, compute_type(output.dtype())?), parameters, &[input], output)
    }

    fn activation_derivative(
        &self,
        f: Activation,
        order: Order,
        parameters: [Scalar; 2],
        inputs: [&Array; 2],
        output: &Array,
    ) -> Result<()> {
        apply(kernel::activation_derivative(f, order, compute_type(output.dtype())?), parameters, &inputs, output)
    }
}
