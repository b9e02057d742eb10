//! The `flambeau` command.

mod digits;
mod interrupt;
mod picture;
mod predict;
mod train;

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
writes are PyTorch's own: torch.load reads them.";

const EXAMPLES: &str = "Examples:
  flambeau train                          learn to read digits (a few seconds)
  flambeau train --epochs 30 --seed 7     longer, from another start
  flambeau predict digits.pt seven.png    read a digit from a picture";

#[derive(Subcommand)]
enum Command {
    /// Train a convolutional network on handwritten digits.
    Train(train::Options),
    /// Read digits from PNG pictures with a trained network.
    Predict(predict::Options),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Train(options) => train::run(&options),
        Command::Predict(options) => predict::run(&options),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
