//! New tensors: constants and sequences.

mod constant;
mod grid;
mod options;
mod sequence;
mod space;

pub use grid::{MeshIndexing, cartesian_prod, meshgrid, tril_indices, triu_indices};
pub use options::TensorOptions;
