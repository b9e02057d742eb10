//! Vectors as short arrays, which the compiler turns into whatever its baseline has.

use super::{Float, Mask, Vectors};

/// The instruction set that every CPU has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Portable(());

impl Portable {
    /// The token; there is nothing to prove.
    pub const fn new() -> Self {
        Self(())
    }
}

impl Default for Portable {
    fn default() -> Self {
        Self::new()
    }
}

const LANES: usize = 4;

impl<T: Float + std::ops::Sub<Output = T>> Vectors<T> for Portable {
    type Vector = [T; LANES];
    type Permutation = [u8; LANES];
    const LANES: usize = LANES;
    const REGISTERS: usize = 16;

    #[inline(always)]
    fn splat(self, value: T) -> Self::Vector {
        [value; LANES]
    }
    #[inline(always)]
    fn zero(self) -> Self::Vector {
        [T::ZERO; LANES]
    }
    #[inline(always)]
    fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
        // Two roundings: a fused operation without its instruction is a call to a slow function.
        std::array::from_fn(|i| a[i] * b[i] + c[i])
    }
    #[inline(always)]
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        std::array::from_fn(|i| a[i] + b[i])
    }
    #[inline(always)]
    fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        std::array::from_fn(|i| a[i] - b[i])
    }
    #[inline(always)]
    fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        std::array::from_fn(|i| a[i] * b[i])
    }
    #[inline(always)]
    fn sum(self, v: Self::Vector) -> T {
        (v[0] + v[2]) + (v[1] + v[3])
    }
    #[inline(always)]
    unsafe fn load(self, from: *const T) -> Self::Vector {
        // SAFETY: the caller promises that LANES numbers are readable.
        unsafe { from.cast::<[T; LANES]>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn load_masked(self, otherwise: Self::Vector, from: *const T, mask: Mask) -> Self::Vector {
        // SAFETY: the same promise, with a step of one.
        unsafe { self.load_masked_step(otherwise, from, 1, mask) }
    }
    #[inline(always)]
    unsafe fn load_masked_step(self, otherwise: Self::Vector, from: *const T, step: usize, mask: Mask) -> Self::Vector {
        std::array::from_fn(|i| {
            if mask >> i & 1 == 1 {
                // SAFETY: the caller promises that the lanes of the mask are readable.
                unsafe { from.wrapping_add(i * step).read() }
            } else {
                otherwise[i]
            }
        })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut T, vector: Self::Vector) {
        // SAFETY: the caller promises that LANES numbers are writable.
        unsafe { to.cast::<[T; LANES]>().write_unaligned(vector) }
    }
    #[inline(always)]
    unsafe fn store_masked(self, to: *mut T, mask: Mask, vector: Self::Vector) {
        for (i, value) in vector.into_iter().enumerate() {
            if mask >> i & 1 == 1 {
                // SAFETY: the caller promises that the lanes of the mask are writable.
                unsafe { to.wrapping_add(i).write(value) }
            }
        }
    }
    #[inline(always)]
    unsafe fn store_transposed(self, to: *mut T, stride: usize, rows: [Self::Vector; 4]) {
        for i in 0..LANES {
            // SAFETY: the caller promises four writable numbers at every stride.
            unsafe { to.add(i * stride).cast::<[T; 4]>().write_unaligned(rows.map(|row| row[i])) }
        }
    }
    #[inline(always)]
    fn permutation(self, source: impl Fn(usize) -> usize) -> Self::Permutation {
        std::array::from_fn(|i| source(i) as u8)
    }
    #[inline(always)]
    fn permute(self, vector: Self::Vector, lanes: Self::Permutation) -> Self::Vector {
        lanes.map(|lane| vector[lane as usize])
    }
    #[inline(always)]
    fn deinterleave(self, low: Self::Vector, high: Self::Vector) -> (Self::Vector, Self::Vector) {
        ([low[0], low[2], high[0], high[2]], [low[1], low[3], high[1], high[3]])
    }
    #[inline(always)]
    fn interleave(self, even: Self::Vector, odd: Self::Vector) -> (Self::Vector, Self::Vector) {
        ([even[0], odd[0], even[1], odd[1]], [even[2], odd[2], even[3], odd[3]])
    }
}
