//! Generators: where random operators take their numbers from.

use crate::{DType, Error, Result, Tensor};
use flambeau_kernels::random::{self, STATE_BYTES, StateError};
use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, LazyLock, Mutex};

/// A source of random numbers: PyTorch's CPU generator. A clone is the same generator.
///
/// ```
/// use flambeau_tensor::Generator;
/// let generator = Generator::new();
/// generator.manual_seed(42);
/// assert_eq!(generator.initial_seed(), 42);
/// ```
#[derive(Clone, Debug)]
pub struct Generator(Arc<Mutex<random::Generator>>);

impl Default for Generator {
    fn default() -> Self {
        Self::new()
    }
}

impl Generator {
    /// A generator with PyTorch's default seed.
    pub fn new() -> Self {
        Self::seeded(random::DEFAULT_SEED)
    }

    /// A generator with this seed, of which the low 32 bits count.
    pub fn seeded(seed: u64) -> Self {
        Self::of(random::Generator::new(seed))
    }

    fn of(state: random::Generator) -> Self {
        Generator(Arc::new(Mutex::new(state)))
    }

    /// Uses the generator; nobody else can meanwhile.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut random::Generator) -> R) -> R {
        // A panic leaves a generator whose next numbers are others, which harms nothing.
        f(&mut self.0.lock().unwrap_or_else(|e| e.into_inner()))
    }

    /// Starts over from a seed.
    pub fn manual_seed(&self, seed: u64) {
        self.with(|g| *g = random::Generator::new(seed));
    }

    /// Starts over from a seed that nobody can foresee, and gives it.
    pub fn seed(&self) -> u64 {
        let seed = unforeseeable();
        self.manual_seed(seed);
        seed
    }

    /// The seed that the generator was last given.
    pub fn initial_seed(&self) -> u64 {
        self.with(|g| g.initial_seed())
    }

    /// The whole state as a uint8 tensor, in PyTorch's layout.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn get_state(&self) -> Result<Tensor> {
        Tensor::from_slice(&self.with(|g| g.to_bytes()), [STATE_BYTES])
    }

    /// Takes over a state that [`Generator::get_state`] or PyTorch gave.
    ///
    /// # Errors
    /// If the tensor is no such state.
    pub fn set_state(&self, state: &Tensor) -> Result<()> {
        if state.dtype() != DType::U8 {
            return Err(Error::type_("RNG state must be a torch.ByteTensor"));
        }
        let bytes = state.to_vec::<u8>()?;
        self.with(|g| g.set_bytes(&bytes)).map_err(|e| {
            Error::runtime(match e {
                StateError::Size(size) => format!(
                    "Expected a CPUGeneratorImplState of size {STATE_BYTES} but found the input RNG state size to be {size}"
                ),
                StateError::Invalid => "Invalid mt19937 state".to_owned(),
            })
        })
    }

    /// Another generator in the same state.
    #[must_use]
    pub fn clone_state(&self) -> Generator {
        Self::of(self.with(|g| g.clone()))
    }

    /// 32 random bits.
    pub fn random(&self) -> u32 {
        self.with(|g| g.random())
    }

    /// 64 random bits.
    pub fn random64(&self) -> u64 {
        self.with(|g| g.random64())
    }
}

/// The standard library seeds its hashers from the operating system's randomness.
fn unforeseeable() -> u64 {
    let hash = std::collections::hash_map::RandomState::new().build_hasher().finish();
    // PyTorch's seeds of this kind fit 53 bits, so that they survive a float64.
    hash & ((1 << 53) - 1)
}

/// The generator of operators that are given none.
pub fn default_generator() -> Generator {
    static DEFAULT: LazyLock<Generator> = LazyLock::new(|| Generator::seeded(unforeseeable()));
    DEFAULT.clone()
}

/// Seeds the default generator.
pub fn manual_seed(seed: u64) {
    default_generator().manual_seed(seed);
}
