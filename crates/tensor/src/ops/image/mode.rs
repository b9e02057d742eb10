//! Padding that continues an image with its own pixels.

use crate::ops::resample::{output_format, padded_maps, resample_to, with_spatial};
use crate::{DType, Error, MemoryFormat, Result, Shape, Tensor};
use flambeau_kernels::resample::AxisMap;

/// What continues an image beyond its border.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PadMode {
    /// Zeros.
    #[default]
    Zeros,
    /// The image mirrored at its outermost pixels, which are not repeated.
    Reflect,
    /// The outermost pixels, repeated.
    Replicate,
    /// The other end of the image.
    Circular,
}

impl PadMode {
    /// PyTorch's name: `"reflect"`.
    pub fn name(self) -> &'static str {
        match self {
            PadMode::Zeros => "constant",
            PadMode::Reflect => "reflect",
            PadMode::Replicate => "replicate",
            PadMode::Circular => "circular",
        }
    }

    /// The name of the operator over so many dimensions, and that of its node in the graph.
    fn operator(self, spatial: usize) -> (&'static str, &'static str) {
        match (self, spatial) {
            (PadMode::Reflect, 1) => ("reflection_pad1d", "ReflectionPad1DBackward0"),
            (PadMode::Reflect, 2) => ("reflection_pad2d", "ReflectionPad2DBackward0"),
            (PadMode::Reflect, _) => ("reflection_pad3d", "ReflectionPad3DBackward0"),
            (PadMode::Replicate, 1) => ("replication_pad1d", "ReplicationPad1DBackward0"),
            (PadMode::Replicate, 2) => ("replication_pad2d", "ReplicationPad2DBackward0"),
            (PadMode::Replicate, _) => ("replication_pad3d", "ReplicationPad3DBackward0"),
            (PadMode::Circular | PadMode::Zeros, _) => ("_pad_circular", "CopySlices"),
        }
    }
}

/// One axis: its size, and how many positions come before and after it.
#[derive(Clone, Copy)]
struct Sides {
    size: usize,
    before: isize,
    after: isize,
}

impl Sides {
    fn output(self) -> i128 {
        self.size as i128 + self.before as i128 + self.after as i128
    }

    /// The pixel that position `o` of the result shows.
    fn source(self, mode: PadMode, o: usize) -> usize {
        // What was checked keeps all of this within the sizes of tensors.
        let (size, at) = (self.size as i128, o as i128 - self.before as i128);
        let source = match mode {
            PadMode::Reflect if at < 0 => -at,
            PadMode::Reflect if at >= size => 2 * (size - 1) - at,
            PadMode::Reflect => at,
            PadMode::Replicate => at.clamp(0, size - 1),
            PadMode::Circular | PadMode::Zeros => {
                // What negative numbers cut off does not come back at the other end.
                let start = -self.before.min(0) as i128;
                start + (at - start).rem_euclid(self.wrapped())
            }
        };
        source as usize
    }

    /// The size of what is repeated in a circular padding.
    fn wrapped(self) -> i128 {
        self.size as i128 + self.before.min(0) as i128 + self.after.min(0) as i128
    }
}

/// The axes that are padded, the first of them first.
fn axes(shape: &Shape, pad: &[isize]) -> Vec<Sides> {
    let first = shape.len() - pad.len() / 2;
    let sides = pad.chunks_exact(2).rev().zip(&shape[first..]);
    sides.map(|(pair, &size)| Sides { size, before: pair[0], after: pair[1] }).collect()
}

/// Reflection and replication, which say the same things.
fn check_bordered(shape: &Shape, mode: PadMode, axes: &[Sides]) -> Result<()> {
    let n = axes.len();
    let batched = shape.len() == n + 2;
    if !(batched || shape.len() == n + 1) || shape[usize::from(batched)..].contains(&0) {
        return Err(Error::shape(format!(
            "Expected {}D or {}D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, but got: {shape}",
            n + 1,
            n + 2
        )));
    }
    if mode == PadMode::Reflect {
        for (i, axis) in axes.iter().rev().enumerate() {
            let size = axis.size as i128;
            if axis.before as i128 >= size || axis.after as i128 >= size {
                return Err(Error::shape(format!(
                    "Argument #{}: Padding size should be less than the corresponding input dimension, but got: padding ({}, {}) at dimension {} of input {shape}",
                    2 * i + 4,
                    axis.before,
                    axis.after,
                    shape.len() - 1 - i
                )));
            }
        }
    }
    if axes.iter().all(|axis| axis.output() >= 1) {
        return Ok(());
    }
    let labels = &["D", "H", "W"][3 - n..];
    let list = |separator: &str, values: &dyn Fn(&Sides) -> i128| {
        let parts: Vec<String> = labels.iter().zip(axes).map(|(l, axis)| format!("{l}: {}", values(axis))).collect();
        parts.join(separator)
    };
    let (input, output) = (list(", ", &|axis| axis.size as i128), list(" ", &|axis| axis.output()));
    Err(Error::shape(if n == 1 {
        format!("input ({input}) is too small. Calculated output {output}")
    } else {
        format!("Calculated output {output} must be >= 1 in every dimension (input {input})")
    }))
}

fn check_circular(axes: &[Sides]) -> Result<()> {
    for axis in axes.iter().rev() {
        let size = axis.size as i128;
        if axis.before as i128 > size || axis.after as i128 > size {
            return Err(Error::runtime("Padding value causes wrapping around more than once."));
        }
        if axis.output() < 0 || (axis.output() > 0 && axis.wrapped() <= 0) {
            return Err(Error::runtime("Negative padding value is resulting in an empty dimension"));
        }
    }
    Ok(())
}

/// Padding of the last `pad.len() / 2` dimensions, checked for that many and rank.
fn bordered(input: &Tensor, pad: &[isize], mode: PadMode) -> Result<Tensor> {
    let (shape, spatial) = (input.shape(), pad.len() / 2);
    let axes = axes(&shape, pad);
    let circular = mode == PadMode::Circular;
    if circular { check_circular(&axes) } else { check_bordered(&shape, mode, &axes) }?;
    let (name, node) = mode.operator(spatial);
    if !circular && input.dtype() == DType::Bool {
        return Err(Error::not_implemented(format!("\"{name}\" not implemented for 'Bool'")));
    }
    let size = |axis: &Sides| usize::try_from(axis.output()).ok().filter(|&n| isize::try_from(n).is_ok());
    let too_large = || Error::memory(format!("Storage size calculation overflowed with padding {pad:?} of {shape}"));
    let sizes = axes.iter().map(size).collect::<Option<Vec<usize>>>().ok_or_else(too_large)?;
    let format = if circular { MemoryFormat::Contiguous } else { output_format(&input.layout(), spatial) };
    if input.dtype().is_floating_point() {
        return resample_to(node, input, format, &sizes, 1, || {
            let map = |axis: &Sides, n: usize| {
                AxisMap::new(axis.size, (0..n).map(|o| vec![(axis.source(mode, o), 1.0)]).collect::<Vec<_>>())
            };
            padded_maps(axes.iter().zip(&sizes).map(|(axis, &n)| map(axis, n)).collect())
        });
    }
    let to = with_spatial(&shape, &sizes);
    if to.checked_numel()? == 0 {
        return Tensor::empty(&to, input.dtype());
    }
    let mut result = input.clone();
    for (i, (axis, &n)) in axes.iter().zip(&sizes).enumerate() {
        let places = Tensor::arange(0i64, n as i64, 1i64, DType::I64)?.to_vec::<i64>()?;
        let places: Vec<i64> = places.iter().map(|&o| axis.source(mode, o as usize) as i64).collect();
        result = result.index_select(i as isize - spatial as isize, &Tensor::from_slice(&places, [n])?)?;
    }
    result.contiguous_in(format)
}

impl Tensor {
    /// Continues the last one, two or three dimensions with the image's own pixels: `pad` holds how
    /// many before and after the last dimension, then the one before it, and so on; negative numbers
    /// cut off. The input is `(N, C, …)` or `(C, …)`.
    ///
    /// # Errors
    /// PyTorch's, if the input has another number of dimensions, a reflection is as large as the
    /// image, a circular padding larger, or nothing remains.
    pub fn pad(&self, pad: &[isize], mode: PadMode) -> Result<Tensor> {
        if !pad.len().is_multiple_of(2) {
            return Err(Error::runtime("Padding length must be divisible by 2"));
        }
        if mode == PadMode::Zeros {
            return self.constant_pad_nd(pad, 0.0);
        }
        let (n, spatial) = (self.ndim(), pad.len() / 2);
        if !(1..=3).contains(&spatial) || !(n == spatial + 1 || n == spatial + 2) {
            return Err(Error::not_implemented(format!(
                "Padding size {} is not supported for {n}D input tensor.\nSupported combinations for non-constant padding:\n  - 2D or 3D input: padding size = 2 (pads last dimension)\n  - 3D or 4D input: padding size = 4 (pads last 2 dimensions)\n  - 4D or 5D input: padding size = 6 (pads last 3 dimensions)",
                pad.len()
            )));
        }
        bordered(self, pad, mode)
    }

    /// [`Tensor::pad`] by reflection or replication of exactly `spatial` dimensions, with the
    /// messages that PyTorch's operators of these names have.
    ///
    /// # Errors
    /// As [`Tensor::pad`], and if there are not two numbers for each dimension.
    pub fn border_pad(&self, pad: &[isize], mode: PadMode, spatial: usize) -> Result<Tensor> {
        if pad.len() != 2 * spatial {
            let wanted = 2 * spatial;
            return Err(Error::runtime(format!("padding size is expected to be {wanted}, but got: {}", pad.len())));
        }
        if self.ndim() < spatial {
            check_bordered(&self.shape(), mode, &vec![Sides { size: 1, before: 0, after: 0 }; spatial])?;
        }
        bordered(self, pad, mode)
    }
}
