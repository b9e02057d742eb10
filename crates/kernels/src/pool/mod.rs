//! Maximum pooling, and the moves of numbers by index that its gradients are.

mod max;
mod planar;

pub use max::{Windows, max, max_with_indices};
pub use planar::{gather_planes, scatter_add_planes, scatter_planes};
