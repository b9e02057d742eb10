//! Shared memory, and the locks that make sharing it sound.
//!
//! Views share a storage and operators may write in place, from any thread. [`Access`] is the one
//! way to the bytes: it locks every storage an operation reads or writes, in the order of their
//! addresses, and hands out pointers for as long as it lives.

use crate::kept::{Form, Key, Slot};
use crate::{DType, Error, Layout, MemoryFormat, Number, Result};
use flambeau_kernels::buffer::Buffer;
use flambeau_kernels::fingerprint::fingerprint;
use smallvec::SmallVec;
use std::any::Any;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// The bytes of one or more tensors.
pub struct Storage {
    memory: Memory,
    lock: RwLock<()>,
    /// Whether others may know the address, and write there without the lock.
    exposed: AtomicBool,
    kept: OnceLock<Box<Slot>>,
}

enum Memory {
    Owned(Buffer),
    Foreign {
        pointer: NonNull<u8>,
        bytes: usize,
        writable: bool,
        _owner: Box<dyn Any + Send + Sync>,
    },
    /// A part of another storage's bytes, under that storage's lock.
    Slice {
        whole: Arc<Storage>,
        start: usize,
        bytes: usize,
    },
}

// SAFETY: the bytes are reached through `Access` only, which holds the lock.
unsafe impl Send for Storage {}
// SAFETY: as above.
unsafe impl Sync for Storage {}

impl std::fmt::Debug for Storage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Storage({} bytes at {:p})", self.len(), self.address())
    }
}

impl Storage {
    /// Memory with unspecified content.
    ///
    /// # Errors
    /// If there is not enough memory, or more than [`crate::memory::limited`] allows.
    pub fn uninit(bytes: usize) -> Result<Arc<Self>> {
        crate::memory::check(bytes)?;
        Self::from_buffer(Buffer::try_uninit(bytes), bytes)
    }

    /// Memory filled with zeros.
    ///
    /// # Errors
    /// As [`Storage::uninit`].
    pub fn zeroed(bytes: usize) -> Result<Arc<Self>> {
        crate::memory::check(bytes)?;
        Self::from_buffer(Buffer::try_zeroed(bytes), bytes)
    }

    fn from_buffer(buffer: Option<Buffer>, bytes: usize) -> Result<Arc<Self>> {
        let memory = Memory::Owned(buffer.ok_or_else(|| {
            Error::memory(format!(
                "[enforce fail at alloc_cpu.cpp] . DefaultCPUAllocator: can't allocate memory: you tried to allocate {bytes} bytes."
            ))
        })?);
        Ok(Arc::new(Storage::new(memory)))
    }

    fn new(memory: Memory) -> Self {
        let exposed = AtomicBool::new(matches!(memory, Memory::Foreign { .. }));
        Self { memory, lock: RwLock::new(()), exposed, kept: OnceLock::new() }
    }

    /// Memory that belongs to somebody else, such as a NumPy array or a mapped file.
    ///
    /// # Safety
    /// `pointer` must stay valid for reads (and, if `writable`, writes) of `bytes` bytes until
    /// `owner` is dropped, and others may touch the bytes only while no operator runs on them.
    pub unsafe fn foreign(
        pointer: NonNull<u8>,
        bytes: usize,
        writable: bool,
        owner: Box<dyn Any + Send + Sync>,
    ) -> Arc<Self> {
        Arc::new(Storage::new(Memory::Foreign { pointer, bytes, writable, _owner: owner }))
    }

    /// A part of this storage's bytes as a storage of its own, which keeps the whole alive and
    /// shares its lock: a mapped file is cut into tensors this way.
    ///
    /// # Errors
    /// If the part reaches beyond the storage.
    pub fn slice(self: &Arc<Self>, start: usize, bytes: usize) -> Result<Arc<Self>> {
        if start.checked_add(bytes).is_none_or(|end| end > self.len()) {
            return Err(Error::runtime(format!(
                "{bytes} bytes from byte {start} on reach beyond a storage of {} bytes",
                self.len()
            )));
        }
        // A slice of a slice is one of the whole, so that there is one step to the lock.
        let (whole, start) = match &self.memory {
            Memory::Slice { whole, start: first, .. } => (whole.clone(), first + start),
            _ => (self.clone(), start),
        };
        Ok(Arc::new(Storage::new(Memory::Slice { whole, start, bytes })))
    }

    /// The storage whose lock guards these bytes.
    fn guardian(&self) -> &Storage {
        match &self.memory {
            Memory::Slice { whole, .. } => whole,
            _ => self,
        }
    }

    /// Forgets what was made of numbers that are about to change.
    fn forget_kept(&self) {
        if let Some(slot) = self.kept.get() {
            slot.clear();
        }
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        match &self.memory {
            Memory::Owned(buffer) => buffer.len(),
            Memory::Foreign { bytes, .. } | Memory::Slice { bytes, .. } => *bytes,
        }
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether operators may write here.
    pub fn is_writable(&self) -> bool {
        !matches!(self.guardian().memory, Memory::Foreign { writable: false, .. })
    }

    /// Whether the memory is this library's own, so that a tensor may be given more of it.
    pub fn is_resizable(&self) -> bool {
        matches!(self.memory, Memory::Owned(_))
    }

    /// The first byte. Reading or writing through it is up to the caller to synchronise;
    /// operators use [`Access`].
    pub fn as_ptr(&self) -> *mut u8 {
        self.guardian().exposed.store(true, Ordering::Relaxed);
        self.address()
    }

    /// The first byte, for this library's own eyes.
    fn address(&self) -> *mut u8 {
        match &self.memory {
            Memory::Owned(buffer) => buffer.as_ptr(),
            Memory::Foreign { pointer, .. } => pointer.as_ptr(),
            Memory::Slice { whole, start, .. } => whole.address().wrapping_add(*start),
        }
    }
}

/// A storage seen through a layout, as numbers of a dtype: what a backend computes on. The layout
/// is known to lie inside the storage.
#[derive(Clone, Debug)]
pub struct Array {
    storage: Arc<Storage>,
    layout: Layout,
    dtype: DType,
}

impl Array {
    /// Views `storage` through `layout`.
    ///
    /// # Errors
    /// If the layout reaches beyond the storage.
    pub fn new(storage: Arc<Storage>, layout: Layout, dtype: DType) -> Result<Self> {
        let fits = layout.end().and_then(|end| end.checked_mul(dtype.size())).is_some_and(|end| end <= storage.len());
        if !fits {
            return Err(Error::runtime(format!(
                "setStorage: sizes {}, strides {:?}, storage offset {}, and itemsize {} requiring a storage size of {} are out of bounds for storage of size {}",
                layout.shape(),
                layout.strides(),
                layout.offset(),
                dtype.size(),
                layout.end().map_or(usize::MAX, |end| end.saturating_mul(dtype.size())),
                storage.len()
            )));
        }
        Ok(Array { storage, layout, dtype })
    }

    /// New memory for such a layout, with unspecified content. The layout's offset must be 0.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn uninit(layout: Layout, dtype: DType) -> Result<Self> {
        layout.shape().checked_numel()?;
        let bytes = layout.end().and_then(|end| end.checked_mul(dtype.size())).ok_or_else(|| {
            Error::memory(format!("Storage size calculation overflowed with sizes={}", layout.shape()))
        })?;
        Ok(Array { storage: Storage::uninit(bytes)?, layout, dtype })
    }

    /// The same storage through another layout.
    ///
    /// # Errors
    /// If the layout reaches beyond the storage.
    pub fn with_layout(&self, layout: Layout) -> Result<Self> {
        Array::new(self.storage.clone(), layout, self.dtype)
    }

    /// The storage.
    pub fn storage(&self) -> &Arc<Storage> {
        &self.storage
    }

    /// The layout.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Sizes.
    pub fn shape(&self) -> &Shape {
        self.layout.shape()
    }

    /// Strides in elements.
    pub fn strides(&self) -> &[usize] {
        self.layout.strides()
    }

    /// The dtype.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Number of elements.
    pub fn numel(&self) -> usize {
        self.layout.numel()
    }

    /// Whether the elements lie densely in row-major order.
    pub fn is_contiguous(&self) -> bool {
        self.layout.is_contiguous(MemoryFormat::Contiguous)
    }

    /// The parts of complex numbers: an array of their real type with one more dimension, of size 2.
    /// The array itself if its numbers are not complex.
    ///
    /// # Errors
    /// If the layout overflows.
    pub(crate) fn as_real(&self) -> Result<Self> {
        if !self.dtype.is_complex() {
            return Ok(self.clone());
        }
        let (mut shape, mut strides) = (self.shape().to_vec(), Vec::with_capacity(self.shape().len() + 1));
        shape.push(2);
        strides.extend(self.strides().iter().map(|stride| stride * 2));
        strides.push(1);
        let layout = Layout::strided(shape, &strides, self.layout.offset() * 2);
        Array::new(self.storage.clone(), layout, self.dtype.to_real())
    }

    /// The real parts (`part` 0) or the imaginary ones (1) of complex numbers.
    ///
    /// # Errors
    /// If the layout overflows.
    pub(crate) fn part(&self, part: usize) -> Result<Self> {
        let strides: Vec<usize> = self.strides().iter().map(|stride| stride * 2).collect();
        let layout = Layout::strided(self.shape(), &strides, self.layout.offset() * 2 + part);
        Array::new(self.storage.clone(), layout, self.dtype.to_real())
    }

    /// Whether this array and another may touch the same bytes.
    pub fn may_overlap(&self, other: &Array) -> bool {
        let range = |a: &Array| {
            let start = a.storage.address() as usize + a.layout.offset() * a.dtype.size();
            let end = a.storage.address() as usize + a.layout.end().unwrap_or(0) * a.dtype.size();
            (start, end.max(start))
        };
        let ((a, b), (c, d)) = (range(self), range(other));
        self.numel() != 0 && other.numel() != 0 && a < d && c < b
    }
}

use crate::Shape;

enum Guard<'a> {
    Read { _guard: RwLockReadGuard<'a, ()> },
    Write { _guard: RwLockWriteGuard<'a, ()> },
}

/// The right to touch the bytes of some arrays, held for as long as this lives.
pub struct Access<'a> {
    guards: SmallVec<[(&'a Storage, Guard<'a>); 4]>,
}

impl<'a> Access<'a> {
    /// Locks the storages of all arrays: those in `writes` for this caller alone.
    ///
    /// An operation takes one `Access` for everything it touches, and calls no other operator
    /// while it holds it.
    ///
    /// # Errors
    /// If an array to be written is read-only.
    pub fn new(reads: &[&'a Array], writes: &[&'a Array]) -> Result<Self> {
        let mut wanted: SmallVec<[(&'a Storage, bool); 4]> = SmallVec::new();
        for (array, write) in writes.iter().map(|a| (a, true)).chain(reads.iter().map(|a| (a, false))) {
            let storage: &'a Storage = array.storage.guardian();
            if write && !storage.is_writable() {
                return Err(Error::runtime("cannot write to a tensor whose memory is read-only"));
            }
            match wanted.iter_mut().find(|(s, _)| std::ptr::eq(*s, storage)) {
                Some((_, w)) => *w |= write,
                None => wanted.push((storage, write)),
            }
        }
        wanted.sort_by_key(|(s, _)| *s as *const Storage as usize);
        // The lock guards no invariant that a panic could break: poison is no reason to stop.
        let guards = wanted
            .into_iter()
            .map(|(s, write)| {
                let guard = if write {
                    let guard = Guard::Write { _guard: s.lock.write().unwrap_or_else(|e| e.into_inner()) };
                    s.forget_kept();
                    guard
                } else {
                    Guard::Read { _guard: s.lock.read().unwrap_or_else(|e| e.into_inner()) }
                };
                (s, guard)
            })
            .collect();
        Ok(Access { guards })
    }

    fn holds(&self, array: &Array, write: bool) -> bool {
        self.guards
            .iter()
            .any(|(s, g)| std::ptr::eq(*s, array.storage.guardian()) && (!write || matches!(g, Guard::Write { .. })))
    }

    /// What `make` makes of an array's numbers in some form, kept until they change. Making starts
    /// when the same numbers are asked for a second time: before that, and where `make` gives
    /// nothing, there is nothing.
    ///
    /// # Panics
    /// If the array is not part of this access.
    pub fn kept<K: Any + Send + Sync>(
        &self,
        array: &Array,
        form: Form,
        make: impl FnOnce() -> Option<K>,
    ) -> Option<Arc<K>> {
        assert!(self.holds(array, false), "access to an array that was not asked for");
        let guardian = array.storage.guardian();
        let slot = guardian.kept.get_or_init(Box::default);
        let key = Key { address: array.storage.address() as usize, array: (array.layout.clone(), array.dtype), form };
        let bytes = || {
            let (start, end) = (array.layout.offset(), array.layout.end().unwrap_or(0));
            let size = array.dtype.size();
            // SAFETY: an array's layout lies inside its storage, which this access has locked.
            unsafe { std::slice::from_raw_parts(array.storage.address().add(start * size), (end - start) * size) }
        };
        let fingerprint = guardian.exposed.load(Ordering::Relaxed).then(|| fingerprint(bytes()));
        slot.get(key, fingerprint, make)
    }

    /// Address of an array's first element, valid for reads through its layout.
    ///
    /// # Panics
    /// If the array is not part of this access, or its dtype is not `T`'s.
    pub fn pointer<T: Number>(&self, array: &Array) -> *const T {
        assert_eq!(array.dtype, T::DTYPE, "dtype of an accessed array");
        assert!(self.holds(array, false), "access to an array that was not asked for");
        array.storage.address().cast::<T>().cast_const().wrapping_add(array.layout.offset())
    }

    /// Address of an array's first element, valid for reads and writes through its layout.
    ///
    /// # Panics
    /// If the array is not written by this access, or its dtype is not `T`'s.
    pub fn pointer_mut<T: Number>(&self, array: &Array) -> *mut T {
        assert_eq!(array.dtype, T::DTYPE, "dtype of an accessed array");
        assert!(self.holds(array, true), "write access to an array that was not asked for");
        array.storage.address().cast::<T>().wrapping_add(array.layout.offset())
    }

    /// The elements of a dense array in memory order.
    ///
    /// # Safety
    /// No mutable slice of overlapping memory may be in use from the same access.
    ///
    /// # Panics
    /// If the array is not dense, not part of this access, or of another dtype.
    pub unsafe fn slice<T: Number>(&self, array: &Array) -> &[T] {
        assert!(array.layout.is_dense(), "a slice of an array with gaps");
        let pointer = if array.numel() == 0 { NonNull::dangling().as_ptr() } else { self.pointer::<T>(array) };
        // SAFETY: an array's layout lies inside its storage (checked by `Array::new`), is dense, and
        // the storage is locked for as long as `self` is borrowed; the caller rules out aliasing.
        unsafe { std::slice::from_raw_parts(pointer, array.numel()) }
    }

    /// The elements of a dense array in memory order, for writing.
    ///
    /// # Safety
    /// No other slice of overlapping memory may be in use from the same access.
    ///
    /// # Panics
    /// If the array is not dense, not written by this access, or of another dtype.
    #[expect(clippy::mut_from_ref, reason = "the caller promises that no other slice overlaps")]
    pub unsafe fn slice_mut<T: Number>(&self, array: &Array) -> &mut [T] {
        assert!(array.layout.is_dense(), "a slice of an array with gaps");
        let pointer = if array.numel() == 0 { NonNull::dangling().as_ptr() } else { self.pointer_mut::<T>(array) };
        // SAFETY: as in `slice`, with the storage locked for writing.
        unsafe { std::slice::from_raw_parts_mut(pointer, array.numel()) }
    }
}

impl Storage {
    /// Memory that holds a copy of these bytes.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn from_bytes(bytes: &[u8]) -> Result<Arc<Self>> {
        let storage = Self::uninit(bytes.len())?;
        // SAFETY: the storage is new, so nobody else touches its `bytes.len()` bytes.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), storage.address(), bytes.len()) };
        Ok(storage)
    }

    /// New memory that `fill` writes, given as zeros.
    ///
    /// # Errors
    /// If there is not enough memory, and whatever `fill` gives.
    pub fn filled(bytes: usize, fill: impl FnOnce(&mut [u8]) -> Result<()>) -> Result<Arc<Self>> {
        let storage = Self::zeroed(bytes)?;
        let pointer = if bytes == 0 { NonNull::dangling().as_ptr() } else { storage.address() };
        // SAFETY: the storage is new, so nobody else touches its `bytes` bytes, and they are zeros.
        fill(unsafe { std::slice::from_raw_parts_mut(pointer, bytes) })?;
        Ok(storage)
    }

    /// Gives all bytes to `read`, which may not call operators: writers wait until it is done.
    pub fn with_bytes<R>(&self, read: impl FnOnce(&[u8]) -> R) -> R {
        let _guard = self.guardian().lock.read().unwrap_or_else(|e| e.into_inner());
        let pointer = if self.is_empty() { NonNull::dangling().as_ptr() } else { self.as_ptr() };
        // SAFETY: the memory holds `len` initialised bytes, and the lock keeps writers away.
        read(unsafe { std::slice::from_raw_parts(pointer, self.len()) })
    }

    /// A copy of all bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.with_bytes(<[u8]>::to_vec)
    }
}
