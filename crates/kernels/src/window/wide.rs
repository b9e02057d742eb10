//! Plain loops, compiled for the widest vectors that the CPU has.

use crate::simd::Isa;

/// Runs `work` inside a function compiled for the CPU's instruction set, so that the compiler
/// vectorises its loops accordingly. What `work` calls must be inlined to profit. The operations
/// and their order stay as written: results are the same bits on every instruction set.
#[inline]
pub fn widest<R>(work: impl FnOnce() -> R) -> R {
    match Isa::detect() {
        // SAFETY: the token proves that the CPU has these instructions.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512(_) => unsafe { avx512(work) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2(_) => unsafe { avx2(work) },
        Isa::Portable(_) => work(),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn avx512<R>(work: impl FnOnce() -> R) -> R {
    work()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2<R>(work: impl FnOnce() -> R) -> R {
    work()
}
