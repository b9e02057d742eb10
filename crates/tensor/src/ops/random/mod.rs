//! Random tensors. All of them take their numbers from a [`crate::Generator`]: the default one
//! where none is given.

mod create;
mod inplace;
mod sample;

pub use sample::normal;

use crate::{Generator, default_generator};

/// The generator to use.
fn generator_or_default(generator: Option<&Generator>) -> Generator {
    generator.cloned().unwrap_or_else(default_generator)
}

/// A number as C++ streams print it, which is how PyTorch's messages have it: six digits.
fn streamed(value: f64) -> String {
    if !value.is_finite() || value == 0.0 {
        return format!("{value}").to_lowercase();
    }
    let exponent = format!("{value:.5e}").rsplit_once('e').and_then(|(_, e)| e.parse::<i32>().ok()).unwrap_or(0);
    let trim = |s: &str| {
        if s.contains('.') { s.trim_end_matches('0').trim_end_matches('.').to_owned() } else { s.to_owned() }
    };
    if (-5..6).contains(&exponent) {
        return trim(&format!("{value:.*}", (5 - exponent).max(0) as usize));
    }
    let scientific = format!("{value:.5e}");
    let (mantissa, _) = scientific.rsplit_once('e').unwrap_or((&scientific, ""));
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", trim(mantissa), exponent.abs())
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_are_printed_as_streams_print_them() {
        for (value, text) in
            [(1.5, "1.5"), (-1.0, "-1"), (0.0, "0"), (1e308, "1e+308"), (123456.7, "123457"), (1e-7, "1e-07")]
        {
            assert_eq!(super::streamed(value), text);
        }
    }
}
