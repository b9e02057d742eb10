//! Where a file's bytes come from: read piece by piece, mapped into memory, or given.

use flambeau_tensor::{Error, Result, Storage};
use memmap2::MmapOptions;
use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::ptr::NonNull;
use std::sync::Arc;

/// The bytes of a file. Whatever is asked for is compared with the length first, so that a file
/// that claims more than it has costs no memory.
pub(crate) enum Source {
    /// An open file and its length, read where and when something is needed.
    File(File, u64),
    /// A file that is part of the address space, privately: what is written into its tensors
    /// stays in this process.
    Map(Arc<Storage>),
    /// Bytes.
    Memory(Vec<u8>),
}

impl Source {
    /// Opens a file for reading piece by piece.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let failed = |e: io::Error| Error::file(format!("{}: {e}", path.display()));
        let kind = std::fs::metadata(path).map_err(failed)?;
        if !kind.is_file() {
            return Err(Error::file(format!("{}: not a regular file", path.display())));
        }
        let file = File::open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        Ok(Source::File(file, length))
    }

    /// Maps a file.
    pub(crate) fn map(path: &Path) -> Result<Self> {
        let Source::File(file, length) = Self::open(path)? else {
            return Ok(Source::Memory(Vec::new()));
        };
        Ok(if length == 0 { Source::Memory(Vec::new()) } else { Source::Map(map_file(path, &file)?) })
    }

    /// How many bytes there are.
    pub(crate) fn len(&self) -> u64 {
        match self {
            Source::File(_, length) => *length,
            Source::Map(storage) => storage.len() as u64,
            Source::Memory(bytes) => bytes.len() as u64,
        }
    }

    /// Whether the file's bytes are in memory for as long as its tensors live.
    pub(crate) fn is_mapped(&self) -> bool {
        matches!(self, Source::Map(_))
    }

    /// A reader at a position.
    pub(crate) fn cursor(&self, at: u64) -> Cursor<'_> {
        Cursor { source: self, at, window: Vec::new(), window_start: 0 }
    }

    fn check(&self, start: u64, bytes: usize) -> Result<()> {
        if start.checked_add(bytes as u64).is_some_and(|end| end <= self.len()) {
            return Ok(());
        }
        Err(Error::file(format!(
            "the file ends too early: {bytes} bytes at byte {start} are needed, and it has {} in all",
            self.len()
        )))
    }

    /// Fills `to` with the bytes from `start` on.
    pub(crate) fn read_at(&self, start: u64, to: &mut [u8]) -> Result<()> {
        self.check(start, to.len())?;
        let first = start as usize;
        match self {
            Source::File(file, _) => {
                read_exact_at(file, to, start).map_err(|e| Error::file(format!("reading the file: {e}")))?;
            }
            Source::Map(storage) => storage.with_bytes(|all| to.copy_from_slice(&all[first..first + to.len()])),
            Source::Memory(all) => to.copy_from_slice(&all[first..first + to.len()]),
        }
        Ok(())
    }

    /// A copy of some bytes.
    pub(crate) fn bytes(&self, start: u64, bytes: usize) -> Result<Vec<u8>> {
        self.check(start, bytes)?;
        let mut copy = vec![0; bytes];
        self.read_at(start, &mut copy)?;
        Ok(copy)
    }

    /// Some bytes as a storage: the file's own memory if it is mapped and numbers of `size` bytes
    /// may lie there, else a copy.
    pub(crate) fn storage(&self, start: u64, bytes: usize, size: usize) -> Result<Arc<Storage>> {
        self.check(start, bytes)?;
        match self {
            Source::Map(whole) if (whole.as_ptr() as usize + start as usize).is_multiple_of(size.max(1)) => {
                whole.slice(start as usize, bytes)
            }
            _ => Storage::filled(bytes, |to| self.read_at(start, to)),
        }
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, to: &mut [u8], start: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, to, start)
}

#[cfg(not(unix))]
fn read_exact_at(mut file: &File, to: &mut [u8], start: u64) -> io::Result<()> {
    file.seek(SeekFrom::Start(start))?;
    file.read_exact(to)
}

/// A whole file as a storage. Writing to it changes this process's copy of the pages written and
/// never the file.
///
/// A mapped file must not be cut short by others while it is in use: the operating system answers
/// a read beyond its new end by ending the process. Checkpoints of this library and of
/// `safetensors` are replaced by renaming, which leaves the mapped one as it was.
///
/// # Errors
/// If the file cannot be opened or mapped.
pub fn map(path: impl AsRef<Path>) -> Result<Arc<Storage>> {
    let path = path.as_ref();
    match Source::map(path)? {
        Source::Map(storage) => Ok(storage),
        _ => Storage::uninit(0),
    }
}

/// The bytes of a file, mapped to be read.
pub struct View(Option<memmap2::Mmap>);

impl AsRef<[u8]> for View {
    fn as_ref(&self) -> &[u8] {
        self.0.as_deref().unwrap_or_default()
    }
}

/// A whole file as bytes, of which a page is read when it is first looked at. What [`map`] says of files that others cut
/// short holds here, too, and nobody may write to the file meanwhile.
///
/// # Errors
/// If the file cannot be opened or mapped.
pub fn view(path: impl AsRef<Path>) -> Result<View> {
    let path = path.as_ref();
    let Source::File(file, length) = Source::open(path)? else { return Ok(View(None)) };
    if length == 0 {
        return Ok(View(None));
    }
    // SAFETY: the map is only read. That no other process writes to the file meanwhile cannot be known here; the function
    // tells its callers.
    let map = unsafe { MmapOptions::new().map(&file) };
    map.map(|map| View(Some(map)))
        .map_err(|e| Error::file(format!("{}: mapping the file into memory: {e}", path.display())))
}

fn map_file(path: &Path, file: &File) -> Result<Arc<Storage>> {
    // SAFETY: the map is private, so what this process writes concerns no other. That no other
    // process cuts the file short meanwhile cannot be known here; `map` tells its callers.
    let mut map = unsafe { MmapOptions::new().map_copy(file) }
        .map_err(|e| Error::file(format!("{}: mapping the file into memory: {e}", path.display())))?;
    let (pointer, bytes) = (map.as_mut_ptr(), map.len());
    let pointer = NonNull::new(pointer).ok_or_else(|| Error::file("a file was mapped to nowhere"))?;
    // SAFETY: the map is writable memory of `bytes` bytes, which stays where it is until it is
    // dropped, and the storage owns it.
    Ok(unsafe { Storage::foreign(pointer, bytes, true, Box::new(map)) })
}

/// Reads a source from front to back, or anywhere.
pub(crate) struct Cursor<'a> {
    source: &'a Source,
    at: u64,
    /// What was read from a file ahead of need.
    window: Vec<u8>,
    window_start: u64,
}

/// Bytes to read from a file at once when few are asked for.
const WINDOW: usize = 1 << 13;

impl Cursor<'_> {
    /// The position.
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    /// How many bytes are left.
    pub(crate) fn left(&self) -> u64 {
        self.source.len().saturating_sub(self.at)
    }

    /// The next `n` bytes; `None` if there are not as many.
    pub(crate) fn take(&mut self, n: usize) -> Option<Cow<'_, [u8]>> {
        if n as u64 > self.left() {
            return None;
        }
        if n == 0 {
            // The position may be beyond the end: a seek there is no mistake, reading is.
            return Some(Cow::Borrowed(&[]));
        }
        let start = self.at;
        self.at += n as u64;
        if let Source::Memory(all) = self.source {
            return Some(Cow::Borrowed(&all[start as usize..start as usize + n]));
        }
        if n > WINDOW {
            return self.source.bytes(start, n).ok().map(Cow::Owned);
        }
        let inside = start >= self.window_start && start + n as u64 <= self.window_start + self.window.len() as u64;
        if !inside {
            let ahead = WINDOW.min((self.source.len() - start) as usize);
            self.window = self.source.bytes(start, ahead).ok()?;
            self.window_start = start;
        }
        let from = (start - self.window_start) as usize;
        Some(Cow::Borrowed(&self.window[from..from + n]))
    }
}

impl Read for Cursor<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let n = to.len().min(usize::try_from(self.left()).unwrap_or(usize::MAX));
        match self.take(n) {
            Some(bytes) => to[..n].copy_from_slice(&bytes),
            None => return Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
        }
        Ok(n)
    }
}

impl Seek for Cursor<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let (base, step) = match to {
            SeekFrom::Start(at) => (0, i128::from(at)),
            SeekFrom::End(step) => (i128::from(self.source.len()), i128::from(step)),
            SeekFrom::Current(step) => (i128::from(self.at), i128::from(step)),
        };
        self.at = u64::try_from(base + step).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}
