//! Vectors of numbers, written once for every instruction set.
//!
//! A kernel is a value that implements [`Kernel`]: its `run` receives a *token*, a type whose
//! existence proves that the CPU executes its instructions, because the only way to get one is
//! [`Isa::detect`] or [`Isa::available`]. The token's [`Vectors`] methods are the vocabulary:
//! load, store, fused multiply-add. [`dispatch`] enters a function compiled for the token's
//! instruction set and runs the kernel inside it, so `run` and all that it calls with a token
//! must be `#[inline(always)]`: what is not inlined is compiled for the baseline CPU, which is
//! slow, though not wrong.
//!
//! `FLAMBEAU_ISA=avx512|avx2|portable` in the environment forces a lower instruction set than the
//! CPU has, for tests and for comparing.

mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

use crate::element::Element;
pub use portable::Portable;
use std::sync::OnceLock;
#[cfg(target_arch = "x86_64")]
pub use x86::{Avx2, Avx512};

/// An instruction set that this CPU has: the holder of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Isa {
    /// Whatever the compiler's baseline has.
    Portable(Portable),
    /// AVX2 and FMA: 256 bits, 16 registers.
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    /// AVX-512 F, BW, DQ and VL: 512 bits, 32 registers.
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
}

impl Isa {
    /// The widest instruction set of this CPU that `FLAMBEAU_ISA` allows. Detected once.
    pub fn detect() -> Self {
        static DETECTED: OnceLock<Isa> = OnceLock::new();
        *DETECTED.get_or_init(|| {
            let wanted = std::env::var("FLAMBEAU_ISA").unwrap_or_default();
            let available = Self::available();
            let forced = available.iter().find(|isa| isa.name() == wanted);
            *forced.unwrap_or(&available[0])
        })
    }

    /// All instruction sets of this CPU, the widest first; the last is the portable one.
    pub fn available() -> Vec<Self> {
        let mut isas = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            isas.extend(Avx512::new().map(Isa::Avx512));
            isas.extend(Avx2::new().map(Isa::Avx2));
        }
        isas.push(Isa::Portable(Portable::new()));
        isas
    }

    /// The name that `FLAMBEAU_ISA` knows it by.
    pub fn name(self) -> &'static str {
        match self {
            Isa::Portable(_) => "portable",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512(_) => "avx512",
        }
    }
}

/// A set of lanes, one bit each, lane 0 lowest.
pub type Mask = u32;

/// The mask of the first `count` lanes, for any `count` up to 32.
#[inline(always)]
pub fn first_lanes(count: usize) -> Mask {
    if count >= 32 { Mask::MAX } else { (1 << count) - 1 }
}

/// Asks for the cache line of a number that will be read soon. A hint, for any address.
#[inline(always)]
pub fn prefetch<T>(from: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch touches nothing that a program can see.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(from.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = from;
}

/// Asks for the cache line of a number that will be read before long: so that it waits in the
/// second-level cache. A hint, for any address.
#[inline(always)]
pub fn prefetch_to_second_level<T>(from: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch touches nothing that a program can see.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T1>(from.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = from;
}

/// Asks for the cache line of a number that will be written soon. A hint, for any address.
#[inline(always)]
pub fn prefetch_to_write<T>(to: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch touches nothing that a program can see.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_ET0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_ET0>(to.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = to;
}

/// Orders what was written past the caches before what is written next.
#[inline(always)]
pub fn fence_streams() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a fence touches nothing; every x86-64 has it.
    unsafe {
        std::arch::x86_64::_mm_sfence();
    }
}

/// Arithmetic on vectors of `T`; implemented by tokens only.
pub trait Vectors<T: Copy>: Copy + Send + Sync + 'static {
    /// A vector register's worth of `T`.
    type Vector: Copy;
    /// Which lane each lane of a permuted vector comes from.
    type Permutation: Copy;
    /// How many numbers a vector holds.
    const LANES: usize;
    /// Vector registers that the instruction set names: what a kernel may keep in flight.
    const REGISTERS: usize;

    /// All lanes `value`.
    fn splat(self, value: T) -> Self::Vector;
    /// All lanes zero.
    fn zero(self) -> Self::Vector;
    /// `a * b + c`, rounded once where the hardware has a fused operation.
    fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
    /// `a + b`
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `a - b`
    fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `a * b`
    fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// The sum of all lanes, in an order that the type fixes.
    fn sum(self, vector: Self::Vector) -> T;

    /// Reads `LANES` numbers.
    ///
    /// # Safety
    /// They must be readable. No alignment is needed.
    unsafe fn load(self, from: *const T) -> Self::Vector;
    /// Reads the lanes in `mask` from `from + lane`; the others are taken from `otherwise`.
    ///
    /// # Safety
    /// The numbers of the lanes in `mask` must be readable. The others are not touched, so `from`
    /// may point anywhere (compute it with `wrapping_offset`).
    unsafe fn load_masked(self, otherwise: Self::Vector, from: *const T, mask: Mask) -> Self::Vector;
    /// As [`Vectors::load_masked`], with lane `i` at `from + i * step`.
    ///
    /// # Safety
    /// The numbers of the lanes in `mask` must be readable.
    unsafe fn load_masked_step(self, otherwise: Self::Vector, from: *const T, step: usize, mask: Mask) -> Self::Vector;
    /// Writes `LANES` numbers.
    ///
    /// # Safety
    /// They must be writable. No alignment is needed.
    unsafe fn store(self, to: *mut T, vector: Self::Vector);
    /// Writes `LANES` numbers past the caches, where the instruction set can; until
    /// [`fence_streams`], other threads may not see them.
    ///
    /// # Safety
    /// They must be writable, and at a multiple of the vector's size.
    #[inline(always)]
    unsafe fn store_streaming(self, to: *mut T, vector: Self::Vector) {
        // SAFETY: promised by the caller.
        unsafe { self.store(to, vector) }
    }
    /// Writes the lanes in `mask` and touches no other.
    ///
    /// # Safety
    /// The numbers of the lanes in `mask` must be writable.
    unsafe fn store_masked(self, to: *mut T, mask: Mask, vector: Self::Vector);
    /// Writes lane `i` of the four vectors to the four numbers at `to + i * stride`.
    ///
    /// # Safety
    /// They must be writable.
    unsafe fn store_transposed(self, to: *mut T, stride: usize, rows: [Self::Vector; 4]);

    /// The permutation whose lane `i` comes from lane `source(i)`, which must be less than `LANES`.
    fn permutation(self, source: impl Fn(usize) -> usize) -> Self::Permutation;
    /// Lane `i` of the result is the lane of `vector` that the permutation names.
    fn permute(self, vector: Self::Vector, lanes: Self::Permutation) -> Self::Vector;
    /// Of the numbers of `low`, then `high`: those at even places, and those at odd places.
    fn deinterleave(self, low: Self::Vector, high: Self::Vector) -> (Self::Vector, Self::Vector);
    /// Undoes [`Vectors::deinterleave`].
    fn interleave(self, even: Self::Vector, odd: Self::Vector) -> (Self::Vector, Self::Vector);

    /// The first `LANES` numbers of a slice.
    ///
    /// # Panics
    /// If it has fewer.
    #[inline(always)]
    fn load_slice(self, from: &[T]) -> Self::Vector {
        assert!(from.len() >= Self::LANES);
        // SAFETY: just checked.
        unsafe { self.load(from.as_ptr()) }
    }

    /// Writes the first `LANES` numbers of a slice.
    ///
    /// # Panics
    /// If it has fewer.
    #[inline(always)]
    fn store_slice(self, to: &mut [T], vector: Self::Vector) {
        assert!(to.len() >= Self::LANES);
        // SAFETY: just checked.
        unsafe { self.store(to.as_mut_ptr(), vector) }
    }
}

/// Work on vectors of `T`, for any instruction set.
pub trait Kernel<T: Copy> {
    /// What the work gives.
    type Output;
    /// Does the work. Mark every implementation `#[inline(always)]`.
    fn run<S: Vectors<T>>(self, simd: S) -> Self::Output;
}

/// A floating-point number that has vectors.
pub trait Float: Element + std::ops::Add<Output = Self> + std::ops::Mul<Output = Self> + std::ops::AddAssign {
    /// Zero.
    const ZERO: Self;
    /// One.
    const ONE: Self;
    /// The type's name, as PyTorch writes it.
    const NAME: &'static str;
    /// See [`dispatch`].
    fn dispatch<K: Kernel<Self>>(isa: Isa, kernel: K) -> K::Output;
    /// As [`Float::dispatch`], but does nothing and gives `None` on the portable instruction set,
    /// for which the kernel is not compiled.
    fn dispatch_wide<K: Kernel<Self>>(isa: Isa, kernel: K) -> Option<K::Output>;
}

/// Runs a kernel inside a function that is compiled for the instruction set.
pub fn dispatch<T: Float, K: Kernel<T>>(isa: Isa, kernel: K) -> K::Output {
    T::dispatch(isa, kernel)
}

macro_rules! float {
    ($t:ty, $name:literal) => {
        impl Float for $t {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const NAME: &'static str = $name;
            fn dispatch<K: Kernel<Self>>(isa: Isa, kernel: K) -> K::Output {
                match isa {
                    Isa::Portable(simd) => kernel.run(simd),
                    #[cfg(target_arch = "x86_64")]
                    Isa::Avx2(simd) => simd.enter::<$t, K>(kernel),
                    #[cfg(target_arch = "x86_64")]
                    Isa::Avx512(simd) => simd.enter::<$t, K>(kernel),
                }
            }
            fn dispatch_wide<K: Kernel<Self>>(isa: Isa, kernel: K) -> Option<K::Output> {
                match isa {
                    Isa::Portable(_) => None,
                    #[cfg(target_arch = "x86_64")]
                    Isa::Avx2(simd) => Some(simd.enter::<$t, K>(kernel)),
                    #[cfg(target_arch = "x86_64")]
                    Isa::Avx512(simd) => Some(simd.enter::<$t, K>(kernel)),
                }
            }
        }
    };
}
float!(f32, "float32");
float!(f64, "float64");

#[cfg(test)]
mod tests;
