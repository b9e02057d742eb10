//! Kernels of one tap that see every pixel: matrices as they lie in memory.
//!
//! Images need not be gathered then. Channels-first ones are the right operand, pixels contiguous,
//! one product for each image; channels-last ones are the left operand, channels contiguous, one
//! product for all images. Small images are better packed together: a row of few pixels would
//! leave most of a tile empty.

use super::super::{ConvElement, Geometry, ImageLayout};
use crate::gemm::kernel::Start;
use crate::gemm::operand::{Operand, Strided, StridedSink};
use crate::gemm::product::Product;
use crate::simd::Isa;

/// Fewest pixels of each of several channels-first images that are products of their own.
const PIXELS: usize = 512;

/// A forward pass or a data gradient: images of one kind of channels to images of the other.
pub(super) struct Pointwise<'a, T> {
    pub geometry: &'a Geometry,
    pub layout: ImageLayout,
    pub images: &'a [T],
    pub weight: &'a [T],
    /// The weight as [`Product::packed`] packs it.
    pub packed: Option<&'a [T]>,
    pub bias: Option<&'a [T]>,
    /// From out channels to in channels.
    pub backward: bool,
}

impl<T: ConvElement> Pointwise<'_, T> {
    /// Whether the geometry is one for these products.
    pub fn applies(g: &Geometry, layout: ImageLayout) -> bool {
        let every_pixel =
            g.kernel == [1; 3] && g.stride == [1; 3] && g.padding_begin == [0; 3] && g.padding_end == [0; 3];
        let pixels: usize = g.input.iter().product();
        every_pixel && (layout == ImageLayout::ChannelsLast || g.groups == 1 && (g.batch == 1 || pixels >= PIXELS))
    }

    /// Computes the images.
    ///
    /// # Panics
    /// In debug builds, if a slice has not the length that the geometry says.
    pub fn run(&self, isa: Isa, to: &mut [T]) {
        // SAFETY: the slices are as long as the product's sizes say, and the result is borrowed.
        self.with(to, |product| unsafe { product.run(isa) });
    }

    /// Says which product it is. Where only the weight matters, there need be no images.
    ///
    /// # Panics
    /// In debug builds, if a slice has not the length that the geometry says.
    pub fn with<R>(&self, to: &mut [T], then: impl FnOnce(&Product<'_, T>) -> R) -> R {
        let g = self.geometry;
        let pixels: usize = g.input.iter().product();
        let (mut from_channels, mut to_channels) = (g.group_in_channels(), g.group_out_channels());
        // A number of the weight: its lane is the channel made, its depth the channel read.
        let (mut lane_stride, mut depth_stride) = (from_channels, 1);
        if self.backward {
            (from_channels, to_channels) = (to_channels, from_channels);
            (lane_stride, depth_stride) = (1, to_channels);
        }
        let images = [g.batch * g.groups * from_channels * pixels, g.batch * g.groups * to_channels * pixels];
        let given = [self.images.len(), to.len()];
        debug_assert!(given == [0; 2] || given == images, "{given:?} numbers where there should be {images:?}");
        debug_assert_eq!(self.weight.len(), g.groups * from_channels * to_channels);
        let first = self.layout == ImageLayout::ChannelsFirst;
        let item_stride = if first { 0 } else { from_channels * to_channels };
        let weights = Strided { start: self.weight.as_ptr(), item_stride, lane_stride, depth_stride };
        let (images, sink) = if first {
            let images = Strided {
                start: self.images.as_ptr(),
                item_stride: from_channels * pixels,
                lane_stride: 1,
                depth_stride: pixels,
            };
            (images, sink(to, to_channels * pixels, pixels))
        } else {
            let images = Strided {
                start: self.images.as_ptr(),
                item_stride: from_channels,
                lane_stride: g.groups * from_channels,
                depth_stride: 1,
            };
            (images, sink(to, to_channels, g.groups * to_channels))
        };
        let (rows, columns, a, b): (_, _, &dyn Operand<T>, &dyn Operand<T>) = if first {
            (to_channels, pixels, &weights, &images)
        } else {
            (g.batch * pixels, to_channels, &images, &weights)
        };
        let start = match self.bias {
            None => Start::Zero,
            Some(bias) if first => Start::Rows(bias),
            Some(bias) => Start::Columns(bias),
        };
        let items = if first { g.batch } else { g.groups };
        let packed = self.packed.map(|numbers| (super::side(self.layout), numbers));
        then(&Product { items, rows, columns, depth: from_channels, a, b, c: &sink, alpha: T::ONE, start, packed })
    }
}

fn sink<T>(to: &mut [T], item_stride: usize, row_stride: usize) -> StridedSink<T> {
    StridedSink { start: to.as_mut_ptr(), item_stride, row_stride, column_stride: 1, accumulate: false }
}
