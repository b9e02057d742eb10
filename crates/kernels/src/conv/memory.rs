//! A memory of plans: what was chosen once is not thought about again.

use super::planner::{Operands, Origin, Plan, Problem};
use super::settings::Settings;
use super::{ConvElement, plans_file, tuning};
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

/// How many plans are remembered. When there are more, all are forgotten: a program that meets so
/// many sizes gains nothing from remembering some.
const MOST_PLANS: usize = 4096;

/// A memory of plans, all made under the settings that hold.
pub struct Planner<T: 'static> {
    known: RwLock<Known<T>>,
}

struct Known<T: 'static> {
    /// Which change of the settings the plans follow.
    change: u64,
    plans: Option<HashMap<Problem, Plan<T>>>,
}

impl<T: ConvElement> Planner<T> {
    /// An empty memory.
    pub const fn new() -> Self {
        Self { known: RwLock::new(Known { change: 0, plans: None }) }
    }

    /// The plan for a problem: remembered, from the file of plans, or new by what the algorithms
    /// expect of themselves.
    pub fn plan(&self, problem: Problem) -> Plan<T> {
        let (settings, change) = Settings::snapshot();
        self.plan_under(problem, settings, change)
    }

    fn plan_under(&self, problem: Problem, settings: Settings, change: u64) -> Plan<T> {
        if let Some(plan) = self.recall(&problem, change) {
            return plan;
        }
        let plan = plans_file::recall(&problem, settings).unwrap_or_else(|| Plan::choose(problem, settings));
        self.remember(plan, change);
        plan
    }

    /// Does a pass by the problem's plan; where the settings say so, times the candidates on these
    /// very operands first and remembers the fastest.
    ///
    /// # Panics
    /// If a slice's length is not what the geometry says.
    pub fn run(&self, problem: Problem, operands: Operands<'_, T>) {
        let (settings, change) = Settings::snapshot();
        let plan = self.plan_under(problem, settings, change);
        if settings.benchmark && plan.origin() == Origin::Estimate {
            let fastest = tuning::run(problem, settings, operands);
            self.remember(fastest, change);
            plans_file::remember(&fastest, settings);
        } else {
            plan.run(operands);
        }
    }

    fn recall(&self, problem: &Problem, change: u64) -> Option<Plan<T>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.plans.as_ref().filter(|_| known.change == change)?.get(problem).copied()
    }

    fn remember(&self, plan: Plan<T>, change: u64) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.change > change {
            // The settings have changed meanwhile.
            return;
        }
        let stale = known.change < change;
        known.change = change;
        let plans = known.plans.get_or_insert_default();
        if stale || plans.len() >= MOST_PLANS {
            plans.clear();
        }
        plans.insert(*plan.problem(), plan);
    }

    /// How many plans are remembered.
    pub fn len(&self) -> usize {
        self.known.read().unwrap_or_else(PoisonError::into_inner).plans.as_ref().map_or(0, HashMap::len)
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

#[cfg(test)]
mod tests {
    use super::super::{Geometry, ImageLayout};
    use super::*;
    use crate::conv::planner::Pass;
    use crate::simd::Isa;

    fn problem() -> Problem {
        let geometry = Geometry {
            batch: 4,
            in_channels: 64,
            out_channels: 64,
            groups: 1,
            input: [1, 56, 56],
            kernel: [1, 3, 3],
            stride: [1; 3],
            padding_begin: [0, 1, 1],
            padding_end: [0, 1, 1],
            dilation: [1; 3],
        };
        Problem {
            geometry,
            layout: ImageLayout::ChannelsFirst,
            pass: Pass::Forward,
            isa: Isa::detect(),
            constant_weight: false,
        }
    }

    #[test]
    fn a_change_of_settings_forgets_plans() {
        let planner = Planner::<f32>::new();
        let (allowed, forbidden) = (Settings::default(), Settings { allow_winograd: false, ..Settings::default() });
        assert!(planner.plan_under(problem(), allowed, 5).algorithm().starts_with("winograd"));
        assert_eq!(planner.plan_under(problem(), forbidden, 6).algorithm(), "dense");
        assert_eq!(planner.len(), 1);
        // A plan that was made before the change but arrives after it is not remembered.
        planner.remember(Plan::choose(problem(), allowed), 5);
        assert_eq!(planner.plan_under(problem(), forbidden, 6).algorithm(), "dense");
    }
}
