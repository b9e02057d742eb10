//! Elements picked by index.

mod advanced;
mod along;
mod mask;
mod one_hot;
mod rows;
mod scatter;
mod scatter_reduce;
mod search;
mod subscript;
mod take;
mod whole;

pub use scatter_reduce::ScatterReduce;
pub use search::{isin, where_nonzero};
pub use subscript::{Index, IntoIndices};
