//! AVX2 and AVX-512 by the compiler's intrinsics.
//!
//! Every method is `#[inline(always)]` and is meant to be inlined into a function that `enter`
//! compiled for the instruction set. That an intrinsic may be executed at all follows from `self`:
//! a token exists only where detection found the CPU's features.

use super::{Kernel, Mask, Vectors};
use std::arch::x86_64::*;

/// Proof that the CPU has AVX2, FMA and BMI2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Avx2(());

/// Proof that the CPU has AVX-512 F, BW, DQ, VL, and all of [`Avx2`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Avx512(());

impl Avx2 {
    /// The token, if the CPU has the features.
    pub fn new() -> Option<Self> {
        let has =
            is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("bmi2");
        has.then_some(Self(()))
    }

    pub(super) fn enter<T: Copy, K: Kernel<T>>(self, kernel: K) -> K::Output
    where
        Self: Vectors<T>,
    {
        #[target_feature(enable = "avx2,fma,bmi2")]
        fn compiled<T: Copy, K: Kernel<T>>(simd: Avx2, kernel: K) -> K::Output
        where
            Avx2: Vectors<T>,
        {
            kernel.run(simd)
        }
        // SAFETY: `self` proves the features.
        unsafe { compiled::<T, K>(self, kernel) }
    }
}

impl Avx512 {
    /// The token, if the CPU has the features.
    pub fn new() -> Option<Self> {
        let has = Avx2::new().is_some()
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        has.then_some(Self(()))
    }

    pub(super) fn enter<T: Copy, K: Kernel<T>>(self, kernel: K) -> K::Output
    where
        Self: Vectors<T>,
    {
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2")]
        fn compiled<T: Copy, K: Kernel<T>>(simd: Avx512, kernel: K) -> K::Output
        where
            Avx512: Vectors<T>,
        {
            kernel.run(simd)
        }
        // SAFETY: `self` proves the features.
        unsafe { compiled::<T, K>(self, kernel) }
    }
}

/// Methods that are one intrinsic each, the same for every type and width.
macro_rules! one_to_one {
    ($t:ty, $zero:ident, $splat:ident, $fma:ident, $add:ident, $sub:ident, $mul:ident, $load:ident, $store:ident, $stream:ident) => {
        #[inline(always)]
        fn splat(self, value: $t) -> Self::Vector {
            // SAFETY: `self` proves the features.
            unsafe { $splat(value) }
        }
        #[inline(always)]
        fn zero(self) -> Self::Vector {
            // SAFETY: `self` proves the features.
            unsafe { $zero() }
        }
        #[inline(always)]
        fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
            // SAFETY: `self` proves the features.
            unsafe { $fma(a, b, c) }
        }
        #[inline(always)]
        fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
            // SAFETY: `self` proves the features.
            unsafe { $add(a, b) }
        }
        #[inline(always)]
        fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
            // SAFETY: `self` proves the features.
            unsafe { $sub(a, b) }
        }
        #[inline(always)]
        fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
            // SAFETY: `self` proves the features.
            unsafe { $mul(a, b) }
        }
        #[inline(always)]
        unsafe fn load(self, from: *const $t) -> Self::Vector {
            // SAFETY: `self` proves the features, the caller the memory.
            unsafe { $load(from) }
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut $t, vector: Self::Vector) {
            // SAFETY: `self` proves the features, the caller the memory.
            unsafe { $store(to, vector) }
        }
        #[inline(always)]
        unsafe fn store_streaming(self, to: *mut $t, vector: Self::Vector) {
            // SAFETY: `self` proves the features, the caller the memory and where it is.
            unsafe { $stream(to, vector) }
        }
    };
}

impl Vectors<f32> for Avx512 {
    type Vector = __m512;
    type Permutation = __m512i;
    const LANES: usize = 16;
    const REGISTERS: usize = 32;
    one_to_one!(
        f32,
        _mm512_setzero_ps,
        _mm512_set1_ps,
        _mm512_fmadd_ps,
        _mm512_add_ps,
        _mm512_sub_ps,
        _mm512_mul_ps,
        _mm512_loadu_ps,
        _mm512_storeu_ps,
        _mm512_stream_ps
    );

    #[inline(always)]
    fn sum(self, v: __m512) -> f32 {
        // SAFETY: `self` proves the features.
        unsafe {
            let high = _mm512_extractf32x8_ps::<1>(v);
            sum_f32x8(_mm256_add_ps(_mm512_castps512_ps256(v), high))
        }
    }
    #[inline(always)]
    unsafe fn load_masked(self, otherwise: __m512, from: *const f32, mask: Mask) -> __m512 {
        // SAFETY: `self` proves the features; lanes outside the mask are not accessed.
        unsafe { _mm512_mask_loadu_ps(otherwise, mask as __mmask16, from) }
    }
    #[inline(always)]
    unsafe fn load_masked_step(self, otherwise: __m512, from: *const f32, step: usize, mask: Mask) -> __m512 {
        // SAFETY: `self` proves the features; lanes outside the mask are not accessed: the spread
        // masks below select every second number, `from + 2 * lane`.
        unsafe {
            match step {
                1 => self.load_masked(otherwise, from, mask),
                2 => {
                    let spread = _pdep_u32(mask, 0x5555_5555);
                    let low = _mm512_maskz_loadu_ps(spread as __mmask16, from);
                    let high = _mm512_maskz_loadu_ps((spread >> 16) as __mmask16, from.wrapping_add(16));
                    let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
                    let both = _mm512_permutex2var_ps(low, even, high);
                    _mm512_mask_mov_ps(otherwise, mask as __mmask16, both)
                }
                _ => step_through(otherwise, from, step, mask),
            }
        }
    }
    #[inline(always)]
    unsafe fn store_masked(self, to: *mut f32, mask: Mask, vector: __m512) {
        // SAFETY: `self` proves the features; lanes outside the mask are not accessed.
        unsafe { _mm512_mask_storeu_ps(to, mask as __mmask16, vector) }
    }
    #[inline(always)]
    unsafe fn store_transposed(self, to: *mut f32, stride: usize, rows: [__m512; 4]) {
        // SAFETY: `self` proves the features, the caller the memory. Within each 128-bit quarter a
        // 4x4 block is transposed; quarter `q` of result `j` is lane `4 q + j` of the four rows.
        unsafe {
            let [a, b, c, d] = rows;
            let (ab_low, ab_high) = (_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
            let (cd_low, cd_high) = (_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
            let columns = [
                _mm512_shuffle_ps::<0b01_00_01_00>(ab_low, cd_low),
                _mm512_shuffle_ps::<0b11_10_11_10>(ab_low, cd_low),
                _mm512_shuffle_ps::<0b01_00_01_00>(ab_high, cd_high),
                _mm512_shuffle_ps::<0b11_10_11_10>(ab_high, cd_high),
            ];
            for (j, column) in columns.into_iter().enumerate() {
                _mm_storeu_ps(to.add(j * stride), _mm512_castps512_ps128(column));
                _mm_storeu_ps(to.add((4 + j) * stride), _mm512_extractf32x4_ps::<1>(column));
                _mm_storeu_ps(to.add((8 + j) * stride), _mm512_extractf32x4_ps::<2>(column));
                _mm_storeu_ps(to.add((12 + j) * stride), _mm512_extractf32x4_ps::<3>(column));
            }
        }
    }
    #[inline(always)]
    fn permutation(self, source: impl Fn(usize) -> usize) -> __m512i {
        // SAFETY: `self` proves the features; the array is read whole.
        unsafe {
            let lanes: [i32; 16] = std::array::from_fn(|i| source(i) as i32);
            _mm512_loadu_si512(lanes.as_ptr().cast())
        }
    }
    #[inline(always)]
    fn permute(self, vector: __m512, lanes: __m512i) -> __m512 {
        // SAFETY: `self` proves the features.
        unsafe { _mm512_permutexvar_ps(lanes, vector) }
    }
    #[inline(always)]
    fn deinterleave(self, low: __m512, high: __m512) -> (__m512, __m512) {
        // SAFETY: `self` proves the features.
        unsafe {
            let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
            let odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
            (_mm512_permutex2var_ps(low, even, high), _mm512_permutex2var_ps(low, odd, high))
        }
    }
    #[inline(always)]
    fn interleave(self, even: __m512, odd: __m512) -> (__m512, __m512) {
        // SAFETY: `self` proves the features.
        unsafe {
            let low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
            let high = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
            (_mm512_permutex2var_ps(even, low, odd), _mm512_permutex2var_ps(even, high, odd))
        }
    }
}

impl Vectors<f64> for Avx512 {
    type Vector = __m512d;
    type Permutation = __m512i;
    const LANES: usize = 8;
    const REGISTERS: usize = 32;
    one_to_one!(
        f64,
        _mm512_setzero_pd,
        _mm512_set1_pd,
        _mm512_fmadd_pd,
        _mm512_add_pd,
        _mm512_sub_pd,
        _mm512_mul_pd,
        _mm512_loadu_pd,
        _mm512_storeu_pd,
        _mm512_stream_pd
    );

    #[inline(always)]
    fn sum(self, v: __m512d) -> f64 {
        // SAFETY: `self` proves the features.
        unsafe {
            let high = _mm512_extractf64x4_pd::<1>(v);
            sum_f64x4(_mm256_add_pd(_mm512_castpd512_pd256(v), high))
        }
    }
    #[inline(always)]
    unsafe fn load_masked(self, otherwise: __m512d, from: *const f64, mask: Mask) -> __m512d {
        // SAFETY: `self` proves the features; lanes outside the mask are not accessed.
        unsafe { _mm512_mask_loadu_pd(otherwise, mask as __mmask8, from) }
    }
    #[inline(always)]
    unsafe fn load_masked_step(self, otherwise: __m512d, from: *const f64, step: usize, mask: Mask) -> __m512d {
        // SAFETY: as for float32.
        unsafe {
            match step {
                1 => self.load_masked(otherwise, from, mask),
                2 => {
                    let spread = _pdep_u32(mask, 0x5555);
                    let low = _mm512_maskz_loadu_pd(spread as __mmask8, from);
                    let high = _mm512_maskz_loadu_pd((spread >> 8) as __mmask8, from.wrapping_add(8));
                    let even = _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14);
                    let both = _mm512_permutex2var_pd(low, even, high);
                    _mm512_mask_mov_pd(otherwise, mask as __mmask8, both)
                }
                _ => step_through(otherwise, from, step, mask),
            }
        }
    }
    #[inline(always)]
    unsafe fn store_masked(self, to: *mut f64, mask: Mask, vector: __m512d) {
        // SAFETY: `self` proves the features; lanes outside the mask are not accessed.
        unsafe { _mm512_mask_storeu_pd(to, mask as __mmask8, vector) }
    }
    #[inline(always)]
    unsafe fn store_transposed(self, to: *mut f64, stride: usize, rows: [__m512d; 4]) {
        // SAFETY: `self` proves the features, the caller the memory. Pairs are interleaved within
        // 128-bit quarters, then quarters are brought together: each 256-bit half of a result is
        // one lane of the four rows.
        unsafe {
            let [a, b, c, d] = rows;
            let (ab_even, ab_odd) = (_mm512_unpacklo_pd(a, b), _mm512_unpackhi_pd(a, b));
            let (cd_even, cd_odd) = (_mm512_unpacklo_pd(c, d), _mm512_unpackhi_pd(c, d));
            for (first, ab, cd) in [(0, ab_even, cd_even), (1, ab_odd, cd_odd)] {
                let lanes_0_4 = _mm512_permutex2var_pd(ab, _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13), cd);
                let lanes_2_6 = _mm512_permutex2var_pd(ab, _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15), cd);
                _mm256_storeu_pd(to.add(first * stride), _mm512_castpd512_pd256(lanes_0_4));
                _mm256_storeu_pd(to.add((first + 2) * stride), _mm512_castpd512_pd256(lanes_2_6));
                _mm256_storeu_pd(to.add((first + 4) * stride), _mm512_extractf64x4_pd::<1>(lanes_0_4));
                _mm256_storeu_pd(to.add((first + 6) * stride), _mm512_extractf64x4_pd::<1>(lanes_2_6));
            }
        }
    }
    #[inline(always)]
    fn permutation(self, source: impl Fn(usize) -> usize) -> __m512i {
        // SAFETY: `self` proves the features; the array is read whole.
        unsafe {
            let lanes: [i64; 8] = std::array::from_fn(|i| source(i) as i64);
            _mm512_loadu_si512(lanes.as_ptr().cast())
        }
    }
    #[inline(always)]
    fn permute(self, vector: __m512d, lanes: __m512i) -> __m512d {
        // SAFETY: `self` proves the features.
        unsafe { _mm512_permutexvar_pd(lanes, vector) }
    }
    #[inline(always)]
    fn deinterleave(self, low: __m512d, high: __m512d) -> (__m512d, __m512d) {
        // SAFETY: `self` proves the features.
        unsafe {
            let even = _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14);
            let odd = _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15);
            (_mm512_permutex2var_pd(low, even, high), _mm512_permutex2var_pd(low, odd, high))
        }
    }
    #[inline(always)]
    fn interleave(self, even: __m512d, odd: __m512d) -> (__m512d, __m512d) {
        // SAFETY: `self` proves the features.
        unsafe {
            let low = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11);
            let high = _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15);
            (_mm512_permutex2var_pd(even, low, odd), _mm512_permutex2var_pd(even, high, odd))
        }
    }
}

impl Vectors<f32> for Avx2 {
    type Vector = __m256;
    type Permutation = __m256i;
    const LANES: usize = 8;
    const REGISTERS: usize = 16;
    one_to_one!(
        f32,
        _mm256_setzero_ps,
        _mm256_set1_ps,
        _mm256_fmadd_ps,
        _mm256_add_ps,
        _mm256_sub_ps,
        _mm256_mul_ps,
        _mm256_loadu_ps,
        _mm256_storeu_ps,
        _mm256_stream_ps
    );

    #[inline(always)]
    fn sum(self, v: __m256) -> f32 {
        // SAFETY: `self` proves the features.
        unsafe { sum_f32x8(v) }
    }
    #[inline(always)]
    unsafe fn load_masked(self, otherwise: __m256, from: *const f32, mask: Mask) -> __m256 {
        // SAFETY: `self` proves the features; lanes outside the mask are not accessed.
        unsafe {
            let lanes = mask_f32x8(mask);
            _mm256_blendv_ps(otherwise, _mm256_maskload_ps(from, lanes), _mm256_castsi256_ps(lanes))
        }
    }
    #[inline(always)]
    unsafe fn load_masked_step(self, otherwise: __m256, from: *const f32, step: usize, mask: Mask) -> __m256 {
        // SAFETY: `self` proves the features, the caller the memory.
        unsafe {
            if step == 1 { self.load_masked(otherwise, from, mask) } else { step_through(otherwise, from, step, mask) }
        }
    }
    #[inline(always)]
    unsafe fn store_masked(self, to: *mut f32, mask: Mask, vector: __m256) {
        // SAFETY: `self` proves the features; lanes outside the mask are not accessed.
        unsafe { _mm256_maskstore_ps(to, mask_f32x8(mask), vector) }
    }
    #[inline(always)]
    unsafe fn store_transposed(self, to: *mut f32, stride: usize, rows: [__m256; 4]) {
        // SAFETY: as for AVX-512, with two quarters.
        unsafe {
            let [a, b, c, d] = rows;
            let (ab_low, ab_high) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
            let (cd_low, cd_high) = (_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
            let columns = [
                _mm256_shuffle_ps::<0b01_00_01_00>(ab_low, cd_low),
                _mm256_shuffle_ps::<0b11_10_11_10>(ab_low, cd_low),
                _mm256_shuffle_ps::<0b01_00_01_00>(ab_high, cd_high),
                _mm256_shuffle_ps::<0b11_10_11_10>(ab_high, cd_high),
            ];
            for (j, column) in columns.into_iter().enumerate() {
                _mm_storeu_ps(to.add(j * stride), _mm256_castps256_ps128(column));
                _mm_storeu_ps(to.add((4 + j) * stride), _mm256_extractf128_ps::<1>(column));
            }
        }
    }
    #[inline(always)]
    fn permutation(self, source: impl Fn(usize) -> usize) -> __m256i {
        // SAFETY: `self` proves the features; the array is read whole.
        unsafe {
            let lanes: [i32; 8] = std::array::from_fn(|i| source(i) as i32);
            _mm256_loadu_si256(lanes.as_ptr().cast())
        }
    }
    #[inline(always)]
    fn permute(self, vector: __m256, lanes: __m256i) -> __m256 {
        // SAFETY: `self` proves the features.
        unsafe { _mm256_permutevar8x32_ps(vector, lanes) }
    }
    #[inline(always)]
    fn deinterleave(self, low: __m256, high: __m256) -> (__m256, __m256) {
        // SAFETY: `self` proves the features.
        unsafe {
            // Even and odd places within each half, then the middle quarters change places.
            let even = _mm256_castps_pd(_mm256_shuffle_ps::<0b10_00_10_00>(low, high));
            let odd = _mm256_castps_pd(_mm256_shuffle_ps::<0b11_01_11_01>(low, high));
            let even = _mm256_permute4x64_pd::<0b11_01_10_00>(even);
            let odd = _mm256_permute4x64_pd::<0b11_01_10_00>(odd);
            (_mm256_castpd_ps(even), _mm256_castpd_ps(odd))
        }
    }
    #[inline(always)]
    fn interleave(self, even: __m256, odd: __m256) -> (__m256, __m256) {
        // SAFETY: `self` proves the features.
        unsafe {
            let (low, high) = (_mm256_unpacklo_ps(even, odd), _mm256_unpackhi_ps(even, odd));
            (_mm256_permute2f128_ps::<0x20>(low, high), _mm256_permute2f128_ps::<0x31>(low, high))
        }
    }
}

impl Vectors<f64> for Avx2 {
    type Vector = __m256d;
    type Permutation = __m256i;
    const LANES: usize = 4;
    const REGISTERS: usize = 16;
    one_to_one!(
        f64,
        _mm256_setzero_pd,
        _mm256_set1_pd,
        _mm256_fmadd_pd,
        _mm256_add_pd,
        _mm256_sub_pd,
        _mm256_mul_pd,
        _mm256_loadu_pd,
        _mm256_storeu_pd,
        _mm256_stream_pd
    );

    #[inline(always)]
    fn sum(self, v: __m256d) -> f64 {
        // SAFETY: `self` proves the features.
        unsafe { sum_f64x4(v) }
    }
    #[inline(always)]
    unsafe fn load_masked(self, otherwise: __m256d, from: *const f64, mask: Mask) -> __m256d {
        // SAFETY: `self` proves the features; lanes outside the mask are not accessed.
        unsafe {
            let lanes = mask_f64x4(mask);
            _mm256_blendv_pd(otherwise, _mm256_maskload_pd(from, lanes), _mm256_castsi256_pd(lanes))
        }
    }
    #[inline(always)]
    unsafe fn load_masked_step(self, otherwise: __m256d, from: *const f64, step: usize, mask: Mask) -> __m256d {
        // SAFETY: `self` proves the features, the caller the memory.
        unsafe {
            if step == 1 { self.load_masked(otherwise, from, mask) } else { step_through(otherwise, from, step, mask) }
        }
    }
    #[inline(always)]
    unsafe fn store_masked(self, to: *mut f64, mask: Mask, vector: __m256d) {
        // SAFETY: `self` proves the features; lanes outside the mask are not accessed.
        unsafe { _mm256_maskstore_pd(to, mask_f64x4(mask), vector) }
    }
    #[inline(always)]
    unsafe fn store_transposed(self, to: *mut f64, stride: usize, rows: [__m256d; 4]) {
        // SAFETY: `self` proves the features, the caller the memory.
        unsafe {
            let [a, b, c, d] = rows;
            let (ab_even, ab_odd) = (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
            let (cd_even, cd_odd) = (_mm256_unpacklo_pd(c, d), _mm256_unpackhi_pd(c, d));
            for (first, ab, cd) in [(0, ab_even, cd_even), (1, ab_odd, cd_odd)] {
                _mm256_storeu_pd(to.add(first * stride), _mm256_permute2f128_pd::<0x20>(ab, cd));
                _mm256_storeu_pd(to.add((first + 2) * stride), _mm256_permute2f128_pd::<0x31>(ab, cd));
            }
        }
    }
    #[inline(always)]
    fn permutation(self, source: impl Fn(usize) -> usize) -> __m256i {
        // SAFETY: `self` proves the features; the array is read whole.
        unsafe {
            let lanes: [i32; 8] = std::array::from_fn(|i| (2 * source(i / 2) + i % 2) as i32);
            _mm256_loadu_si256(lanes.as_ptr().cast())
        }
    }
    #[inline(always)]
    fn permute(self, vector: __m256d, lanes: __m256i) -> __m256d {
        // SAFETY: `self` proves the features.
        unsafe {
            let halves = _mm256_permutevar8x32_ps(_mm256_castpd_ps(vector), lanes);
            _mm256_castps_pd(halves)
        }
    }
    #[inline(always)]
    fn deinterleave(self, low: __m256d, high: __m256d) -> (__m256d, __m256d) {
        // SAFETY: `self` proves the features.
        unsafe {
            let (even, odd) = (_mm256_unpacklo_pd(low, high), _mm256_unpackhi_pd(low, high));
            (_mm256_permute4x64_pd::<0b11_01_10_00>(even), _mm256_permute4x64_pd::<0b11_01_10_00>(odd))
        }
    }
    #[inline(always)]
    fn interleave(self, even: __m256d, odd: __m256d) -> (__m256d, __m256d) {
        // SAFETY: `self` proves the features.
        unsafe {
            let (low, high) = (_mm256_unpacklo_pd(even, odd), _mm256_unpackhi_pd(even, odd));
            (_mm256_permute2f128_pd::<0x20>(low, high), _mm256_permute2f128_pd::<0x31>(low, high))
        }
    }
}

/// Masked lanes one by one, for steps that no shuffle serves: a CPU's gather is no faster.
///
/// # Safety
/// `V` must be a vector of `T` without padding, and the lanes in the mask readable.
#[inline(always)]
unsafe fn step_through<T: Copy, V: Copy>(otherwise: V, from: *const T, step: usize, mask: Mask) -> V {
    let mut vector = otherwise;
    let lanes = (&raw mut vector).cast::<T>();
    for lane in 0..size_of::<V>() / size_of::<T>() {
        if mask >> lane & 1 == 1 {
            // SAFETY: the lane is inside the vector, and the caller promises its source.
            unsafe { lanes.add(lane).write(from.wrapping_add(lane * step).read()) }
        }
    }
    vector
}

/// # Safety
/// The CPU must have AVX2.
#[inline(always)]
unsafe fn mask_f32x8(mask: Mask) -> __m256i {
    // SAFETY: promised by the caller.
    unsafe {
        let bits = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
        _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32(mask as i32), bits), bits)
    }
}

/// # Safety
/// The CPU must have AVX2.
#[inline(always)]
unsafe fn mask_f64x4(mask: Mask) -> __m256i {
    // SAFETY: promised by the caller.
    unsafe {
        let bits = _mm256_setr_epi64x(1, 2, 4, 8);
        _mm256_cmpeq_epi64(_mm256_and_si256(_mm256_set1_epi64x(i64::from(mask)), bits), bits)
    }
}

/// # Safety
/// The CPU must have AVX2.
#[inline(always)]
unsafe fn sum_f32x8(v: __m256) -> f32 {
    // SAFETY: promised by the caller.
    unsafe {
        let four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps::<1>(v));
        let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps::<1>(two, two)))
    }
}

/// # Safety
/// The CPU must have AVX2.
#[inline(always)]
unsafe fn sum_f64x4(v: __m256d) -> f64 {
    // SAFETY: promised by the caller.
    unsafe {
        let two = _mm_add_pd(_mm256_castpd256_pd128(v), _mm256_extractf128_pd::<1>(v));
        _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)))
    }
}
