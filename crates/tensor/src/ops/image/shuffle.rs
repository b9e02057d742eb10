//! Trading channels for resolution, and dealing channels out to groups.

use crate::autograd::no_grad;
use crate::ops::linear_map::{Direction, LinearMap};
use crate::{Error, Layout, MemoryFormat, Result, Shape, Tensor};

/// The format of the result: the input's, where PyTorch knows it.
fn format_of(input: &Tensor) -> Result<MemoryFormat> {
    match input.suggested_format() {
        MemoryFormat::ChannelsLast3d => {
            Err(Error::runtime("Unsupported memory format. Supports only ChannelsLast, Contiguous"))
        }
        format => Ok(format),
    }
}

/// Views the tensor in parts, reorders these and views them as the result: a permutation of
/// elements, whose adjoint is the way back.
fn rearrange(
    name: &'static str,
    input: &Tensor,
    parts: Vec<usize>,
    order: Vec<isize>,
    (to, format): (Shape, MemoryFormat),
) -> Result<Tensor> {
    let from = input.shape();
    let mut inverse = vec![0; order.len()];
    for (i, &dim) in order.iter().enumerate() {
        inverse[dim as usize] = i as isize;
    }
    let moved: Vec<usize> = order.iter().map(|&dim| parts[dim as usize]).collect();
    LinearMap::new(name, move |operand, direction| {
        no_grad(|| {
            let (parts, order, shape) = match direction {
                Direction::Forward => (&parts, &order, &to),
                Direction::Adjoint => (&moved, &inverse, &from),
            };
            if operand.numel() == 0 {
                return Tensor::empty(shape, operand.dtype());
            }
            let moved = operand.reshape_to(parts)?.permute(order)?.reshape_to(shape)?;
            let aliased = moved.array().may_overlap(&operand.array());
            if !aliased && moved.strides().as_slice() == Layout::in_format(shape, format).strides() {
                return Ok(moved.detach());
            }
            let result = Tensor::empty_in_format(shape, operand.dtype(), format)?;
            result.copy_raw(&moved)?;
            Ok(result)
        })
    })
    .apply(input)
}

/// The checks that both shuffles of pixels begin with.
fn check_pixels(input: &Tensor, factor: isize, operator: &str, argument: &str) -> Result<usize> {
    if input.ndim() < 3 {
        return Err(Error::runtime(format!(
            "{operator} expects input to have at least 3 dimensions, but got input with {} dimension(s)",
            input.ndim()
        )));
    }
    match usize::try_from(factor) {
        Ok(factor) if factor > 0 => Ok(factor),
        _ => Err(Error::runtime(format!("{operator} expects a positive {argument}, but got {factor}"))),
    }
}

impl Tensor {
    /// From `(…, C r², H, W)` to `(…, C, H r, W r)`: each pixel's `r²` channels become a square of
    /// pixels (Shi et al. 2016).
    ///
    /// # Errors
    /// If there are fewer than three dimensions, or the channels are not divisible by `r²`.
    pub fn pixel_shuffle(&self, upscale_factor: isize) -> Result<Tensor> {
        let r = check_pixels(self, upscale_factor, "pixel_shuffle", "upscale_factor")?;
        let shape = self.shape();
        let lead = shape.len() - 3;
        let square = r.checked_mul(r).filter(|&square| isize::try_from(square).is_ok()).ok_or_else(|| {
            Error::value(format!("upscale factor is too large, (upscale_factor)^2 overflowed: upscale_factor={r}"))
        })?;
        let (channels, height, width) = (shape[lead], shape[lead + 1], shape[lead + 2]);
        if channels % square != 0 {
            return Err(Error::runtime(format!(
                "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, but input.size(-3)={channels} is not divisible by {square}"
            )));
        }
        let sizes = [channels / square, height.saturating_mul(r), width.saturating_mul(r)];
        let to: Shape = shape[..lead].iter().copied().chain(sizes).collect();
        to.checked_numel()?;
        let parts = [&shape[..lead], &[sizes[0], r, r, height, width]].concat();
        let mut order: Vec<isize> = (0..lead as isize).collect();
        order.extend([0, 3, 1, 4, 2].map(|i| i + lead as isize));
        rearrange("PixelShuffleBackward0", self, parts, order, (to, format_of(self)?))
    }

    /// From `(…, C, H r, W r)` to `(…, C r², H, W)`: the inverse of [`Tensor::pixel_shuffle`].
    ///
    /// # Errors
    /// If there are fewer than three dimensions, or height or width are not divisible by `r`.
    pub fn pixel_unshuffle(&self, downscale_factor: isize) -> Result<Tensor> {
        let r = check_pixels(self, downscale_factor, "pixel_unshuffle", "downscale_factor")?;
        let shape = self.shape();
        let lead = shape.len() - 3;
        let (channels, height, width) = (shape[lead], shape[lead + 1], shape[lead + 2]);
        for (name, place, size) in [("height", -2, height), ("width", -1, width)] {
            if size % r != 0 {
                return Err(Error::runtime(format!(
                    "pixel_unshuffle expects {name} to be divisible by downscale_factor, but input.size({place})={size} is not divisible by {r}"
                )));
            }
        }
        let sizes = [channels.saturating_mul(r).saturating_mul(r), height / r, width / r];
        let to: Shape = shape[..lead].iter().copied().chain(sizes).collect();
        to.checked_numel()?;
        let parts = [&shape[..lead], &[channels, sizes[1], r, sizes[2], r]].concat();
        let mut order: Vec<isize> = (0..lead as isize).collect();
        order.extend([0, 2, 4, 1, 3].map(|i| i + lead as isize));
        rearrange("PixelUnshuffleBackward0", self, parts, order, (to, format_of(self)?))
    }

    /// Deals the channels of each of `groups` groups of `(N, C, …)` out to all groups (Zhang et al.
    /// 2018).
    ///
    /// # Errors
    /// If there are fewer than three dimensions, or the channels are not divisible by the groups.
    pub fn channel_shuffle(&self, groups: isize) -> Result<Tensor> {
        let shape = self.shape();
        if shape.len() < 3 {
            return Err(Error::runtime(format!(
                "channel_shuffle expects input with > 2 dims, but got input with sizes {shape}"
            )));
        }
        let channels = shape[1];
        let groups = usize::try_from(groups).ok().filter(|&g| g > 0).ok_or_else(|| {
            Error::runtime(format!("Number of groups to divide channels in must be positive. Value of groups:{groups}"))
        })?;
        if !channels.is_multiple_of(groups) {
            return Err(Error::runtime(format!(
                "Number of channels must be divisible by groups. Got {channels} channels and {groups} groups."
            )));
        }
        let mut parts = vec![shape[0], groups, channels / groups];
        parts.extend(&shape[2..]);
        let mut order: Vec<isize> = (0..parts.len() as isize).collect();
        order.swap(1, 2);
        rearrange("ChannelShuffleBackward0", self, parts, order, (shape, self.suggested_format()))
    }
}
