use super::*;
use crate::DType;

fn counting(shape: &[usize]) -> Tensor {
    let n: usize = shape.iter().product();
    let values: Vec<f64> = (0..n).map(|i| ((i * 7 + 3) % 11) as f64 - 5.0).collect();
    Tensor::from_slice(&values, shape).unwrap()
}

fn error(result: Result<Tensor>) -> String {
    result.unwrap_err().message().to_owned()
}

#[test]
fn shapes_and_layouts_follow_the_options() {
    let (x, w) = (counting(&[2, 4, 5, 5]), counting(&[6, 4, 3, 3]));
    let options = ConvolutionOptions { stride: vec![2, 1], padding: Padding::Zeros(vec![1, 0]), ..Default::default() };
    assert_eq!(x.conv2d(&w, None, &options).unwrap().shape(), [2, 6, 3, 3]);
    assert_eq!(x.select(0, 0).unwrap().conv2d(&w, None, &options).unwrap().shape(), [6, 3, 3]);
    let same = ConvolutionOptions { padding: Padding::Same, ..Default::default() };
    assert_eq!(x.conv2d(&counting(&[6, 4, 4, 2]), None, &same).unwrap().shape(), [2, 6, 5, 5]);
    let last = w.contiguous_in(crate::MemoryFormat::ChannelsLast).unwrap();
    let (plain, by_weight) = (x.conv2d(&w, None, &same).unwrap(), x.conv2d(&last, None, &same).unwrap());
    assert_eq!(by_weight.strides().as_slice(), [150, 1, 30, 6]);
    assert_eq!(plain.to_vec::<f64>().unwrap(), by_weight.to_vec::<f64>().unwrap());
}

#[test]
fn the_transposed_convolution_reaches_its_output_padding() {
    let (x, w) = (counting(&[1, 4, 5, 5]), counting(&[4, 3, 3, 3]));
    let options = ConvolutionOptions { dilation: vec![3], output_padding: vec![2], ..Default::default() };
    let y = x.conv_transpose2d(&w, None, &options).unwrap();
    assert_eq!(y.shape(), [1, 3, 13, 13]);
    let plain = ConvolutionOptions { dilation: vec![3], ..Default::default() };
    let part = y.narrow(2, 0, 11).unwrap().narrow(3, 0, 11).unwrap();
    assert_eq!(part.to_vec::<f64>().unwrap(), x.conv_transpose2d(&w, None, &plain).unwrap().to_vec::<f64>().unwrap());
    assert!(y.narrow(2, 11, 2).unwrap().to_vec::<f64>().unwrap().iter().all(|&v| v == 0.0));
}

#[test]
fn sixteen_bit_floats_are_summed_in_float32() {
    let (x, w) = (counting(&[1, 3, 6, 6]), counting(&[2, 3, 3, 3]));
    let exact = x.conv2d(&w, None, &ConvolutionOptions::default()).unwrap();
    for dtype in [DType::BF16, DType::F16, DType::I64, DType::U8] {
        if dtype == DType::U8 {
            continue;
        }
        let (x, w) = (x.to_dtype(dtype).unwrap(), w.to_dtype(dtype).unwrap());
        let y = x.conv2d(&w, None, &ConvolutionOptions::default()).unwrap();
        assert_eq!(y.dtype(), dtype);
        let expected = exact.to_dtype(dtype).unwrap().to_dtype(DType::F64).unwrap();
        assert_eq!(y.to_dtype(DType::F64).unwrap().to_vec::<f64>().unwrap(), expected.to_vec::<f64>().unwrap());
    }
}

#[test]
fn mistakes_are_told_in_pytorchs_words() {
    let (x, w, d) = (counting(&[2, 4, 5, 5]), counting(&[6, 4, 3, 3]), ConvolutionOptions::default);
    let cases: Vec<(Result<Tensor>, &str)> = vec![
        (
            x.conv2d(&counting(&[6, 3, 3, 3]), None, &d()),
            "Given groups=1, weight of size [6, 3, 3, 3], expected input[2, 4, 5, 5] to have 3 channels, but got 4 channels instead",
        ),
        (
            x.conv2d(
                &counting(&[6, 4, 7, 3]),
                None,
                &ConvolutionOptions { dilation: vec![2], padding: Padding::Zeros(vec![1]), ..d() },
            ),
            "Calculated padded input size per channel: (7 x 7). Kernel size: (13 x 5). Kernel size can't be greater than actual input size",
        ),
        (
            x.conv2d(&w, None, &ConvolutionOptions { padding: Padding::Zeros(vec![1 << 62]), ..d() }),
            "Given padding=4611686018427387904 at dimension 0 , expected padding to be at most 4611686018427387903",
        ),
        (x.conv2d(&w, None, &ConvolutionOptions { groups: 0, ..d() }), "non-positive groups is not supported"),
        (
            x.conv2d(&w, None, &ConvolutionOptions { stride: vec![1, 1, 1], ..d() }),
            "expected stride to be a single integer value or a list of 2 values to match the convolution dimensions, but got stride=[1, 1, 1]",
        ),
        (
            x.conv_transpose2d(&counting(&[4, 6, 3, 3]), None, &ConvolutionOptions { groups: 3, ..d() }),
            "Given groups=3, expected weight to be divisible by 3 at dimension 0, but got weight of size [[4, 6, 3, 3]] instead",
        ),
        (
            x.conv2d(&w, Some(&counting(&[6]).to_dtype(DType::F32).unwrap()), &d()),
            "Input type (double) and bias type (float) should be the same",
        ),
        (
            x.conv2d(&w, None, &ConvolutionOptions { padding: Padding::Same, dilation: vec![-1], ..d() }),
            "negative padding is not supported",
        ),
        (
            x.conv1d(&counting(&[6, 4, 3]), None, &d()),
            "Expected 2D (unbatched) or 3D (batched) input to conv1d, but got input of size: [2, 4, 5, 5]",
        ),
    ];
    for (result, message) in cases {
        assert_eq!(error(result), message);
    }
}

#[test]
fn sizes_beyond_all_memory_are_errors() {
    let (x, w) = (counting(&[2, 4, 5, 5]), counting(&[6, 4, 3, 3]));
    for n in [1isize << 30, 1 << 40, 1 << 61, isize::MAX] {
        let padding = ConvolutionOptions { padding: Padding::Zeros(vec![n]), ..Default::default() };
        let dilation = ConvolutionOptions { dilation: vec![n], ..Default::default() };
        let stride = ConvolutionOptions { stride: vec![n], ..Default::default() };
        assert!(x.conv2d(&w, None, &padding).is_err());
        assert!(x.conv2d(&w, None, &dilation).is_err());
        assert_eq!(x.conv2d(&w, None, &stride).unwrap().shape(), [2, 6, 1, 1]);
        let w = counting(&[4, 6, 3, 3]);
        for options in [padding, dilation, stride] {
            assert!(x.conv_transpose2d(&w, None, &options).is_err());
        }
    }
}

#[test]
fn empty_batches_and_channels() {
    let (x, w) = (counting(&[0, 4, 5, 5]), counting(&[6, 4, 3, 3]));
    assert_eq!(x.conv2d(&w, None, &ConvolutionOptions::default()).unwrap().shape(), [0, 6, 3, 3]);
    let (x, w) = (counting(&[2, 0, 5, 5]), counting(&[6, 0, 3, 3]));
    assert_eq!(x.conv2d(&w, None, &ConvolutionOptions::default()).unwrap().shape(), [2, 0, 3, 3]);
}

#[test]
fn without_input_channels_the_bias_gets_zeros() {
    let (x, w) = (counting(&[2, 0, 4, 4]), counting(&[3, 0, 2, 2]).requires_grad_(true).unwrap());
    let bias = counting(&[3]).requires_grad_(true).unwrap();
    let y = x.conv2d(&w, Some(&bias), &ConvolutionOptions::default()).unwrap();
    y.sum().unwrap().backward().unwrap();
    assert_eq!(bias.grad().unwrap().to_vec::<f64>().unwrap(), [0.0; 3]);
    assert_eq!(w.grad().unwrap().shape(), [3, 0, 2, 2]);
}

#[test]
fn gradients_on_their_own_are_those_of_the_graph() {
    let options = ConvolutionOptions { dilation: vec![3], output_padding: vec![2], ..Default::default() };
    for (transposed, shape) in [(false, [2, 4, 7, 7]), (true, [2, 6, 5, 5])] {
        let options = if transposed { options.clone() } else { ConvolutionOptions::default() };
        let (x, w) = (counting(&shape), counting(&[6, 4, 3, 3]));
        let inputs = [&x, &w].map(|t| t.detach().requires_grad_(true).unwrap());
        let bias = counting(&[if transposed { 4 } else { 6 }]).requires_grad_(true).unwrap();
        let y = inputs[0].convolution(&inputs[1], Some(&bias), &options, transposed).unwrap();
        let grad = counting(&y.shape());
        y.mul(&grad).unwrap().sum().unwrap().backward().unwrap();
        let alone = convolution_backward(&grad, &x, &w, (&options, transposed), [true; 3]).unwrap();
        for (found, leaf) in alone.iter().zip([&inputs[0], &inputs[1], &bias]) {
            let (found, wanted) = (found.as_ref().unwrap(), leaf.grad().unwrap());
            assert!(found.allclose(&wanted, 1e-10, 1e-10, false).unwrap());
        }
        let one = convolution_backward(&grad, &x, &w, (&options, transposed), [false, true, false]).unwrap();
        assert!(one[0].is_none() && one[1].is_some() && one[2].is_none());
    }
}

#[test]
fn a_result_of_output_padding_alone_is_the_bias() {
    let (x, w) = (counting(&[1, 3, 1, 5]), counting(&[3, 1, 1, 1]));
    let options = ConvolutionOptions {
        padding: Padding::Zeros(vec![1, 0]),
        dilation: vec![3, 1],
        output_padding: vec![2, 0],
        groups: 3,
        ..Default::default()
    };
    let bias = counting(&[3]);
    let y = x.conv_transpose2d(&w, Some(&bias), &options).unwrap();
    assert_eq!(y.shape(), [1, 3, 1, 5]);
    assert_eq!(y.select(3, 4).unwrap().to_vec::<f64>().unwrap(), bias.to_vec::<f64>().unwrap());
}

#[test]
fn texts_are_those_of_the_library_that_pytorch_asks() {
    let (x, w) = (counting(&[2, 4, 5, 5]), counting(&[6, 4, 3, 3]));
    let options = ConvolutionOptions { dilation: vec![0], ..Default::default() };
    let text = error(x.conv2d(&w, None, &options));
    assert_eq!(text, "dilation should be greater than zero, but got [0, 0]");
    let narrow = |t: &Tensor| t.to_dtype(DType::F32).unwrap();
    let text = error(narrow(&x).conv2d(&narrow(&w), None, &options));
    assert_eq!(text, "non-positive dilation is not supported");
    let empty = x.narrow(0, 0, 0).unwrap();
    assert_eq!(empty.conv2d(&w, None, &options).unwrap().shape(), [0, 6, 5, 5]);
}

#[test]
fn a_convolution_is_explained_without_being_computed() {
    use flambeau_kernels::conv::planner::Pass;
    let number = |shape: &[usize]| Tensor::zeros(vec![1; shape.len()], DType::F32).unwrap().expand_to(shape).unwrap();
    // Hundreds of megabytes, if they were computed with.
    let (x, w) = (number(&[3, 1 << 12, 1 << 12]), number(&[8, 3, 3, 3]));
    let options = ConvolutionOptions { padding: Padding::Same, ..Default::default() };
    let described = explain_convolution(&x, &w, None, &options, &Pass::ALL).unwrap();
    assert_eq!(described[0].output_shape(), [1, 8, 1 << 12, 1 << 12]);
    assert_eq!(described[0].flops, (2 * 8 * 27) << 24);
    let line =
        explain_convolution(&number(&[2, 3, 9]), &number(&[4, 3, 3]), None, &defaults(), &[Pass::WeightGradient]);
    assert_eq!(line.unwrap()[0].result_shape(), [4, 3, 3]);
    let same_as = |x: &Tensor, w: &Tensor| {
        let expected = error(x.convolution(w, None, &defaults(), false));
        let found = convolution_geometry(x, w, None, &defaults()).unwrap_err();
        assert_eq!(found.message(), expected);
    };
    same_as(&counting(&[1, 2, 5, 5]), &counting(&[6, 4, 3, 3]));
    same_as(&counting(&[1, 4, 2, 5]), &counting(&[6, 4, 3, 3]));
    let integers = counting(&[1, 4, 5, 5]).to_dtype(DType::I64).unwrap();
    let kernel = counting(&[6, 4, 3, 3]).to_dtype(DType::I64).unwrap();
    let refused = explain_convolution(&integers, &kernel, None, &defaults(), &[Pass::Forward]).unwrap_err();
    assert_eq!(refused.kind(), crate::ErrorKind::NotImplemented);
}

fn defaults() -> ConvolutionOptions {
    ConvolutionOptions::default()
}
