//! Watching a network's layers compute: what went in, what came out, and how long it took.

use flambeau_tensor::ops::ConvolutionOptions;
use flambeau_tensor::{Result, Shape, Tensor};
use std::cell::RefCell;
use std::time::{Duration, Instant};

/// What a layer with parameters computed.
#[derive(Clone, Debug)]
pub struct Call {
    /// The layer, as PyTorch calls it.
    pub kind: &'static str,
    /// The layer's weight, by which it can be found among a network's parameters; a normalisation may have none.
    pub weight: Option<Tensor>,
    /// Stride, padding, dilation and groups of a convolution.
    pub convolution: Option<ConvolutionOptions>,
    /// The input's shape.
    pub input: Shape,
    /// The output's shape.
    pub output: Shape,
    /// The output, where [`watch_values`] keeps it.
    pub value: Option<Tensor>,
    /// How long it took.
    pub elapsed: Duration,
}

/// What a watched computation has told.
#[derive(Default)]
struct Watched {
    calls: Vec<Call>,
    /// Whether outputs are kept.
    values: bool,
}

thread_local! {
    static WATCHED: RefCell<Option<Watched>> = const { RefCell::new(None) };
}

/// Runs a computation and gives, beside its result, what layers with parameters did in it on this thread, in order.
/// Inside a computation that is watched already, the inner one's calls are its own.
pub fn watch<R>(compute: impl FnOnce() -> R) -> (R, Vec<Call>) {
    watched(false, compute)
}

/// As [`watch`], and keeps the outputs of the layers: without their history, but all at once in memory.
pub fn watch_values<R>(compute: impl FnOnce() -> R) -> (R, Vec<Call>) {
    watched(true, compute)
}

fn watched<R>(values: bool, compute: impl FnOnce() -> R) -> (R, Vec<Call>) {
    /// Puts the outer calls back, whatever happens.
    struct Outer(Option<Watched>);
    impl Drop for Outer {
        fn drop(&mut self) {
            WATCHED.set(self.0.take());
        }
    }
    let outer = Outer(WATCHED.replace(Some(Watched { calls: Vec::new(), values })));
    let result = compute();
    let calls = WATCHED.take().unwrap_or_default().calls;
    drop(outer);
    (result, calls)
}

/// Computes a layer's output, and tells whoever watches.
///
/// # Errors
/// Those of the computation.
pub fn layer(
    kind: &'static str,
    weight: Option<&Tensor>,
    convolution: Option<&ConvolutionOptions>,
    input: &Tensor,
    compute: impl FnOnce() -> Result<Tensor>,
) -> Result<Tensor> {
    if WATCHED.with_borrow(Option::is_none) {
        return compute();
    }
    let start = Instant::now();
    let output = compute()?;
    let elapsed = start.elapsed();
    let (input, shape) = (input.shape(), output.shape());
    WATCHED.with_borrow_mut(|watched| {
        if let Some(Watched { calls, values }) = watched {
            let (weight, convolution) = (weight.cloned(), convolution.cloned());
            let value = values.then(|| output.detach());
            calls.push(Call { kind, weight, convolution, input, output: shape, value, elapsed });
        }
    });
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Forward;
    use crate::modules::{Conv2d, Linear};
    use flambeau_tensor::DType;

    #[test]
    fn layers_tell_what_they_did() {
        let conv = Conv2d::builder(1, 2, 3).stride(2).build().expect("a layer");
        let linear = Linear::new(3, 4).expect("a layer");
        let image = Tensor::ones([1, 1, 7, 7], DType::F32).expect("an image");
        let (output, calls) = watch(|| linear.forward(&conv.forward(&image)?));
        assert_eq!(output.expect("an output").shape(), [1, 2, 3, 4]);
        assert_eq!(calls.iter().map(|call| call.kind).collect::<Vec<_>>(), ["Conv2d", "Linear"]);
        assert!(calls[0].weight.as_ref().is_some_and(|weight| weight.same(conv.weight())));
        assert_eq!((&*calls[0].input, &*calls[0].output), (&[1, 1, 7, 7][..], &[1, 2, 3, 3][..]));
        assert_eq!(calls[0].convolution.as_ref().map(|options| options.stride.clone()), Some(vec![2, 2]));
        assert!(calls[0].value.is_none());
        let (output, calls) = watch_values(|| linear.forward(&conv.forward(&image)?));
        let values = calls.last().and_then(|call| call.value.as_ref()).map(Tensor::to_vec::<f32>);
        assert_eq!(
            values.expect("a value").expect("numbers"),
            output.expect("an output").to_vec::<f32>().expect("numbers")
        );
        let (_, nothing) = watch(|| ());
        assert!(nothing.is_empty());
    }

    #[test]
    fn what_fails_is_not_told() {
        let linear = Linear::new(3, 4).expect("a layer");
        let wrong = Tensor::ones([1, 5], DType::F32).expect("a tensor");
        let (outcome, calls) = watch(|| linear.forward(&wrong));
        assert!(outcome.is_err() && calls.is_empty());
    }
}
