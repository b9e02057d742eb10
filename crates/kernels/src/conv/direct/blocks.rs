//! How the result channels of a channels-last image are cut into vectors.

use super::correlation::Correlation;
use super::tile::{ALIKE, BROADCAST, PERMUTED, UNROLLED};
use crate::simd::{Mask, Vectors, first_lanes};

/// Result channels of one vector, and the source channels that they see.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    /// The first result channel.
    pub result: usize,
    /// Result channels.
    pub results: usize,
    /// The first source channel.
    pub source: usize,
    /// Source channels that are loaded together.
    pub sources: usize,
}

/// The cut.
#[derive(Clone, Copy, Debug)]
pub(super) struct Blocks {
    /// How source channels come into lanes: [`ALIKE`], [`PERMUTED`] or [`BROADCAST`].
    pub spread: u8,
    /// How many blocks there are.
    pub count: usize,
    /// Lanes of a block.
    pub lanes: usize,
    groups: usize,
    /// Source and result channels of a group.
    pub group_sources: usize,
    group_results: usize,
    /// Groups of a block; or, where a group does not fit often enough, blocks of a group.
    groups_each: usize,
    blocks_each: usize,
}

impl Blocks {
    /// A cut for vectors of `lanes` numbers.
    pub fn new(c: &Correlation, lanes: usize) -> Self {
        let widest = c.sources.max(c.results);
        let groups_each = (lanes / widest.max(1)).max(1);
        let (spread, blocks_each) = match groups_each {
            1 => (BROADCAST, c.results.div_ceil(lanes)),
            _ if widest == 1 => (ALIKE, 1),
            _ => (PERMUTED, 1),
        };
        Self {
            spread,
            count: c.groups.div_ceil(groups_each) * blocks_each,
            lanes,
            groups: c.groups,
            group_sources: c.sources,
            group_results: c.results,
            groups_each,
            blocks_each,
        }
    }

    /// Taps and strides that inner loops are unrolled for: those of depthwise layers, of grouped
    /// ones and of first ones.
    pub fn unrolled(&self) -> &'static [(usize, usize)] {
        match self.spread {
            ALIKE => &UNROLLED,
            PERMUTED => &[(3, 1), (3, 2)],
            _ => &[(3, 1), (3, 2), (7, 2)],
        }
    }

    /// A block.
    #[inline(always)]
    pub fn block(&self, index: usize) -> Block {
        let group = index / self.blocks_each * self.groups_each;
        let groups = self.groups_each.min(self.groups - group);
        let within = index % self.blocks_each * self.lanes;
        Block {
            result: group * self.group_results + within,
            results: (groups * self.group_results - within).min(self.lanes),
            source: group * self.group_sources,
            sources: groups * self.group_sources,
        }
    }

    /// Whether a block's loads and stores are whole vectors.
    #[inline(always)]
    pub fn is_full(&self, block: &Block) -> bool {
        block.results == self.lanes && (self.spread == BROADCAST || block.sources == self.lanes)
    }

    /// The source channels of a block that are loaded.
    #[inline(always)]
    pub fn mask(&self, block: &Block) -> Mask {
        first_lanes(block.sources)
    }

    /// Which of a block's source channels each lane takes for the group's source channel `source`.
    #[inline(always)]
    pub fn permutation<T: Copy, S: Vectors<T>>(&self, simd: S, source: usize) -> S::Permutation {
        let lane = |lane: usize| {
            let group = lane / self.group_results;
            if group < self.groups_each { group * self.group_sources + source } else { 0 }
        };
        simd.permutation(|i| if self.spread == PERMUTED { lane(i) } else { i })
    }

    /// Group and channel within it of a lane of a block, if it is a result.
    pub fn lane(&self, index: usize, lane: usize) -> Option<(usize, usize)> {
        let block = self.block(index);
        let channel = block.result + lane;
        (lane < block.results).then(|| (channel / self.group_results, channel % self.group_results))
    }
}

/// Source channels of a group at most where lanes are permuted.
pub(super) const MOST_PERMUTATIONS: usize = 8;
