//! The index of a checkpoint in several files. Two files that it may name lie beside it.
#![no_main]

use flambeau_fuzz::{file, soon, touch};
use flambeau_store::load;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let path = file(input);
    soon(|| touch(load(&path)?.iter().map(|(_, tensor)| tensor)));
});
