//! [`Sequence`] on the CPU.

use super::Cpu;
use crate::backend::{Boundaries, Distinct, Pick, Running, Sequence};
use crate::{Access, Array, DType, Result};
use flambeau_kernels::order::{self, Lines, Ordered, Search};

impl Sequence for Cpu {
    fn running(&self, op: Running, reverse: bool, source: &Array, dim: usize, out: &Array) -> Result<()> {
        let access = Access::new(&[source], &[out])?;
        let lines = Lines::new(source.shape(), dim);
        crate::dispatch!(numbers source.dtype(), T => {
            // SAFETY: outputs overlap no input (the trait's contract).
            let (numbers, results) = unsafe { (access.slice::<T>(source), access.slice_mut::<T>(out)) };
            order::running(op, reverse, numbers, lines, results);
        }, else return Err(super::unsupported(source.dtype())));
        Ok(())
    }

    fn pick(&self, pick: Pick, source: &Array, dim: usize, places: &Array) -> Result<()> {
        let access = Access::new(&[source], &[places])?;
        let lines = Lines::new(source.shape(), dim);
        crate::dispatch!(reals source.dtype(), T => {
            // SAFETY: outputs overlap no input (the trait's contract).
            let (numbers, places) = unsafe { (access.slice::<T>(source), access.slice_mut::<i64>(places)) };
            order::pick(pick, numbers, lines, places);
        }, else return Err(super::unsupported(source.dtype())));
        Ok(())
    }

    fn distinct(&self, rows: &Array, consecutive: bool) -> Result<Distinct> {
        let access = Access::new(&[rows], &[])?;
        crate::dispatch!(reals rows.dtype(), T => {
            // SAFETY: nothing is written.
            let keys = order::keys(unsafe { access.slice::<T>(rows) });
            Ok(order::distinct(&keys, rows.shape()[1], <T as Ordered>::NAN, consecutive))
        }, else Err(super::unsupported(rows.dtype())))
    }

    fn search(&self, boundaries: Boundaries<'_>, values: &Array, places: &Array) -> Result<()> {
        let numbers = boundaries.numbers;
        let mut reads = vec![numbers, values];
        reads.extend(boundaries.sorter);
        let access = Access::new(&reads, &[places])?;
        let width = numbers.shape().last().map_or(1, |&n| n);
        let per_row = if numbers.shape().len() > 1 { values.shape().last().map_or(1, |&n| n) } else { 0 };
        // SAFETY: outputs overlap no input (the trait's contract).
        let (sorter, places) =
            unsafe { (boundaries.sorter.map(|sorter| access.slice::<i64>(sorter)), access.slice_mut::<i64>(places)) };
        crate::dispatch!(numbers values.dtype(), T => {
            // SAFETY: these are only read.
            let (numbers, values) = unsafe { (access.slice::<T>(numbers), access.slice::<T>(values)) };
            let search = Search { boundaries: numbers, width, sorter, right: boundaries.right };
            order::search(&search, values, per_row, places);
        }, else return Err(super::unsupported(values.dtype())));
        Ok(())
    }

    fn bin_counts(&self, values: &Array, weights: Option<&Array>, out: &Array) -> Result<()> {
        let mut reads = vec![values];
        reads.extend(weights);
        let access = Access::new(&reads, &[out])?;
        // SAFETY: outputs overlap no input (the trait's contract).
        unsafe {
            let numbers = access.slice::<i64>(values);
            match weights {
                None => order::bin_counts(numbers, access.slice_mut::<i64>(out)),
                Some(weights) if weights.dtype() == DType::F32 => {
                    order::weighted_counts(numbers, access.slice::<f32>(weights), access.slice_mut::<f32>(out));
                }
                Some(weights) => {
                    order::weighted_counts(numbers, access.slice::<f64>(weights), access.slice_mut::<f64>(out));
                }
            }
        }
        Ok(())
    }

    fn histogram(&self, source: &Array, low: f64, high: f64, out: &Array) -> Result<()> {
        let access = Access::new(&[source], &[out])?;
        crate::dispatch!(floats source.dtype(), T => {
            // SAFETY: outputs overlap no input (the trait's contract).
            let (numbers, counts) = unsafe { (access.slice::<T>(source), access.slice_mut::<i64>(out)) };
            order::histogram(numbers, low, high, counts);
        }, else unreachable!("operators pass floats"));
        Ok(())
    }
}
