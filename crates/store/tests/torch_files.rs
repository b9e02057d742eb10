//! `.pt` files made by PyTorch, hostile ones, and round trips.

use flambeau_store::{Value, load, torch};
use flambeau_tensor::{DType, Tensor};
use std::path::PathBuf;

type TestResult = Result<(), Box<dyn std::error::Error>>;

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/files").join(name)
}

#[test]
fn a_state_dict_of_pytorch_is_read_with_its_views() -> TestResult {
    let tensors = load(file("state_dict.pt"))?;
    let names: Vec<&str> = tensors.iter().map(|(n, _)| n.as_str()).collect();
    assert_eq!(names, ["w", "view", "b", "half", "flag"]);
    let get = |name: &str| &tensors.iter().find(|(n, _)| n == name).expect("a name seen above").1;
    assert_eq!(get("w").to_vec::<f32>()?, (0..12).map(|i| i as f32).collect::<Vec<_>>());
    assert_eq!(get("view").to_vec::<f32>()?, [4.0, 6.0, 8.0, 10.0]);
    assert_eq!(get("view").strides().as_slice(), [4, 2]);
    assert!(std::sync::Arc::ptr_eq(get("w").array().storage(), get("view").array().storage()));
    assert_eq!(get("b").to_vec::<i64>()?, [1, 2, 3]);
    assert_eq!(get("half").dtype(), DType::F16);
    assert_eq!(get("flag").dtype(), DType::Bool);
    Ok(())
}

#[test]
fn nested_values_are_read() -> TestResult {
    let value = torch::load(file("nested.pt"))?;
    assert!(matches!(value.get("epoch"), Some(Value::Int(3))));
    assert!(matches!(value.get("big"), Some(Value::Int(1099511627776))));
    assert!(matches!(value.get("lr"), Some(Value::Float(lr)) if *lr == 0.1));
    assert!(matches!(value.get("betas"), Some(Value::Tuple(t)) if t.len() == 2));
    assert!(matches!(value.get("dtype"), Some(Value::DType(d)) if d == "float32"));
    let tensors = value.into_state_dict()?;
    assert_eq!(tensors[0].0, "module.w");
    Ok(())
}

#[test]
fn code_is_refused_by_its_name() {
    let error = torch::load(file("hostile.pt")).expect_err("a file that names os.system");
    assert!(error.message().contains("GLOBAL posix.system"), "{error}");
}

#[test]
fn damaged_files_give_errors() -> TestResult {
    let whole = std::fs::read(file("nested.pt"))?;
    for length in (0..whole.len()).step_by(7) {
        assert!(torch::from_bytes(whole[..length].to_vec()).is_err(), "cut at {length}");
    }
    // Any single byte may be wrong: an error or a value, but no panic and no endless loop.
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x5a;
        drop(torch::from_bytes(bytes));
    }
    Ok(())
}

#[test]
fn what_is_written_is_read_again() -> TestResult {
    let folder = tempfile::tempdir()?;
    let w = Tensor::from_slice(&[1.5f32, -2.0, 3.25, 0.0], [2, 2])?;
    let n = Tensor::from_slice(&[7i64, -9], [2])?;
    for name in ["model.pt", "model.safetensors"] {
        let path = folder.path().join(name);
        flambeau_store::save(&path, [("layer.w", &w), ("n", &n)])?;
        let read = load(&path)?;
        assert_eq!(read.len(), 2, "{name}");
        for (key, tensor) in &read {
            let (expected, actual) = if key == "n" { (&n, tensor) } else { (&w, tensor) };
            assert_eq!(expected.to_bytes()?, actual.to_bytes()?, "{name} {key}");
            assert_eq!(expected.shape(), actual.shape());
        }
    }
    let nested = Value::Dict(vec![
        (
            Value::Str("a".into()),
            Value::List(vec![Value::Int(-5), Value::Int(1 << 50), Value::None, Value::Bool(true)]),
        ),
        (
            Value::Str("b".into()),
            Value::Tuple(vec![Value::Float(0.5), Value::Bytes(vec![1, 2]), Value::Tensor(w.clone())]),
        ),
    ]);
    let read = torch::from_bytes(torch::to_bytes(&nested)?)?;
    let shown = format!("{read:?}");
    assert_eq!(shown, format!("{nested:?}"));
    Ok(())
}

#[test]
fn a_failed_write_leaves_the_old_file() -> TestResult {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("model.pt");
    std::fs::write(&path, b"old")?;
    let failed = flambeau_store::write_atomically(&path, |file| {
        file.write_all(b"half of the new").map_err(|e| flambeau_tensor::Error::file(e.to_string()))?;
        Err(flambeau_tensor::Error::file("the disk is full"))
    });
    assert!(failed.is_err());
    assert_eq!(std::fs::read(&path)?, b"old");
    assert_eq!(std::fs::read_dir(folder.path())?.count(), 1, "the temporary file is gone");
    Ok(())
}
