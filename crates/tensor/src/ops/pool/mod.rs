//! Pooling.

mod adaptive;
mod average;
mod max;
mod sizes;

pub use sizes::PoolOptions;
