//! The format that all numbers of a tensor share.

use super::PrintOptions;
use crate::{DType, Scalar};

/// How each number is written.
pub(super) struct Format {
    style: Style,
    width: usize,
}

enum Style {
    /// As it is: integers and truth values.
    Plain,
    /// Whole numbers with a point after them.
    Whole,
    /// This many digits after the point.
    Fixed(usize),
    /// This many digits, and an exponent.
    Scientific(usize),
}

impl Format {
    /// The format for these numbers.
    pub(super) fn of(values: &[Scalar], dtype: DType, options: &PrintOptions) -> Self {
        if !dtype.is_floating_point() {
            let format = Format { style: Style::Plain, width: 1 };
            let width = values.iter().map(|v| format.bare(*v).len()).max().unwrap_or(1);
            return Format { width: width.max(1), ..format };
        }
        // Zeros and what is not finite say nothing about magnitudes.
        let telling: Vec<f64> = values.iter().map(|v| v.to_f64()).filter(|v| v.is_finite() && *v != 0.0).collect();
        if telling.is_empty() {
            return Format { style: Style::Whole, width: 1 };
        }
        let smallest = telling.iter().fold(f64::INFINITY, |least, v| least.min(v.abs()));
        let largest = telling.iter().fold(0.0, |most: f64, v| most.max(v.abs()));
        let far_apart = largest / smallest > 1000.0 || largest > 1e8 || smallest < 1e-4;
        let style = if options.sci_mode.unwrap_or(far_apart) {
            Style::Scientific(options.precision)
        } else if telling.iter().all(|v| *v == v.ceil()) {
            Style::Whole
        } else {
            Style::Fixed(options.precision)
        };
        let format = Format { style, width: 1 };
        let width = telling.iter().map(|v| format.bare(Scalar::Float(*v)).len()).max().unwrap_or(1);
        Format { width: width.max(1), ..format }
    }

    /// Characters that a number takes, if it is not longer than those that decided the format.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// A number, filled up with spaces in front.
    pub(super) fn text(&self, value: Scalar) -> String {
        format!("{:>1$}", self.bare(value), self.width)
    }

    fn bare(&self, value: Scalar) -> String {
        let number = match value {
            Scalar::Bool(true) => return "True".to_owned(),
            Scalar::Bool(false) => return "False".to_owned(),
            Scalar::Int(number) => return number.to_string(),
            Scalar::Float(number) => number,
        };
        if number.is_nan() {
            return "nan".to_owned();
        }
        if number.is_infinite() {
            return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
        }
        match self.style {
            Style::Plain => number.to_string(),
            Style::Whole => format!("{number:.0}."),
            Style::Fixed(digits) => format!("{number:.digits$}"),
            Style::Scientific(digits) => scientific(number, digits),
        }
    }
}

/// As C writes it: a sign and at least two digits in the exponent.
fn scientific(number: f64, digits: usize) -> String {
    let text = format!("{number:.digits$e}");
    let Some((mantissa, exponent)) = text.split_once('e') else { return text };
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
    format!("{mantissa}e{sign}{exponent:0>2}")
}
