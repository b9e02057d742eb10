//! How work is shared out, and numbers fetched ahead.

/// The share of `units` that task `task` of `tasks` does: consecutive ones.
pub(super) fn share(units: usize, tasks: usize, task: usize) -> std::ops::Range<usize> {
    task * units / tasks..(task + 1) * units / tasks
}

/// A number of tasks that are each worth a thread's attention (about ten microseconds).
pub(super) fn worthwhile_tasks(products: usize, units: usize) -> usize {
    (products / 500_000).clamp(1, 128).min(units)
}

/// Numbers that will be needed soon, fetched a few cache lines at a time between other work.
///
/// Channels-last images are read a block of channels at a time, at strides that the hardware's
/// prefetchers do not follow far; rows as a whole are consecutive.
pub(super) struct Ahead<T> {
    next: *const T,
    end: *const T,
    numbers_each: usize,
}

impl<T> Ahead<T> {
    /// The numbers from `start` on, in `times` portions. They need not exist.
    pub fn new(start: *const T, len: usize, times: usize) -> Self {
        let line = 64 / size_of::<T>();
        let numbers_each = len.div_ceil(times.max(1)).next_multiple_of(line);
        Self { next: start, end: start.wrapping_add(len), numbers_each }
    }

    /// Asks for the next portion.
    #[inline(always)]
    pub fn fetch(&mut self) {
        let until = self.next.wrapping_add(self.numbers_each).min(self.end);
        while self.next < until {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a prefetch is a hint, which any address may be given to.
            unsafe {
                use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
                _mm_prefetch::<_MM_HINT_T1>(self.next.cast());
            }
            self.next = self.next.wrapping_add(64 / size_of::<T>());
        }
    }
}
