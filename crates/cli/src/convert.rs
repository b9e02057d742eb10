//! `flambeau convert`.

use crate::inspect::{description, is_model};
use clap::ValueEnum;
use flambeau::onnx;
use flambeau::store::{Description, Format, LoadOptions, NamedTensors, Value, describe, load_with};
use flambeau::store::{npy, safetensors, save, torch};
use flambeau::{DType, Error, Result, Tensor};
use flambeau_kernels::units;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub const ABOUT: &str = "\
Write a checkpoint in another format.

The format of A is told by its content, that of B by its name:

  .pt .pth .bin   PyTorch's archives; with --legacy its format before version 1.6
  .safetensors    safetensors
  .npz            NumPy's archives, and .npy for a single tensor

A `.pt` file can hold more than tensors. From one `.pt` file to another everything
is kept: nested containers, optimisers' states, shared storages. The other formats
hold named tensors alone: they get the state dict (the file's own, or the one
under `state_dict`, `model_state_dict` or `model`), and what is left out is said.

Of an ONNX model, the weights are written: what `flambeau inspect` lists. Models are
not written here; `flambeau.onnx.export` does, from Python.

A is mapped and B is written beside its destination and renamed when it is whole:
neither takes memory for all tensors, and an interruption leaves an old B as it
was. B may be A.";

pub const EXAMPLES: &str = "Examples:
  flambeau convert resnet50.pth resnet50.safetensors
  flambeau convert model.safetensors.index.json model.pt      several files into one
  flambeau convert resnet50.onnx resnet50.safetensors         the weights of a model
  flambeau convert new.pt old.pt --legacy                     for PyTorch before 1.6
  flambeau convert ddp.pt model.pt --strip-prefix module.     out of DataParallel
  flambeau convert model.pt half.safetensors --dtype float16  half the size";

/// A floating-point type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Floating {
    Float16,
    Bfloat16,
    Float32,
    Float64,
}

/// Options of `flambeau convert`.
#[derive(clap::Args)]
pub struct Options {
    /// The file to read.
    #[arg(value_name = "A")]
    from: PathBuf,
    /// The file to write.
    #[arg(value_name = "B")]
    to: PathBuf,
    /// Write PyTorch's format before version 1.6.
    #[arg(long)]
    legacy: bool,
    /// Take this prefix off the names that have it.
    #[arg(long, value_name = "PREFIX")]
    strip_prefix: Option<String>,
    /// Convert floating-point tensors to this type.
    #[arg(long, value_enum)]
    dtype: Option<Floating>,
}

/// Reads A, writes B, and says what B is and what it lacks.
pub fn run(options: &Options) -> Result<ExitCode> {
    let (from, to) = (&options.from, &options.to);
    let ending = to.extension().and_then(|ending| ending.to_str()).unwrap_or("");
    let to_torch = matches!(ending, "pt" | "pth" | "bin");
    if options.legacy && !to_torch {
        return Err(Error::value(format!(
            "--legacy is a format of .pt, .pth and .bin files; {} is none",
            to.display()
        )));
    }
    let source = description(from)?;
    let nested = matches!(source.format, Format::Torch | Format::TorchLegacy);
    let mapped = LoadOptions { mmap: true };
    if nested && to_torch {
        let value = change(torch::load_with(from, &mapped)?, options)?;
        if options.legacy { torch::save_legacy(to, &value)? } else { torch::save(to, &value)? }
    } else {
        let weights = if is_model(from) { onnx::initializers(from)? } else { load_with(from, &mapped)? };
        let tensors = renamed(weights, options)?;
        let named = || tensors.iter().map(|(name, tensor)| (name.as_str(), tensor));
        match ending {
            "safetensors" => safetensors::save_with_metadata(to, named(), &texts(from, &source)?)?,
            "npy" => match &tensors[..] {
                [(_, tensor)] => npy::save(to, tensor)?,
                _ => {
                    return Err(Error::value(format!(
                        "{} holds {} tensors and a .npy file holds one: write a .npz file",
                        from.display(),
                        tensors.len()
                    )));
                }
            },
            _ if options.legacy => torch::save_legacy(to, &Value::state_dict(named()))?,
            _ => save(to, named())?,
        }
        tell_losses(&source, &tensors, nested);
    }
    let written = describe(to)?;
    println!(
        "{}: {}, {} tensors, {}",
        to.display(),
        written.format.name(),
        written.tensors.len(),
        units::memory(usize::try_from(written.file_bytes).unwrap_or(usize::MAX))
    );
    Ok(ExitCode::SUCCESS)
}

/// Texts for a safetensors file: those of the file that was read, and what other programs look
/// for, which is where the tensors' names come from.
fn texts(from: &Path, source: &Description) -> Result<Vec<(String, String)>> {
    let mut texts = if source.format == Format::Safetensors { safetensors::metadata(from)? } else { Vec::new() };
    if !texts.iter().any(|(key, _)| key == "format") {
        texts.push(("format".to_owned(), "pt".to_owned()));
    }
    Ok(texts)
}

/// Says what the new file has no place for.
fn tell_losses(source: &Description, tensors: &NamedTensors, nested: bool) {
    let others = source.tensors.len().saturating_sub(tensors.len());
    let facts = source.metadata.len();
    if nested && (others > 0 || facts > 0) {
        eprintln!("note: only the state dict is written; left out are {others} other tensors and {facts} other values");
    }
    let mut storages: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for tensor in &source.tensors {
        storages.entry(tensor.placed.storage).or_default().push(&tensor.name);
    }
    for names in storages.values().filter(|names| names.len() > 1).take(8) {
        eprintln!("note: {} share memory; the new file has a copy of each", names.join(", "));
    }
}

fn cast(tensor: &Tensor, options: &Options) -> Result<Tensor> {
    match options.dtype {
        Some(dtype) if tensor.dtype().is_floating_point() => tensor.detach().to_dtype(match dtype {
            Floating::Float16 => DType::F16,
            Floating::Bfloat16 => DType::BF16,
            Floating::Float32 => DType::F32,
            Floating::Float64 => DType::F64,
        }),
        _ => Ok(tensor.detach()),
    }
}

fn stripped(name: &str, options: &Options) -> String {
    let prefix = options.strip_prefix.as_deref().unwrap_or("");
    name.strip_prefix(prefix).unwrap_or(name).to_owned()
}

fn renamed(tensors: NamedTensors, options: &Options) -> Result<NamedTensors> {
    tensors.iter().map(|(name, tensor)| Ok((stripped(name, options), cast(tensor, options)?))).collect()
}

/// A value whose tensors are cast, and whose dicts of tensors have other names.
fn change(value: Value, options: &Options) -> Result<Value> {
    if options.dtype.is_none() && options.strip_prefix.is_none() {
        return Ok(value);
    }
    let all = |values: Vec<Value>| values.into_iter().map(|value| change(value, options)).collect::<Result<_>>();
    let entries = |entries: Vec<(Value, Value)>| -> Result<Vec<(Value, Value)>> {
        let changed = entries.into_iter().map(|(key, value)| {
            let tensor = matches!(value, Value::Tensor(_) | Value::Parameter(_));
            let key = match key {
                Value::Str(name) if tensor => Value::Str(stripped(&name, options)),
                other => other,
            };
            Ok((key, change(value, options)?))
        });
        changed.collect()
    };
    Ok(match value {
        Value::List(items) => Value::List(all(items)?),
        Value::Tuple(items) => Value::Tuple(all(items)?),
        Value::Dict(dict) => Value::Dict(entries(dict)?),
        Value::OrderedDict(mut dict) => {
            dict.entries = entries(dict.entries)?;
            Value::OrderedDict(dict)
        }
        Value::Tensor(tensor) => Value::Tensor(cast(&tensor, options)?),
        Value::Parameter(parameter) => {
            let data = cast(&parameter, options)?;
            Value::Parameter(data.requires_grad_(parameter.requires_grad())?)
        }
        other => other,
    })
}
