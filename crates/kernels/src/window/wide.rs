//! Plain loops, compiled for the widest vectors that the CPU has.

use crate::simd::Isa;

/// Calls `work` inside a function compiled for the CPU's instruction set, so that the compiler
/// vectorises its loops accordingly. The operations and their order stay as written: results are
/// the same bits on every instruction set.
///
/// `work` must be `#[inline(always)]`, and so must be what it calls in its loops. That is why it is
/// a function and not a closure: a closure of some length is compiled apart, for the baseline CPU.
#[inline]
pub fn widest<A, R>(arguments: A, work: impl FnOnce(A) -> R) -> R {
    match Isa::detect() {
        // SAFETY: the token proves that the CPU has these instructions.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512(_) => unsafe { avx512(arguments, work) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2(_) => unsafe { avx2(arguments, work) },
        Isa::Portable(_) => work(arguments),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn avx512<A, R>(arguments: A, work: impl FnOnce(A) -> R) -> R {
    work(arguments)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2<A, R>(arguments: A, work: impl FnOnce(A) -> R) -> R {
    work(arguments)
}
