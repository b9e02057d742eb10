//! TensorBoard's event files: numbers, texts, pictures and histograms of a run, for TensorBoard to show.
//!
//! A file only grows: every record is with the system when its call returns, so that a program
//! that is killed leaves what it wrote.
//!
//! ```
//! use flambeau_store::events::EventWriter;
//!
//! let folder = tempfile::tempdir()?;
//! let mut events = EventWriter::create(folder.path())?;
//! for step in 0..3 {
//!     events.add_scalar("loss/train", 1.0 / (1.0 + step as f64), step)?;
//! }
//! assert!(events.path().starts_with(folder.path()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod histogram;
mod message;
mod record;

use flambeau_tensor::{Error, Result};
use message::Message;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Appends events to one file.
#[derive(Debug)]
pub struct EventWriter {
    file: File,
    path: PathBuf,
}

impl EventWriter {
    /// Makes a new file in a folder, and the folder if it is not there. TensorBoard reads all event
    /// files of a folder as one run.
    ///
    /// # Errors
    /// If they cannot be made.
    pub fn create(folder: impl AsRef<Path>) -> Result<Self> {
        static FILES: AtomicU32 = AtomicU32::new(0);
        let folder = folder.as_ref();
        let failed = |path: &Path, error: std::io::Error| Error::file(format!("{}: {error}", path.display()));
        std::fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let host = if host.trim().is_empty() { "localhost" } else { host.trim() };
        let number = FILES.fetch_add(1, Ordering::Relaxed);
        let name = format!("events.out.tfevents.{:010}.{host}.{}.{number}", now() as u64, std::process::id());
        let path = folder.join(name);
        let file =
            OpenOptions::new().create_new(true).append(true).open(&path).map_err(|error| failed(&path, error))?;
        let mut writer = Self { file, path };
        writer.write(Message::event(now(), 0).text(message::FILE_VERSION, "brain.Event:2"))?;
        Ok(writer)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a number. TensorBoard keeps it as a 32-bit float, and draws those with one tag as a curve.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn add_scalar(&mut self, tag: &str, value: f64, step: u64) -> Result<()> {
        self.add(tag, step, Message::new().float(message::SIMPLE_VALUE, value as f32))
    }

    /// Adds a text, which may be Markdown.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn add_text(&mut self, tag: &str, text: &str, step: u64) -> Result<()> {
        self.add(tag, step, message::text(text))
    }

    /// Adds a picture: the content of a PNG file.
    ///
    /// # Errors
    /// If it is none, or the file cannot be written.
    pub fn add_image(&mut self, tag: &str, png: &[u8], step: u64) -> Result<()> {
        self.add(tag, step, message::image(png)?)
    }

    /// Adds how numbers are distributed. Those that are not finite are left out.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn add_histogram(&mut self, tag: &str, values: &[f32], step: u64) -> Result<()> {
        self.add(tag, step, histogram::message(values))
    }

    fn add(&mut self, tag: &str, step: u64, value: Message) -> Result<()> {
        let value = Message::new().text(message::TAG, tag).join(value);
        let summary = Message::new().message(message::VALUE, value);
        self.write(Message::event(now(), step).message(message::SUMMARY, summary))
    }

    fn write(&mut self, event: Message) -> Result<()> {
        // One call for one record: nothing else gets between its parts.
        self.file
            .write_all(&record::framed(event.bytes()))
            .map_err(|error| Error::file(format!("{}: {error}", self.path.display())))
    }
}

/// Seconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}
