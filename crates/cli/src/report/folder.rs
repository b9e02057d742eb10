//! A run's files:
//!
//! | file | what is in it |
//! | --- | --- |
//! | `metrics.jsonl` | one object for each epoch: [`Epoch`] |
//! | `metrics.csv` | the same as a table |
//! | `story.json` | all else of a [`Story`], pictures as PNG in base64 |
//!
//! Each is written whole, so that a run that is stopped leaves the last whole epoch.

use super::story::{Epoch, Story};
use crate::numbers;
use flambeau::{Error, Result};
use std::collections::BTreeSet;
use std::path::Path;

const STORY: &str = "story.json";
const METRICS: &str = "metrics.jsonl";
const TABLE: &str = "metrics.csv";

/// Writes a run's files into its folder, which is there.
///
/// # Errors
/// If a file cannot be written.
pub fn save(story: &Story, folder: &Path) -> Result<()> {
    let failed = |error: serde_json::Error| Error::value(format!("the story of a run: {error}"));
    let mut lines = String::new();
    for epoch in &story.epochs {
        lines += &serde_json::to_string(epoch).map_err(failed)?;
        lines.push('\n');
    }
    numbers::write(&folder.join(METRICS), &lines)?;
    numbers::write(&folder.join(TABLE), &table(&story.epochs))?;
    numbers::write(&folder.join(STORY), &(serde_json::to_string_pretty(story).map_err(failed)? + "\n"))
}

/// Reads what [`save`] wrote.
///
/// # Errors
/// If a file is missing or is not what it should be.
pub fn load(folder: &Path) -> Result<Story> {
    let read = |name: &str| {
        let path = folder.join(name);
        let failed = |error: &dyn std::fmt::Display| Error::file(format!("{}: {error}", path.display()));
        std::fs::read_to_string(&path).map_err(|error| failed(&error)).map(|text| (path.clone(), text))
    };
    let (path, text) = read(STORY)?;
    let mut story: Story =
        serde_json::from_str(&text).map_err(|error| Error::file(format!("{}: {error}", path.display())))?;
    let (path, text) = read(METRICS)?;
    for (number, line) in text.lines().enumerate() {
        let epoch = serde_json::from_str(line)
            .map_err(|error| Error::file(format!("{}, line {}: {error}", path.display(), number + 1)))?;
        story.epochs.push(epoch);
    }
    Ok(story)
}

/// The epochs as comma-separated values, with names in the first line.
fn table(epochs: &[Epoch]) -> String {
    let more: BTreeSet<&String> = epochs.iter().flat_map(|epoch| epoch.more.keys()).collect();
    let mut text = "epoch,step,train_loss,train_accuracy,validation_loss,validation_accuracy,learning_rate,\
                    images_per_second,seconds"
        .to_owned();
    for name in &more {
        text += ",";
        text += &quoted(name);
    }
    text.push('\n');
    let cell = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
    for epoch in epochs {
        let numbers = [
            Some(epoch.train_loss),
            epoch.train_accuracy,
            epoch.validation_loss,
            epoch.validation_accuracy,
            Some(epoch.learning_rate),
            Some(epoch.images_per_second),
            Some(epoch.seconds),
        ];
        text += &format!("{},{}", epoch.epoch, epoch.step);
        for number in numbers.into_iter().chain(more.iter().map(|&name| epoch.more.get(name).copied())) {
            text.push(',');
            text += &cell(number);
        }
        text.push('\n');
    }
    text
}

/// A text as one cell.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_story_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut story = Story { title: "a <b>".to_owned(), command: vec!["flambeau".to_owned()], ..Story::default() };
        story.configuration.push(("lr".to_owned(), "0.1".to_owned()));
        story.steps.push(1, 2.5, 0.1);
        story.epochs.push(Epoch { epoch: 1, train_loss: 2.5, validation_accuracy: Some(0.25), ..Epoch::default() });
        story.epochs.push(Epoch { epoch: 2, train_loss: 1.5, ..Epoch::default() });
        story.epochs[1].more.insert("top-5, of \"all\"".to_owned(), 0.5);
        save(&story, folder.path()).expect("written");
        assert_eq!(load(folder.path()).expect("read"), story);
        let table = std::fs::read_to_string(folder.path().join(TABLE)).expect("a table");
        let lines: Vec<&str> = table.lines().collect();
        assert!(lines[0].ends_with(r#",seconds,"top-5, of ""all""""#), "{table}");
        assert_eq!(lines[1], "1,0,2.5,,,0.25,0,0,0,");
        assert_eq!(lines[2], "2,0,1.5,,,,0,0,0,0.5");
    }

    #[test]
    fn what_is_no_run_is_told_by_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = load(folder.path()).expect_err("no story");
        assert!(error.message().contains("story.json"), "{error}");
        save(&Story::default(), folder.path()).expect("written");
        std::fs::write(folder.path().join(METRICS), "{\"epoch\": 1}\n{\"epoch\": -1}\n").expect("written");
        let error = load(folder.path()).expect_err("a wrong line");
        assert!(error.message().contains("metrics.jsonl, line 2"), "{error}");
    }
}
