//! Normalisation: sums over the numbers of a channel, and maps with coefficients for each channel.
//!
//! Batch, instance and group normalisation differ in which channels share a mean, and in nothing
//! else. [`Units`] says which numbers belong together in either memory layout; [`moments`] gives
//! each unit's mean and spread, [`sums`] adds up terms for each unit, and [`map`] computes each
//! number from its unit's coefficients. Layer normalisation, whose numbers lie together but whose
//! coefficients do not, is in [`rows`].
//!
//! Every pass reads memory once, in the order in which it lies. Sums are made in blocks small enough
//! for float32 and added up in float64, in an order that only the sizes decide. A term is a pure
//! function of numbers and coefficients, not of places in memory, so that the loops around it
//! become vector instructions.

mod interleaved;
mod map;
mod planar;
pub mod rows;
#[cfg(test)]
mod tests;

use crate::window::{Compute, Real};

pub use map::map;

/// Numbers that share a mean: those with the same sample and channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Units {
    /// Parts of the batch that are summed apart.
    pub samples: usize,
    /// Images in each sample.
    pub batch: usize,
    /// Channels of an image.
    pub channels: usize,
    /// Positions in an image.
    pub area: usize,
    /// Whether the channels of a position lie together, rather than the positions of a channel.
    pub channels_last: bool,
}

impl Units {
    /// How many units there are: unit `sample * channels + channel`.
    pub fn count(&self) -> usize {
        self.samples * self.channels
    }

    /// How many numbers there are.
    pub fn len(&self) -> usize {
        self.count() * self.unit_len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many numbers each unit has.
    pub fn unit_len(&self) -> usize {
        self.batch * self.area
    }

    /// The unit of a plane: the positions of one channel of one image.
    #[inline(always)]
    fn of_plane(&self, plane: usize) -> usize {
        plane / (self.channels * self.batch) * self.channels + plane % self.channels
    }

    /// Whether to go through memory a row of channels at a time. Images of one position lie alike in
    /// both layouts.
    fn interleaved(&self) -> bool {
        self.channels_last || self.area == 1
    }
}

/// The mean of some numbers, and the sum of their squared distances from it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moments {
    /// How many numbers.
    pub count: f64,
    /// Their mean.
    pub mean: f64,
    /// The sum of squared distances from the mean.
    pub squares: f64,
}

impl Moments {
    /// The moments of both sets of numbers together (Chan, Golub and LeVeque 1979).
    #[inline(always)]
    pub fn join(self, other: Moments) -> Moments {
        if self.count == 0.0 {
            return other;
        }
        let count = self.count + other.count;
        let share = other.count / count;
        let distance = other.mean - self.mean;
        Moments {
            count,
            mean: self.mean + distance * share,
            squares: self.squares + other.squares + distance * distance * self.count * share,
        }
    }
}

fn check<T, const I: usize>(units: Units, inputs: [&[T]; I]) {
    assert!(inputs.iter().all(|input| input.len() == units.len()), "inputs of another size");
}

fn check_coefficients<W, const P: usize>(units: Units, coefficients: [&[W]; P]) {
    assert!(coefficients.iter().all(|c| c.len() == units.count()), "a coefficient for each unit");
}

/// The coefficients of the unit of each number in a row of `pixels` pixels, for each sample.
fn spread<W: Copy>(coefficients: &[W], channels: usize, pixels: usize) -> Vec<W> {
    coefficients.chunks(channels).flat_map(|sample| sample.repeat(pixels)).collect()
}

/// The moments of each unit.
///
/// # Panics
/// If the input has another length than the units.
pub fn moments<T: Real>(units: Units, input: &[T]) -> Vec<Moments> {
    check(units, [input]);
    if units.is_empty() {
        vec![Moments::default(); units.count()]
    } else if units.interleaved() {
        interleaved::moments(units, input)
    } else {
        planar::moments(units, input)
    }
}

/// The sums over each unit of `term(numbers, coefficients)`, for `K` kinds of terms at once.
/// `numbers` are those of the inputs at one place, `coefficients` their unit's.
///
/// # Panics
/// If an input has another length than the units, or there is not a coefficient for each unit.
pub fn sums<T: Real, const I: usize, const P: usize, const K: usize>(
    units: Units,
    inputs: [&[T]; I],
    coefficients: [&[T::Wide]; P],
    term: impl Fn([T::Wide; I], [T::Wide; P]) -> [T::Wide; K] + Copy + Sync,
) -> Vec<[f64; K]> {
    check(units, inputs);
    check_coefficients(units, coefficients);
    if units.is_empty() {
        vec![[0.0; K]; units.count()]
    } else if units.interleaved() {
        interleaved::sums(units, inputs, coefficients, term)
    } else {
        planar::sums(units, inputs, coefficients, term)
    }
}

/// Lanes of a sum along memory: two of the widest vectors, so that additions overlap.
const LANES: usize = 32;
/// Lanes that a short row's end is added in.
const FEW: usize = 8;

/// Adds the upper half of the lanes to the lower, until one is left: as accurate as sums get, and in
/// an order that vectors follow.
#[inline(always)]
fn fold<W: Compute>(lanes: [W; LANES]) -> W {
    let half: [W; 16] = std::array::from_fn(|i| lanes[i] + lanes[i + 16]);
    let quarter: [W; 8] = std::array::from_fn(|i| half[i] + half[i + 8]);
    let few: [W; 4] = std::array::from_fn(|i| quarter[i] + quarter[i + 4]);
    (few[0] + few[2]) + (few[1] + few[3])
}
