//! Copies: the same numbers in new memory, in another order, format or dtype.

mod assign;
mod convert;
mod diagonal;
mod fill;
mod format;
mod rearrange;
mod repeat;
mod resize;
mod triangle;

pub use convert::ToOptions;
pub(crate) use format::like_layout;
