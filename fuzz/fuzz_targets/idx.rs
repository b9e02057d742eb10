//! IDX, the format of MNIST, packed by gzip or not.
#![no_main]

use flambeau_data::sources::idx;
use flambeau_fuzz::{file, soon};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let path = file(input);
    soon(|| idx::read(&path).map(drop));
});
