//! Choosing by a race: the algorithms that apply are timed on the operands of a real call.

use super::ConvElement;
use super::planner::{Operands, Plan, Problem};
use super::settings::Settings;
use crate::clock;
use std::time::Duration;

/// An algorithm that expects less than this share of the best expectation does not run: its
/// estimate may be wrong, but not so wrong, and one run of the definition can take minutes.
const HOPEFUL: f64 = 1.0 / 16.0;
/// How long one candidate is timed, if it takes that long.
const BUDGET: Duration = Duration::from_millis(30);
const MOST_RUNS: usize = 5;

/// Does a pass by every candidate, the fastest of which it returns. What the operands hold at the
/// end is that one's result.
pub(super) fn run<T: ConvElement>(problem: Problem, settings: Settings, mut operands: Operands<'_, T>) -> Plan<T> {
    let candidates = candidates(problem, settings);
    let [only] = candidates[..] else {
        let mut fastest: Option<(Duration, Plan<T>)> = None;
        for plan in candidates {
            // Once is enough for a weight that stays.
            let kept = operands.weight().filter(|_| problem.constant_weight).and_then(|weight| plan.keep(weight));
            let time = shortest(|| plan.run(operands.reborrow().with_kept(kept.as_ref())));
            if fastest.is_none_or(|(shortest, _)| time < shortest) {
                fastest = Some((time, plan));
            }
        }
        let plan = fastest.map_or_else(|| Plan::choose(problem, settings), |(_, plan)| plan).as_measured();
        plan.run(operands);
        return plan;
    };
    only.run(operands);
    only.as_measured()
}

/// The algorithms worth timing, the most hopeful first.
fn candidates<T: ConvElement>(problem: Problem, settings: Settings) -> Vec<Plan<T>> {
    let mut plans = Plan::all(problem);
    plans.retain(|plan| settings.allows(plan.algorithm()));
    let best = plans.first().map_or(0.0, |plan| plan.cost().speed);
    plans.retain(|plan| plan.cost().speed >= best * HOPEFUL);
    plans
}

/// The shortest time of a few runs, after one that fills caches and pools.
fn shortest(mut work: impl FnMut()) -> Duration {
    work();
    let (mut shortest, mut total, mut runs) = (Duration::MAX, Duration::ZERO, 0);
    while runs == 0 || (runs < MOST_RUNS && total < BUDGET) {
        let start = clock::now();
        work();
        let time = clock::now().saturating_sub(start);
        (shortest, total, runs) = (shortest.min(time), total + time, runs + 1);
    }
    shortest
}

#[cfg(test)]
mod tests {
    use super::super::planner::{Origin, Pass};
    use super::super::testing::numbers;
    use super::super::{Geometry, ImageLayout};
    use super::*;
    use crate::simd::Isa;

    #[test]
    fn the_result_is_the_fastest_algorithms() {
        let geometry = Geometry {
            batch: 1,
            in_channels: 8,
            out_channels: 16,
            groups: 1,
            input: [1, 12, 12],
            kernel: [1, 3, 3],
            stride: [1; 3],
            padding_begin: [0, 1, 1],
            padding_end: [0, 1, 1],
            dilation: [1; 3],
        };
        let layout = ImageLayout::ChannelsFirst;
        let problem = Problem { geometry, layout, pass: Pass::Forward, isa: Isa::detect(), constant_weight: false };
        let (input, weight) = (numbers::<f32>(geometry.input_len(), 1), numbers::<f32>(geometry.weight_len(), 2));
        let mut output = vec![f32::NAN; geometry.output_len()];
        let operands =
            Operands::Forward { input: &input, weight: &weight, kept: None, bias: None, output: &mut output };
        let plan = run(problem, Settings::default(), operands);
        assert_eq!(plan.origin(), Origin::Measured);
        let mut again = vec![f32::NAN; geometry.output_len()];
        plan.run(Operands::Forward { input: &input, weight: &weight, kept: None, bias: None, output: &mut again });
        assert_eq!(output, again);
    }

    #[test]
    fn the_definition_does_not_race() {
        let geometry = Geometry {
            batch: 1,
            in_channels: 64,
            out_channels: 64,
            groups: 1,
            input: [1, 28, 28],
            kernel: [1, 3, 3],
            stride: [1; 3],
            padding_begin: [0; 3],
            padding_end: [0; 3],
            dilation: [1; 3],
        };
        let layout = ImageLayout::ChannelsLast;
        let problem =
            Problem { geometry, layout, pass: Pass::DataGradient, isa: Isa::detect(), constant_weight: false };
        let names: Vec<_> = candidates::<f32>(problem, Settings::default()).iter().map(Plan::algorithm).collect();
        assert!(names.len() > 1 && !names.contains(&"reference"), "{names:?}");
        let settings = Settings { allow_winograd: false, ..Settings::default() };
        let names: Vec<_> = candidates::<f32>(problem, settings).iter().map(Plan::algorithm).collect();
        assert!(names.iter().all(|name| !name.starts_with("winograd")), "{names:?}");
    }
}
