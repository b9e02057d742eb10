use crate::autograd::{gradcheck, gradgradcheck};
use crate::ops::{bilinear, einsum, linear, tensordot};
use crate::{Generator, Result, Tensor};

fn random(seed: u64, shape: &[usize]) -> Tensor {
    Generator::seeded(seed).randn(shape, crate::DType::F64).unwrap().requires_grad_(true).unwrap()
}

fn check(f: impl Fn(&[Tensor]) -> Result<Tensor> + Copy, shapes: &[&[usize]]) {
    let inputs: Vec<Tensor> = shapes.iter().enumerate().map(|(i, s)| random(i as u64, s)).collect();
    gradcheck(f, &inputs).unwrap();
    gradgradcheck(f, &inputs).unwrap();
}

#[test]
fn products_have_the_right_gradients() {
    check(|x| x[0].mm(&x[1]), &[&[2, 3], &[3, 2]]);
    check(|x| x[0].t()?.mm(&x[1].t()?), &[&[3, 2], &[2, 3]]);
    check(|x| x[0].bmm(&x[1]), &[&[2, 2, 3], &[2, 3, 2]]);
    check(|x| x[0].mv(&x[1]), &[&[2, 3], &[3]]);
    check(|x| x[0].dot(&x[1]), &[&[3], &[3]]);
    check(|x| x[0].outer(&x[1]), &[&[2], &[3]]);
    check(|x| x[0].addmm(&x[1], &x[2], 0.5, 2.0), &[&[2], &[2, 3], &[3, 2]]);
    check(|x| x[0].addmv(&x[1], &x[2], 0.5, 2.0), &[&[2], &[2, 3], &[3]]);
    check(|x| x[0].addr(&x[1], &x[2], 0.5, 2.0), &[&[3], &[2], &[3]]);
    check(|x| x[0].baddbmm(&x[1], &x[2], 0.5, 2.0), &[&[2], &[2, 2, 3], &[2, 3, 2]]);
    check(|x| x[0].addbmm(&x[1], &x[2], 0.5, 2.0), &[&[2], &[2, 2, 3], &[2, 3, 2]]);
    check(|x| linear(&x[0], &x[1], Some(&x[2])), &[&[2, 2, 3], &[2, 3], &[2]]);
    check(|x| bilinear(&x[0], &x[1], &x[2], Some(&x[3])), &[&[2, 2], &[2, 3], &[2, 2, 3], &[2]]);
    check(|x| x[0].cdist(&x[1]), &[&[2, 3], &[3, 3]]);
    check(|x| x[0].cross(&x[1], 1), &[&[2, 3], &[1, 3]]);
    check(|x| x[0].kron(&x[1]), &[&[2], &[2, 2]]);
    check(|x| x[0].matrix_power(3), &[&[2, 2]]);
    check(|x| x[0].trace(), &[&[2, 3]]);
}

#[test]
fn matmul_broadcasts_as_its_definition_says() {
    let cases: [(&[usize], &[usize], &[usize]); 9] = [
        (&[3], &[3], &[]),
        (&[2, 3], &[3], &[2]),
        (&[3], &[3, 2], &[2]),
        (&[2, 3], &[3, 4], &[2, 4]),
        (&[2, 2, 3], &[3, 4], &[2, 2, 4]),
        (&[2, 2, 3], &[3], &[2, 2]),
        (&[3], &[2, 3, 4], &[2, 4]),
        (&[2, 3], &[2, 3, 4], &[2, 2, 4]),
        (&[2, 1, 2, 3], &[3, 3, 2], &[2, 3, 2, 2]),
    ];
    for (a, b, out) in cases {
        let (x, y) = (random(1, a), random(2, b));
        let product = x.matmul(&y).unwrap();
        assert_eq!(&product.shape()[..], out, "{a:?} @ {b:?}");
        let by_einsum = match (a.len(), b.len()) {
            (1, 1) => "k,k->",
            (_, 1) => "...mk,k->...m",
            (1, _) => "k,...kn->...n",
            _ => "...mk,...kn->...mn",
        };
        let other = einsum(by_einsum, &[&x, &y]).unwrap().to_vec::<f64>().unwrap();
        for (p, q) in product.to_vec::<f64>().unwrap().iter().zip(&other) {
            assert!((p - q).abs() < 1e-12);
        }
        check(|x| x[0].matmul(&x[1]), &[a, b]);
    }
}

#[test]
fn einsum_follows_the_equation() {
    let x = Tensor::from_slice(&[1.0, 2.0, 3.0, 4.0], [2, 2]).unwrap();
    let y = Tensor::from_slice(&[5.0, 6.0], [2]).unwrap();
    let run = |equation: &str, operands: &[&Tensor]| einsum(equation, operands).unwrap().to_vec::<f64>().unwrap();
    assert_eq!(run("ii", &[&x]), [5.0]);
    assert_eq!(run("ii->i", &[&x]), [1.0, 4.0]);
    assert_eq!(run("ba", &[&x]), [1.0, 3.0, 2.0, 4.0]);
    assert_eq!(run("ij,j->i", &[&x, &y]), [17.0, 39.0]);
    assert_eq!(run("ij->", &[&x]), [10.0]);
    assert_eq!(run("i,j,ij->", &[&y, &y, &x]), [5.0 * 17.0 + 6.0 * 39.0]);
    check(|x| einsum("abc,cd,ad->b", &[&x[0], &x[1], &x[2]]), &[&[2, 2, 3], &[3, 2], &[2, 2]]);
    let error = einsum("ij,jk->ik", &[&x, &random(0, &[3, 2])]).unwrap_err();
    assert_eq!(
        error.message(),
        "einsum(): subscript j has size 3 for operand 1 which does not broadcast with previously seen size 2"
    );
    check(|x| tensordot(&x[0], &x[1], &[0, 2], &[1, 0]), &[&[2, 2, 3], &[3, 2, 2]]);
}

#[test]
fn other_dtypes_multiply_too() {
    let a = Tensor::from_slice(&[1i64, 2, 3, 4], [2, 2]).unwrap();
    assert_eq!(a.mm(&a).unwrap().to_vec::<i64>().unwrap(), [7, 10, 15, 22]);
    for dtype in [crate::DType::BF16, crate::DType::F16] {
        let half = a.to_dtype(dtype).unwrap();
        let square = half.mm(&half.t().unwrap()).unwrap();
        assert_eq!(square.dtype(), dtype);
        assert_eq!(square.to_dtype(crate::DType::I64).unwrap().to_vec::<i64>().unwrap(), [5, 11, 11, 25]);
    }
    let empty = Tensor::zeros([2, 0], crate::DType::F32).unwrap();
    assert_eq!(empty.mm(&empty.t().unwrap()).unwrap().to_vec::<f32>().unwrap(), [0.0; 4]);
}
