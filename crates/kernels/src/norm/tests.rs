use super::rows::{Affine, Backward, normalize};
use super::*;

fn each_index(units: Units, mut visit: impl FnMut(usize, usize)) {
    let Units { samples, batch, channels, area, channels_last } = units;
    for s in 0..samples {
        for n in 0..batch {
            for c in 0..channels {
                for p in 0..area {
                    let image = s * batch + n;
                    let index = if channels_last {
                        (image * area + p) * channels + c
                    } else {
                        (image * channels + c) * area + p
                    };
                    visit(s * channels + c, index);
                }
            }
        }
    }
}

fn value(i: usize) -> f64 {
    (i as f64 * 0.7).sin() + 3.0
}

fn close(a: f64, b: f64, tolerance: f64) -> bool {
    (a - b).abs() <= tolerance * b.abs().max(1.0)
}

const SHAPES: [(usize, usize, usize, usize); 8] = [
    (1, 3, 5, 7),
    (2, 2, 1, 9000),
    (3, 1, 70, 33),
    (1, 2, 3, 0),
    (1, 130, 64, 1),
    (2, 3, 17, 1),
    (2, 130, 3, 5),
    (1, 40, 200, 29),
];

#[test]
fn sums_moments_and_maps_see_each_number_of_a_unit_once() {
    for channels_last in [false, true] {
        for (samples, batch, channels, area) in SHAPES {
            let units = Units { samples, batch, channels, area, channels_last };
            let x: Vec<f64> = (0..units.len()).map(value).collect();
            let y: Vec<f64> = (0..units.len()).map(|i| value(i + 5)).collect();
            let c: Vec<f64> = (0..units.count()).map(|unit| 0.5 + unit as f64).collect();
            let mut expected = vec![[0.0; 2]; units.count()];
            let mut mapped = vec![0.0; units.len()];
            each_index(units, |unit, i| {
                expected[unit][0] += x[i];
                expected[unit][1] += x[i] * y[i] * c[unit];
                mapped[i] = x[i] * c[unit] - y[i];
            });
            let got = sums(units, [&x, &y], [&c], |[x, y], [c]| [x, x * y * c]);
            for (got, expected) in got.iter().zip(&expected) {
                assert!((0..2).all(|k| close(got[k], expected[k], 1e-12)), "{units:?}");
            }
            let mut output = vec![f64::NAN; units.len()];
            map(units, [&x, &y], [&c], &mut output, |[x, y], [c]| x * c - y);
            assert_eq!(output, mapped, "{units:?}");

            let n = units.unit_len() as f64;
            let mut squares = vec![0.0; units.count()];
            each_index(units, |unit, i| squares[unit] += (x[i] - expected[unit][0] / n).powi(2));
            for (unit, got) in moments(units, &x).iter().enumerate() {
                if n > 0.0 {
                    assert!(close(got.mean, expected[unit][0] / n, 1e-12) && got.count == n, "{units:?}");
                    assert!(close(got.squares, squares[unit], 1e-10), "{units:?}");
                }
            }
        }
    }
}

#[test]
fn float32_sums_of_many_equal_terms_are_accurate() {
    let units = Units { samples: 1, batch: 4, channels: 2, area: 300_000, channels_last: false };
    let x = vec![0.1f32; units.len()];
    for channels_last in [false, true] {
        let units = Units { channels_last, ..units };
        let total = sums(units, [&x], [], |[x], []| [x]);
        assert!(total.iter().all(|t| (t[0] / (1_200_000.0 * f64::from(0.1f32)) - 1.0).abs() < 1e-6));
        // Far from zero, where a sum of squares less a squared sum would have no digit left.
        let far: Vec<f32> = (0..units.len()).map(|i| 10_000.0 + (i % 7) as f32).collect();
        for got in moments(units, &far) {
            assert!(close(got.mean, 10_003.0, 1e-6) && close(got.squares / got.count, 4.0, 1e-3), "{got:?}");
        }
    }
}

#[test]
fn rows_are_normalised_and_their_gradients_are_the_formulas() {
    for (count, width) in [(1, 1), (5, 7), (3, 64), (700, 33), (2, 5000), (1, 8193)] {
        let x: Vec<f64> = (0..count * width).map(|i| value(i) * 2.0).collect();
        let g: Vec<f64> = (0..count * width).map(|i| value(i * 3 + 1)).collect();
        let weight: Vec<f64> = (0..width).map(|i| value(i + 9)).collect();
        let bias: Vec<f64> = (0..width).map(|i| value(i + 4)).collect();
        let eps = 1e-3;
        let mut output = vec![f64::NAN; x.len()];
        let [mean, scale] = normalize(&x, Affine { weight: &weight, bias: &bias }, eps, &mut output);
        let mut grad_input = vec![f64::NAN; x.len()];
        let backward = Backward { grad_output: &g, input: &x, mean: &mean, scale: &scale, weight: &weight };
        let [of_weight, of_bias] = backward.run(true, Some(&mut grad_input)).unwrap();
        assert_eq!(backward.run(true, None), Some([of_weight.clone(), of_bias.clone()]));
        let mut again = vec![f64::NAN; x.len()];
        assert_eq!(backward.run(false, Some(&mut again)), None);
        assert_eq!(again, grad_input);

        let n = width as f64;
        let (mut want_weight, mut want_bias) = (vec![0.0; width], vec![0.0; width]);
        for row in 0..count {
            let at = |i: usize| row * width + i;
            let m = (0..width).map(|i| x[at(i)]).sum::<f64>() / n;
            let r = 1.0 / ((0..width).map(|i| (x[at(i)] - m).powi(2)).sum::<f64>() / n + eps).sqrt();
            assert!(close(mean[row], m, 1e-12) && close(scale[row], r, 1e-9));
            let normal = |i: usize| (x[at(i)] - m) * r;
            let of_mean = (0..width).map(|i| g[at(i)] * weight[i]).sum::<f64>() / n;
            let of_normal = (0..width).map(|i| g[at(i)] * weight[i] * normal(i)).sum::<f64>() / n;
            for i in 0..width {
                assert!(close(output[at(i)], normal(i) * weight[i] + bias[i], 1e-9));
                let want = r * (g[at(i)] * weight[i] - of_mean - normal(i) * of_normal);
                assert!(close(grad_input[at(i)], want, 1e-7), "{count} {width} {i}");
                want_weight[i] += g[at(i)] * normal(i);
                want_bias[i] += g[at(i)];
            }
        }
        for i in 0..width {
            assert!(close(of_weight[i], want_weight[i], 1e-9) && close(of_bias[i], want_bias[i], 1e-12));
        }
    }
}
