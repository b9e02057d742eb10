//! ONNX's own tests of single operators: a model, its inputs and the outputs that it must give.
//!
//! A part of them is in `node_cases.zip` beside this file. Where `ONNX_NODE_CASES` names a folder
//! of cases, such as `onnx/backend/test/data/node` of the Python package `onnx`, those are run
//! instead.

use flambeau_onnx::{Model, tensor_from_bytes};
use flambeau_tensor::{DType, Error, Result, Tensor};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The files of a case by name: `model.onnx`, `test_data_set_0/input_0.pb`, …
type Case = BTreeMap<String, Vec<u8>>;

fn from_archive(path: &Path) -> BTreeMap<String, Case> {
    let mut archive = zip::ZipArchive::new(File::open(path).unwrap()).unwrap();
    let mut cases: BTreeMap<String, Case> = BTreeMap::new();
    for i in 0..archive.len() {
        let mut file = archive.by_index(i).unwrap();
        let (case, name) = file.name().unwrap().split_once('/').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        let mut content = Vec::new();
        file.read_to_end(&mut content).unwrap();
        cases.entry(case).or_default().insert(name, content);
    }
    cases
}

fn from_folder(root: &Path) -> BTreeMap<String, Case> {
    let names = |folder: &Path| -> Vec<String> {
        let entries = std::fs::read_dir(folder).into_iter().flatten();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    let mut cases = BTreeMap::new();
    for case in names(root) {
        let folder = root.join(&case);
        let mut files = Case::new();
        for name in names(&folder) {
            for inner in names(&folder.join(&name)) {
                files.insert(format!("{name}/{inner}"), std::fs::read(folder.join(&name).join(&inner)).unwrap());
            }
            if folder.join(&name).is_file() {
                files.insert(name.clone(), std::fs::read(folder.join(&name)).unwrap());
            }
        }
        cases.insert(case, files);
    }
    cases
}

/// Tensors `{name}_0.pb`, `{name}_1.pb`, … of the first set of data.
fn tensors(case: &Case, name: &str) -> Result<Vec<Tensor>> {
    let files = (0..).map_while(|i| case.get(&format!("test_data_set_0/{name}_{i}.pb")));
    files.map(|bytes| tensor_from_bytes(bytes.clone())).collect()
}

fn check(actual: &Tensor, expected: &Tensor) -> Result<()> {
    if actual.shape() != expected.shape() || actual.dtype() != expected.dtype() {
        return Err(Error::shape(format!("got {actual:?}, expected {expected:?}")));
    }
    let (a, b) = (actual.to_dtype(DType::F64)?, expected.to_dtype(DType::F64)?);
    // The tolerance of ONNX's own runner; half precision has fewer digits.
    let (rtol, atol) = if matches!(expected.dtype(), DType::F16 | DType::BF16) { (1e-2, 1e-2) } else { (1e-3, 1e-7) };
    if !a.allclose(&b, rtol, atol, true)? {
        return Err(Error::value(format!("differs by up to {:?}", a.sub(&b)?.abs()?.max()?.item()?)));
    }
    Ok(())
}

fn run(case: &Case) -> Result<()> {
    let model = case.get("model.onnx").ok_or_else(|| Error::file("there is no model"))?;
    let actual = Model::from_bytes(model.clone())?.run(&tensors(case, "input")?)?;
    let expected = tensors(case, "output")?;
    if actual.len() != expected.len() || expected.is_empty() {
        return Err(Error::value(format!("got {} outputs, expected {}", actual.len(), expected.len())));
    }
    actual.iter().zip(&expected).try_for_each(|(a, e)| check(a, e))
}

#[test]
fn onnx_node_cases() {
    let cases = match std::env::var_os("ONNX_NODE_CASES") {
        Some(folder) => from_folder(Path::new(&folder)),
        None => from_archive(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/node_cases.zip")),
    };
    let failed = |(name, case): (&String, &Case)| run(case).err().map(|error| format!("{name}: {error}"));
    let failures: Vec<String> = cases.iter().filter_map(failed).collect();
    assert!(cases.len() > 100, "only {} cases were found", cases.len());
    assert!(failures.is_empty(), "{} of {} cases fail:\n{}", failures.len(), cases.len(), failures.join("\n"));
}
