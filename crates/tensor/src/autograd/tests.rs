use super::*;
use crate::{Result, Tensor};

fn leaf(values: &[f64]) -> Tensor {
    let t = Tensor::from_slice(values, [values.len()]).unwrap();
    t.meta_mut(|m| m.requires_grad = true);
    t
}

fn values(t: &Tensor) -> Vec<f64> {
    t.to_vec::<f64>().unwrap()
}

/// `a * b`, elementwise.
fn mul(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let product: Vec<f64> = values(a).iter().zip(values(b)).map(|(x, y)| x * y).collect();
    let out = Tensor::from_slice(&product, a.shape())?;
    if let Some(mut r) = Recorder::new("MulBackward0", &[a, b]) {
        let (sa, sb) = (r.save(a), r.save(b));
        r.finish(&out, move |ctx, grad| {
            let ga = ctx.needs(0).then(|| mul(grad, &ctx.saved(sb)?)).transpose()?;
            let gb = ctx.needs(1).then(|| mul(grad, &ctx.saved(sa)?)).transpose()?;
            Ok(vec![ga, gb])
        });
    }
    Ok(out)
}

fn sum(t: &Tensor) -> Tensor {
    arithmetic::sum_to(t, &crate::Shape::new(&[])).unwrap()
}

const KEEP: BackwardOptions =
    BackwardOptions { retain_graph: true, create_graph: false, allow_unused: false, materialize_grads: false };

#[test]
fn gradients_of_a_diamond_add_up() {
    let a = leaf(&[2.0, 3.0]);
    let b = mul(&a, &a).unwrap();
    let c = mul(&b, &b).unwrap();
    backward(&[sum(&c)], &[], BackwardOptions::default()).unwrap();
    assert_eq!(values(&a.grad().unwrap()), [32.0, 108.0]);
    let error = backward(&[sum(&c)], &[], BackwardOptions::default()).unwrap_err();
    assert!(error.message().starts_with("Trying to backward through the graph a second time"), "{error}");
}

#[test]
fn a_gradient_can_be_differentiated_again() {
    let a = leaf(&[2.0, 3.0]);
    let c = mul(&mul(&a, &a).unwrap(), &a).unwrap();
    let options = BackwardOptions { create_graph: true, ..Default::default() };
    let g = grad(&[sum(&c)], std::slice::from_ref(&a), &[], options).unwrap().remove(0).unwrap();
    assert_eq!(values(&g), [12.0, 27.0]);
    let gg = grad(&[sum(&g)], std::slice::from_ref(&a), &[], KEEP).unwrap().remove(0).unwrap();
    assert_eq!(values(&gg), [12.0, 18.0]);
    assert!(a.grad().is_none());
}

#[test]
fn a_long_chain_overflows_no_stack() {
    let a = leaf(&[1.0]);
    let one = Tensor::from_slice(&[1.0], [1]).unwrap();
    let mut x = a.clone();
    for _ in 0..100_000 {
        x = mul(&x, &one).unwrap();
    }
    backward(std::slice::from_ref(&x), &[], KEEP).unwrap();
    assert_eq!(values(&a.grad().unwrap()), [1.0]);
    drop(x);
    // A chain through saved tensors.
    let mut x = a.clone();
    for _ in 0..100_000 {
        x = mul(&x, &x).unwrap();
    }
    drop(x);
}

#[test]
fn a_write_to_a_view_reaches_its_base() {
    let a = leaf(&[1.0, 2.0, 3.0, 4.0]);
    let y = mul(&a, &a).unwrap();
    let view = y.view_through(crate::Layout::strided([2], &[2], 1)).unwrap();
    if let Some(r) = Recorder::new("SliceBackward0", &[&y]) {
        let (base, layout) = (y.layout(), view.layout());
        r.finish(&view, move |_, g| Ok(vec![Some(views::scatter_view(g, &base, &layout)?)]));
    }
    let ten = Tensor::from_slice(&[10.0, 100.0], [2]).unwrap();
    view.write_in_place("mul_", |x| mul(x, &ten)).unwrap();
    assert_eq!(values(&y), [1.0, 40.0, 9.0, 1600.0]);
    assert_eq!(y.grad_fn().unwrap().name(), "CopySlices");
    assert_eq!(view.grad_fn().unwrap().name(), "AsStridedBackward0");
    backward(&[sum(&y)], &[], KEEP).unwrap();
    assert_eq!(values(&a.grad().unwrap()), [2.0, 40.0, 6.0, 800.0]);
    let g = grad(&[sum(&view)], std::slice::from_ref(&a), &[], KEEP).unwrap().remove(0).unwrap();
    assert_eq!(values(&g), [0.0, 40.0, 0.0, 800.0]);
}

#[test]
fn hooks_see_and_replace_gradients() {
    let a = leaf(&[1.0, 2.0]);
    let two = Tensor::from_slice(&[2.0, 2.0], [2]).unwrap();
    let hook = a.register_hook(move |g| mul(g, &two).map(Some)).unwrap();
    let y = mul(&a, &a).unwrap();
    y.retain_grad().unwrap();
    backward(&[sum(&y)], &[], KEEP).unwrap();
    assert_eq!(values(&a.grad().unwrap()), [4.0, 8.0]);
    assert_eq!(values(&y.grad().unwrap()), [1.0, 1.0]);
    a.remove_hook(hook);
    backward(&[sum(&y)], &[], KEEP).unwrap();
    assert_eq!(values(&a.grad().unwrap()), [6.0, 12.0]);
}

#[test]
fn a_stale_saved_tensor_is_an_error() {
    let a = leaf(&[1.0, 2.0]);
    let y = mul(&a, &a).unwrap();
    let z = mul(&y, &y).unwrap();
    y.write_in_place("zero_", |x| arithmetic::full(&x.shape(), x.dtype(), 0.0)).unwrap();
    assert_eq!(y.grad_fn().unwrap().name(), "ZeroBackward0");
    let error = backward(&[sum(&z)], &[], KEEP).unwrap_err();
    assert_eq!(
        error.message(),
        "one of the variables needed for gradient computation has been modified by an inplace operation: [torch.DoubleTensor [2]], which is output 0 of Mul, is at version 1; expected version 0 instead. Hint: enable anomaly detection to find the operation that failed to compute its gradient, with torch.autograd.set_detect_anomaly(True, check_nan=False)."
    );
}

#[test]
fn an_input_that_was_not_used_is_an_error_unless_allowed() {
    let (a, b) = (leaf(&[1.0]), leaf(&[1.0]));
    let y = mul(&a, &a).unwrap();
    let inputs = [a.clone(), b.clone()];
    let error = grad(std::slice::from_ref(&y), &inputs, &[], KEEP).unwrap_err();
    assert!(error.message().starts_with("The differentiated Tensor at index 1 appears"), "{error}");
    let got = grad(std::slice::from_ref(&y), &inputs, &[], BackwardOptions { allow_unused: true, ..KEEP }).unwrap();
    assert!(got[0].is_some() && got[1].is_none());
    run_backward(std::slice::from_ref(&y), &[], KEEP, Some(std::slice::from_ref(&y)), true).unwrap();
    assert_eq!(values(&y.grad().unwrap()), [1.0]);
    assert!(a.grad().is_none());
}

/// `x * x`, with a gradient written by hand.
struct Square {
    wrong: bool,
    once: bool,
}

impl Function for Square {
    fn name(&self) -> &str {
        "Square"
    }
    fn forward(&self, context: &mut FunctionContext, inputs: &[Tensor]) -> Result<Vec<Tensor>> {
        context.save_for_backward(&[&inputs[0]]);
        if self.once {
            context.set_once_differentiable();
        }
        Ok(vec![mul(&inputs[0], &inputs[0])?])
    }
    fn backward(&self, context: &BackwardContext<'_>, gradients: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        let saved = context.saved_tensors()?;
        let (x, g) = (saved[0].as_ref().unwrap(), gradients[0].as_ref().unwrap());
        let half = mul(g, x)?;
        Ok(vec![Some(if self.wrong { half } else { arithmetic::add(&half, &half)? })])
    }
}

#[test]
fn custom_functions_are_differentiated_by_their_own_formula() {
    let a = leaf(&[1.5, -2.0]);
    let square = |wrong| move |x: &[Tensor]| apply(Square { wrong, once: false }, x);
    gradcheck(square(false), std::slice::from_ref(&a)).unwrap();
    gradgradcheck(square(false), std::slice::from_ref(&a)).unwrap();
    let error = gradcheck(square(true), std::slice::from_ref(&a)).unwrap_err();
    assert!(error.message().starts_with("Jacobian mismatch"), "{error}");

    let y = apply(Square { wrong: false, once: true }, std::slice::from_ref(&a)).unwrap().remove(0);
    let options = BackwardOptions { create_graph: true, ..KEEP };
    // The seed requires a gradient, so that the gradient seems to be differentiable.
    let seed = leaf(&[1.0, 1.0]);
    let g = grad(&[y], std::slice::from_ref(&a), &[Some(seed.clone())], options).unwrap().remove(0).unwrap();
    assert_eq!(values(&g), [3.0, -4.0]);
    let error = grad(&[sum(&g)], &[seed], &[], KEEP).unwrap_err();
    assert_eq!(error.message(), "trying to differentiate twice a function that was marked with @once_differentiable");
}

/// Doubles its input in place.
struct DoubleInPlace;

impl Function for DoubleInPlace {
    fn name(&self) -> &str {
        "DoubleInPlace"
    }
    fn forward(&self, context: &mut FunctionContext, inputs: &[Tensor]) -> Result<Vec<Tensor>> {
        context.mark_dirty(&[&inputs[0]]);
        arithmetic::add_into(&inputs[0].array(), &inputs[0].array())?;
        Ok(vec![inputs[0].clone()])
    }
    fn backward(&self, _: &BackwardContext<'_>, gradients: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        let g = gradients[0].as_ref().unwrap();
        Ok(vec![Some(arithmetic::add(g, g)?)])
    }
}

#[test]
fn a_custom_function_may_change_its_input() {
    let a = leaf(&[1.0, 2.0]);
    let error = apply(DoubleInPlace, std::slice::from_ref(&a)).unwrap_err();
    assert_eq!(error.message(), "a leaf Variable that requires grad is being used in an in-place operation.");
    let a = leaf(&[1.0, 2.0]);
    let y = mul(&a, &a).unwrap();
    let z = apply(DoubleInPlace, std::slice::from_ref(&y)).unwrap().remove(0);
    assert!(z.same(&y));
    assert_eq!(z.version().unwrap(), 1);
    backward(&[sum(&y)], &[], KEEP).unwrap();
    assert_eq!(values(&a.grad().unwrap()), [4.0, 8.0]);
}

#[test]
fn checkpoints_compute_again_and_give_the_same_gradients() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = runs.clone();
    let weight = leaf(&[3.0, 4.0]);
    let inner = weight.clone();
    let cube = move |x: &[Tensor]| {
        counted.fetch_add(1, Ordering::Relaxed);
        Ok(vec![mul(&mul(&mul(&x[0], &x[0])?, &x[0])?, &inner)?])
    };
    let a = leaf(&[1.0, 2.0]);
    let y = checkpoint(cube, std::slice::from_ref(&a)).unwrap().remove(0);
    assert_eq!(runs.load(Ordering::Relaxed), 1);
    backward(&[sum(&y)], &[], BackwardOptions::default()).unwrap();
    assert_eq!(runs.load(Ordering::Relaxed), 2);
    assert_eq!(values(&a.grad().unwrap()), [9.0, 48.0]);
    assert_eq!(values(&weight.grad().unwrap()), [1.0, 8.0]);
}

#[test]
fn passes_nest() {
    let a = leaf(&[2.0]);
    let b = leaf(&[5.0]);
    let inner = mul(&b, &b).unwrap();
    a.register_hook(move |_| {
        backward(std::slice::from_ref(&inner), &[], KEEP)?;
        Ok(None)
    })
    .unwrap();
    let y = mul(&a, &a).unwrap();
    backward(&[y], &[], KEEP).unwrap();
    assert_eq!(values(&a.grad().unwrap()), [4.0]);
    assert_eq!(values(&b.grad().unwrap()), [10.0]);
}

#[test]
fn threads_may_run_passes_over_one_graph() {
    let a = leaf(&[1.0]);
    let y = sum(&mul(&a, &a).unwrap());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..50).for_each(|_| backward(std::slice::from_ref(&y), &[], KEEP).unwrap()));
        }
    });
    assert_eq!(values(&a.grad().unwrap()), [400.0]);
}

#[test]
fn an_accumulated_gradient_aliases_nothing() {
    let a = leaf(&[1.0, 2.0]);
    let one = Tensor::from_slice(&[1.0, 1.0], [2]).unwrap();
    let y = mul(&a, &one).unwrap();
    let seed = Tensor::from_slice(&[1.0, 1.0], [2]).unwrap();
    backward(&[arithmetic::expand(&y, &crate::Shape::new(&[2])).unwrap()], &[Some(seed.clone())], KEEP).unwrap();
    let g = a.grad().unwrap();
    assert!(!g.array().may_overlap(&seed.array()));
    // A second gradient is added in place: whoever holds the first sees it.
    backward(&[y], &[Some(seed)], KEEP).unwrap();
    assert_eq!(values(&g), [2.0, 2.0]);
}
