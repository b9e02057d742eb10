use super::{complex, polar};
use crate::autograd::{gradcheck, gradgradcheck};
use crate::element::Complex;
use crate::ops::ConvolutionOptions;
use crate::{DType, Tensor};

fn numbers(shape: &[usize], seed: usize) -> Tensor {
    let count: usize = shape.iter().product();
    let values: Vec<f64> = (0..count).map(|i| ((i * 37 + seed * 17 + 5) % 23) as f64 / 7.0 - 1.5).collect();
    Tensor::from_slice(&values, shape).unwrap()
}

fn pair(shape: &[usize], seed: usize) -> Tensor {
    complex(&numbers(shape, seed), &numbers(shape, seed + 1)).unwrap()
}

fn values(tensor: &Tensor) -> Vec<(f64, f64)> {
    tensor.to_vec::<Complex<f64>>().unwrap().into_iter().map(|z| (z.re, z.im)).collect()
}

#[test]
fn arithmetic_is_that_of_complex_numbers() {
    let a = complex(&Tensor::from_slice(&[1.0, -2.0], [2]).unwrap(), &Tensor::from_slice(&[2.0, 0.5], [2]).unwrap());
    let (a, b) = (a.unwrap(), Tensor::from_slice(&[Complex { re: 3.0, im: -4.0 }], [1]).unwrap());
    assert_eq!(values(&a.add(&b).unwrap()), [(4.0, -2.0), (1.0, -3.5)]);
    assert_eq!(values(&a.sub(&b).unwrap()), [(-2.0, 6.0), (-5.0, 4.5)]);
    assert_eq!(values(&a.mul(&b).unwrap()), [(11.0, 2.0), (-4.0, 9.5)]);
    assert_eq!(values(&a.mul(&b).unwrap().div(&b).unwrap()), values(&a));
    assert_eq!(values(&a.mul(2).unwrap()), [(2.0, 4.0), (-4.0, 1.0)]);
    assert_eq!(values(&a.conj().unwrap()), [(1.0, -2.0), (-2.0, -0.5)]);
    assert_eq!(b.abs().unwrap().to_vec::<f64>().unwrap(), [5.0]);
    assert_eq!(values(&a.sum().unwrap()), [(-1.0, 2.5)]);
    assert!(a.eq(&a).unwrap().all_true().unwrap());
    let turned = polar(&Tensor::from_slice(&[2.0], [1]).unwrap(), &Tensor::zeros([1], DType::F64).unwrap()).unwrap();
    assert_eq!(values(&turned), [(2.0, 0.0)]);
}

#[test]
fn views_share_memory_and_refuse_what_are_no_pairs() {
    let a = pair(&[2, 3], 0);
    a.real().unwrap().fill_(7.0).unwrap();
    assert!(values(&a).iter().all(|z| z.0 == 7.0));
    assert_eq!(values(&a.view_as_real().unwrap().view_as_complex().unwrap()), values(&a));
    let odd = Tensor::zeros([2, 3], DType::F64).unwrap();
    let error = odd.view_as_complex().unwrap_err();
    assert_eq!(error.message(), "Tensor must have a last dimension of size 2");
}

#[test]
fn gradients_of_parts_are_those_of_complex_arithmetic() {
    let parts = |x: &[Tensor]| -> crate::Result<Tensor> {
        let (a, b) = (complex(&x[0], &x[1])?, complex(&x[2], &x[3])?);
        let z = a.mul(&b)?.add(&a.div(&b)?)?.conj()?;
        z.abs()?.add(&z.real()?)?.add(&z.imag()?)
    };
    let x: Vec<Tensor> = (0..4).map(|i| numbers(&[3], i).add(3.0).unwrap().requires_grad_(true).unwrap()).collect();
    gradcheck(parts, &x).unwrap();
    gradgradcheck(parts, &x).unwrap();
}

#[test]
fn complex_convolution_is_four_real_ones() {
    let (x, w, b) = (pair(&[2, 3, 5, 5], 0), pair(&[4, 3, 3, 3], 3), pair(&[4], 5));
    let options = ConvolutionOptions { stride: vec![2], ..Default::default() };
    let y = x.conv2d(&w, Some(&b), &options).unwrap();
    // One output by hand.
    let (x, w, b) = (values(&x), values(&w), values(&b));
    let mut sum = b[1];
    for c in 0..3 {
        for (i, j) in (0..3).flat_map(|i| (0..3).map(move |j| (i, j))) {
            let (p, q) = (x[(c * 5 + i) * 5 + j], w[((3 + c) * 3 + i) * 3 + j]);
            sum = (sum.0 + p.0 * q.0 - p.1 * q.1, sum.1 + p.0 * q.1 + p.1 * q.0);
        }
    }
    let first = values(&y.select(0, 0).unwrap().select(0, 1).unwrap())[0];
    assert!((first.0 - sum.0).abs() < 1e-12 && (first.1 - sum.1).abs() < 1e-12, "{first:?} {sum:?}");
}
