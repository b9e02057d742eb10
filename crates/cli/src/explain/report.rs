//! What is printed: text for people, JSON for programs.

use super::examine::{Contender, Examined};
use crate::bars::bar;
use flambeau_kernels::conv::ImageLayout;
use flambeau_kernels::machine::{self, Roofline};
use flambeau_kernels::{parallel, units};
use serde_json::{Value, json};

/// Characters of a whole bar.
const WIDTH: usize = 44;

/// The text for all passes.
pub fn text(examined: &[Examined], bias: bool) -> String {
    let Some(first) = examined.first() else { return String::new() };
    let mut text = format!("conv2d{}: {}\n", if bias { " with bias" } else { "" }, first.description.headline());
    let threads = parallel::threads();
    text += &format!("on {}, {threads} thread{}", machine::name(), if threads == 1 { "" } else { "s" });
    if let Some(roofline) = first.roofline {
        let (peak, bandwidth) = (units::si(roofline.peak, "FLOP/s"), units::si(roofline.bandwidth, "B/s"));
        text += &format!(": {peak} at most, copies {bandwidth}");
    }
    text.push('\n');
    for pass in examined {
        text += &one_pass(pass);
    }
    text
}

fn one_pass(pass: &Examined) -> String {
    let title = format!("── {} ", pass.description.problem.pass);
    let mut text = format!("\n{title}{}\n", "─".repeat(76usize.saturating_sub(title.chars().count())));
    let mut fact = |name: &str, value: &str| text += &format!("  {name:<11} {value}\n");
    for (name, value) in pass.description.facts() {
        match (name, pass.roofline) {
            ("expected", Some(roofline)) if pass.description.flops > 0 => {
                let time = units::time(pass.description.expected_seconds(roofline.peak));
                fact(name, &format!("{value}: {time}"));
            }
            _ => fact(name, &value),
        }
    }
    if let Some(m) = &pass.measurement {
        let (rate, throughput) = (units::si(m.rate, "FLOP/s"), units::si(m.throughput, "B/s"));
        fact("measured", &format!("{}: {rate}, {throughput}", units::time(m.seconds)));
        let (peak, copy) = (units::percent(m.share_of_peak()), units::percent(m.share_of_bandwidth()));
        fact("", &format!("{peak} of peak, {copy} of the copy bandwidth"));
        let limit = if m.is_memory_bound() { "memory" } else { "arithmetic" };
        let bound = units::si(m.bound, "FLOP/s");
        fact("bound", &format!("{bound}, set by {limit}; {} of it reached", units::percent(m.share_of_bound())));
    }
    if let Some(excuse) = pass.excuse {
        fact("measured", &format!("no: {excuse}"));
    }
    if let Some(roofline) = pass.roofline.filter(|_| pass.description.flops > 0) {
        text += &roofline_bars(pass, roofline);
    }
    text + &contenders(pass)
}

fn roofline_bars(pass: &Examined, roofline: Roofline) -> String {
    let description = &pass.description;
    let mut rows = vec![
        ("arithmetic", roofline.peak),
        ("memory", roofline.bandwidth * description.intensity()),
        ("expected", description.expected * roofline.peak),
    ];
    rows.extend(pass.measurement.map(|m| ("measured", m.rate)));
    // A memory roof far above all else would leave the others no room.
    let full = rows.iter().filter(|(name, _)| *name != "memory").fold(0.0f64, |most, (_, rate)| most.max(*rate));
    let mut text = "\n  roofline       GFLOP/s\n".to_owned();
    for (name, rate) in rows {
        let number = units::digits(rate / 1e9);
        text += &format!("    {name:<11} {number:>7}  {}\n", bar(rate, full, WIDTH));
    }
    text
}

fn contenders(pass: &Examined) -> String {
    let Some(roofline) = pass.roofline.filter(|_| pass.measurement.is_some()) else {
        return String::new();
    };
    let wide = pass.contenders.iter().map(|contender| contender.algorithm.len()).max().unwrap_or(0).max(10);
    let times = pass.contenders.iter().filter_map(|contender| contender.seconds);
    let fastest = times.clone().fold(f64::INFINITY, f64::min);
    // One slow algorithm should not hide how the others compare.
    let full = times.fold(0.0, f64::max).min(fastest * 4.0);
    let mut text = format!("\n  {:<wide$}     expected   measured\n", "algorithms");
    for contender in &pass.contenders {
        let expected = units::time(pass.description.flops as f64 / (contender.expected * roofline.peak));
        let measured = contender.seconds.map_or("not run".to_owned(), units::time);
        let bar = contender.seconds.map_or(String::new(), |seconds| bar(seconds, full, WIDTH - wide.min(WIDTH / 2)));
        let note = if contender.allowed { "" } else { " (not allowed)" };
        text += format!("    {:<wide$} {expected:>10} {measured:>10}  {bar}{note}", contender.algorithm).trim_end();
        text.push('\n');
    }
    text
}

/// The same for programs: SI units throughout, shares as fractions.
pub fn json(examined: &[Examined], bias: bool) -> Value {
    let Some(first) = examined.first() else { return Value::Null };
    let (description, g) = (&first.description, &first.description.problem.geometry);
    json!({
        "operation": "conv2d",
        "input": description.input_shape(),
        "weight": description.weight_shape(),
        "output": description.output_shape(),
        "stride": g.stride[1..],
        "padding_begin": g.padding_begin[1..],
        "padding_end": g.padding_end[1..],
        "dilation": g.dilation[1..],
        "groups": g.groups,
        "bias": bias,
        "dtype": description.dtype,
        "channels_last": description.problem.layout == ImageLayout::ChannelsLast,
        "machine": machine_json(description.problem.isa.name(), first.roofline),
        "passes": examined.iter().map(pass_json).collect::<Vec<_>>(),
    })
}

/// The machine and its limits.
pub fn machine_json(isa: &str, roofline: Option<Roofline>) -> Value {
    json!({
        "name": machine::name(),
        "threads": parallel::threads(),
        "instructions": isa,
        "peak_flops_per_second": roofline.map(|roofline| roofline.peak),
        "copy_bytes_per_second": roofline.map(|roofline| roofline.bandwidth),
    })
}

fn pass_json(pass: &Examined) -> Value {
    let description = &pass.description;
    let contender = |contender: &Contender| {
        json!({
            "algorithm": contender.algorithm,
            "why": contender.why,
            "expected_share_of_peak": contender.expected,
            "scratch_bytes": contender.scratch,
            "allowed": contender.allowed,
            "seconds": contender.seconds,
        })
    };
    json!({
        "pass": description.problem.pass.to_string(),
        "result": description.result_shape(),
        "algorithm": description.algorithm,
        "why": description.why,
        "reason": description.reason(),
        "flops": description.flops,
        "bytes": description.bytes,
        "intensity": description.intensity(),
        "scratch_bytes": description.scratch,
        "expected_share_of_peak": description.expected,
        "measured": pass.measurement.map(|m| json!({
            "seconds": m.seconds,
            "flops_per_second": m.rate,
            "bytes_per_second": m.throughput,
            "share_of_peak": m.share_of_peak(),
            "share_of_copy_bandwidth": m.share_of_bandwidth(),
            "bound_flops_per_second": m.bound,
            "bound_by": if m.is_memory_bound() { "memory" } else { "arithmetic" },
            "share_of_bound": m.share_of_bound(),
        })),
        "not_measured_because": pass.excuse,
        "algorithms": pass.contenders.iter().map(contender).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use flambeau_kernels::conv::Geometry;
    use flambeau_kernels::conv::planner::Pass;

    fn examined(measured: bool) -> Vec<Examined> {
        let geometry = Geometry {
            batch: 1,
            in_channels: 3,
            out_channels: 8,
            groups: 1,
            input: [1, 9, 9],
            kernel: [1, 3, 3],
            stride: [1, 2, 2],
            padding_begin: [0, 1, 1],
            padding_end: [0, 1, 1],
            dilation: [1; 3],
        };
        let examine = |&pass: &Pass| Examined::new::<f32>(&geometry, ImageLayout::ChannelsFirst, pass, true, measured);
        Pass::ALL.iter().map(examine).collect()
    }

    #[test]
    fn text_tells_every_pass_and_its_times() {
        let text = text(&examined(true), true);
        for part in ["conv2d with bias", "── data gradient", "roofline", "arithmetic", "measured", "reference", "█"]
        {
            assert!(text.contains(part), "{part} in\n{text}");
        }
        assert!(text.lines().all(|line| line.chars().count() <= 120 && line == line.trim_end()), "{text}");
    }

    #[test]
    fn without_measuring_there_is_still_a_plan() {
        let examined = examined(false);
        let text = text(&examined, false);
        assert!(text.contains("algorithm") && !text.contains("roofline") && !text.contains("measured"), "{text}");
        let json = json(&examined, false);
        assert_eq!(json["passes"][0]["measured"], Value::Null);
        // 25 positions of 8 channels, each of 27 products.
        assert_eq!(json["passes"][2]["flops"], 2 * 25 * 8 * 27);
        assert_eq!(json["output"], json!([1, 8, 5, 5]));
    }
}
