//! The one-dimensional transforms, in terms of their points.
//!
//! The points are 0, pairs `±p`, and infinity (the leading coefficient). Pairs share their work: an
//! even and an odd part, added and subtracted. With `N(x)` the product of differences between the
//! point `x` and the other finite ones, and `Q(x)` the product of all factors `x - point`:
//!
//! * [`Evaluate`] gives a polynomial's values at the points: `G` (divided by `N`) and `A`;
//! * [`Combine`] is its transpose: `Aᵀ`, and `Gᵀ` (divided by `N`);
//! * [`Interpolate`] is `Bᵀ`: its row for a point holds the coefficients of `Q(x) / (x - point)`,
//!   that for infinity those of `Q(x)`.
//!
//! Checked for `1, 2` against the matrices that Lavin and Gray print.

use crate::simd::{Float, Vectors};

/// The greatest number of pairs.
const MOST_PAIRS: usize = 3;

/// The positive points of the pairs, of which a transform uses as many as it needs. Small numbers
/// and their inverses keep the powers of all points close to one.
const POINTS: [[f64; MOST_PAIRS]; MOST_PAIRS + 1] = [[0.0; 3], [1.0, 0.0, 0.0], [1.0, 2.0, 0.0], [1.0, 2.0, 0.5]];

const fn pairs(size: usize) -> usize {
    (size - 2) / 2
}

const fn point(size: usize, pair: usize) -> f64 {
    POINTS[pairs(size)][pair]
}

/// Coefficients, from the lowest, of the product of `y - p²` over the pairs but `without`.
const fn product_without(size: usize, without: usize) -> [f64; MOST_PAIRS + 1] {
    let mut product = [0.0; MOST_PAIRS + 1];
    product[0] = 1.0;
    let mut pair = 0;
    while pair < pairs(size) {
        if pair != without {
            let square = point(size, pair) * point(size, pair);
            let mut k = MOST_PAIRS;
            while k > 0 {
                product[k] = product[k - 1] - square * product[k];
                k -= 1;
            }
            product[0] *= -square;
        }
        pair += 1;
    }
    product
}

/// `N` of either point of a pair.
const fn difference(size: usize, pair: usize) -> f64 {
    let rest = product_without(size, pair);
    let square = point(size, pair) * point(size, pair);
    let (mut sum, mut k) = (0.0, MOST_PAIRS + 1);
    while k > 0 {
        k -= 1;
        sum = sum * square + rest[k];
    }
    2.0 * square * sum
}

const fn power(base: f64, exponent: usize) -> f64 {
    let (mut result, mut i) = (1.0, 0);
    while i < exponent {
        result *= base;
        i += 1;
    }
    result
}

/// The highest power of a point that any transform needs, and one.
const POWERS: usize = 8;

/// All numbers that the transforms of a size need, made by the compiler.
struct Table<const SIZE: usize>;

impl<const SIZE: usize> Table<SIZE> {
    const PAIRS: usize = pairs(SIZE);
    /// Coefficients of the product of all pairs' `y - p²`, and of all but one pair's.
    const ALL: [f64; MOST_PAIRS + 1] = product_without(SIZE, MOST_PAIRS);
    const REST: [[f64; MOST_PAIRS + 1]; MOST_PAIRS] =
        [product_without(SIZE, 0), product_without(SIZE, 1), product_without(SIZE, 2)];
    /// The powers of each pair's point.
    const POWERS: [[f64; POWERS]; MOST_PAIRS] = {
        let mut powers = [[0.0; POWERS]; MOST_PAIRS];
        let mut pair = 0;
        while pair < Self::PAIRS {
            let mut k = 0;
            while k < POWERS {
                powers[pair][k] = power(point(SIZE, pair), k);
                k += 1;
            }
            pair += 1;
        }
        powers
    };
    /// `1 / N` of the point zero, and of each pair's points.
    const SCALE_OF_ZERO: f64 = 1.0 / Self::ALL[0];
    const SCALE: [f64; MOST_PAIRS] = {
        let mut scale = [0.0; MOST_PAIRS];
        let mut pair = 0;
        while pair < Self::PAIRS {
            scale[pair] = 1.0 / difference(SIZE, pair);
            pair += 1;
        }
        scale
    };
}

/// A linear map of `N` vectors to `M`.
pub(super) trait Map<const N: usize, const M: usize> {
    /// Applies the map, lane by lane.
    fn apply<T: Float, S: Vectors<T>>(simd: S, from: [S::Vector; N]) -> [S::Vector; M];
}

/// Adds `factor * vector`, sparing the multiplication where it does nothing.
#[inline(always)]
fn add<T: Float, S: Vectors<T>>(simd: S, sum: &mut Option<S::Vector>, factor: f64, vector: S::Vector) {
    if factor == 0.0 {
        return;
    }
    *sum = Some(match *sum {
        None if factor == 1.0 => vector,
        None => simd.mul(simd.splat(T::from_f64(factor)), vector),
        Some(sum) if factor == 1.0 => simd.add(sum, vector),
        Some(sum) if factor == -1.0 => simd.sub(sum, vector),
        Some(sum) => simd.mul_add(simd.splat(T::from_f64(factor)), vector, sum),
    });
}

/// An axis along which the filter has one tap: nothing to transform.
pub(super) struct Same;

impl Map<1, 1> for Same {
    #[inline(always)]
    fn apply<T: Float, S: Vectors<T>>(_: S, from: [S::Vector; 1]) -> [S::Vector; 1] {
        from
    }
}

/// Values at the points of a polynomial of `N` coefficients; `SCALED`: divided by `N(point)`.
pub(super) struct Evaluate<const SCALED: bool>;

impl<const SCALED: bool, const N: usize, const SIZE: usize> Map<N, SIZE> for Evaluate<SCALED> {
    #[inline(always)]
    fn apply<T: Float, S: Vectors<T>>(simd: S, from: [S::Vector; N]) -> [S::Vector; SIZE] {
        let mut to = [simd.zero(); SIZE];
        let mut first = None;
        add::<T, S>(simd, &mut first, if SCALED { Table::<SIZE>::SCALE_OF_ZERO } else { 1.0 }, from[0]);
        to[0] = first.unwrap_or(simd.zero());
        for pair in 0..Table::<SIZE>::PAIRS {
            let (mut even, mut odd) = (None, None);
            for (k, &coefficient) in from.iter().enumerate() {
                let factor = Table::<SIZE>::POWERS[pair][k] * if SCALED { Table::<SIZE>::SCALE[pair] } else { 1.0 };
                add::<T, S>(simd, if k % 2 == 0 { &mut even } else { &mut odd }, factor, coefficient);
            }
            let (even, odd) = (even.unwrap_or(simd.zero()), odd.unwrap_or(simd.zero()));
            to[1 + 2 * pair] = simd.add(even, odd);
            to[2 + 2 * pair] = simd.sub(even, odd);
        }
        to[SIZE - 1] = from[N - 1];
        to
    }
}

/// The transpose of [`Evaluate`].
pub(super) struct Combine<const SCALED: bool>;

impl<const SCALED: bool, const N: usize, const SIZE: usize> Map<SIZE, N> for Combine<SCALED> {
    #[inline(always)]
    fn apply<T: Float, S: Vectors<T>>(simd: S, from: [S::Vector; SIZE]) -> [S::Vector; N] {
        let mut to = [simd.zero(); N];
        let mut parts = [[simd.zero(); 2]; MOST_PAIRS];
        for (pair, parts) in parts.iter_mut().enumerate().take(Table::<SIZE>::PAIRS) {
            let (plus, minus) = (from[1 + 2 * pair], from[2 + 2 * pair]);
            *parts = [simd.add(plus, minus), simd.sub(plus, minus)];
        }
        for (k, to) in to.iter_mut().enumerate() {
            let mut sum = None;
            if k == 0 {
                add::<T, S>(simd, &mut sum, if SCALED { Table::<SIZE>::SCALE_OF_ZERO } else { 1.0 }, from[0]);
            }
            if k == N - 1 {
                add::<T, S>(simd, &mut sum, 1.0, from[SIZE - 1]);
            }
            for (pair, parts) in parts.iter().enumerate().take(Table::<SIZE>::PAIRS) {
                let factor = Table::<SIZE>::POWERS[pair][k] * if SCALED { Table::<SIZE>::SCALE[pair] } else { 1.0 };
                add::<T, S>(simd, &mut sum, factor, parts[k % 2]);
            }
            *to = sum.unwrap_or(simd.zero());
        }
        to
    }
}

/// The sources' transform.
pub(super) struct Interpolate;

impl<const SIZE: usize> Map<SIZE, SIZE> for Interpolate {
    #[inline(always)]
    fn apply<T: Float, S: Vectors<T>>(simd: S, from: [S::Vector; SIZE]) -> [S::Vector; SIZE] {
        let mut to = [simd.zero(); SIZE];
        let all = Table::<SIZE>::ALL;
        let (mut zero, mut infinity) = (None, None);
        for k in (0..=Table::<SIZE>::PAIRS).rev() {
            add::<T, S>(simd, &mut zero, all[k], from[2 * k]);
            add::<T, S>(simd, &mut infinity, all[k], from[2 * k + 1]);
        }
        to[0] = zero.unwrap_or(simd.zero());
        to[SIZE - 1] = infinity.unwrap_or(simd.zero());
        for pair in 0..Table::<SIZE>::PAIRS {
            let rest = Table::<SIZE>::REST[pair];
            let (mut even, mut odd) = (None, None);
            for k in (0..Table::<SIZE>::PAIRS).rev() {
                add::<T, S>(simd, &mut even, rest[k], from[2 * k + 2]);
                add::<T, S>(simd, &mut odd, rest[k] * Table::<SIZE>::POWERS[pair][1], from[2 * k + 1]);
            }
            let (even, odd) = (even.unwrap_or(simd.zero()), odd.unwrap_or(simd.zero()));
            to[1 + 2 * pair] = simd.add(even, odd);
            to[2 + 2 * pair] = simd.sub(even, odd);
        }
        to
    }
}
