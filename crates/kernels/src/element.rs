//! The numbers that a buffer may hold.

pub use half::{bf16, f16};

/// A truth value stored as one byte, where any byte but zero is true.
///
/// Buffers shared with NumPy may hold bytes other than 0 and 1, which Rust's `bool` must not.
#[derive(Clone, Copy, Default)]
#[repr(transparent)]
pub struct Bool(pub u8);

impl Bool {
    /// The truth value.
    #[inline(always)]
    pub fn get(self) -> bool {
        self.0 != 0
    }

    /// The bytes behind truth values.
    pub fn as_bytes(values: &[Bool]) -> &[u8] {
        // SAFETY: `Bool` is a transparent byte.
        unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), values.len()) }
    }

    /// The bytes behind truth values, for writing: any byte will do.
    pub fn as_bytes_mut(values: &mut [Bool]) -> &mut [u8] {
        // SAFETY: `Bool` is a transparent byte, each value of which is a truth value.
        unsafe { std::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), values.len()) }
    }
}

impl From<bool> for Bool {
    #[inline(always)]
    fn from(value: bool) -> Self {
        Bool(u8::from(value))
    }
}

impl PartialEq for Bool {
    #[inline(always)]
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl PartialOrd for Bool {
    #[inline(always)]
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        self.get().partial_cmp(&other.get())
    }
}

impl std::fmt::Debug for Bool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.get().fmt(f)
    }
}

/// A number that a tensor's buffer may hold.
///
/// # Safety
/// Every bit pattern of the type's size is a valid value, and the type has no padding: buffers
/// are read and written as raw bytes.
pub unsafe trait Element:
    Copy + Send + Sync + Default + PartialEq + PartialOrd + std::fmt::Debug + 'static
{
    /// The type that sums and products of this type are made in.
    type Accumulator: Copy + Send + Sync;
    /// Widens to a float64 (integers beyond 2^53 are rounded).
    fn to_f64(self) -> f64;
    /// Rounds a float64 to this type, as C's cast does (saturating where C leaves it undefined).
    fn from_f64(value: f64) -> Self;
    /// Widens to an int64, as C's cast does.
    fn to_i64(self) -> i64;
    /// Narrows an int64 to this type, wrapping.
    fn from_i64(value: i64) -> Self;
}

macro_rules! number {
    ($($t:ty => $acc:ty),*) => {$(
        // SAFETY: a primitive number without padding; every bit pattern is a value.
        unsafe impl Element for $t {
            type Accumulator = $acc;
            #[inline(always)]
            fn to_f64(self) -> f64 { self as f64 }
            #[inline(always)]
            fn from_f64(value: f64) -> Self { value as $t }
            #[inline(always)]
            fn to_i64(self) -> i64 { self as i64 }
            #[inline(always)]
            fn from_i64(value: i64) -> Self { value as $t }
        }
    )*};
}
number!(f32 => f32, f64 => f64, i64 => i64, i32 => i64, i16 => i64, u8 => i64);
// A float leaves for a narrow integer by way of a wide one, as PyTorch's conversion does on x86-64.
number!(i8 => i64);

macro_rules! narrow_float {
    ($($t:ty),*) => {$(
        // SAFETY: sixteen bits, each pattern of which is a value.
        unsafe impl Element for $t {
            type Accumulator = f32;
            #[inline(always)]
            fn to_f64(self) -> f64 { f64::from(self) }
            #[inline(always)]
            fn from_f64(value: f64) -> Self { <$t>::from_f32(value as f32) }
            #[inline(always)]
            fn to_i64(self) -> i64 { self.to_f32() as i64 }
            #[inline(always)]
            fn from_i64(value: i64) -> Self { <$t>::from_f32(value as f32) }
        }
    )*};
}
narrow_float!(bf16, f16);

// SAFETY: one byte, each pattern of which is a truth value.
unsafe impl Element for Bool {
    type Accumulator = i64;
    #[inline(always)]
    fn to_f64(self) -> f64 {
        f64::from(u8::from(self.get()))
    }
    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        (value != 0.0).into()
    }
    #[inline(always)]
    fn to_i64(self) -> i64 {
        i64::from(self.get())
    }
    #[inline(always)]
    fn from_i64(value: i64) -> Self {
        (value != 0).into()
    }
}

/// A complex number: its real and its imaginary part, one after the other.
///
/// Kernels move complex numbers; arithmetic is done on their parts. As one number it counts as its
/// real part, and its order (real parts first) has no meaning beyond being one.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
#[repr(C)]
pub struct Complex<T> {
    /// The real part.
    pub re: T,
    /// The imaginary part.
    pub im: T,
}

macro_rules! complex {
    ($($t:ty),*) => {$(
        // SAFETY: two numbers of one size without padding, each pattern of which is a value.
        unsafe impl Element for Complex<$t> {
            type Accumulator = Self;
            #[inline(always)]
            fn to_f64(self) -> f64 { self.re.to_f64() }
            #[inline(always)]
            fn from_f64(value: f64) -> Self { Complex { re: <$t>::from_f64(value), im: 0.0 } }
            #[inline(always)]
            fn to_i64(self) -> i64 { self.re.to_i64() }
            #[inline(always)]
            fn from_i64(value: i64) -> Self { Complex { re: <$t>::from_i64(value), im: 0.0 } }
        }
    )*};
}
complex!(f32, f64);
