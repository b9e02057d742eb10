use super::*;
use crate::autograd::{gradcheck, gradgradcheck};
use crate::ops::GeluApproximation;

/// Numbers away from every corner of the piecewise functions.
fn sample() -> Tensor {
    let values: Vec<f64> = (0..24).map(|i| -5.213 + 0.47 * i as f64).collect();
    Tensor::from_slice(&values, [2, 3, 4]).unwrap().requires_grad_(true).unwrap()
}

type Operator = fn(&Tensor) -> Result<Tensor>;
const OPERATORS: [(&str, Operator); 21] = [
    ("relu", Tensor::relu),
    ("leaky_relu", |x| x.leaky_relu(0.1)),
    ("elu", |x| x.elu(1.2, 0.9, 1.0)),
    ("elu with an input scale", |x| x.elu(1.2, 0.9, 0.5)),
    ("celu", |x| x.celu(0.7)),
    ("selu", Tensor::selu),
    ("gelu", |x| x.gelu(GeluApproximation::None)),
    ("gelu tanh", |x| x.gelu(GeluApproximation::Tanh)),
    ("silu", Tensor::silu),
    ("mish", Tensor::mish),
    ("hardswish", Tensor::hardswish),
    ("hardsigmoid", Tensor::hardsigmoid),
    ("hardtanh", |x| x.hardtanh(Scalar::Int(-1), Scalar::Float(2.3))),
    ("hardshrink", |x| x.hardshrink(0.5)),
    ("softshrink", |x| x.softshrink(0.5)),
    ("softplus", |x| x.softplus(1.5, 4.0)),
    ("log_sigmoid", Tensor::log_sigmoid),
    ("threshold", |x| x.threshold(Scalar::Float(0.1), Scalar::Int(7))),
    ("softsign", Tensor::softsign),
    ("tanhshrink", Tensor::tanhshrink),
    ("glu", |x| x.glu(-1)),
];

#[test]
fn gradients_of_both_orders() {
    for (name, operator) in OPERATORS {
        gradcheck(|inputs| operator(&inputs[0]), &[sample()]).unwrap_or_else(|e| panic!("{name}: {e}"));
        gradgradcheck(|inputs| operator(&inputs[0]), &[sample()]).unwrap_or_else(|e| panic!("{name}'': {e}"));
    }
    let weight = Tensor::from_slice(&[0.2, 0.3, 0.4], [3]).unwrap().requires_grad_(true).unwrap();
    gradcheck(|inputs| inputs[0].prelu(&inputs[1]), &[sample(), weight]).unwrap();
}

#[test]
fn in_place_forms_know_their_input() {
    let x = sample();
    let copy = x.copy().unwrap();
    copy.silu_().unwrap();
    assert_eq!(copy.to_vec::<f64>().unwrap(), x.silu().unwrap().to_vec::<f64>().unwrap());
    gradcheck(|inputs| inputs[0].copy()?.silu_(), std::slice::from_ref(&x)).unwrap();
    gradcheck(|inputs| inputs[0].copy()?.relu_(), &[x]).unwrap();
}

#[test]
fn integers_and_mistakes() {
    let x = Tensor::from_slice(&[-3i64, 0, 9], [3]).unwrap();
    assert_eq!(x.relu().unwrap().to_vec::<i64>().unwrap(), [0, 0, 9]);
    assert_eq!(x.relu6().unwrap().to_vec::<i64>().unwrap(), [0, 0, 6]);
    assert_eq!(x.threshold(Scalar::Int(0), Scalar::Int(5)).unwrap().to_vec::<i64>().unwrap(), [5, 5, 9]);
    assert_eq!(x.silu().unwrap_err().message(), "\"silu_cpu\" not implemented for 'Long'");
    let x = Tensor::from_slice(&[1.0f32; 6], [2, 3]).unwrap();
    assert_eq!(
        x.prelu(&Tensor::from_slice(&[1.0f32; 2], [2]).unwrap()).unwrap_err().message(),
        "Mismatch of parameter numbers and input channel size. Found parameter numbers = 2 and channel size = 3."
    );
    assert_eq!(x.glu(1).unwrap_err().message(), "Halving dimension must be even, but dimension 1 is size 3");
}
