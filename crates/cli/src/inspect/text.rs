//! The report for people.

use super::shared;
use flambeau::store::{Description, TensorInfo};
use flambeau_kernels::units;
use std::collections::BTreeMap;
use std::fmt::Write;

/// How long a name may be before the columns after it give way.
const WIDEST_NAME: usize = 60;
/// How many facts beside the tensors are shown.
const FACTS: usize = 40;

/// The whole report.
pub fn report(file: &str, description: &Description, guess: Option<&str>, list: bool) -> String {
    let tensors = &description.tensors;
    let mut text = String::new();
    let plural = if tensors.len() == 1 { "" } else { "s" };
    line(
        &mut text,
        "file",
        &format!("{}: {}, {}", plain(file), description.format.name(), size(description.file_bytes)),
    );
    if let Some(guess) = guess {
        line(&mut text, "looks like", guess);
    }
    line(&mut text, "tensors", &format!("{} tensor{plural}, {}", tensors.len(), dtypes(tensors)));
    line(&mut text, "elements", &grouped(description.parameters()));
    let shared = shared(description);
    if list && !tensors.is_empty() {
        text.push('\n');
        let widest = tensors.iter().map(|t| plain(&t.name).chars().count()).max().unwrap_or(0).min(WIDEST_NAME);
        for tensor in tensors {
            let mut row = format!(
                "{:widest$}  {:9} {:>10}  {:?}",
                plain(&tensor.name),
                tensor.dtype.name,
                size(tensor.bytes()),
                tensor.shape
            );
            if !is_contiguous(tensor) {
                row += &format!(", strides {:?}", tensor.placed.strides);
            }
            if shared.contains_key(&tensor.placed.storage) {
                row += &format!(", storage {}", tensor.placed.storage);
            }
            if tensor.placed.location != "cpu" {
                row += &format!(", saved on {}", plain(&tensor.placed.location));
            }
            text.push_str(row.trim_end());
            text.push('\n');
        }
    }
    if !shared.is_empty() {
        text.push_str("\nshared storages\n");
        for (storage, names) in &shared {
            let names: Vec<String> = names.iter().map(|name| plain(name)).collect();
            _ = writeln!(text, "  storage {storage}: {}", names.join(", "));
        }
    }
    if !description.metadata.is_empty() {
        text.push_str("\nalso holds\n");
        for (key, value) in description.metadata.iter().take(FACTS) {
            _ = writeln!(text, "  {}: {}", plain(key), plain(value));
        }
        if description.metadata.len() > FACTS {
            _ = writeln!(text, "  and {} more (--json shows all)", description.metadata.len() - FACTS);
        }
    }
    text
}

fn line(text: &mut String, label: &str, content: &str) {
    _ = writeln!(text, "{label:10} {content}");
}

/// How many tensors of each dtype, and their bytes.
fn dtypes(tensors: &[TensorInfo]) -> String {
    let mut counts: BTreeMap<&str, (usize, u64)> = BTreeMap::new();
    for tensor in tensors {
        let count = counts.entry(tensor.dtype.name).or_default();
        count.0 += 1;
        count.1 = count.1.saturating_add(tensor.bytes());
    }
    let counts: Vec<String> =
        counts.into_iter().map(|(name, (n, bytes))| format!("{n} of {name} ({})", size(bytes))).collect();
    if counts.is_empty() { "nothing else".to_owned() } else { counts.join(", ") }
}

fn is_contiguous(tensor: &TensorInfo) -> bool {
    let mut expected = 1usize;
    tensor.shape.contains(&0)
        || tensor.shape.iter().zip(&tensor.placed.strides).rev().all(|(&size, &stride)| {
            let usual = size == 1 || stride == expected;
            expected = expected.saturating_mul(size);
            usual
        })
}

fn size(bytes: u64) -> String {
    units::memory(usize::try_from(bytes).unwrap_or(usize::MAX))
}

/// A number with its thousands apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at != 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A text from a file without what could steer a terminal.
fn plain(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_readable() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(25_557_032), "25,557,032");
        assert_eq!(plain("a\u{1b}[31mb\n"), "a\\u{1b}[31mb\\n");
    }
}
