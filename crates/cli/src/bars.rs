//! Bars of plain text.

/// A bar of `value` where `full` is `width` characters long, to an eighth of a character. What is
/// longer ends in an arrow.
pub fn bar(value: f64, full: f64, width: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    if value.is_nan() || full.is_nan() || value <= 0.0 || full <= 0.0 {
        return String::new();
    }
    if value > full * 1.000_001 {
        return "█".repeat(width.saturating_sub(1)) + "▶";
    }
    let eighths = ((value / full * width as f64 * 8.0).round() as usize).clamp(1, width * 8);
    "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths() {
        assert_eq!(bar(1.0, 2.0, 4), "██");
        assert_eq!(bar(2.0, 2.0, 4), "████");
        assert_eq!(bar(3.0, 2.0, 4), "███▶");
        assert_eq!(bar(1.0, 8.0, 1), "▏");
        assert_eq!(bar(1e-9, 1.0, 4), "▏");
        for nothing in [bar(0.0, 1.0, 4), bar(f64::NAN, 1.0, 4), bar(1.0, f64::NAN, 4), bar(1.0, 0.0, 4)] {
            assert_eq!(nothing, "");
        }
    }
}
