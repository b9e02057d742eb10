//! The gradient of the images.

use super::super::{ConvElement, Geometry, ImageLayout};
use super::images::{Images, Lanes};
use super::pointwise::Pointwise;
use super::sinks::{ImageSink, Patches};
use super::weights::Weights;
use super::window::Window;
use crate::gemm::kernel::Start;
use crate::gemm::operand::{Operand, Strided};
use crate::gemm::product::Product;
use crate::parallel;
use crate::scratch::Target;
use crate::simd::Isa;

/// Whether the patches that the kernel sees lie apart, so that one product makes them all.
pub(super) fn by_patches(g: &Geometry) -> bool {
    let strided = g.stride != [1; 3];
    let apart = (0..3).all(|axis| g.dilation[axis] * (g.kernel[axis] - 1) < g.stride[axis]);
    // A single tap has one phase with something to add, whose product needs no patches.
    strided && apart && g.kernel != [1; 3]
}

pub(super) fn run<T: ConvElement>(
    isa: Isa,
    g: &Geometry,
    layout: ImageLayout,
    grad_output: &[T],
    weight: &[T],
    grad_input: &mut [T],
) {
    if grad_input.is_empty() {
        return;
    }
    if Pointwise::<T>::applies(g, layout) {
        let product =
            Pointwise { geometry: g, layout, images: grad_output, weight, packed: None, bias: None, backward: true };
        return product.run(isa, grad_input);
    }
    if by_patches(g) {
        patches(isa, g, layout, grad_output, weight, grad_input);
    } else {
        phases(isa, g, layout, grad_output, weight, grad_input);
    }
}

/// One product: each column is a patch of the images.
fn patches<T: ConvElement>(
    isa: Isa,
    g: &Geometry,
    layout: ImageLayout,
    grad_output: &[T],
    weight: &[T],
    grad_input: &mut [T],
) {
    let output = g.output();
    let covered = (0..3).all(|axis| {
        g.kernel[axis] == g.stride[axis]
            && (g.dilation[axis] == 1 || g.kernel[axis] == 1)
            && g.padding_begin[axis] == 0
            && output[axis] * g.stride[axis] == g.input[axis]
    });
    if !covered {
        zero(grad_input);
    }
    let window = Window::output(g, layout);
    let gradients = Images { window: &window, data: grad_output, lanes: Lanes::Positions };
    let features = g.group_in_channels() * g.kernel.iter().product::<usize>();
    let weights = Strided {
        start: weight.as_ptr(),
        item_stride: g.group_out_channels() * features,
        lane_stride: 1,
        depth_stride: features,
    };
    let sink = Patches { isa, data: grad_input.as_mut_ptr(), geometry: g, layout };
    let positions = window.positions();
    let (rows, columns, a, b): (_, _, &dyn Operand<T>, &dyn Operand<T>) = match layout {
        ImageLayout::ChannelsFirst => (features, positions, &weights, &gradients),
        ImageLayout::ChannelsLast => (positions, features, &gradients, &weights),
    };
    let product = Product {
        items: g.groups,
        rows,
        columns,
        depth: g.group_out_channels(),
        a,
        b,
        c: &sink,
        alpha: T::ONE,
        start: Start::Zero,
        packed: None,
    };
    // SAFETY: the slices have the lengths that the geometry says, and the gradient is borrowed.
    unsafe { product.run(isa) }
}

fn zero<T: ConvElement>(numbers: &mut [T]) {
    const CHUNK: usize = 1 << 18;
    let (len, start) = (numbers.len(), Target(numbers.as_mut_ptr()));
    parallel::run(len.div_ceil(CHUNK), |task| {
        // SAFETY: chunks are disjoint and inside the slice.
        unsafe { std::slice::from_raw_parts_mut(start.at(task * CHUNK), CHUNK.min(len - task * CHUNK)) }.fill(T::ZERO);
    });
}

/// The taps of one axis that reach input pixels `phase + stride * position`: for each, its place
/// in the kernel and which output pixel it comes from, seen from the position.
fn taps_of_phase(g: &Geometry, axis: usize, phase: usize) -> Vec<(usize, isize)> {
    let stride = g.stride[axis] as isize;
    (0..g.kernel[axis])
        .filter_map(|k| {
            let reach = (phase + g.padding_begin[axis]) as isize - (k * g.dilation[axis]) as isize;
            (reach.rem_euclid(stride) == 0).then(|| (k, reach.div_euclid(stride)))
        })
        .collect()
}

/// A product for each phase of the stride: the input pixels of one phase see the same taps.
fn phases<T: ConvElement>(
    isa: Isa,
    g: &Geometry,
    layout: ImageLayout,
    grad_output: &[T],
    weight: &[T],
    grad_input: &mut [T],
) {
    let of_axis: [Vec<_>; 3] =
        std::array::from_fn(|axis| (0..g.stride[axis]).map(|phase| taps_of_phase(g, axis, phase)).collect());
    if of_axis.iter().flatten().any(Vec::is_empty) {
        zero(grad_input);
    }
    let data = grad_input.as_mut_ptr();
    for (d, taps_d) in of_axis[0].iter().enumerate() {
        for (h, taps_h) in of_axis[1].iter().enumerate() {
            for (w, taps_w) in of_axis[2].iter().enumerate() {
                let phase = Phase { at: [d, h, w], taps: [taps_d, taps_h, taps_w] };
                // SAFETY: the gradient is borrowed, and phases run one after the other.
                unsafe { phase.run(isa, g, layout, grad_output, weight, data) }
            }
        }
    }
}

struct Phase<'a> {
    at: [usize; 3],
    taps: [&'a [(usize, isize)]; 3],
}

impl Phase<'_> {
    /// # Safety
    /// `grad_input` must be writable and as long as the geometry says.
    unsafe fn run<T: ConvElement>(
        &self,
        isa: Isa,
        g: &Geometry,
        layout: ImageLayout,
        grad_output: &[T],
        weight: &[T],
        grad_input: *mut T,
    ) {
        let grid: [usize; 3] =
            std::array::from_fn(|axis| g.input[axis].saturating_sub(self.at[axis]).div_ceil(g.stride[axis]));
        let [_, kh, kw] = g.kernel;
        let mut offsets = Vec::new();
        let mut places = Vec::new();
        for &(kd, od) in self.taps[0] {
            for &(h, oh) in self.taps[1] {
                for &(w, ow) in self.taps[2] {
                    offsets.push([od, oh, ow]);
                    places.push((kd * kh + h) * kw + w);
                }
            }
        }
        if places.is_empty() || grid.contains(&0) {
            return;
        }
        let window = Window {
            layout,
            batch: g.batch,
            channels: g.out_channels,
            group_channels: g.group_out_channels(),
            size: g.output(),
            grid,
            step: [1; 3],
            taps: offsets,
        }
        .simplified();
        let gradients = Images { window: &window, data: grad_output, lanes: Lanes::Positions };
        let (channels, filters) = (g.group_in_channels(), g.group_out_channels());
        let taps = g.kernel.iter().product::<usize>();
        let (group_stride, channel_stride) = (filters * channels * taps, channels * taps);
        let only_tap =
            Strided { start: weight.as_ptr(), item_stride: group_stride, lane_stride: 1, depth_stride: channels };
        let weights = Weights {
            data: weight,
            group_stride,
            lane_stride: taps,
            channel_stride,
            channels: filters,
            kernel: taps,
            taps: &places,
            tap_major: layout == ImageLayout::ChannelsLast,
        };
        let weights: &dyn Operand<T> = if taps == 1 { &only_tap } else { &weights };
        let sink = ImageSink {
            isa,
            data: grad_input,
            layout,
            channels: g.in_channels,
            group_channels: channels,
            size: g.input,
            grid,
            step: g.stride,
            offset: self.at,
        };
        let positions = window.positions();
        let (rows, columns, a, b): (_, _, &dyn Operand<T>, &dyn Operand<T>) = match layout {
            ImageLayout::ChannelsFirst => (channels, positions, weights, &gradients),
            ImageLayout::ChannelsLast => (positions, channels, &gradients, weights),
        };
        let product = Product {
            items: g.groups,
            rows,
            columns,
            depth: filters * places.len(),
            a,
            b,
            c: &sink,
            alpha: T::ONE,
            start: Start::Zero,
            packed: None,
        };
        // SAFETY: the slices have the lengths that the geometry says; the caller vouches for the
        // gradient.
        unsafe { product.run(isa) }
    }
}
