//! The pickle within a checkpoint. An archive's checksums would hide it from changes.
#![no_main]

use flambeau_fuzz::{checkpoint, soon, touch};
use flambeau_store::torch;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let archive = checkpoint(input);
    soon(|| {
        let state = torch::from_bytes(archive)?.into_state_dict()?;
        touch(state.iter().map(|(_, tensor)| tensor))
    });
});
