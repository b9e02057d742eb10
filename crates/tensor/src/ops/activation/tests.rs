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

#[test]
fn random_slopes_lie_between_their_bounds() {
    let x = Tensor::from_slice(&[-2.0, -1.0, 0.5, 3.0], [4]).unwrap();
    let mean = x.rrelu(RandomSlope::default(), None).unwrap().to_vec::<f64>().unwrap();
    assert!((mean[0] + 2.0 * (1.0 / 8.0 + 1.0 / 3.0) / 2.0).abs() < 1e-12 && mean[3] == 3.0);
    let slope = RandomSlope { lower: 0.25, upper: 0.5, training: true };
    let generator = crate::Generator::seeded(3);
    let y = x.rrelu(slope, Some(&generator)).unwrap().to_vec::<f64>().unwrap();
    assert!((-1.0..=-0.5).contains(&y[0]) && (-0.5..=-0.25).contains(&y[1]) && y[2..] == [0.5, 3.0]);
    let x = x.requires_grad_(true).unwrap();
    let y = x.rrelu(slope, Some(&crate::Generator::seeded(3))).unwrap();
    y.sum().unwrap().backward().unwrap();
    let gradient = x.grad().unwrap().to_vec::<f64>().unwrap();
    assert!((gradient[0] - y.detach().to_vec::<f64>().unwrap()[0] / -2.0).abs() < 1e-12 && gradient[3] == 1.0);
    assert!(x.rrelu(RandomSlope { lower: 1.0, upper: 0.0, training: true }, None).is_err());
}
