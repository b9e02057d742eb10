//! safetensors, NumPy's formats and sharded checkpoints; descriptions; writing.

use flambeau_store::{Format, LoadOptions, describe, load, load_with, npy, safetensors, save, torch};
use flambeau_tensor::{DType, Tensor};
use std::path::{Path, PathBuf};

type TestResult = Result<(), Box<dyn std::error::Error>>;

fn corpus(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(name)
}

#[test]
fn safetensors_are_read_with_their_texts() -> TestResult {
    let path = corpus("safetensors/dtypes.safetensors");
    let texts = safetensors::metadata(&path)?;
    assert_eq!(texts, [("format".to_owned(), "pt".to_owned()), ("made by".to_owned(), "a test".to_owned())]);
    let shapes = load(corpus("safetensors/shapes.safetensors"))?;
    let shape = |name: &str| shapes.iter().find(|(n, _)| n == name).map(|(_, t)| t.shape().to_vec());
    assert_eq!(shape("s"), Some(vec![]));
    assert_eq!(shape("e"), Some(vec![0, 3]));
    Ok(())
}

#[test]
fn sharded_checkpoints_are_read() -> TestResult {
    let path = corpus("index/model.safetensors.index.json");
    for mmap in [false, true] {
        let tensors = load_with(&path, &LoadOptions { mmap })?;
        assert_eq!(tensors.len(), 2);
        assert_eq!(tensors[1].1.to_vec::<f32>()?, [1.0, 1.0]);
    }
    let description = describe(&path)?;
    assert_eq!(description.format, Format::Index);
    assert_eq!(description.parameters(), 4);
    assert_eq!(description.metadata, [("total_size".to_owned(), "16".to_owned())]);
    Ok(())
}

#[test]
fn arrays_of_numpy_are_read() -> TestResult {
    let counted: Vec<f64> = (0..6).map(f64::from).collect();
    for mmap in [false, true] {
        let options = LoadOptions { mmap };
        for (name, dtype) in [("float32", DType::F32), ("fortran", DType::F64), ("big_endian", DType::I16)] {
            let array = npy::load_with(corpus(&format!("npy/{name}.npy")), &options)?;
            assert_eq!((array.dtype(), array.shape().to_vec()), (dtype, vec![2, 3]), "{name}");
            assert_eq!(array.to_dtype(DType::F64)?.to_vec::<f64>()?, counted, "{name}");
            assert_eq!(array.strides().as_slice(), if name == "fortran" { [1, 2] } else { [3, 1] });
        }
        let scalar = npy::load_with(corpus("npy/scalar.npy"), &options)?;
        assert!(scalar.shape().is_empty() && scalar.dtype() == DType::Bool);
        assert_eq!(npy::load_with(corpus("npy/version2.npy"), &options)?.to_vec::<i64>()?, [0, 1, 2]);
        for name in ["stored", "compressed"] {
            let arrays = load_with(corpus(&format!("npz/{name}.npz")), &options)?;
            assert_eq!(arrays[0].0, "w");
            assert_eq!(arrays[0].1.to_dtype(DType::F64)?.to_vec::<f64>()?, counted, "{name}");
            assert_eq!(arrays[1].1.to_vec::<i64>()?, [1, -2], "{name}");
        }
    }
    let named = load(corpus("npy/float32.npy"))?;
    assert_eq!(named[0].0, "float32");
    Ok(())
}

/// Tensors of every dtype, of several shapes, and a view that is not contiguous.
fn tensors() -> flambeau_tensor::Result<Vec<(String, Tensor)>> {
    let numbers = Tensor::from_slice(&(0..12).map(|i| i as f32).collect::<Vec<_>>(), [3, 4])?;
    let mut tensors: Vec<(String, Tensor)> = DType::ALL
        .into_iter()
        .map(|dtype| Ok((dtype.name().to_owned(), numbers.to_dtype(dtype)?)))
        .collect::<flambeau_tensor::Result<_>>()?;
    tensors.push(("view".to_owned(), numbers.transpose(0, 1)?));
    tensors.push(("scalar".to_owned(), numbers.select(0, 2)?.select(0, 3)?));
    tensors.push(("empty".to_owned(), Tensor::empty([0, 3], DType::I64)?));
    Ok(tensors)
}

#[test]
fn what_is_written_is_read_again_in_every_format() -> TestResult {
    let folder = tempfile::tempdir()?;
    // A content tells its format, whatever the name is.
    let other = folder.path().join("without an ending");
    for ending in ["pt", "safetensors", "npz"] {
        let mut tensors = tensors()?;
        // NumPy has no bfloat16, safetensors no complex128.
        tensors.retain(|(_, t)| !matches!((ending, t.dtype()), ("npz", DType::BF16) | ("safetensors", DType::C128)));
        let path = folder.path().join("model").with_extension(ending);
        save(&path, tensors.iter().map(|(name, tensor)| (name.as_str(), tensor)))?;
        std::fs::rename(&path, &other)?;
        for mmap in [false, true] {
            let read = load_with(&other, &LoadOptions { mmap })?;
            assert_eq!(read.len(), tensors.len(), "{ending}");
            for (name, tensor) in &tensors {
                let (_, found) = read.iter().find(|(n, _)| n == name).ok_or("a name")?;
                assert_eq!(found.dtype(), tensor.dtype(), "{ending} {name}");
                assert_eq!(found.shape(), tensor.shape(), "{ending} {name}");
                assert_eq!(found.to_bytes()?, tensor.to_bytes()?, "{ending} {name}");
            }
            let description = describe(&other)?;
            assert_eq!(description.tensors.len(), tensors.len());
            for info in &description.tensors {
                let (_, tensor) = tensors.iter().find(|(n, _)| *n == info.name).ok_or("a name")?;
                assert_eq!(info.dtype.dtype, Some(tensor.dtype()), "{ending} {}", info.name);
                assert_eq!(info.shape, tensor.shape().to_vec(), "{ending} {}", info.name);
            }
        }
    }
    let legacy = folder.path().join("legacy.pt");
    let tensors = tensors()?;
    let state = flambeau_store::Value::state_dict(tensors.iter().map(|(name, tensor)| (name.as_str(), tensor)));
    torch::save_legacy(&legacy, &state)?;
    let read = load(&legacy)?;
    assert!(read.iter().zip(&tensors).all(|(a, b)| a.1.to_bytes().ok() == b.1.to_bytes().ok()));
    Ok(())
}

#[test]
fn a_mapped_file_is_the_tensor() -> TestResult {
    let folder = tempfile::tempdir()?;
    let w = Tensor::from_slice(&[1f64, 2.0, 3.0], [3])?;
    for ending in ["pt", "safetensors", "npz"] {
        let path = folder.path().join("model").with_extension(ending);
        save(&path, [("w", &w)])?;
        let before = std::fs::read(&path)?;
        let mapped = load_with(&path, &LoadOptions { mmap: true })?.swap_remove(0).1;
        // The tensor's storage is where the file's numbers are in memory, at their alignment.
        assert_eq!(mapped.array().storage().as_ptr() as usize % 8, 0);
        mapped.fill_(5.0)?;
        assert_eq!(mapped.to_vec::<f64>()?, [5.0; 3]);
        assert_eq!(std::fs::read(&path)?, before, "{ending}: the file is as it was");
        // The old file stays in memory while a new one takes its name.
        save(&path, [("w", &mapped)])?;
        assert_eq!(load(&path)?[0].1.to_vec::<f64>()?, [5.0; 3]);
    }
    let path = folder.path().join("array.npy");
    npy::save(&path, &w)?;
    let array = npy::load_with(&path, &LoadOptions { mmap: true })?;
    let whole = flambeau_store::map(&path)?;
    assert_eq!(whole.len(), array.array().storage().len() + 128, "a header, then the numbers");
    Ok(())
}

#[test]
fn descriptions_tell_what_is_shared() -> TestResult {
    for (name, format) in [("torch/state_dict.pt", Format::Torch), ("legacy/state_dict.pt", Format::TorchLegacy)] {
        let description = describe(corpus(name))?;
        assert_eq!(description.format, format);
        let [w, view, n] = &description.tensors[..] else { panic!("three tensors") };
        assert_eq!((w.placed.storage, view.placed.storage), (0, 0));
        assert_eq!(n.placed.storage, 1);
        assert_eq!((view.placed.offset, &view.placed.strides[..]), (4, &[4, 2][..]));
        assert_eq!((w.placed.storage_bytes, w.bytes(), view.bytes()), (48, 48, 16));
        assert_eq!(description.parameters(), 15, "the view's elements are the whole's");
    }
    let nested = describe(corpus("torch/nested.pt"))?;
    let names: Vec<&str> = nested.tensors.iter().map(|t| t.name.as_str()).collect();
    assert_eq!(names, ["parameter", "optimizer.state.0.momentum_buffer", "scalar", "empty"]);
    let fact = |key: &str| nested.metadata.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str());
    assert_eq!(fact("epoch"), Some("3"));
    assert_eq!(fact("complex"), Some("(1.0-2.0j)"));
    Ok(())
}

#[test]
fn a_failed_write_leaves_the_old_file() -> TestResult {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("model.npz");
    std::fs::write(&path, b"old")?;
    let half = Tensor::from_slice(&[1f32], [1])?.to_dtype(DType::BF16)?;
    let error = save(&path, [("half", &half)]).expect_err("NumPy has no bfloat16");
    assert!(error.message().contains("tensor \"half\": NumPy has no bfloat16"), "{error}");
    let failed = flambeau_store::write_atomically(&path, |file| {
        file.write_all(b"half of the new").map_err(|e| flambeau_tensor::Error::file(e.to_string()))?;
        Err(flambeau_tensor::Error::file("the disk is full"))
    });
    assert!(failed.is_err());
    assert_eq!(std::fs::read(&path)?, b"old");
    assert_eq!(std::fs::read_dir(folder.path())?.count(), 1, "the temporary file is gone");
    let error = save(folder.path().join("model.xyz"), [("half", &half)]).expect_err("no such format");
    assert!(error.message().contains("ends in .safetensors"), "{error}");
    Ok(())
}
