//! Numbers on the command line, and texts that leave it.

use flambeau::ops::Padding;
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

/// A count of at least one.
pub fn positive(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|&n| n > 0).ok_or_else(|| "a whole number above zero is needed".to_owned())
}

/// A time in seconds.
pub fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|s: &f64| *s > 0.0).and_then(|s| Duration::try_from_secs_f64(s).ok());
    seconds.ok_or_else(|| "a number of seconds above zero is needed".to_owned())
}

/// A shape: `1,64,56,56`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape(pub Vec<usize>);

impl FromStr for Shape {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let size = |size: &str| size.trim().parse().ok().filter(|&n: &usize| isize::try_from(n).is_ok());
        let sizes: Option<Vec<usize>> = text.split(',').map(size).collect();
        sizes.map(Self).ok_or_else(|| "sizes separated by commas are needed, such as 1,64,56,56".to_owned())
    }
}

/// One number for both axes or one for each: `2` or `2,1`. Whether they make sense is the library's
/// to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axes(pub Vec<isize>);

impl FromStr for Axes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let axes: Option<Vec<isize>> = text.split(',').map(|axis| axis.trim().parse().ok()).collect();
        axes.map(Self).ok_or_else(|| "a number is needed, or one for each axis, such as 2 or 2,1".to_owned())
    }
}

/// A padding by number or by name.
pub fn padding(text: &str) -> Result<Padding, String> {
    if text.contains(|c: char| c.is_alphabetic()) {
        return Padding::named(text).map_err(|error| error.to_string());
    }
    let axes = text.parse::<Axes>().map_err(|error| format!("{error}, or `same` or `valid`"))?;
    Ok(Padding::Zeros(axes.0))
}

/// Prints. A reader that has gone away, as `head` does, ends the program quietly.
pub fn print(out: &mut dyn Write, text: &str) -> flambeau::Result<()> {
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        outcome => outcome.map_err(|error| flambeau::Error::file(format!("standard output: {error}"))),
    }
}

/// Writes a text file whole or not at all.
pub fn write(path: &Path, text: &str) -> flambeau::Result<()> {
    flambeau::store::write_atomically(path, |file| {
        let failed = |error: std::io::Error| flambeau::Error::file(format!("{}: {error}", path.display()));
        file.write_all(text.as_bytes()).map_err(failed)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        assert_eq!("1,64,56,56".parse(), Ok(Shape(vec![1, 64, 56, 56])));
        assert_eq!("3, 0".parse(), Ok(Shape(vec![3, 0])));
        for wrong in ["", "1,,2", "-1,2", "1x2", "99999999999999999999", "9223372036854775808"] {
            assert!(wrong.parse::<Shape>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn axes_and_paddings() {
        assert_eq!("3".parse(), Ok(Axes(vec![3])));
        assert_eq!("-1,5".parse(), Ok(Axes(vec![-1, 5])));
        assert!("3,".parse::<Axes>().is_err());
        assert_eq!(padding("2,3"), Ok(Padding::Zeros(vec![2, 3])));
        assert_eq!(padding("same"), Ok(Padding::Same));
        assert_eq!(padding("valid"), Ok(Padding::Valid));
        assert_eq!(padding("full"), Err("Invalid padding string: 'full'".to_owned()));
        assert!(padding("").is_err());
    }

    #[test]
    fn times() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for wrong in ["0", "-1", "nan", "inf", "1e300", "soon"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
