//! Files of datasets, whose claims are not believed.

use flambeau_tensor::{Error, Result};
use flate2::bufread::MultiGzDecoder;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// A byte of a gzip file unfolds to this many at most, by the format.
const MAX_EXPANSION: u64 = 1032;

/// How long a line of text may be.
const MAX_LINE: u64 = 1 << 26;

/// The file at `path`, an error with its name if it is not there or no regular file: reading a
/// pipe could take forever.
pub(crate) fn open(path: &Path) -> Result<(File, u64)> {
    let failed = |error: std::io::Error| Error::file(format!("{}: {error}", path.display()));
    let kind = std::fs::metadata(path).map_err(failed)?;
    if !kind.is_file() {
        return Err(Error::file(format!("{}: not a regular file", path.display())));
    }
    Ok((File::open(path).map_err(failed)?, kind.len()))
}

/// All of a file, which may have `limit` bytes.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let (file, length) = open(path)?;
    if length > limit {
        return Err(Error::file(format!("{}: {length} bytes are more than the {limit} allowed", path.display())));
    }
    let mut bytes = Vec::with_capacity(length as usize);
    // A file that grows meanwhile is cut at its old end.
    file.take(length).read_to_end(&mut bytes).map_err(|error| Error::file(format!("{}: {error}", path.display())))?;
    Ok(bytes)
}

/// A file's content, unpacked if it is gzip's, whatever its name is.
pub(crate) struct Content<'a> {
    path: &'a Path,
    reader: Box<dyn BufRead>,
    /// What the content can have at most.
    at_most: u64,
}

impl<'a> Content<'a> {
    pub(crate) fn open(path: &'a Path) -> Result<Self> {
        let (file, length) = open(path)?;
        let mut reader = BufReader::with_capacity(1 << 16, file);
        let start = reader.fill_buf().map_err(|error| Error::file(format!("{}: {error}", path.display())))?;
        Ok(if start.starts_with(&[0x1f, 0x8b]) {
            let at_most = length.saturating_mul(MAX_EXPANSION);
            Content { path, reader: Box::new(BufReader::new(MultiGzDecoder::new(reader))), at_most }
        } else {
            Content { path, reader: Box::new(reader), at_most: length }
        })
    }

    pub(crate) fn error(&self, what: impl std::fmt::Display) -> Error {
        Error::file(format!("{}: {what}", self.path.display()))
    }

    /// The next `N` bytes.
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes).map_err(|error| self.error(error))?;
        Ok(bytes)
    }

    /// The next `count` bytes. Memory is taken as they arrive, so that a claim alone costs nothing.
    pub(crate) fn bytes(&mut self, count: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        if count <= self.at_most {
            (&mut self.reader).take(count).read_to_end(&mut bytes).map_err(|error| self.error(error))?;
        }
        if (bytes.len() as u64) < count {
            return Err(self.error(format!(
                "the file is cut: it says that {count} bytes follow, and it has {}",
                if count <= self.at_most { bytes.len() as u64 } else { self.at_most }
            )));
        }
        Ok(bytes)
    }

    /// The next line without its end; `None` after the last.
    pub(crate) fn line(&mut self) -> Result<Option<String>> {
        let mut line = Vec::new();
        let read = (&mut self.reader).take(MAX_LINE).read_until(b'\n', &mut line).map_err(|error| self.error(error))?;
        if read as u64 == MAX_LINE {
            return Err(self.error(format!("a line of more than {MAX_LINE} bytes")));
        }
        while line.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
            line.pop();
        }
        if read == 0 {
            return Ok(None);
        }
        String::from_utf8(line).map(Some).map_err(|_| self.error("a line that is not UTF-8 text"))
    }

    /// Checks that nothing is left.
    pub(crate) fn end(&mut self) -> Result<()> {
        match self.reader.read(&mut [0]) {
            Ok(0) => Ok(()),
            Ok(_) => Err(self.error("the file has more bytes than it says")),
            Err(error) => Err(self.error(error)),
        }
    }
}
