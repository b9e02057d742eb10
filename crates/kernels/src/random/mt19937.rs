//! MT19937 (Matsumoto and Nishimura, "Mersenne Twister", ACM TOMACS 8, 1998) with the normal
//! samples that PyTorch keeps for the next call.

/// Words of state.
pub(super) const N: usize = 624;
const M: usize = 397;

/// The seed of a generator that was given none.
pub const DEFAULT_SEED: u64 = 67_280_421_310_721;

/// A source of random words.
#[derive(Clone, Debug)]
pub struct Generator {
    pub(super) state: [u32; N],
    /// The next word to hand out; [`N`] when all are used up.
    pub(super) next: usize,
    /// Whether no word has been drawn since seeding.
    pub(super) fresh: bool,
    pub(super) seed: u64,
    /// The second halves of the last pairs of normal samples.
    pub(super) next_float_normal: Option<f32>,
    pub(super) next_double_normal: Option<f64>,
}

impl Default for Generator {
    fn default() -> Self {
        Self::new(DEFAULT_SEED)
    }
}

impl Generator {
    /// A generator seeded with the low 32 bits of `seed`.
    pub fn new(seed: u64) -> Self {
        let mut state = [0; N];
        state[0] = seed as u32;
        for i in 1..N {
            let before = state[i - 1] ^ (state[i - 1] >> 30);
            state[i] = before.wrapping_mul(1_812_433_253).wrapping_add(i as u32);
        }
        Self { state, next: N, fresh: true, seed, next_float_normal: None, next_double_normal: None }
    }

    /// The seed that this generator was last given.
    pub fn initial_seed(&self) -> u64 {
        self.seed
    }

    fn refill(&mut self) {
        let s = &mut self.state;
        let twist = |high: u32, low: u32, far: u32| {
            let y = (high & 0x8000_0000) | (low & 0x7fff_ffff);
            far ^ (y >> 1) ^ (0x9908_b0df & (low & 1).wrapping_neg())
        };
        for i in 0..N - M {
            s[i] = twist(s[i], s[i + 1], s[i + M]);
        }
        for i in N - M..N - 1 {
            s[i] = twist(s[i], s[i + 1], s[i + M - N]);
        }
        s[N - 1] = twist(s[N - 1], s[0], s[M - 1]);
        self.next = 0;
        self.fresh = false;
    }

    /// 32 random bits.
    #[inline]
    pub fn random(&mut self) -> u32 {
        if self.next == N {
            self.refill();
        }
        let mut y = self.state[self.next];
        self.next += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    /// 64 random bits: two words, the higher first.
    #[inline]
    pub fn random64(&mut self) -> u64 {
        let high = u64::from(self.random());
        (high << 32) | u64::from(self.random())
    }

    /// A multiple of 2^-24 in `[0, 1)`.
    #[inline]
    pub fn uniform_f32(&mut self) -> f32 {
        (self.random() & 0xff_ffff) as f32 * (1.0 / 16_777_216.0)
    }

    /// A multiple of 2^-53 in `[0, 1)`.
    #[inline]
    pub fn uniform_f64(&mut self) -> f64 {
        (self.random64() & ((1 << 53) - 1)) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }

    /// A sample of the standard normal distribution (Box and Muller, 1958). Samples come in pairs:
    /// the second is kept for the next call.
    pub fn normal_f64(&mut self) -> f64 {
        if let Some(kept) = self.next_double_normal.take() {
            return kept;
        }
        let (u1, u2) = (self.uniform_f64(), self.uniform_f64());
        let radius = (-2.0 * (-u2).ln_1p()).sqrt();
        let theta = 2.0 * std::f64::consts::PI * u1;
        self.next_double_normal = Some(radius * theta.sin());
        radius * theta.cos()
    }
}
