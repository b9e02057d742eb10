//! A short run of the fuzzer over every parser; `examples/fuzz.rs` makes the long ones.

mod fuzzing;

use fuzzing::{Fuzzer, TARGETS};
use std::time::Duration;

#[test]
fn no_input_breaks_a_parser() -> std::io::Result<()> {
    for target in TARGETS {
        let mut fuzzer = Fuzzer::new(target, Duration::MAX)?;
        (0..400).for_each(|_| fuzzer.step(1));
        let figures = &fuzzer.figures;
        assert!(figures.read > 0 && figures.outcomes > 5, "{target}: it reaches the parser: {figures:?}");
    }
    Ok(())
}
