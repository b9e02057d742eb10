//! Tables of pixels, packed by gzip or not.
#![no_main]

use flambeau_data::sources::{Options, csv};
use flambeau_fuzz::{file, soon};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let path = file(input);
    soon(|| csv::read(&path, &Options::new()).map(drop));
});
