//! Times the convolution layers of well-known networks, each pass by the plan that this machine
//! gets: `layers [part of a name] [channels_last] [backward|forward] [by=ALGORITHM]`.

use flambeau_kernels::buffer::Buffer;
use flambeau_kernels::conv::planner::{Operands, Pass, Plan, Problem};
use flambeau_kernels::conv::{self, Geometry, ImageLayout};
use flambeau_kernels::simd::Isa;
use std::time::{Duration, Instant};

/// Name, batch, in channels, height, width, out channels, kernel, stride, padding, dilation, groups.
struct Layer(&'static str, usize, [usize; 3], usize, [usize; 2], usize, [usize; 2], usize, usize);

impl Layer {
    fn geometry(&self) -> Geometry {
        let Layer(_, batch, [in_channels, height, width], out_channels, [kh, kw], stride, [ph, pw], dilation, groups) =
            *self;
        Geometry {
            batch,
            in_channels,
            out_channels,
            groups,
            input: [1, height, width],
            kernel: [1, kh, kw],
            stride: [1, stride, stride],
            padding_begin: [0, ph, pw],
            padding_end: [0, ph, pw],
            dilation: [1, dilation, dilation],
        }
    }
}

fn layers() -> Vec<Layer> {
    let mut layers = vec![Layer("tutorial 3->64 3x3 28", 1, [3, 28, 28], 64, [3, 3], 1, [1, 1], 1, 1)];
    for n in [1, 16] {
        layers.extend([
            Layer("resnet50 stem 7x7s2", n, [3, 224, 224], 64, [7, 7], 2, [3, 3], 1, 1),
            Layer("resnet50 c2 1x1 64-64", n, [64, 56, 56], 64, [1, 1], 1, [0, 0], 1, 1),
            Layer("resnet50 c2 3x3 64", n, [64, 56, 56], 64, [3, 3], 1, [1, 1], 1, 1),
            Layer("resnet50 c2 1x1 64-256", n, [64, 56, 56], 256, [1, 1], 1, [0, 0], 1, 1),
            Layer("resnet50 c3 3x3s2 128", n, [128, 56, 56], 128, [3, 3], 2, [1, 1], 1, 1),
            Layer("resnet50 c3 3x3 128", n, [128, 28, 28], 128, [3, 3], 1, [1, 1], 1, 1),
            Layer("resnet50 c3 1x1s2 256-512", n, [256, 56, 56], 512, [1, 1], 2, [0, 0], 1, 1),
            Layer("resnet50 c4 3x3 256", n, [256, 14, 14], 256, [3, 3], 1, [1, 1], 1, 1),
            Layer("resnet50 c4 1x1 1024-256", n, [1024, 14, 14], 256, [1, 1], 1, [0, 0], 1, 1),
            Layer("resnet50 c5 3x3 512", n, [512, 7, 7], 512, [3, 3], 1, [1, 1], 1, 1),
            Layer("resnet50 c5 1x1 512-2048", n, [512, 7, 7], 2048, [1, 1], 1, [0, 0], 1, 1),
            Layer("vgg16 3x3 64 224", n, [64, 224, 224], 64, [3, 3], 1, [1, 1], 1, 1),
            Layer("vgg16 3x3 256 56", n, [256, 56, 56], 256, [3, 3], 1, [1, 1], 1, 1),
            Layer("mobilenetv2 dw3x3 144", n, [144, 56, 56], 144, [3, 3], 1, [1, 1], 1, 144),
            Layer("mobilenetv2 dw3x3s2 144", n, [144, 56, 56], 144, [3, 3], 2, [1, 1], 1, 144),
            Layer("mobilenetv2 1x1 96-576", n, [96, 14, 14], 576, [1, 1], 1, [0, 0], 1, 1),
            Layer("convnext dw7x7 96", n, [96, 56, 56], 96, [7, 7], 1, [3, 3], 1, 96),
            Layer("resnext 3x3 g32 128", n, [128, 56, 56], 128, [3, 3], 1, [1, 1], 1, 32),
            Layer("deeplab 3x3 d2 512", n, [512, 28, 28], 512, [3, 3], 1, [2, 2], 2, 1),
            Layer("unet 3x3 128-64 130", n, [128, 130, 130], 64, [3, 3], 1, [0, 0], 1, 1),
            Layer("inception 1x7 192 17", n, [192, 17, 17], 192, [1, 7], 1, [0, 3], 1, 1),
        ]);
    }
    layers.extend([
        Layer("mnist 1->32 3x3", 64, [1, 28, 28], 32, [3, 3], 1, [0, 0], 1, 1),
        Layer("mnist 32->64 3x3", 64, [32, 26, 26], 64, [3, 3], 1, [0, 0], 1, 1),
        Layer("lenet 6->16 5x5", 64, [6, 14, 14], 16, [5, 5], 1, [0, 0], 1, 1),
    ]);
    layers
}

/// The time that passes, or with one thread the time that the thread had a core: what the rest of
/// the machine does should not count where it need not.
fn now() -> Duration {
    #[cfg(unix)]
    if flambeau_kernels::parallel::threads() == 1 {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: a clock that every Unix has, and a place to write to.
        unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
        return Duration::new(time.tv_sec as u64, time.tv_nsec as u32);
    }
    static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    START.elapsed()
}

/// The median time of a call, over some tenths of a second.
fn median(mut work: impl FnMut()) -> Duration {
    work();
    let (mut times, start) = (Vec::new(), Instant::now());
    while times.len() < 3 || start.elapsed() < Duration::from_millis(60) {
        let before = now();
        work();
        times.push(now() - before);
    }
    times.sort();
    times[times.len() / 2]
}

/// Numbers where a tensor's are: in the memory that buffers come from.
struct Numbers(Buffer);

impl std::ops::Deref for Numbers {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        // SAFETY: a buffer is aligned for any number, and its bytes are initialised.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast(), self.0.len() / size_of::<f32>()) }
    }
}

impl std::ops::DerefMut for Numbers {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as above, and the borrow is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_ptr().cast(), self.0.len() / size_of::<f32>()) }
    }
}

fn numbers(len: usize) -> Numbers {
    let mut numbers = Numbers(Buffer::uninit(len * size_of::<f32>()));
    numbers.iter_mut().enumerate().for_each(|(i, number)| *number = ((i * 7919) % 1013) as f32 / 1013.0 - 0.5);
    numbers
}

fn main() {
    let options: Vec<String> = std::env::args().skip(1).collect();
    let has = |word: &str| options.iter().any(|option| option == word);
    let layout = if has("channels_last") { ImageLayout::ChannelsLast } else { ImageLayout::ChannelsFirst };
    let words = ["channels_last", "forward", "backward"];
    let forced = options.iter().find_map(|option| option.strip_prefix("by="));
    let is_name = |option: &&String| !words.contains(&option.as_str()) && !option.starts_with("by=");
    let wanted = options.iter().find(is_name).cloned().unwrap_or_default();
    println!("{:30} {:>24} {:>24} {:>24}", "layer", "forward", "data gradient", "weight gradient");
    for layer in layers() {
        let name = format!("{} N{}", layer.0, layer.1);
        if !name.contains(&wanted) {
            continue;
        }
        let g = layer.geometry();
        let (input, weight, bias) = (numbers(g.input_len()), numbers(g.weight_len()), numbers(g.out_channels));
        let mut output = numbers(g.output_len());
        let mut line = format!("{name:30}");
        let plan = |pass| match forced {
            None => Some(conv::plan::<f32>(&g, layout, pass)),
            Some(name) => Plan::by_name(Problem { geometry: g, layout, pass, isa: Isa::detect() }, name),
        };
        let mut tell = |pass, work: &mut dyn FnMut(&Plan<f32>)| {
            let Some(plan) = plan(pass) else {
                line += &format!("{:>25}", "-");
                return;
            };
            let time = median(|| work(&plan)).as_secs_f64();
            line += &format!(" {:9.3} ms {:4.0} {:7}", time * 1e3, g.flops() as f64 / time / 1e9, plan.algorithm());
        };
        if !has("backward") {
            tell(Pass::Forward, &mut |plan| {
                let (bias, output) = (Some(&bias[..]), &mut output[..]);
                plan.run(Operands::Forward { input: &input, weight: &weight, bias, output });
            });
        }
        if !has("forward") {
            let (mut grad_input, mut grad_weight) = (numbers(g.input_len()), numbers(g.weight_len()));
            let grad_output = &output[..];
            tell(Pass::DataGradient, &mut |plan| {
                plan.run(Operands::DataGradient { grad_output, weight: &weight, grad_input: &mut grad_input });
            });
            tell(Pass::WeightGradient, &mut |plan| {
                plan.run(Operands::WeightGradient { input: &input, grad_output, grad_weight: &mut grad_weight });
            });
        }
        println!("{line}");
    }
}
