//! `flambeau summary`.

use crate::bars::bar;
use crate::numbers::{self, Shape, positive};
use crate::weights;
use flambeau::autograd::no_grad;
use flambeau::nn::watch::{Call, watch};
use flambeau::nn::{Layer, Module};
use flambeau::ops::explain_convolution;
use flambeau::prelude::*;
use flambeau::vision::models;
use flambeau_kernels::conv::planner::Pass;
use std::collections::HashSet;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

pub const ABOUT: &str = "\
Show the layers of a network: what they give, what they hold, what they cost.

One line for each layer that learns, in the order in which they compute:

  output      the shape of what it gives
  parameters  how many numbers it learns
  FLOP        additions and multiplications by the definition, counted singly
  memory      bytes of its output
  time        the median of several runs, on made-up numbers
  algorithm   how the planner does a convolution, as `flambeau explain` tells

Activations, pooling and joining lie between these lines; their time is what the
layers' times lack of the whole.";

pub const EXAMPLES: &str = "Examples:
  flambeau summary resnet50
  flambeau summary mobilenet_v3_small --input 16,3,224,224 --threads 1
  flambeau summary deeplabv3_resnet50 --classes 21 --input 1,3,520,520
  flambeau summary --weights checkpoint.pth";

/// How often the network runs; the first time, plans are made.
const RUNS: usize = 5;

/// Options of `flambeau summary`.
#[derive(clap::Args)]
pub struct Options {
    /// The network's name, such as resnet50.
    #[arg(required_unless_present = "weights", value_name = "NETWORK")]
    network: Option<String>,
    /// A checkpoint to load; it also says which network it is, if no name does.
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Shape of the input.
    #[arg(long, value_name = "N,C,H,W", default_value = "1,3,224,224")]
    input: Shape,
    /// The number of classes, if no weights say it.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = positive)]
    classes: usize,
    /// Threads that compute [default: all cores].
    #[arg(long, value_name = "N", value_parser = positive)]
    threads: Option<usize>,
}

/// Runs the network and shows its layers.
pub fn run(options: &Options) -> Result<ExitCode> {
    if let Some(threads) = options.threads {
        flambeau::set_num_threads(threads);
    }
    let (name, network) = load(options)?;
    let input = Tensor::randn(options.input.0.clone(), DType::F32)?;
    let mut runs = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let start = Instant::now();
        let (output, calls) = watch(|| no_grad(|| network.forward(&input)));
        runs.push(Run { total: start.elapsed(), calls });
        output?;
    }
    let text = report(&name, &*network, &options.input, &runs)?;
    numbers::print(&mut std::io::stdout(), &text)?;
    Ok(ExitCode::SUCCESS)
}

fn load(options: &Options) -> Result<(String, Box<dyn Layer>)> {
    if let Some(path) = &options.weights {
        let loaded = weights::load(path, options.network.as_deref())?;
        return Ok((loaded.name, loaded.network));
    }
    let name = options.network.as_deref().unwrap_or_default().to_lowercase();
    if !models::list_models().contains(&name.as_str()) {
        let networks = models::list_models().join(", ");
        return Err(Error::value(format!("there is no network '{name}'; there are: {networks}")));
    }
    let network = models::get_model(&name, options.classes)?;
    network.eval();
    Ok((name, network))
}

/// One forward pass.
struct Run {
    total: Duration,
    calls: Vec<Call>,
}

/// The middle one of some times.
pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// Additions and multiplications by the definition.
fn flops(call: &Call) -> u64 {
    let (input, output) = (count(&call.input), count(&call.output));
    let weight = call.weight.as_ref().map(Tensor::shape);
    let products = match (call.kind, &weight) {
        // Each output is a sum over one filter.
        ("Linear" | "Conv" | "Conv1d" | "Conv2d" | "Conv3d", Some(weight)) => output * count(&weight[1..]),
        // Each input is spread by one filter.
        (kind, Some(weight)) if kind.starts_with("ConvTranspose") => input * count(&weight[1..]),
        // A normalisation scales and shifts.
        _ => output,
    };
    2 * products
}

fn count(shape: &[usize]) -> u64 {
    shape.iter().map(|&n| n as u64).product()
}

/// How a convolution is done; of other layers nothing.
pub fn algorithm(call: &Call) -> Result<&'static str> {
    let (Some(weight), Some(options)) = (&call.weight, &call.convolution) else {
        return Ok("");
    };
    if call.kind.starts_with("ConvTranspose") {
        return Ok("");
    }
    // Only shapes matter: one number seen everywhere takes no memory.
    let input = Tensor::zeros(vec![1; call.input.len()], weight.dtype())?.expand_to(&call.input)?;
    let passes = explain_convolution(&input, weight, None, options, &[Pass::Forward])?;
    Ok(passes.first().map_or("", |description| description.algorithm))
}

/// A count with a letter for its thousands.
fn short(number: u64) -> String {
    match number {
        0..1_000 => number.to_string(),
        1_000..1_000_000 => format!("{:.1}k", number as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1}M", number as f64 / 1e6),
        _ => format!("{:.2}G", number as f64 / 1e9),
    }
}

fn milliseconds(time: Duration) -> String {
    format!("{:.2} ms", 1e3 * time.as_secs_f64())
}

/// A layer's name, from that of its weight; empty if it has none.
pub fn layer_name<'a>(parameters: &'a [(String, Tensor)], call: &Call) -> &'a str {
    let found = parameters.iter().find(|(_, p)| call.weight.as_ref().is_some_and(|weight| weight.same(p)));
    found.map_or("", |(name, _)| name.strip_suffix(".weight").unwrap_or(name))
}

fn report(name: &str, network: &dyn Module, input: &Shape, runs: &[Run]) -> Result<String> {
    let parameters = network.named_parameters();
    let layer = |call: &Call| layer_name(&parameters, call);
    let learned = |layer: &str| {
        let own = |name: &str| name.strip_prefix(layer).is_some_and(|part| matches!(part, ".weight" | ".bias"));
        parameters.iter().filter(|(name, _)| own(name)).map(|(_, p)| p.numel() as u64).sum::<u64>()
    };
    let calls = runs.last().map_or(&[][..], |run| &run.calls);
    let later = if runs.len() > 1 { &runs[1..] } else { runs };
    let time = |position: usize| {
        median(later.iter().filter_map(|run| run.calls.get(position)).map(|call| call.elapsed).collect())
    };
    let total = median(later.iter().map(|run| run.total).collect());

    let width = calls.iter().map(|call| layer(call).len()).max().unwrap_or(0).max(5);
    let mut text = format!("{name} on {:?}, {} thread(s)\n\n", input.0, flambeau::get_num_threads());
    text += &format!(
        "{:width$}  {:15}  {:>20}  {:>10}  {:>8}  {:>8}  {:>10}  {:10}  algorithm\n",
        "layer", "kind", "output", "parameters", "FLOP", "memory", "time", "",
    );
    let longest = (0..calls.len()).map(time).max().unwrap_or_default();
    let (mut work, mut memory, mut in_layers) = (0, 0, Duration::ZERO);
    let mut seen = HashSet::new();
    for (position, call) in calls.iter().enumerate() {
        let (name, elapsed) = (layer(call), time(position));
        let (flop, bytes) = (flops(call), 4 * count(&call.output));
        work += flop;
        memory += bytes;
        in_layers += elapsed;
        // A layer that computes twice learns no more numbers for it.
        let learned = if seen.insert(name.to_owned()) { short(learned(name)) } else { "again".to_owned() };
        text += &format!(
            "{name:width$}  {:15}  {:>20}  {learned:>10}  {:>8}  {:>7}B  {:>10}  {:10}  {}\n",
            call.kind,
            format!("{:?}", &*call.output),
            short(flop),
            short(bytes),
            milliseconds(elapsed),
            bar(elapsed.as_secs_f64(), longest.as_secs_f64(), 10),
            algorithm(call)?,
        );
    }
    let all: u64 = parameters.iter().map(|(_, p)| p.numel() as u64).sum();
    let size: u64 = network.state_dict().tensors().map(|t| (t.numel() * t.dtype().size()) as u64).sum();
    text += &format!(
        "\nparameters  {} ({} in {} layers); the state dict takes {}B\nwork        {}FLOP\noutputs     {}B\n",
        short(all),
        all,
        seen.len(),
        short(size),
        short(work),
        short(memory),
    );
    let rest = total.saturating_sub(in_layers);
    text += &format!(
        "time        {}: {} in these layers, {} between them; {:.0} GFLOP/s\n",
        milliseconds(total),
        milliseconds(in_layers),
        milliseconds(rest),
        work as f64 / total.as_secs_f64().max(1e-9) / 1e9,
    );
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{options, parse};

    #[test]
    fn layers_are_counted() {
        let options: Options = options("lenet --input 2,1,32,32 --classes 10");
        let (name, network) = load(&options).expect("a network");
        let input = Tensor::ones(options.input.0.clone(), DType::F32).expect("an input");
        let (output, calls) = watch(|| network.forward(&input));
        output.expect("an output");
        assert_eq!(calls.len(), 5);
        // 2 images of 28 · 28 · 6 outputs of 25 products; 120 outputs of 400 products.
        assert_eq!(flops(&calls[0]), 2 * 2 * 28 * 28 * 6 * 25);
        assert_eq!(flops(&calls[2]), 2 * 2 * 120 * 400);
        assert_ne!(algorithm(&calls[0]).expect("an algorithm"), "");
        let runs = [Run { total: Duration::from_millis(5), calls }];
        let text = report(&name, &*network, &options.input, &runs).expect("a report");
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[3].starts_with("conv1  Conv2d") && lines[3].contains("[2, 6, 28, 28]"), "{text}");
        // (25 + 1) · 6 + (150 + 1) · 16 + (400 + 1) · 120 + (120 + 1) · 84 + (84 + 1) · 10.
        assert!(text.contains("61.7k (61706 in 5 layers)"), "{text}");
    }

    #[test]
    fn mistakes_are_told() {
        let error = match load(&options("resnet7")) {
            Ok(_) => panic!("there is no such network"),
            Err(error) => error,
        };
        assert!(error.message().starts_with("there is no network 'resnet7'; there are: alexnet, "));
        assert!(parse::<Options>(&[]).is_err());
        let error = run(&options("lenet --input 1,3,32,32")).expect_err("grey images");
        assert!(error.message().contains("to have 1 channels, but got 3 channels instead"), "{error}");
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(
            ["999", "1.0k", "2.5M", "4.10G"].map(str::to_owned),
            [999, 1_000, 2_500_000, 4_100_000_000].map(short)
        );
    }
}
