//! The `flambeau` command.

mod bars;
mod bench;
mod classify;
mod convert;
mod detect;
mod digits;
mod eval;
mod explain;
mod features;
mod inspect;
mod interrupt;
mod numbers;
mod picture;
mod predict;
mod report;
mod summary;
mod svg;
#[cfg(test)]
mod testing;
mod train;
mod weights;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Convolutional networks on the CPU, without PyTorch.
#[derive(Parser)]
#[command(name = "flambeau", version, about, long_about = ABOUT, after_help = EXAMPLES, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const ABOUT: &str = "Convolutional networks on the CPU, without PyTorch.

flambeau is PyTorch's Conv2d system in Rust. This command shows it at work: it trains a network of two convolutions \
on handwritten digits that are part of the program, and reads digits from pictures with it. The checkpoints that it \
writes are PyTorch's own: torch.load reads them. And it shows how it works: what a convolution does, by which \
algorithm, how fast it is on this machine and how fast it could be.";

const EXAMPLES: &str = "Examples:
  flambeau train                          learn to read digits (a few seconds)
  flambeau train --data fashion-mnist     or what clothes look like
  flambeau eval runs/fashion-mnist        how well it does, class by class
  flambeau predict digits.pt seven.png    read a digit from a picture
  flambeau predict runs/flowers rose.jpg  say which flower it is
  flambeau explain conv2d --input 1,64,56,56 --weight 128,64,3,3 --stride 2 --padding 1
                                          how a convolution is done, and how fast
  flambeau bench --only resnet50          time the layers of a well-known network
  flambeau inspect resnet50.pth           show what is in a checkpoint
  flambeau convert a.pt b.safetensors     write it in another format
  flambeau summary resnet50               its layers: shapes, parameters, work, time
  flambeau report runs/a runs/b           compare training runs on one page
  flambeau classify --weights W cat.jpg   say what a photograph shows
  flambeau features --weights W --layer conv1 cat.jpg -o maps.png
                                          and what a layer makes of it";

#[derive(Subcommand)]
enum Command {
    /// Train a network on handwritten digits, published sets of images, or your own pictures.
    #[command(long_about = train::ABOUT, after_help = train::EXAMPLES)]
    Train(Box<train::Command>),
    /// Say how well a trained network tells images apart.
    #[command(long_about = eval::ABOUT, after_help = eval::EXAMPLES)]
    Eval(eval::Options),
    /// Say what pictures show, with a network that was trained here.
    #[command(long_about = predict::ABOUT, after_help = predict::EXAMPLES)]
    Predict(predict::Options),
    /// Show how a convolution is done: work, algorithm, speed against this machine's limits, and a picture.
    #[command(long_about = explain::ABOUT, after_help = explain::EXAMPLES)]
    Explain(Box<explain::Options>),
    /// Time the convolution layers of well-known networks.
    #[command(long_about = bench::ABOUT, after_help = bench::EXAMPLES)]
    Bench(bench::Options),
    /// Show what is in a checkpoint: names, shapes, dtypes, sizes, which network it looks like.
    #[command(long_about = inspect::ABOUT, after_help = inspect::EXAMPLES)]
    Inspect(inspect::Options),
    /// Write a checkpoint in another format: PyTorch's, safetensors, NumPy's.
    #[command(long_about = convert::ABOUT, after_help = convert::EXAMPLES)]
    Convert(convert::Options),
    /// Show the layers of a network: shapes, parameters, work, memory, time, algorithm.
    #[command(long_about = summary::ABOUT, after_help = summary::EXAMPLES)]
    Summary(summary::Options),
    /// Say what photographs show, with a trained network.
    #[command(long_about = classify::ABOUT, after_help = classify::EXAMPLES)]
    Classify(classify::Options),
    /// Show what a layer of a trained network makes of a photograph.
    #[command(long_about = features::ABOUT, after_help = features::EXAMPLES)]
    Features(features::Options),
    /// Find faces in a photograph, and draw boxes around them.
    #[command(long_about = detect::ABOUT, after_help = detect::EXAMPLES)]
    Detect(detect::Options),
    /// Write the report of a training run again, or compare several runs on one page.
    #[command(long_about = report::ABOUT, after_help = report::EXAMPLES)]
    Report(report::Options),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Train(options) => train::run(&options),
        Command::Eval(options) => eval::run(&options),
        Command::Predict(options) => predict::run(&options),
        Command::Explain(options) => explain::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Inspect(options) => inspect::run(&options),
        Command::Convert(options) => convert::run(&options),
        Command::Summary(options) => summary::run(&options),
        Command::Classify(options) => classify::run(&options),
        Command::Features(options) => features::run(&options),
        Command::Detect(options) => detect::run(&options),
        Command::Report(options) => report::run(&options),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
