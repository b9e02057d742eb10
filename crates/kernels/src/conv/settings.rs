//! Switches that the choice of an algorithm obeys.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a process lets the planner do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Whether Winograd's algorithms may be chosen: they need fewer operations, and lose a digit or
    /// so of precision to it.
    pub allow_winograd: bool,
    /// Whether the algorithms that apply to a problem are timed on its first operands, instead of
    /// believing what they expect of themselves. Every algorithm gives the same bits run after run,
    /// but two algorithms round differently, and which one wins a race is left to chance: numbers
    /// that must repeat between processes want this switch off, or a file of plans
    /// (see [`super::plans_file`]).
    pub benchmark: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { allow_winograd: true, benchmark: false }
    }
}

/// The settings as bits, inverted where the default is true, below a count of their changes: one
/// number, so that nobody sees the one without the other.
static STATE: AtomicU64 = AtomicU64::new(0);

const NO_WINOGRAD: u64 = 1;
const BENCHMARK: u64 = 2;
const BITS: u32 = 2;

impl Settings {
    /// The process's settings.
    pub fn current() -> Self {
        Self::snapshot().0
    }

    /// Makes these the process's settings. Plans made under others are forgotten.
    pub fn apply(self) {
        Self::update(|settings| *settings = self);
    }

    /// Changes some of the process's settings and returns what they were.
    pub fn update(change: impl Fn(&mut Self)) -> Self {
        let next = |state: u64| {
            let mut settings = Self::from_bits(state);
            change(&mut settings);
            let count = state >> BITS;
            let changed = settings != Self::from_bits(state);
            Some((count + u64::from(changed)) << BITS | settings.bits())
        };
        let (Ok(before) | Err(before)) = STATE.fetch_update(Ordering::AcqRel, Ordering::Acquire, next);
        Self::from_bits(before)
    }

    /// The settings, and how often they have changed.
    pub(super) fn snapshot() -> (Self, u64) {
        let state = STATE.load(Ordering::Acquire);
        (Self::from_bits(state), state >> BITS)
    }

    /// Whether an algorithm of this name may be chosen.
    pub fn allows(&self, algorithm: &str) -> bool {
        self.allow_winograd || !algorithm.starts_with("winograd")
    }

    fn bits(self) -> u64 {
        let no_winograd = if self.allow_winograd { 0 } else { NO_WINOGRAD };
        no_winograd | if self.benchmark { BENCHMARK } else { 0 }
    }

    fn from_bits(bits: u64) -> Self {
        Self { allow_winograd: bits & NO_WINOGRAD == 0, benchmark: bits & BENCHMARK != 0 }
    }
}
