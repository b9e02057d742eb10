//! Pickles of containers and NumPy arrays, such as CIFAR's files.
#![no_main]

use flambeau_fuzz::soon;
use flambeau_store::plain;

libfuzzer_sys::fuzz_target!(|input: &[u8]| soon(|| plain::from_bytes(input.to_vec()).map(drop)));
