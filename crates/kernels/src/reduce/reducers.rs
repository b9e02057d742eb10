//! What is accumulated, and how pieces are put together.

use crate::element::{Bool, Element};
use crate::elementwise::Kind;
use crate::multiversion;

/// A reduction to one number (or to a number and its place).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReduceOp {
    /// The sum; of floats in float64, of integers wrapping.
    Sum,
    /// The sum divided by the count of elements.
    Mean,
    /// The product; of floats in float64, of integers wrapping.
    Prod,
    /// The largest; NaN if there is one.
    Max,
    /// The smallest; NaN if there is one.
    Min,
    /// The largest and its first index; NaN counts as largest.
    ArgMax,
    /// The smallest and its first index; NaN counts as smallest.
    ArgMin,
    /// Whether none is zero.
    All,
    /// Whether one is not zero.
    Any,
    /// The sum of squared distances from the mean, and the mean.
    Moments,
}

/// How elements of type `T` are accumulated.
pub(super) trait Reducer: Copy + Sync {
    type T: Element;
    type Acc: Copy + Send + Sync;
    /// What the results are, before they are converted to what the targets hold.
    const OUT: [Kind; 2];
    /// The accumulator of nothing.
    fn init(self) -> Self::Acc;
    /// Adds elements, the first of which is at `position` of the reduced elements.
    fn row(self, acc: Self::Acc, xs: &[Self::T], position: usize) -> Self::Acc;
    /// Adds one element to each accumulator, all at `position`.
    fn columns(self, accs: &mut [Self::Acc], xs: &[Self::T], position: usize);
    /// Joins two accumulators, the second of later elements.
    fn merge(self, a: Self::Acc, b: Self::Acc) -> Self::Acc;
    /// The results' bits, given how many elements there were.
    fn finish(self, acc: Self::Acc, count: usize) -> [u64; 2];
}

/// Independent accumulators of a row, enough for four of the widest vectors.
const LANES: usize = 32;

/// Where a fold starts and how it goes on: the simple reducers.
pub(super) trait Fold: Copy + Sync + 'static {
    type T: Element;
    type Acc: Copy + Send + Sync;
    const OUT: Kind;
    fn start() -> Self::Acc;
    fn step(acc: Self::Acc, x: Self::T) -> Self::Acc;
    fn join(a: Self::Acc, b: Self::Acc) -> Self::Acc;
    fn end(acc: Self::Acc, count: usize) -> u64;
}

multiversion! {
    fn fold_row<F: Fold>(xs: &[F::T]) -> F::Acc {
        let mut lanes = [F::start(); LANES];
        let mut chunks = xs.chunks_exact(LANES);
        for chunk in &mut chunks {
            for (lane, &x) in lanes.iter_mut().zip(chunk) {
                *lane = F::step(*lane, x);
            }
        }
        // What is left of a short row, a vector at a time.
        let mut rest = chunks.remainder().chunks_exact(LANES / 4);
        for chunk in &mut rest {
            for (lane, &x) in lanes.iter_mut().zip(chunk) {
                *lane = F::step(*lane, x);
            }
        }
        for (lane, &x) in lanes.iter_mut().zip(rest.remainder()) {
            *lane = F::step(*lane, x);
        }
        let mut width = LANES / 2;
        while width > 0 {
            for i in 0..width {
                lanes[i] = F::join(lanes[i], lanes[i + width]);
            }
            width /= 2;
        }
        lanes[0]
    }
}

multiversion! {
    fn fold_columns<F: Fold>(accs: &mut [F::Acc], xs: &[F::T]) {
        for (acc, &x) in accs.iter_mut().zip(xs) {
            *acc = F::step(*acc, x);
        }
    }
}

/// A fold as a reducer.
#[derive(Clone, Copy)]
pub(super) struct Folding<F>(pub F);

impl<F: Fold> Reducer for Folding<F> {
    type T = F::T;
    type Acc = F::Acc;
    const OUT: [Kind; 2] = [F::OUT; 2];
    fn init(self) -> F::Acc {
        F::start()
    }
    fn row(self, acc: F::Acc, xs: &[F::T], _: usize) -> F::Acc {
        if xs.len() < LANES / 2 {
            return xs.iter().fold(acc, |a, &x| F::step(a, x));
        }
        F::join(acc, fold_row::<F>(xs))
    }
    fn columns(self, accs: &mut [F::Acc], xs: &[F::T], _: usize) {
        fold_columns::<F>(accs, xs);
    }
    fn merge(self, a: F::Acc, b: F::Acc) -> F::Acc {
        F::join(a, b)
    }
    fn finish(self, acc: F::Acc, count: usize) -> [u64; 2] {
        [F::end(acc, count); 2]
    }
}

macro_rules! folds {
    ($($name:ident: $t:ty, $acc:ty => $out:ident;
       $start:expr; |$a:ident, $x:ident| $step:expr; |$l:ident, $r:ident| $join:expr; |$e:ident, $n:ident| $end:expr;)*) => {$(
        #[derive(Clone, Copy)]
        pub(super) struct $name;
        impl Fold for $name {
            type T = $t;
            type Acc = $acc;
            const OUT: Kind = Kind::$out;
            #[inline(always)]
            fn start() -> $acc { $start }
            #[inline(always)]
            fn step($a: $acc, $x: $t) -> $acc { $step }
            #[inline(always)]
            fn join($l: $acc, $r: $acc) -> $acc { $join }
            #[inline(always)]
            fn end($e: $acc, $n: usize) -> u64 { $end }
        }
    )*};
}

#[inline(always)]
fn bits32(x: f32) -> u64 {
    u64::from(x.to_bits())
}

folds! {
    Sum32: f32, f64 => F32; 0.0; |a, x| a + f64::from(x); |a, b| a + b; |e, _n| bits32(e as f32);
    Sum64: f64, f64 => F64; 0.0; |a, x| a + x; |a, b| a + b; |e, _n| e.to_bits();
    SumInt: i64, i64 => I64; 0; |a, x| a.wrapping_add(x); |a, b| a.wrapping_add(b); |e, _n| e as u64;
    Mean32: f32, f64 => F32; 0.0; |a, x| a + f64::from(x); |a, b| a + b; |e, n| bits32((e / n as f64) as f32);
    Mean64: f64, f64 => F64; 0.0; |a, x| a + x; |a, b| a + b; |e, n| (e / n as f64).to_bits();
    Prod32: f32, f64 => F32; 1.0; |a, x| a * f64::from(x); |a, b| a * b; |e, _n| bits32(e as f32);
    Prod64: f64, f64 => F64; 1.0; |a, x| a * x; |a, b| a * b; |e, _n| e.to_bits();
    ProdInt: i64, i64 => I64; 1; |a, x| a.wrapping_mul(x); |a, b| a.wrapping_mul(b); |e, _n| e as u64;
    Max32: f32, f32 => F32; f32::NEG_INFINITY; |a, x| larger(a, x); |a, b| larger(a, b); |e, _n| bits32(e);
    Max64: f64, f64 => F64; f64::NEG_INFINITY; |a, x| larger(a, x); |a, b| larger(a, b); |e, _n| e.to_bits();
    MaxInt: i64, i64 => I64; i64::MIN; |a, x| a.max(x); |a, b| a.max(b); |e, _n| e as u64;
    Min32: f32, f32 => F32; f32::INFINITY; |a, x| smaller(a, x); |a, b| smaller(a, b); |e, _n| bits32(e);
    Min64: f64, f64 => F64; f64::INFINITY; |a, x| smaller(a, x); |a, b| smaller(a, b); |e, _n| e.to_bits();
    MinInt: i64, i64 => I64; i64::MAX; |a, x| a.min(x); |a, b| a.min(b); |e, _n| e as u64;
    All32: f32, u32 => Bool; 1; |a, x| a & u32::from(x != 0.0); |a, b| a & b; |e, _n| u64::from(e);
    All64: f64, u64 => Bool; 1; |a, x| a & u64::from(x != 0.0); |a, b| a & b; |e, _n| e;
    AllInt: i64, u64 => Bool; 1; |a, x| a & u64::from(x != 0); |a, b| a & b; |e, _n| e;
    AllBool: Bool, u8 => Bool; 1; |a, x| a & u8::from(x.0 != 0); |a, b| a & b; |e, _n| u64::from(e);
    Any32: f32, u32 => Bool; 0; |a, x| a | u32::from(x != 0.0); |a, b| a | b; |e, _n| u64::from(e);
    Any64: f64, u64 => Bool; 0; |a, x| a | u64::from(x != 0.0); |a, b| a | b; |e, _n| e;
    AnyInt: i64, u64 => Bool; 0; |a, x| a | u64::from(x != 0); |a, b| a | b; |e, _n| e;
    AnyBool: Bool, u8 => Bool; 0; |a, x| a | u8::from(x.0 != 0); |a, b| a | b; |e, _n| u64::from(e);
    CountBool: Bool, i64 => I64; 0; |a, x| a + i64::from(x.0 != 0); |a, b| a + b; |e, _n| e as u64;
}

trait Nan: Copy + PartialOrd {
    fn nan(self) -> bool;
}
macro_rules! nan {
    ($($t:ty: |$x:ident| $e:expr),*) => {$(
        impl Nan for $t {
            #[inline(always)]
            fn nan(self) -> bool { let $x = self; $e }
        }
    )*};
}
nan!(f32: |x| x.is_nan(), f64: |x| x.is_nan(), i64: |_x| false);

#[inline(always)]
fn larger<T: Nan>(a: T, x: T) -> T {
    if x > a || x.nan() { x } else { a }
}

#[inline(always)]
fn smaller<T: Nan>(a: T, x: T) -> T {
    if x < a || x.nan() { x } else { a }
}

/// The extreme element and its first place.
#[derive(Clone, Copy)]
pub(super) struct Place<T> {
    pub largest: bool,
    pub worst: T,
}

#[inline(always)]
fn better<T: Nan>(largest: bool, x: T, than: T) -> bool {
    (if largest { x > than } else { x < than }) || (x.nan() && !than.nan())
}

macro_rules! paste_max {
    (F32) => {
        Max32
    };
    (F64) => {
        Max64
    };
    (I64) => {
        MaxInt
    };
}
macro_rules! paste_min {
    (F32) => {
        Min32
    };
    (F64) => {
        Min64
    };
    (I64) => {
        MinInt
    };
}
macro_rules! place {
    ($($t:ty => $kind:ident, |$v:ident| $bits:expr;)*) => {$(
        impl Reducer for Place<$t> {
            type T = $t;
            type Acc = ($t, usize);
            const OUT: [Kind; 2] = [Kind::$kind, Kind::I64];
            fn init(self) -> ($t, usize) {
                (self.worst, 0)
            }
            fn row(self, acc: ($t, usize), xs: &[$t], position: usize) -> ($t, usize) {
                let mut acc = acc;
                // The extreme of a block first, its place only if it beats what is known.
                for (i, block) in xs.chunks(256).enumerate() {
                    let extreme = if self.largest { fold_row::<paste_max!($kind)>(block) } else { fold_row::<paste_min!($kind)>(block) };
                    if better(self.largest, extreme, acc.0) {
                        let at = block.iter().position(|&x| x == extreme || (x.nan() && extreme.nan())).unwrap_or(0);
                        acc = (extreme, position + i * 256 + at);
                    }
                }
                acc
            }
            fn columns(self, accs: &mut [($t, usize)], xs: &[$t], position: usize) {
                for (acc, &x) in accs.iter_mut().zip(xs) {
                    if better(self.largest, x, acc.0) {
                        *acc = (x, position);
                    }
                }
            }
            fn merge(self, a: ($t, usize), b: ($t, usize)) -> ($t, usize) {
                if better(self.largest, b.0, a.0) { b } else { a }
            }
            fn finish(self, acc: ($t, usize), _: usize) -> [u64; 2] {
                let $v = acc.0;
                [$bits, acc.1 as u64]
            }
        }
    )*};
}
place! {
    f32 => F32, |v| bits32(v);
    f64 => F64, |v| v.to_bits();
    i64 => I64, |v| v as u64;
}

/// Count, mean and sum of squared distances from it; joined by Chan, Golub and LeVeque's formula.
#[derive(Clone, Copy)]
pub(super) struct Spread<T>(pub std::marker::PhantomData<T>);

#[derive(Clone, Copy)]
pub(super) struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
}

#[inline(always)]
fn join_moments(a: Moments, b: Moments) -> Moments {
    if a.count == 0.0 {
        return b;
    }
    if b.count == 0.0 {
        return a;
    }
    let count = a.count + b.count;
    let distance = b.mean - a.mean;
    Moments {
        count,
        mean: a.mean + distance * (b.count / count),
        squares: a.squares + b.squares + distance * distance * (a.count * b.count / count),
    }
}

macro_rules! spread {
    ($t:ty, $out:ident, $sum:ident, $row:ident, $columns:ident, |$v:ident| $bits:expr) => {
        multiversion! {
            fn $row(xs: &[$t], mean: f64) -> [f64; 2] {
                let mut squares = [0f64; LANES];
                let mut rest = [0f64; LANES];
                let mut chunks = xs.chunks_exact(LANES);
                for chunk in &mut chunks {
                    for i in 0..LANES {
                        let d = chunk[i] as f64 - mean;
                        squares[i] += d * d;
                        rest[i] += d;
                    }
                }
                for (i, &x) in chunks.remainder().iter().enumerate() {
                    let d = x as f64 - mean;
                    squares[i] += d * d;
                    rest[i] += d;
                }
                [squares.iter().sum(), rest.iter().sum()]
            }
        }
        multiversion! {
            fn $columns(accs: &mut [Moments], xs: &[$t]) {
                for (acc, &x) in accs.iter_mut().zip(xs) {
                    acc.count += 1.0;
                    let before = x as f64 - acc.mean;
                    acc.mean += before / acc.count;
                    acc.squares += before * (x as f64 - acc.mean);
                }
            }
        }
        impl Reducer for Spread<$t> {
            type T = $t;
            type Acc = Moments;
            const OUT: [Kind; 2] = [Kind::$out; 2];
            fn init(self) -> Moments {
                Moments { count: 0.0, mean: 0.0, squares: 0.0 }
            }
            fn row(self, acc: Moments, xs: &[$t], _: usize) -> Moments {
                let mut acc = acc;
                // Blocks that stay in the first-level cache: two passes over each.
                for block in xs.chunks(2048) {
                    let count = block.len() as f64;
                    let mean = fold_row::<$sum>(block) / count;
                    let [squares, rest] = $row(block, mean);
                    // The mean was rounded: what is left of the distances corrects for it.
                    let piece = Moments { count, mean, squares: squares - rest * rest / count };
                    acc = join_moments(acc, piece);
                }
                acc
            }
            fn columns(self, accs: &mut [Moments], xs: &[$t], _: usize) {
                $columns(accs, xs);
            }
            fn merge(self, a: Moments, b: Moments) -> Moments {
                join_moments(a, b)
            }
            fn finish(self, acc: Moments, _: usize) -> [u64; 2] {
                [acc.squares, acc.mean].map(|$v| $bits)
            }
        }
    };
}
// The results are float64 even for float32: they are divided once more before they are rounded.
spread!(f32, F64, Sum32, squares32, columns32, |v| v.to_bits());
spread!(f64, F64, Sum64, squares64, columns64, |v| v.to_bits());
