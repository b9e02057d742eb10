//! One pass of a convolution, planned and timed.

use flambeau_kernels::conv::measure::{Measurement, Workload};
use flambeau_kernels::conv::planner::{Pass, Plan, Problem};
use flambeau_kernels::conv::{ConvElement, Description, Geometry, ImageLayout};
use flambeau_kernels::machine::Roofline;
use std::time::Duration;

/// What there is to tell about a pass.
pub struct Examined {
    pub description: Description,
    /// This machine's limits, where they were measured.
    pub roofline: Option<Roofline>,
    /// What the plan's time came to.
    pub measurement: Option<Measurement>,
    /// Why it was not timed, although that was asked for.
    pub excuse: Option<&'static str>,
    /// The algorithms that apply, the chosen one first.
    pub contenders: Vec<Contender>,
}

/// An algorithm and its time.
pub struct Contender {
    pub algorithm: &'static str,
    pub why: &'static str,
    /// Expected rate as a share of the peak.
    pub expected: f64,
    pub scratch: usize,
    pub allowed: bool,
    /// Median time in seconds, where it was measured.
    pub seconds: Option<f64>,
}

/// How long the plan is timed, and each of the others.
const BUDGETS: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(60)];
/// What expects to take longer is not run, in seconds: the plan, and each of the others.
const MOST: [f64; 2] = [30.0, 1.0];

impl Examined {
    /// Plans a pass and, if asked, times it and the other algorithms on made-up numbers.
    pub fn new<T: ConvElement>(
        geometry: &Geometry,
        layout: ImageLayout,
        pass: Pass,
        bias: bool,
        measured: bool,
    ) -> Self {
        let problem = Problem::new(geometry, layout, pass);
        let plan = T::planner().plan(problem);
        let description = plan.describe();
        let roofline = measured.then(|| Roofline::measured::<T>(problem.isa));
        let mut examined =
            Self { contenders: contenders(&description), description, roofline, measurement: None, excuse: None };
        let Some(roofline) = roofline else { return examined };
        if examined.description.flops == 0 {
            examined.excuse = Some("there is nothing to compute");
        } else if examined.description.expected_seconds(roofline.peak) > MOST[0] {
            examined.excuse = Some("it would take too long");
        } else if let Some(mut workload) = Workload::<T>::new(problem, bias) {
            examined.time(&plan, &mut workload, roofline);
        } else {
            examined.excuse = Some("its operands do not fit into the memory that is free");
        }
        examined
    }

    fn time<T: ConvElement>(&mut self, plan: &Plan<T>, workload: &mut Workload<T>, roofline: Roofline) {
        let (flops, bytes) = (self.description.flops, self.description.bytes);
        for contender in &mut self.contenders {
            let is_chosen = contender.algorithm == plan.algorithm();
            let rank = usize::from(!is_chosen);
            let expected = flops as f64 / (contender.expected * roofline.peak);
            let rival = Plan::by_name(*plan.problem(), contender.algorithm);
            if let Some(rival) = rival.filter(|_| expected <= MOST[rank]) {
                let seconds = workload.time(&rival, BUDGETS[rank]).as_secs_f64();
                contender.seconds = Some(seconds);
                if is_chosen {
                    self.measurement = Some(Measurement::new(seconds, flops, bytes, roofline));
                }
            }
        }
    }
}

fn contenders(description: &Description) -> Vec<Contender> {
    let chosen = Contender {
        algorithm: description.algorithm,
        why: description.why,
        expected: description.expected,
        scratch: description.scratch,
        allowed: true,
        seconds: None,
    };
    let others = description.others.iter().map(|other| Contender {
        algorithm: other.algorithm,
        why: other.why,
        expected: other.expected,
        scratch: other.scratch,
        allowed: other.allowed,
        seconds: None,
    });
    std::iter::once(chosen).chain(others).collect()
}
