//! What a direct kernel computes, the same for the forward pass and the data gradient.
//!
//! Both are correlations: every result is a sum of sources times weights. Along one axis the
//! forward pass reads, for result `t` and tap `k`, the source at `t * stride + k * dilation - padding`.
//! The data gradient inverts this. Input positions that leave the same remainder when divided by
//! the stride see the same taps and read consecutive gradients, so that they form a correlation of
//! stride one of their own, a *phase*; the taps run backwards.

use super::DirectElement;
use crate::conv::Geometry;
use crate::simd::Isa;
use std::ops::Range;

/// One axis of one phase of a correlation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Axis {
    /// How many results the phase has.
    pub results: usize,
    /// Place of the first result on the axis.
    pub first: usize,
    /// Distance between the places of two results.
    pub step: usize,
    /// How many sources there are; a source outside `0..sources` counts as zero.
    pub sources: usize,
    /// The source of result `t` and tap `k` is `t * stride + k * dilation + offset`.
    pub stride: usize,
    /// See `stride`.
    pub dilation: usize,
    /// See `stride`.
    pub offset: isize,
    /// How many taps the phase has; there may be none.
    pub taps: usize,
    /// The kernel's element that tap 0 is.
    first_tap: usize,
    /// Distance in the kernel between two taps.
    tap_step: isize,
}

impl Axis {
    /// The phases of the forward pass: one.
    pub fn forward(g: &Geometry, axis: usize) -> Vec<Self> {
        vec![Self {
            results: g.output()[axis],
            first: 0,
            step: 1,
            sources: g.input[axis],
            stride: g.stride[axis],
            dilation: g.dilation[axis],
            offset: -(g.padding_begin[axis] as isize),
            taps: g.kernel[axis],
            first_tap: 0,
            tap_step: 1,
        }]
    }

    /// The phases of the data gradient; result `i` belongs to phase `i % step`.
    pub fn data_gradient(g: &Geometry, axis: usize) -> Vec<Self> {
        let (stride, dilation, padding) = (g.stride[axis], g.dilation[axis], g.padding_begin[axis]);
        let (inputs, kernel) = (g.input[axis], g.kernel[axis]);
        let divisor = greatest_common_divisor(stride, dilation);
        // Taps of one phase are this far apart in the kernel, and their sources in the gradient.
        let (tap_step, source_step) = (stride / divisor, dilation / divisor);
        let phase = |first: usize| {
            let remainder = (first + padding) % stride;
            let first_tap = (0..kernel.min(tap_step)).find(|k| k * dilation % stride == remainder);
            let taps = first_tap.map_or(0, |k| (kernel - k).div_ceil(tap_step));
            let last = taps.saturating_sub(1);
            let nearest =
                first_tap.map_or(0, |k| ((first + padding) as isize - (k * dilation) as isize) / stride as isize);
            Self {
                results: (inputs - first).div_ceil(stride),
                first,
                step: stride,
                sources: g.output()[axis],
                stride: 1,
                dilation: source_step,
                offset: nearest - (last * source_step) as isize,
                taps,
                first_tap: first_tap.unwrap_or(0) + last * tap_step,
                tap_step: -(tap_step as isize),
            }
        };
        (0..stride.min(inputs)).map(phase).collect()
    }

    /// The source of a result and a tap; it may lie outside.
    #[inline(always)]
    pub fn source(&self, result: usize, tap: usize) -> isize {
        (result * self.stride + tap * self.dilation) as isize + self.offset
    }

    /// The taps of a result whose sources lie inside.
    #[inline(always)]
    pub fn inside(&self, result: usize) -> Range<usize> {
        let (first, dilation) = (self.source(result, 0), self.dilation as isize);
        let before = |end: isize| ((end - first + dilation - 1) / dilation).clamp(0, self.taps as isize) as usize;
        let start = if first >= 0 { 0 } else { before(0) };
        start..if first >= self.sources as isize { start } else { before(self.sources as isize).max(start) }
    }

    /// The kernel's element that a tap is.
    pub fn kernel_element(&self, tap: usize) -> usize {
        (self.first_tap as isize + tap as isize * self.tap_step) as usize
    }

    /// How far the sources of a result's taps lie apart at most.
    pub fn reach(&self) -> usize {
        self.taps.saturating_sub(1) * self.dilation
    }

    /// How many taps an inner loop takes at once: all of them, if `unrolled` has a loop for so many
    /// and the stride, or one. Taken together, taps share their sources between neighbouring
    /// results, which needs dense taps and a small stride.
    pub fn run<T: DirectElement>(&self, isa: Isa, unrolled: &[(usize, usize)]) -> usize {
        let dense = self.dilation == 1 && unrolled.contains(&(self.taps, self.stride));
        if dense && T::UNROLLED && !matches!(isa, Isa::Portable(_)) { self.taps } else { 1 }
    }
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// A grouped correlation of images: which sources and weights make which results.
#[derive(Clone, Debug)]
pub struct Correlation {
    /// Images.
    pub batch: usize,
    /// Groups.
    pub groups: usize,
    /// Source channels of a group.
    pub sources: usize,
    /// Result channels of a group.
    pub results: usize,
    /// Height and width of the sources.
    pub source_size: [usize; 2],
    /// Height and width of the results.
    pub result_size: [usize; 2],
    /// Phases of the height.
    pub(super) rows: Vec<Axis>,
    /// Phases of the width.
    pub(super) columns: Vec<Axis>,
    /// Height and width of the kernel.
    kernel: [usize; 2],
    /// Whether the weight's first axis is the sources', as it is for the data gradient.
    transposed: bool,
}

impl Correlation {
    /// Sources are the input, results the output.
    pub fn forward(g: &Geometry) -> Self {
        let [_, height, width] = g.output();
        Self {
            batch: g.batch,
            groups: g.groups,
            sources: g.group_in_channels(),
            results: g.group_out_channels(),
            source_size: [g.input[1], g.input[2]],
            result_size: [height, width],
            rows: Axis::forward(g, 1),
            columns: Axis::forward(g, 2),
            kernel: [g.kernel[1], g.kernel[2]],
            transposed: false,
        }
    }

    /// Sources are the output's gradient, results the input's.
    pub fn data_gradient(g: &Geometry) -> Self {
        let forward = Self::forward(g);
        Self {
            sources: forward.results,
            results: forward.sources,
            source_size: forward.result_size,
            result_size: forward.source_size,
            rows: Axis::data_gradient(g, 1),
            columns: Axis::data_gradient(g, 2),
            transposed: true,
            ..forward
        }
    }

    /// Where the weight between a source and a result channel of a group begins: its element
    /// `(row, column)` is `row * kernel_width + column` further.
    pub fn weight_at(&self, group: usize, result: usize, source: usize) -> usize {
        let (outer, inner, inners, outers) = if self.transposed {
            (source, result, self.results, self.sources)
        } else {
            (result, source, self.sources, self.results)
        };
        ((group * outers + outer) * inners + inner) * self.kernel[0] * self.kernel[1]
    }

    /// Width of the kernel.
    pub fn kernel_width(&self) -> usize {
        self.kernel[1]
    }

    /// Multiplications, not counting that some fall on padding.
    pub fn products(&self) -> usize {
        let taps = |phases: &[Axis]| phases.iter().map(|axis| axis.results * axis.taps).sum::<usize>();
        self.batch * self.groups * self.sources * self.results * taps(&self.rows) * taps(&self.columns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn geometry(input: usize, kernel: usize, stride: usize, padding: (usize, usize), dilation: usize) -> Geometry {
        Geometry {
            batch: 1,
            in_channels: 1,
            out_channels: 1,
            groups: 1,
            input: [1, 1, input],
            kernel: [1, 1, kernel],
            stride: [1, 1, stride],
            padding_begin: [0, 0, padding.0],
            padding_end: [0, 0, padding.1],
            dilation: [1, 1, dilation],
        }
    }

    /// All `(result place, source, kernel element)` of an axis, in order.
    fn products(phases: &[Axis]) -> Vec<(usize, usize, usize)> {
        let mut all = Vec::new();
        for axis in phases {
            for t in 0..axis.results {
                let inside = axis.inside(t);
                for k in 0..axis.taps {
                    let source = axis.source(t, k);
                    let is_inside = 0 <= source && source < axis.sources as isize;
                    assert_eq!(inside.contains(&k), is_inside, "{axis:?} result {t} tap {k}");
                    if is_inside {
                        all.push((axis.first + t * axis.step, source as usize, axis.kernel_element(k)));
                    }
                }
            }
        }
        all.sort_unstable();
        all
    }

    #[test]
    fn the_data_gradient_is_made_of_the_forward_pass_s_products() {
        for stride in 1..6 {
            for dilation in 1..5 {
                for (input, kernel, padding) in
                    [(9, 3, (1, 1)), (7, 4, (0, 5)), (12, 1, (3, 0)), (5, 6, (7, 9)), (1, 1, (0, 0))]
                {
                    let g = geometry(input, kernel, stride, padding, dilation);
                    let forward = products(&Axis::forward(&g, 2));
                    let mut turned: Vec<_> = forward.iter().map(|&(output, input, k)| (input, output, k)).collect();
                    turned.sort_unstable();
                    let phases = Axis::data_gradient(&g, 2);
                    assert_eq!(products(&phases), turned, "{g:?}");
                    assert_eq!(phases.iter().map(|axis| axis.results).sum::<usize>(), input);
                }
            }
        }
    }
}
