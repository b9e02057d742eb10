//! A file of any format, told by its content: what is in it, and its tensors mapped.
#![no_main]

use flambeau_fuzz::{file, soon, touch};
use flambeau_store::{LoadOptions, describe, load_with};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let path = file(input);
    soon(|| describe(&path).map(|description| drop(description.parameters())));
    soon(|| touch(load_with(&path, &LoadOptions { mmap: true })?.iter().map(|(_, tensor)| tensor)));
});
