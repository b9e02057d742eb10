//! float32 functions written without branches, so that a loop over them vectorises. All use fused
//! multiply-adds and therefore give the same bits on every instruction set.

/// Rounds to an integer for |x| < 2^22, and leaves that integer in the low bits.
const ROUNDER: f32 = 12_582_912.0;

#[inline(always)]
fn pow2(n: i32) -> f32 {
    f32::from_bits(((n + 127) << 23) as u32)
}

/// x·2^n for -250 < n < 250, right in the subnormal range too.
#[inline(always)]
fn scale(x: f32, n: i32) -> f32 {
    let half = n >> 1;
    x * pow2(half) * pow2(n - half)
}

/// e^r for |r| <= ln(2)/2: the Taylor series, whose coefficients are already near the minimax ones.
#[inline(always)]
fn exp_reduced(r: f32) -> f32 {
    let mut p = 1.986_986_6e-4_f32;
    p = p.mul_add(r, 1.393_465_9e-3);
    p = p.mul_add(r, 8.333_345e-3);
    p = p.mul_add(r, 4.166_652_6e-2);
    p = p.mul_add(r, 1.666_666_6e-1);
    p = p.mul_add(r, 0.5);
    p.mul_add(r * r, r) + 1.0
}

/// e^x, within 1 ulp.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    let clamped = x.clamp(-105.0, 90.0);
    let shifted = clamped.mul_add(std::f32::consts::LOG2_E, ROUNDER);
    let n = shifted - ROUNDER;
    let r = n.mul_add(-0.693_359_4, clamped);
    let r = n.mul_add(2.121_944_4e-4, r);
    let i = (shifted.to_bits() as i32).wrapping_sub(ROUNDER.to_bits() as i32);
    let y = scale(exp_reduced(r), i);
    if x.is_nan() { x } else { y }
}

/// ln(x), within 1 ulp.
#[inline(always)]
pub fn log(x: f32) -> f32 {
    // x = m·2^e with m in [sqrt(1/2), sqrt(2)).
    let small = x < f32::MIN_POSITIVE;
    let scaled = if small { x * 8_388_608.0 } else { x };
    let bits = scaled.to_bits().wrapping_sub(0x3f35_04f3);
    let e = (bits as i32 >> 23) - if small { 23 } else { 0 };
    let m = f32::from_bits((bits & 0x007f_ffff).wrapping_add(0x3f35_04f3));
    // ln(m) = 2·atanh(s) for s = (m - 1)/(m + 1).
    let f = m - 1.0;
    let s = f / (2.0 + f);
    let z = s * s;
    let mut p = 0.242_790_79_f32;
    p = p.mul_add(z, 0.284_987_87);
    p = p.mul_add(z, 0.400_009_72);
    p = p.mul_add(z, 0.666_666_6);
    let r = p * z;
    let half_square = 0.5 * f * f;
    let k = e as f32;
    let y = k.mul_add(0.693_138_1, s.mul_add(half_square + r, k * 9.058_001e-6) - half_square + f);
    let y = if x == f32::INFINITY { x } else { y };
    let y = if x == 0.0 { f32::NEG_INFINITY } else { y };
    if x < 0.0 || x.is_nan() { f32::NAN } else { y }
}

/// 1/(1 + e^-x).
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// Hyperbolic tangent, within 2 ulp.
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    let a = x.abs();
    // Near zero an odd polynomial, elsewhere 1 - 2/(e^2a + 1).
    let z = a * a;
    let mut p = -5.704_988_7e-3_f32;
    p = p.mul_add(z, 2.063_909e-2);
    p = p.mul_add(z, -5.373_971_5e-2);
    p = p.mul_add(z, 1.333_144_2e-1);
    p = p.mul_add(z, -3.333_328e-1);
    let near = p.mul_add(z * a, a);
    let far = 1.0 - 2.0 / (exp(a + a) + 1.0);
    let y = if a < 0.625 { near } else { far };
    let y = y.copysign(x);
    if x.is_nan() { x } else { y }
}
