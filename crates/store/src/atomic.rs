//! Files that are there whole or not at all.

use flambeau_tensor::{Error, Result};
use std::io::{BufWriter, Seek, Write};
use std::path::Path;

/// What a file being written can do.
pub trait WriteSeek: Write + Seek {}

impl<T: Write + Seek> WriteSeek for T {}

/// Writes a file through `write`, under a temporary name in the same folder, and gives it its own
/// name once everything is on the disk. If anything fails, the old file stays as it was.
///
/// # Errors
/// If the folder cannot be written to, and whatever `write` gives.
pub fn write_atomically(path: &Path, write: impl FnOnce(&mut dyn WriteSeek) -> Result<()>) -> Result<()> {
    let failed = |error: std::io::Error| Error::file(format!("{}: {error}", path.display()));
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".flambeau-").tempfile_in(folder).map_err(failed)?;
    {
        let mut buffered = BufWriter::with_capacity(1 << 20, file.as_file_mut());
        write(&mut buffered)?;
        buffered.flush().map_err(failed)?;
    }
    file.as_file().sync_all().map_err(failed)?;
    // A temporary file is private; a checkpoint has the permissions of any other new file.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(path).map_or(0o644, |m| m.permissions().mode() & 0o777);
        file.as_file().set_permissions(std::fs::Permissions::from_mode(mode)).map_err(failed)?;
    }
    file.persist(path).map_err(|e| failed(e.error))?;
    Ok(())
}
