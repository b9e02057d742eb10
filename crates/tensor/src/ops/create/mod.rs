//! New tensors: constants and sequences.

mod constant;
mod options;
mod sequence;

pub use options::TensorOptions;
