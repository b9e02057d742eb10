//! Elementwise operators against numbers worked out by hand or by PyTorch.

use flambeau_tensor::ops::where_;
use flambeau_tensor::{DType, MemoryFormat, Result, Scalar, Tensor};

fn f32s(values: &[f32], shape: &[usize]) -> Tensor {
    Tensor::from_slice(values, shape).unwrap()
}

#[test]
fn adds_with_broadcasting_and_promotion() -> Result<()> {
    let a = f32s(&[1., 2., 3., 4., 5., 6.], &[2, 3]);
    let b = Tensor::from_slice(&[10i64, 20, 30], [3])?;
    let c = a.add(&b)?;
    assert_eq!(c.dtype(), DType::F32);
    assert_eq!(c.to_vec::<f32>()?, [11., 22., 33., 14., 25., 36.]);
    assert_eq!(b.add(1.5)?.dtype(), DType::F32);
    assert_eq!(b.add(1)?.dtype(), DType::I64);
    assert_eq!(b.div(4)?.to_vec::<f32>()?, [2.5, 5.0, 7.5]);
    let message = a.add(f32s(&[0.; 4], &[4])).unwrap_err();
    assert_eq!(
        message.message(),
        "The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 1"
    );
    Ok(())
}

#[test]
fn short_rows_are_repeated() -> Result<()> {
    // Tasks and blocks end in the middle of rows, and of what they are repeated along.
    for (images, pixels, channels) in [(3, 200, 100), (2, 1, 127), (5, 900, 7), (2, 40_000, 3)] {
        let values: Vec<f32> = (0..images * pixels * channels).map(|i| (i % 1013) as f32).collect();
        let x = f32s(&values, &[images, pixels, channels]);
        let row: Vec<f32> = (0..images * channels).map(|i| (i % 89) as f32).collect();
        let y = f32s(&row, &[images, 1, channels]);
        let sum = x.add(&y)?.to_vec::<f32>()?;
        let product = y.mul(&f32s(&row[..channels], &[channels]).mul(&x)?)?.to_vec::<f32>()?;
        for (i, &value) in values.iter().enumerate() {
            let (image, channel) = (i / (pixels * channels), i % channels);
            let number = row[image * channels + channel];
            assert_eq!(sum[i], value + number, "{images} {pixels} {channels}, {i}");
            assert_eq!(product[i], number * (row[channel] * value), "{images} {pixels} {channels}, {i}");
        }
    }
    Ok(())
}

#[test]
fn walks_transposed_and_long_operands() -> Result<()> {
    let n = 200 * 333;
    let values: Vec<f32> = (0..n).map(|i| i as f32).collect();
    let a = f32s(&values, &[200, 333]);
    let t = a.transpose(0, 1)?;
    let b = f32s(&values, &[333, 200]);
    let sum = t.add(&b)?.to_vec::<f32>()?;
    for i in 0..333 {
        for j in 0..200 {
            assert_eq!(sum[i * 200 + j], (j * 333 + i) as f32 + (i * 200 + j) as f32);
        }
    }
    let row = f32s(&values[..333], &[1, 333]);
    let product = a.mul(&row)?.to_vec::<f32>()?;
    assert_eq!(product[199 * 333 + 7], (199 * 333 + 7) as f32 * 7.0);
    let column = f32s(&values[..200], &[200, 1]);
    let difference = a.sub(&column)?.to_vec::<f32>()?;
    assert_eq!(difference[199 * 333 + 7], (199 * 333 + 7) as f32 - 199.0);
    Ok(())
}

#[test]
fn follows_the_memory_format() -> Result<()> {
    let a = Tensor::empty_in_format([2, 3, 4, 5], DType::F32, MemoryFormat::ChannelsLast)?;
    let bias = Tensor::empty([1, 3, 1, 1], DType::F32)?;
    assert!(a.add(&bias)?.is_contiguous_in(MemoryFormat::ChannelsLast));
    assert!(a.exp()?.is_contiguous_in(MemoryFormat::ChannelsLast));
    assert!(a.add(2)?.is_contiguous_in(MemoryFormat::ChannelsLast));
    assert!(bias.add(&a)?.is_contiguous_in(MemoryFormat::ChannelsLast));
    Ok(())
}

#[test]
fn compares_and_selects() -> Result<()> {
    let a = f32s(&[1., f32::NAN, 3.], &[3]);
    assert_eq!(a.ne(&a)?.to_vec::<flambeau_tensor::element::Bool>()?, [false.into(), true.into(), false.into()]);
    let chosen = where_(&a.gt(2)?, &a, -1)?;
    assert_eq!(chosen.to_vec::<f32>()?, [-1., -1., 3.]);
    let bytes = Tensor::from_slice(&[100u8], [1])?;
    assert_eq!(bytes.lt(300)?.any()?.item()?, Scalar::Bool(false), "the number wraps to uint8");
    Ok(())
}

#[test]
fn sums_along_any_dimensions() -> Result<()> {
    let values: Vec<f32> = (0..2 * 3 * 4).map(|i| i as f32).collect();
    let a = f32s(&values, &[2, 3, 4]);
    assert_eq!(a.sum()?.item()?, Scalar::Float(276.0));
    assert_eq!(a.sum_dims(&[1], false, None)?.to_vec::<f32>()?, [12., 15., 18., 21., 48., 51., 54., 57.]);
    assert_eq!(a.sum_dims(&[0, 2], true, None)?.shape(), [1, 3, 1]);
    assert_eq!(a.sum_dims(&[0, 2], false, None)?.to_vec::<f32>()?, [60., 92., 124.]);
    assert_eq!(
        a.transpose(0, 2)?.sum_dims(&[1], false, None)?.to_vec::<f32>()?,
        [12., 48., 15., 51., 18., 54., 21., 57.]
    );
    assert_eq!(a.mean_dims(&[-1], false, None)?.to_vec::<f32>()?, [1.5, 5.5, 9.5, 13.5, 17.5, 21.5]);
    let long: Vec<f32> = vec![0.1; 1 << 20];
    let total = f32s(&long, &[1 << 20]).sum()?.item()?.to_f64();
    assert!((total - 104857.6).abs() < 0.01, "{total}");
    assert_eq!(a.sum_to_size([3, 1])?.to_vec::<f32>()?, [60., 92., 124.]);
    Ok(())
}

#[test]
fn differentiates() -> Result<()> {
    let a = f32s(&[1., 2., 3.], &[3]);
    a.requires_grad_(true)?;
    let b = f32s(&[4.], &[1]);
    b.requires_grad_(true)?;
    let y = a.mul(&b)?.exp()?.log()?.pow(2)?.sum()?;
    flambeau_tensor::autograd::backward(&[y], &[None], Default::default())?;
    // y = sum of a²b²
    let close = |g: Option<Tensor>, want: &[f32]| {
        let got = g.unwrap().to_vec::<f32>().unwrap();
        assert!(got.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-3 * b.abs()), "{got:?} {want:?}");
    };
    close(a.grad(), &[32., 64., 96.]);
    close(b.grad(), &[112.]);
    Ok(())
}
