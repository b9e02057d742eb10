//! Windows that slide over images: what convolution and pooling share.

use crate::compute::size;
use flambeau_tensor::{Error, Result};

/// How an image is continued at its border.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Padding {
    /// By so many positions before each axis, then so many after each; nothing if empty.
    Explicit(Vec<i64>),
    /// So that there are as many windows as fit `size / stride`, rounded up; an odd position comes
    /// after the image.
    SameUpper,
    /// The same, with the odd position before the image.
    SameLower,
    /// Not at all.
    #[default]
    Valid,
}

/// The attributes of a window. Lists have a number for each spatial axis; empty lists mean ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// Steps between windows.
    pub strides: Vec<i64>,
    /// Distance between elements of a window.
    pub dilations: Vec<i64>,
    /// The border.
    pub padding: Padding,
}

/// One axis of a window over an image of known size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Axis {
    pub(super) input: usize,
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) dilation: usize,
    /// Positions added before and after.
    pub(super) begin: usize,
    pub(super) end: usize,
}

impl Axis {
    /// From the first element of a window to the one after its last.
    pub(super) fn reach(self) -> i128 {
        (self.kernel as i128 - 1) * self.dilation as i128 + 1
    }

    /// How many windows there are. With `ceil`, a last one may reach beyond the border, unless it
    /// begins there.
    ///
    /// # Errors
    /// If there is none.
    pub(super) fn outputs(self, ceil: bool) -> Result<usize> {
        let (input, begin, end, stride) =
            (self.input as i128, self.begin as i128, self.end as i128, self.stride as i128);
        let room = input + begin + end - self.reach();
        let mut outputs = (room + if ceil { stride - 1 } else { 0 }).div_euclid(stride) + 1;
        if ceil && (outputs - 1) * stride >= input + begin {
            outputs -= 1;
        }
        if outputs < 1 {
            return Err(Error::shape(format!(
                "a window that reaches over {} positions does not fit in {} with {begin} and {end} added",
                self.reach(),
                self.input
            )));
        }
        size(outputs, "the output")
    }

    /// The length of an image that has just so many windows.
    pub(super) fn length(self, outputs: usize) -> i128 {
        (outputs as i128 - 1) * self.stride as i128 + self.reach()
    }
}

/// A list with a number for each axis, all at least `least`.
pub(super) fn list(name: &str, list: &[i64], n: usize, default: i64, least: i64) -> Result<Vec<usize>> {
    if list.is_empty() {
        return Ok(vec![default as usize; n]);
    }
    if list.len() != n || list.iter().any(|&v| v < least) {
        return Err(Error::value(format!("{name} should be {n} numbers of at least {least}, but got {list:?}")));
    }
    list.iter().map(|&v| size(v.into(), name)).collect()
}

impl Window {
    /// The axes of a window of size `kernel` over images of spatial size `sizes`.
    ///
    /// # Errors
    /// If an attribute has another number of axes, or a size makes no sense.
    pub(super) fn axes(&self, sizes: &[usize], kernel: &[usize]) -> Result<Vec<Axis>> {
        let n = sizes.len();
        if kernel.len() != n || kernel.contains(&0) {
            return Err(Error::shape(format!("a kernel of size {kernel:?} does not fit images of size {sizes:?}")));
        }
        let strides = list("strides", &self.strides, n, 1, 1)?;
        let dilations = list("dilations", &self.dilations, n, 1, 1)?;
        let pads = match &self.padding {
            Padding::Explicit(pads) => list("pads", pads, 2 * n, 0, 0)?,
            _ => vec![0; 2 * n],
        };
        let axis = |i: usize| {
            let mut axis = Axis {
                input: sizes[i],
                kernel: kernel[i],
                stride: strides[i],
                dilation: dilations[i],
                begin: pads[i],
                end: pads[n + i],
            };
            if matches!(self.padding, Padding::SameUpper | Padding::SameLower) {
                let outputs = sizes[i].div_ceil(strides[i]);
                let total = size((axis.length(outputs) - sizes[i] as i128).max(0), "the padding")?;
                let half = total / 2;
                (axis.begin, axis.end) =
                    if self.padding == Padding::SameUpper { (half, total - half) } else { (total - half, half) };
            }
            Ok(axis)
        };
        (0..n).map(axis).collect()
    }
}
