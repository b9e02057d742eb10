//! Choosing how to do a convolution.
//!
//! An [`Algorithm`] says for a [`Problem`] whether it applies and how fast it expects to be; the
//! planner takes the fastest and remembers the choice. A new algorithm is a file and a line in
//! [`algorithms`]: callers do not change.

use super::{ConvElement, Geometry, ImageLayout, dense, direct, reference, winograd};
use crate::simd::Isa;
use std::collections::HashMap;
use std::fmt;
use std::sync::{PoisonError, RwLock};

/// Which of the three computations of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pass {
    /// The output, from input, weight and bias.
    Forward,
    /// The gradient of the input, from that of the output and the weight.
    DataGradient,
    /// The gradient of the weight, from the input and the gradient of the output.
    WeightGradient,
}

/// All that the choice of an algorithm depends on, besides the number type.
///
/// The number of threads is not among it: a result must not depend on that, and an algorithm
/// chosen by it would make it so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Problem {
    /// Sizes.
    pub geometry: Geometry,
    /// Order of the images' numbers.
    pub layout: ImageLayout,
    /// What is computed.
    pub pass: Pass,
    /// The instructions to compute it with.
    pub isa: Isa,
}

/// What an algorithm expects of itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// The expected rate as a share of the core's multiply-add peak, where the operations are
    /// those of the definition ([`Geometry::flops`]): an algorithm that needs fewer may exceed 1.
    /// The planner takes the algorithm with the greatest.
    pub speed: f64,
    /// Scratch memory in bytes, for one thread more or less.
    pub scratch: usize,
    /// One sentence for a person who asks why this algorithm.
    pub why: &'static str,
}

/// The slices of one pass.
pub enum Operands<'a, T> {
    /// See [`super::forward`].
    Forward {
        /// The images.
        input: &'a [T],
        /// `(out_channels, in_channels / groups, kernel…)`.
        weight: &'a [T],
        /// One number for each output channel.
        bias: Option<&'a [T]>,
        /// Written whole.
        output: &'a mut [T],
    },
    /// See [`super::data_gradient`].
    DataGradient {
        /// The gradient of the output.
        grad_output: &'a [T],
        /// `(out_channels, in_channels / groups, kernel…)`.
        weight: &'a [T],
        /// Written whole.
        grad_input: &'a mut [T],
    },
    /// See [`super::weight_gradient`].
    WeightGradient {
        /// The images.
        input: &'a [T],
        /// The gradient of the output.
        grad_output: &'a [T],
        /// Written whole.
        grad_weight: &'a mut [T],
    },
}

impl<T> Operands<'_, T> {
    /// The pass that these are the operands of.
    pub fn pass(&self) -> Pass {
        match self {
            Operands::Forward { .. } => Pass::Forward,
            Operands::DataGradient { .. } => Pass::DataGradient,
            Operands::WeightGradient { .. } => Pass::WeightGradient,
        }
    }

    /// # Panics
    /// If a slice's length is not what the geometry says.
    fn check(&self, g: &Geometry) {
        let (images, weights, results, bias) = match self {
            Operands::Forward { input, weight, bias, output } => {
                (input.len(), weight.len(), output.len(), bias.map(<[T]>::len))
            }
            Operands::DataGradient { grad_output, weight, grad_input } => {
                (grad_input.len(), weight.len(), grad_output.len(), None)
            }
            Operands::WeightGradient { input, grad_output, grad_weight } => {
                (input.len(), grad_weight.len(), grad_output.len(), None)
            }
        };
        assert_eq!(images, g.input_len(), "length of the input of {g:?}");
        assert_eq!(weights, g.weight_len(), "length of the weight of {g:?}");
        assert_eq!(results, g.output_len(), "length of the output of {g:?}");
        assert!(bias.is_none_or(|len| len == g.out_channels), "length of the bias of {g:?}");
    }
}

/// One way to do a convolution.
pub trait Algorithm<T>: Sync {
    /// A short name, such as `dense` or `winograd 4x4`.
    fn name(&self) -> &'static str;
    /// What the algorithm expects of itself, or `None` if it cannot do this problem.
    fn applies(&self, problem: &Problem) -> Option<Cost>;
    /// Does it. The operands' lengths have been checked against the geometry.
    fn run(&self, problem: &Problem, operands: Operands<'_, T>);
}

/// Every algorithm there is; the first wins where costs are equal.
pub fn algorithms<T: ConvElement>() -> &'static [&'static dyn Algorithm<T>] {
    &[
        &dense::Dense,
        &winograd::Winograd4x4::NEW,
        &winograd::Winograd2x2::NEW,
        &winograd::Winograd2x2Of5x5::NEW,
        &winograd::Winograd4Of1x3::NEW,
        &winograd::Winograd4Of3x1::NEW,
        &winograd::Winograd2Of1x7::NEW,
        &winograd::Winograd2Of7x1::NEW,
        &direct::Depthwise,
        &direct::SmallGroups,
        &direct::FewChannels,
        &reference::Reference,
    ]
}

/// A problem with the algorithm that will solve it.
pub struct Plan<T: 'static> {
    problem: Problem,
    algorithm: &'static dyn Algorithm<T>,
    cost: Cost,
}

impl<T> Clone for Plan<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Plan<T> {}

impl<T: ConvElement> Plan<T> {
    /// Chooses the algorithm that expects to be fastest.
    pub fn new(problem: Problem) -> Self {
        let mut best: Option<Self> = None;
        for &algorithm in algorithms::<T>() {
            if let Some(cost) = algorithm.applies(&problem)
                && best.is_none_or(|best| cost.speed > best.cost.speed)
            {
                best = Some(Self { problem, algorithm, cost });
            }
        }
        best.expect("the reference applies to every problem")
    }

    /// A plan by a named algorithm, if there is one of that name and it applies.
    pub fn by_name(problem: Problem, name: &str) -> Option<Self> {
        let &algorithm = algorithms::<T>().iter().find(|algorithm| algorithm.name() == name)?;
        Some(Self { problem, algorithm, cost: algorithm.applies(&problem)? })
    }

    /// Does the work.
    ///
    /// # Panics
    /// If a slice's length is not what the geometry says, or the operands are another pass's.
    pub fn run(&self, operands: Operands<'_, T>) {
        assert_eq!(operands.pass(), self.problem.pass, "operands of another pass");
        operands.check(&self.problem.geometry);
        self.algorithm.run(&self.problem, operands);
    }

    /// The algorithm's name.
    pub fn algorithm(&self) -> &'static str {
        self.algorithm.name()
    }

    /// What is solved.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// What the algorithm expects of itself.
    pub fn cost(&self) -> Cost {
        self.cost
    }

    /// Floating-point operations by the definition.
    pub fn flops(&self) -> u64 {
        self.problem.geometry.flops()
    }

    /// Bytes that must be read and written at least: every operand once.
    pub fn bytes(&self) -> u64 {
        let g = &self.problem.geometry;
        ((g.input_len() + g.weight_len() + g.output_len()) * size_of::<T>()) as u64
    }
}

impl<T: ConvElement> fmt::Display for Plan<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} by {} ({}, {}): {:.3} GFLOP, {:.1} MB moved at least, {} KiB of scratch, {:.0} % of peak expected; {}",
            self.problem.pass,
            self.algorithm(),
            T::NAME,
            self.problem.isa.name(),
            self.flops() as f64 / 1e9,
            self.bytes() as f64 / 1e6,
            self.cost.scratch / 1024,
            self.cost.speed * 100.0,
            self.cost.why,
        )
    }
}

/// A memory of plans.
pub struct Planner<T: 'static> {
    plans: RwLock<Option<HashMap<Problem, Plan<T>>>>,
}

/// How many plans are remembered. When there are more, all are forgotten: a program that meets so
/// many sizes gains nothing from remembering some.
const MOST_PLANS: usize = 4096;

impl<T: ConvElement> Planner<T> {
    /// An empty memory.
    pub const fn new() -> Self {
        Self { plans: RwLock::new(None) }
    }

    /// The plan for a problem, remembered or new.
    pub fn plan(&self, problem: Problem) -> Plan<T> {
        let known = self.plans.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(plan) = known.as_ref().and_then(|plans| plans.get(&problem)) {
            return *plan;
        }
        drop(known);
        let plan = Plan::new(problem);
        let mut plans = self.plans.write().unwrap_or_else(PoisonError::into_inner);
        let plans = plans.get_or_insert_default();
        if plans.len() >= MOST_PLANS {
            plans.clear();
        }
        plans.insert(problem, plan);
        plan
    }

    /// How many plans are remembered.
    pub fn len(&self) -> usize {
        self.plans.read().unwrap_or_else(PoisonError::into_inner).as_ref().map_or(0, HashMap::len)
    }

    /// Whether no plan is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T: ConvElement> Default for Planner<T> {
    fn default() -> Self {
        Self::new()
    }
}
