//! Aligned memory for numbers, kept between uses.
//!
//! A large allocation that is freed and made again costs a page fault for every 4 KiB touched,
//! which is more time than a pointwise convolution takes. Buffers are therefore kept when they are
//! dropped, in lists by size, up to a limit in bytes; beyond it, those unused for longest are given
//! back. Large blocks ask the system for huge pages.
//!
//! Sizes are rounded up to classes, four to a power of two, so that a block is at most a fifth
//! larger than wanted (a few KiB for small ones).

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::cell::UnsafeCell;
use std::collections::VecDeque;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// The alignment of every buffer in bytes: a cache line, and the widest vector.
pub const ALIGNMENT: usize = 64;

/// From this size on, memory comes straight from the system, in whole pages.
const MAPPED: usize = 1 << 20;
const HUGE_PAGE: usize = 2 << 20;

/// Bytes that are kept unless [`set_cache_limit`] says otherwise.
const DEFAULT_LIMIT: usize = 2 << 30;

/// What the buffers of this process take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Bytes in buffers that are in use.
    pub in_use: usize,
    /// The most that `in_use` has been.
    pub peak: usize,
    /// Bytes kept for later.
    pub cached: usize,
    /// Buffers made so far.
    pub allocations: u64,
    /// Those of them whose memory had been kept.
    pub reuses: u64,
}

/// An owned, aligned block of bytes.
#[derive(Debug)]
pub struct Buffer {
    pointer: NonNull<u8>,
    bytes: usize,
}

// SAFETY: a buffer owns its memory and has no interior mutability of its own.
unsafe impl Send for Buffer {}
// SAFETY: as above; shared access only reads the address and the length.
unsafe impl Sync for Buffer {}

/// A size class: the number of a list, and the bytes of its blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Class {
    index: usize,
    bytes: usize,
}

const SMALLEST_LOG: u32 = 6;
const STEPS: usize = 4;
/// One for each quarter of a power of two of an address space.
const CLASSES: usize = (usize::BITS - SMALLEST_LOG) as usize * STEPS;

impl Class {
    /// The class of the smallest blocks that have so many bytes.
    fn of(bytes: usize) -> Option<Self> {
        let bytes = bytes.max(1 << SMALLEST_LOG);
        let log = bytes.ilog2();
        let quarter = (1usize << log) / STEPS;
        let steps = (bytes - (1 << log)).div_ceil(quarter);
        let rounded = (1usize << log).checked_add(steps * quarter)?;
        // Quarters of small powers of two are not multiples of the alignment.
        let size = rounded.checked_next_multiple_of(if rounded >= MAPPED { 4096 } else { ALIGNMENT })?;
        let index = (log - SMALLEST_LOG) as usize * STEPS + steps;
        (isize::try_from(size).is_ok() && index < CLASSES).then_some(Self { index, bytes: size })
    }

    fn layout(self) -> Layout {
        Layout::from_size_align(self.bytes, ALIGNMENT).expect("a class fits the address space")
    }

    /// New memory, filled with zeros.
    fn allocate(self) -> Option<NonNull<u8>> {
        #[cfg(unix)]
        if self.bytes >= MAPPED {
            return map(self.bytes);
        }
        // SAFETY: a class has at least one byte.
        NonNull::new(unsafe { alloc_zeroed(self.layout()) })
    }

    /// # Safety
    /// The block must be one that [`Class::allocate`] gave, used no more.
    unsafe fn release(self, pointer: NonNull<u8>) {
        #[cfg(unix)]
        if self.bytes >= MAPPED {
            // SAFETY: mapped with this size.
            unsafe { libc::munmap(pointer.as_ptr().cast(), self.bytes) };
            return;
        }
        // SAFETY: allocated with this layout.
        unsafe { dealloc(pointer.as_ptr(), self.layout()) }
    }
}

/// Pages from the system, at a huge page's boundary where there is room for one.
#[cfg(unix)]
fn map(bytes: usize) -> Option<NonNull<u8>> {
    let slack = if bytes >= HUGE_PAGE { HUGE_PAGE } else { 0 };
    let total = bytes.checked_add(slack)?;
    // SAFETY: a new private mapping; what lies before and after the aligned block is given back.
    unsafe {
        let start = libc::mmap(
            std::ptr::null_mut(),
            total,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANON,
            -1,
            0,
        );
        if start == libc::MAP_FAILED {
            return None;
        }
        let before = start.align_offset(HUGE_PAGE).min(slack);
        let block = start.byte_add(before);
        if before > 0 {
            libc::munmap(start, before);
        }
        if slack > before {
            libc::munmap(block.byte_add(bytes), slack - before);
        }
        #[cfg(target_os = "linux")]
        if slack > 0 {
            libc::madvise(block, bytes, libc::MADV_HUGEPAGE);
        }
        NonNull::new(block.cast())
    }
}

/// Blocks that are kept, the most recent last, with the time they were put there.
struct Lists {
    blocks: [VecDeque<(NonNull<u8>, u64)>; CLASSES],
    clock: u64,
}

/// The lists behind a lock that a forked child can break open.
struct Cache {
    locked: AtomicBool,
    lists: UnsafeCell<Lists>,
}

// SAFETY: the lists are touched by whoever holds the lock.
unsafe impl Sync for Cache {}

static CACHE: Cache = Cache {
    locked: AtomicBool::new(false),
    lists: UnsafeCell::new(Lists { blocks: [const { VecDeque::new() }; CLASSES], clock: 0 }),
};
/// Whether a thread that is not in this process left the lists in disorder.
static ABANDONED: AtomicBool = AtomicBool::new(false);
static LIMIT: AtomicUsize = AtomicUsize::new(DEFAULT_LIMIT);
static CACHED: AtomicUsize = AtomicUsize::new(0);
static IN_USE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static REUSES: AtomicU64 = AtomicU64::new(0);

impl Cache {
    /// Does something with the lists; nothing, if another thread is about it for long, or was when
    /// this process was forked.
    fn with<R>(&self, action: impl FnOnce(&mut Lists) -> R) -> Option<R> {
        if ABANDONED.load(Ordering::Relaxed) {
            return None;
        }
        let mut attempts = 0;
        while self.locked.swap(true, Ordering::Acquire) {
            attempts += 1;
            if attempts > 64 {
                std::thread::yield_now();
            }
            if attempts > 1000 {
                return None;
            }
            std::hint::spin_loop();
        }
        // SAFETY: the lock is held.
        let result = action(unsafe { &mut *self.lists.get() });
        self.locked.store(false, Ordering::Release);
        Some(result)
    }
}

/// To be called in a forked child: if a thread of the parent had the lists, they are of no use here.
pub(crate) fn after_fork() {
    if CACHE.locked.load(Ordering::Relaxed) {
        ABANDONED.store(true, Ordering::Relaxed);
    }
}

impl Lists {
    /// Removes blocks, those unused for longest first, until at most `limit` bytes are kept.
    fn shrink(&mut self, limit: usize) -> Vec<(Class, NonNull<u8>)> {
        let mut released = Vec::new();
        while CACHED.load(Ordering::Relaxed) > limit {
            let oldest = (0..CLASSES).filter_map(|index| Some((self.blocks[index].front()?.1, index))).min();
            let Some((_, index)) = oldest else { break };
            let class = class_of_index(index);
            if let Some((pointer, _)) = self.blocks[index].pop_front() {
                CACHED.fetch_sub(class.bytes, Ordering::Relaxed);
                released.push((class, pointer));
            }
        }
        released
    }
}

fn class_of_index(index: usize) -> Class {
    let power = 1usize << (index / STEPS + SMALLEST_LOG as usize);
    Class::of(power + power / STEPS * (index % STEPS)).expect("a class that was used")
}

impl Buffer {
    fn try_new(bytes: usize, zeroed: bool) -> Option<Self> {
        let class = Class::of(bytes)?;
        let kept = CACHE.with(|lists| lists.blocks[class.index].pop_back()).flatten();
        let pointer = match kept {
            Some((pointer, _)) => {
                CACHED.fetch_sub(class.bytes, Ordering::Relaxed);
                REUSES.fetch_add(1, Ordering::Relaxed);
                if zeroed {
                    // SAFETY: the block has at least so many bytes, and nobody else has it.
                    unsafe { pointer.write_bytes(0, bytes) };
                }
                pointer
            }
            // What is kept may be what is missing.
            None => class.allocate().or_else(|| {
                empty_cache();
                class.allocate()
            })?,
        };
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        let in_use = IN_USE.fetch_add(class.bytes, Ordering::Relaxed) + class.bytes;
        PEAK.fetch_max(in_use, Ordering::Relaxed);
        Some(Self { pointer, bytes })
    }

    /// Memory whose content is unspecified but initialised: zeros when new from the system, a
    /// former buffer's bytes when reused. `None` when the size is more than the address space or
    /// the system gives no memory.
    pub fn try_uninit(bytes: usize) -> Option<Self> {
        Self::try_new(bytes, false)
    }

    /// Memory filled with zeros. `None` when there is not enough.
    pub fn try_zeroed(bytes: usize) -> Option<Self> {
        Self::try_new(bytes, true)
    }

    /// As [`Buffer::try_uninit`], for sizes known to be sensible.
    ///
    /// # Panics
    /// Aborts, as `Vec` does, when memory is exhausted.
    pub fn uninit(bytes: usize) -> Self {
        Self::try_uninit(bytes).unwrap_or_else(|| handle_alloc_error(Layout::new::<u8>()))
    }

    /// The first byte.
    pub fn as_ptr(&self) -> *mut u8 {
        self.pointer.as_ptr()
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.bytes
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let class = Class::of(self.bytes).expect("the class that it was made in");
        IN_USE.fetch_sub(class.bytes, Ordering::Relaxed);
        let limit = LIMIT.load(Ordering::Relaxed);
        let kept = class.bytes <= limit
            && CACHE
                .with(|lists| {
                    lists.clock += 1;
                    lists.blocks[class.index].push_back((self.pointer, lists.clock));
                    let cached = CACHED.fetch_add(class.bytes, Ordering::Relaxed) + class.bytes;
                    if cached > limit { lists.shrink(limit) } else { Vec::new() }
                })
                .map(release_all)
                .is_some();
        if !kept {
            // SAFETY: the buffer's own memory, of this class, and the buffer ends here.
            unsafe { class.release(self.pointer) }
        }
    }
}

fn release_all(blocks: Vec<(Class, NonNull<u8>)>) {
    for (class, pointer) in blocks {
        // SAFETY: taken out of the lists, so nobody else has them.
        unsafe { class.release(pointer) }
    }
}

/// Gives all cached memory back to the system.
pub fn empty_cache() {
    if let Some(released) = CACHE.with(|lists| lists.shrink(0)) {
        release_all(released);
    }
}

/// Sets how many bytes may be kept for later, and gives back what exceeds it. The default is 2 GiB.
pub fn set_cache_limit(bytes: usize) {
    LIMIT.store(bytes, Ordering::Relaxed);
    if let Some(released) = CACHE.with(|lists| lists.shrink(bytes)) {
        release_all(released);
    }
}

/// What the buffers of this process take.
pub fn stats() -> Stats {
    Stats {
        in_use: IN_USE.load(Ordering::Relaxed),
        peak: PEAK.load(Ordering::Relaxed),
        cached: CACHED.load(Ordering::Relaxed),
        allocations: ALLOCATIONS.load(Ordering::Relaxed),
        reuses: REUSES.load(Ordering::Relaxed),
    }
}

/// Makes the peak of [`stats`] what is in use now.
pub fn reset_peak() {
    PEAK.store(IN_USE.load(Ordering::Relaxed), Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(buffer: &mut Buffer) -> &mut [u8] {
        // SAFETY: the buffer's own bytes, which are always initialised.
        unsafe { std::slice::from_raw_parts_mut(buffer.as_ptr(), buffer.len()) }
    }

    #[test]
    fn classes_are_tight_and_their_numbers_lead_back() {
        let mut last = 0;
        for size in (1..100_000).chain((20..40).flat_map(|log| [(1 << log) - 1, 1 << log, (1 << log) + 1])) {
            let class = Class::of(size).unwrap();
            assert!(class.bytes >= size && class.bytes.is_multiple_of(ALIGNMENT));
            assert!(class.bytes <= (size + size / 4).max(64) + 64 || class.bytes - size <= 8192, "{size}: {class:?}");
            if size < 100_000 {
                assert!(class.index >= last);
                last = class.index;
            }
        }
        for size in [1, 64, 65, 80, 96, 1000, 4096, 5000, 1 << 20, (1 << 20) + 1, 3 << 20, 5_000_000_000] {
            let class = Class::of(size).unwrap();
            assert_eq!(class_of_index(class.index).bytes, class.bytes);
        }
        assert_eq!(Class::of(usize::MAX), None);
        assert_eq!(Class::of(isize::MAX as usize), None);
    }

    #[test]
    fn memory_is_aligned_writable_and_zero_when_asked() {
        for size in [0, 1, 63, 64, 1000, 1 << 16, (1 << 20) + 5, (4 << 20) + 7] {
            for _ in 0..3 {
                let mut buffer = Buffer::try_zeroed(size).unwrap();
                assert_eq!(buffer.as_ptr().addr() % ALIGNMENT, 0);
                assert!(bytes(&mut buffer).iter().all(|&byte| byte == 0));
                bytes(&mut buffer).fill(0xa5);
            }
            let mut buffer = Buffer::uninit(size);
            bytes(&mut buffer).fill(1);
        }
        assert!(Buffer::try_uninit(usize::MAX).is_none());
        assert!(Buffer::try_zeroed(isize::MAX as usize - 4096).is_none());
    }

    #[test]
    fn dropped_memory_is_reused() {
        // A size that no other test has.
        let size = 777_777;
        let first = Buffer::uninit(size).as_ptr();
        let before = stats();
        let again = Buffer::uninit(size);
        assert!(again.as_ptr() == first || stats().reuses > before.reuses);
        assert!(stats().in_use >= size && stats().peak >= size);
    }

    #[test]
    fn threads_share_the_cache() {
        std::thread::scope(|scope| {
            for thread in 0..4 {
                scope.spawn(move || {
                    for round in 0..2000 {
                        let mut buffer = Buffer::uninit(64 + (round % 50) * 100);
                        bytes(&mut buffer).fill(thread);
                        assert!(bytes(&mut buffer).iter().all(|&byte| byte == thread));
                        if round % 500 == 0 {
                            empty_cache();
                        }
                    }
                });
            }
        });
    }
}
