//! safetensors.
#![no_main]

use flambeau_fuzz::{soon, touch};
use flambeau_store::safetensors;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    soon(|| touch(safetensors::from_bytes(input)?.iter().map(|(_, tensor)| tensor)));
});
