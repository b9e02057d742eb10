//! How exact each algorithm is, as `docs/precision.md` says.

use flambeau_kernels::conv::planner::{Operands, Pass, Plan, Problem, algorithms};
use flambeau_kernels::conv::{Geometry, ImageLayout, reference};
use std::fmt::Write;
use std::path::Path;

/// A layer that the algorithm is for: kernel, groups, input channels.
fn layer(algorithm: &str) -> Geometry {
    let (kernel, groups, channels) = match algorithm {
        "direct depthwise" => ([3, 3], 64, 64),
        "direct grouped" => ([3, 3], 16, 64),
        "direct few channels" => ([3, 3], 1, 3),
        name => {
            let size = name.rsplit(' ').next().and_then(|word| {
                let (height, width) = word.split_once('x')?;
                Some([height.parse().ok()?, width.parse().ok()?])
            });
            // "winograd 4x4" names its tile, "winograd 2x2 of 5x5" its tile and its kernel.
            (size.filter(|_| name.contains(" of ")).unwrap_or([3, 3]), 1, 64)
        }
    };
    Geometry {
        batch: 2,
        groups,
        in_channels: channels,
        out_channels: 64,
        input: [1, 28, 28],
        kernel: [1, kernel[0], kernel[1]],
        stride: [1; 3],
        padding_begin: [0, kernel[0] / 2, kernel[1] / 2],
        padding_end: [0, kernel[0] / 2, kernel[1] / 2],
        dilation: [1; 3],
    }
}

/// Numbers as weights and images are: sums of uniform ones, around zero.
fn numbers(len: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut uniform = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    (0..len).map(|_| (0..6).map(|_| uniform()).sum()).collect()
}

/// The relative errors, ‖computed − exact‖ / ‖exact‖, of an algorithm's three passes.
fn errors(algorithm: &str) -> [f64; 3] {
    let (g, layout) = (layer(algorithm), ImageLayout::ChannelsFirst);
    let [input, weight, grad_output] =
        [(g.input_len(), 1), (g.weight_len(), 2), (g.output_len(), 3)].map(|(len, seed)| numbers(len, seed));
    let wide = |numbers: &[f32]| numbers.iter().map(|&n| f64::from(n)).collect::<Vec<_>>();
    let [x, w, dy] = [&input, &weight, &grad_output].map(|numbers| wide(numbers));
    let lens = [g.output_len(), g.input_len(), g.weight_len()];
    let mut exact = lens.map(|len| vec![0f64; len]);
    reference::forward(&g, layout, &x, &w, None, &mut exact[0]);
    reference::data_gradient(&g, layout, &dy, &w, &mut exact[1]);
    reference::weight_gradient(&g, layout, &x, &dy, &mut exact[2]);
    std::array::from_fn(|i| {
        let plan = Plan::<f32>::by_name(Problem::new(&g, layout, Pass::ALL[i]), algorithm).expect("a layer it is for");
        let mut computed = vec![0f32; lens[i]];
        plan.run(match Pass::ALL[i] {
            Pass::Forward => {
                Operands::Forward { input: &input, weight: &weight, kept: None, bias: None, output: &mut computed }
            }
            Pass::DataGradient => Operands::DataGradient {
                grad_output: &grad_output,
                weight: &weight,
                kept: None,
                grad_input: &mut computed,
            },
            Pass::WeightGradient => {
                Operands::WeightGradient { input: &input, grad_output: &grad_output, grad_weight: &mut computed }
            }
        });
        let squares: f64 = computed.iter().zip(&exact[i]).map(|(&a, b)| (f64::from(a) - b).powi(2)).sum();
        (squares / exact[i].iter().map(|b| b * b).sum::<f64>()).sqrt()
    })
}

/// The least bound of the form 1, 2 or 5 times a power of ten that leaves room for a third more,
/// as other instruction sets sum in other orders.
fn bound(error: f64) -> f64 {
    let wanted = error * 4.0 / 3.0;
    let power = 10f64.powf(wanted.log10().floor());
    [1.0, 2.0, 5.0, 10.0].map(|step| step * power).into_iter().find(|&bound| bound >= wanted).unwrap_or(wanted)
}

const TITLE: &str = "\
# Precision

The relative error ‖y − exact‖ / ‖exact‖ of each algorithm in float32, against the definition in float64, at most;
for a layer of 64 channels (3 for the stem's) at 28x28 with a batch of 2. Default algorithms are to stay below 5e-6.
The test `precision` of `flambeau-kernels` measures them again; `UPDATE_PRECISION=1` has it write this table.

| algorithm | kernel | forward | data gradient | weight gradient |
| --- | --- | --- | --- | --- |
";

#[test]
fn the_table_of_precision_is_true() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/precision.md");
    let mut table = TITLE.to_string();
    let mut measured = Vec::new();
    for name in algorithms::<f32>().iter().map(|algorithm| algorithm.name()) {
        let (errors, [_, height, width]) = (errors(name), layer(name).kernel);
        assert!(errors.iter().all(|&error| error < 5e-6), "{name}: {errors:?}");
        let [forward, data, weight] = errors.map(bound);
        writeln!(table, "| {name} | {height}x{width} | {forward:.0e} | {data:.0e} | {weight:.0e} |").expect("a string");
        measured.push((name, errors));
    }
    if std::env::var_os("UPDATE_PRECISION").is_some() {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder for the table");
        std::fs::write(&path, &table).expect("the table written");
    }
    let written = std::fs::read_to_string(&path).expect("the table");
    assert!(written.starts_with(TITLE), "the text above the table");
    let rows: Vec<Vec<&str>> =
        written[TITLE.len()..].lines().map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect();
    assert_eq!(rows.len(), measured.len(), "rows of the table");
    for (row, (name, errors)) in rows.iter().zip(measured) {
        assert_eq!(row[0], name);
        for (written, error) in row[2..].iter().zip(errors) {
            let bound: f64 = written.parse().expect("a number");
            // At most what is written, and not so much less that the table says nothing.
            assert!(error <= bound && error > bound / 8.0, "{name}: {error:e} where {written} is written");
        }
    }
}
