//! Tables of text: a row for each image, its columns apart by commas.
//!
//! Either a row has the image's pixels, whole numbers from 0 to 255, and its label; there are as many pixels as a
//! square image of one or three channels has. Or it has the name of a picture's file, from the table's folder, and
//! its label. Where the first row names the columns, the label is the one called `label`, `class` or `target`.

use super::Options;
use crate::Images;
use crate::files::Content;
use crate::picture;
use flambeau_tensor::{Error, Result};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Where the label stands in a row whose columns have no names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Label {
    /// In the first column.
    #[default]
    First,
    /// In the last column.
    Last,
}

/// Names of the label's column.
const LABELS: [&str; 3] = ["label", "class", "target"];

/// Reads a table, packed by gzip or not. Classes are the labels that occur, in the order of numbers if all are
/// numbers, else of letters.
///
/// # Errors
/// If the file cannot be read, or a row is not as the others; the error names the line.
pub fn read(path: &Path, options: &Options) -> Result<Images> {
    let mut table = Table { file: Content::open(path)?, line: 0 };
    let Some(first) = table.row()? else { return Err(table.file.error("an empty table")) };
    let named = first.iter().position(|name| LABELS.iter().any(|label| name.trim().eq_ignore_ascii_case(label)));
    // Pixels are numbers: a first row of other things but the label names the columns.
    let texts = first.iter().filter(|value| value.trim().parse::<f64>().is_err()).count();
    let is_header = named.is_some() || (first.len() > 2 && texts > 1);
    let columns = first.len();
    if columns < 2 {
        return Err(table.wrong("a row has a label and an image, apart by commas"));
    }
    let label = match named {
        Some(column) => column,
        // Two columns are a file and its label, in either order.
        None if columns == 2 => usize::from(is_header || picture::is_named_so(Path::new(first[0].trim()))),
        None if options.label == Label::Last => columns - 1,
        None => 0,
    };
    let mut rows = Rows { columns, label, ..Rows::default() };
    if !is_header {
        rows.add(first, &table)?;
    }
    while let Some(row) = table.row()? {
        rows.add(row, &table)?;
    }
    rows.images(path, options, &table)
}

fn is_number(text: &str) -> bool {
    text.trim().parse::<i64>().is_ok()
}

struct Table<'a> {
    file: Content<'a>,
    line: u64,
}

impl Table<'_> {
    /// The values of the next line that has any.
    fn row(&mut self) -> Result<Option<Vec<String>>> {
        loop {
            let Some(line) = self.file.line()? else { return Ok(None) };
            self.line += 1;
            if !line.trim().is_empty() {
                return Ok(Some(values(&line)));
            }
        }
    }

    fn wrong(&self, what: impl std::fmt::Display) -> Error {
        self.file.error(format!("line {}: {what}", self.line))
    }
}

/// What commas part, except inside quotation marks; two of these inside are one.
fn values(line: &str) -> Vec<String> {
    let mut values = vec![String::new()];
    let (mut quoted, mut characters) = (false, line.chars().peekable());
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                push(&mut values, '"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => values.push(String::new()),
            other => push(&mut values, other),
        }
    }
    values
}

fn push(values: &mut [String], character: char) {
    if let Some(value) = values.last_mut() {
        value.push(character);
    }
}

/// What was read so far.
#[derive(Default)]
struct Rows {
    columns: usize,
    label: usize,
    pixels: Vec<u8>,
    files: Vec<String>,
    labels: Vec<String>,
}

impl Rows {
    fn add(&mut self, mut row: Vec<String>, table: &Table) -> Result<()> {
        if row.len() != self.columns {
            return Err(table.wrong(format!("{} values, and the first row has {}", row.len(), self.columns)));
        }
        self.labels.push(row.remove(self.label).trim().to_owned());
        if row.len() == 1 && self.pixels.is_empty() {
            self.files.push(row.remove(0));
            return Ok(());
        }
        for (column, value) in row.iter().enumerate() {
            let pixel = value.trim().parse::<f64>().ok().filter(|v| v.fract() == 0.0 && (0.0..=255.0).contains(v));
            let pixel = pixel.ok_or_else(|| {
                table.wrong(format!("pixel {column} is '{value}', and whole numbers from 0 to 255 are expected"))
            })?;
            self.pixels.push(pixel as u8);
        }
        Ok(())
    }

    fn images(self, path: &Path, options: &Options, table: &Table) -> Result<Images> {
        let (labels, classes) = classes(&self.labels);
        if !self.files.is_empty() {
            let folder = path.parent().unwrap_or(Path::new(""));
            let files: Vec<PathBuf> = self.files.iter().map(|file| folder.join(file.trim())).collect();
            return Images::from_files(files, options.color, labels, classes);
        }
        let pixels = self.columns - 1;
        let square = |channels: usize| {
            let side = (pixels / channels).isqrt();
            (channels * side * side == pixels && side > 0).then_some([channels, side, side])
        };
        let shape = square(1)
            .or_else(|| square(3))
            .ok_or_else(|| table.file.error(format!("{pixels} pixels are no square image of one or three channels")))?;
        Images::packed(self.pixels, shape, labels, classes)
    }
}

/// The number of each label's class, and the classes' names.
fn classes(labels: &[String]) -> (Vec<i64>, Vec<String>) {
    let mut names: Vec<&String> = labels.iter().collect::<BTreeSet<_>>().into_iter().collect();
    if names.iter().all(|name| is_number(name)) {
        names.sort_by_key(|name| name.parse::<i64>().unwrap_or_default());
    }
    let numbers: std::collections::HashMap<&String, i64> =
        names.iter().enumerate().map(|(number, name)| (*name, number as i64)).collect();
    (labels.iter().map(|label| numbers[label]).collect(), names.into_iter().cloned().collect())
}
