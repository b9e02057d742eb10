//! Pieces of a page. What is given as `html` is HTML already; all else is escaped here.

use crate::svg::escape;
use flambeau_kernels::units;

/// Text that means itself, within elements and within quoted attributes.
pub fn text(text: &str) -> String {
    // What HTML does not allow in a page at all, such as the end of a string in C.
    let is_allowed = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
    escape(&text.chars().map(|c| if is_allowed(c) { c } else { '\u{fffd}' }).collect::<String>())
}

/// A whole page, which asks no network for anything: its policy forbids what it does not contain.
pub fn page(title: &str, html: &str) -> String {
    let (title, style) = (text(title), include_str!("style.css"));
    let version = env!("CARGO_PKG_VERSION");
    format!(
        r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<link rel="icon" href="data:,"/>
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<h1>{title}</h1>
{html}<footer>Written by flambeau {version}.</footer>
</body>
</html>
"#
    )
}

/// A part of the page; nothing, if there is nothing in it.
pub fn section(title: &str, html: &str) -> String {
    if html.is_empty() { String::new() } else { format!("<section>\n<h2>{}</h2>\n{html}</section>\n", text(title)) }
}

/// A figure under its title and what it shows.
pub fn figure(title: &str, caption: &str, html: &str) -> String {
    let (title, caption) = (text(title), text(caption));
    format!("<figure>\n<figcaption><h3>{title}</h3><p>{caption}</p></figcaption>\n{html}</figure>\n")
}

/// How a column is set.
#[derive(Clone, Copy, PartialEq)]
pub enum Column {
    /// Texts.
    Text,
    /// Numbers.
    Number,
    /// Texts that a narrow page does without.
    Roomy,
}

/// A table whose first column names its rows.
pub fn table(head: &[(&str, Column)], rows: impl IntoIterator<Item = Vec<Cell>>) -> String {
    let class = |column: Column, best: bool| match (column, best) {
        (Column::Text, false) => "",
        (Column::Text, true) => r#" class="best""#,
        (Column::Number, false) => r#" class="n""#,
        (Column::Number, true) => r#" class="n best""#,
        (Column::Roomy, _) => r#" class="roomy""#,
    };
    let mut html = "<div class=\"wide\"><table>\n<thead><tr>".to_owned();
    for &(name, column) in head {
        html += &format!("<th{}>{}</th>", class(column, false), text(name));
    }
    html += "</tr></thead>\n<tbody>\n";
    for row in rows {
        html += "<tr>";
        for (at, (cell, &(_, column))) in row.iter().zip(head).enumerate() {
            html += &match cell {
                Cell::Text(value) if at == 0 => format!("<th{}>{}</th>", class(column, false), text(value)),
                Cell::Text(value) => format!("<td{}>{}</td>", class(column, false), text(value)),
                Cell::Best(value) => format!("<td{}>{}</td>", class(column, true), text(value)),
                Cell::Bar(share) => {
                    format!(r#"<td class="bar"><i style="width:{:.1}%"></i></td>"#, 100.0 * share.clamp(0.0, 1.0))
                }
            };
        }
        html += "</tr>\n";
    }
    html + "</tbody></table></div>\n"
}

/// One cell of a table.
pub enum Cell {
    /// A text or a number.
    Text(String),
    /// The best of its row or column.
    Best(String),
    /// A bar that takes this share of its room.
    Bar(f64),
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// A few large numbers: what they are, the number, and what is to say about it.
pub fn tiles(tiles: &[[String; 3]]) -> String {
    let tile = |[name, value, note]: &[String; 3]| {
        format!("<div><dt>{}</dt><dd>{}<small>{}</small></dd></div>\n", text(name), text(value), text(note))
    };
    format!("<dl class=\"tiles\">\n{}</dl>\n", tiles.iter().map(tile).collect::<String>())
}

/// What is shown only when it is asked for.
pub fn details(summary: &str, html: &str) -> String {
    format!("<details><summary>{}</summary>\n{html}</details>\n", text(summary))
}

/// A measured number: four significant digits.
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return "not a number".to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    let power = value.abs().log10().floor();
    if !(-4.0..6.0).contains(&power) {
        return format!("{value:.3e}");
    }
    let digits = (3.0 - power).max(0.0) as usize;
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A share in per cent, to two places.
pub fn percent(share: f64) -> String {
    if share.is_finite() { format!("{:.2} %", 100.0 * share) } else { "not a number".to_owned() }
}

/// A time of a second or much more.
pub fn duration(seconds: f64) -> String {
    let whole = seconds.round().max(0.0) as u64;
    match whole {
        0..100 => units::time(seconds),
        100..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

/// A count with spaces between its thousands.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// A time in seconds since 1970 as a date.
pub fn date(seconds: u64) -> String {
    // Years begin in March, so that the day that some years lack is their last one.
    let days = seconds / 86_400 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, later) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let (hour, minute) = (seconds % 86_400 / 3600, seconds % 3600 / 60);
    format!("{:04}-{month:02}-{day:02} {hour:02}:{minute:02} UTC", era * 400 + year + later)
}

/// Words as a shell would take them.
pub fn command(words: &[String]) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./=,:@%+".contains(c);
    let word = |word: &String| {
        if !word.is_empty() && word.chars().all(is_plain) {
            word.clone()
        } else {
            format!("'{}'", word.replace('\'', r"'\''"))
        }
    };
    words.iter().map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_for_people() {
        let numbers = [0.0, 1.0, 0.123456, 12345.6, 1e-7, 123.456, 99.999].map(number);
        assert_eq!(numbers, ["0", "1", "0.1235", "12346", "1.000e-7", "123.5", "100"]);
        assert_eq!(number(f64::NAN), "not a number");
        assert_eq!([0.5, 12.3, 125.0, 7260.0].map(duration), ["500 ms", "12.3 s", "2 min 5 s", "2 h 1 min"]);
        assert_eq!([7, 1234, 1_234_567].map(count), ["7", "1\u{202f}234", "1\u{202f}234\u{202f}567"]);
    }

    #[test]
    fn dates() {
        assert_eq!(date(0), "1970-01-01 00:00 UTC");
        assert_eq!(date(951_782_400), "2000-02-29 00:00 UTC");
        assert_eq!(date(1_735_689_599), "2024-12-31 23:59 UTC");
        assert_eq!(date(4_107_542_400), "2100-03-01 00:00 UTC");
    }

    #[test]
    fn commands_can_be_typed_again() {
        let words = ["flambeau", "train", "my images", "it's", ""].map(str::to_owned);
        assert_eq!(command(&words), r"flambeau train 'my images' 'it'\''s' ''");
    }

    #[test]
    fn texts_mean_themselves() {
        assert_eq!(text("<a href=\"x\">'&\0"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;\u{fffd}");
    }
}
