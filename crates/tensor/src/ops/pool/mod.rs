//! Pooling, and what undoes it.

mod adaptive;
mod average;
mod fractional;
mod max;
mod sizes;
mod unpool;

pub use sizes::PoolOptions;
