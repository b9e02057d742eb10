//! Choosing how to do a convolution.
//!
//! An [`Algorithm`] says for a [`Problem`] whether it applies and how fast it expects to be; the
//! planner takes the fastest that the [`Settings`] allow and remembers the choice
//! ([`super::memory`]). A new algorithm is a file and a line in [`algorithms`]: callers do not
//! change.

use super::kept::{Form, Kept};
use super::settings::Settings;
use super::{ConvElement, Geometry, ImageLayout, dense, direct, reference, winograd};
use crate::scratch::Scratch;
use crate::simd::Isa;
use std::fmt;

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

impl Pass {
    /// The three passes, in the order in which training does them.
    pub const ALL: [Self; 3] = [Pass::Forward, Pass::DataGradient, Pass::WeightGradient];
}

impl fmt::Display for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Pass::Forward => "forward",
            Pass::DataGradient => "data gradient",
            Pass::WeightGradient => "weight gradient",
        })
    }
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
    /// Whether the weight is expected to serve for many passes, so that what is made of it can be
    /// kept ([`Kept`]): an algorithm may then do more for it.
    pub constant_weight: bool,
}

impl Problem {
    /// A problem to be solved with the widest instructions that there are, whose weight is another
    /// each time.
    pub fn new(geometry: &Geometry, layout: ImageLayout, pass: Pass) -> Self {
        Self { geometry: *geometry, layout, pass, isa: Isa::detect(), constant_weight: false }
    }

    /// The same problem with a weight that serves for many passes.
    pub fn with_constant_weight(self) -> Self {
        Self { constant_weight: true, ..self }
    }
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
        /// What was kept of this weight, if anything.
        kept: Option<&'a Kept<T>>,
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
        /// What was kept of this weight, if anything.
        kept: Option<&'a Kept<T>>,
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

impl<'a, T> Operands<'a, T> {
    /// The pass that these are the operands of.
    pub fn pass(&self) -> Pass {
        match self {
            Operands::Forward { .. } => Pass::Forward,
            Operands::DataGradient { .. } => Pass::DataGradient,
            Operands::WeightGradient { .. } => Pass::WeightGradient,
        }
    }

    /// The same operands with something kept of the weight.
    pub fn with_kept(mut self, new: Option<&'a Kept<T>>) -> Self {
        if let Operands::Forward { kept, .. } | Operands::DataGradient { kept, .. } = &mut self {
            *kept = new;
        }
        self
    }

    /// The same operands for one of several runs.
    pub(super) fn reborrow(&mut self) -> Operands<'_, T> {
        match self {
            Operands::Forward { input, weight, kept, bias, output } => {
                Operands::Forward { input, weight, kept: *kept, bias: *bias, output }
            }
            Operands::DataGradient { grad_output, weight, kept, grad_input } => {
                Operands::DataGradient { grad_output, weight, kept: *kept, grad_input }
            }
            Operands::WeightGradient { input, grad_output, grad_weight } => {
                Operands::WeightGradient { input, grad_output, grad_weight }
            }
        }
    }

    /// The weight, if it is an operand and not the result.
    pub fn weight(&self) -> Option<&[T]> {
        match self {
            Operands::Forward { weight, .. } | Operands::DataGradient { weight, .. } => Some(weight),
            Operands::WeightGradient { .. } => None,
        }
    }

    /// # Panics
    /// If a slice's length is not what the geometry says.
    fn check(&self, g: &Geometry) {
        let (images, weights, results, bias) = match self {
            Operands::Forward { input, weight, bias, output, .. } => {
                (input.len(), weight.len(), output.len(), bias.map(<[T]>::len))
            }
            Operands::DataGradient { grad_output, weight, grad_input, .. } => {
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

/// What it costs an algorithm to fetch a vector of a weight from beyond the second-level cache, in
/// cycles of a core that adds a vector of products in each.
pub(super) const FETCH_CYCLES: f64 = 16.0;

/// One way to do a convolution.
pub trait Algorithm<T>: Sync {
    /// A short name, such as `dense` or `winograd 4x4`. Those of Winograd's algorithms begin with
    /// `winograd`: [`Settings::allows`] knows them by it.
    fn name(&self) -> &'static str;
    /// What the algorithm expects of itself, or `None` if it cannot do this problem.
    fn applies(&self, problem: &Problem) -> Option<Cost>;
    /// Does it. The operands' lengths have been checked against the geometry.
    /// What is kept of the weight is this algorithm's own, made for such a problem.
    fn run(&self, problem: &Problem, operands: Operands<'_, T>);
    /// What [`Algorithm::run`] makes of the weight alone, for runs to come; `None` if that is
    /// nothing, or not worth the memory.
    fn keep(&self, _problem: &Problem, _weight: &[T]) -> Option<Scratch<T>> {
        None
    }
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

/// Why a plan has its algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It expects to be the fastest that is allowed.
    Estimate,
    /// It was the fastest when the candidates were timed, by this process or one before it.
    Measured,
    /// It was asked for by name.
    Name,
}

/// A problem with the algorithm that will solve it.
pub struct Plan<T: 'static> {
    problem: Problem,
    algorithm: &'static dyn Algorithm<T>,
    cost: Cost,
    origin: Origin,
}

impl<T> Clone for Plan<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Plan<T> {}

impl<T: ConvElement> Plan<T> {
    /// Chooses, among the algorithms that the process's settings allow, the one that expects to be
    /// fastest.
    pub fn new(problem: Problem) -> Self {
        Self::choose(problem, Settings::current())
    }

    /// As [`Plan::new`], under given settings.
    pub fn choose(problem: Problem, settings: Settings) -> Self {
        let allowed = |plan: &Self| settings.allows(plan.algorithm());
        Self::all(problem).into_iter().find(allowed).expect("the reference applies to every problem")
    }

    /// A plan by each algorithm that applies, whatever the settings; the fastest expected first.
    pub fn all(problem: Problem) -> Vec<Self> {
        let plan = |&algorithm: &&'static dyn Algorithm<T>| {
            Some(Self { problem, algorithm, cost: algorithm.applies(&problem)?, origin: Origin::Estimate })
        };
        let mut plans: Vec<Self> = algorithms::<T>().iter().filter_map(plan).collect();
        plans.sort_by(|a, b| b.cost.speed.total_cmp(&a.cost.speed));
        plans
    }

    /// A plan by a named algorithm, if there is one of that name and it applies.
    pub fn by_name(problem: Problem, name: &str) -> Option<Self> {
        let &algorithm = algorithms::<T>().iter().find(|algorithm| algorithm.name() == name)?;
        Some(Self { problem, algorithm, cost: algorithm.applies(&problem)?, origin: Origin::Name })
    }

    /// The same plan, known to be the fastest.
    pub(super) fn as_measured(self) -> Self {
        Self { origin: Origin::Measured, ..self }
    }

    /// Does the work. What is kept of the weight by another plan is not used.
    ///
    /// # Panics
    /// If a slice's length is not what the geometry says, or the operands are another pass's.
    pub fn run(&self, mut operands: Operands<'_, T>) {
        assert_eq!(operands.pass(), self.problem.pass, "operands of another pass");
        operands.check(&self.problem.geometry);
        if let Operands::Forward { kept, .. } | Operands::DataGradient { kept, .. } = &mut operands {
            *kept = kept.filter(|kept| kept.serves(self));
        }
        self.algorithm.run(&self.problem, operands);
    }

    /// The form in which this plan keeps a weight.
    pub fn form(&self) -> Form {
        Form::new(self)
    }

    /// What this plan makes of a weight, for runs to come with the same weight; `None` if there is
    /// nothing worth keeping.
    ///
    /// # Panics
    /// If the weight's length is not what the geometry says.
    pub fn keep(&self, weight: &[T]) -> Option<Kept<T>> {
        assert_eq!(weight.len(), self.problem.geometry.weight_len(), "length of the weight");
        let numbers = self.algorithm.keep(&self.problem, weight)?;
        Some(Kept::new(self, numbers))
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

    /// Why this algorithm and no other.
    pub fn origin(&self) -> Origin {
        self.origin
    }
}
