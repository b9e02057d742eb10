//! The inner loops: a tile of results along one axis, one vector wide.
//!
//! Results of a tile are neighbours, so that a source vector, once loaded, is multiplied for all
//! taps that it is a source of. In channels-first images the tile runs down the rows and the lanes
//! are columns; in channels-last images the tile runs along the columns and the lanes are channels.

use crate::simd::{Mask, Vectors};

/// Results of a tile. Heights and widths of common networks (112, 56, 28, 14, 7) are multiples of it.
pub(super) const TILE: usize = 7;

/// Taps and strides that inner loops are unrolled for.
pub(super) const UNROLLED: [(usize, usize); 5] = [(3, 1), (5, 1), (7, 1), (3, 2), (7, 2)];

/// Repeats a block with a number counting from zero, as long as it is less than the limit.
/// The compiler is thus spared the decision whether to unroll.
macro_rules! unroll {
    ($i:ident < $limit:expr => $body:block) => {
        unroll!(@ $i, $limit, $body; 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19)
    };
    (@ $i:ident, $limit:expr, $body:block; $($value:literal)*) => {
        $(if $value < $limit {
            let $i: usize = $value;
            $body
        })*
    };
}
pub(super) use unroll;

/// The source vectors of a tile.
pub(super) trait Positions<T: Copy, S: Vectors<T>>: Copy {
    /// The vector at a position, counted from the first source of the tile's first result.
    ///
    /// # Safety
    /// The position must be one of the tile's.
    unsafe fn load(self, simd: S, position: usize) -> S::Vector;
}

/// Rows of a padded plane, all of whose numbers are readable.
#[derive(Clone, Copy)]
pub(super) struct Rows<T, const MASKED: bool> {
    /// The first row's vector.
    pub from: *const T,
    /// Numbers between two rows.
    pub pitch: usize,
    /// The lanes that are loaded if `MASKED`; the others are zero.
    pub mask: Mask,
}

impl<T: Copy, S: Vectors<T>, const MASKED: bool> Positions<T, S> for Rows<T, MASKED> {
    #[inline(always)]
    unsafe fn load(self, simd: S, position: usize) -> S::Vector {
        let from = self.from.wrapping_add(position * self.pitch);
        // SAFETY: the rows of a padded plane are readable to the end of a vector.
        unsafe { if MASKED { simd.load_masked(simd.zero(), from, self.mask) } else { simd.load(from) } }
    }
}

/// Result lane `i` takes source lane `i`.
pub(super) const ALIKE: u8 = 0;
/// Result lanes take the source lanes that a permutation names.
pub(super) const PERMUTED: u8 = 1;
/// All result lanes take the same number.
pub(super) const BROADCAST: u8 = 2;

/// Pixels of a channels-last image. `SPREAD` says how channels come into lanes; if `CAREFUL`,
/// pixels outside the row count as zero and only the channels of the mask are read.
#[derive(Clone, Copy)]
pub(super) struct Pixels<T, P, const SPREAD: u8, const CAREFUL: bool> {
    /// The first pixel's channel; not dereferenced where the pixel lies outside.
    pub from: *const T,
    /// Numbers between two pixels.
    pub pitch: usize,
    /// Column of the first pixel.
    pub column: isize,
    /// Columns of the image.
    pub width: usize,
    /// Channels to read.
    pub mask: Mask,
    /// Which channel each lane takes.
    pub lanes: P,
}

impl<T: Copy, S: Vectors<T>, const SPREAD: u8, const CAREFUL: bool> Positions<T, S>
    for Pixels<T, S::Permutation, SPREAD, CAREFUL>
{
    #[inline(always)]
    unsafe fn load(self, simd: S, position: usize) -> S::Vector {
        if CAREFUL && (self.column + position as isize) as usize >= self.width {
            return simd.zero();
        }
        let from = self.from.wrapping_add(position * self.pitch);
        // SAFETY: the pixel lies inside; careless loads are for full vectors.
        unsafe {
            match SPREAD {
                BROADCAST => simd.splat(*from),
                _ => {
                    let v = if CAREFUL { simd.load_masked(simd.zero(), from, self.mask) } else { simd.load(from) };
                    if SPREAD == PERMUTED { simd.permute(v, self.lanes) } else { v }
                }
            }
        }
    }
}

/// The weights of a run of taps.
pub(super) trait Weights<T: Copy, S: Vectors<T>>: Copy {
    /// The weight of a tap, for each lane.
    ///
    /// # Safety
    /// The tap must be one of the run's.
    unsafe fn load(self, simd: S, tap: usize) -> S::Vector;
}

/// One number for all lanes.
#[derive(Clone, Copy)]
pub(super) struct Scalars<T>(pub *const T);

impl<T: Copy, S: Vectors<T>> Weights<T, S> for Scalars<T> {
    #[inline(always)]
    unsafe fn load(self, simd: S, tap: usize) -> S::Vector {
        // SAFETY: the caller keeps to the run.
        unsafe { simd.splat(*self.0.add(tap)) }
    }
}

/// A vector for each tap.
#[derive(Clone, Copy)]
pub(super) struct Lanes<T>(pub *const T);

impl<T: Copy, S: Vectors<T>> Weights<T, S> for Lanes<T> {
    #[inline(always)]
    unsafe fn load(self, simd: S, tap: usize) -> S::Vector {
        // SAFETY: the caller keeps to the run.
        unsafe { simd.load(self.0.add(tap * S::LANES)) }
    }
}

/// `sums[n][r] += weights[n][k] * source[r * STRIDE + k]` for a run of `TAPS` taps. The stride of a
/// single tap is `stride`.
///
/// # Safety
/// Positions and weights must be readable.
#[inline(always)]
pub(super) unsafe fn accumulate<T, S, P, W, const TAPS: usize, const STRIDE: usize, const N: usize>(
    simd: S,
    sums: &mut [[S::Vector; TILE]; N],
    positions: P,
    stride: usize,
    weights: [W; N],
) where
    T: Copy,
    S: Vectors<T>,
    P: Positions<T, S>,
    W: Weights<T, S>,
{
    let mut loaded = [[simd.zero(); TAPS]; N];
    for (loaded, weights) in loaded.iter_mut().zip(weights) {
        for (k, weight) in loaded.iter_mut().enumerate() {
            // SAFETY: promised by the caller.
            *weight = unsafe { weights.load(simd, k) };
        }
    }
    if TAPS == 1 {
        unroll!(r < TILE => {
            // SAFETY: promised by the caller.
            let source = unsafe { positions.load(simd, r * stride) };
            for n in 0..N {
                sums[n][r] = simd.mul_add(loaded[n][0], source, sums[n][r]);
            }
        });
        return;
    }
    unroll!(i < (TILE - 1) * STRIDE + TAPS => {
        // SAFETY: promised by the caller.
        let source = unsafe { positions.load(simd, i) };
        for k in 0..TAPS {
            if i >= k && (i - k).is_multiple_of(STRIDE) && (i - k) / STRIDE < TILE {
                for n in 0..N {
                    let sum = &mut sums[n][(i - k) / STRIDE];
                    *sum = simd.mul_add(loaded[n][k], source, *sum);
                }
            }
        }
    });
}

/// The gradients of a tile of results.
#[derive(Clone, Copy)]
pub(super) struct Gradients<V> {
    /// One vector for each result.
    pub vectors: [V; TILE],
    /// How many of them there are; fewer than a tile only where the sums are `CAREFUL`.
    pub count: usize,
}

/// `sums[b][k] += gradients[r] * source[b][r * STRIDE + k]`, summed over the tile's results `r`.
/// The stride of a single tap is `stride`.
///
/// # Safety
/// Positions must be readable.
#[inline(always)]
pub(super) unsafe fn products<T, S, P, const TAPS: usize, const STRIDE: usize, const B: usize, const CAREFUL: bool>(
    simd: S,
    sums: &mut [[S::Vector; TAPS]; B],
    gradients: Gradients<S::Vector>,
    positions: [P; B],
    stride: usize,
) where
    T: Copy,
    S: Vectors<T>,
    P: Positions<T, S>,
{
    let Gradients { vectors, count } = gradients;
    for b in 0..B {
        if TAPS == 1 {
            unroll!(r < TILE => {
                if !CAREFUL || r < count {
                    // SAFETY: promised by the caller.
                    let source = unsafe { positions[b].load(simd, r * stride) };
                    sums[b][0] = simd.mul_add(vectors[r], source, sums[b][0]);
                }
            });
        } else {
            unroll!(i < (TILE - 1) * STRIDE + TAPS => {
                if !CAREFUL || i < (count - 1) * STRIDE + TAPS {
                    // SAFETY: promised by the caller.
                    let source = unsafe { positions[b].load(simd, i) };
                    for k in 0..TAPS {
                        // A missing result adds nothing, not even zero times infinity.
                        if i >= k
                            && (i - k).is_multiple_of(STRIDE)
                            && (i - k) / STRIDE < TILE
                            && (!CAREFUL || (i - k) / STRIDE < count)
                        {
                            sums[b][k] = simd.mul_add(vectors[(i - k) / STRIDE], source, sums[b][k]);
                        }
                    }
                }
            });
        }
    }
}
