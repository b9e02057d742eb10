//! Several tensors put together into one.

mod cat;
mod stack;

pub use cat::cat;
pub use stack::{atleast, block_diag, column_stack, dstack, hstack, stack, vstack};
