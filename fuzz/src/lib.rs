//! What the targets share: an input must give a value or an error, soon. Panics, memory out of bounds and memory without
//! bound are libFuzzer's and the sanitizer's to find; time is counted here, because a clock would count other programs too.

use flambeau_tensor::{Result, Tensor};
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;
use tempfile::TempDir;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// What one input may take of the processor: a second, and as much again for the sanitizer.
const LIMIT: Duration = Duration::from_secs(2);
/// A tensor of fewer elements is looked at whole; a view may repeat one element without end.
const SMALL: usize = 1 << 16;

/// Runs a reader, whose errors are as good as its values.
///
/// # Panics
/// If it takes too long.
pub fn soon(read: impl FnOnce() -> Result<()>) {
    let before = processor_time();
    // An error is an answer.
    let _ = read();
    let taken = processor_time().saturating_sub(before);
    assert!(taken <= LIMIT, "an input takes {taken:?} of the processor");
}

/// How long this thread has had a processor.
fn processor_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a whole `timespec` that outlives the call.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(failed, 0, "there is no clock of the thread's time");
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Looks at every element of what claims to be small.
///
/// # Errors
/// If they cannot be copied.
pub fn touch<'a>(tensors: impl IntoIterator<Item = &'a Tensor>) -> Result<()> {
    for tensor in tensors {
        if tensor.numel() < SMALL {
            tensor.to_bytes()?;
        }
    }
    Ok(())
}

/// The folder of this process, in which lie the files that an index of the seeds names.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let make = || -> std::io::Result<TempDir> {
        let folder = TempDir::new()?;
        for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/seeds/index"))? {
            let path = file?.path();
            if path.extension().is_some_and(|extension| extension == "safetensors") {
                std::fs::copy(&path, folder.path().join(path.file_name().unwrap_or_default()))?;
            }
        }
        Ok(folder)
    };
    FOLDER.get_or_init(|| make().expect("a folder for temporary files")).path()
}

/// A file that has the input as its content.
///
/// # Panics
/// If it cannot be written.
pub fn file(input: &[u8]) -> PathBuf {
    let path = folder().join("input");
    std::fs::write(&path, input).expect("a temporary file");
    path
}

/// A checkpoint around a pickle, with the storages that the seeds' pickles name.
///
/// # Panics
/// If there is no memory.
pub fn checkpoint(pickle: &[u8]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut add = |name: &str, bytes: &[u8]| {
        archive.start_file(name, stored).and_then(|()| Ok(archive.write_all(bytes)?)).expect("an archive in memory");
    };
    add("a/data.pkl", pickle);
    for key in 0..12 {
        add(&format!("a/data/{key}"), &[0x3f; 64]);
    }
    archive.finish().expect("an archive in memory").into_inner()
}
