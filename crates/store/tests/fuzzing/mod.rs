//! A mutation fuzzer for the readers of files: deterministic, so that a seed and a number name an
//! input.
//!
//! An input is a file of the corpus, or one that showed something new before, with a few changes:
//! bits, numbers that are on the edge of something, pieces cut out, doubled or taken from another
//! file, words of the formats. New is what gives an error message that no input gave (numbers and
//! quoted parts aside) or what is read for the first time. An input must give a value or an error:
//! a panic, memory beyond a bound, or too much time ends the run, and the input is kept.

mod allocator;
mod mutate;

pub use allocator::peak;

use flambeau_store::{Format, LoadOptions, Value, describe, load, load_with, npy, plain, safetensors, torch};
use flambeau_tensor::{Result, Tensor};
use mutate::Mutator;
use std::collections::BTreeSet;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The parsers, by the name of their corpus folder.
pub const TARGETS: [&str; 8] = ["torch", "legacy", "pickle", "plain", "safetensors", "index", "npy", "npz"];

/// What one input may take beyond its own size: what deflated records and shared containers may
/// unfold to, and room for what they are made of.
const MEMORY: usize = 768 << 20;
/// How many inputs that showed something new are kept.
const KEPT: usize = 2000;

/// What a run has seen.
#[derive(Debug, Default)]
pub struct Figures {
    /// Inputs tried.
    pub inputs: u64,
    /// Inputs that were read as a value.
    pub read: u64,
    /// Different error messages and kinds of values.
    pub outcomes: usize,
    /// The longest time that an input took.
    pub slowest: Duration,
    /// The most memory that an input took.
    pub memory: usize,
}

/// A parser with its files.
pub struct Fuzzer {
    target: String,
    inputs: Vec<Vec<u8>>,
    /// How many of them are the corpus.
    corpus: usize,
    folder: tempfile::TempDir,
    seen: BTreeSet<String>,
    /// How long one input may take.
    limit: Duration,
    /// What it has seen so far.
    pub figures: Figures,
}

impl Fuzzer {
    /// Starts from the corpus; an input may take the processor for as long as `limit`.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn new(target: &str, limit: Duration) -> std::io::Result<Self> {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target);
        let folder = tempfile::tempdir()?;
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(corpus)?.map(|file| Ok(file?.path())).collect::<std::io::Result<_>>()?;
        files.sort();
        let mut inputs = Vec::new();
        for file in files {
            let bytes = std::fs::read(&file)?;
            if target == "index" && Format::of(&bytes) == Some(Format::Safetensors) {
                // The files that an index names stay as they are.
                std::fs::copy(&file, folder.path().join(file.file_name().unwrap_or_default()))?;
            } else {
                inputs.push(bytes);
            }
        }
        let corpus = inputs.len();
        Ok(Fuzzer {
            target: target.to_owned(),
            inputs,
            corpus,
            folder,
            seen: BTreeSet::new(),
            limit,
            figures: Figures::default(),
        })
    }

    /// Tries one input.
    ///
    /// # Panics
    /// If the parser does, or takes too much of anything.
    pub fn step(&mut self, seed: u64) {
        let mut mutator = Mutator::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ self.figures.inputs);
        let input = mutator.input(&self.inputs, self.corpus);
        let start = busy();
        let (outcome, memory) = peak(|| catch_unwind(AssertUnwindSafe(|| self.parse(&input))));
        let time = busy().saturating_sub(start);
        self.figures.memory = self.figures.memory.max(memory);
        self.figures.slowest = self.figures.slowest.max(time);
        self.demand(memory <= MEMORY + 128 * input.len(), "takes too much memory", &input);
        self.demand(time <= self.limit, "takes too long", &input);
        match outcome {
            Err(_) => self.demand(false, "panics", &input),
            Ok(outcome) => self.note(outcome, &input),
        }
        self.figures.inputs += 1;
    }

    /// How many tensors there are.
    fn parse(&self, input: &[u8]) -> Result<usize> {
        let tensors = match self.target.as_str() {
            "torch" | "legacy" => torch::from_bytes(input.to_vec())?.into_state_dict()?,
            "pickle" => torch::from_bytes(around(input))?.into_state_dict()?,
            "safetensors" => safetensors::from_bytes(input)?,
            "npy" => vec![(String::new(), npy::from_bytes(input.to_vec())?)],
            "plain" => tensors(plain::from_bytes(input.to_vec())?),
            "npz" => npy::archive_from_bytes(input.to_vec())?,
            _ => load(self.file(input))?,
        };
        // Looks at every element of what claims to be small; a view may repeat one without end.
        for (_, tensor) in &tensors {
            if tensor.numel() < 1 << 16 {
                tensor.to_bytes()?;
            }
        }
        if self.figures.inputs.is_multiple_of(16) && !matches!(self.target.as_str(), "index" | "plain") {
            let path = self.file(input);
            let described = describe(&path).map(|description| description.parameters());
            load_with(&path, &LoadOptions { mmap: true }).and(described)?;
        }
        Ok(tensors.len())
    }

    fn file(&self, input: &[u8]) -> PathBuf {
        let path = self.folder.path().join("input");
        std::fs::write(&path, input).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        path
    }

    fn note(&mut self, outcome: Result<usize>, input: &[u8]) {
        let kind = match outcome {
            Ok(tensors) => {
                self.figures.read += 1;
                format!("{tensors} tensors")
            }
            Err(error) => pattern(error.message()),
        };
        if self.seen.insert(kind) && self.inputs.len() < KEPT {
            self.inputs.push(input.to_vec());
        }
        self.figures.outcomes = self.seen.len();
    }

    fn demand(&self, good: bool, what: &str, input: &[u8]) {
        if !good {
            let path = std::env::temp_dir().join(format!("flambeau-fuzz-{}-{}", self.target, self.figures.inputs));
            let kept = std::fs::write(&path, input);
            panic!("{}: an input {what}; kept as {} ({kept:?})", self.target, path.display());
        }
    }
}

/// How long this thread has had a processor, where the system tells (Linux); else a clock.
fn busy() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    match told.and_then(|text| text.split(' ').next()?.parse().ok()) {
        Some(nanoseconds) => Duration::from_nanos(nanoseconds),
        None => START.get_or_init(Instant::now).elapsed(),
    }
}

/// An archive around a pickle, with the storages that the corpus's pickles name.
fn around(pickle: &[u8]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let mut add =
        |name: &str, bytes: &[u8]| archive.start_file(name, options).and_then(|()| Ok(archive.write_all(bytes)?));
    let added =
        add("a/data.pkl", pickle).and_then(|()| (0..12).try_for_each(|key| add(&format!("a/data/{key}"), &[0x3f; 64])));
    added.unwrap_or_else(|e| panic!("an archive in memory: {e}"));
    archive.finish().unwrap_or_else(|e| panic!("an archive in memory: {e}")).into_inner()
}

/// A message's words, without numbers, quoted parts and names of files.
fn pattern(message: &str) -> String {
    let mut quoted = false;
    let keep = |c: &char| {
        if matches!(c, '"' | '\'' | '`') {
            quoted = !quoted;
        }
        !quoted && !c.is_ascii_digit()
    };
    let text: String = message.chars().filter(keep).take(120).collect();
    let words =
        text.split_whitespace().filter(|word| word.chars().all(|c| c.is_ascii_alphabetic() || c == ':' || c == ','));
    words.take(10).collect::<Vec<_>>().join(" ")
}

/// The tensors in a value, wherever they are.
fn tensors(value: Value) -> Vec<(String, Tensor)> {
    match value {
        Value::Tensor(tensor) => vec![(String::new(), tensor)],
        Value::List(values) | Value::Tuple(values) => values.into_iter().flat_map(tensors).collect(),
        Value::Dict(entries) => entries.into_iter().flat_map(|(key, value)| [key, value]).flat_map(tensors).collect(),
        _ => Vec::new(),
    }
}
