//! Zip archives of tensors: PyTorch's and NumPy's.
//!
//! Both store their records as they are, so that a record is a range of the file. Deflated records
//! are read too, as far as a limit that no honest checkpoint comes near.

use crate::source::{Cursor, Source};
use flambeau_tensor::{Error, Result, Storage};
use std::fmt::Display;
use std::io::{Read, Seek, Write};
use std::ops::Range;
use std::sync::Arc;
use zip::read::ZipReadOptions;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// What all deflated records of a file may unfold to together: this, and as much again as
/// [`INFLATED_RATIO`] times the file.
const INFLATED_BYTES: u64 = 64 << 20;
/// Weights shrink to nine tenths of their size, pickles to a tenth; a zip bomb unfolds a
/// thousandfold.
const INFLATED_RATIO: u64 = 16;
/// Where records start, so that they can be mapped.
const ALIGNMENT: u16 = 64;

/// An archive that is read.
pub(crate) struct Archive<'a> {
    zip: ZipArchive<Cursor<'a>>,
    source: &'a Source,
    inflated: u64,
    /// The parts of the file that were given out.
    taken: Vec<Range<u64>>,
}

/// A record of an archive.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    index: usize,
    name: String,
    /// Where its bytes are in the file.
    pub(crate) start: u64,
    /// How many bytes it has, unfolded.
    pub(crate) bytes: u64,
    stored: bool,
    crc: u32,
}

fn damaged(name: &str, what: impl Display) -> Error {
    Error::file(format!("record {name:?} of the archive: {what}"))
}

impl<'a> Archive<'a> {
    /// Reads the directory of an archive.
    ///
    /// # Errors
    /// If it is none or not whole.
    pub(crate) fn open(source: &'a Source) -> Result<Self> {
        let zip =
            ZipArchive::new(source.cursor(0)).map_err(|e| Error::file(format!("not a whole zip archive: {e}")))?;
        Ok(Archive { zip, source, inflated: 0, taken: Vec::new() })
    }

    /// The names of all records.
    pub(crate) fn names(&self) -> Vec<String> {
        self.zip.file_names().filter_map(|name| Some(name.ok()?.into_owned())).collect()
    }

    /// A record.
    ///
    /// # Errors
    /// If there is none, or it is not where the archive says.
    pub(crate) fn record(&mut self, name: &str) -> Result<Record> {
        let index = self.zip.index_for_name(name).ok_or_else(|| damaged(name, "it is not there"))?;
        let file = self.zip.by_index_raw(index).map_err(|e| damaged(name, e))?;
        if file.encrypted() {
            return Err(damaged(name, "it is encrypted"));
        }
        let start = file.data_start().ok_or_else(|| damaged(name, "it is not in the file"))?;
        let record = Record {
            index,
            name: name.to_owned(),
            start,
            bytes: file.size(),
            stored: file.compression() == CompressionMethod::Stored,
            crc: file.crc32(),
        };
        let packed = file.compressed_size();
        if record.stored && packed != record.bytes {
            return Err(damaged(name, "its two sizes differ, although it is not compressed"));
        }
        if start.checked_add(packed).is_none_or(|end| end > self.source.len()) {
            return Err(damaged(name, "the file ends before it does"));
        }
        Ok(record)
    }

    /// The bytes of a small record.
    ///
    /// # Errors
    /// If there is none, or it is damaged or of more than `limit` bytes.
    pub(crate) fn read(&mut self, name: &str, limit: u64) -> Result<Vec<u8>> {
        let record = self.record(name)?;
        if record.bytes > limit {
            return Err(damaged(name, format!("it has {} bytes where at most {limit} are expected", record.bytes)));
        }
        let bytes = if record.stored {
            self.source.bytes(record.start, record.bytes as usize)?
        } else {
            self.inflate(&record)?
        };
        check(&record, &bytes)?;
        Ok(bytes)
    }

    /// The first `n` bytes of a record, or all if it has fewer.
    ///
    /// # Errors
    /// If it is damaged.
    pub(crate) fn head(&mut self, record: &Record, n: usize) -> Result<Vec<u8>> {
        if record.stored {
            return self.source.bytes(record.start, record.bytes.min(n as u64) as usize);
        }
        let options = ZipReadOptions::new().ignore_crc32(true);
        let file = self.zip.by_index_with_options(record.index, options).map_err(|e| damaged(&record.name, e))?;
        let mut head = Vec::new();
        file.take(n as u64).read_to_end(&mut head).map_err(|e| damaged(&record.name, e))?;
        Ok(head)
    }

    /// Some bytes of a record as memory for numbers of `size` bytes: the file's own memory where
    /// it is mapped, else a copy whose checksum is looked at (unless the writer left it out).
    ///
    /// # Errors
    /// If the record is damaged, or shares bytes with another one that was asked for before.
    pub(crate) fn storage(&mut self, record: &Record, part: Range<usize>, size: usize) -> Result<Arc<Storage>> {
        let whole = usize::try_from(record.bytes).map_err(|_| damaged(&record.name, "a size beyond all memory"))?;
        if part.end > whole || part.start > part.end {
            return Err(damaged(&record.name, format!("it has {whole} bytes where {} are needed", part.end)));
        }
        if !record.stored {
            let bytes = self.inflate(record)?;
            check(record, &bytes)?;
            return Storage::from_bytes(&bytes[part]);
        }
        self.take(record)?;
        let storage = self.source.storage(record.start + part.start as u64, part.len(), size)?;
        if !self.source.is_mapped() && record.crc != 0 {
            let mut crc = crc32fast::Hasher::new();
            crc.update(&self.source.bytes(record.start, part.start)?);
            storage.with_bytes(|bytes| crc.update(bytes));
            crc.update(&self.source.bytes(record.start + part.end as u64, whole - part.end)?);
            if crc.finalize() != record.crc {
                return Err(damaged(&record.name, "its checksum is wrong: bytes have changed since it was written"));
            }
        }
        Ok(storage)
    }

    /// Records that share bytes would let a small file fill all memory.
    fn take(&mut self, record: &Record) -> Result<()> {
        let range = record.start..record.start + record.bytes;
        if range.is_empty() {
            return Ok(());
        }
        let at = self.taken.partition_point(|other| other.start < range.start);
        let before = at.checked_sub(1).and_then(|i| self.taken.get(i)).is_some_and(|other| other.end > range.start);
        if before || self.taken.get(at).is_some_and(|other| other.start < range.end) {
            return Err(damaged(&record.name, "it shares bytes with another record"));
        }
        self.taken.insert(at, range);
        Ok(())
    }

    /// Unfolds a record. Its claimed size is not believed: memory grows with what really comes, and
    /// one byte more ends it.
    fn inflate(&mut self, record: &Record) -> Result<Vec<u8>> {
        let limit = INFLATED_BYTES.saturating_add(self.source.len().saturating_mul(INFLATED_RATIO));
        self.inflated = self.inflated.saturating_add(record.bytes);
        if self.inflated > limit {
            return Err(damaged(
                &record.name,
                format!(
                    "it and the records before it unfold to more than {limit} bytes, as those of a zip bomb do; if you trust the file, unpack it and store it without compression (zip -0)"
                ),
            ));
        }
        self.head(record, usize::try_from(record.bytes).unwrap_or(usize::MAX).saturating_add(1))
    }
}

fn check(record: &Record, bytes: &[u8]) -> Result<()> {
    if bytes.len() as u64 != record.bytes {
        return Err(damaged(&record.name, "it does not have the size that it claims"));
    }
    // PyTorch can be told not to compute checksums, and then writes zeros.
    if record.crc != 0 && crc32fast::hash(bytes) != record.crc {
        return Err(damaged(&record.name, "its checksum is wrong: bytes have changed since it was written"));
    }
    Ok(())
}

/// An archive that is written, record by record.
pub(crate) struct Writer<W: Write + Seek>(ZipWriter<W>);

impl<W: Write + Seek> Writer<W> {
    pub(crate) fn new(to: W) -> Self {
        Writer(ZipWriter::new(to))
    }

    /// Writes a record as it is, at a multiple of 64 bytes.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn add(&mut self, name: &str, parts: &[&[u8]]) -> Result<()> {
        let bytes: usize = parts.iter().map(|part| part.len()).sum();
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .with_alignment(ALIGNMENT)
            .large_file(bytes >= u32::MAX as usize);
        self.0.start_file(name, options).map_err(|e| damaged(name, e))?;
        parts.iter().try_for_each(|part| self.0.write_all(part)).map_err(|e| damaged(name, e))
    }

    /// Writes the directory.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn finish(self) -> Result<W> {
        self.0.finish().map_err(|e| Error::file(format!("writing the archive's directory: {e}")))
    }
}
