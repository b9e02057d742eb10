//! Timing work on a machine that does other things too.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// The time that passes, or with one thread the time that the thread had a core: what the rest of
/// the machine does should not count where it need not.
pub fn now() -> Duration {
    #[cfg(unix)]
    if crate::parallel::threads() == 1 {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: a clock that every Unix has, and a place to write to.
        unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
        return Duration::new(time.tv_sec as u64, time.tv_nsec as u32);
    }
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}

/// The median time of a call. One call warms up; then there are at least three, and more until
/// `budget` is spent. Where a single call takes ten budgets, one more is all there is.
pub fn median(budget: Duration, mut work: impl FnMut()) -> Duration {
    let start = Instant::now();
    work();
    let least = if start.elapsed() > budget * 10 { 1 } else { 3 };
    let (mut times, start) = (Vec::new(), Instant::now());
    while times.len() < least || start.elapsed() < budget {
        let before = now();
        work();
        times.push(now().saturating_sub(before));
    }
    times.sort();
    times[times.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_of_at_least_three_calls_after_one() {
        let mut calls = 0;
        median(Duration::ZERO, || calls += 1);
        // Any first call takes longer than ten times nothing.
        assert_eq!(calls, 2);
        calls = 0;
        median(Duration::from_micros(200), || calls += 1);
        assert!(calls >= 4);
    }
}
