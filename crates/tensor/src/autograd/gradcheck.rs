//! Gradients checked against differences: the test of every backward formula.

use super::{BackwardOptions, arithmetic, grad, no_grad};
use crate::{Access, DType, Error, Result, Tensor};

/// How close an analytic and a numeric gradient must be: `|a - n| <= atol + rtol * |n|`.
#[derive(Clone, Copy, Debug)]
pub struct Tolerance {
    /// The step of the differences.
    pub eps: f64,
    /// Absolute tolerance.
    pub atol: f64,
    /// Relative tolerance.
    pub rtol: f64,
}

impl Default for Tolerance {
    fn default() -> Self {
        Tolerance { eps: 1e-6, atol: 1e-5, rtol: 1e-3 }
    }
}

/// What a checked function may give: one tensor or several.
pub trait Outputs {
    /// The tensors.
    fn into_tensors(self) -> Vec<Tensor>;
}

impl Outputs for Tensor {
    fn into_tensors(self) -> Vec<Tensor> {
        vec![self]
    }
}

impl Outputs for Vec<Tensor> {
    fn into_tensors(self) -> Vec<Tensor> {
        self
    }
}

impl Outputs for (Tensor, Tensor) {
    fn into_tensors(self) -> Vec<Tensor> {
        vec![self.0, self.1]
    }
}

impl Outputs for (Tensor, Tensor, Tensor) {
    fn into_tensors(self) -> Vec<Tensor> {
        vec![self.0, self.1, self.2]
    }
}

/// Checks a function's gradients with respect to those float64 inputs that require one.
///
/// ```
/// # use flambeau_tensor::{Tensor, autograd::gradcheck, Result};
/// # fn main() -> Result<()> {
/// let x = Tensor::from_slice(&[0.5, 2.0], [2])?.requires_grad_(true)?;
/// gradcheck(|inputs| Ok(inputs[0].clone()), &[x])
/// # }
/// ```
///
/// # Errors
/// If a gradient is wrong, and whatever the function gives.
pub fn gradcheck<O: Outputs>(function: impl Fn(&[Tensor]) -> Result<O>, inputs: &[Tensor]) -> Result<()> {
    gradcheck_with(Tolerance::default(), function, inputs)
}

/// [`gradcheck`] with other tolerances.
///
/// # Errors
/// See [`gradcheck`].
pub fn gradcheck_with<O: Outputs>(
    tolerance: Tolerance,
    function: impl Fn(&[Tensor]) -> Result<O>,
    inputs: &[Tensor],
) -> Result<()> {
    let checked: Vec<usize> = (0..inputs.len()).filter(|&i| inputs[i].requires_grad()).collect();
    if checked.is_empty() {
        return Err(Error::value("gradcheck: no input requires a gradient"));
    }
    for &i in &checked {
        if inputs[i].dtype() != DType::F64 {
            return Err(Error::dtype(format!("gradcheck: input {i} is not float64")));
        }
    }
    let outputs = function(inputs)?.into_tensors();
    let differentiable: Vec<usize> = (0..outputs.len()).filter(|&o| outputs[o].dtype().is_differentiable()).collect();
    let wrt: Vec<Tensor> = checked.iter().map(|&i| inputs[i].clone()).collect();
    let options = BackwardOptions { retain_graph: true, allow_unused: true, ..Default::default() };
    for &o in &differentiable {
        let numeric = numeric_jacobians(&function, inputs, &checked, o, tolerance.eps)?;
        for element in 0..outputs[o].numel() {
            let gradients = if outputs[o].requires_grad() {
                let mut one_hot = vec![0.0; outputs[o].numel()];
                one_hot[element] = 1.0;
                let one_hot = Tensor::from_slice(&one_hot, outputs[o].shape())?;
                grad(&outputs[o..=o], &wrt, &[Some(one_hot)], options)?
            } else {
                vec![None; wrt.len()]
            };
            for (w, gradient) in gradients.iter().enumerate() {
                let analytic = match gradient {
                    Some(g) => g.to_vec::<f64>()?,
                    None => vec![0.0; wrt[w].numel()],
                };
                for (at, &a) in analytic.iter().enumerate() {
                    let n = numeric[w][at][element];
                    let close = (a - n).abs() <= tolerance.atol + tolerance.rtol * n.abs();
                    if !close {
                        return Err(Error::autograd(format!(
                            "Jacobian mismatch for output {o} with respect to input {}: element {element} of the output, element {at} of the input: numerical {n}, analytical {a}",
                            checked[w]
                        )));
                    }
                }
            }
        }
    }
    Ok(())
}

/// By input, by its element, by the output's element.
fn numeric_jacobians<O: Outputs>(
    function: &impl Fn(&[Tensor]) -> Result<O>,
    inputs: &[Tensor],
    checked: &[usize],
    output: usize,
    eps: f64,
) -> Result<Vec<Vec<Vec<f64>>>> {
    let evaluate = || no_grad(|| function(inputs)?.into_tensors()[output].to_vec::<f64>());
    let mut jacobians = Vec::new();
    for &i in checked {
        let mut rows = Vec::new();
        let values = inputs[i].to_vec::<f64>()?;
        for (element, &value) in values.iter().enumerate() {
            poke(&inputs[i], element, value + eps)?;
            let above = evaluate();
            poke(&inputs[i], element, value - eps)?;
            let below = evaluate();
            poke(&inputs[i], element, value)?;
            rows.push(above?.iter().zip(&below?).map(|(a, b)| (a - b) / (2.0 * eps)).collect());
        }
        jacobians.push(rows);
    }
    Ok(jacobians)
}

/// Writes one element, unnoticed by autograd.
fn poke(tensor: &Tensor, element: usize, value: f64) -> Result<()> {
    let array = tensor.array();
    let (mut rest, mut offset) = (element, 0);
    for (&size, &stride) in array.shape().iter().zip(array.strides()).rev() {
        offset += rest % size * stride;
        rest /= size;
    }
    let access = Access::new(&[], &[&array])?;
    // SAFETY: the offset of an element of the array's layout, whose storage is locked for writing.
    unsafe { *access.pointer_mut::<f64>(&array).add(offset) = value };
    Ok(())
}

/// Checks a function's second derivatives: [`gradcheck`] of its gradients, with respect to its
/// inputs and to the gradients of its outputs.
///
/// # Errors
/// See [`gradcheck`].
pub fn gradgradcheck<O: Outputs>(function: impl Fn(&[Tensor]) -> Result<O>, inputs: &[Tensor]) -> Result<()> {
    gradgradcheck_with(Tolerance::default(), function, inputs)
}

/// [`gradgradcheck`] with other tolerances.
///
/// # Errors
/// See [`gradcheck`].
pub fn gradgradcheck_with<O: Outputs>(
    tolerance: Tolerance,
    function: impl Fn(&[Tensor]) -> Result<O>,
    inputs: &[Tensor],
) -> Result<()> {
    let outputs: Vec<Tensor> = function(inputs)?.into_tensors().into_iter().filter(|o| o.requires_grad()).collect();
    let mut all = inputs.to_vec();
    for (o, output) in outputs.iter().enumerate() {
        // Any numbers that are not special.
        let seed: Vec<f64> = (0..output.numel()).map(|i| ((i * 7 + o * 3 + 1) as f64).sin()).collect();
        all.push(Tensor::from_slice(&seed, output.shape())?.requires_grad_(true)?);
    }
    let gradients = |all: &[Tensor]| {
        // The numeric side runs without recording, but its inner pass needs a graph.
        let _mode = super::GradModeGuard::new(true);
        let (inputs, seeds) = all.split_at(inputs.len());
        let outputs: Vec<Tensor> = function(inputs)?.into_tensors().into_iter().filter(|o| o.requires_grad()).collect();
        let wrt: Vec<Tensor> = inputs.iter().filter(|i| i.requires_grad()).cloned().collect();
        let seeds: Vec<Option<Tensor>> = seeds.iter().cloned().map(Some).collect();
        let options = BackwardOptions { create_graph: true, allow_unused: true, ..Default::default() };
        let results = grad(&outputs, &wrt, &seeds, options)?;
        results
            .into_iter()
            .zip(&wrt)
            .map(|(g, w)| g.map_or_else(|| arithmetic::full(&w.shape(), w.dtype(), 0.0), Ok))
            .collect::<Result<Vec<Tensor>>>()
    };
    gradcheck_with(tolerance, gradients, &all)
}
