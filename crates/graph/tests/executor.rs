//! Order, memory and errors of the executor, and operators whose results are known by hand.

use flambeau_graph::ops::{self, Binary, Unary};
use flambeau_graph::{Compute, Dimension, Executor, Graph, Inputs, Node, Operator, Value, ValueId};
use flambeau_tensor::{DType, ErrorKind, Result, Tensor};

fn tensor(values: &[f32]) -> Tensor {
    Tensor::from_slice(values, [values.len()]).unwrap()
}

fn node(operator: impl Into<Operator>, inputs: &[ValueId], outputs: &[ValueId]) -> Node {
    let operator = operator.into();
    let some = |ids: &[ValueId]| ids.iter().copied().map(Some).collect();
    Node {
        name: format!("{}{}", operator.name(), outputs[0].index()),
        operator,
        inputs: some(inputs),
        outputs: some(outputs),
    }
}

/// `x → y`, with as many further values as asked for.
fn graph(more: usize) -> (Graph, ValueId, ValueId, Vec<ValueId>) {
    let mut graph = Graph::new("test");
    let x = graph.add_value(Value { dtype: Some(DType::F32), ..Value::named("x") });
    let y = graph.add_value(Value::named("y"));
    let others = (0..more).map(|i| graph.add_value(Value::named(format!("v{i}")))).collect();
    graph.add_input(x);
    graph.add_output(y);
    (graph, x, y, others)
}

#[test]
fn nodes_run_after_those_that_they_need_and_only_if_needed() -> Result<()> {
    let (mut graph, x, y, v) = graph(3);
    graph.add_node(node(Binary::Add, &[v[0], v[1]], &[y]));
    graph.add_node(node(Unary::Neg, &[v[0]], &[v[1]]));
    graph.add_node(node(Unary::Relu, &[x], &[v[0]]));
    // Nobody needs this one, which would fail.
    graph.add_node(node(ops::Reshape::default(), &[x, x], &[v[2]]));
    let executor = Executor::new(graph)?;
    assert_eq!(executor.order().collect::<Vec<_>>(), [2, 1, 0]);
    let y = executor.run([(x, tensor(&[-1.0, 2.0]))])?;
    assert_eq!(y[0].to_vec::<f32>()?, [0.0, 0.0]);
    assert!(!y[0].requires_grad());
    Ok(())
}

#[test]
fn a_value_lives_until_its_last_reader_has_run() -> Result<()> {
    let (mut graph, x, y, v) = graph(8);
    let mut last = x;
    for &next in &v {
        graph.add_node(node(Unary::Exp, &[last], &[next]));
        last = next;
    }
    graph.add_node(node(Unary::Neg, &[last], &[y]));
    let executor = Executor::new(graph)?;
    let (_, profiles) = executor.profile([(x, tensor(&[0.0; 1000]))])?;
    assert_eq!(profiles.len(), 9);
    // What a node reads and what it makes, and nothing else.
    assert!(profiles.iter().all(|p| p.live_bytes == 8000), "{profiles:?}");
    // Two values fit, three would not.
    executor.clone().with_memory_limit(8000).run([(x, tensor(&[0.0; 1000]))])?;
    let error = executor.with_memory_limit(7999).run([(x, tensor(&[0.0; 1000]))]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Memory);
    Ok(())
}

#[test]
fn what_is_known_is_computed_ahead_unless_it_grows() -> Result<()> {
    let (mut graph, x, y, v) = graph(3);
    let (two, three) = (graph.add_constant("two", tensor(&[2.0])), graph.add_constant("three", tensor(&[3.0])));
    let shape = graph.add_constant("shape", Tensor::from_slice(&[1i64 << 20], [1])?);
    graph.add_node(node(Binary::Mul, &[two, three], &[v[0]]));
    graph.add_node(node(ops::ConstantOfShape { value: 1.0.into(), dtype: DType::F32 }, &[shape], &[v[1]]));
    graph.add_node(node(Binary::Mul, &[x, v[0]], &[v[2]]));
    graph.add_node(node(Binary::Add, &[v[2], v[1]], &[y]));
    let executor = Executor::new(graph)?;
    assert_eq!(executor.order().collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(executor.run([(x, tensor(&[2.0]))])?[0].to_vec::<f32>()?[..2], [13.0, 13.0]);
    Ok(())
}

#[test]
fn an_input_with_a_default_may_be_given() -> Result<()> {
    let (mut graph, x, y, _) = graph(0);
    let scale = graph.add_constant("scale", tensor(&[10.0]));
    graph.add_input(scale);
    graph.add_node(node(Binary::Mul, &[x, scale], &[y]));
    let executor = Executor::new(graph)?;
    assert_eq!(executor.required_inputs().collect::<Vec<_>>(), [x]);
    assert_eq!(executor.run([(x, tensor(&[2.0]))])?[0].to_vec::<f32>()?, [20.0]);
    assert_eq!(executor.run([(x, tensor(&[2.0])), (scale, tensor(&[3.0]))])?[0].to_vec::<f32>()?, [6.0]);
    Ok(())
}

#[test]
fn inputs_that_are_missing_or_do_not_fit_are_named() -> Result<()> {
    let (mut graph, x, y, _) = graph(0);
    graph.value_mut(x)?.shape = Some(vec![Dimension::Named("n".to_owned()), Dimension::Known(3)]);
    graph.add_node(node(Unary::Relu, &[x], &[y]));
    let executor = Executor::new(graph)?;
    let message = |inputs: Vec<(ValueId, Tensor)>| executor.run(inputs).unwrap_err().message().to_owned();
    assert_eq!(message(vec![]), "input \"x\" is missing");
    assert!(message(vec![(x, tensor(&[1.0]))]).contains("has the shape [n, 3]"));
    assert!(message(vec![(x, Tensor::zeros([2, 3], DType::F64)?)]).contains("float64"));
    assert_eq!(executor.run([(x, Tensor::zeros([5, 3], DType::F32)?)])?[0].shape()[..], [5, 3]);
    Ok(())
}

#[test]
fn errors_say_which_node() -> Result<()> {
    let (mut graph, x, y, _) = graph(0);
    graph.add_node(node(ops::MatMul, &[x, x], &[y]));
    let error = Executor::new(graph)?.run([(x, Tensor::zeros([2, 3], DType::F32)?)]).unwrap_err();
    assert!(error.message().starts_with("node \"MatMul1\" (MatMul): "), "{error}");
    Ok(())
}

fn computed(operator: impl Into<Operator>, inputs: &[Tensor]) -> Result<Vec<Tensor>> {
    let inputs: Vec<Option<Tensor>> = inputs.iter().cloned().map(Some).collect();
    operator.into().compute(&Inputs::new(&inputs))
}

#[test]
fn slices_count_from_both_ends_and_backwards() -> Result<()> {
    let x = Tensor::arange(0i64, 10i64, 1i64, DType::I64)?;
    let list = |v: i64| Tensor::from_slice(&[v], [1]);
    for (start, end, step, expected) in [
        (1, 8, 3, vec![1, 4, 7]),
        (-3, i64::MAX, 1, vec![7, 8, 9]),
        (-1, i64::MIN, -4, vec![9, 5, 1]),
        (20, -4, -1, vec![9, 8, 7]),
        (2, 2, 1, vec![]),
        (5, 2, 1, vec![]),
        (2, 5, -1, vec![]),
        (0, 3, i64::MAX, vec![0]),
        (9, i64::MIN, i64::MIN, vec![9]),
        (-100, 2, 1, vec![0, 1]),
        (-100, i64::MIN, -1, vec![0]),
    ] {
        let inputs = [x.clone(), list(start)?, list(end)?, list(0)?, list(step)?];
        assert_eq!(computed(ops::Slice, &inputs)?[0].to_vec::<i64>()?, expected, "{start} {end} {step}");
    }
    Ok(())
}

#[test]
fn indices_count_from_both_ends_and_stay_inside() -> Result<()> {
    let x = tensor(&[0.0, 1.0, 2.0]);
    let picked = |list: &[i64]| {
        let indices = Tensor::from_slice(list, [list.len()])?;
        computed(ops::Gather { axis: 0 }, &[x.clone(), indices])?[0].to_vec::<f32>()
    };
    assert_eq!(picked(&[-1, 0, -3])?, [2.0, 0.0, 0.0]);
    assert_eq!(picked(&[3]).unwrap_err().kind(), ErrorKind::Index);
    assert_eq!(picked(&[i64::MIN]).unwrap_err().kind(), ErrorKind::Index);
    Ok(())
}

#[test]
fn index_tuples_read_and_write_slices() -> Result<()> {
    let x = Tensor::arange(0i64, 8i64, 1i64, DType::I64)?.reshape(&[2, 2, 2])?;
    let indices = Tensor::from_slice(&[1i64, 0], [2, 1])?;
    let by_batch = computed(ops::GatherNd { batch_dims: 1 }, &[x.clone(), indices])?;
    assert_eq!(by_batch[0].to_vec::<i64>()?, [2, 3, 4, 5]);
    let indices = Tensor::from_slice(&[0i64, -1], [1, 2])?;
    let written = computed(
        ops::ScatterNd { reduction: ops::ScatterReduction::Add },
        &[x, indices, Tensor::from_slice(&[10i64, 20], [1, 2])?],
    )?;
    assert_eq!(written[0].to_vec::<i64>()?, [0, 1, 12, 23, 4, 5, 6, 7]);
    Ok(())
}

#[test]
fn integers_are_divided_towards_zero_and_never_by_it() -> Result<()> {
    let integers = |list: &[i32]| Tensor::from_slice(list, [list.len()]);
    let quotient = computed(Binary::Div, &[integers(&[-7, 7])?, integers(&[2, 2])?])?;
    assert_eq!(quotient[0].to_vec::<i32>()?, [-3, 3]);
    assert!(computed(Binary::Div, &[integers(&[1])?, integers(&[0])?]).is_err());
    assert!(computed(Binary::Mod { fmod: false }, &[integers(&[1])?, integers(&[0])?]).is_err());
    Ok(())
}

#[test]
fn asymmetric_borders_are_made_by_hand() -> Result<()> {
    let x = Tensor::ones([1, 1, 3, 3], DType::F32)?;
    let weight = Tensor::ones([1, 1, 2, 2], DType::F32)?;
    let window = ops::Window { padding: ops::Padding::SameLower, ..ops::Window::default() };
    let y = computed(ops::Conv { window, ..ops::Conv::default() }, &[x, weight])?;
    assert_eq!(y[0].to_vec::<f32>()?, [1.0, 2.0, 2.0, 2.0, 4.0, 4.0, 2.0, 4.0, 4.0]);
    Ok(())
}
