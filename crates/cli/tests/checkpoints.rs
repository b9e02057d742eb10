//! `flambeau inspect` and `flambeau convert`, as they are called.

use flambeau::store::{OrderedDict, Value, load, save, torch};
use flambeau::{DType, Tensor};
use std::path::Path;
use std::process::{Command, Output};

type TestResult = Result<(), Box<dyn std::error::Error>>;

fn flambeau(arguments: &[&str], folder: &Path) -> std::io::Result<Output> {
    Command::new(env!("CARGO_BIN_EXE_flambeau")).args(arguments).current_dir(folder).output()
}

fn printed(arguments: &[&str], folder: &Path) -> Result<String, Box<dyn std::error::Error>> {
    let output = flambeau(arguments, folder)?;
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

fn complaint(arguments: &[&str], folder: &Path) -> Result<String, Box<dyn std::error::Error>> {
    let output = flambeau(arguments, folder)?;
    assert!(!output.status.success(), "{arguments:?} is a mistake");
    Ok(String::from_utf8(output.stderr)?)
}

/// A checkpoint of a training: a network from DataParallel whose bias is a part of its weight.
fn training(path: &Path) -> TestResult {
    let weight = Tensor::from_slice(&[0f32, 1.0, 2.0, 3.0, 4.0, 5.0], [2, 3])?;
    let bias = weight.select(1, 1)?;
    let entry = |name: &str, value: Value| (Value::Str(name.to_owned()), value);
    let state = OrderedDict {
        entries: vec![
            entry("module.weight", Value::Tensor(weight)),
            entry("module.bias", Value::Tensor(bias)),
            entry("module.steps", Value::Tensor(Tensor::from_slice(&[7i64], [1])?)),
        ],
        attributes: Vec::new(),
    };
    let value = Value::Dict(vec![
        entry("epoch", Value::Int(12)),
        entry("state_dict", Value::OrderedDict(Box::new(state))),
        entry("momentum", Value::List(vec![Value::Tensor(Tensor::zeros([3], DType::F64)?)])),
    ]);
    Ok(torch::save(path, &value)?)
}

#[test]
fn inspect_tells_what_is_there() -> TestResult {
    let folder = tempfile::tempdir()?;
    training(&folder.path().join("training.pt"))?;
    let text = printed(&["inspect", "training.pt"], folder.path())?;
    for part in [
        "training.pt: PyTorch, ",
        "4 tensors, 2 of float32 (32 B), 1 of float64 (24 B), 1 of int64 (8 B)",
        "elements   10",
        "state_dict.module.weight  float32         24 B  [2, 3], storage 0",
        "state_dict.module.bias    float32          8 B  [2], strides [3], storage 0",
        "momentum.0                float64         24 B  [3]",
        "storage 0: state_dict.module.weight, state_dict.module.bias",
        "epoch: 12",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    let summary = printed(&["inspect", "training.pt", "--summary"], folder.path())?;
    assert!(!summary.contains("[2, 3]") && summary.contains("elements"), "{summary}");
    let json: serde_json::Value =
        serde_json::from_str(&printed(&["inspect", "training.pt", "--json"], folder.path())?)?;
    assert_eq!(json["tensors"][1]["strides"], serde_json::json!([3]));
    assert_eq!(json["metadata"]["epoch"], "12");
    assert_eq!(json["elements"], 10);
    assert_eq!(json["shared_storages"][0][1], "state_dict.module.bias");
    Ok(())
}

#[test]
fn convert_goes_round() -> TestResult {
    let folder = tempfile::tempdir()?;
    let at = |name: &str| folder.path().join(name);
    training(&at("training.pt"))?;
    printed(&["convert", "training.pt", "legacy.pt", "--legacy"], folder.path())?;
    assert_eq!(format!("{:?}", torch::load(at("legacy.pt"))?), format!("{:?}", torch::load(at("training.pt"))?));
    let output = flambeau(&["convert", "legacy.pt", "a.safetensors", "--strip-prefix", "module."], folder.path())?;
    let notes = String::from_utf8(output.stderr)?;
    assert!(notes.contains("left out are 1 other tensors and 1 other values"), "{notes}");
    assert!(notes.contains("state_dict.module.weight, state_dict.module.bias share memory"), "{notes}");
    assert_eq!(String::from_utf8(output.stdout)?.split(", ").next(), Some("a.safetensors: safetensors"));
    printed(&["convert", "a.safetensors", "b.npz"], folder.path())?;
    printed(&["convert", "b.npz", "c.pth"], folder.path())?;
    let (first, last) = (load(at("training.pt"))?, load(at("c.pth"))?);
    assert_eq!(last.len(), 3);
    for (name, tensor) in first {
        let name = name.trim_start_matches("module.");
        let (_, found) = last.iter().find(|(n, _)| n == name).ok_or("a name")?;
        assert_eq!(found.to_bytes()?, tensor.to_bytes()?, "{name}");
    }
    // Onto itself, in half the size.
    printed(&["convert", "c.pth", "c.pth", "--dtype", "float16"], folder.path())?;
    let halves = load(at("c.pth"))?;
    assert!(halves.iter().all(|(name, t)| t.dtype() == if name == "steps" { DType::I64 } else { DType::F16 }));
    Ok(())
}

#[test]
fn mistakes_are_explained() -> TestResult {
    let folder = tempfile::tempdir()?;
    let path = folder.path();
    save(path.join("half.pt"), [("h", &Tensor::zeros([2], DType::BF16)?), ("g", &Tensor::zeros([1], DType::F32)?)])?;
    std::fs::write(path.join("text.pt"), "hello")?;
    for (arguments, words) in [
        (&["inspect", "none.pt"][..], "none.pt: No such file"),
        (&["inspect", "text.pt"], "neither PyTorch's, safetensors nor NumPy's format"),
        (&["convert", "half.pt", "half.xyz"], "ends in .safetensors, .pt, .pth, .bin or .npz"),
        (&["convert", "half.pt", "half.npz"], "tensor \"h\": NumPy has no bfloat16"),
        (&["convert", "half.pt", "half.npy"], "holds 2 tensors and a .npy file holds one"),
        (&["convert", "half.pt", "half.npz", "--legacy"], "--legacy is a format of .pt"),
        (&["convert", "text.pt", "text.npz"], "no checkpoint"),
    ] {
        let message = complaint(arguments, path)?;
        assert!(message.starts_with("error: ") && message.contains(words), "{arguments:?}: {message}");
    }
    assert!(!path.join("half.npz").exists());
    Ok(())
}
