//! Random numbers of single samples.

/// The seed of one epoch, of which each sample's own random numbers are made: whatever worker prepares a sample, in
/// whatever order, it comes out the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochSeed(pub u64);

/// Weyl's increment of SplitMix64: the golden ratio in 64 bits.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

impl EpochSeed {
    /// The random numbers of sample number `index`.
    pub fn sample(self, index: usize) -> Draws {
        // Both are mixed, so that neighbouring samples of one epoch, and one sample in two epochs, have nothing in
        // common.
        Draws(mix(mix(self.0.wrapping_add(GOLDEN)) ^ mix((index as u64).wrapping_mul(GOLDEN).wrapping_add(1))))
    }
}

/// A small generator, SplitMix64 (G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators",
/// 2014): a sample needs a handful of numbers, and the Mersenne Twister's seeding would cost more than the sample.
#[derive(Clone, Debug)]
pub struct Draws(u64);

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Draws {
    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0)
    }

    /// A whole number below `limit`; 0 if that is 0.
    pub fn below(&mut self, limit: usize) -> usize {
        // The high half of a product: its bias is below limit / 2^64.
        ((u128::from(self.bits()) * limit as u128) >> 64) as usize
    }

    /// A number from 0 to 1, which it does not reach.
    pub fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A number between two.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_and_epochs_have_numbers_of_their_own() {
        let first = |epoch: u64, index: usize| EpochSeed(epoch).sample(index).bits();
        let mut seen: Vec<u64> = (0..100).flat_map(|epoch| (0..100).map(move |index| first(epoch, index))).collect();
        assert_eq!(first(3, 5), first(3, 5));
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 100 * 100);
    }

    #[test]
    fn numbers_are_even_over_samples() {
        // The first draw of many samples, as augmentation uses it. A chi-squared of 9 degrees of freedom is beyond 40
        // once in 100,000 seeds, and the seed is fixed.
        let mut counts = [0u32; 10];
        (0..10_000).for_each(|index| counts[EpochSeed(7).sample(index).below(10)] += 1);
        let squares: f64 = counts.iter().map(|&n| (f64::from(n) - 1000.0).powi(2) / 1000.0).sum();
        assert!(squares < 40.0, "{counts:?}");
        let mean = (0..10_000).map(|index| EpochSeed(8).sample(index).uniform()).sum::<f64>() / 10_000.0;
        assert!((mean - 0.5).abs() < 0.02, "{mean}");
    }
}
