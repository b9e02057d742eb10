//! The direct convolution kernels against the definition, on every instruction set.

use flambeau_kernels::conv::{ConvElement, Geometry, ImageLayout, direct, reference};
use flambeau_kernels::parallel;
use flambeau_kernels::simd::Isa;
use std::sync::Mutex;

/// A small generator of reproducible numbers (xorshift64*).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33
    }

    fn below(&mut self, end: usize) -> usize {
        self.next() as usize % end
    }

    fn one_of<const N: usize>(&mut self, choices: [usize; N]) -> usize {
        choices[self.below(N)]
    }

    fn vec<T: ConvElement>(&mut self, len: usize) -> Vec<T> {
        (0..len).map(|_| T::from_f64(self.below(2001) as f64 / 1000.0 - 1.0)).collect()
    }
}

/// Results of the three passes.
struct Passes<T>([Vec<T>; 3]);

struct Operands<T> {
    geometry: Geometry,
    layout: ImageLayout,
    input: Vec<T>,
    weight: Vec<T>,
    bias: Option<Vec<T>>,
    grad_output: Vec<T>,
}

impl<T: ConvElement> Operands<T> {
    fn new(geometry: Geometry, layout: ImageLayout, numbers: &mut Numbers) -> Self {
        Self {
            geometry,
            layout,
            input: numbers.vec(geometry.input_len()),
            weight: numbers.vec(geometry.weight_len()),
            bias: (numbers.below(2) == 0).then(|| numbers.vec(geometry.out_channels)),
            grad_output: numbers.vec(geometry.output_len()),
        }
    }

    /// Results begin as a number that nothing may leave in place.
    fn direct(&self, isa: Isa) -> Passes<T> {
        let (g, layout) = (&self.geometry, self.layout);
        let dirt = T::from_f64(1e30);
        let mut passes = [g.output_len(), g.input_len(), g.weight_len()].map(|len| vec![dirt; len]);
        direct::forward(isa, g, layout, &self.input, &self.weight, self.bias.as_deref(), &mut passes[0]);
        direct::data_gradient(isa, g, layout, &self.grad_output, &self.weight, &mut passes[1]);
        direct::weight_gradient(isa, g, layout, &self.input, &self.grad_output, &mut passes[2]);
        Passes(passes)
    }

    fn reference(&self) -> Passes<f64> {
        let (g, layout) = (&self.geometry, self.layout);
        let wide = |numbers: &[T]| numbers.iter().map(|n| n.to_f64()).collect::<Vec<_>>();
        let (input, weight, grad_output) = (wide(&self.input), wide(&self.weight), wide(&self.grad_output));
        let bias = self.bias.as_deref().map(wide);
        let mut passes = [g.output_len(), g.input_len(), g.weight_len()].map(|len| vec![0.0; len]);
        reference::forward(g, layout, &input, &weight, bias.as_deref(), &mut passes[0]);
        reference::data_gradient(g, layout, &grad_output, &weight, &mut passes[1]);
        reference::weight_gradient(g, layout, &input, &grad_output, &mut passes[2]);
        Passes(passes)
    }

    fn check(&self, tolerance: f64) {
        let expected = self.reference();
        for isa in Isa::available() {
            let computed = self.direct(isa);
            for (pass, (computed, expected)) in computed.0.iter().zip(&expected.0).enumerate() {
                let square = |sum: f64, number: f64| sum + number * number;
                let error = computed.iter().zip(expected).map(|(c, e)| c.to_f64() - e).fold(0.0, square).sqrt();
                let size = expected.iter().copied().fold(0.0, square).sqrt();
                assert!(
                    error <= tolerance * (size + 1.0),
                    "{} pass {pass} {:?} {} error {error} of {size}: {:?}",
                    T::NAME,
                    self.layout,
                    isa.name(),
                    self.geometry
                );
            }
        }
    }
}

const LAYOUTS: [ImageLayout; 2] = [ImageLayout::ChannelsFirst, ImageLayout::ChannelsLast];

fn check_both(geometry: Geometry, numbers: &mut Numbers) {
    for layout in LAYOUTS {
        Operands::<f32>::new(geometry, layout, numbers).check(5e-6);
        Operands::<f64>::new(geometry, layout, numbers).check(1e-13);
    }
}

/// Sizes, paddings, strides and dilations at random; `kernel` at most about `most_kernel`.
fn random_geometry(channels: [usize; 3], most_kernel: usize, numbers: &mut Numbers) -> Geometry {
    let [groups, inputs, outputs] = channels;
    let kernel = [1 + numbers.below(most_kernel), 1 + numbers.below(most_kernel)];
    let stride = [numbers.one_of([1, 1, 2, 2, 3, 4]), numbers.one_of([1, 1, 2, 2, 3, 4])];
    let dilation = [numbers.one_of([1, 1, 1, 2, 3]), numbers.one_of([1, 1, 1, 2, 3])];
    let padding: [usize; 4] = std::array::from_fn(|axis| numbers.below(kernel[axis % 2] + 2));
    let input = [1 + numbers.below(26), 1 + numbers.below(26)];
    Geometry {
        batch: 1 + numbers.below(3),
        in_channels: groups * inputs,
        out_channels: groups * outputs,
        groups,
        input: [1, input[0], input[1]],
        kernel: [1, kernel[0], kernel[1]],
        stride: [1, stride[0], stride[1]],
        padding_begin: [0, padding[0], padding[1]],
        padding_end: [0, padding[2], padding[3]],
        dilation: [1, dilation[0], dilation[1]],
    }
}

fn square(batch: usize, channels: [usize; 3], size: usize, kernel: usize, stride: usize, padding: usize) -> Geometry {
    let [groups, inputs, outputs] = channels;
    Geometry {
        batch,
        in_channels: groups * inputs,
        out_channels: groups * outputs,
        groups,
        input: [1, size, size],
        kernel: [1, kernel, kernel],
        stride: [1, stride, stride],
        padding_begin: [0, padding, padding],
        padding_end: [0, padding, padding],
        dilation: [1, 1, 1],
    }
}

#[test]
fn depthwise() {
    let numbers = &mut Numbers(1);
    for case in 0..60 {
        let groups = 1 + numbers.below(if case % 2 == 0 { 5 } else { 40 });
        let multiplier = numbers.one_of([1, 1, 1, 2, 3, 20]);
        check_both(random_geometry([groups, 1, multiplier], numbers.one_of([3, 5, 8]), numbers), numbers);
    }
    for kernel in [3, 5, 7] {
        for stride in [1, 2] {
            check_both(square(2, [32, 1, 1], 23, kernel, stride, kernel / 2), numbers);
        }
    }
    check_both(square(1, [17, 1, 1], 40, 31, 1, 15), numbers);
}

#[test]
fn rows_that_roll() {
    let numbers = &mut Numbers(7);
    for kernel in [3, 5, 7] {
        for stride in [1, 2] {
            // Bands of planes, planes in pairs and alone, vectors that are full, nearly empty and half.
            for (channels, size) in [([2, 1, 1], 112), ([3, 1, 1], 33), ([5, 1, 1], 14), ([3, 1, 2], 7)] {
                check_both(square(1, channels, size, kernel, stride, kernel / 2), numbers);
            }
            check_both(square(3, [1, 1, 5], 17, kernel, stride, kernel + 1), numbers);
            check_both(square(2, [1, 5, 1], 18, kernel, stride, 1), numbers);
            check_both(square(2, [2, 3, 1], 70, kernel, stride, 0), numbers);
        }
        for dilation in [2, 4, 30] {
            let dilation = [1, dilation, dilation];
            check_both(Geometry { dilation, ..square(1, [3, 1, 1], 40, kernel, 1, 9) }, numbers);
            check_both(Geometry { dilation, ..square(2, [1, 3, 2], 61, kernel, 1, 70) }, numbers);
        }
    }
}

#[test]
fn narrow_rows() {
    let numbers = &mut Numbers(8);
    check_both(square(3, [1, 6, 16], 14, 5, 1, 0), numbers);
    check_both(square(2, [2, 8, 16], 11, 3, 1, 1), numbers);
    check_both(square(2, [1, 16, 8], 6, 3, 1, 0), numbers);
    check_both(square(1, [1, 7, 32], 21, 3, 1, 1), numbers);
    check_both(Geometry { dilation: [1, 2, 1], ..square(2, [3, 8, 8], 5, 3, 1, 1) }, numbers);
    check_both(Geometry { stride: [1, 2, 1], ..square(2, [1, 8, 16], 10, 3, 1, 1) }, numbers);
}

#[test]
fn small_groups() {
    let numbers = &mut Numbers(2);
    for _ in 0..60 {
        let channels = [1 + numbers.below(9), 1 + numbers.below(9), 1 + numbers.below(9)];
        check_both(random_geometry(channels, 4, numbers), numbers);
    }
    for width in [4, 8, 16, 32] {
        check_both(square(1, [4, width, width], 15, 3, 1, 1), numbers);
        check_both(square(1, [2, width, width], 15, 3, 2, 1), numbers);
    }
    check_both(square(2, [3, 33, 5], 6, 3, 1, 1), numbers);
    check_both(square(2, [2, 5, 35], 6, 3, 1, 1), numbers);
}

#[test]
fn few_channels() {
    let numbers = &mut Numbers(3);
    for _ in 0..30 {
        let channels = [1, 1 + numbers.below(8), 1 + numbers.below(40)];
        check_both(random_geometry(channels, numbers.one_of([3, 7, 11]), numbers), numbers);
    }
    check_both(square(1, [1, 3, 24], 41, 7, 2, 3), numbers);
    check_both(square(1, [1, 3, 17], 43, 11, 4, 2), numbers);
    check_both(square(2, [1, 1, 32], 28, 3, 1, 0), numbers);
}

#[test]
fn nothing_to_multiply() {
    let numbers = &mut Numbers(4);
    let whole = square(2, [2, 3, 4], 5, 3, 1, 1);
    check_both(Geometry { batch: 0, ..whole }, numbers);
    check_both(Geometry { in_channels: 0, ..whole }, numbers);
    check_both(Geometry { out_channels: 0, ..whole }, numbers);
    check_both(Geometry { input: [1, 0, 5], ..whole }, numbers);
    check_both(Geometry { input: [1, 1, 1], padding_begin: [0; 3], padding_end: [0; 3], ..whole }, numbers);
    // All of the input is out of the kernel's sight.
    check_both(Geometry { input: [1, 1, 1], stride: [1, 9, 9], padding_begin: [0, 5, 5], ..whole }, numbers);
}

/// The number of threads is the whole process's.
static THREADS: Mutex<()> = Mutex::new(());

#[test]
fn the_number_of_threads_does_not_change_a_bit() {
    let _alone = THREADS.lock().unwrap();
    let numbers = &mut Numbers(5);
    let geometries = [
        square(3, [40, 1, 1], 30, 3, 1, 1),
        square(1, [40, 1, 1], 30, 7, 2, 3),
        square(5, [8, 4, 4], 21, 3, 1, 1),
        square(1, [3, 20, 24], 21, 3, 2, 1),
        square(3, [1, 3, 32], 57, 7, 2, 3),
        square(1, [1, 1, 8], 120, 3, 1, 1),
        square(9, [1, 6, 16], 14, 5, 1, 0),
        square(2, [3, 1, 1], 112, 5, 1, 2),
    ];
    let before = parallel::threads();
    for geometry in geometries {
        for layout in LAYOUTS {
            let operands = Operands::<f32>::new(geometry, layout, numbers);
            for isa in Isa::available() {
                let results = [1, 2, 3, 7].map(|threads| {
                    parallel::set_threads(threads);
                    operands.direct(isa).0.map(|pass| pass.into_iter().map(f32::to_bits).collect::<Vec<_>>())
                });
                for other in &results[1..] {
                    assert!(*other == results[0], "{} {layout:?} {geometry:?}", isa.name());
                }
            }
        }
    }
    parallel::set_threads(before);
}

#[test]
fn infinities_reach_only_the_weights_that_meet_them() {
    // The last column meets the last column of the kernel only, and the last row the last row.
    let geometry = square(1, [3, 1, 1], 12, 3, 1, 0);
    for layout in LAYOUTS {
        let mut operands = Operands::<f32>::new(geometry, layout, &mut Numbers(6));
        for channel in 0..3 {
            let corner = match layout {
                ImageLayout::ChannelsFirst => (channel * 12 + 11) * 12 + 11,
                ImageLayout::ChannelsLast => (11 * 12 + 11) * 3 + channel,
            };
            operands.input[corner] = f32::INFINITY;
        }
        operands.grad_output.fill(1.0);
        for isa in Isa::available() {
            let grad_weight = &operands.direct(isa).0[2];
            for (i, number) in grad_weight.iter().enumerate() {
                assert_eq!(number.is_finite(), i % 9 != 8, "{} {layout:?} element {i}: {number}", isa.name());
            }
        }
    }
}
