//! Pooling, and what undoes it.

mod adaptive;
mod average;
mod fractional;
mod max;
mod sizes;
mod unpool;

#[cfg(test)]
mod tests;

pub use sizes::PoolOptions;
