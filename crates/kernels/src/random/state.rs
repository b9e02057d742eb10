//! A generator's state as bytes, in the layout that PyTorch's `get_state` gives:
//!
//! | bytes | content |
//! | --- | --- |
//! | 8 | the seed |
//! | 4, 4 | how many words are left before the next refill, plus one; whether it is seeded |
//! | 8 | the index of the next word |
//! | 624 × 8 | the words, each in eight bytes |
//! | 8, 8, 8 | of a pair of normal samples: x (unused), the kept one, rho (unused) |
//! | 4, 4 | whether a float64 sample is kept; padding |
//! | 4, 1, 3 | the kept float32 sample; whether there is one; padding |

use super::mt19937::{Generator, N};

/// The size of a generator's state in bytes.
pub const STATE_BYTES: usize = 5056;

const WORDS: usize = 24;
const NORMAL: usize = WORDS + N * 8;

/// What is wrong with bytes that should have been a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateError {
    /// There are not [`STATE_BYTES`] of them.
    Size(usize),
    /// They describe no state of the Mersenne Twister.
    Invalid,
}

impl Generator {
    /// The whole state.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; STATE_BYTES];
        let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
        let (left, next) = if self.fresh { (1, 0) } else { ((N + 1 - self.next) as u32, self.next as u64) };
        put(0, &self.seed.to_le_bytes());
        put(8, &left.to_le_bytes());
        put(12, &1u32.to_le_bytes());
        put(16, &next.to_le_bytes());
        for (i, &word) in self.state.iter().enumerate() {
            put(WORDS + i * 8, &u64::from(word).to_le_bytes());
        }
        if let Some(kept) = self.next_double_normal {
            put(NORMAL + 8, &kept.to_le_bytes());
            put(NORMAL + 24, &1u32.to_le_bytes());
        }
        if let Some(kept) = self.next_float_normal {
            put(NORMAL + 32, &kept.to_le_bytes());
            put(NORMAL + 36, &[1]);
        }
        bytes
    }

    /// Takes over a state.
    ///
    /// # Errors
    /// If these bytes are none.
    pub fn set_bytes(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        if bytes.len() != STATE_BYTES {
            return Err(StateError::Size(bytes.len()));
        }
        let u64_at = |at: usize| u64::from_le_bytes(std::array::from_fn(|i| bytes[at + i]));
        let u32_at = |at: usize| u32::from_le_bytes(std::array::from_fn(|i| bytes[at + i]));
        let (left, seeded, next) = (u32_at(8), u32_at(12), u64_at(16));
        if seeded == 0 || left == 0 || left as usize > N || next > N as u64 {
            return Err(StateError::Invalid);
        }
        self.seed = u64_at(0);
        self.fresh = left == 1 && next == 0;
        self.next = if left == 1 { N } else { next as usize };
        for (i, word) in self.state.iter_mut().enumerate() {
            *word = u64_at(WORDS + i * 8) as u32;
        }
        self.next_double_normal = (u32_at(NORMAL + 24) != 0).then(|| f64::from_bits(u64_at(NORMAL + 8)));
        self.next_float_normal = (bytes[NORMAL + 36] != 0).then(|| f32::from_bits(u32_at(NORMAL + 32)));
        Ok(())
    }
}
