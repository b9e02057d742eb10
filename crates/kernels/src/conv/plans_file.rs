//! Plans on a disk: what was measured once need not be measured by the next process.
//!
//! `FLAMBEAU_PLANS=FILE` in the environment names the file. It is read when the first plan is made,
//! and its plans are followed from then on, whether or not this process measures any; what
//! [`super::Settings::benchmark`] measures is added to it. A file from another machine or version
//! is ignored with a warning and replaced by the next measurement; a file that is no file of plans
//! is never written to.
//!
//! It is text: a line for the format, one for the maker, a line for each plan (`problem =
//! algorithm`) and a checksum over all of these.

use super::planner::{Plan, Problem};
use super::settings::Settings;
use super::{ConvElement, ImageLayout};
use crate::machine;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

const FORMAT: &str = "flambeau plans 2";

/// From a problem's text to an algorithm's name.
type Plans = BTreeMap<String, String>;

/// Why a file's plans are not used.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Unusable {
    /// Ours, but not for here; it may be replaced.
    Stale(String),
    /// Not ours, or not readable; it stays.
    Foreign(String),
}

struct Store {
    path: PathBuf,
    plans: Plans,
    /// Whether what is measured may be written.
    writable: bool,
}

/// The store that the environment names, read once.
fn store() -> Option<&'static Mutex<Store>> {
    static STORE: OnceLock<Option<Mutex<Store>>> = OnceLock::new();
    let open = || {
        let path = PathBuf::from(std::env::var_os("FLAMBEAU_PLANS").filter(|path| !path.is_empty())?);
        let (plans, writable) = match read(&path, &maker()) {
            Ok(plans) => (plans, true),
            Err(Unusable::Stale(why)) => {
                warn(&path, &format!("{why}; its plans are ignored"));
                (Plans::new(), true)
            }
            Err(Unusable::Foreign(why)) => {
                warn(&path, &format!("{why}; it is ignored and will not be written to"));
                (Plans::new(), false)
            }
        };
        Some(Mutex::new(Store { path, plans, writable }))
    };
    STORE.get_or_init(open).as_ref()
}

fn warn(path: &Path, what: &str) {
    eprintln!("flambeau: warning: FLAMBEAU_PLANS={}: {what}", path.display());
}

/// Who makes and may use a file of plans.
fn maker() -> String {
    format!("flambeau {} on {}", env!("CARGO_PKG_VERSION"), machine::name())
}

/// A problem as one line of text, with the settings that a choice depends on.
fn key<T: ConvElement>(problem: &Problem, settings: Settings) -> String {
    let g = &problem.geometry;
    let layout = match problem.layout {
        ImageLayout::ChannelsFirst => "channels-first",
        ImageLayout::ChannelsLast => "channels-last",
    };
    let [input, kernel, stride, begin, end, dilation] =
        [g.input, g.kernel, g.stride, g.padding_begin, g.padding_end, g.dilation]
            .map(|[d, h, w]| format!("{d}x{h}x{w}"));
    format!(
        "{} {} {:?} {layout} weight:{} winograd:{} batch:{} channels:{}->{} groups:{} input:{input} kernel:{kernel} stride:{stride} padding:{begin}+{end} dilation:{dilation}",
        T::NAME,
        problem.isa.name(),
        problem.pass,
        if problem.constant_weight { "constant" } else { "changing" },
        if settings.allow_winograd { "yes" } else { "no" },
        g.batch,
        g.in_channels,
        g.out_channels,
        g.groups,
    )
}

/// The plan of the file for a problem, if there is one and this build can follow it.
pub(super) fn recall<T: ConvElement>(problem: &Problem, settings: Settings) -> Option<Plan<T>> {
    let store = store()?.lock().unwrap_or_else(PoisonError::into_inner);
    let algorithm = store.plans.get(&key::<T>(problem, settings))?;
    Plan::by_name(*problem, algorithm).filter(|_| settings.allows(algorithm)).map(Plan::as_measured)
}

/// Adds a plan to the file, if there is one.
pub(super) fn remember<T: ConvElement>(plan: &Plan<T>, settings: Settings) {
    let Some(store) = store() else { return };
    let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
    store.plans.insert(key::<T>(plan.problem(), settings), plan.algorithm().to_owned());
    if !store.writable {
        return;
    }
    // Another process may have added plans meanwhile.
    if let Ok(theirs) = read(&store.path, &maker()) {
        for (problem, algorithm) in theirs {
            store.plans.entry(problem).or_insert(algorithm);
        }
    }
    if let Err(error) = write(&store.path, &text(&store.plans, &maker())) {
        warn(&store.path, &format!("not written: {error}"));
        store.writable = false;
    }
}

/// The file's content.
fn text(plans: &Plans, maker: &str) -> String {
    let mut text = format!("{FORMAT}\n{maker}\n");
    for (problem, algorithm) in plans {
        text += &format!("{problem} = {algorithm}\n");
    }
    format!("{text}checksum {:016x}\n", checksum(&text))
}

/// FNV-1a, 64 bits: enough to notice a file that was cut or edited.
fn checksum(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The plans in a file; none, if there is no file.
fn read(path: &Path, maker: &str) -> Result<Plans, Unusable> {
    match std::fs::read(path) {
        Ok(bytes) if bytes.is_empty() => Ok(Plans::new()),
        Ok(bytes) => parse(&bytes, maker),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Plans::new()),
        Err(error) => Err(Unusable::Foreign(error.to_string())),
    }
}

fn parse(bytes: &[u8], maker: &str) -> Result<Plans, Unusable> {
    if !bytes.starts_with(b"flambeau plans ") {
        return Err(Unusable::Foreign("not a file of plans".to_owned()));
    }
    let corrupt = || Unusable::Stale("the file is corrupt".to_owned());
    let text = std::str::from_utf8(bytes).map_err(|_| corrupt())?;
    let mut lines = text.lines();
    if lines.next() != Some(FORMAT) {
        return Err(Unusable::Stale("the file has another version's format".to_owned()));
    }
    let (content, sum) = text.rsplit_once("checksum ").ok_or_else(corrupt)?;
    if sum.trim_end() != format!("{:016x}", checksum(content)) {
        return Err(corrupt());
    }
    let found = lines.next().ok_or_else(corrupt)?;
    if found != maker {
        return Err(Unusable::Stale(format!("the file was made by {found}, and this is {maker}")));
    }
    let plan = |line: &str| line.split_once(" = ").map(|(problem, name)| (problem.to_owned(), name.to_owned()));
    content.lines().skip(2).map(|line| plan(line).ok_or_else(corrupt)).collect()
}

/// Writes a file whole or not at all.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let temporary = path.with_file_name(name);
    let written = std::fs::File::create(&temporary).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    let outcome = written.and_then(|()| std::fs::rename(&temporary, path));
    if outcome.is_err() {
        // Nothing is lost if it is not there.
        let _ = std::fs::remove_file(&temporary);
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plans() -> Plans {
        [("float32 forward", "dense"), ("float64 forward", "winograd 4x4")]
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .into()
    }

    #[test]
    fn what_is_written_is_read() {
        let text = text(&plans(), "us");
        assert_eq!(parse(text.as_bytes(), "us"), Ok(plans()));
    }

    #[test]
    fn what_is_not_ours_is_told_from_what_is_stale() {
        let good = text(&plans(), "us");
        assert!(matches!(parse(b"PK\x03\x04", "us"), Err(Unusable::Foreign(_))));
        assert!(matches!(parse(good.as_bytes(), "them"), Err(Unusable::Stale(why)) if why.contains("made by us")));
        let other = good.replace("plans 2", "plans 1");
        assert!(matches!(parse(other.as_bytes(), "us"), Err(Unusable::Stale(why)) if why.contains("version")));
    }

    #[test]
    fn any_damage_is_noticed() {
        let good = text(&plans(), "us");
        for end in "flambeau plans ".len()..good.len() - 1 {
            assert!(parse(&good.as_bytes()[..end], "us").is_err(), "cut at {end}");
        }
        for place in 0..good.len() - 1 {
            let mut bytes = good.clone().into_bytes();
            bytes[place] ^= 0x10;
            assert!(parse(&bytes, "us").is_err(), "byte {place}");
        }
    }
}
