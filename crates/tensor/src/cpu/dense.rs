//! Arrays as dense slices in the order a kernel wants: borrowed where they already are, gathered
//! once where they are not.

use crate::{Access, Array, MemoryFormat, Number};
use flambeau_kernels::conv::ImageLayout;
use flambeau_kernels::element::Element;
use flambeau_kernels::scratch::Scratch;
use flambeau_kernels::window::{Planes, Strided, gather};
use std::ops::Deref;
use std::sync::Arc;

/// Numbers in the order that a kernel wants.
pub(super) enum Numbers<'a, T> {
    /// Where the array has them.
    InPlace(&'a [T]),
    /// Gathered, into memory that is kept between uses.
    Gathered(Scratch<T>),
    /// Gathered before, and kept with the array.
    Kept(Arc<Scratch<T>>),
}

impl<T: Element> Deref for Numbers<'_, T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        match self {
            Numbers::InPlace(numbers) => numbers,
            Numbers::Gathered(numbers) => numbers.as_slice(),
            Numbers::Kept(numbers) => numbers.as_slice(),
        }
    }
}

/// The order in which a dense batch of images lies in memory.
pub(super) fn layout_of(image: &Array) -> ImageLayout {
    if image.is_contiguous() { ImageLayout::ChannelsFirst } else { ImageLayout::ChannelsLast }
}

/// The order that suits reading an array of any strides without a copy.
pub(super) fn preferred_layout(image: &Array) -> ImageLayout {
    match image.layout().suggested_format() {
        MemoryFormat::ChannelsLast | MemoryFormat::ChannelsLast3d => ImageLayout::ChannelsLast,
        _ => ImageLayout::ChannelsFirst,
    }
}

/// The elements of `(N, C, spatial…)` images in the order of a layout.
pub(super) fn image<'a, T: Number>(access: &'a Access<'_>, array: &'a Array, layout: ImageLayout) -> Numbers<'a, T> {
    let format = match (layout, array.shape().len()) {
        (ImageLayout::ChannelsFirst, _) => MemoryFormat::Contiguous,
        (ImageLayout::ChannelsLast, 5) => MemoryFormat::ChannelsLast3d,
        (ImageLayout::ChannelsLast, _) => MemoryFormat::ChannelsLast,
    };
    if array.layout().is_contiguous(format) {
        // SAFETY: callers hold no mutable slice of what they read (outputs never alias inputs).
        return Numbers::InPlace(unsafe { access.slice::<T>(array) });
    }
    image_as(access, array, layout, |value: T| value)
}

/// As [`image`], converted.
pub(super) fn image_as<'a, S: Number, T: Element>(
    access: &Access<'_>,
    array: &Array,
    layout: ImageLayout,
    convert: impl Fn(S) -> T + Sync,
) -> Numbers<'a, T> {
    Numbers::Gathered(gathered(access, array, layout, convert))
}

/// The elements in the order of a layout, converted, in memory of their own.
pub(super) fn gathered<S: Number, T: Element>(
    access: &Access<'_>,
    array: &Array,
    layout: ImageLayout,
    convert: impl Fn(S) -> T + Sync,
) -> Scratch<T> {
    let mut size = array.shape().to_vec();
    let mut stride = array.strides().to_vec();
    if layout == ImageLayout::ChannelsLast {
        let (channels, step) = (size.remove(1), stride.remove(1));
        size.push(channels);
        stride.push(step);
    }
    // SAFETY: an array's layout lies inside its storage, which the access has locked.
    let view = unsafe { Strided::new(access.pointer::<S>(array), &size, &stride) };
    let mut dense = Scratch::new(array.numel());
    gather(&view, dense.as_mut_slice(), convert);
    dense
}

/// The elements in row-major order.
pub(super) fn contiguous<'a, T: Number>(access: &'a Access<'_>, array: &'a Array) -> Numbers<'a, T> {
    image(access, array, ImageLayout::ChannelsFirst)
}

/// How images of `(…, spatial…)` lie in memory when they are dense in a layout. Channels come last
/// only where there is a batch dimension too.
pub(super) fn planes(image: &Array, spatial: usize, layout: ImageLayout) -> Planes {
    let shape = image.shape();
    let lead = shape.len() - spatial;
    let mut size = [1; 3];
    size[3 - spatial..].copy_from_slice(&shape[lead..]);
    match layout {
        ImageLayout::ChannelsFirst => Planes { outer: shape[..lead].iter().product(), size, inner: 1 },
        ImageLayout::ChannelsLast => Planes { outer: shape[0], size, inner: shape[1] },
    }
}
