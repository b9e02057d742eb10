//! Random numbers, drawn as PyTorch's CPU generator draws them: the same seed gives the same
//! numbers.
//!
//! [`Generator`] is the Mersenne Twister with what PyTorch keeps beside it; [`Distribution`] says
//! what [`fill`] makes of its words.

mod distribution;
mod mt19937;
mod normal;
mod poisson;
mod state;

pub use distribution::{Distribution, bernoulli, fill, permutation};
pub use mt19937::{DEFAULT_SEED, Generator};
pub use poisson::poisson;
pub use state::{STATE_BYTES, StateError};

#[cfg(test)]
mod tests;
