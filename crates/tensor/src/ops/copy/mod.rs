//! Copies: the same numbers in new memory, in another order, format or dtype.

mod assign;
mod convert;
mod fill;
mod format;
mod rearrange;

pub use convert::ToOptions;
pub(crate) use format::like_layout;
