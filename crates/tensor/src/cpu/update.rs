//! [`Update`] on the CPU.

use super::Cpu;
use crate::backend::Update;
use crate::{Access, Array, DType, Number, Result};
use flambeau_kernels::update::{self as kernel, Adam, Sgd};
use flambeau_kernels::window::{Compute, Real};
use smallvec::SmallVec;

fn sgd<T: Number + Compute + Real<Wide = T>>(
    options: &Sgd,
    param: &Array,
    grad: &Array,
    momentum: Option<&Array>,
) -> Result<()> {
    let writes: SmallVec<[&Array; 2]> = std::iter::once(param).chain(momentum).collect();
    let access = Access::new(&[grad], &writes)?;
    // SAFETY: the arrays share no memory (the trait's contract).
    unsafe {
        let momentum = momentum.map(|array| access.slice_mut::<T>(array));
        kernel::sgd(options, access.slice_mut::<T>(param), access.slice::<T>(grad), momentum);
    }
    Ok(())
}

fn adam<T: Number + Compute + Real<Wide = T>>(
    options: &Adam,
    param: &Array,
    grad: &Array,
    means: [&Array; 2],
) -> Result<()> {
    let access = Access::new(&[grad], &[param, means[0], means[1]])?;
    // SAFETY: the arrays share no memory (the trait's contract).
    unsafe {
        let means = means.map(|array| access.slice_mut::<T>(array));
        kernel::adam(options, access.slice_mut::<T>(param), access.slice::<T>(grad), means);
    }
    Ok(())
}

impl Update for Cpu {
    fn sgd(&self, options: &Sgd, param: &Array, grad: &Array, momentum: Option<&Array>) -> Result<()> {
        match param.dtype() {
            DType::F64 => sgd::<f64>(options, param, grad, momentum),
            _ => sgd::<f32>(options, param, grad, momentum),
        }
    }

    fn adam(&self, options: &Adam, param: &Array, grad: &Array, means: [&Array; 2]) -> Result<()> {
        match param.dtype() {
            DType::F64 => adam::<f64>(options, param, grad, means),
            _ => adam::<f32>(options, param, grad, means),
        }
    }
}
