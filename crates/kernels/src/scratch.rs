//! Typed scratch memory, and addresses that tasks share.

use crate::buffer::Buffer;
use crate::element::Element;
use std::marker::PhantomData;

/// Aligned numbers whose content is unspecified at first.
pub struct Scratch<T> {
    buffer: Buffer,
    len: usize,
    of: PhantomData<T>,
}

impl<T: Element> Scratch<T> {
    /// Room for `len` numbers.
    pub fn new(len: usize) -> Self {
        Self { buffer: Buffer::uninit(len * size_of::<T>()), len, of: PhantomData }
    }

    /// The first number.
    pub fn address(&mut self) -> *mut T {
        self.buffer.as_ptr().cast()
    }

    /// The numbers.
    pub fn as_slice(&self) -> &[T] {
        // SAFETY: a buffer's bytes are initialised, any bytes are an element, and the alignment
        // of a buffer is greater than an element's.
        unsafe { std::slice::from_raw_parts(self.buffer.as_ptr().cast(), self.len) }
    }

    /// The numbers, to be written.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        // SAFETY: as above, and the borrow is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.buffer.as_ptr().cast(), self.len) }
    }
}

/// Where tasks write; each to numbers of its own.
#[derive(Clone, Copy)]
pub(crate) struct Target<T>(pub *mut T);

impl<T> Target<T> {
    /// Where the number `place` numbers further lies.
    pub fn at(self, place: usize) -> *mut T {
        self.0.wrapping_add(place)
    }
}

// SAFETY: an address; whoever writes through it proves that no two tasks write the same number.
unsafe impl<T: Send> Send for Target<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Target<T> {}
