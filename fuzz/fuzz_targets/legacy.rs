//! PyTorch's format before 1.6: pickles one behind the other, then the storages.
#![no_main]

use flambeau_fuzz::{soon, touch};
use flambeau_store::torch;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    soon(|| {
        let state = torch::from_bytes(input.to_vec())?.into_state_dict()?;
        touch(state.iter().map(|(_, tensor)| tensor))
    });
});
