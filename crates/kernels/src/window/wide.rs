//! Plain loops, compiled for the widest vectors that the CPU has.

use crate::simd::Isa;

/// What [`widest`] does with its arguments `A`.
///
/// A type of its own, not a closure or a function: those reach the compiled-for function through
/// something that is compiled apart, for the baseline CPU, once they are of some length.
pub trait Work<A> {
    /// What it gives.
    type Output;
    /// Does it. Mark every implementation `#[inline(always)]`, and what it calls in its loops.
    fn run(self, arguments: A) -> Self::Output;
}

/// Does work inside a function compiled for the CPU's instruction set, so that the compiler
/// vectorises its loops accordingly. The operations and their order stay as written: results are
/// the same bits on every instruction set.
#[inline]
pub fn widest<A, W: Work<A>>(arguments: A, work: W) -> W::Output {
    match Isa::detect() {
        // SAFETY: the token proves that the CPU has these instructions.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512(_) => unsafe { avx512(arguments, work) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2(_) => unsafe { avx2(arguments, work) },
        Isa::Portable(_) => work.run(arguments),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn avx512<A, W: Work<A>>(arguments: A, work: W) -> W::Output {
    work.run(arguments)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2<A, W: Work<A>>(arguments: A, work: W) -> W::Output {
    work.run(arguments)
}
