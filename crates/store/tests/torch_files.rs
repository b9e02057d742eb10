//! `.pt` files of both formats made by PyTorch, hostile ones, and round trips.

use flambeau_store::{LoadOptions, OrderedDict, Value, load, load_with, torch};
use flambeau_tensor::{DType, Tensor};
use std::path::PathBuf;
use std::sync::Arc;

type TestResult = Result<(), Box<dyn std::error::Error>>;

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/files").join(name)
}

fn corpus(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(name)
}

#[test]
fn a_state_dict_of_pytorch_is_read_with_its_views() -> TestResult {
    for name in ["torch/state_dict.pt", "legacy/state_dict.pt"] {
        for mmap in [false, true] {
            let tensors = load_with(corpus(name), &LoadOptions { mmap })?;
            let names: Vec<&str> = tensors.iter().map(|(n, _)| n.as_str()).collect();
            assert_eq!(names, ["w", "view", "n"], "{name}");
            let (w, view) = (&tensors[0].1, &tensors[1].1);
            assert_eq!(w.to_vec::<f32>()?, (0..12).map(|i| i as f32).collect::<Vec<_>>());
            assert_eq!(view.to_vec::<f32>()?, [4.0, 6.0, 8.0, 10.0]);
            assert_eq!(view.strides().as_slice(), [4, 2]);
            assert!(Arc::ptr_eq(w.array().storage(), view.array().storage()), "{name}");
            assert_eq!(tensors[2].1.to_vec::<i64>()?, [1, -2, 3]);
            // What is written to one is seen in the other, and not in the file.
            w.fill_(9.0)?;
            assert_eq!(view.to_vec::<f32>()?, [9.0; 4]);
            assert_eq!(load(corpus(name))?[1].1.to_vec::<f32>()?, [4.0, 6.0, 8.0, 10.0]);
        }
    }
    Ok(())
}

#[test]
fn every_real_dtype_is_read() -> TestResult {
    let real = DType::ALL.iter().filter(|dtype| !dtype.is_complex()).count();
    for name in ["torch/dtypes.pt", "legacy/dtypes.pt", "safetensors/dtypes.safetensors"] {
        for mmap in [false, true] {
            let tensors = load_with(corpus(name), &LoadOptions { mmap })?;
            assert_eq!(tensors.len(), real, "{name}");
            for (key, tensor) in tensors {
                assert_eq!(tensor.dtype().name(), key, "{name}");
                let numbers = tensor.to_dtype(DType::F64)?.to_vec::<f64>()?;
                assert_eq!(numbers, [0.0, 1.0, 1.0, 0.0, 1.0], "{name} {key}");
            }
        }
    }
    Ok(())
}

#[test]
fn other_archives_are_read() -> TestResult {
    for name in ["torch/big_endian.pt", "torch/deflated.pt", "torch/no_checksums.pt"] {
        for mmap in [false, true] {
            let tensors = load_with(corpus(name), &LoadOptions { mmap })?;
            assert_eq!(tensors[0].1.to_vec::<f32>()?, [0.0, 1.0, 2.0, 3.0], "{name}");
        }
    }
    Ok(())
}

#[test]
fn nested_values_are_read() -> TestResult {
    for name in ["torch/nested.pt", "legacy/nested.pt"] {
        let value = torch::load(corpus(name))?;
        let get = |key: &str| value.get(key).unwrap_or_else(|| panic!("{name} lacks {key}"));
        assert!(matches!(get("epoch"), Value::Int(3)));
        let mut big = vec![0; 12];
        big.push(0x10);
        assert!(matches!(get("big"), Value::BigInt(bytes) if *bytes == big));
        assert!(matches!(get("negative"), Value::Int(n) if *n == -(1 << 40)));
        assert!(matches!(get("complex"), Value::Complex(1.0, -2.0)));
        assert!(matches!(get("none"), Value::None));
        assert!(matches!(get("flag"), Value::Bool(true)));
        assert!(matches!(get("size"), Value::Size(sizes) if *sizes == [2, 3]));
        assert!(matches!(get("dtype"), Value::DType(name) if name == "float16"));
        assert!(matches!(get("device"), Value::Device(name) if name == "cpu"));
        assert!(matches!(get("list"), Value::List(items) if items.len() == 3));
        assert!(matches!(get("set"), Value::Set(items) if items.len() == 1));
        let Value::Tuple(tuple) = get("tuple") else { panic!("{name}: a tuple") };
        assert!(matches!(&tuple[2], Value::Str(text) if text == "three"));
        assert!(matches!(&tuple[3], Value::Bytes(bytes) if *bytes == [0, 0xff]));
        let Value::Parameter(parameter) = get("parameter") else { panic!("{name}: a parameter") };
        assert!(parameter.requires_grad());
        // One step of SGD from ones, with a learning rate of a half.
        assert_eq!(parameter.to_vec::<f32>()?, [0.5; 4]);
        let state = get("optimizer").get("state").and_then(|state| state.entries().map(<[_]>::to_vec));
        let momentum = state.and_then(|state| state[0].1.get("momentum_buffer").cloned());
        assert!(matches!(momentum, Some(Value::Tensor(t)) if t.to_vec::<f32>()? == [1.0; 4]));
        assert!(matches!(get("scalar"), Value::Tensor(t) if t.shape().is_empty()));
        assert!(matches!(get("empty"), Value::Tensor(t) if t.shape() == [0, 3]));
    }
    Ok(())
}

#[test]
fn a_state_dict_inside_is_found() -> TestResult {
    let tensors = load(file("nested.pt"))?;
    assert_eq!(tensors[0].0, "module.w");
    Ok(())
}

#[test]
fn code_is_refused_by_its_name() {
    let error = torch::load(file("hostile.pt")).expect_err("a file that names os.system");
    assert!(error.message().contains("unsupported GLOBAL posix.system whose module posix is blocked"), "{error}");
}

#[test]
fn what_is_written_is_read_again() -> TestResult {
    let w = Tensor::from_slice(&[1.5f32, -2.0, 3.25, 0.0], [2, 2])?;
    let nested = Value::Dict(vec![
        (
            Value::Str("a".into()),
            Value::List(vec![Value::Int(-5), Value::Int(1 << 50), Value::None, Value::Bool(true)]),
        ),
        (
            Value::Str("b".into()),
            Value::Tuple(vec![Value::Float(0.5), Value::Bytes(vec![1, 200]), Value::Tensor(w.clone())]),
        ),
        (Value::Int(3), Value::Set(vec![Value::Complex(1.0, -0.5), Value::Size(vec![1, 2])])),
        (Value::Str("big".into()), Value::BigInt(vec![0x7f; 300])),
        (Value::Str("types".into()), Value::Tuple(vec![Value::DType("int8".into()), Value::Device("cpu".into())])),
        (
            Value::Str("state".into()),
            Value::OrderedDict(Box::new(OrderedDict {
                entries: vec![(Value::Str("w".into()), Value::Parameter(w.detach().requires_grad_(true)?))],
                attributes: vec![(Value::Str("_metadata".into()), Value::Dict(Vec::new()))],
            })),
        ),
    ]);
    for bytes in [torch::to_bytes(&nested)?, torch::to_legacy_bytes(&nested)?] {
        assert_eq!(format!("{:?}", torch::from_bytes(bytes)?), format!("{nested:?}"));
    }
    Ok(())
}

#[test]
fn shared_storages_stay_shared() -> TestResult {
    let w = Tensor::from_slice(&[0f32, 1.0, 2.0, 3.0, 4.0, 5.0], [2, 3])?;
    let column = w.select(1, 1)?;
    let state = Value::state_dict([("w", &w), ("column", &column)]);
    for bytes in [torch::to_bytes(&state)?, torch::to_legacy_bytes(&state)?] {
        // The numbers are there once.
        assert_eq!(bytes.windows(24).filter(|part| *part == bytemuck_of(&w)).count(), 1);
        let read = torch::from_bytes(bytes)?.into_state_dict()?;
        read[0].1.fill_(7.0)?;
        assert_eq!(read[1].1.to_vec::<f32>()?, [7.0, 7.0]);
        assert_eq!(read[1].1.strides().as_slice(), [3]);
    }
    Ok(())
}

fn bytemuck_of(tensor: &Tensor) -> Vec<u8> {
    tensor.to_bytes().unwrap_or_default()
}

#[test]
fn what_has_no_place_is_refused() -> TestResult {
    let mut deep = Value::None;
    for _ in 0..300 {
        deep = Value::List(vec![deep]);
    }
    let error = torch::to_bytes(&deep).expect_err("300 lists");
    assert!(error.message().contains("nested too deeply"), "{error}");
    Ok(())
}
