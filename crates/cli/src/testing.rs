//! What the tests of all commands share.

use clap::{Args, Parser};

#[derive(Parser)]
struct Line<O: Args> {
    #[command(flatten)]
    options: O,
}

/// The options that words give, without the command's name.
///
/// # Errors
/// clap's, if they are no good command line.
pub fn parse<O: Args>(words: &[&str]) -> Result<O, clap::Error> {
    Line::try_parse_from(["command"].iter().chain(words)).map(|line| line.options)
}

/// The options of a good line, whose words have no spaces in them.
///
/// # Panics
/// If it is none.
pub fn options<O: Args>(line: &str) -> O {
    parse(&line.split_whitespace().collect::<Vec<_>>()).expect("a good command line")
}
