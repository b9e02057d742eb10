//! The table that is printed.

use super::Row;
use flambeau_kernels::machine::{self, Roofline};
use flambeau_kernels::{parallel, units};

/// What is above the rows.
pub fn heading(roofline: Roofline) -> String {
    let threads = parallel::threads();
    format!(
        "{}, {threads} thread{}: {} at most, copies {}\n\n{:30} {:15} {:20} {:>9} {:>8}  {}\n",
        machine::name(),
        if threads == 1 { "" } else { "s" },
        units::si(roofline.peak, "FLOP/s"),
        units::si(roofline.bandwidth, "B/s"),
        "layer",
        "pass",
        "algorithm",
        "time",
        "GFLOP/s",
        "of its limit",
    )
}

/// A row.
pub fn line(row: &Row) -> String {
    let lead = format!("{:30} {:15}", row.layer, row.pass);
    let Some((algorithm, m)) = &row.outcome else { return format!("{lead} -") };
    let (share, limit) =
        if m.is_memory_bound() { (m.share_of_bandwidth(), "copy") } else { (m.share_of_peak(), "peak") };
    let (time, rate) = (units::time(m.seconds), units::digits(m.rate / 1e9));
    format!("{lead} {algorithm:20} {time:>9} {rate:>8}  {:>5} {limit}", units::percent(share))
}

/// What is below the rows: all of them together.
pub fn summary(rows: &[Row]) -> String {
    let timed: Vec<_> = rows.iter().filter_map(|row| Some((row, &row.outcome.as_ref()?.1))).collect();
    if timed.is_empty() {
        return "\nnothing was timed\n".to_owned();
    }
    let seconds: f64 = timed.iter().map(|(_, m)| m.seconds).sum();
    let flops: f64 = timed.iter().map(|(row, _)| row.flops as f64).sum();
    let shares: f64 = timed.iter().map(|(_, m)| m.share_of_bound().max(1e-9).ln()).sum();
    let mean = (shares / timed.len() as f64).exp();
    format!(
        "\n{} timed: {} in all, {}; {} of their limits in geometric mean\n",
        timed.len(),
        units::time(seconds),
        units::si(flops / seconds, "FLOP/s"),
        units::percent(mean)
    )
}
