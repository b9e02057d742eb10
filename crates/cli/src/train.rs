//! `flambeau train`.

use crate::digits::DigitNet;
use crate::interrupt;
use crate::numbers::positive;
use flambeau::autograd::no_grad;
use flambeau::data::{DataLoader, Dataset, TensorDataset, digits};
use flambeau::prelude::*;
use indicatif::{ProgressBar, ProgressStyle};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Options of `flambeau train`.
#[derive(clap::Args)]
pub struct Options {
    /// Passes over the training images.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..))]
    epochs: u32,
    /// Images in a batch.
    #[arg(long, default_value_t = 32, value_parser = positive)]
    batch_size: usize,
    /// Adam's learning rate at the start; it falls to zero along a cosine.
    #[arg(long, default_value_t = 4e-3, value_parser = learning_rate)]
    lr: f64,
    /// Seed of the initial weights and of the order of the images.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Threads that compute [default: all cores].
    #[arg(long, value_parser = positive)]
    threads: Option<usize>,
    /// Where the model goes: NAME.safetensors and NAME.pt.
    #[arg(long, value_name = "NAME", default_value = "digits")]
    out: PathBuf,
}

fn learning_rate(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|lr: &f64| lr.is_finite() && *lr > 0.0)
        .ok_or_else(|| "a number above zero is needed".to_owned())
}

/// What one epoch came to.
struct Epoch {
    loss: f64,
    accuracy: f64,
    time: Duration,
}

/// Trains, tests and saves.
pub fn run(options: &Options) -> Result<ExitCode> {
    interrupt::listen()?;
    if let Some(threads) = options.threads {
        flambeau::set_num_threads(threads);
    }
    let paths = ["safetensors", "pt"].map(|ending| PathBuf::from(format!("{}.{ending}", options.out.display())));
    flambeau::manual_seed(options.seed);
    let (train, test) = (digits::train()?, digits::test()?);
    let images = train.len();
    let net = DigitNet::new()?;
    println!(
        "{images} images to learn from, {} to test with; {} parameters; {} thread(s)",
        test.len(),
        net.num_parameters(),
        flambeau::get_num_threads()
    );
    let loader = DataLoader::builder(train).batch_size(options.batch_size).shuffle(true).build()?;
    let mut optimizer = Adam::builder(net.parameters()).lr(options.lr).build()?;
    let steps = loader.len() as f64 * f64::from(options.epochs);
    println!("{:>5}  {:>8}  {:>8}  {:>8}  {:>9}", "epoch", "loss", "accuracy", "time", "images/s");

    let start = Instant::now();
    let mut step = 0u64;
    for number in 1..=options.epochs {
        let bar = bar(loader.len() as u64, number, options.epochs);
        let began = Instant::now();
        let mut total = 0.0;
        net.train(true);
        for batch in loader.iter()? {
            if interrupt::asked() {
                bar.finish_and_clear();
                eprintln!("interrupted: no file was written");
                return Ok(ExitCode::from(130));
            }
            let (input, target) = batch?;
            let progress = step as f64 / steps;
            optimizer.set_learning_rate(options.lr * 0.5 * (1.0 + (std::f64::consts::PI * progress).cos()));
            optimizer.zero_grad();
            let loss = functional::cross_entropy(&net.forward(&input)?, &target)?;
            loss.backward()?;
            optimizer.step()?;
            total += loss.item()?.to_f64() * input.shape()[0] as f64;
            step += 1;
            bar.inc(1);
        }
        bar.finish_and_clear();
        let time = began.elapsed();
        let epoch = Epoch { loss: total / images as f64, accuracy: accuracy(&net, &test)?, time };
        println!(
            "{number:>5}  {:>8.4}  {:>7.2}%  {:>7.2}s  {:>9.0}",
            epoch.loss,
            100.0 * epoch.accuracy,
            epoch.time.as_secs_f64(),
            images as f64 / epoch.time.as_secs_f64()
        );
    }
    println!(
        "trained in {:.1} s; test accuracy {:.2} %",
        start.elapsed().as_secs_f64(),
        100.0 * accuracy(&net, &test)?
    );
    let state = net.state_dict();
    for path in &paths {
        flambeau::store::save(path, state.iter())?;
        println!("wrote {}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// The share of a dataset's images that the network reads right.
fn accuracy(net: &DigitNet, dataset: &TensorDataset) -> Result<f64> {
    net.eval();
    no_grad(|| {
        let scores = net.forward(dataset.inputs())?.to_vec::<f32>()?;
        let best = |row: &[f32]| (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap_or(0);
        let predicted = scores.chunks_exact(digits::CLASSES).map(best);
        let labels = dataset.targets().to_vec::<i64>()?;
        let right = predicted.zip(&labels).filter(|&(p, &l)| p as i64 == l).count();
        Ok(right as f64 / labels.len().max(1) as f64)
    })
}

fn bar(batches: u64, epoch: u32, epochs: u32) -> ProgressBar {
    let bar = ProgressBar::new(batches);
    // The template is a constant with known keys; a wrong one would only cost the bar its looks.
    if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} batches, {eta} left") {
        bar.set_style(style);
    }
    bar.set_message(format!("epoch {epoch}/{epochs}"));
    bar
}
