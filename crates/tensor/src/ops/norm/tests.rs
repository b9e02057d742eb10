use super::*;
use crate::MemoryFormat;
use crate::autograd::{gradcheck, gradgradcheck};

fn sample(shape: &[usize]) -> Tensor {
    let n: usize = shape.iter().product();
    let values: Vec<f64> = (0..n).map(|i| ((i * 7919 + 13) % 101) as f64 / 29.0 - 1.0).collect();
    Tensor::from_slice(&values, shape).unwrap().requires_grad_(true).unwrap()
}

fn close(a: &Tensor, b: &[f64], tolerance: f64) {
    let a = a.to_dtype(DType::F64).unwrap().to_vec::<f64>().unwrap();
    assert_eq!(a.len(), b.len());
    for (x, y) in a.iter().zip(b) {
        assert!((x - y).abs() <= tolerance, "{a:?} {b:?}");
    }
}

fn check(function: impl Fn(&[Tensor]) -> Result<Tensor>, inputs: &[Tensor]) {
    gradcheck(&function, inputs).unwrap();
    gradgradcheck(&function, inputs).unwrap();
}

#[test]
fn batch_norm_normalises_and_updates() {
    let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 6.0, 10.0, 10.0, 14.0, 14.0], [2, 2, 2]).unwrap();
    let (mean, var) =
        (Tensor::from_slice(&[0.0f32, 0.0], [2]).unwrap(), Tensor::from_slice(&[1.0f32, 1.0], [2]).unwrap());
    let options = BatchNormOptions {
        running_mean: Some(&mean),
        running_var: Some(&var),
        training: true,
        eps: 0.0,
        ..Default::default()
    };
    let y = x.batch_norm(&options).unwrap();
    // Channel 0 holds 1, 2, 10, 10; channel 1 holds 3, 6, 14, 14.
    let (m, v) = (5.75, (4.75f64.powi(2) + 3.75f64.powi(2) + 2.0 * 4.25f64.powi(2)) / 4.0);
    assert!((f64::from(y.to_vec::<f32>().unwrap()[0]) - (1.0 - m) / v.sqrt()).abs() < 1e-6);
    close(&mean, &[0.575, 0.925], 1e-6);
    assert!((f64::from(var.to_vec::<f32>().unwrap()[0]) - (0.9 + 0.1 * v * 4.0 / 3.0)).abs() < 1e-5);
    let evaluated = x.batch_norm(&BatchNormOptions { training: false, ..options }).unwrap();
    let expected = (1.0 - 0.575) / (0.9 + 0.1 * v * 4.0 / 3.0).sqrt();
    assert!((f64::from(evaluated.to_vec::<f32>().unwrap()[0]) - expected).abs() < 1e-6);
}

#[test]
fn layouts_and_narrow_dtypes_agree() {
    let x = sample(&[2, 4, 3, 5]).detach();
    let weight = sample(&[4]).detach();
    let plain = |x: &Tensor, w: &Tensor| {
        let training = BatchNormOptions { weight: Some(w), training: true, ..Default::default() };
        [x.batch_norm(&training).unwrap(), x.group_norm(2, Some(w), None, 1e-5).unwrap()]
    };
    let expected = plain(&x, &weight).map(|t| t.to_vec::<f64>().unwrap());
    let last = x.contiguous_in(MemoryFormat::ChannelsLast).unwrap();
    for (y, expected) in plain(&last, &weight).iter().zip(&expected) {
        assert!(y.is_contiguous_in(MemoryFormat::ChannelsLast));
        close(y, expected, 1e-12);
    }
    let (narrow, float) = (x.to_dtype(DType::BF16).unwrap(), weight.to_dtype(DType::F32).unwrap());
    for (y, expected) in plain(&narrow, &float).iter().zip(&expected) {
        assert_eq!(y.dtype(), DType::BF16);
        close(y, expected, 0.03);
    }
}

#[test]
fn gradients_of_batch_norm() {
    for (shape, last) in [(&[3usize, 2, 4][..], false), (&[2, 3, 2, 3], true), (&[5, 3], false)] {
        let (x, w, b) = (sample(shape), sample(&[shape[1]]), sample(&[shape[1]]));
        let (mean, var) = (sample(&[shape[1]]).detach(), sample(&[shape[1]]).detach().abs().unwrap().add(0.5).unwrap());
        for training in [true, false] {
            check(
                |inputs| {
                    let x = if last { inputs[0].contiguous_in(MemoryFormat::ChannelsLast)? } else { inputs[0].clone() };
                    x.batch_norm(&BatchNormOptions {
                        weight: Some(&inputs[1]),
                        bias: Some(&inputs[2]),
                        running_mean: (!training).then_some(&mean),
                        running_var: (!training).then_some(&var),
                        training,
                        ..Default::default()
                    })
                },
                &[x.clone(), w.clone(), b.clone()],
            );
        }
    }
}

#[test]
fn gradients_of_the_others() {
    let (x, w, b) = (sample(&[2, 4, 3, 2]), sample(&[4]), sample(&[4]));
    check(|i| i[0].group_norm(2, Some(&i[1]), Some(&i[2]), 1e-5), &[x.clone(), w.clone(), b.clone()]);
    check(
        |i| i[0].contiguous_in(MemoryFormat::ChannelsLast)?.group_norm(4, Some(&i[1]), None, 1e-5),
        &[x.clone(), w.clone()],
    );
    check(
        |i| {
            let options =
                BatchNormOptions { weight: Some(&i[1]), bias: Some(&i[2]), training: true, ..Default::default() };
            i[0].instance_norm(&options)
        },
        &[x.clone(), w, b],
    );
    let (w, b) = (sample(&[3, 2]), sample(&[3, 2]));
    check(|i| i[0].layer_norm(&[3, 2], Some(&i[1]), Some(&i[2]), 1e-5), &[x.clone(), w.clone(), b]);
    check(|i| i[0].layer_norm(&[2], None, None, 1e-3), std::slice::from_ref(&x));
    check(|i| i[0].rms_norm(&[3, 2], Some(&i[1]), None), &[x.clone(), w]);
    check(|i| i[0].local_response_norm(3, 0.1, 0.75, 1.0), &[x]);
}

#[test]
fn mistakes_are_told_in_pytorchs_words() {
    let x = sample(&[2, 4, 5, 5]).detach();
    let message = |r: Result<Tensor>| r.unwrap_err().message().to_owned();
    let four = sample(&[4]).detach();
    assert_eq!(message(x.batch_norm(&BatchNormOptions::default())), "running_mean must be defined in evaluation mode");
    let wrong = sample(&[3]).detach();
    let options = BatchNormOptions { running_mean: Some(&wrong), training: true, ..Default::default() };
    assert_eq!(message(x.batch_norm(&options)), "running_mean should contain 4 elements not 3");
    let float = four.to_dtype(DType::F32).unwrap();
    let options = BatchNormOptions { weight: Some(&float), training: true, ..Default::default() };
    assert_eq!(message(x.batch_norm(&options)), "mixed dtype (CPU): all inputs must share same datatype.");
    assert_eq!(
        message(x.group_norm(3, None, None, 1e-5)),
        "Expected number of channels in input to be divisible by num_groups, but got input of shape [2, 4, 5, 5] and num_groups=3"
    );
    assert_eq!(
        message(x.layer_norm(&[4], None, None, 1e-5)),
        "Given normalized_shape=[4], expected input with shape [*, 4], but got input of size[2, 4, 5, 5]"
    );
}
