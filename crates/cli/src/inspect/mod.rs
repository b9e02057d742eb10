//! `flambeau inspect`.

mod architecture;
mod json;
mod text;

use crate::numbers;
use flambeau::Result;
use flambeau::onnx;
use flambeau::store::{Description, Format, describe};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub const ABOUT: &str = "\
Show what is in a checkpoint or an ONNX model: tensors with their shapes, dtypes and
sizes, shared storages, metadata, and which network it looks like.

The format is told by the content, whatever the name is:

  .pt .pth .bin      PyTorch's archives, and its format before version 1.6
  .safetensors       safetensors
  .index.json        the index of a checkpoint in several files
  .npy .npz          NumPy's arrays
  .onnx              ONNX models: inputs, outputs and operators, too

The file is mapped, and the numbers in it are not read: a file of many gigabytes
takes a few milliseconds. Nothing in it is executed either; what a pickle names
beyond tensors and plain data is refused by its name.

What you see:

  file       its format and size, and the number of tensors
  looks like a network whose parameters have these names and shapes. It is a
             guess: names and shapes do not tell all
  elements   of all tensors together, those of a shared storage once
  tensors    one on a line. `storage 3` behind tensors says that they share
             memory; strides are shown where they are not the usual ones
  also holds what is no tensor: numbers, strings, texts of a safetensors file";

pub const EXAMPLES: &str = "Examples:
  flambeau inspect resnet50.pth                   everything
  flambeau inspect resnet50.pth --summary         without the list of tensors
  flambeau inspect model.safetensors --json       for programs
  flambeau inspect resnet50.onnx --summary        what goes in and out, and operators
  flambeau inspect model.safetensors.index.json   all files of the checkpoint";

/// Options of `flambeau inspect`.
#[derive(clap::Args)]
pub struct Options {
    /// The file.
    file: PathBuf,
    /// Leave the list of tensors out.
    #[arg(long)]
    summary: bool,
    /// Print JSON: every tensor with its name, shape, strides, dtype, size and storage.
    #[arg(long, conflicts_with = "summary")]
    json: bool,
}

/// Prints what is in the file.
pub fn run(options: &Options) -> Result<ExitCode> {
    let description = description(&options.file)?;
    let guess = architecture::guess(&description.tensors);
    let text = if options.json {
        json::report(&description, guess.as_deref())
    } else {
        text::report(&options.file.display().to_string(), &description, guess.as_deref(), !options.summary)
    };
    numbers::print(&mut std::io::stdout().lock(), &text)?;
    Ok(ExitCode::SUCCESS)
}

/// What is in a checkpoint or a model.
pub fn description(file: &Path) -> Result<Description> {
    if is_model(file) { Ok(onnx::summary(file)?.describe()) } else { describe(file) }
}

/// Whether a file is an ONNX model: by its first bytes, or by its name where they tell nothing.
pub fn is_model(file: &Path) -> bool {
    let mut start = Vec::new();
    // What cannot be read is said by whoever reads it next.
    let read = std::fs::File::open(file).and_then(|file| file.take(64).read_to_end(&mut start));
    match read.ok().and_then(|_| Format::of(&start)) {
        Some(format) => format == Format::Onnx,
        None => file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("onnx")),
    }
}

/// The tensors that share a storage with another one, by the storage's number.
fn shared(description: &Description) -> std::collections::BTreeMap<usize, Vec<&str>> {
    let mut storages: std::collections::BTreeMap<usize, Vec<&str>> = std::collections::BTreeMap::new();
    for tensor in &description.tensors {
        storages.entry(tensor.placed.storage).or_default().push(&tensor.name);
    }
    storages.retain(|_, names| names.len() > 1);
    storages
}
