//! Sums, extremes and everything else that runs along dimensions.

mod covariance;
mod dims;
mod extreme;
mod logic;
mod moments;
mod norm;
mod product;
mod sum;

pub use covariance::CovarianceOptions;
pub(crate) use dims::{Mask, reduced_output, restore_dims, wrap_dims};
pub use moments::VarianceOptions;
pub(crate) use sum::{reduce_raw, spread, sum_dtype};
