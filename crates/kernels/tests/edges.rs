//! Every algorithm, asked for by name, against the definition: over geometries of every family, for
//! every instruction set, with operands that begin or end where memory does, so that a read or
//! write outside them is a fault.

#![cfg(unix)]

use flambeau_kernels::conv::planner::{Operands, Pass, Plan, Problem, algorithms};
use flambeau_kernels::conv::{ConvElement, Geometry, ImageLayout, reference};
use flambeau_kernels::simd::Isa;
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use std::collections::BTreeSet;
use std::ops::{Deref, DerefMut};
use std::ptr::null_mut;
use std::sync::Mutex;

/// Numbers between two pages that may not be touched, at the end of their memory or the beginning.
struct Guarded<T> {
    mapping: *mut libc::c_void,
    mapped: usize,
    start: *mut T,
    len: usize,
}

impl<T: Copy> Guarded<T> {
    fn new(numbers: &[T], at_end: bool) -> Self {
        const PAGE: usize = 4096;
        let bytes = size_of_val(numbers);
        let inner = bytes.next_multiple_of(PAGE);
        let mapped = inner + 2 * PAGE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: a new mapping, whose inner pages are made accessible before they are written; the
        // numbers fit them, and an end of a page is a multiple of their alignment.
        unsafe {
            let mapping = libc::mmap(null_mut(), mapped, libc::PROT_NONE, flags, -1, 0);
            assert_ne!(mapping, libc::MAP_FAILED);
            let first = mapping.byte_add(PAGE);
            assert!(inner == 0 || libc::mprotect(first, inner, libc::PROT_READ | libc::PROT_WRITE) == 0);
            let start = first.byte_add(if at_end { inner - bytes } else { 0 }).cast::<T>();
            start.copy_from_nonoverlapping(numbers.as_ptr(), numbers.len());
            Self { mapping, mapped, start, len: numbers.len() }
        }
    }
}

impl<T> Deref for Guarded<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        // SAFETY: numbers that this value owns.
        unsafe { std::slice::from_raw_parts(self.start, self.len) }
    }
}

impl<T> DerefMut for Guarded<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: numbers that this value owns.
        unsafe { std::slice::from_raw_parts_mut(self.start, self.len) }
    }
}

impl<T> Drop for Guarded<T> {
    fn drop(&mut self) {
        // SAFETY: the mapping made by `new`.
        unsafe { libc::munmap(self.mapping, self.mapped) };
    }
}

/// Numbers that tell places apart, between -1 and 1.
fn numbers<T: ConvElement>(len: usize, seed: u64) -> Vec<T> {
    let number = |i: usize| (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(seed << 40) >> 40;
    (0..len).map(|i| T::from_f64(number(i) as f64 / (1 << 23) as f64 - 1.0)).collect()
}

/// Layers of all the families that have algorithms of their own.
fn any_geometry() -> impl Strategy<Value = Geometry> {
    let channels = prop_oneof![
        // groups, channels in and out of a group
        (Just(1usize), 1usize..9, 1usize..40),
        (Just(1usize), 9usize..40, 1usize..40),
        (1usize..40, Just(1usize), 1usize..3),
        (2usize..6, 2usize..18, 2usize..18),
    ];
    let kernel = prop_oneof![
        Just([3usize, 3]),
        Just([1, 1]),
        Just([5, 5]),
        Just([1, 3]),
        Just([3, 1]),
        Just([1, 7]),
        Just([7, 1]),
        Just([7, 7]),
        Just([1, 15]),
        prop::array::uniform2(1usize..6),
    ];
    let stride = prop_oneof![3 => Just([1usize, 1]), 1 => Just([2, 2]), 1 => prop::array::uniform2(1usize..5)];
    let dilation = prop_oneof![3 => Just([1usize, 1]), 1 => prop::array::uniform2(1usize..4)];
    let more = prop::array::uniform2(0usize..30);
    let padding = prop::array::uniform4(0usize..4);
    (channels, kernel, stride, dilation, more, padding, 1usize..4).prop_map(
        |((groups, inputs, outputs), kernel, stride, dilation, more, padding, batch)| {
            // Never smaller than the kernel reaches.
            let size = |axis: usize| {
                let reach = dilation[axis] * (kernel[axis] - 1) + 1;
                reach.saturating_sub(padding[2 * axis] + padding[2 * axis + 1]).max(1) + more[axis]
            };
            Geometry {
                batch,
                groups,
                in_channels: groups * inputs,
                out_channels: groups * outputs,
                input: [1, size(0), size(1)],
                kernel: [1, kernel[0], kernel[1]],
                stride: [1, stride[0], stride[1]],
                padding_begin: [0, padding[0], padding[2]],
                padding_end: [0, padding[1], padding[3]],
                dilation: [1, dilation[0], dilation[1]],
            }
        },
    )
}

/// The operands and what the definition makes of them in float64.
struct Case<T> {
    operands: [Vec<T>; 4],
    results: [Vec<f64>; 3],
}

impl<T: ConvElement> Case<T> {
    fn new(g: &Geometry, layout: ImageLayout) -> Self {
        let lens = [g.input_len(), g.weight_len(), g.out_channels, g.output_len()];
        let operands = std::array::from_fn(|i| numbers::<T>(lens[i], i as u64));
        let wide = |i: usize| -> Vec<f64> { operands[i].iter().map(|n: &T| n.to_f64()).collect() };
        let [input, weight, bias, grad_output] = std::array::from_fn(wide);
        let mut results = [g.output_len(), g.input_len(), g.weight_len()].map(|len| vec![0.0; len]);
        reference::forward(g, layout, &input, &weight, Some(&bias), &mut results[0]);
        reference::data_gradient(g, layout, &grad_output, &weight, &mut results[1]);
        reference::weight_gradient(g, layout, &input, &grad_output, &mut results[2]);
        Self { operands, results }
    }

    /// The relative error of a pass, by its plan.
    fn error(&self, plan: &Plan<T>, at_end: bool) -> f64 {
        let [input, weight, bias, grad_output] = self.operands.each_ref().map(|o| Guarded::new(o, at_end));
        let pass = plan.problem().pass;
        let expected = &self.results[Pass::ALL.iter().position(|&p| p == pass).expect("one of all passes")];
        let mut result = Guarded::new(&vec![T::from_f64(f64::NAN); expected.len()], at_end);
        plan.run(match pass {
            Pass::Forward => {
                Operands::Forward { input: &input, weight: &weight, kept: None, bias: Some(&bias), output: &mut result }
            }
            Pass::DataGradient => Operands::DataGradient {
                grad_output: &grad_output,
                weight: &weight,
                kept: None,
                grad_input: &mut result,
            },
            Pass::WeightGradient => {
                Operands::WeightGradient { input: &input, grad_output: &grad_output, grad_weight: &mut result }
            }
        });
        let norm = |squares: f64| squares.sqrt();
        let error = norm(result.iter().zip(expected).map(|(a, b)| (a.to_f64() - b).powi(2)).sum());
        error / norm(expected.iter().map(|b| b * b).sum()).max(1e-30)
    }
}

fn check<T: ConvElement>(
    g: &Geometry,
    layout: ImageLayout,
    tolerance: f64,
    seen: &Mutex<BTreeSet<String>>,
) -> Result<(), TestCaseError> {
    let case = Case::<T>::new(g, layout);
    for isa in Isa::available() {
        for pass in Pass::ALL {
            for plan in Plan::<T>::all(Problem { geometry: *g, layout, pass, isa, constant_weight: false }) {
                for at_end in [true, false] {
                    let error = case.error(&plan, at_end);
                    prop_assert!(error <= tolerance, "{} {pass:?} {}: {error:e}", plan.algorithm(), isa.name());
                }
                seen.lock().expect("no test has failed").insert(plan.algorithm().to_string());
            }
        }
    }
    Ok(())
}

#[test]
fn every_algorithm_stays_within_its_operands_and_is_right() {
    let seen = Mutex::new(BTreeSet::new());
    let config = ProptestConfig { cases: 80, failure_persistence: None, ..ProptestConfig::default() };
    let layout = prop_oneof![Just(ImageLayout::ChannelsFirst), Just(ImageLayout::ChannelsLast)];
    // The same geometries each time: those of every algorithm are among them.
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let outcome = runner.run(&(any_geometry(), layout), |(g, layout)| {
        check::<f32>(&g, layout, 5e-6, &seen)?;
        check::<f64>(&g, layout, 1e-13, &seen)
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    let all: BTreeSet<String> = algorithms::<f32>().iter().map(|algorithm| algorithm.name().to_string()).collect();
    assert_eq!(*seen.lock().expect("no test has failed"), all, "algorithms that were tried");
}
