//! `flambeau bench`.

mod chart;
mod table;

use crate::explain::{Precision, machine_json};
use crate::interrupt;
use crate::numbers::{self, positive};
use flambeau::{Error, Result};
use flambeau_kernels::conv::layers::{Layer, layers};
use flambeau_kernels::conv::measure::{Measurement, Workload};
use flambeau_kernels::conv::planner::{Pass, Plan, Problem};
use flambeau_kernels::conv::{ConvElement, ImageLayout};
use flambeau_kernels::machine::Roofline;
use flambeau_kernels::simd::Isa;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

pub const ABOUT: &str = "\
Time the convolution layers of well-known networks, with batches of 1 and of 16.

For each layer: the algorithm that the planner chose, the median time of a call,
operations of the definition a second, and the share of what limits it on this
machine, measured now: the multiply-add peak, or the bandwidth of a plain copy
where that would be reached first. Winograd's algorithms need fewer operations
than the definition, and small layers stay in a cache: they can exceed 100 %.

With one thread the time is the processor's time of that thread, so that other
programs do not count.";

pub const EXAMPLES: &str = "Examples:
  flambeau bench                                  every layer, forward
  flambeau bench --only dw --backward             depthwise layers, all passes
  flambeau bench --only '3x3 N1' --threads 1      batches of one, on one thread
  flambeau bench --channels-last --budget 5       five seconds for all timings
  flambeau bench --by dense                       every layer by one algorithm
  flambeau bench --json a.json --picture a.svg    for programs and for people";

/// Options of `flambeau bench`.
#[derive(clap::Args)]
pub struct Options {
    /// Only layers whose names contain these words, such as resnet50, dw, 3x3 or N16.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Also the backward pass: gradients of input and weight.
    #[arg(long)]
    backward: bool,
    /// Images whose channels come last in memory (PyTorch's channels_last).
    #[arg(long)]
    channels_last: bool,
    /// The number type.
    #[arg(long, value_enum, default_value = "f32")]
    dtype: Precision,
    /// One algorithm for all, where it applies, instead of the planner's choice.
    #[arg(long, value_name = "ALGORITHM")]
    by: Option<String>,
    /// Threads that compute [default: all cores].
    #[arg(long, value_name = "N", value_parser = positive)]
    threads: Option<usize>,
    /// Seconds to spend on all timings together [default: 60 milliseconds for each].
    #[arg(long, value_name = "SECONDS", value_parser = numbers::seconds)]
    budget: Option<Duration>,
    /// Write the results as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Draw the results as bars.
    #[arg(long, value_name = "FILE.svg")]
    picture: Option<PathBuf>,
}

/// One pass of one layer.
struct Row {
    layer: String,
    pass: Pass,
    flops: u64,
    bytes: u64,
    /// The algorithm and what it came to; nothing, if it does not apply or the memory is too small.
    outcome: Option<(&'static str, Measurement)>,
}

/// Times the layers, one after the other.
pub fn run(options: &Options) -> Result<ExitCode> {
    interrupt::listen()?;
    if let Some(threads) = options.threads {
        flambeau::set_num_threads(threads);
    }
    match options.dtype {
        Precision::F32 => run_in::<f32>(options, &mut std::io::stdout()),
        Precision::F64 => run_in::<f64>(options, &mut std::io::stdout()),
    }
}

fn run_in<T: ConvElement>(options: &Options, out: &mut dyn Write) -> Result<ExitCode> {
    check_algorithm::<T>(options)?;
    let wanted = options.only.as_deref().unwrap_or_default();
    let layers: Vec<Layer> = layers().into_iter().filter(|layer| is_wanted(&layer.name, wanted)).collect();
    if layers.is_empty() {
        return Err(Error::value(format!("no layer's name has '{wanted}' in it")));
    }
    let passes = if options.backward { &Pass::ALL[..] } else { &Pass::ALL[..1] };
    let count = (layers.len() * passes.len()) as u32;
    let each = options.budget.map_or(Duration::from_millis(60), |budget| budget / count);
    let roofline = Roofline::measured::<T>(Isa::detect());
    numbers::print(out, &table::heading(roofline))?;
    let bar = progress(u64::from(count));
    let mut rows = Vec::new();
    for layer in &layers {
        for &pass in passes {
            if interrupt::asked() {
                bar.finish_and_clear();
                eprintln!("interrupted: no file was written");
                return Ok(ExitCode::from(130));
            }
            bar.set_message(layer.name.clone());
            let row = time::<T>(options, layer, pass, each, roofline);
            bar.suspend(|| numbers::print(out, &(table::line(&row) + "\n")))?;
            rows.push(row);
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    numbers::print(out, &table::summary(&rows))?;
    if let Some(path) = &options.json {
        numbers::write(path, &format!("{:#}\n", json::<T>(options, &rows, roofline)))?;
        numbers::print(out, &format!("wrote {}\n", path.display()))?;
    }
    if let Some(path) = &options.picture {
        numbers::write(path, &chart::draw(&rows, roofline))?;
        numbers::print(out, &format!("wrote {}\n", path.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether a name contains all words. A batch is a whole word: N1 is not N16.
fn is_wanted(name: &str, words: &str) -> bool {
    let is_batch = |word: &str| word.strip_prefix('N').is_some_and(|n| n.parse::<usize>().is_ok());
    let has = |word: &str| if is_batch(word) { name.split(' ').any(|part| part == word) } else { name.contains(word) };
    words.split_whitespace().all(has)
}

fn check_algorithm<T: ConvElement>(options: &Options) -> Result<()> {
    let names: Vec<&str> =
        flambeau_kernels::conv::planner::algorithms::<T>().iter().map(|algorithm| algorithm.name()).collect();
    match options.by.as_deref() {
        Some(name) if !names.contains(&name) => {
            Err(Error::value(format!("there is no algorithm '{name}'; there are: {}", names.join(", "))))
        }
        _ => Ok(()),
    }
}

fn time<T: ConvElement>(options: &Options, layer: &Layer, pass: Pass, budget: Duration, roofline: Roofline) -> Row {
    let layout = if options.channels_last { ImageLayout::ChannelsLast } else { ImageLayout::ChannelsFirst };
    let problem = Problem::new(&layer.geometry, layout, pass);
    let plan = match &options.by {
        Some(name) => Plan::<T>::by_name(problem, name),
        None => Some(T::planner().plan(problem)),
    };
    let description = Plan::<T>::new(problem).describe();
    let (flops, bytes) = (description.flops, description.bytes);
    let outcome = plan.and_then(|plan| {
        let seconds = Workload::new(problem, true)?.time(&plan, budget).as_secs_f64();
        Some((plan.algorithm(), Measurement::new(seconds, flops, bytes, roofline)))
    });
    Row { layer: layer.name.clone(), pass, flops, bytes, outcome }
}

fn progress(count: u64) -> ProgressBar {
    let bar = ProgressBar::new(count);
    // The template is a constant with known keys; a wrong one would only cost the bar its looks.
    if let Ok(style) = ProgressStyle::with_template("{msg:30} {wide_bar} {pos}/{len}, {eta} left") {
        bar.set_style(style);
    }
    bar
}

/// The results for programs: SI units throughout, shares as fractions.
fn json<T: ConvElement>(options: &Options, rows: &[Row], roofline: Roofline) -> Value {
    let row = |row: &Row| {
        let measured = row.outcome.as_ref().map(|(_, measurement)| measurement);
        json!({
            "layer": row.layer,
            "pass": row.pass.to_string(),
            "algorithm": row.outcome.as_ref().map(|(algorithm, _)| algorithm),
            "flops": row.flops,
            "bytes": row.bytes,
            "seconds": measured.map(|m| m.seconds),
            "flops_per_second": measured.map(|m| m.rate),
            "share_of_peak": measured.map(Measurement::share_of_peak),
            "share_of_copy_bandwidth": measured.map(Measurement::share_of_bandwidth),
            "bound_flops_per_second": measured.map(|m| m.bound),
        })
    };
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "machine": machine_json(Isa::detect().name(), Some(roofline)),
        "dtype": T::NAME,
        "channels_last": options.channels_last,
        "rows": rows.iter().map(row).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::options;

    #[test]
    fn what_is_not_there_is_an_error() {
        let error = run_in::<f32>(&options("--only nonsense"), &mut std::io::sink()).expect_err("no layer");
        assert_eq!(error.message(), "no layer's name has 'nonsense' in it");
        let error = run_in::<f32>(&options("--by magic"), &mut std::io::sink()).expect_err("no algorithm");
        assert!(error.message().starts_with("there is no algorithm 'magic'; there are: dense"));
    }

    #[test]
    fn layers_are_chosen_by_words() {
        let count = |words: &str| layers().iter().filter(|layer| is_wanted(&layer.name, words)).count();
        assert_eq!(count(""), layers().len());
        assert_eq!(count("resnet50 N1"), count("N16 resnet50"));
        assert_eq!((count("stem N1"), count("stem"), count("stem N2")), (1, 2, 0));
    }

    #[test]
    fn files_tell_what_was_timed() {
        let folder = tempfile::tempdir().expect("a folder");
        let (json, svg) = (folder.path().join("a.json"), folder.path().join("a.svg"));
        let line =
            format!("--only tutorial --backward --budget 0.01 --json {} --picture {}", json.display(), svg.display());
        run_in::<f32>(&options(&line), &mut std::io::sink()).expect("timed");
        let read = |path| std::fs::read_to_string(path).expect("a file");
        let value: Value = serde_json::from_str(&read(&json)).expect("JSON");
        let rows = value["rows"].as_array().expect("rows");
        assert_eq!(rows.len(), 3);
        // 28 · 28 · 64 outputs of 27 products.
        assert_eq!(rows[2]["flops"], 2 * 28 * 28 * 64 * 27);
        assert!(rows.iter().all(|row| row["seconds"].as_f64().is_some_and(|seconds| seconds > 0.0)));
        let picture = read(&svg);
        let document = roxmltree::Document::parse(&picture).expect("well-formed");
        assert!(document.descendants().any(|node| node.text() == Some("weight gradient")));
    }

    #[test]
    fn an_algorithm_that_does_not_apply_has_no_time() {
        let options = Options { by: Some("winograd 4x4".to_owned()), ..options("") };
        let layer = layers().into_iter().find(|layer| layer.name.contains("stem")).expect("a stem");
        let roofline = Roofline { peak: 1e9, bandwidth: 1e9 };
        let row = time::<f32>(&options, &layer, Pass::Forward, Duration::ZERO, roofline);
        assert!(row.outcome.is_none());
        assert!(table::line(&row).ends_with('-'));
    }
}
