//! Pixels in other places.

use crate::compute::{Compute, Inputs, signed, size};
use flambeau_tensor::ops::GridOptions;
use flambeau_tensor::{Error, Result, Tensor};

/// The pixels of images at the points of a grid. Inputs: `X`, `grid`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GridSample(pub GridOptions);

impl Compute for GridSample {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        Ok(vec![inputs.get(0, "X")?.grid_sampler(inputs.get(1, "grid")?, self.0)?])
    }
}

/// Channels of `(N, C, H, W)` as blocks of pixels, and back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockShuffle {
    /// `(N, C, H, W)` as `(N, C / b², H · b, W · b)`.
    DepthToSpace {
        /// The size `b` of a block.
        block_size: i64,
        /// Whether the channels of a block's pixels are neighbours (CRD), not those of a pixel (DCR).
        channels_first: bool,
    },
    /// `(N, C, H, W)` as `(N, C · b², H / b, W / b)`.
    SpaceToDepth {
        /// The size `b` of a block.
        block_size: i64,
        /// As above.
        channels_first: bool,
    },
}

impl Compute for BlockShuffle {
    fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let x = inputs.get(0, "input")?;
        let shape = x.shape();
        let (BlockShuffle::DepthToSpace { block_size, channels_first }
        | BlockShuffle::SpaceToDepth { block_size, channels_first }) = *self;
        let b = size(block_size.into(), "a block")?;
        let area = b.checked_mul(b).filter(|&area| area > 0);
        let (&[n, c, h, w], Some(area)) = (&shape[..], area) else {
            return Err(Error::shape(format!("blocks of size {block_size} of images of shape {shape}")));
        };
        let to_space = matches!(self, BlockShuffle::DepthToSpace { .. });
        let divides = if to_space { c.is_multiple_of(area) } else { h.is_multiple_of(b) && w.is_multiple_of(b) };
        if !divides {
            return Err(Error::shape(format!("images of shape {shape} do not divide into blocks of size {b}")));
        }
        let (split, order, to): ([usize; 6], [isize; 6], [usize; 4]) = match (to_space, channels_first) {
            (true, false) => ([n, b, b, c / area, h, w], [0, 3, 4, 1, 5, 2], [n, c / area, h * b, w * b]),
            (true, true) => ([n, c / area, b, b, h, w], [0, 1, 4, 2, 5, 3], [n, c / area, h * b, w * b]),
            (false, false) => ([n, c, h / b, b, w / b, b], [0, 3, 5, 1, 2, 4], [n, c * area, h / b, w / b]),
            (false, true) => ([n, c, h / b, b, w / b, b], [0, 1, 3, 5, 2, 4], [n, c * area, h / b, w / b]),
        };
        Ok(vec![x.reshape(&signed(&split))?.permute(&order)?.reshape(&signed(&to))?])
    }
}
