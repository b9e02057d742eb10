//! Numbers for people: three digits and a prefix.

/// A quantity with the decimal prefix that suits it: `115600000.0, "FLOP"` is `116 MFLOP`.
pub fn si(value: f64, unit: &str) -> String {
    scaled(value, 1000.0, &["", "k", "M", "G", "T", "P", "E"], unit)
}

/// A number of bytes with a binary prefix: `768 KiB`.
pub fn memory(bytes: usize) -> String {
    scaled(bytes as f64, 1024.0, &["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"], "B")
}

/// A time in the unit that suits it.
pub fn time(seconds: f64) -> String {
    if !seconds.is_finite() {
        return "-".to_owned();
    }
    let (value, unit) = match seconds {
        s if s >= 1.0 => (s, "s"),
        s if s >= 1e-3 => (s * 1e3, "ms"),
        s => (s * 1e6, "µs"),
    };
    format!("{} {unit}", digits(value))
}

/// A share in per cent; a small one with the digits that show it.
pub fn percent(share: f64) -> String {
    let value = share * 100.0;
    if value >= 10.0 || value == 0.0 { format!("{value:.0} %") } else { format!("{} %", digits(value)) }
}

/// Three significant digits, or all before the point.
pub fn digits(value: f64) -> String {
    match value.abs() {
        v if !v.is_finite() => "-".to_owned(),
        v if v >= 99.95 => format!("{value:.0}"),
        v if v >= 9.995 => format!("{value:.1}"),
        v if v >= 0.995 || v == 0.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

fn scaled(value: f64, step: f64, prefixes: &[&str], unit: &str) -> String {
    let (mut value, mut prefix) = (value, 0);
    // What would be rounded up to a whole step takes the next prefix.
    while value.abs() >= step - 0.5 && prefix + 1 < prefixes.len() {
        value /= step;
        prefix += 1;
    }
    let number = if prefix == 0 && value.fract() == 0.0 { format!("{value:.0}") } else { digits(value) };
    format!("{number} {}{unit}", prefixes[prefix])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_and_digits() {
        assert_eq!(si(115_605_504.0, "FLOP"), "116 MFLOP");
        assert_eq!(si(999.6, "B"), "1.00 kB");
        assert_eq!(si(12.0, "B"), "12 B");
        assert_eq!(si(0.0, "FLOP"), "0 FLOP");
        assert_eq!(memory(768 << 10), "768 KiB");
        assert_eq!(memory(0), "0 B");
        assert_eq!(time(0.000_412), "412 µs");
        assert_eq!(time(0.0123), "12.3 ms");
        assert_eq!(time(f64::NAN), "-");
        assert_eq!(percent(0.745), "74 %");
        assert_eq!(percent(0.001), "0.100 %");
    }
}
