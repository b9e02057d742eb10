use super::*;
use crate::autograd::{Tolerance, gradcheck, gradcheck_with, gradgradcheck};
use crate::{DType, MemoryFormat, Result, Tensor};

/// Numbers without order or ties.
fn image(shape: &[usize]) -> Tensor {
    let n: usize = shape.iter().product();
    let values: Vec<f64> = (0..n).map(|i| ((i * 37 + 11) % 101) as f64 / 23.0 - 2.0).collect();
    Tensor::from_slice(&values, shape).unwrap()
}

fn leaf(shape: &[usize]) -> Tensor {
    image(shape).requires_grad_(true).unwrap()
}

fn counting(shape: &[usize]) -> Tensor {
    let n: usize = shape.iter().product();
    let values: Vec<f64> = (0..n).map(|i| i as f64).collect();
    Tensor::from_slice(&values, shape).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f64> {
    tensor.to_dtype(DType::F64).unwrap().to_vec().unwrap()
}

fn close(tensor: &Tensor, expected: &[f64]) {
    let values = values(tensor);
    assert_eq!(values.len(), expected.len());
    assert!(values.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{values:?} is not {expected:?}");
}

fn error(result: Result<Tensor>) -> String {
    result.unwrap_err().message().to_owned()
}

fn checked(f: impl Fn(&[Tensor]) -> Result<Tensor>, inputs: &[Tensor]) {
    gradcheck(&f, inputs).unwrap();
    gradgradcheck(&f, inputs).unwrap();
}

#[test]
fn an_image_continues_as_its_mode_says() {
    let x = counting(&[1, 4]);
    let padded = |pad: &[isize], mode| values(&x.pad(pad, mode).unwrap());
    assert_eq!(padded(&[2, 1], PadMode::Reflect), [2.0, 1.0, 0.0, 1.0, 2.0, 3.0, 2.0]);
    assert_eq!(padded(&[-1, 3], PadMode::Reflect), [1.0, 2.0, 3.0, 2.0, 1.0, 0.0]);
    assert_eq!(padded(&[2, 1], PadMode::Replicate), [0.0, 0.0, 0.0, 1.0, 2.0, 3.0, 3.0]);
    assert_eq!(padded(&[-4, 5], PadMode::Replicate), [3.0; 5]);
    assert_eq!(padded(&[2, 1], PadMode::Circular), [2.0, 3.0, 0.0, 1.0, 2.0, 3.0, 0.0]);
    assert_eq!(padded(&[3, -1], PadMode::Circular), [0.0, 1.0, 2.0, 0.0, 1.0, 2.0]);
    assert_eq!(padded(&[1, 0], PadMode::Zeros), [0.0, 0.0, 1.0, 2.0, 3.0]);
}

#[test]
fn padding_is_the_same_for_integers_and_in_both_layouts() {
    let x = counting(&[2, 3, 4, 5]);
    for mode in [PadMode::Reflect, PadMode::Replicate, PadMode::Circular] {
        let expected = x.pad(&[1, 2, 3, -1], mode).unwrap();
        assert_eq!(expected.shape(), [2, 3, 6, 8]);
        let integers = x.to_dtype(DType::I32).unwrap().pad(&[1, 2, 3, -1], mode).unwrap();
        assert_eq!((integers.dtype(), values(&integers)), (DType::I32, values(&expected)));
        let last = x.contiguous_in(MemoryFormat::ChannelsLast).unwrap().pad(&[1, 2, 3, -1], mode).unwrap();
        assert_eq!(values(&last), values(&expected));
        let format = if mode == PadMode::Circular { MemoryFormat::Contiguous } else { MemoryFormat::ChannelsLast };
        assert_eq!(last.suggested_format(), format);
    }
}

#[test]
fn what_cannot_be_padded_is_told_in_pytorchs_words() {
    let x = counting(&[2, 4]);
    let cases = [
        (x.pad(&[1], PadMode::Reflect), "Padding length must be divisible by 2"),
        (
            x.pad(&[4, 1], PadMode::Reflect),
            "Argument #4: Padding size should be less than the corresponding input dimension, but got: padding (4, 1) at dimension 1 of input [2, 4]",
        ),
        (x.pad(&[-5, 0], PadMode::Replicate), "input (W: 4) is too small. Calculated output W: -1"),
        (
            counting(&[1, 2, 4, 4]).pad(&[-2, -2, -1, -3], PadMode::Replicate),
            "Calculated output H: 0 W: 0 must be >= 1 in every dimension (input H: 4, W: 4)",
        ),
        (x.pad(&[5, 0], PadMode::Circular), "Padding value causes wrapping around more than once."),
        (x.pad(&[-4, 4], PadMode::Circular), "Negative padding value is resulting in an empty dimension"),
        (x.border_pad(&[1], PadMode::Reflect, 1), "padding size is expected to be 2, but got: 1"),
    ];
    for (result, expected) in cases {
        assert_eq!(error(result), expected);
    }
    assert!(
        error(x.pad(&[1; 8], PadMode::Reflect)).starts_with("Padding size 8 is not supported for 2D input tensor.")
    );
    for mode in [PadMode::Replicate, PadMode::Circular] {
        assert!(x.pad(&[isize::MAX, isize::MAX], mode).is_err());
    }
    assert!(x.pad(&[1 << 45, 0], PadMode::Replicate).is_err());
}

#[test]
fn gradients_of_padding_add_up_what_was_repeated() {
    for mode in [PadMode::Reflect, PadMode::Replicate, PadMode::Circular] {
        checked(|x| x[0].pad(&[2, 1], mode), &[leaf(&[2, 4])]);
        checked(|x| x[0].pad(&[1, 2, -1, 2], mode), &[leaf(&[1, 2, 3, 4])]);
        checked(|x| x[0].pad(&[1, 1, 1, 0, 0, 1], mode), &[leaf(&[1, 2, 2, 3])]);
    }
}

#[test]
fn windows_become_columns_and_add_up_again() {
    let windows = Windows2d { kernel_size: vec![2, 2], ..Default::default() };
    let x = counting(&[1, 1, 2, 3]);
    let columns = x.im2col(&windows).unwrap();
    assert_eq!(columns.shape(), [1, 4, 2]);
    assert_eq!(values(&columns), [0.0, 1.0, 1.0, 2.0, 3.0, 4.0, 4.0, 5.0]);
    assert_eq!(values(&columns.col2im(&[2, 3], &windows).unwrap()), [0.0, 2.0, 2.0, 3.0, 8.0, 5.0]);
    let single = x.squeeze_dim(0).unwrap().im2col(&windows).unwrap();
    assert_eq!((single.shape(), values(&single)), ([4, 2].into(), values(&columns)));
    let truth = x.to_dtype(DType::Bool).unwrap().im2col(&windows).unwrap();
    assert_eq!((truth.dtype(), values(&truth)[0]), (DType::Bool, 0.0));
}

#[test]
fn gradients_of_columns_and_images_are_each_other() {
    let windows = Windows2d { kernel_size: vec![3, 2], dilation: vec![1, 2], padding: vec![1, 2], stride: vec![2, 1] };
    checked(|x| x[0].im2col(&windows), &[leaf(&[2, 2, 4, 3])]);
    let columns = image(&[2, 2, 4, 3]).im2col(&windows).unwrap().shape();
    checked(|x| x[0].col2im(&[4, 3], &windows), &[leaf(&columns)]);
}

#[test]
fn windows_that_do_not_fit_are_told_in_pytorchs_words() {
    let x = counting(&[2, 3, 4, 5]);
    let of = |kernel: isize| Windows2d { kernel_size: vec![kernel, 2], ..Default::default() };
    assert_eq!(
        error(x.im2col(&of(0))),
        "kernel size should be greater than zero, but got kernel_height: 0 kernel_width: 2"
    );
    assert!(error(x.im2col(&of(6))).ends_with("as (-1, 4), but its components must be at least one."));
    assert!(x.im2col(&of(isize::MAX)).is_err());
    let wide = Windows2d { padding: vec![isize::MAX, isize::MAX], ..of(2) };
    assert!(x.im2col(&wide).is_err());
    assert!(error(counting(&[2, 11, 12]).col2im(&[4, 5], &of(2))).contains("to be divisible by the product"));
    assert!(error(counting(&[2, 12, 11]).col2im(&[4, 5], &of(2))).ends_with("3 * 4 = 12, but got input.size(2)=11."));
    assert_eq!(error(x.to_dtype(DType::I64).unwrap().im2col(&of(2))), "\"im2col_out_cpu\" not implemented for 'Long'");
}

#[test]
fn shuffling_moves_channels_and_unshuffling_undoes_it() {
    let x = counting(&[1, 4, 2, 2]);
    let large = x.pixel_shuffle(2).unwrap();
    assert_eq!(large.shape(), [1, 1, 4, 4]);
    assert_eq!(values(&large)[..6], [0.0, 4.0, 1.0, 5.0, 8.0, 12.0]);
    assert_eq!(values(&large.pixel_unshuffle(2).unwrap()), values(&x));
    let dealt = x.channel_shuffle(2).unwrap();
    assert_eq!(values(&dealt.narrow(3, 0, 1).unwrap()), [0.0, 2.0, 8.0, 10.0, 4.0, 6.0, 12.0, 14.0]);
    let last = counting(&[2, 4, 4, 6]).contiguous_in(MemoryFormat::ChannelsLast).unwrap();
    assert_eq!(last.pixel_shuffle(2).unwrap().strides().as_slice(), [96, 1, 12, 1]);
    // A result is never the input's memory, even where nothing moves.
    let same = x.pixel_shuffle(1).unwrap();
    same.fill_(7.0).unwrap();
    assert_eq!(values(&x)[0], 0.0);
    assert!(
        x.pixel_shuffle(0).is_err() && x.pixel_shuffle(isize::MAX).is_err() && x.pixel_unshuffle(isize::MAX).is_err()
    );
    checked(|x| x[0].pixel_shuffle(2), &[leaf(&[1, 4, 2, 3])]);
    checked(|x| x[0].pixel_unshuffle(2), &[leaf(&[2, 4, 2])]);
    checked(|x| x[0].channel_shuffle(3), &[leaf(&[2, 6, 2])]);
}

fn to(sizes: &[isize]) -> ResizeTarget {
    ResizeTarget::Size(sizes.to_vec(), Vec::new())
}

#[test]
fn resizing_gives_pytorchs_numbers() {
    let x = counting(&[1, 1, 4]);
    let line = |how, n, align| x.resize(how, &to(&[n]), align).unwrap();
    close(&line(Resize::Nearest, 3, false), &[0.0, 1.0, 2.0]);
    close(&line(Resize::NearestExact, 3, false), &[0.0, 2.0, 3.0]);
    close(&line(Resize::Linear, 3, false), &[1.0 / 6.0, 1.5, 17.0 / 6.0]);
    close(&line(Resize::Linear, 3, true), &[0.0, 1.5, 3.0]);
    let x = counting(&[1, 1, 4, 4]);
    let three = |how| x.resize(how, &to(&[3, 3]), false).unwrap().reshape(&[-1]).unwrap().narrow(0, 0, 3).unwrap();
    close(&three(Resize::Linear), &[0.8333333730697632, 2.1666667461395264, 3.5]);
    let rounded = |how, expected: [f64; 3]| {
        let values = values(&three(how));
        assert!(values.iter().zip(expected).all(|(a, b)| (a - b).abs() < 2e-6), "{how:?}: {values:?}");
    };
    rounded(Resize::Cubic, [0.6307868361473083, 2.004629611968994, 3.3784730434417725]);
    rounded(Resize::LinearAntialias, [1.5000001192092896, 2.700000047683716, 3.9000000953674316]);
    rounded(Resize::CubicAntialias, [0.9496567249298096, 2.259725332260132, 3.569794178009033]);
    rounded(Resize::LanczosAntialias, [0.7969641089439392, 2.137571334838867, 3.4781787395477295]);
    let factor = x.resize(Resize::Nearest, &ResizeTarget::Scale(vec![1.5, 1.5]), false).unwrap();
    assert_eq!(values(&factor)[..6], [0.0, 0.0, 1.0, 2.0, 2.0, 3.0]);
}

#[test]
fn gradients_of_resizing_are_the_transposed_weights() {
    for how in [Resize::Nearest, Resize::NearestExact, Resize::Linear] {
        checked(|x| x[0].resize(how, &to(&[3]), false), &[leaf(&[1, 2, 5])]);
        checked(|x| x[0].resize(how, &to(&[3, 2, 5]), how == Resize::Linear), &[leaf(&[1, 1, 2, 3, 4])]);
    }
    for how in
        [Resize::Linear, Resize::Cubic, Resize::LinearAntialias, Resize::CubicAntialias, Resize::LanczosAntialias]
    {
        for align in [false, true] {
            checked(|x| x[0].resize(how, &to(&[3, 7]), align), &[leaf(&[1, 2, 5, 4])]);
        }
    }
}

#[test]
fn sizes_that_cannot_be_are_errors() {
    let x = counting(&[1, 2, 4, 4]);
    assert_eq!(
        error(x.resize(Resize::Nearest, &to(&[0, 3]), false)),
        "Input and output sizes should be greater than 0, but got input (H: 4, W: 4) output (H: 0, W: 3)"
    );
    for scale in [f64::NAN, f64::INFINITY, 1e30, -1.0] {
        assert!(x.resize(Resize::Linear, &ResizeTarget::Scale(vec![scale, 1.0]), false).is_err());
    }
    assert!(x.resize(Resize::Linear, &to(&[isize::MAX, isize::MAX]), false).is_err());
    assert!(x.resize(Resize::Linear, &to(&[1 << 44, 1]), false).is_err());
    assert!(x.resize(Resize::Cubic, &to(&[3]), false).is_err());
    let empty = Tensor::zeros([0, 2, 4, 4], DType::F32).unwrap();
    assert_eq!(empty.resize(Resize::Linear, &to(&[3, 5]), false).unwrap().shape(), [0, 2, 3, 5]);
    assert!(error(x.to_dtype(DType::I64).unwrap().resize(Resize::Cubic, &to(&[3, 3]), false)).contains("'Long'"));
}

#[test]
fn bytes_are_resized_to_bytes() {
    let x = counting(&[1, 1, 4, 4]).mul(16.0).unwrap().to_dtype(DType::U8).unwrap();
    for how in [Resize::Nearest, Resize::NearestExact, Resize::Linear, Resize::LinearAntialias] {
        let bytes = x.resize(how, &to(&[3, 7]), false).unwrap();
        let exact = x.to_dtype(DType::F64).unwrap().resize(how, &to(&[3, 7]), false).unwrap();
        assert_eq!(bytes.dtype(), DType::U8);
        let clamped = values(&exact).into_iter().map(|v| v.clamp(0.0, 255.0));
        assert!(values(&bytes).iter().zip(clamped).all(|(a, b)| (a - b).abs() <= 1.0));
    }
}

/// Points inside and outside, none of them where an interpolation has a kink.
fn points(shape: &[usize]) -> Tensor {
    let n: usize = shape.iter().product();
    let values: Vec<f64> = (0..n).map(|i| ((i * 29 + 7) % 53) as f64 / 53.0 * 2.3 - 1.173).collect();
    Tensor::from_slice(&values, shape).unwrap()
}

#[test]
fn the_identity_samples_the_image_itself() {
    let identity = Tensor::from_slice(&[1.0, 0.0, 0.0, 0.0, 1.0, 0.0], [1, 2, 3]).unwrap();
    let x = image(&[1, 2, 3, 4]);
    for align_corners in [false, true] {
        let grid = identity.affine_grid_generator(&[1, 2, 3, 4], align_corners).unwrap();
        assert_eq!(grid.shape(), [1, 3, 4, 2]);
        for mode in [GridMode::Bilinear, GridMode::Nearest, GridMode::Bicubic] {
            for padding in [PadMode::Zeros, PadMode::Replicate, PadMode::Reflect] {
                let y = x.grid_sampler(&grid, GridOptions { mode, padding, align_corners }).unwrap();
                close(&y, &values(&x));
            }
        }
    }
}

#[test]
fn gradients_lead_to_the_image_and_to_the_grid() {
    let tolerance = Tolerance::default();
    for padding in [PadMode::Zeros, PadMode::Replicate, PadMode::Reflect] {
        for align_corners in [false, true] {
            let options = GridOptions { mode: GridMode::Bilinear, padding, align_corners };
            let sample = |x: &[Tensor]| x[0].grid_sampler(&x[1], options);
            let grid = |shape: &[usize]| points(shape).requires_grad_(true).unwrap();
            gradcheck_with(tolerance, sample, &[leaf(&[1, 2, 3, 4]), grid(&[1, 2, 3, 2])]).unwrap();
            gradcheck_with(tolerance, sample, &[leaf(&[1, 1, 2, 3, 4]), grid(&[1, 1, 2, 2, 3])]).unwrap();
            let cubic = GridOptions { mode: GridMode::Bicubic, ..options };
            let sample = |x: &[Tensor]| x[0].grid_sampler(&x[1], cubic);
            checked(sample, &[leaf(&[1, 2, 3, 4]), grid(&[1, 2, 3, 2])]);
        }
    }
    let theta = Tensor::from_slice(&[0.9, 0.1, 0.05, -0.1, 1.1, 0.02], [1, 2, 3]).unwrap();
    checked(|x| x[0].affine_grid_generator(&[1, 1, 3, 4], false), &[theta.requires_grad_(true).unwrap()]);
}

#[test]
fn points_that_are_no_numbers_or_far_away_do_no_harm() {
    let x = counting(&[1, 1, 4, 4]);
    let far = [f64::NAN, 0.0, f64::INFINITY, 0.0, f64::NEG_INFINITY, 0.0, 1e300, -1e300];
    let grid = Tensor::from_slice(&far, [1, 1, 4, 2]).unwrap();
    for mode in [GridMode::Bilinear, GridMode::Nearest, GridMode::Bicubic] {
        for padding in [PadMode::Zeros, PadMode::Replicate, PadMode::Reflect] {
            let y = x.grid_sampler(&grid, GridOptions { mode, padding, align_corners: false }).unwrap();
            assert_eq!(y.shape(), [1, 1, 1, 4]);
        }
    }
    let other = Tensor::zeros([2, 3, 3, 2], DType::F64).unwrap();
    assert_eq!(
        error(x.grid_sampler(&other, GridOptions::default())),
        "grid_sampler(): expected grid and input to have same batch size, but got input with sizes [1, 1, 4, 4] and grid with sizes [2, 3, 3, 2]"
    );
    assert!(x.affine_grid_generator(&[1, 1, -4, 4], false).is_err());
}
