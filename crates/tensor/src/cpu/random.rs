//! [`Random`] on the CPU.

use super::Cpu;
use crate::backend::{Distribution, Elementwise, Random};
use crate::{Access, Array, Generator, Layout, Result, dispatch};
use flambeau_kernels::element::Element;
use flambeau_kernels::random;
use std::f64::consts::FRAC_1_SQRT_2;

impl Random for Cpu {
    fn sample(&self, distribution: Distribution, generator: &Generator, out: &Array) -> Result<()> {
        if out.numel() == 0 {
            return Ok(());
        }
        if out.dtype().is_complex() {
            // The variance of a complex number is that of both its parts together.
            let of_parts = match distribution {
                Distribution::Normal { mean, std } => Distribution::Normal { mean, std: std * FRAC_1_SQRT_2 },
                other => other,
            };
            return self.sample(of_parts, generator, &out.as_real()?);
        }
        let in_blocks = out.is_contiguous();
        if out.layout().is_dense() {
            let access = Access::new(&[], &[out])?;
            dispatch!(out.dtype(), T => {
                // SAFETY: the only slice of this access.
                let slots = unsafe { access.slice_mut::<T>(out) };
                generator.with(|g| random::fill(distribution, g, in_blocks, slots));
            });
            return Ok(());
        }
        // Samples are drawn in the order of addresses: into dense memory whose dimensions are
        // sorted as the output's are.
        let mut order: Vec<usize> = (0..out.shape().len()).collect();
        order.sort_by_key(|&d| std::cmp::Reverse(out.strides()[d]));
        let sorted = |values: &[usize]| order.iter().map(|&d| values[d]).collect::<Vec<usize>>();
        let (shape, strides) = (sorted(out.shape()), sorted(out.strides()));
        let dense = Array::uninit(Layout::contiguous(shape.clone()), out.dtype())?;
        {
            let access = Access::new(&[], &[&dense])?;
            dispatch!(out.dtype(), T => {
                // SAFETY: the only slice of this access.
                let slots = unsafe { access.slice_mut::<T>(&dense) };
                generator.with(|g| random::fill(distribution, g, false, slots));
            });
        }
        self.copy(&dense, &out.with_layout(Layout::strided(shape, &strides, out.layout().offset()))?)
    }

    fn sample_bernoulli(&self, probabilities: &Array, generator: &Generator, out: &Array) -> Result<()> {
        let access = Access::new(&[probabilities], &[out])?;
        dispatch!(floats probabilities.dtype(), P => dispatch!(out.dtype(), T => {
            // SAFETY: the output is memory of its own.
            let (p, slots) = unsafe { (access.slice::<P>(probabilities), access.slice_mut::<T>(out)) };
            generator.with(|g| random::bernoulli(g, p, slots));
        }), else {});
        Ok(())
    }

    fn sample_poisson(&self, rates: &Array, generator: &Generator, out: &Array) -> Result<()> {
        let access = Access::new(&[rates], &[out])?;
        dispatch!(floats rates.dtype(), T => {
            // SAFETY: the output is memory of its own.
            let (rates, slots) = unsafe { (access.slice::<T>(rates), access.slice_mut::<T>(out)) };
            generator.with(|g| {
                slots.iter_mut().zip(rates).for_each(|(x, rate)| *x = T::from_f64(random::poisson(g, rate.to_f64())));
            });
        }, else {});
        Ok(())
    }

    fn permutation(&self, generator: &Generator, out: &Array) -> Result<()> {
        let access = Access::new(&[], &[out])?;
        // SAFETY: the only slice of this access.
        let slots = unsafe { access.slice_mut::<i64>(out) };
        generator.with(|g| random::permutation(g, slots));
        Ok(())
    }
}
