//! Between what lies in memory and the compute types, with C's conversions as x86-64 makes them.

use super::{Compute, Kind};
use crate::element::{Bool, bf16, f16};
use crate::multiversion;

/// Reads `n` elements, `stride` bytes apart, into a dense block: `(block, source, stride, n)`.
pub type Load = unsafe fn(*mut u8, *const u8, usize, usize);
/// Writes a dense block to `n` elements, `stride` bytes apart: `(target, stride, block, n)`.
pub type Store = unsafe fn(*mut u8, usize, *const u8, usize);

/// C's cast on x86-64 from one element type to another.
pub trait Cast<T>: Copy {
    /// Converts.
    fn cast(self) -> T;
}

macro_rules! casts {
    ($($from:ty => $($to:ty)|+ : |$x:ident| $e:expr;)*) => {$($(
        impl Cast<$to> for $from {
            #[inline(always)]
            fn cast(self) -> $to { let $x = self; $e as $to }
        }
    )+)*};
}
casts! {
    f32 => f32 | f64: |x| x;
    f64 => f32 | f64: |x| x;
    i64 => f32 | f64 | i64 | i32 | i16 | i8 | u8: |x| x;
    i32 => f32 | f64 | i64: |x| x;
    i16 => f32 | f64 | i64: |x| x;
    i8 => f32 | f64 | i64: |x| x;
    u8 => f32 | f64 | i64: |x| x;
    // The processor's conversion gives the smallest integer for what does not fit; narrower
    // integers are cut out of that.
    f32 => i64 | u8: |x| float_to_i64(x as f64);
    f64 => i64 | u8: |x| float_to_i64(x);
    f32 => i32 | i16 | i8: |x| float_to_i32(x as f64);
    f64 => i32 | i16 | i8: |x| float_to_i32(x);
    Bool => f32 | f64 | i64: |x| u8::from(x.get());
}

#[inline(always)]
fn float_to_i64(x: f64) -> i64 {
    let cut = x as i64;
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&x) { cut } else { i64::MIN }
}

#[inline(always)]
fn float_to_i32(x: f64) -> i32 {
    let cut = x as i32;
    if x > -2_147_483_649.0 && x < 2_147_483_648.0 { cut } else { i32::MIN }
}

macro_rules! narrow_casts {
    ($($narrow:ty),*) => {$(
        impl Cast<f32> for $narrow {
            #[inline(always)]
            fn cast(self) -> f32 { self.to_f32() }
        }
        impl Cast<f64> for $narrow {
            #[inline(always)]
            fn cast(self) -> f64 { f64::from(self.to_f32()) }
        }
        impl Cast<i64> for $narrow {
            #[inline(always)]
            fn cast(self) -> i64 { float_to_i64(f64::from(self.to_f32())) }
        }
        impl Cast<$narrow> for f64 {
            #[inline(always)]
            fn cast(self) -> $narrow { Cast::<$narrow>::cast(self as f32) }
        }
        impl Cast<$narrow> for i64 {
            #[inline(always)]
            fn cast(self) -> $narrow { Cast::<$narrow>::cast(self as f32) }
        }
    )*};
}
narrow_casts!(bf16, f16);

impl Cast<f16> for f32 {
    #[inline(always)]
    fn cast(self) -> f16 {
        f16::from_f32(self)
    }
}

impl Cast<bf16> for f32 {
    /// To the nearest, ties to even; written without branches so that it vectorises.
    #[inline(always)]
    fn cast(self) -> bf16 {
        let bits = self.to_bits();
        let rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
        bf16::from_bits(if self.is_nan() { 0x7fc0 } else { rounded as u16 })
    }
}

macro_rules! to_bool {
    ($($from:ty),*) => {$(
        impl Cast<Bool> for $from {
            #[inline(always)]
            fn cast(self) -> Bool { Bool((self != <$from>::default()) as u8) }
        }
    )*};
}
to_bool!(f32, f64, i64);

multiversion! {
    fn convert_dense<S: Castable<D>, D: Element>(target: &mut [D], source: &[S]) {
        for (t, &s) in target.iter_mut().zip(source) {
            *t = s.cast();
        }
    }
}

/// What a dense conversion needs (one bound for the macro).
trait Castable<D>: Cast<D> + crate::element::Element {}
impl<D, S: Cast<D> + crate::element::Element> Castable<D> for S {}
use crate::element::Element;

/// # Safety
/// `block` is good for `n` writes of `D`, `source` for `n` reads of `S`, `stride` bytes apart.
unsafe fn load_as<S: Castable<D>, D: Element>(block: *mut u8, source: *const u8, stride: usize, n: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        let target = std::slice::from_raw_parts_mut(block.cast::<D>(), n);
        if stride == size_of::<S>() {
            convert_dense(target, std::slice::from_raw_parts(source.cast::<S>(), n));
        } else if stride == 0 {
            target.fill(source.cast::<S>().read().cast());
        } else {
            for (i, t) in target.iter_mut().enumerate() {
                *t = source.add(i * stride).cast::<S>().read().cast();
            }
        }
    }
}

/// # Safety
/// `block` is good for `n` reads of `S`, `target` for `n` writes of `D`, `stride` bytes apart.
unsafe fn store_as<S: Castable<D>, D: Element>(target: *mut u8, stride: usize, block: *const u8, n: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        let source = std::slice::from_raw_parts(block.cast::<S>(), n);
        if stride == size_of::<D>() {
            convert_dense(std::slice::from_raw_parts_mut(target.cast::<D>(), n), source);
        } else {
            for (i, s) in source.iter().enumerate() {
                target.add(i * stride).cast::<D>().write(s.cast());
            }
        }
    }
}

/// # Safety
/// As [`load_as`], without a conversion.
unsafe fn load_same<T: Element>(block: *mut u8, source: *const u8, stride: usize, n: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        let target = std::slice::from_raw_parts_mut(block.cast::<T>(), n);
        if stride == size_of::<T>() {
            target.copy_from_slice(std::slice::from_raw_parts(source.cast::<T>(), n));
        } else if stride == 0 {
            target.fill(source.cast::<T>().read());
        } else {
            for (i, t) in target.iter_mut().enumerate() {
                *t = source.add(i * stride).cast::<T>().read();
            }
        }
    }
}

/// # Safety
/// As [`store_as`], without a conversion.
unsafe fn store_same<T: Element>(target: *mut u8, stride: usize, block: *const u8, n: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        let source = std::slice::from_raw_parts(block.cast::<T>(), n);
        if stride == size_of::<T>() {
            std::slice::from_raw_parts_mut(target.cast::<T>(), n).copy_from_slice(source);
        } else {
            for (i, s) in source.iter().enumerate() {
                target.add(i * stride).cast::<T>().write(*s);
            }
        }
    }
}

macro_rules! by_compute {
    ($from:expr, $s:ty, $f:ident $(, $flip:tt)?) => {
        match $from {
            Compute::F32 => $f::<$s, f32>,
            Compute::F64 => $f::<$s, f64>,
            Compute::I64 => $f::<$s, i64>,
        }
    };
}

/// How to read elements of `kind` into a block of `compute`.
pub fn load(kind: Kind, compute: Compute) -> Load {
    match kind {
        Kind::Bool => by_compute!(compute, Bool, load_as),
        Kind::U8 => by_compute!(compute, u8, load_as),
        Kind::I8 => by_compute!(compute, i8, load_as),
        Kind::I16 => by_compute!(compute, i16, load_as),
        Kind::I32 => by_compute!(compute, i32, load_as),
        Kind::I64 => by_compute!(compute, i64, load_as),
        Kind::F16 => by_compute!(compute, f16, load_as),
        Kind::BF16 => by_compute!(compute, bf16, load_as),
        Kind::F32 => by_compute!(compute, f32, load_as),
        Kind::F64 => by_compute!(compute, f64, load_as),
    }
}

/// How to read elements of `kind` into a block of the same kind.
pub(crate) fn load_unchanged(kind: Kind) -> Load {
    match kind.size() {
        1 => load_same::<u8>,
        2 => load_same::<i16>,
        4 => load_same::<i32>,
        _ => load_same::<i64>,
    }
}

/// How to write a block of elements of `kind` to memory of the same kind.
pub(super) fn store_unchanged(kind: Kind) -> Store {
    match kind.size() {
        1 => store_same::<u8>,
        2 => store_same::<i16>,
        4 => store_same::<i32>,
        _ => store_same::<i64>,
    }
}

macro_rules! store_from {
    ($s:ty, $kind:expr) => {
        match $kind {
            Kind::Bool => store_as::<$s, Bool>,
            Kind::U8 => store_as::<$s, u8>,
            Kind::I8 => store_as::<$s, i8>,
            Kind::I16 => store_as::<$s, i16>,
            Kind::I32 => store_as::<$s, i32>,
            Kind::I64 => store_as::<$s, i64>,
            Kind::F16 => store_as::<$s, f16>,
            Kind::BF16 => store_as::<$s, bf16>,
            Kind::F32 => store_as::<$s, f32>,
            Kind::F64 => store_as::<$s, f64>,
        }
    };
}

/// How to write a block of `compute` to elements of `kind`.
pub fn store(compute: Compute, kind: Kind) -> Store {
    match compute {
        Compute::F32 => store_from!(f32, kind),
        Compute::F64 => store_from!(f64, kind),
        Compute::I64 => store_from!(i64, kind),
    }
}
