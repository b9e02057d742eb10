//! A number that tells bytes from other bytes, at the speed of memory.

use crate::parallel;
use crate::scratch::Target;

/// Bytes of a task. The value depends on it, the number of threads has no part in it.
const CHUNK: usize = 256 << 10;
/// Independent chains: enough for the multiplications to overlap and to fill vectors.
const LANES: usize = 32;
const WORD: usize = 8;
/// Odd, with bits everywhere: 2^64 divided by the golden ratio.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// The fingerprint of some bytes: equal for equal bytes, and for others with a probability of about
/// 2^-60 if nobody has tried to make them so (it is no cryptographic hash).
///
/// Each word is mixed into one of many chains by a multiplication, as in the FNV hash.
pub fn fingerprint(bytes: &[u8]) -> u64 {
    let mut chunks = vec![0u64; bytes.len().div_ceil(CHUNK)];
    let target = Target(chunks.as_mut_ptr());
    parallel::run(chunks.len(), |task| {
        let chunk = &bytes[task * CHUNK..bytes.len().min((task + 1) * CHUNK)];
        // SAFETY: one number for each task.
        unsafe { target.at(task).write(of_chunk(chunk)) }
    });
    chunks.into_iter().fold(bytes.len() as u64, mix)
}

fn mix(chain: u64, word: u64) -> u64 {
    let mixed = (chain.rotate_left(29) ^ word).wrapping_mul(FACTOR);
    mixed ^ (mixed >> 32)
}

fn of_chunk(bytes: &[u8]) -> u64 {
    let mut chains = [FACTOR; LANES];
    let (blocks, rest) = bytes.as_chunks::<{ LANES * WORD }>();
    for block in blocks {
        for (chain, word) in chains.iter_mut().zip(block.as_chunks::<WORD>().0) {
            let mixed = (*chain ^ u64::from_le_bytes(*word)).wrapping_mul(FACTOR);
            *chain = mixed ^ (mixed >> 32);
        }
    }
    let (words, tail) = rest.as_chunks::<WORD>();
    let mut last = [0; WORD];
    last[..tail.len()].copy_from_slice(tail);
    let words = words.iter().chain(std::iter::once(&last)).map(|word| u64::from_le_bytes(*word));
    chains.into_iter().chain(words).fold(FACTOR, mix)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(len: usize) -> Vec<u8> {
        (0..len).map(|i| (i * 31 + i / 256 * 7) as u8).collect()
    }

    #[test]
    fn every_bit_counts_and_so_does_the_order() {
        for len in [1, 7, 8, 255, 256, 257, 1000, CHUNK + 3] {
            let mut numbers = bytes(len);
            let before = fingerprint(&numbers);
            assert_eq!(before, fingerprint(&bytes(len)));
            for at in [0, len / 3, len / 2, len - 1] {
                for bit in 0..8 {
                    numbers[at] ^= 1 << bit;
                    assert_ne!(before, fingerprint(&numbers), "bit {bit} of byte {at} of {len}");
                    numbers[at] ^= 1 << bit;
                }
            }
        }
        let (mut numbers, len) = (bytes(3 * CHUNK), 3 * CHUNK);
        let before = fingerprint(&numbers);
        numbers.swap(5, len - 9);
        assert_ne!(before, fingerprint(&numbers));
        assert_ne!(fingerprint(&[0; 64]), fingerprint(&[0; 65]));
        assert_ne!(fingerprint(&[]), fingerprint(&[0]));
    }
}
