//! [`Reduce`] on the CPU.

use super::Cpu;
use super::elementwise::{compute_type, input, number, output};
use crate::backend::{Reduce, Reduction, Source};
use crate::{Access, Array, Error, Result};
use flambeau_kernels::elementwise::{Parameters, unary};
use flambeau_kernels::reduce as kernel;
use smallvec::SmallVec;

impl Reduce for Cpu {
    fn reduce(&self, reduction: &Reduction<'_>, source: &Array, outputs: [Option<&Array>; 2]) -> Result<()> {
        let compute = compute_type(reduction.compute)?;
        let before = match reduction.before {
            None => None,
            Some((op, parameter)) => {
                let kernel = unary(op, compute).ok_or_else(|| {
                    Error::not_implemented(format!("{op:?} is not implemented for {}", reduction.compute))
                })?;
                Some((kernel.function, Parameters::from(number(parameter))))
            }
        };
        let writes: SmallVec<[&Array; 2]> = outputs.iter().copied().flatten().collect();
        let access = Access::new(&[source], &writes)?;
        let reduction =
            kernel::Reduction { op: reduction.op, compute, before, shape: source.shape(), reduced: reduction.reduced };
        let [first, second] = outputs.map(|o| o.map(|a| output(&access, a)).transpose());
        let targets = [first?, second?];
        let numbers = input(&access, Source::Array(source))?;
        // SAFETY: the arrays' layouts lie inside their storages, which are locked; the outputs are new.
        unsafe { kernel::reduce(&reduction, numbers, targets) };
        Ok(())
    }
}
