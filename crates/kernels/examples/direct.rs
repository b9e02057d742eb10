//! Times the direct kernels on depthwise, grouped and first layers of well-known networks:
//! `direct [part of a name] [threads]`. Milliseconds and GFLOP/s of each pass, in both layouts.

use flambeau_kernels::conv::{Geometry, ImageLayout, direct};
use flambeau_kernels::{parallel, simd::Isa};
use std::time::{Duration, Instant};

/// Name, channels in and out, groups, size, kernel, stride, padding.
const LAYERS: [(&str, [usize; 3], [usize; 4]); 11] = [
    ("mobilenetv2 dw3x3 144", [144, 144, 144], [56, 3, 1, 1]),
    ("mobilenetv2 dw3x3s2 144", [144, 144, 144], [56, 3, 2, 1]),
    ("mobilenetv2 dw3x3 960", [960, 960, 960], [7, 3, 1, 1]),
    ("mobilenetv2 dw3x3 576", [576, 576, 576], [14, 3, 1, 1]),
    ("efficientnet dw5x5s2 96", [96, 96, 96], [56, 5, 2, 2]),
    ("convnext dw7x7 96", [96, 96, 96], [56, 7, 1, 3]),
    ("convnext dw7x7 768", [768, 768, 768], [7, 7, 1, 3]),
    ("resnext 3x3 g32 128", [128, 128, 32], [56, 3, 1, 1]),
    ("resnext 3x3 g32 1024", [1024, 1024, 32], [7, 3, 1, 1]),
    ("resnet50 stem 7x7s2", [3, 64, 1], [224, 7, 2, 3]),
    ("vgg16 3->64 3x3", [3, 64, 1], [224, 3, 1, 1]),
];

fn geometry(batch: usize, [in_channels, out_channels, groups]: [usize; 3], sizes: [usize; 4]) -> Geometry {
    let [size, kernel, stride, padding] = sizes;
    Geometry {
        batch,
        in_channels,
        out_channels,
        groups,
        input: [1, size, size],
        kernel: [1, kernel, kernel],
        stride: [1, stride, stride],
        padding_begin: [0, padding, padding],
        padding_end: [0, padding, padding],
        dilation: [1, 1, 1],
    }
}

fn numbers(len: usize) -> Vec<f32> {
    (0..len).map(|i| ((i * 7919) % 1013) as f32 / 1013.0 - 0.5).collect()
}

/// The median time of a call, over a tenth of a second.
fn median(mut work: impl FnMut()) -> f64 {
    work();
    let (mut times, start) = (Vec::new(), Instant::now());
    while times.len() < 3 || start.elapsed() < Duration::from_millis(50) {
        let before = Instant::now();
        work();
        times.push(before.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let only = arguments.first().map_or("", |name| name.as_str());
    if let Some(threads) = arguments.get(1).and_then(|threads| threads.parse().ok()) {
        parallel::set_threads(threads);
    }
    let isa = Isa::detect();
    println!("{} on {} threads; each pass: ms, GFLOP/s", isa.name(), parallel::threads());
    println!("{:27} {:13} {:>15} {:>15} {:>15}", "", "", "forward", "data gradient", "weight gradient");
    for batch in [1, 16] {
        for (name, channels, sizes) in LAYERS.into_iter().filter(|layer| layer.0.contains(only)) {
            let g = &geometry(batch, channels, sizes);
            let (mut input, mut weight) = (numbers(g.input_len()), numbers(g.weight_len()));
            let (mut output, bias) = (numbers(g.output_len()), numbers(g.out_channels));
            for layout in [ImageLayout::ChannelsFirst, ImageLayout::ChannelsLast] {
                let rate = |seconds: f64| format!("{:8.3} {:6.1}", seconds * 1e3, g.flops() as f64 / seconds / 1e9);
                let forward = median(|| direct::forward(isa, g, layout, &input, &weight, Some(&bias), &mut output));
                let data = median(|| direct::data_gradient(isa, g, layout, &output, &weight, &mut input));
                let reduce = median(|| direct::weight_gradient(isa, g, layout, &input, &output, &mut weight));
                let times = [forward, data, reduce].map(rate);
                println!("{name:23} N{batch:2} {:13} {}", format!("{layout:?}"), times.join(" "));
            }
        }
    }
}
