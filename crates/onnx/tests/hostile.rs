//! Files that are damaged, or made to do harm.

use flambeau_graph::{Dimension, Value};
use flambeau_onnx::{AttributeValue, Exported, ExportedNode, Model};
use flambeau_tensor::{DType, Generator, Tensor};
use std::fs;

fn value(name: &str, dtype: DType, shape: &[usize]) -> Value {
    let shape = shape.iter().map(|&n| Dimension::Known(n)).collect();
    Value { name: name.to_owned(), dtype: Some(dtype), shape: Some(shape) }
}

fn node(op_type: &str, inputs: &[&str], outputs: &[&str], attributes: Vec<(&str, AttributeValue)>) -> ExportedNode {
    let list = |names: &[&str]| names.iter().map(|&n| n.to_owned()).collect();
    ExportedNode {
        op_type: op_type.to_owned(),
        name: format!("the {op_type}"),
        inputs: list(inputs),
        outputs: list(outputs),
        attributes: attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
    }
}

/// A model of `x` `(1, 2, 4, 4)` with output `y`.
fn model(nodes: Vec<ExportedNode>, initializers: Vec<(&str, Tensor)>) -> Vec<u8> {
    let exported = Exported {
        nodes,
        initializers: initializers.into_iter().map(|(name, tensor)| (name.to_owned(), tensor)).collect(),
        inputs: vec![value("x", DType::F32, &[1, 2, 4, 4])],
        outputs: vec![Value { shape: Some(Vec::new()), ..value("y", DType::F32, &[]) }],
        opset: 17,
    };
    exported.to_bytes().unwrap()
}

fn input() -> Tensor {
    Tensor::ones([1, 2, 4, 4], DType::F32).unwrap()
}

fn integers(list: &[i64]) -> Tensor {
    Tensor::from_slice(list, [list.len()]).unwrap()
}

/// The error of loading or of running.
fn error_of(bytes: Vec<u8>) -> String {
    let result = Model::from_bytes(bytes).and_then(|model| model.with_memory_limit(1 << 24).run(&[input()]));
    result.err().map(|e| e.message().to_owned()).expect("an error")
}

/// A small network of everything that files hold: convolution, shapes, constants.
fn network() -> Vec<u8> {
    let weight = Tensor::ones([3, 2, 3, 3], DType::F32).unwrap();
    let nodes = vec![
        node("Conv", &["x", "w"], &["a"], vec![("pads", AttributeValue::Ints(vec![1, 1, 1, 1]))]),
        node("Clip", &["a", "low"], &["b"], vec![]),
        node("MaxPool", &["b"], &["c"], vec![("kernel_shape", AttributeValue::Ints(vec![2, 2]))]),
        node("Pad", &["c", "pads"], &["d"], vec![("mode", AttributeValue::Text("reflect".to_owned()))]),
        node("Reshape", &["d", "shape"], &["e"], vec![]),
        node("Slice", &["e", "starts", "ends"], &["y"], vec![]),
    ];
    let initializers = vec![
        ("w", weight),
        ("low", Tensor::from_slice(&[0.0f32], []).unwrap()),
        ("pads", integers(&[0, 0, 1, 1, 0, 0, 0, 0])),
        ("shape", integers(&[1, -1])),
        ("starts", integers(&[1])),
        ("ends", integers(&[1 << 40])),
    ];
    model(nodes, initializers)
}

#[test]
fn a_truncated_file_is_an_error_or_a_smaller_model() {
    let whole = network();
    Model::from_bytes(whole.clone()).unwrap().run(&[input()]).unwrap();
    for length in 0..whole.len() {
        // Some cuts lie between two fields and leave a model; none may panic.
        let _ = Model::from_bytes(whole[..length].to_vec()).and_then(|model| model.run(&[input()]));
    }
}

#[test]
fn damaged_files_give_errors_and_no_more() {
    let whole = network();
    let random = Generator::seeded(20);
    let mut refused = 0;
    for _ in 0..4000 {
        let mut bytes = whole.clone();
        for _ in 0..1 + random.random() % 4 {
            let at = random.random() as usize % bytes.len();
            match random.random() % 3 {
                0 => bytes[at] ^= 1 << (random.random() % 8),
                1 => bytes[at] = random.random() as u8,
                _ => drop(bytes.splice(at..at, (0..random.random() % 9).map(|_| random.random() as u8))),
            }
        }
        let ran = Model::from_bytes(bytes).and_then(|model| model.with_memory_limit(1 << 24).run(&[input()]));
        refused += usize::from(ran.is_err());
    }
    assert!(refused > 1000, "only {refused} of 4000 damaged files were refused");
}

#[test]
fn a_node_that_needs_itself_is_named() {
    let nodes = vec![
        node("Relu", &["b"], &["a"], vec![]),
        node("Add", &["x", "a"], &["b"], vec![]),
        node("Relu", &["b"], &["y"], vec![]),
    ];
    let error = error_of(model(nodes, vec![]));
    assert!(error.contains("cycle") && error.contains("the Relu"), "{error}");
}

#[test]
fn values_that_nobody_or_two_nodes_make_are_named() {
    let error = error_of(model(vec![node("Relu", &["nothing"], &["y"], vec![])], vec![]));
    assert!(error.contains("\"nothing\""), "{error}");
    let twice = vec![node("Relu", &["x"], &["y"], vec![]), node("Abs", &["x"], &["y"], vec![])];
    let error = error_of(model(twice, vec![]));
    assert!(error.contains("made twice") && error.contains("the Abs"), "{error}");
}

#[test]
fn an_operator_or_attribute_that_is_not_there_is_named_with_its_node() {
    let error = error_of(model(vec![node("Frobnicate", &["x"], &["y"], vec![])], vec![]));
    assert!(error.contains("the Frobnicate") && error.contains("not supported"), "{error}");
    let error = error_of(model(vec![node("Loop", &["x"], &["y"], vec![])], vec![]));
    assert!(error.contains("control flow"), "{error}");
    let unknown = vec![("shininess", AttributeValue::Int(3))];
    let error = error_of(model(vec![node("Relu", &["x"], &["y"], unknown)], vec![]));
    assert!(error.contains("\"shininess\""), "{error}");
}

#[test]
fn sizes_beyond_the_limit_are_refused_before_they_are_allocated() {
    let huge = || integers(&[1 << 20, 1 << 20]);
    for (operator, initializer) in
        [("Expand", integers(&[1 << 30, 1, 2, 4, 4])), ("Tile", integers(&[1 << 20, 1, 1, 1 << 10]))]
    {
        let nodes = vec![node(operator, &["x", "list"], &["y"], vec![])];
        let error = error_of(model(nodes, vec![("list", initializer)]));
        assert!(error.contains("bytes"), "{operator}: {error}");
    }
    let error = error_of(model(vec![node("ConstantOfShape", &["list"], &["y"], vec![])], vec![("list", huge())]));
    assert!(error.contains("bytes"), "{error}");
    let pads = vec![("pads", AttributeValue::Ints(vec![1 << 40, 0, 0, 0]))];
    let weight = Tensor::ones([1, 2, 1, 1], DType::F32).unwrap();
    error_of(model(vec![node("Conv", &["x", "w"], &["y"], pads)], vec![("w", weight)]));
    for list in [vec![-1, 4], vec![i64::MIN, 1], vec![i64::MAX, i64::MAX]] {
        error_of(model(vec![node("ConstantOfShape", &["list"], &["y"], vec![])], vec![("list", integers(&list))]));
    }
}

#[test]
fn nothing_may_be_repeated_without_end() {
    // The input has no rows; each number of repetitions fits, and their product does not.
    let nodes = vec![
        node("Slice", &["x", "zero", "zero"], &["nothing"], vec![]),
        node("Tile", &["nothing", "repeats"], &["y"], vec![]),
    ];
    let repeats = integers(&[1 << 40, 1, 1 << 20, 1 << 20]);
    let bytes = model(nodes, vec![("zero", integers(&[0])), ("repeats", repeats)]);
    // A size of 2^40 beside others is refused, or gives nothing: it may not panic.
    let _ = Model::from_bytes(bytes).and_then(|model| model.with_memory_limit(1 << 24).run(&[input()]));
}

#[test]
fn a_chain_of_large_values_stays_within_the_limit() {
    // Each doubles the one before; all but the last are freed, and 2^25 elements are too many.
    let doubling = (0..25).map(|i| {
        let (from, to) = (format!("v{i}"), if i == 24 { "y".to_owned() } else { format!("v{}", i + 1) });
        node("Concat", &[&from, &from], &[&to], vec![("axis", AttributeValue::Int(0))])
    });
    let mut nodes = vec![node("Identity", &["x"], &["v0"], vec![])];
    nodes.extend(doubling);
    assert!(error_of(model(nodes, vec![])).contains("bytes"));
}

/// A model whose only tensor is in another file, as protocol buffer bytes written by hand: field
/// numbers 13 (key and value) and 14 of a tensor.
fn external(location: &str, extra: &[(&str, &str)]) -> Vec<u8> {
    fn field(number: u8, content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![number << 3 | 2];
        let mut length = content.len();
        while length >= 128 {
            bytes.push(length as u8 | 128);
            length >>= 7;
        }
        bytes.push(length as u8);
        bytes.extend(content);
        bytes
    }
    let mut tensor = vec![1 << 3, 4, 2 << 3, 1];
    tensor.extend(field(8, b"w"));
    for (key, text) in [("location", location)].iter().chain(extra) {
        tensor.extend(field(13, &[field(1, key.as_bytes()), field(2, text.as_bytes())].concat()));
    }
    tensor.extend([14 << 3, 1]);
    let add = [field(1, b"x"), field(1, b"w"), field(2, b"y"), field(4, b"Add")].concat();
    let graph = [field(1, &add), field(5, &tensor), field(11, &field(1, b"x")), field(12, &field(1, b"y"))].concat();
    [vec![1 << 3, 8], field(7, &graph), field(8, &[2 << 3, 17])].concat()
}

#[test]
fn other_files_are_read_from_the_models_folder_only() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("models");
    fs::create_dir(&inside).unwrap();
    let numbers: Vec<u8> = [1.0f32, 2.0, 3.0, 4.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    fs::write(inside.join("weights.bin"), &numbers).unwrap();
    fs::write(folder.path().join("secret.bin"), &numbers).unwrap();
    let path = inside.join("model.onnx");
    let load = |location: &str, extra: &[(&str, &str)]| {
        fs::write(&path, external(location, extra)).unwrap();
        Model::load(&path)
    };
    let x = input();
    let y = load("weights.bin", &[]).unwrap().run(std::slice::from_ref(&x)).unwrap();
    assert_eq!(y[0].to_vec::<f32>().unwrap()[..4], [2.0, 3.0, 4.0, 5.0]);
    load("./weights.bin", &[("offset", "0"), ("length", "16")]).unwrap();

    let outside = folder.path().join("secret.bin");
    for location in ["../secret.bin", "a/../../secret.bin", outside.to_str().unwrap(), "", "."] {
        let error = load(location, &[]).unwrap_err();
        assert!(error.message().contains("folder") || error.message().contains("no file"), "{location}: {error}");
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&outside, inside.join("link.bin")).unwrap();
        assert!(load("link.bin", &[]).unwrap_err().message().contains("outside"));
    }
    load("nothing.bin", &[]).unwrap_err();
    for extra in [("offset", "1"), ("offset", "18446744073709551615"), ("length", "17"), ("offset", "-1")] {
        load("weights.bin", &[extra]).unwrap_err();
    }
    // Without a folder there are no other files.
    Model::from_bytes(external("weights.bin", &[])).unwrap_err();
}
