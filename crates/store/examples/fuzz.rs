//! Long runs of the fuzzer: `cargo run --release -p flambeau-store --example fuzz -- torch 600 1`
//! tries changed files on the parser of PyTorch's archives for 600 seconds, from seed 1.
//! An input that takes more than a second of the processor's time counts as a failure.

#[path = "../tests/fuzzing/mod.rs"]
mod fuzzing;

use fuzzing::{Fuzzer, TARGETS};
use std::process::ExitCode;
use std::time::{Duration, Instant};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (target, seconds, seed) = match &arguments[..] {
        [target, seconds] => (target, seconds.parse(), Ok(1)),
        [target, seconds, seed] => (target, seconds.parse(), seed.parse()),
        _ => {
            eprintln!("usage: fuzz TARGET SECONDS [SEED], with a target of {}", TARGETS.join(", "));
            return ExitCode::FAILURE;
        }
    };
    let (Ok(seconds), Ok(seed)) = (seconds, seed) else {
        eprintln!("seconds and seed are whole numbers");
        return ExitCode::FAILURE;
    };
    let mut fuzzer = match Fuzzer::new(target, Duration::from_secs(1)) {
        Ok(fuzzer) => fuzzer,
        Err(error) => {
            eprintln!("the corpus of {target:?}: {error}");
            return ExitCode::FAILURE;
        }
    };
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(seconds) {
        fuzzer.step(seed);
    }
    let figures = &fuzzer.figures;
    println!(
        "{target}: {} inputs in {} s, {} of them read, {} different outcomes, slowest {:.0} ms, memory at most {:.1} MiB",
        figures.inputs,
        start.elapsed().as_secs(),
        figures.read,
        figures.outcomes,
        figures.slowest.as_secs_f64() * 1e3,
        figures.memory as f64 / f64::from(1 << 20),
    );
    ExitCode::SUCCESS
}
