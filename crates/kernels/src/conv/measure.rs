//! Plans against the clock, on numbers made up for it.

use super::planner::{Operands, Pass, Plan, Problem};
use super::{ConvElement, Kept};
use crate::buffer::Buffer;
use crate::machine::{self, Roofline};
use crate::{clock, parallel};
use std::marker::PhantomData;
use std::time::Duration;

/// The operands of a problem, in memory.
pub struct Workload<T> {
    problem: Problem,
    first: Numbers<T>,
    second: Numbers<T>,
    bias: Option<Numbers<T>>,
    result: Numbers<T>,
}

impl<T: ConvElement> Workload<T> {
    /// Makes operands up; with a bias, if the pass is the forward one and `bias` says so. `None` if
    /// they would not fit into the memory that is free.
    pub fn new(problem: Problem, bias: bool) -> Option<Self> {
        let g = &problem.geometry;
        let (images, weights, results) = (g.input_len(), g.weight_len(), g.output_len());
        let (first, second, result) = match problem.pass {
            Pass::Forward => (images, weights, results),
            Pass::DataGradient => (results, weights, images),
            Pass::WeightGradient => (images, results, weights),
        };
        let bytes = Self::bytes(&problem)?;
        // Algorithms take scratch of about their operands' size.
        if machine::available_memory().is_some_and(|free| bytes > free / 3) {
            return None;
        }
        let bias = if bias && problem.pass == Pass::Forward { Some(Numbers::new(g.out_channels)?) } else { None };
        let (first, second, result) = (Numbers::new(first)?, Numbers::new(second)?, Numbers::new(result)?);
        Some(Self { problem, first, second, bias, result })
    }

    /// Bytes that the operands of a problem take, if that is a number.
    fn bytes(problem: &Problem) -> Option<u64> {
        let g = &problem.geometry;
        let numbers = g.input_len().checked_add(g.weight_len())?.checked_add(g.output_len())?;
        Some(numbers.checked_mul(size_of::<T>())? as u64)
    }

    /// Does the pass once.
    ///
    /// # Panics
    /// If the plan is for another problem.
    pub fn run(&mut self, plan: &Plan<T>) {
        self.run_with(plan, None);
    }

    fn run_with(&mut self, plan: &Plan<T>, kept: Option<&Kept<T>>) {
        assert_eq!(*plan.problem(), self.problem, "a plan for another problem");
        let (first, second, result) = (self.first.as_slice(), self.second.as_slice(), self.result.as_mut_slice());
        let bias = self.bias.as_ref().map(Numbers::as_slice);
        plan.run(match self.problem.pass {
            Pass::Forward => Operands::Forward { input: first, weight: second, kept, bias, output: result },
            Pass::DataGradient => {
                Operands::DataGradient { grad_output: first, weight: second, kept, grad_input: result }
            }
            Pass::WeightGradient => Operands::WeightGradient { input: first, grad_output: second, grad_weight: result },
        });
    }

    /// The median time of the pass by a plan, what it keeps of a constant weight not counted; see
    /// [`clock::median`].
    ///
    /// # Panics
    /// If the plan is for another problem.
    pub fn time(&mut self, plan: &Plan<T>, budget: Duration) -> Duration {
        let constant = self.problem.constant_weight && self.problem.pass != Pass::WeightGradient;
        let kept = constant.then(|| plan.keep(self.second.as_slice())).flatten();
        clock::median(budget, || self.run_with(plan, kept.as_ref()))
    }
}

/// What a plan's time comes to on this machine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measurement {
    /// The median time of the pass.
    pub seconds: f64,
    /// Operations of the definition a second.
    pub rate: f64,
    /// Bytes that must move, a second.
    pub throughput: f64,
    /// What limits this machine.
    pub roofline: Roofline,
    /// The most operations a second that the limits allow the definition, if its operands come
    /// from memory. Less work (Winograd) and operands in a cache can exceed it.
    pub bound: f64,
    /// Threads that did it.
    pub threads: usize,
}

impl Measurement {
    /// A time of so many seconds for so many operations and bytes.
    pub fn new(seconds: f64, flops: u64, bytes: u64, roofline: Roofline) -> Self {
        let (flops, bytes) = (flops as f64, bytes as f64);
        let seconds = seconds.max(1e-9);
        let bound = if bytes == 0.0 { roofline.peak } else { roofline.bound(flops / bytes) };
        let threads = parallel::threads();
        Self { seconds, rate: flops / seconds, throughput: bytes / seconds, roofline, bound, threads }
    }

    /// Times a plan on made-up operands. `None` if there is not enough memory.
    pub fn of<T: ConvElement>(plan: &Plan<T>, bias: bool, budget: Duration) -> Option<Self> {
        let seconds = Workload::new(*plan.problem(), bias)?.time(plan, budget).as_secs_f64();
        let description = plan.describe();
        let roofline = Roofline::measured::<T>(plan.problem().isa);
        Some(Self::new(seconds, description.flops, description.bytes, roofline))
    }

    /// Share of the multiply-add peak.
    pub fn share_of_peak(&self) -> f64 {
        self.rate / self.roofline.peak
    }

    /// Share of the bandwidth with which memory is copied.
    pub fn share_of_bandwidth(&self) -> f64 {
        self.throughput / self.roofline.bandwidth
    }

    /// Share of the bound.
    pub fn share_of_bound(&self) -> f64 {
        if self.bound > 0.0 { self.rate / self.bound } else { 0.0 }
    }

    /// Whether it is memory that sets the bound.
    pub fn is_memory_bound(&self) -> bool {
        self.bound < self.roofline.peak
    }
}

/// Numbers where a tensor's are: in the memory that buffers come from.
struct Numbers<T> {
    buffer: Buffer,
    len: usize,
    of: PhantomData<T>,
}

impl<T: ConvElement> Numbers<T> {
    fn new(len: usize) -> Option<Self> {
        let buffer = Buffer::try_zeroed(len.checked_mul(size_of::<T>())?)?;
        let mut numbers = Self { buffer, len, of: PhantomData };
        let value = |i: usize| (i.wrapping_mul(7919) % 1013) as f64 / 1013.0 - 0.5;
        numbers.as_mut_slice().iter_mut().enumerate().for_each(|(i, number)| *number = T::from_f64(value(i)));
        Some(numbers)
    }

    fn as_slice(&self) -> &[T] {
        // SAFETY: a buffer is aligned for any number, has room for `len`, and its bytes are
        // initialised.
        unsafe { std::slice::from_raw_parts(self.buffer.as_ptr().cast(), self.len) }
    }

    fn as_mut_slice(&mut self) -> &mut [T] {
        // SAFETY: as above, and the borrow is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.buffer.as_ptr().cast(), self.len) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Geometry, ImageLayout};
    use super::*;

    fn problem(pass: Pass, input: [usize; 3]) -> Problem {
        let geometry = Geometry {
            batch: 2,
            in_channels: 4,
            out_channels: 6,
            groups: 2,
            input,
            kernel: [1, 3, 3],
            stride: [1; 3],
            padding_begin: [0; 3],
            padding_end: [0; 3],
            dilation: [1; 3],
        };
        Problem::new(&geometry, ImageLayout::ChannelsLast, pass)
    }

    #[test]
    fn every_pass_by_every_algorithm_can_be_timed() {
        for pass in Pass::ALL {
            let problem = problem(pass, [1, 8, 9]);
            let mut workload = Workload::<f32>::new(problem, true).expect("a little memory");
            for plan in Plan::all(problem) {
                assert!(workload.time(&plan, Duration::ZERO) > Duration::ZERO, "{pass} by {}", plan.algorithm());
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(Workload::<f64>::new(problem(Pass::Forward, [1, 1 << 25, 1 << 25]), false).is_none());
    }

    #[test]
    fn shares_by_hand() {
        let roofline = Roofline { peak: 100e9, bandwidth: 10e9 };
        // 2 FLOP/B: memory allows 20 GFLOP/s, and this is half of it.
        let measurement = Measurement::new(0.1, 1_000_000_000, 500_000_000, roofline);
        assert!(measurement.is_memory_bound());
        assert_eq!(measurement.bound, 20e9);
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
        close(measurement.rate, 10e9);
        close(measurement.share_of_peak(), 0.1);
        close(measurement.share_of_bandwidth(), 0.5);
        close(measurement.share_of_bound(), 0.5);
    }
}
