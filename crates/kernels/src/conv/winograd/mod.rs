//! Winograd's minimal filtering: a convolution with fewer multiplications than its definition has.
//!
//! # The idea
//!
//! A filter of `r` taps makes `m` neighbouring results out of `n = m + r - 1` sources. Read the
//! sources, the filter and the results as coefficients of polynomials: then filtering is (the
//! transpose of) a product of polynomials, and a product of polynomials is cheap at points: evaluate
//! both factors at `n` points, multiply the values, interpolate. So
//!
//! ```text
//! results = Aᵀ ( G filter  ⊙  Bᵀ sources )          F(m, r): n products instead of m · r
//! ```
//!
//! where the three matrices depend on the points alone (Lavin and Gray, "Fast Algorithms for
//! Convolutional Neural Networks", 2015). Nested in two dimensions, F(4x4, 3x3) makes 16 results
//! with 36 products instead of 144. What it costs is additions (the transforms) and precision (the
//! values grow with the points' powers), which is why the points are small and few.
//!
//! # Why it pays only in bulk
//!
//! The transform of a source tile is used for all output channels, that of a filter for all tiles,
//! and summing over input channels is done between the transforms. So for each of the `n · n`
//! places of a tile there is a product of matrices,
//!
//! ```text
//! products[place] = sources[place] · filters[place]        tiles x channels · channels x filters
//! ```
//!
//! and almost all time is spent there, at the speed of a matrix product. The lanes of all
//! transforms are channels. A task takes a block of tiles small enough that its transformed sources
//! stay in the second-level cache, multiplies it with a panel of filters at a time, and transforms
//! those products back while they are still there ([`apply`]).
//!
//! The transposed algorithm gives the weight's gradient ([`weight_gradient`]): for each place a
//! product summed over tiles,
//!
//! ```text
//! grad_filter = Gᵀ ( Σ over tiles  Bᵀ sources  ⊙  A grad_results )
//! ```
//!
//! # Infinities
//!
//! An infinite or undefined source makes all results of its tile undefined, where the definition
//! spoils only those that see it; and very large numbers overflow in the transforms. Results that
//! are not finite are noticed while they are written, and the work is then done again by the
//! definition.
//!
//! # The rooms
//!
//! [`points`] has the matrices, [`scheme`] their two-dimensional forms, [`tiles`] says which pixels
//! a tile sees (a dilated filter sees every `dilation`-th, so its tiles interleave), [`strip`]
//! moves pixels between images and channel-by-channel vectors, [`transforms`] transforms tiles of
//! images and [`filters`] weights.

mod apply;
mod filters;
mod points;
mod scheme;
mod strip;
#[cfg(test)]
mod tests;
mod tiles;
mod transforms;
mod weight_gradient;

use super::dense::Dense;
use super::planner::{Algorithm, Cost, FETCH_CYCLES, Operands, Pass, Problem};
use super::{ConvElement, Geometry, Kept};
use crate::scratch::Scratch;
use apply::Apply;
use filters::Filters;
use scheme::{Flat, Scheme, Square, Tall};
use std::marker::PhantomData;
use tiles::Grid;
use weight_gradient::WeightGradient;

/// F(2x2, 3x3): 2.25 times fewer products than the definition.
pub type Winograd2x2 = Winograd<Square<4, 3, 2>>;
/// F(4x4, 3x3): 4 times fewer products than the definition.
pub type Winograd4x4 = Winograd<Square<6, 3, 4>>;
/// F(2x2, 5x5): 2.8 times fewer products than the definition.
pub type Winograd2x2Of5x5 = Winograd<Square<6, 5, 2>>;
/// F(4, 3) along rows: 2 times fewer products than the definition.
pub type Winograd4Of1x3 = Winograd<Flat<6, 3, 4>>;
/// F(4, 3) along columns.
pub type Winograd4Of3x1 = Winograd<Tall<6, 3, 4>>;
/// F(2, 7) along rows: 1.75 times fewer products than the definition.
pub type Winograd2Of1x7 = Winograd<Flat<8, 7, 2>>;
/// F(2, 7) along columns.
pub type Winograd2Of7x1 = Winograd<Tall<8, 7, 2>>;

/// Bytes that count as fitting the second-level and the third-level cache.
const SECOND_LEVEL: usize = 1 << 20;
const THIRD_LEVEL: usize = 12 << 20;

/// With more tiles than these, transforming the filters takes so small a part of the time that the
/// transforms need not be kept.
const MOST_TILES: usize = 1536;

/// Minimal filtering by one scheme.
pub struct Winograd<F>(PhantomData<F>);

impl<F> Winograd<F> {
    /// The algorithm; it has no parameters but its type.
    pub const NEW: Self = Self(PhantomData);
}

/// Whether a geometry is one that a scheme filters: one group, stride one, its number of taps.
fn covers<F: Scheme>(g: &Geometry) -> bool {
    g.groups == 1
        && g.stride == [1; 3]
        && [g.input[0], g.kernel[0]] == [1; 2]
        && g.padding_begin[0] + g.padding_end[0] == 0
        && [g.kernel[1], g.kernel[2]] == F::TAPS
}

impl<T: ConvElement, F: Scheme> Algorithm<T> for Winograd<F> {
    fn name(&self) -> &'static str {
        F::NAME
    }

    fn applies(&self, problem: &Problem) -> Option<Cost> {
        let g = &problem.geometry;
        if !covers::<F>(g) || [g.input_len(), g.weight_len(), g.output_len()].contains(&0) {
            return None;
        }
        let grid = match problem.pass {
            Pass::DataGradient => Grid::data_gradient(g, F::TILE),
            Pass::Forward | Pass::WeightGradient => Grid::forward(g, F::TILE),
        };
        let lanes = 64.0 / size_of::<T>() as f64;
        let (tiles, places) = (grid.tiles() as f64, F::PLACES as f64);
        let (channels, filters) = match problem.pass {
            Pass::DataGradient => (g.out_channels as f64, g.in_channels as f64),
            Pass::Forward | Pass::WeightGradient => (g.in_channels as f64, g.out_channels as f64),
        };
        let blocks = |count: f64| (count / lanes).ceil();
        // Cycles of a core that adds a vector of products in each: of the products, and by
        // measurement for each vector that a transform of sources, results or filters makes.
        // Transformed filters are more than the filters were, and may have to go through memory.
        let products = places * tiles * channels * blocks(filters) / 0.95;
        let transforms = places * tiles * (20.0 * blocks(channels) + 14.0 * blocks(filters));
        let bytes = F::PLACES * g.in_channels * g.out_channels * size_of::<T>();
        let cycles_of_memory: f64 = match bytes {
            0..SECOND_LEVEL => 0.0,
            SECOND_LEVEL..THIRD_LEVEL => 8.0,
            _ => 38.0,
        };
        let of_filter = match problem.pass {
            Pass::WeightGradient => 2.0 * (22.0 + cycles_of_memory),
            // Kept transforms are only fetched.
            _ if problem.constant_weight && grid.tiles() <= MOST_TILES => cycles_of_memory.min(FETCH_CYCLES),
            _ => 22.0 + cycles_of_memory,
        };
        let filter_transforms = of_filter * places * channels * blocks(filters);
        let cycles = products + transforms + filter_transforms;
        let speed = g.flops() as f64 / 2.0 / lanes / cycles;
        let why = "fewer multiplications, by evaluating tiles and filters at a few points";
        Some(Cost { speed, scratch: bytes, why })
    }

    fn run(&self, problem: &Problem, operands: Operands<'_, T>) {
        let Problem { geometry: g, layout, isa, .. } = problem;
        match operands {
            Operands::Forward { input, weight, kept, bias, output } => {
                let filters = Filters::forward(g, weight);
                let grid = Grid::forward(g, F::TILE);
                let kept = kept.map(Kept::numbers);
                if !Apply::<T, F>::new(*isa, *layout, grid, filters, kept).run(input, bias, output) {
                    Dense.run(problem, Operands::Forward { input, weight, kept: None, bias, output });
                }
            }
            Operands::DataGradient { grad_output, weight, kept, grad_input } => {
                let filters = Filters::data_gradient(g, weight);
                let grid = Grid::data_gradient(g, F::TILE);
                let kept = kept.map(Kept::numbers);
                if !Apply::<T, F>::new(*isa, *layout, grid, filters, kept).run(grad_output, None, grad_input) {
                    Dense.run(problem, Operands::DataGradient { grad_output, weight, kept: None, grad_input });
                }
            }
            Operands::WeightGradient { input, grad_output, grad_weight } => {
                if !WeightGradient::<T, F>::new(*isa, *layout, g).run(input, grad_output, grad_weight) {
                    Dense.run(problem, Operands::WeightGradient { input, grad_output, grad_weight });
                }
            }
        }
    }

    fn keep(&self, problem: &Problem, weight: &[T]) -> Option<Scratch<T>> {
        let Problem { geometry: g, layout, isa, .. } = problem;
        let (filters, grid) = match problem.pass {
            Pass::Forward => (Filters::forward(g, weight), Grid::forward(g, F::TILE)),
            Pass::DataGradient => (Filters::data_gradient(g, weight), Grid::data_gradient(g, F::TILE)),
            Pass::WeightGradient => return None,
        };
        (grid.tiles() <= MOST_TILES)
            .then(|| Apply::<T, F>::new(*isa, *layout, grid, filters, None).transformed_filters())
    }
}
