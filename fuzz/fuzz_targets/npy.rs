//! NumPy's arrays.
#![no_main]

use flambeau_fuzz::{soon, touch};
use flambeau_store::npy;

libfuzzer_sys::fuzz_target!(|input: &[u8]| soon(|| touch([&npy::from_bytes(input.to_vec())?])));
