use super::*;

fn value(i: usize) -> f64 {
    ((i * 37 + 11) % 101) as f64 / 7.0
}

/// Overlapping windows with some weights and divisors, and an output without entries.
fn sample(inputs: usize, outputs: usize) -> AxisMap {
    let map = AxisMap::new(
        inputs,
        (0..outputs)
            .map(|o| if o == 1 { vec![] } else { (0..3).map(|t| ((o * 2 + t) % inputs, 0.5 + t as f64)).collect() }),
    );
    map.divided((0..outputs).map(|o| 1.0 + o as f64).collect())
}

#[test]
fn the_product_of_the_axis_maps_is_applied_in_both_layouts() {
    let maps = [sample(3, 2), sample(5, 4), sample(6, 7)];
    for inner in [1, 4] {
        let planes = Planes { outer: 2, size: [3, 5, 6], inner };
        let mapped = planes.resized([2, 4, 7]);
        let input: Vec<f64> = (0..planes.len()).map(value).collect();
        let mut expected = vec![0.0; mapped.len()];
        let at = |p: Planes, n: usize, i: [usize; 3], c: usize| {
            (((n * p.size[0] + i[0]) * p.size[1] + i[1]) * p.size[2] + i[2]) * p.inner + c
        };
        for n in 0..2 {
            for c in 0..inner {
                for (d, h, w) in (0..2).flat_map(|d| (0..4).flat_map(move |h| (0..7).map(move |w| (d, h, w)))) {
                    for &(id, wd) in maps[0].entries_of(d) {
                        for &(ih, wh) in maps[1].entries_of(h) {
                            for &(iw, ww) in maps[2].entries_of(w) {
                                let divisor = maps[0].divisor(d) * maps[1].divisor(h) * maps[2].divisor(w);
                                expected[at(mapped, n, [d, h, w], c)] +=
                                    input[at(planes, n, [id, ih, iw], c)] * wd * wh * ww / divisor;
                            }
                        }
                    }
                }
            }
        }
        let mut output = vec![f64::NAN; mapped.len()];
        apply(planes, &maps, &input, &mut output);
        assert!(output.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-9));
    }
}

#[test]
fn the_transposed_maps_are_the_adjoint() {
    let maps = [AxisMap::identity(2), sample(5, 4), sample(6, 7)];
    let adjoint = maps.each_ref().map(AxisMap::transposed);
    let planes = Planes { outer: 3, size: [2, 5, 6], inner: 2 };
    let mapped = planes.resized([2, 4, 7]);
    let (x, y): (Vec<f64>, Vec<f64>) =
        ((0..planes.len()).map(value).collect(), (0..mapped.len()).map(|i| value(i + 5)).collect());
    let (mut ax, mut aty) = (vec![0.0; y.len()], vec![0.0; x.len()]);
    apply(planes, &maps, &x, &mut ax);
    apply(mapped, &adjoint, &y, &mut aty);
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    assert!((dot(&ax, &y) / dot(&x, &aty) - 1.0).abs() < 1e-12);
}

#[test]
fn averages_of_equal_numbers_are_exact() {
    let mean = |n: usize| AxisMap::new(n, [(0..n).map(|i| (i, 1.0)).collect()]).divided(vec![n as f64]);
    let mut output = [0f32];
    apply(
        Planes { outer: 1, size: [1, 3, 3], inner: 1 },
        &[AxisMap::identity(1), mean(3), mean(3)],
        &[0.1f32; 9],
        &mut output,
    );
    assert!((output[0] - 0.1).abs() < 1e-8);
}

/// Every pattern of an axis for which there is a loop of its own, at sizes that use it.
fn patterns(inputs: usize) -> Vec<AxisMap> {
    let moves = |places: Vec<usize>| AxisMap::new(inputs, places.into_iter().map(|i| vec![(i, 1.0)]));
    let windows = |stride: usize, count: usize, padding: usize| {
        let outputs = (inputs + 2 * padding - count) / stride + 1;
        let spans: Vec<_> = (0..outputs)
            .map(|o| (o * stride).saturating_sub(padding)..(o * stride + count - padding).min(inputs))
            .collect();
        let divisors = spans.iter().map(|span| span.len() as f64).collect();
        AxisMap::new(inputs, spans.into_iter().map(|span| span.map(|i| (i, 1.0)).collect())).divided(divisors)
    };
    vec![
        AxisMap::identity(inputs),
        moves((0..2 * inputs).map(|o| o / 2).collect()),
        moves((0..3 * inputs).map(|o| o / 3).collect()),
        moves((1..3).rev().chain(0..inputs).chain([inputs - 2]).collect()),
        moves((2..inputs - 1).collect()),
        AxisMap::new(inputs, (0..2 * inputs).map(|o| vec![((o / 3) % inputs, 0.25 + o as f64)])),
        AxisMap::new(inputs, (0..inputs).map(|o| vec![(o, 0.75), ((o + 1) % inputs, 0.5)])),
        windows(2, 2, 0),
        windows(2, 3, 1),
        windows(1, 3, 1),
        windows(3, 2, 0),
        windows(1, inputs, 0),
    ]
}

#[test]
fn every_pattern_of_an_axis_is_mapped() {
    let (height, width) = (6, 41);
    let heights = patterns(height);
    for (index, across) in patterns(width).into_iter().enumerate() {
        for (down, across) in [
            (heights[index].clone(), across.clone()),
            (heights[0].clone(), across.clone()),
            (heights[6].transposed(), across.transposed()),
            (heights[index].transposed(), across.transposed()),
        ] {
            for inner in [1, 3] {
                let planes = Planes { outer: 2, size: [1, down.inputs(), across.inputs()], inner };
                let mapped = planes.resized([1, down.outputs(), across.outputs()]);
                let input: Vec<f64> = (0..planes.len()).map(value).collect();
                let mut output = vec![f64::NAN; mapped.len()];
                apply(planes, &[AxisMap::identity(1), down.clone(), across.clone()], &input, &mut output);
                for (place, got) in output.iter().enumerate() {
                    let (c, rest) = (place % inner, place / inner);
                    let (w, rest) = (rest % across.outputs(), rest / across.outputs());
                    let (h, n) = (rest % down.outputs(), rest / down.outputs());
                    let mut want = 0.0;
                    for &(ih, wh) in down.entries_of(h) {
                        for &(iw, ww) in across.entries_of(w) {
                            let at = ((n * down.inputs() + ih) * across.inputs() + iw) * inner + c;
                            want += input[at] * wh * ww;
                        }
                    }
                    want /= down.divisor(h) * across.divisor(w);
                    assert!((got - want).abs() < 1e-9 * want.abs().max(1.0), "{index} {inner} {h} {w}: {got} {want}");
                }
            }
        }
    }
}
