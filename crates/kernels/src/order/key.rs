//! Unsigned integers that are in order as the numbers are.

use super::Lines;
use crate::element::{Bool, Element, bf16, f16};

/// A number with a key: of two numbers, the smaller has the smaller key, equal numbers (the two zeros
/// among them) have equal keys, and NaN's is above all others.
pub trait Ordered: Element {
    /// The largest key there can be; below 2^32 for all types of up to four bytes.
    const TOP: u64;
    /// The key of NaN, for types that have it.
    const NAN: Option<u64>;
    /// The number's key.
    fn key(self) -> u64;
}

macro_rules! integers {
    ($($t:ty: $unsigned:ty, $lowest:expr;)*) => {$(
        impl Ordered for $t {
            const TOP: u64 = <$unsigned>::MAX as u64;
            const NAN: Option<u64> = None;
            #[inline(always)]
            fn key(self) -> u64 { ((self ^ $lowest) as $unsigned) as u64 }
        }
    )*};
}
integers! {
    u8: u8, 0;
    i8: u8, i8::MIN;
    i16: u16, i16::MIN;
    i32: u32, i32::MIN;
    i64: u64, i64::MIN;
}

macro_rules! floats {
    ($($t:ty: $bits:ty;)*) => {$(
        impl Ordered for $t {
            const TOP: u64 = <$bits>::MAX as u64;
            const NAN: Option<u64> = Some(Self::TOP);
            #[inline(always)]
            fn key(self) -> u64 {
                if self.is_nan() {
                    return Self::TOP;
                }
                // Adding zero makes the negative zero positive.
                let bits = (self + 0.0).to_bits();
                let sign = 1 << (<$bits>::BITS - 1);
                u64::from(if bits & sign != 0 { !bits } else { bits | sign })
            }
        }
    )*};
}
floats! {
    f32: u32;
    f64: u64;
}

macro_rules! narrow_floats {
    ($($t:ty)*) => {$(
        impl Ordered for $t {
            const TOP: u64 = <f32 as Ordered>::TOP;
            const NAN: Option<u64> = <f32 as Ordered>::NAN;
            #[inline(always)]
            fn key(self) -> u64 { self.to_f32().key() }
        }
    )*};
}
narrow_floats!(f16 bf16);

impl Ordered for Bool {
    const TOP: u64 = 1;
    const NAN: Option<u64> = None;
    #[inline(always)]
    fn key(self) -> u64 {
        u64::from(self.get())
    }
}

/// The keys of all numbers.
pub fn keys<T: Ordered>(numbers: &[T]) -> Vec<u64> {
    numbers.iter().map(|x| x.key()).collect()
}

/// Replaces `keys` by those of one line.
pub(super) fn line_keys<T: Ordered>(numbers: &[T], lines: &Lines, line: usize, keys: &mut Vec<u64>) {
    keys.clear();
    let start = lines.start(line, lines.size);
    if lines.inner == 1 {
        keys.extend(numbers[start..start + lines.size].iter().map(|x| x.key()));
    } else {
        keys.extend(numbers[start..].iter().step_by(lines.inner).take(lines.size).map(|x| x.key()));
    }
}
