use super::PoolOptions;
use crate::autograd::{gradcheck, gradgradcheck};
use crate::{DType, MemoryFormat, Result, Tensor};

fn counting(shape: &[usize]) -> Tensor {
    let n: usize = shape.iter().product();
    Tensor::from_slice(&(0..n).map(|i| ((i * 37 + 11) % 101) as f64).collect::<Vec<_>>(), shape).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f64> {
    tensor.to_dtype(DType::F64).unwrap().to_vec().unwrap()
}

fn error<T>(result: Result<T>) -> String {
    result.err().unwrap().message().to_owned()
}

#[test]
fn unpooling_puts_maxima_back() {
    let x = counting(&[2, 3, 4, 6]);
    let options = PoolOptions::default();
    for x in [x.clone(), x.contiguous_in(MemoryFormat::ChannelsLast).unwrap()] {
        let (maxima, places) = x.max_pool2d_with_indices(&options).unwrap();
        let back = maxima.max_unpool2d(&places, &[4, 6]).unwrap();
        assert_eq!(values(&back.max_pool2d(&options).unwrap()), values(&maxima));
        assert_eq!(values(&back).iter().filter(|&&v| v != 0.0).count(), maxima.numel());
        assert_eq!(back.suggested_format(), x.suggested_format());
        let leaf = maxima.detach().requires_grad_(true).unwrap();
        gradcheck(|x| x[0].max_unpool2d(&places, &[4, 6]), std::slice::from_ref(&leaf)).unwrap();
        gradgradcheck(|x| x[0].max_unpool2d(&places, &[4, 6]), &[leaf]).unwrap();
    }
    let volume = counting(&[1, 2, 2, 2]);
    let places = Tensor::from_slice(&[0i64, 1, 2, 26, 3, 4, 5, 6], [1, 2, 2, 2]).unwrap();
    let back = volume.max_unpool3d(&places, &[3, 3, 3], &[1, 1, 1], &[0, 0, 0]).unwrap();
    assert_eq!(values(&back)[26], values(&volume)[3]);
    let back = volume.max_unpool3d(&places, &[2, 3, 3], &[1, 1, 1], &[0, 0, 0]);
    assert_eq!(error(back), "Found an invalid max index: 26 (output volumes are of size 2x3x3)");
}

#[test]
fn unpooling_mistakes_are_told_in_pytorchs_words() {
    let x = counting(&[1, 2, 3, 3]);
    let at = |place: i64| Tensor::full([1, 2, 3, 3], place, DType::I64).unwrap();
    let cases = [
        (x.max_unpool2d(&at(36), &[6, 6]), "Found an invalid max index: 36 (output volumes are of size 6x6)"),
        (x.max_unpool2d(&at(-1), &[6, 6]), "Found an invalid max index: -1 (output volumes are of size 6x6)"),
        (
            x.max_unpool2d(&at(0), &[6]),
            "There should be exactly two elements (height, width) in output_size, but got 1 elements.",
        ),
        (
            x.max_unpool2d(&at(0), &[-1, 6]),
            "max_unpooling2d(): output_size must contain non-negative spatial dimensions, but got output_size=[-1, 6]",
        ),
        (
            x.max_unpool2d(&at(0).to_dtype(DType::I32).unwrap(), &[6, 6]),
            "elements in indices should be type int64 but got: Int",
        ),
    ];
    for (result, expected) in cases {
        assert_eq!(error(result), expected);
    }
    assert!(x.max_unpool2d(&at(0), &[isize::MAX, isize::MAX]).is_err());
    assert_eq!(x.max_unpool2d(&at(0), &[0, 6]).unwrap().shape(), [1, 2, 0, 6]);
}

#[test]
fn fractional_windows_are_where_the_samples_say() {
    let line: Vec<f64> = (0..49).map(f64::from).collect();
    let x = Tensor::from_slice(&line, [1, 1, 7, 7]).unwrap();
    let samples = Tensor::full([1, 1, 2], 0.3, DType::F64).unwrap();
    let (maxima, places) = x.fractional_max_pool2d(&[2, 2], &[3, 3], &samples).unwrap();
    assert_eq!(values(&maxima)[..4], [8.0, 11.0, 13.0, 29.0]);
    assert_eq!(values(&places), values(&maxima));
    for wild in [f64::NAN, f64::INFINITY, -5.0, 1e300] {
        let samples = Tensor::full([1, 1, 2], wild, DType::F64).unwrap();
        assert!(x.fractional_max_pool2d(&[2, 2], &[3, 3], &samples).is_ok());
    }
    let leaf = counting(&[1, 2, 5, 6]).requires_grad_(true).unwrap();
    let samples = Tensor::from_slice(&[0.2, 0.9, 0.5, 0.1], [1, 2, 2]).unwrap();
    let pooled = |x: &[Tensor]| Ok(x[0].fractional_max_pool2d(&[2, 2], &[3, 2], &samples)?.0);
    gradcheck(pooled, std::slice::from_ref(&leaf)).unwrap();
    gradgradcheck(pooled, &[leaf]).unwrap();
    let volume = counting(&[2, 5, 6, 4]).requires_grad_(true).unwrap();
    let samples = Tensor::full([1, 2, 3], 0.4, DType::F64).unwrap();
    gradcheck(|x| Ok(x[0].fractional_max_pool3d(&[2, 2, 1], &[3, 2, 2], &samples)?.0), &[volume]).unwrap();
    assert_eq!(
        error(x.fractional_max_pool2d(&[2, 2], &[7, 7], &Tensor::zeros([1, 1, 2], DType::F64).unwrap())),
        "fractional_max_pool2d(): pool height 2 too large relative to input height 7"
    );
}

#[test]
fn an_unbatched_volume_is_no_batch_of_images() {
    let x = counting(&[2, 4, 4, 4]);
    let last = x.contiguous_in(MemoryFormat::ChannelsLast).unwrap();
    let options = PoolOptions { kernel_size: vec![2, 2, 2], ..Default::default() };
    assert_eq!(values(&last.avg_pool3d(&options).unwrap()), values(&x.avg_pool3d(&options).unwrap()));
    assert_eq!(values(&last.max_pool3d(&options).unwrap()), values(&x.max_pool3d(&options).unwrap()));
}

#[test]
fn windows_without_an_element_have_the_lowest_number_and_no_gradient() {
    let options = PoolOptions { padding: vec![1], dilation: vec![2], ..PoolOptions::default() };
    let x = Tensor::from_slice(&[1.0f64], [1, 1]).unwrap().requires_grad_(true).unwrap();
    let maxima = x.max_pool1d(&options).unwrap();
    assert_eq!(values(&maxima), [f64::NEG_INFINITY]);
    maxima.sum().unwrap().backward().unwrap();
    assert_eq!(values(&x.grad().unwrap()), [0.0]);

    let x = counting(&[1, 2, 1]);
    let options = PoolOptions {
        kernel_size: vec![1, 2],
        stride: vec![1],
        padding: vec![0, 1],
        dilation: vec![1, 2],
        ..PoolOptions::default()
    };
    let (maxima, places) = x.max_pool2d_with_indices(&options).unwrap();
    assert_eq!(values(&maxima), [f64::NEG_INFINITY; 2]);
    assert_eq!(places.to_vec::<i64>().unwrap(), [1, 2]);
    let x = counting(&[1, 2, 2]);
    let options =
        PoolOptions { kernel_size: vec![1, 4], padding: vec![0, 5], dilation: vec![1, 3], ..PoolOptions::default() };
    assert_eq!(
        error(x.max_pool2d(&options)),
        "pad should be smaller than or equal to half of kernel size, but got padW = 5, padH = 0, kW = 4, kH = 1"
    );
    // The only window of each row has its elements at -1 and 2, of 2 numbers.
    let x = counting(&[1, 1, 2]).repeat(&[1, 2, 1]).unwrap();
    let options = PoolOptions {
        kernel_size: vec![1, 2],
        stride: vec![1],
        padding: vec![0, 1],
        dilation: vec![1, 3],
        ..PoolOptions::default()
    };
    let (maxima, places) = x.max_pool2d_with_indices(&options).unwrap();
    assert_eq!(values(&maxima), [f64::NEG_INFINITY; 2]);
    assert_eq!(places.to_vec::<i64>().unwrap(), [2, 4]);
    let leaf = x.detach().requires_grad_(true).unwrap();
    gradcheck(|x| x[0].max_pool2d(&options)?.clamp(Some((-9.0).into()), None), &[leaf]).unwrap();

    let whole = x.to_dtype(DType::I32).unwrap().max_pool2d(&options).unwrap();
    assert_eq!(values(&whole)[0], f64::from(i32::MIN));
}

#[test]
fn three_dimensions_without_a_batch_keep_their_layout() {
    let x = counting(&[1, 4, 3, 5, 6]).contiguous_in(MemoryFormat::ChannelsLast3d).unwrap().squeeze_dim(0).unwrap();
    let (maxima, places) = x.max_pool3d_with_indices(&PoolOptions::default()).unwrap();
    assert_eq!(maxima.strides().to_vec(), [1, 24, 12, 4]);
    assert_eq!(places.strides().to_vec(), [1, 24, 12, 4]);
    assert_eq!(values(&maxima), values(&x.contiguous().unwrap().max_pool3d(&PoolOptions::default()).unwrap()));
}
