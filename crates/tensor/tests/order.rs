//! Running results, sorting, selection, distinct values, search and counting, against PyTorch's results.

use flambeau_tensor::autograd::{BackwardOptions, grad, gradcheck, gradgradcheck};
use flambeau_tensor::ops::{SearchOptions, UniqueOptions, bucketize_scalar};
use flambeau_tensor::{DType, ErrorKind, Result, Tensor};

const NAN: f32 = f32::NAN;
const INF: f32 = f32::INFINITY;

fn f32s(values: &[f32], shape: &[usize]) -> Tensor {
    Tensor::from_slice(values, shape).unwrap()
}

fn line(values: &[f32]) -> Tensor {
    f32s(values, &[values.len()])
}

fn ints(values: &[i64]) -> Tensor {
    Tensor::from_slice(values, [values.len()]).unwrap()
}

fn close(tensor: &Tensor, expected: &[f32]) {
    let values = tensor.to_vec::<f32>().unwrap();
    assert_eq!(values.len(), expected.len());
    for (a, b) in values.iter().zip(expected) {
        assert!(a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-6 * b.abs().max(1.0), "{values:?}");
    }
}

/// The gradient of the sum of a function's result.
fn slope(x: &Tensor, f: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    let x = x.detach().requires_grad_(true)?;
    let y = f(&x)?.sum()?;
    Ok(grad(&[y], &[x], &[None], BackwardOptions::default())?.remove(0).unwrap())
}

const NUMBERS: [f32; 12] = [
    1.5409961, -0.2934289, -2.1787894, 0.5684313, -1.0845224, -1.3985955, 0.4033468, 0.8380263, -0.7192576, -0.4033435,
    -0.5966353, 0.1820365,
];

#[test]
fn running_results() -> Result<()> {
    let x = f32s(&[1., 2., 3., 4., 5., 6.], &[2, 3]);
    close(&x.cumsum(1, None)?, &[1., 3., 6., 4., 9., 15.]);
    close(&x.transpose(0, 1)?.cumsum(0, None)?, &[1., 4., 3., 9., 6., 15.]);
    close(&x.cumprod(0, None)?, &[1., 2., 3., 4., 10., 18.]);
    assert_eq!(Tensor::from_slice(&[200u8, 100], [2])?.cumsum(0, None)?.to_vec::<i64>()?, [200, 300]);
    assert_eq!(Tensor::from_slice(&[200u8, 100], [2])?.cumsum(0, Some(DType::U8))?.to_vec::<u8>()?, [200, 44]);
    let half = line(&NUMBERS).to_dtype(DType::F16)?;
    close(
        &half.cumsum(0, None)?.to_dtype(DType::F32)?,
        &[
            1.541_015_6,
            1.248_046_9,
            -0.932_128_9,
            -0.363_769_53,
            -1.449_218_8,
            -2.847_656_3,
            -2.443_359_4,
            -1.605_468_8,
            -2.324_218_8,
            -2.728_515_6,
            -3.324_218_8,
            -3.142_578_1,
        ],
    );
    close(
        &line(&NUMBERS).logcumsumexp(0)?,
        &[
            1.5409961, 1.689162, 1.7098477, 1.9869993, 2.0323079, 2.064153, 2.2380943, 2.4584982, 2.4993322, 2.5527556,
            2.59474, 2.6805258,
        ],
    );
    close(&line(&[-INF, -INF, 0., INF, INF, NAN, 1.]).logcumsumexp(0)?, &[-INF, -INF, 0., INF, INF, NAN, NAN]);
    let (values, places) = line(&[1., NAN, 2., NAN]).cummax(0)?;
    close(&values, &[1., NAN, NAN, NAN]);
    assert_eq!(places.to_vec::<i64>()?, [0, 1, 1, 3]);
    let (values, places) = line(&[3., 3., 1., NAN, 2., 1.]).cummin(0)?;
    close(&values, &[3., 3., 1., NAN, NAN, NAN]);
    assert_eq!(places.to_vec::<i64>()?, [0, 1, 2, 3, 3, 3]);
    let scalar = f32s(&[2.], &[]);
    assert_eq!(scalar.cumsum(0, None)?.shape().to_vec(), [0usize; 0]);
    assert_eq!(scalar.cummax(-1)?.1.to_vec::<i64>()?, [0]);
    assert_eq!(f32s(&[], &[0, 3]).cumsum(0, None)?.shape().to_vec(), [0, 3]);
    assert_eq!(
        x.cumsum(5, None).unwrap_err().message(),
        "Dimension out of range (expected to be in range of [-2, 1], but got 5)"
    );
    let error = ints(&[1]).logcumsumexp(0).unwrap_err();
    assert_eq!(error.message(), "\"logcumsumexp_out_cpu\" not implemented for 'Long'");
    assert_eq!(error.kind(), ErrorKind::NotImplemented);
    let y = line(&[1., 2.]);
    y.cumsum_(0, None)?;
    close(&y, &[1., 3.]);
    Ok(())
}

#[test]
fn gradients() -> Result<()> {
    close(&slope(&line(&[1., 2., 0., 3.]), |x| x.cumprod(0, None))?, &[3., 1., 8., 0.]);
    close(&slope(&line(&[1., 2., 2., NAN, 3.]), Tensor::median)?, &[0., 0., 0., 1., 0.]);
    close(&slope(&line(&[1., 2., 2., NAN, 3.]), Tensor::nanmedian)?, &[0., 0.5, 0.5, 0., 0.]);
    close(&slope(&line(&[1., 3., 2., 0.]), |x| Ok(x.topk(2, 0, true)?.0))?, &[0., 1., 1., 0.]);
    close(&slope(&line(&[2., 1., 3., 0.]), |x| Ok(x.cummax(0)?.0))?, &[2., 0., 2., 0.]);
    let values: Vec<f64> = NUMBERS.iter().map(|&x| f64::from(x)).collect();
    let x = Tensor::from_slice(&values, [3, 4])?.requires_grad_(true)?;
    let weights = Tensor::from_slice(&values, [3, 4])?.cumsum(0, None)?;
    type Operator = fn(&Tensor) -> Result<Tensor>;
    let operators: [(&str, Operator); 11] = [
        ("CumsumBackward0", |x| x.cumsum(0, None)),
        ("CumprodBackward0", |x| x.cumprod(1, None)),
        ("LogcumsumexpBackward0", |x| x.logcumsumexp(0)),
        ("CummaxBackward0", |x| Ok(x.cummax(1)?.0)),
        ("CumminBackward0", |x| Ok(x.cummin(0)?.0)),
        ("SortBackward0", |x| Ok(x.sort(0, true)?.0)),
        ("SortBackward1", |x| Ok(x.sort_stable(1, false)?.0)),
        ("TopkBackward0", |x| Ok(x.topk(2, 1, false)?.0)),
        ("KthvalueBackward0", |x| Ok(x.kthvalue(2, 0, false)?.0)),
        ("MedianBackward1", |x| Ok(x.median_dim(1, true)?.0)),
        ("ModeBackward0", |x| Ok(x.mode(0, false)?.0)),
    ];
    for (name, operator) in operators {
        let y = operator(&x)?;
        assert_eq!(y.grad_fn().unwrap().name(), name);
        let weighted = |inputs: &[Tensor]| {
            let y = operator(&inputs[0])?;
            if y.shape() == weights.shape() { y.mul(&weights) } else { y.mul(&y) }
        };
        gradcheck(weighted, std::slice::from_ref(&x)).unwrap_or_else(|e| panic!("{name}: {e}"));
        gradgradcheck(weighted, std::slice::from_ref(&x)).unwrap_or_else(|e| panic!("{name}, twice: {e}"));
    }
    let with_zero = Tensor::from_slice(&[1.5f64, 0., -2., 0.5], [4])?.requires_grad_(true)?;
    gradgradcheck(|inputs| inputs[0].cumprod(0, None), &[with_zero])?;
    let error = x.unique(UniqueOptions::default())?.values.sum()?;
    let error = grad(&[error], std::slice::from_ref(&x), &[None], BackwardOptions::default()).unwrap_err();
    assert_eq!(error.message(), "the derivative for '_unique2' is not implemented.");
    Ok(())
}

#[test]
fn sorting_and_selection() -> Result<()> {
    let x = line(&[1., NAN, 2., -INF]);
    let (values, places) = x.sort(0, false)?;
    close(&values, &[-INF, 1., 2., NAN]);
    assert_eq!(places.to_vec::<i64>()?, [3, 0, 2, 1]);
    assert_eq!(x.argsort(-1, true)?.to_vec::<i64>()?, [1, 2, 0, 3]);
    let matrix = f32s(&NUMBERS, &[3, 4]).transpose(0, 1)?;
    let (values, places) = matrix.sort(0, false)?;
    assert_eq!((values.strides().to_vec(), places.strides().to_vec()), (vec![1, 4], vec![1, 4]));
    for column in 0..3 {
        let sorted = values.select(1, column)?.to_vec::<f32>()?;
        assert!(sorted.is_sorted());
        let taken = matrix.select(1, column)?.index_select(0, &places.select(1, column)?.contiguous()?)?;
        assert_eq!(taken.to_vec::<f32>()?, sorted);
    }
    let (values, places) = line(&[1., NAN, 2.]).topk(2, 0, false)?;
    close(&values, &[1., 2.]);
    assert_eq!(places.to_vec::<i64>()?, [0, 2]);
    assert_eq!(f32s(&[3.], &[]).topk(0, 0, true)?.0.numel(), 1);
    assert_eq!(x.topk(5, 0, true).unwrap_err().message(), "selected index k out of range");
    let (value, place) = line(&[2., 1., 2., 1., 1., 2., 2., 1.]).kthvalue(5, 0, false)?;
    assert_eq!((value.to_vec::<f32>()?, place.to_vec::<i64>()?), (vec![2.], vec![5]));
    let error = f32s(&[], &[0, 3]).kthvalue(5, 0, false).unwrap_err();
    assert_eq!(error.message(), "kthvalue(): Expected reduction dim 0 to have non-zero size.");
    assert_eq!(error.kind(), ErrorKind::Index);
    assert_eq!(
        f32s(&[], &[3, 0]).kthvalue(9, 0, false).unwrap_err().message(),
        "kthvalue(): selected number k out of range for dimension 0"
    );
    assert_eq!(ints(&[0, 1, 2, 3, 4, 5]).median()?.to_vec::<i64>()?, [2]);
    assert!(f32s(&[], &[0]).median()?.to_vec::<f32>()?[0].is_nan());
    assert_eq!(line(&[1., NAN, 0.]).median_dim(0, false)?.1.to_vec::<i64>()?, [1]);
    assert_eq!(line(&[1., NAN, 0.]).nanmedian_dim(0, true)?.1.to_vec::<i64>()?, [2]);
    let (value, place) = ints(&[5, 5, 2, 2, 5]).mode(0, false)?;
    assert_eq!((value.to_vec::<i64>()?, place.to_vec::<i64>()?), (vec![5], vec![4]));
    let (value, place) = ints(&[1, 2, 2, 1, 3]).mode(-1, false)?;
    assert_eq!((value.to_vec::<i64>()?, place.to_vec::<i64>()?), (vec![1], vec![3]));
    Ok(())
}

#[test]
fn distinct_values() -> Result<()> {
    let both = UniqueOptions { inverse: true, counts: true };
    let unique = line(&[NAN, 1., NAN]).unique(both)?;
    close(&unique.values, &[1., NAN, NAN]);
    assert_eq!(unique.inverse.to_vec::<i64>()?, [1, 0, 2]);
    assert_eq!(unique.counts.to_vec::<i64>()?, [1, 1, 1]);
    let unique = f32s(&[], &[0, 2]).unique(both)?;
    assert_eq!((unique.values.shape().to_vec(), unique.inverse.shape().to_vec()), (vec![0], vec![0, 2]));
    let x = Tensor::from_slice(&[1i64, 1, 2, 2, 1, 1, 1, 0, 2, 1], [2, 5])?;
    let unique = x.unique_dim(1)?;
    assert_eq!(unique.values.to_vec::<i64>()?, [1, 2, 2, 1, 0, 2]);
    assert_eq!(unique.inverse.to_vec::<i64>()?, [0, 0, 1, 2, 0]);
    assert_eq!(unique.counts.to_vec::<i64>()?, [3, 1, 1]);
    let unique = x.unique_consecutive(both, Some(1))?;
    assert_eq!(unique.inverse.to_vec::<i64>()?, [0, 0, 1, 2, 3]);
    let unique = ints(&[1, 1, 2, 2, 1]).unique_consecutive(both, None)?;
    assert_eq!(unique.values.to_vec::<i64>()?, [1, 2, 1]);
    assert_eq!(unique.counts.to_vec::<i64>()?, [2, 2, 1]);
    assert_eq!(
        f32s(&[], &[0, 2]).unique_dim(1).unwrap_err().message(),
        "There are 0 sized dimensions, and they aren't selected, so unique cannot be applied"
    );
    Ok(())
}

#[test]
fn search_and_counting() -> Result<()> {
    let options = |right| SearchOptions { right, ..SearchOptions::default() };
    let row = line(&[1., 2., 3.]);
    assert_eq!(row.searchsorted(line(&[2., NAN, 0.]), &options(true))?.to_vec::<i64>()?, [2, 3, 0]);
    assert_eq!(row.searchsorted(2, &options(false))?.to_vec::<i64>()?, [1]);
    let rows = f32s(&[1., 2., 3., 4.], &[2, 2]).transpose(0, 1)?;
    let places = rows.searchsorted(f32s(&[1., 2., 3., 4.], &[2, 2]), &options(false))?;
    assert_eq!(places.to_vec::<i64>()?, [0, 1, 1, 1]);
    let sorted = SearchOptions { sorter: Some(ints(&[1, 0])), out_int32: true, ..SearchOptions::default() };
    assert_eq!(line(&[2., 1.]).searchsorted(line(&[1.5]), &sorted)?.to_vec::<i32>()?, [1]);
    let wrong = SearchOptions { side: Some("foo".into()), ..SearchOptions::default() };
    assert_eq!(
        row.searchsorted(1, &wrong).unwrap_err().message(),
        "torch.searchsorted(): side can only be 'left' or 'right' but got foo"
    );
    assert_eq!(ints(&[1]).bucketize(&row, false, true)?.to_vec::<i64>()?, [1]);
    assert_eq!(bucketize_scalar(3, &row, false, false)?.to_vec::<i64>()?, [2]);
    assert_eq!(Tensor::from_slice(&[1u8, 5], [2])?.bincount(None, 7)?.to_vec::<i64>()?, [0, 1, 0, 0, 0, 1, 0]);
    assert_eq!(ints(&[1, 2, 1]).bincount(Some(&line(&[1., 2., 4.])), 0)?.to_vec::<f32>()?, [0., 5., 2.]);
    assert_eq!(
        ints(&[-1]).bincount(None, 0).unwrap_err().message(),
        "bincount only supports 1-d non-negative integral inputs."
    );
    close(&line(&NUMBERS).histc(5, 0, 0)?, &[1., 3., 3., 3., 2.]);
    close(&line(&[1., 1.]).histc(4, 0, 0)?, &[0., 0., 2., 0.]);
    close(&line(&[1., 2., 9.]).histc(3, 0, 5)?, &[1., 1., 0.]);
    assert_eq!(row.histc(3, 2, 1).unwrap_err().message(), "torch.histc: max must be larger than min");
    Ok(())
}
