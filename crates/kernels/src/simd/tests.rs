use super::*;

/// Exercises every operation on numbers that tell lanes apart.
struct Everything;

impl Kernel<f32> for Everything {
    type Output = ();
    #[inline(always)]
    fn run<S: Vectors<f32>>(self, simd: S) {
        everything(simd, |i| i as f32);
    }
}

impl Kernel<f64> for Everything {
    type Output = ();
    #[inline(always)]
    fn run<S: Vectors<f64>>(self, simd: S) {
        everything(simd, |i| i as f64);
    }
}

#[inline(always)]
fn everything<T: Float, S: Vectors<T>>(simd: S, number: impl Fn(usize) -> T) {
    let lanes = S::LANES;
    let read = |v| {
        let mut out = vec![T::ZERO; lanes];
        simd.store_slice(&mut out, v);
        out
    };
    let source: Vec<T> = (0..5 * lanes).map(|i| number(i + 1)).collect();
    let v = simd.load_slice(&source);
    assert_eq!(read(v), source[..lanes]);
    let w = simd.splat(number(3));
    let expected = |f: &dyn Fn(usize) -> usize| (0..lanes).map(|i| number(f(i + 1))).collect::<Vec<_>>();
    assert_eq!(read(simd.mul_add(v, w, v)), expected(&|i| 4 * i));
    assert_eq!(read(simd.mul(v, w)), expected(&|i| 3 * i));
    assert_eq!(read(simd.add(v, w)), expected(&|i| i + 3));
    assert_eq!(read(simd.sub(simd.add(v, w), w)), expected(&|i| i));
    assert_eq!(simd.sum(v), number(lanes * (lanes + 1) / 2));
    for mask in (0..=first_lanes(lanes)).step_by(7) {
        let kept = |i: usize| mask >> (i - 1) & 1 == 1;
        for step in [1, 2, 3] {
            // The slice ends with the last number that the mask selects.
            let end = (Mask::BITS - mask.leading_zeros()).saturating_sub(1) as usize * step + 1;
            let tight: Box<[T]> = source[..end].into();
            // SAFETY: the selected numbers lie in the slice.
            let loaded = unsafe { simd.load_masked_step(w, tight.as_ptr(), step, mask) };
            assert_eq!(read(loaded), expected(&|i| if kept(i) { (i - 1) * step + 1 } else { 3 }));
        }
        let mut out = vec![number(9); lanes];
        // SAFETY: the vector's length is a vector's.
        unsafe { simd.store_masked(out.as_mut_ptr(), mask, v) };
        assert_eq!(out, expected(&|i| if kept(i) { i } else { 9 }));
    }
    let backwards = simd.permutation(|i| lanes - 1 - i);
    assert_eq!(read(simd.permute(v, backwards)), expected(&|i| lanes + 1 - i));
    let next = simd.load_slice(&source[lanes..]);
    let (even, odd) = simd.deinterleave(v, next);
    assert_eq!(read(even), expected(&|i| 2 * i - 1));
    assert_eq!(read(odd), expected(&|i| 2 * i));
    let (low, high) = simd.interleave(even, odd);
    assert_eq!([read(low), read(high)].concat(), source[..2 * lanes]);
    let rows = [0, 1, 2, 3].map(|r| simd.load_slice(&source[r * lanes..]));
    let mut out = vec![T::ZERO; 5 * lanes];
    // SAFETY: four numbers at each of `lanes` strides of five.
    unsafe { simd.store_transposed(out.as_mut_ptr(), 5, rows) };
    for (i, four) in out.chunks(5).enumerate() {
        let expected: Vec<T> = (0..4).map(|r| source[r * lanes + i]).chain([T::ZERO]).collect();
        assert_eq!(four, expected, "lane {i}");
    }
}

#[test]
fn every_instruction_set_does_the_same() {
    for isa in Isa::available() {
        dispatch::<f32, _>(isa, Everything);
        dispatch::<f64, _>(isa, Everything);
    }
}

#[test]
fn a_mask_of_all_lanes_is_full() {
    assert_eq!(first_lanes(0), 0);
    assert_eq!(first_lanes(16), 0xffff);
    assert_eq!(first_lanes(32), u32::MAX);
}
